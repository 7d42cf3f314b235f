"""Extracts of Mirth's message tables (`D_M*`), as CSV or Parquet: one row a connector of a message, whatever the file is called.

Here: which files are extracts, which of their columns are read, and the order of work. Not here: the query that makes one
(docs/engines/mirth.md), what a row says (`mirth_extract_rows`), what it proves (`mirth_events`). Channels are named
by their id: the number in a table's name is local to one server and can be given out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import engine_records, mirth_events, mirth_extract_rows, parquet_files, table_rows
from pipelines.sources.error_text import kept_template
from pipelines.sources.hl7_numbers import Assigners, Delimiters, entity, extended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings import Numbered, SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_TELLING = frozenset({"channel_id", "message_id", "metadata_id", "status", "received_date", "message_received_date"})
_USUAL = Delimiters()


def recognises(head: Head) -> bool:
    """The first line, or a Parquet file's schema, names the columns of an extract."""
    return table_rows.names(head, _TELLING) >= _TELLING


def is_one(file: Intake) -> bool:
    """Whether a file of this source is an extract, also a spoiled one."""
    start = file.delivered.head()
    return start.startswith(parquet_files.MAGIC) or table_rows.header(start, _TELLING).names >= _TELLING


def load(session: Session, files: Sequence[Intake]) -> None:
    """One pass of DuckDB a chunk of rows."""
    source = files[0].source
    names = source.columns
    own = {name.lower() for name in (names.control_id, names.type, names.mrn, names.visit, names.placer)}
    read = mirth_extract_rows.COLUMNS | own
    engine_records.prepare(session, source)
    for chunk in table_rows.chunks(session, files, read, _TELLING):
        session.flush()
        with lent(session.db, chunk=chunk, assigned=_assigned(chunk, source), template=_templates(chunk, source)):
            session.db.execute(
                mirth_extract_rows.records(frozenset(chunk.column_names), names),
                {
                    "source": source.name,
                    "control": source.authorities.get("control"),
                    **{kind: source.authority_of(kind) for kind in ("mrn", "visit", "placer")},
                },
            )
        zone = engine_records.zone_for(session, source, files, mirth_extract_rows.ZONELESS)
        said = {"source": source.name, "zone": zone}
        with planning.briefly(session.db, len(chunk)):
            session.db.execute(mirth_events.exploding(mirth_extract_rows.CONNECTORS), said)
        engine_records.close_chunk(session)


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
