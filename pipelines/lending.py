"""Arrow tables that DuckDB reads by a name for as long as a statement needs them.

Here: lending and appending. Not here: what is in the tables. Inside a transaction DuckDB keeps everything that was ever
registered until the commit, so that a file read in chunks would stay in memory whole; what is registered here is a
holder that lets go of its table.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_BATCH_ROWS = 8_192
"""DuckDB gives each batch to one thread; a table made in one piece would be read by one alone."""


class _Holder:
    """An Arrow stream (PyCapsule protocol) of the table that it holds at the time."""

    def __init__(self, rows: pa.Table) -> None:
        self._schema = rows.schema
        self.rows: pa.Table | None = rows

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        rows = self._schema.empty_table() if self.rows is None else self.rows
        return rows.to_reader(_BATCH_ROWS).__arrow_c_stream__(requested_schema)


@contextmanager
def lent(db: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """Each table can be read by its name within the context; afterwards nothing holds it."""
    holders = {name: _Holder(rows) for name, rows in tables.items()}
    for name, holder in holders.items():
        db.register(name, holder)
    try:
        yield
    finally:
        for name, holder in holders.items():
            _take_back(db, name, holder)


def _take_back(db: duckdb.DuckDBPyConnection, name: str, holder: _Holder) -> None:
    holder.rows = None
    with suppress(duckdb.Error):  # an aborted transaction refuses, and takes the name with it when it is rolled back
        db.unregister(name)


def append(db: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Insert an Arrow table by column names."""
    with lent(db, arriving=rows):
        db.execute(f"insert into {table} by name select * from arriving")
