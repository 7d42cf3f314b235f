"""Rows of a database's tables, delivered as CSV or as Parquet: each column that is read as text, by its name in lower case.

Here: delimiters, headers, chunks. Not here: how a CSV's lines become records (`log_csv`), how Parquet is opened (`parquet_files`), what
a column means (`mirth_extract`, `mirth_counters`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipelines.sources import log_csv, parquet_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.sources.source import Head, Intake, Session

_DELIMITERS = (",", ";", "\t", "|")
_ROWS_AT_ONCE = 1 << 18
_PLACE = ("file_id", "line", "byte_offset", "ends_open", "text", "is_record")


class Header(NamedTuple):
    """The first line of a CSV: what parts its columns, and their names as written."""

    delimiter: str
    written: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """In lower case."""
        return frozenset(name.lower() for name in self.written)


def header(start: bytes, telling: frozenset[str]) -> Header:
    """The header of a CSV that begins so, by the delimiter that shows most of the `telling` columns."""
    found = (Header(each, log_csv.header_of(start, log_csv.Columns(each, frozenset()))) for each in _DELIMITERS)
    return max(found, key=lambda each: len(each.names & telling))


def names(head: Head, telling: frozenset[str]) -> frozenset[str]:
    """The names of a file's columns in lower case: a Parquet file's schema, or a header."""
    if head.columns:
        return frozenset(name.lower() for name in head.columns)
    return header(head.start, telling).names


def chunks(
    session: Session, files: Sequence[Intake], read: frozenset[str], telling: frozenset[str]
) -> Iterator[pa.Table]:
    """`file_id, line, byte_offset, ends_open, text, is_record` and each column that is read. Small files share a chunk with those of
    like columns. Without the `telling` columns a line is no header.
    """
    waiting: list[pa.Table] = []
    for file in files:
        is_parquet = file.delivered.head().startswith(parquet_files.MAGIC)
        for table in _parquet(session, file, read) if is_parquet else _csv(session, file, read, telling):
            if waiting and waiting[0].schema != table.schema:
                yield pa.concat_tables(waiting)
                waiting = []
            waiting.append(table)
            if sum(map(len, waiting)) >= _ROWS_AT_ONCE:
                yield pa.concat_tables(waiting)
                waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _csv(session: Session, file: Intake, read: frozenset[str], telling: frozenset[str]) -> Iterator[pa.Table]:
    delimiter, written = header(file.delivered.head(), telling)
    kept = frozenset(name for name in written if name.lower() in read)
    form = log_csv.Columns(delimiter, kept, frozenset(name for name in kept if name.lower() in telling))
    lower = [name.lower() for name in sorted(form.paths)]
    for chunk in log_csv.chunks(session, [file], form):
        columns = [*(chunk.column(name) for name in _PLACE), *(chunk.column(f"c{i}") for i in range(len(lower)))]
        yield pa.table(columns, names=[*_PLACE, *lower])


def _parquet(session: Session, file: Intake, read: frozenset[str]) -> Iterator[pa.Table]:
    """The rows of a Parquet file, numbered from 1. Without its end it cannot be read at all: it waits, or counts as one line."""
    try:
        for batch in parquet_files.batches(file.delivered, read, _ROWS_AT_ONCE):
            n, before = len(batch), file.lines_read
            file.lines_read += n
            place = pa.array(range(before + 1, before + n + 1), pa.int64())
            same = [
                pa.repeat(pa.scalar(file.file_id, pa.int32()), n),
                *(place, place),
                pa.repeat(pa.scalar(value=False), n),
                pa.nulls(n, pa.string()),
                pa.repeat(pa.scalar(value=True), n),
            ]
            yield pa.table([*same, *batch.columns], names=[*_PLACE, *batch.column_names])
    except parquet_files.DAMAGE:
        if not session.holds_back(file, 0):
            file.lines_read += 1
            session.quarantine(file, file.lines_read, None, "truncated", b"")
