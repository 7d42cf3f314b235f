"""How many exceptions of each kind wait for somebody and how old the oldest is: the published table that every role may see.

Here: reading the queue and what was decided about it. Not here: what an exception is (`models/sql/marts/work_exception.sql`),
what stands open (`models.exceptions`), how it is counted and what is hidden (`models.exception_counts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import polars as pl

from models.exception_counts import open_counts
from models.exceptions import resolved

if TYPE_CHECKING:
    from datetime import date

    import duckdb

READS = ("marts.work_exception", "staging.decision")
DECISIONS = "select * from staging.decision where subject_kind = 'exception'"
DECIDED = f"""
    select *
    from marts.work_exception
    where is_open
        and exception_key in (select subject from ({DECISIONS}))
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
    left = resolved(db.sql(DECIDED).pl().to_dicts(), db.sql(DECISIONS).pl().to_dicts())
    found = open_counts(nw.from_native(db.table("marts.work_exception")), left, today, threshold)
    return pl.DataFrame(found, schema=SCHEMA, orient="row")
