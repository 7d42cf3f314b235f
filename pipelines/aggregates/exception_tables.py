"""How many exceptions of each kind are open and how old the oldest is: the published table that every role may see.

Here: the counts, with small numbers of people hidden. Not here: what an exception is (`models/sql/marts/work_exception.sql`),
the rule that hides (`models.disclosure`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from models.disclosure import Cell, suppress
from models.exceptions import KINDS

if TYPE_CHECKING:
    from datetime import date

    import duckdb

WAITING = """
    select
        kind,
        facility,
        count(*) filter (where is_open) as waiting,
        max(minutes_open) filter (where is_open) as oldest_minutes
    from marts.work_exception
    group by grouping sets ((kind), (kind, facility))
    order by kind, facility nulls first
"""
SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "facility": pl.String(),
    "waiting": pl.Int64(),
    "oldest_minutes": pl.Float64(),
    "suppressed": pl.Boolean(),
}


def exception_counts(db: duckdb.DuckDBPyConnection, today: date, threshold: int) -> pl.DataFrame:
    """`exception_count`: one row per kind and facility (null: all of them), numbers null where `suppressed`."""
    found = [dict(zip(SCHEMA, row, strict=False)) for row in db.execute(WAITING).fetchall()]
    for kind, (_, _, about_people) in KINDS.items():
        mine = [row for row in found if row["kind"] == kind]
        cells = [Cell((row["facility"],), "all", today, today + timedelta(days=1), row["waiting"]) for row in mine]
        for row, cell in zip(mine, suppress(cells, threshold) if about_people else cells, strict=True):
            row["suppressed"] = cell.suppressed
            if cell.suppressed:
                row["waiting"] = row["oldest_minutes"] = None
    return pl.DataFrame(found, schema=SCHEMA, orient="row")
