"""One visit as rows in time, with the waits between them. Published rows in, rows out."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dashboard import data
from dashboard.data import Opening
from models import wording
from models.publication import Manifest

Row = dict[str, Any]
_KEY = re.compile(r"[0-9a-f]{32}")


def is_key(text: str) -> bool:
    """Whether a text has the form of a case's number. Whatever else a link may hold is not looked for and not written down."""
    return _KEY.fullmatch(text) is not None


def read_journey(opening: Opening, found: Manifest, case: str) -> list[Row]:
    """The events of the visit that `case` (an encounter) belongs to, an admission together with its emergency visit."""
    own = data.opened_rows(opening, found, "journey_event", {"case_key": case}, order=("seq",))
    if own:
        whole = data.opened_rows(
            opening, found, "journey_event", {"journey_key": own[0]["journey_key"]}, order=("seq",)
        )
    else:
        whole = data.opened_rows(opening, found, "journey_event", {"journey_key": case}, order=("seq",))
    return [row | {"minutes": minutes(row["occurred_at"], row["until_at"])} for row in whole]


def headline(events: Sequence[Row]) -> tuple[str, str]:
    """How long the journey took so far, and its longest single wait."""
    first = events[0]["occurred_at"]
    last = max(e["until_at"] or e["occurred_at"] for e in events)
    lead = f"{wording.duration(minutes(first, last))} from the first event to the last, in {len(events)} steps."
    waits = [e for e in events if e["minutes"] and e["kind"] != "clinical"] or [e for e in events if e["minutes"]]
    if not waits:
        return lead, ""
    longest = max(waits, key=lambda e: e["minutes"])
    return lead, f"The longest wait of people or messages: {longest['what']}, {wording.duration(longest['minutes'])}."


def minutes(start: datetime | None, end: datetime | None) -> float | None:
    """Elapsed minutes between two instants; null when either is not known."""
    return None if start is None or end is None else (end - start).total_seconds() / 60
