"""How many exceptions stand open: the one count, for what is published and for every page.

Pure. Here: counting by kind and facility, and hiding small numbers of people. Not here: what the kinds are and what stands open
(`exceptions`).
"""

from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw

from models.disclosure import Cell, suppress
from models.exceptions import KINDS


def open_counts(
    exceptions: nw.LazyFrame[Any], left: AbstractSet[str], today: date, threshold: int
) -> list[dict[str, Any]]:
    """One row per kind and facility (null: all of them) of `work_exception`: how many are `waiting`, and `oldest_minutes`.

    `left`: the keys of those that somebody resolved. Both numbers are null where `suppressed`: small numbers of people, and what
    would tell them by subtraction.
    """
    waits = nw.col("is_open") & ~nw.col("exception_key").is_in(sorted(left)) if left else nw.col("is_open")
    marked = exceptions.select(
        "kind",
        "facility",
        waiting=nw.when(waits).then(1).otherwise(0),
        late=nw.when(waits).then(nw.col("minutes_open")),
    )
    numbers = (nw.col("waiting").sum(), nw.col("late").max().alias("oldest_minutes"))
    parts = marked.group_by("kind", "facility").agg(*numbers).collect("pyarrow").rows(named=True)
    found: list[dict[str, Any]] = []
    for kind, (_, _, about_people) in KINDS.items():
        mine = sorted((row for row in parts if row["kind"] == kind), key=lambda row: row["facility"] or "")
        if not mine:
            continue
        whole: dict[str, Any] = {
            "kind": kind,
            "facility": None,
            "waiting": sum(int(row["waiting"]) for row in mine),
            "oldest_minutes": max((row["oldest_minutes"] for row in mine if row["waiting"]), default=None),
        }
        rows: list[dict[str, Any]] = [whole, *(dict(row) | {"waiting": int(row["waiting"])} for row in mine)]
        cells = [Cell((row["facility"],), "all", today, today + timedelta(days=1), row["waiting"]) for row in rows]
        for row, cell in zip(rows, suppress(cells, threshold) if about_people else cells, strict=True):
            numbers_shown = {} if not cell.suppressed else {"waiting": None, "oldest_minutes": None}
            found.append({**row, **numbers_shown, "suppressed": cell.suppressed})
    return found
