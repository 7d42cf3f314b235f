"""One journey: everything that happened to one pseudonymous visit, clinical events, people's steps and messages in one line of time."""

import streamlit as st

from dashboard.here import here
from dashboard.journey import headline, is_key, read_journey
from dashboard.parts import markup
from dashboard.parts.cases import source_files
from dashboard.parts.deciding import draw_deciding, draw_decisions
from dashboard.parts.head import draw_head, draw_path, kpi_steps
from dashboard.parts.message import draw_links
from dashboard.parts.opening import opening
from dashboard.parts.timeline import NAMES, draw_lanes, draw_timeline
from dashboard.parts.waterfall import draw_waits

now = here()
asked = now.view.case or ""
case = asked if is_key(asked) else ""
draw_head(now, f"Journey of case {case[:8]}" if case else "One journey", filters=False, kpis=[now.view.kpi or ""])
draw_path(now, *kpi_steps(now, now.view.kpi), *([("case", f"Case {case[:8]}", now.view)] if case else []))
if not case:
    what = "The link names no case." if asked else "No case is chosen."
    markup.empty(what, "Open a measure, then one of its cases.")
    st.stop()
opened = opening(now, "journey_event", f"journey of {case}")
if opened is not None:
    events = read_journey(opened, now.found, case)
    if events:
        markup.headline(*headline(events))
        draw_lanes(events)
        draw_waits(now, events, f"journey of {case}")
        st.subheader("Everything that happened", anchor=False)
        kinds = st.pills(
            "Show", list(NAMES), selection_mode="multi", default=list(NAMES), format_func=NAMES.__getitem__, key="kinds"
        )
        draw_timeline(now, [e for e in events if e["kind"] in kinds], source_files(now, f"journey of {case}", events))
        draw_links(now, events)
        draw_deciding(now, "case", case)
        draw_decisions(now, "case", case)
    else:
        markup.empty(
            "Nothing is known of this case.", "The link may be older than the snapshot, or the visit was deleted."
        )
