"""One message: where it went and what happened on the way. Opened rows in, rows and words out."""

import re
from collections.abc import Sequence
from typing import Any

from dashboard import data
from dashboard.data import Opening
from models import wording
from models.publication import Manifest

Row = dict[str, Any]

STATES = {  # state of a delivery → icon, word, tone
    "delivered": ("check_circle", "delivered", "improve"),
    "queued": ("hourglass_top", "waiting", "neutral"),
    "failed": ("error", "failed", "concern"),
    "dead_lettered": ("error", "dead-lettered", "concern"),
}
_KEY = re.compile(r"[0-9a-f]{32}|[^\s:]+:[0-9A-Za-z._-]+")
BAD = frozenset({"attempt_failed", "nack_received", "nack_sent", "failed", "dead_lettered", "discarded", "expired"})


def is_key(text: str) -> bool:
    """Whether a text has the form of a message's or a delivery's number. Whatever else a link may hold is not looked for and not written
    down.
    """
    return _KEY.fullmatch(text) is not None


def find(deliveries: Opening, found: Manifest, key: str) -> tuple[str, list[Row]]:
    """The message that `key` (its own, or that of one of its deliveries) names, and its deliveries."""
    by_delivery = data.opened_rows(deliveries, found, "message_delivery", {"delivery_key": key})
    message = by_delivery[0]["message_key"] if by_delivery else key
    return message, data.opened_rows(
        deliveries, found, "message_delivery", {"message_key": message}, order=("destination",)
    )


def headline(key: str, events: Sequence[Row], deliveries: Sequence[Row]) -> tuple[str, str]:
    """What became of it, and how long that took from the first event to the last."""
    arrived = sum(row["state"] == "delivered" for row in deliveries)
    what = next((row["msg_type"] for row in deliveries if row["msg_type"]), "The message")
    if not deliveries:
        lead = f"Message {short(key)} went to no destination."
    else:
        lead = f"{what} reached {arrived} of {len(deliveries)} destinations."
    tried = max((row["attempts"] for row in deliveries), default=0)
    minutes = (events[-1]["occurred_at"] - events[0]["occurred_at"]).total_seconds() / 60
    most = f", with {tried} attempts at most" if tried > 1 else ""
    return lead, f"{len(events)} events in {wording.milliseconds(minutes * 60_000)}{most}."


def said(event: Row) -> str:
    """What happened, in words: with the attempt, the answer's code, who did it and the error's text."""
    parts = [wording.message_step(event["event_type"])]
    if event["attempt"] and event["event_type"] == "attempt_started":
        parts.append(
            f"no. {event['attempt']}" + ("" if event["is_attempt_exact"] else " at least; the log keeps only the last")
        )
    if event["ack_code"]:
        parts.append(event["ack_code"])
    if event["actor_role"]:
        parts.append(f"by {event['actor_role']}")
    if event["error_class"]:
        parts.append(f"({event['error_class']}: {event['error_template'] or wording.NONE})")
    return " ".join(parts)


def since(event: Row) -> str:
    """How long after the event before it of the same step; that it cannot be said, where two clocks stamped them."""
    if event["is_other_clock"]:
        return "another clock"
    return f"after {wording.milliseconds(event['since_ms'])}" if event["since_ms"] is not None else ""


def short(key: str) -> str:
    """The end of a message's number, which tells it from others of its channel."""
    return key.rpartition(":")[2][-8:]
