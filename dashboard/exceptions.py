"""The queue of what did not happen: counts by kind for everybody, and the open ones with their state for who may see cases.

Published rows and the journal in, rows and words out. What an exception is, is the pipeline's; what its decisions mean, is
`models.exceptions`.
"""

from collections.abc import Sequence

from dashboard import data, words
from dashboard.data import Opening, Row
from dashboard.here import Here
from models import wording
from models.exceptions import KINDS, resolved, with_standing

TABLE = "work_exception"


def counts(here: Here, opened: Opening | None = None) -> list[Row]:
    """Kinds that have an open one at the place, in the order to look at them, each with `title`.

    As the last run published them; for who opened the queue as the decision journal has it now.
    """
    if opened:
        left = _resolved(here, opened)
        rows = data.open_exceptions(opened, here.found, TABLE, left, here.suppress_below)
    else:
        rows = data.rows(here.found, here.person, "exception_count")
    found = {row["kind"]: row for row in rows if row["facility"] == here.view.facility}
    return [
        found[kind] | {"title": title}
        for kind, (title, _, _) in KINDS.items()
        if kind in found and (found[kind]["waiting"] or found[kind]["suppressed"])
    ]


def is_behind(here: Here) -> bool:
    """Whether somebody has decided about an exception since the counts were published."""
    return any(d["is_pending"] and d["subject_kind"] == "exception" for d in data.decisions(here.found, here.person))


def headline(rows: Sequence[Row], place: str) -> tuple[str, str]:
    """How many things that should have happened have not, and which has waited longest."""
    known = [row for row in rows if not row["suppressed"]]
    if not rows:
        return "Nothing that should have happened is open.", f"What is due at {place} happened, or was resolved."
    total = sum(row["waiting"] for row in known)
    least = "At least " if len(known) < len(rows) else ""
    verb = "thing has" if total == 1 else "things have"
    lead = f"{least}{wording.number(total)} {verb} not happened that should have."
    oldest = max(known, key=lambda row: row["oldest_minutes"], default=None)
    said = f"The oldest: {oldest['title'].lower()}, {wording.duration(oldest['oldest_minutes'])}." if oldest else ""
    few = len(rows) - len(known)
    hidden = f" Of {few} {'kind' if few == 1 else 'kinds'} the number is hidden: few cases." if least else ""
    return lead, said + hidden


def queue(here: Here, opened: Opening, kind: str | None) -> list[Row]:
    """Open exceptions of the place and kind that nobody has resolved, with `standing`, the oldest of the first kind on top."""
    where: dict[str, object] = {"is_open": True}
    view = here.view
    where |= {
        name: value for name, value in (("facility", view.facility), ("unit", view.unit), ("kind", kind)) if value
    }
    found = data.opened_rows(opened, here.found, TABLE, where, order=("expected_at",))
    rows = with_standing(found, data.decisions(here.found, here.person))
    order = list(KINDS)
    waiting = [row for row in rows if row["standing"].is_in_queue]
    return sorted(waiting, key=lambda row: (order.index(row["kind"]), row["expected_at"], row["exception_key"]))


def _resolved(here: Here, opened: Opening) -> frozenset[str]:
    told = data.decisions(here.found, here.person)
    subjects = tuple(sorted({each["subject"] for each in told if each["subject_kind"] == "exception"}))
    if not subjects:
        return frozenset()
    where: dict[str, object] = {"is_open": True, "exception_key": subjects}
    return resolved(data.opened_rows(opened, here.found, TABLE, where), told)


def where(row: Row) -> str:
    """Facility and ward, channel or workflow."""
    return f"{row['facility']}, {words.unit_name(row['facility'], row['unit'])}"


def owner(row: Row) -> str:
    """Who answers for it: whom it was assigned to, else the registry's owner."""
    return row["owner"] or "nobody"
