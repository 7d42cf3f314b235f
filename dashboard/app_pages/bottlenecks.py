"""Where is work stuck? One workflow as a map, its waits ranked by the time they cost, the paths that cases take."""

import streamlit as st

from dashboard import bottlenecks, conformance, waiting
from dashboard.here import here
from dashboard.parts import conformance as parts
from dashboard.parts import markup, workflow
from dashboard.parts import waiting as waits
from dashboard.parts.head import draw_head, draw_not_found, draw_path

now = here()
draw_head(now, "Where is work stuck?", kpis=[])
found = bottlenecks.read(now, workflow.draw_choice(now))
draw_not_found(now.view.workflow, now.view.workflow in (None, found.id), "a workflow", "another one is shown")
edge = next((each for each in found.edges if each["name"] == now.view.step), None)
draw_not_found(now.view.step, edge, "two steps", "all waits of the workflow are shown")
whole = now.view.scope.to(workflow=found.id)
draw_path(
    now,
    *(
        [("bottlenecks", bottlenecks.workflows(now)[found.id], whole), ("bottlenecks", edge["name"], now.view)]
        if edge
        else []
    ),
)
if edge:
    workflow.draw_edge(now, found, edge)
    st.stop()
markup.headline(*bottlenecks.headline(found))
if now.view.unit:
    st.caption("Workflows cross units: this is told by facility.")
if not found.edges:
    markup.empty(
        "No step can be shown.", "Choose a longer period or all facilities; see wardflow status for what is missing."
    )
    st.stop()
st.subheader("The map", anchor=False)
workflow.draw_map(now, found)
st.subheader("Waits, the costliest first", anchor=False)
workflow.draw_waits(now, found)
st.subheader("Why work waits", anchor=False)
reasons = waiting.read(now, found)
waits.draw_reasons(reasons, found)
st.subheader("Who hands over to whom", anchor=False)
waits.draw_handovers(reasons)
st.subheader("The registered path", anchor=False)
judged = conformance.read(now, found)
parts.draw_path(judged)
st.subheader("What must happen in time", anchor=False)
parts.draw_rules(judged)
st.subheader("Paths", anchor=False)
workflow.draw_paths(found)
st.caption(
    "A case counts in the week it began. A wait is the time from one completed step to the next; it is lost as far as it goes "
    "beyond the window that the registry gives the next step. In queue: before anyone had begun, where a begin is recorded. "
    "Steps at the same time stand in a declared order. A finished case keeps to the path when every step that the registry always "
    "expects is recorded, once and in order, and none that is for exceptions or not registered. A case with a step that was sent "
    "without its time or place is in neither count; a step that nobody recorded counts as one that did not happen."
)
