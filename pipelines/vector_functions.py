"""Functions of polars-hash as functions of DuckDB: a vector of texts in, a vector of texts out, nulls stay null.

Here: making one known to a connection, and the fingerprint of a version. Not here: the site key's hash (`keys`). DuckDB's own
SHA-256 and MD5 use none of the processor's instructions for them and take four and ten times as long (decision 0020).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import polars as pl
import polars_hash as plh
import pyarrow as pa  # noqa: TC002 -- DuckDB evaluates a function's annotations
from duckdb.func import ARROW
from duckdb.sqltypes import VARCHAR

if TYPE_CHECKING:
    import duckdb

TEXT = plh.col("text")
"""The argument of a function, for the expression that it is made of."""

_FINGERPRINT = TEXT.nchash.xxh3_128(return_binary=True, byte_order="big").bin.encode("hex")


def define(db: duckdb.DuckDBPyConnection, name: str, result: pl.Expr) -> None:
    """Give this connection the macro `name(text)`, which is `result` of `TEXT`. Nothing is written to the file."""

    def apply(texts: pa.ChunkedArray) -> pa.Array:
        return pl.DataFrame({"text": pl.from_arrow(texts)}).select(result).to_series().to_arrow()

    own = f"{name}_{secrets.token_hex(8)}"  # a function belongs to the database, which other connections may share
    db.create_function(own, apply, [VARCHAR], VARCHAR, type=ARROW)
    db.execute(f"create or replace temp macro {name}(x) as {own}(x)")


def install(db: duckdb.DuckDBPyConnection) -> None:
    """`fingerprint(text)`: XXH3 (128 bits) as 32 hex digits. It tells versions apart; it hides nothing."""
    define(db, "fingerprint", _FINGERPRINT)
