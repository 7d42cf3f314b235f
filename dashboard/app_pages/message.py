"""One message's hops: each channel, destination, attempt, answer and error on its way, down to the line of the log."""

import streamlit as st

from dashboard import data, message
from dashboard.here import here
from dashboard.parts import markup
from dashboard.parts.cases import source_files
from dashboard.parts.head import draw_head, draw_path, kpi_steps
from dashboard.parts.message import draw_deliveries, draw_events
from dashboard.parts.opening import further_opening, opening

now = here()
asked = now.view.message or ""
key = asked if message.is_key(asked) else ""
draw_head(now, f"Message {message.short(key)}" if key else "One message", filters=False, kpis=[now.view.kpi or ""])
draw_path(
    now, *kpi_steps(now, now.view.kpi), *([("message", f"Message {message.short(key)}", now.view)] if key else [])
)
if not key:
    what = "The link names no message." if asked else "No message is chosen."
    markup.empty(what, "Open a measure of interfaces, then one of its cases.")
    st.stop()
opened = opening(now, "message_event", f"hops of {key}")
deliveries = further_opening(now, "message_delivery", f"hops of {key}")
if opened is not None and deliveries is not None:
    found, sent = message.find(deliveries, now.found, key)
    events = data.opened_rows(
        opened, now.found, "message_event", {"message_key": found}, order=("event_order", "destination")
    )
    if events:
        markup.headline(*message.headline(found, events, sent))
        if events[0]["encounter_key"]:
            now.link(
                "case",
                "The journey it belongs to",
                now.view.to(message=None).to_case(events[0]["encounter_key"]),
                icon=":material/route:",
            )
        draw_deliveries(sent)
        draw_events(now, events, source_files(now, f"hops of {key}", events))
    else:
        markup.empty(
            "Nothing is known of this message.", "The link may be older than the snapshot; hops are kept for 27 weeks."
        )
