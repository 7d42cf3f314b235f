"""The SQLAlchemy dialect through which Great Expectations asks DuckDB, over a connection that is already open.

Here: the two things duckdb-engine lacks for it. Great Expectations closes its SQLAlchemy connection before it
fetches, and a DuckDB result is empty by then, so rows are buffered as soon as a statement has run. And it reads a
table's columns through PostgreSQL's catalogue, which DuckDB imitates only in part, so columns come from DuckDB's own.
Not here: any expectation.

Import this module inside functions: SQLAlchemy is not needed to read a suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb_engine
import sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

if TYPE_CHECKING:
    import duckdb

URL = "duckdb+buffered:///:memory:"  # never opened: `engine_options` hands over the open connection


class BufferedContext(PGExecutionContext_psycopg2):
    """Fetches every row right after execution. The statements of a suite return counts, never a mart."""

    def post_exec(self) -> None:
        """Keep the rows, so that closing the connection does not lose them."""
        self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            self.cursor, initial_buffer=self.cursor.fetchall()
        )
        super().post_exec()


class BufferedDialect(duckdb_engine.Dialect):
    """duckdb-engine's dialect with buffered rows and DuckDB's own list of columns."""

    execution_ctx_cls = BufferedContext
    supports_statement_cache = False

    def get_columns(
        self,
        connection: sqlalchemy.Connection,
        table_name: str,
        schema: str | None = None,
        **_: object,
    ) -> list[Any]:
        """Name and nullability of the columns of a table or view; types are left to DuckDB."""
        del schema  # the checked views are temporary and have none
        rows = connection.execute(
            sqlalchemy.text("select column_name, is_nullable from duckdb_columns() where table_name = :name"),
            {"name": str(table_name)},
        )
        return [
            {"name": name, "type": sqlalchemy.types.NullType(), "nullable": nullable, "default": None}
            for name, nullable in rows
        ]

    def get_pk_constraint(self, *_: object, **__: object) -> Any:  # noqa: ANN401 -- SQLAlchemy's own return type is a loose mapping
        """No table of the warehouse declares a primary key: uniqueness is an expectation."""
        return {"constrained_columns": [], "name": None}


class KeptConnection(duckdb_engine.ConnectionWrapper):
    """The open connection as SQLAlchemy sees it; closing it is its owner's business."""

    def close(self) -> None:
        """Leave it open."""


def engine_options(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What `create_engine` is given so that it uses `connection` and no other."""
    registry.register("duckdb.buffered", __name__, "BufferedDialect")
    kept = KeptConnection(connection)
    return {"creator": lambda: kept, "poolclass": sqlalchemy.pool.StaticPool}
