"""How late was the data, and how late were people? One kind of wait, or a measure's time, cut into what hops and what people took."""

import streamlit as st

from dashboard import delays
from dashboard.here import here
from dashboard.parts import delay, markup
from dashboard.parts.head import draw_head, draw_not_found, draw_path
from models import wording
from models.kpi import Kpi

now = here()
draw_head(now, "How late was the data, and how late were people?", kpis=[])
found = delays.read(now, delay.draw_choice(now))
draw_not_found(
    now.view.wait or now.view.kpi,
    found.kind.id in (now.view.wait, now.view.kpi),
    "a wait or measure",
    "another one is shown",
)
draw_not_found(now.view.on, found.start.isoformat() == now.view.on, "a day or week", "the whole period is shown")
kpi = found.kind if isinstance(found.kind, Kpi) else None
whole = (
    now.view.to_kpi(found.kind.id)
    if kpi
    else now.view.scope.to(facility=now.view.facility, unit=now.view.unit, wait=found.kind.id)
)
opened = [("delays", wording.day(found.start) if found.grain == "day" else wording.week(found.start), now.view)]
draw_path(now, ("delays", found.kind.title, whole), *(opened if found.start.isoformat() == now.view.on else []))
if kpi and kpi.counts_no_time:
    markup.empty("No time to tell apart.", kpi.counts_no_time)
    st.stop()
markup.headline(*delays.headline(found, now.suppress_below))
if found.whole is None and not found.steps:
    markup.empty("Nothing can be told here.", "wardflow status says what is missing.")
    st.stop()
st.subheader("When" if found.grain == "week" else "Day by day", anchor=False)
delay.draw_bars(now, found)
if found.parts:
    st.subheader("Where the time went", anchor=False)
    delay.draw_parts(found)
    delay.draw_kinds(found)
    st.subheader("Hops, the costliest first", anchor=False)
    delay.draw_hops(now, found)
    st.subheader("What the numbers cannot know", anchor=False)
    markup.facts(delays.unknowns(found))
    if not kpi:
        st.subheader("The longest waits", anchor=False)
        delay.draw_longest(now, found)
if kpi:
    now.link_to_kpi(kpi, "The measure, with its cases")
    st.caption(
        "A case counts in the period in which the measure counts it, with all its time; an open one on the day of the data cut where the "
        "measure counts it by its end. Its parts add up to it, and no moment counts twice."
    )
else:
    st.caption(
        "A wait counts in the period in which it began, with all its time; its parts add up to it. "
        "Kinds are not added up: some lie inside others."
    )
