"""How much DuckDB plans: a statement over few rows is taken as it is written, because improving it takes longer than running it.

Here: when, and what is left out. Only for statements over rows just read and temporary tables made of them: against everything that was
ever loaded a plan is always worth its while.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW_ROWS = 1_000
_STILL_WANTED = "filter_pushdown"
"""Without it a join is a product; it costs nothing."""


@contextmanager
def briefly(db: duckdb.DuckDBPyConnection, rows: int) -> Iterator[None]:
    """Within the context statements over so many rows are planned only as far as it pays."""
    if rows > FEW_ROWS:
        yield
        return
    db.execute(f"set disabled_optimizers = '{_improvements()}'")
    try:
        yield
    finally:
        db.execute("reset disabled_optimizers")


@cache
def _improvements() -> str:
    """What this version of DuckDB does to a plan, but for what is still wanted."""
    with duckdb.connect() as db:
        found = db.execute("select name from duckdb_optimizers()").fetchall()
    return ",".join(name for (name,) in found if name != _STILL_WANTED)
