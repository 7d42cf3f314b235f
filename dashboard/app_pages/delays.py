"""How late was the data, and how late were people? One kind of wait, cut into what each hop took and what people took."""

import streamlit as st

from dashboard import delays
from dashboard.here import here
from dashboard.parts import delay, markup
from dashboard.parts.head import draw_head, draw_path
from models import wording

now = here()
draw_head(now, "How late was the data, and how late were people?", kpis=[])
found = delays.read(now, delay.draw_choice(now))
whole = now.view.scope.to(facility=now.view.facility, unit=now.view.unit, wait=found.kind.id)
opened = [("delays", wording.day(found.start) if found.grain == "day" else wording.week(found.start), now.view)]
draw_path(now, ("delays", found.kind.title, whole), *(opened if found.start.isoformat() == now.view.on else []))
markup.headline(*delays.headline(found, now.suppress_below))
if found.whole is None and not found.steps:
    markup.empty("Nothing can be told here.", "wardflow status says what is missing.")
    st.stop()
st.subheader("When" if found.grain == "week" else "Day by day", anchor=False)
delay.draw_bars(now, found)
if found.parts:
    st.subheader("Where the time went", anchor=False)
    delay.draw_parts(found)
    st.subheader("Hops, the costliest first", anchor=False)
    delay.draw_hops(now, found)
    st.subheader("What the numbers cannot know", anchor=False)
    markup.facts(delays.unknowns(found))
    st.subheader("The longest waits", anchor=False)
    delay.draw_longest(now, found)
st.caption(
    "A wait counts in the period in which it began, with all its time; its parts add up to it. "
    "Kinds are not added up: some lie inside others."
)
