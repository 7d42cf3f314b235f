"""What did not happen that should have, and who looks at it? Counts for everybody; the queue for who may see cases."""

import streamlit as st

from dashboard import exceptions, families, readings
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.card import draw_cards
from dashboard.parts.exceptions import draw_counts, draw_opened
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.opening import opening

now = here()
mine = families.of(readings.readings(now.found, now.person, now.view), "exceptions")
draw_head(now, "What did not happen?", kpis=[each.kpi.id for each in mine])
draw_path(now)
published = exceptions.counts(now)
top, below = st.container(), st.container()
with below:
    opened = None
    if published:
        st.subheader("The queue", anchor=False)
        opened = opening(now, exceptions.TABLE, f"open exceptions of {now.view.place}")
    if opened is not None:
        draw_opened(now, opened, [row["kind"] for row in published])
with top:
    found = exceptions.counts(now, opened)
    markup.headline(*exceptions.headline(found, now.view.place))
    if found:
        draw_counts(now, found)
    if published:
        behind = (
            " Decisions since the last run are not counted yet." if not opened and exceptions.is_behind(now) else ""
        )
        st.caption(
            "An exception is something that was due by a registered or agreed time and had not happened by the data cut, or two "
            "records that disagree beyond the time they may. It says that no record shows it, not that nobody did it. What is "
            "still in time is none. Counted is all that is open and not resolved, whenever it was due, of the facility; the queue "
            f"below can be narrowed to a unit.{behind}"
        )
st.subheader("Each measure", anchor=False)
draw_cards(now, [each for each in mine if each.look != "none"])
