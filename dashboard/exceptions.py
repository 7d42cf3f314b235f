"""The queue of what did not happen: counts by kind for everybody, and the open ones with their state for who may see cases.

Published rows and the journal in, rows and words out. What an exception is, is the pipeline's; what its decisions mean, is
`models.exceptions`.
"""

from collections import defaultdict
from collections.abc import Sequence

from dashboard import data, words
from dashboard.data import Opening, Row
from dashboard.here import Here
from models import wording
from models.exceptions import KINDS, standing

TABLE = "work_exception"


def counts(here: Here) -> list[Row]:
    """Kinds that have an open one at the place, in the order to look at them, each with `title`."""
    where = {"facility": here.view.facility}
    found = {row["kind"]: row for row in data.rows(here.found, here.person, "exception_count", where)}
    return [
        found[kind] | {"title": title}
        for kind, (title, _, _) in KINDS.items()
        if kind in found and (found[kind]["waiting"] or found[kind]["suppressed"])
    ]


def headline(rows: Sequence[Row], place: str) -> tuple[str, str]:
    """How many things that should have happened have not, and which has waited longest."""
    known = [row for row in rows if not row["suppressed"]]
    if not rows:
        return "Everything that should have happened did.", f"Nothing is open at {place}."
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
    decided: defaultdict[str, list[Row]] = defaultdict(list)
    for decision in data.decisions(here.found, here.person):
        if decision["subject_kind"] == "exception":
            decided[decision["subject"]].append(decision)
    rows = [
        row | {"standing": standing(row["noticed_at"], decided[row["exception_key"]])}
        for row in data.opened_rows(opened, here.found, TABLE, where)
    ]
    order = list(KINDS)
    waiting = [row for row in rows if row["standing"].is_in_queue]
    return sorted(waiting, key=lambda row: (order.index(row["kind"]), row["expected_at"], row["exception_key"]))


def where(row: Row) -> str:
    """Facility and ward, channel or workflow."""
    return f"{row['facility']}, {words.unit_name(row['facility'], row['unit'])}"


def owner(row: Row) -> str:
    """Who answers for it: whom it was assigned to, else the registry's owner."""
    return row["standing"].owner or row["owner"] or "nobody"
