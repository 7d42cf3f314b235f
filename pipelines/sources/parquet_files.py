"""Delivered Parquet files: the names of their columns, and their rows as texts.

Here: opening and casting. Not here: what columns mean (`mirth_extract`). Parquet says what it holds in its last bytes, so that a file
that lost its end holds nothing.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.sources.archives import Delivered

MAGIC = b"PAR1"
DAMAGE = (pa.ArrowException, OSError)
"""What a spoiled file raises."""


def columns_of(delivered: Delivered) -> frozenset[str]:
    """The names of its columns; none where it has lost its end."""
    try:
        with _opened(delivered) as opened:
            return frozenset(parquet.ParquetFile(opened).schema_arrow.names)
    except DAMAGE:
        return frozenset()


def batches(delivered: Delivered, read: frozenset[str], size: int) -> Iterator[pa.Table]:
    """Its rows, so many at once: of the columns that are read, by their names in lower case, each value as a CSV would show it.

    Raises:
        DAMAGE: it cannot be read, or no further.
    """
    with _opened(delivered) as opened:
        rows = parquet.ParquetFile(opened)
        kept = [name for name in rows.schema_arrow.names if name.lower() in read]
        for batch in rows.iter_batches(batch_size=size, columns=kept):
            yield pa.table([_as_text(batch.column(name)) for name in kept], names=[name.lower() for name in kept])


def _opened(delivered: Delivered) -> pa.NativeFile:
    """Where it lies, or in memory when it is packed: Parquet is read from its end."""
    if delivered.place is not None and delivered.opener is delivered.hashed:
        return pa.OSFile(str(delivered.place))
    with delivered.stream() as stream:
        pieces = list(iter(lambda: stream.read(1 << 20), b""))
    return pa.PythonFile(io.BytesIO(b"".join(pieces)), mode="r")


def _as_text(column: pa.Array) -> pa.Array:
    """Nothing where the values are no text at all."""
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.nulls(len(column), pa.string())
