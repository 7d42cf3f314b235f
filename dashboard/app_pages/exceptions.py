"""What did not happen that should have, and who looks at it? Counts for everybody; the queue for who may see cases."""

import streamlit as st

from dashboard import exceptions
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.exceptions import draw_counts, draw_one, draw_queue
from dashboard.parts.head import draw_head, draw_path
from dashboard.parts.opening import opening
from models.exceptions import KINDS

now = here()
draw_head(now, "What did not happen?", kpis=[])
draw_path(now)
found = exceptions.counts(now)
markup.headline(*exceptions.headline(found, now.view.place))
if not found:
    st.stop()
draw_counts(now, found)
st.caption(
    "An exception is something that was due by a registered or agreed time and had not happened by the data cut, or two records "
    "that disagree beyond the time they may. It says that no record shows it, not that nobody did it. What is still in time is "
    "none. Counts are of the facility; the queue below can be narrowed to a unit."
)
st.subheader("The queue", anchor=False)
opened = opening(now, exceptions.TABLE, f"open exceptions of {now.view.place}")
if opened is None:
    st.stop()
kinds = [row["kind"] for row in found]
kind = st.selectbox(
    "Kind", [None, *kinds], format_func=lambda each: KINDS[each].title if each else "All kinds", key="exception-kind"
)
rows = exceptions.queue(now, opened, kind)
one = next((row for row in rows if row["exception_key"] == now.view.find), None)
if one:
    draw_one(now, one)
if rows:
    draw_queue(now, rows)
else:
    markup.empty("Nothing waits for anybody.", "Everything of this kind and place was resolved, or happened after all.")
