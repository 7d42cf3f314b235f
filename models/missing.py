"""Messages that should have come and never did: which open exceptions tell of one, and who should have had it. Rows in, values out.

Here: the one rule for every reader, by journey and by message. Not here: when a message is late enough to be missing
(`models/sql/marts/handover.sql`, `expected_message.sql`), reading, drawing.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

NEVER_ARRIVED = ("message_never_seen", "message_lost")
"""The kinds of exception that tell of a message which should have come and never did."""
ABOUT = ("encounter_key", "order_key", "message_key")
"""The columns of `marts.work_exception` by which one belongs to a journey or to a message."""


class Missing(NamedTuple):
    """A message that never came: `where` should have had it by `since`; `what` is missing there, in words.

    `message_key` is null where no log has any message, `order_key` where it is about no order.
    """

    where: str
    what: str
    since: datetime
    message_key: str | None
    order_key: str | None


def never_arrived(exceptions: Iterable[Mapping[str, Any]], keys: Collection[str]) -> list[Missing]:
    """What never came of the encounters, orders and messages in `keys`, in order of time: of rows of `marts.work_exception`.

    `where` is the channel that should have had it with its engine; the facility's engine where nothing says which channel.
    """
    found = {
        row["exception_key"]: Missing(
            _where(row), row["what"], row["expected_at"], row["message_key"], row["order_key"]
        )
        for row in exceptions
        if row["kind"] in NEVER_ARRIVED and row["is_open"] and any(row[column] in keys for column in ABOUT)
    }
    return sorted(found.values(), key=lambda each: (each.since, each.where))


def _where(row: Mapping[str, Any]) -> str:
    if row["channel"] is None:
        return f"{row['facility']}, interface engine"
    return f"{row['channel']} ({row['source']})"
