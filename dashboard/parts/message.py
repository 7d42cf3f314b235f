"""One message drawn: its deliveries as a table, and everything that happened as a list in time."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from dashboard import message
from dashboard.here import Here
from dashboard.message import Row
from dashboard.parts import markup
from models import wording

AT_ONCE = 100
MOST = 12


def draw_deliveries(rows: Sequence[Row]) -> None:
    """Where it went: state, attempts, how long it waited and was under way, and the last error."""
    if not rows:
        st.caption("It was sent on to no destination: filtered, refused, or only handed from channel to channel.")
        return
    heads = ("From", "To", "State", "Attempts", "Wait in queue", "ACK", "Hop", "Last error")
    markup.table(
        "Where this message went",
        heads,
        [
            (
                row["channel"],
                row["destination"],
                message.STATES[row["state"]],
                wording.number(row["attempts"]) + ("" if row["attempts_exact"] else " or more"),
                _known(row["queue_elapsed_ms"]),
                _known(row["ack_latency_ms"]),
                _known(row["hop_elapsed_ms"]) if row["state"] == "delivered" else "not arrived",
                ": ".join(part for part in (row["error_class"], row["error_template"]) if part) or wording.NONE,
            )
            for row in rows
        ],
        numeric=("Attempts", "Wait in queue", "ACK", "Hop"),
        key="deliveries",
    )


def draw_events(here: Here, events: Sequence[Row], files: Mapping[int, str]) -> None:
    """Every event in order, with a line for each new day. `files` are the paths that this role may see, else empty."""
    pages = -(-len(events) // AT_ONCE)
    page = st.pagination(pages, key="page-hops") if pages > 1 else 1
    markup.in_time(events[(page - 1) * AT_ONCE :][:AT_ONCE], lambda event: _item(event, files), "wf-hops")
    st.caption(
        f"Times are local ({here.found.zone}), each by the clock that stamped it. Beside an event stands how long it came after "
        "the one before it at the same channel or destination; between two clocks nobody can say it."
    )


def draw_links(here: Here, events: Sequence[Row]) -> None:
    """The messages of a journey, each a link to its hops; the first ones where there are many."""
    keys = list(dict.fromkeys(event["message_key"] for event in events if event.get("message_key")))
    if not keys:
        return
    more = f", the first {MOST} of {len(keys)}" if len(keys) > MOST else ""
    st.caption(f"The hops of its messages{more}")
    with st.container(horizontal=True, key="messages"):
        for key in keys[:MOST]:
            here.link("message", f"Message {message.short(key)}", here.view.to_message(key), icon=":material/mail:")


def _item(event: Row, files: Mapping[int, str]) -> str:
    is_bad = event["event_type"] in message.BAD
    icon, tone, read = ("error", "concern", "a failure") if is_bad else ("mail", "neutral", "a step")
    if event["actor_role"]:
        icon, read = "person", "a person's step"
    wait = message.since(event)
    where = event["channel"] + (f" to {event['destination']}" if event["destination"] else "")
    source = markup.source_line(event, files)
    at = event["occurred_at"]
    return (
        f'<li><time datetime="{at.isoformat()}">{at:%H:%M:%S}.{at.microsecond // 1000:03d}</time>'
        f'<span class="wf-mark wf-{tone}"><span class="wf-icon" aria-hidden="true">{icon}</span>'
        f'<span class="wf-only-read">{read}</span></span>'
        f'<span class="wf-what">{escape(message.said(event))} <span class="wf-wait">{escape(markup.unbroken(wait))}</span></span>'
        f'<span class="wf-where">{escape(where)}</span><span class="wf-where">{escape(source)}</span></li>'
    )


def _known(amount: float | None) -> str:
    return "not known" if amount is None else wording.milliseconds(amount)
