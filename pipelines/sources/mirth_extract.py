"""Extracts of Mirth's message tables (`D_M*`), as CSV or Parquet: one row a connector of a message, whatever the file is called.

Here: which files are extracts, which of their columns are read, and the order of work. Not here: the query that makes one
(docs/engines/mirth.md), what a row says (`mirth_extract_rows`), what it proves (`mirth_events`). Channels are named
by their id: the number in a table's name is local to one server and can be given out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lending import lent
from pipelines.sources import engine_records, log_csv, mirth_events, mirth_extract_rows, parquet_files
from pipelines.sources.error_text import kept_template
from pipelines.sources.hl7_numbers import Assigners, Delimiters, entity, extended

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.settings import Numbered, SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_DELIMITERS = (",", ";", "\t", "|")
_TELLING = frozenset({"channel_id", "message_id", "metadata_id", "status", "received_date", "message_received_date"})
_ROWS_AT_ONCE = 1 << 18
_USUAL = Delimiters()
_PLACE = ("file_id", "line", "byte_offset", "ends_open", "text", "is_record")


def recognises(head: Head) -> bool:
    """The first line, or a Parquet file's schema, names the columns of an extract."""
    return {name.lower() for name in head.columns or _header(head.start)[1]} >= _TELLING


def is_one(file: Intake) -> bool:
    """Whether a file of this source is an extract, also a spoiled one."""
    start = file.delivered.head()
    return start.startswith(parquet_files.MAGIC) or {name.lower() for name in _header(start)[1]} >= _TELLING


def load(session: Session, files: Sequence[Intake]) -> None:
    """One pass of DuckDB a chunk of rows."""
    source = files[0].source
    names = source.columns
    own = {name.lower() for name in (names.control_id, names.type, names.mrn, names.visit, names.placer)}
    read = mirth_extract_rows.COLUMNS | own
    engine_records.prepare(session, source)
    for chunk in _chunks(session, files, read):
        session.flush()
        with lent(session.db, chunk=chunk, assigned=_assigned(chunk, source), template=_templates(chunk, source)):
            session.db.execute(
                mirth_extract_rows.records(frozenset(chunk.column_names), names),
                {"source": source.name, **{kind: source.authority_of(kind) for kind in ("mrn", "visit", "placer")}},
            )
        zone = engine_records.zone_for(session, source, files, mirth_extract_rows.ZONELESS)
        said = {"source": source.name, "zone": zone}
        session.db.execute(mirth_events.exploding(mirth_extract_rows.CONNECTORS), said)
        engine_records.close_chunk(session)


def _header(start: bytes) -> tuple[str, frozenset[str]]:
    """The delimiter of a CSV, and the names of its columns as written."""
    found = {each: log_csv.header_of(start, log_csv.Columns(each, frozenset())) for each in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda each: len({name.lower() for name in found[each]} & _TELLING))
    return delimiter, found[delimiter]


def _chunks(session: Session, files: Sequence[Intake], read: frozenset[str]) -> Iterator[pa.Table]:
    """`_PLACE` and each column that is read, as text, by its name in lower case. Small files share a chunk with those of like columns."""
    waiting: list[pa.Table] = []
    for file in files:
        is_parquet = file.delivered.head().startswith(parquet_files.MAGIC)
        for table in _parquet(session, file, read) if is_parquet else _csv(session, file, read):
            if waiting and waiting[0].schema != table.schema:
                yield pa.concat_tables(waiting)
                waiting = []
            waiting.append(table)
            if sum(map(len, waiting)) >= _ROWS_AT_ONCE:
                yield pa.concat_tables(waiting)
                waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _csv(session: Session, file: Intake, read: frozenset[str]) -> Iterator[pa.Table]:
    delimiter, written = _header(file.delivered.head())
    kept = frozenset(name for name in written if name.lower() in read)
    form = log_csv.Columns(delimiter, kept, frozenset(name for name in kept if name.lower() in _TELLING))
    names = [name.lower() for name in sorted(form.paths)]
    for chunk in log_csv.chunks(session, [file], form):
        columns = [*(chunk.column(name) for name in _PLACE), *(chunk.column(f"c{i}") for i in range(len(names)))]
        yield pa.table(columns, names=[*_PLACE, *names])


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


def _assigned(chunk: pa.Table, source: SourceSettings) -> pa.Table:
    """Of each number that says who gave it out (`123^^^NGH`), by its kind: value and authority. One in a thousand, so one by one."""
    assigners = Assigners(source)
    rows: list[tuple[str | bool, ...]] = []
    kinds: tuple[Numbered, ...] = ("mrn", "visit", "placer")
    for kind in kinds:
        name = getattr(source.columns, kind).lower()
        if name not in chunk.column_names:
            continue
        column = chunk.column(name)
        composite = column.filter(
            pc.call_function("match_substring_regex", [column], pc.MatchSubstringOptions('[~^"]'))
        )
        for written in pc.call_function("unique", [composite]).to_pylist():
            chosen = assigners.choose(kind, (entity if kind == "placer" else extended)(written, _USUAL))
            if chosen is not None:
                rows.append((kind, written, *chosen))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    types = (pa.string(), pa.string(), pa.string(), pa.string(), pa.bool_())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["kind", "written", "value", "authority", "is_unmapped"])


def _templates(chunk: pa.Table, source: SourceSettings) -> pa.Table:
    """Each template of an error that the extract brings, and what may be kept of it."""
    extra = frozenset(word.lower() for word in source.error_words)
    there = "error_template" in chunk.column_names
    found = pc.call_function("unique", [chunk.column("error_template")]).to_pylist() if there else []
    written = [each for each in found if each]
    kept = [kept_template(each, extra) for each in written]
    return pa.table([pa.array(written, pa.string()), pa.array(kept, pa.string())], names=["written", "kept"])
