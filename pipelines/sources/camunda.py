"""Camunda 7 and Operaton: their histories, as the REST interface writes them or as CSVs of their tables, a snapshot source.

Here: which files are such a history, and the records in them. Not here: which columns are read (`camunda_histories`), records in the bytes
(`json_records`, `log_csv`).

An activity, a task, an instance and an incident are told while they go on and again when they are over; each account is kept once. A step
is named by its id in the model: names that people gave it, variables, messages and reasons in words are never read. What it cannot know:
when a person began a task (the engine writes when it was offered), what history cleanup removed, processes whose history level is below
`activity`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import engine_records, json_records, log_csv
from pipelines.sources.camunda_histories import HISTORIES, REST, History
from pipelines.sources.insertion import insert_once
from pipelines.sources.process_activities import COLUMNS
from pipelines.sources.process_records import COLUMNS as RECORD_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_DELIMITERS = (",", ";", "\t", "|")

_FROM_JSON = """
with parsed as (
    select *, json_valid(text) as is_record, try(json_transform(text, '{structure}')) as r from chunk
), said as (
    select
        file_id, line, byte_offset, ends_open, text,
        is_record,
        is_record and coalesce(try(json_type(text)), '') = 'OBJECT' as is_typed,
        {listed}
    from parsed
)
"""
_FROM_CSV = """
with said as (
    select
        file_id, line, byte_offset, ends_open, text, is_record, is_record as is_typed,
        {listed}
    from chunk
)
"""
_ZONELESS = """
select file_id, line from engine_record where rule is null and not is_ignored and (started_local is not null or ended_local is not null)
"""
_SET_ASIDE = """
insert into line_verdict by name
select file_id, line, byte_offset, if(rule is null, 'ignored', 'quarantined') as verdict, rule, line_hash
from engine_record where rule is not null or is_ignored
"""


class Camunda:
    """Histories of Camunda 7 and Operaton."""

    kind = "camunda"
    suffixes = (".json", ".ndjson", ".csv")
    promised: Mapping[str, Sequence[str]] = {
        "raw.process_activity": tuple(COLUMNS),
        "raw.process_record": tuple(RECORD_COLUMNS),
    }

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """The keys of a history near the beginning, or the columns of its table in the first line."""
        return _history(head.start) is not None

    def together(self, head: Head) -> str | None:
        """Files of one history and form load together; of CSV those with the same columns."""
        found = _history(head.start)
        if _is_json(head.start):
            return None if found is None or found is HISTORIES[0] else found.id
        return "|".join(sorted(_header(head.start)))

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of records."""
        source = files[0].source
        engine_records.prepare(session, source)
        start = files[0].delivered.head()
        history = _history(start) or HISTORIES[0]
        if _is_json(start):
            for chunk in json_records.chunks(session, files):
                _take(session, history, files, chunk, _json(history))
            return
        for file in files:
            for chunk, said in _csv(session, history, file):
                _take(session, history, files, chunk, said)


def _take(session: Session, history: History, files: Sequence[Intake], chunk: pa.Table, said: str) -> None:
    session.flush()
    source = files[0].source
    query = history.records.format(said=said)
    known = {
        "source": source.name,
        "encounter": source.authority,
        **{kind: source.authorities.get(kind) for kind in ("visit", "placer")},
    }
    with lent(session.db, chunk=chunk):
        session.db.execute(query, {name: value for name, value in known.items() if f"${name}" in query})
    zone = engine_records.zone_for(session, source, files, _ZONELESS)
    session.db.execute(_SET_ASIDE)
    with planning.briefly(session.db, len(chunk)):
        session.db.execute(history.staged, {"source": source.name, "zone": zone})
    insert_once(session, history.table, "process_staged", history.key, "occurred_at")


def _is_json(start: bytes) -> bool:
    return start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def _history(start: bytes) -> History | None:
    """Which history a file is of, by its beginning."""
    if _is_json(start):
        return next((each for each in HISTORIES if all(key.search(start) for key in each.patterns)), None)
    columns = {name.upper() for name in _header(start)}
    return next((each for each in HISTORIES if columns >= each.needed), None)


def _header(start: bytes) -> frozenset[str]:
    """The names of a CSV's columns as written, by the delimiter that makes most of them."""
    return log_csv.header_of(start, log_csv.Columns(_delimiter(start), frozenset()))


def _delimiter(start: bytes) -> str:
    return max(_DELIMITERS, key=lambda each: len(log_csv.header_of(start, log_csv.Columns(each, frozenset()))))


def _json(history: History) -> str:
    """What reads the values of a JSON record, each by the name that the SQL of the history knows."""
    called = {name: REST.get(history.id, {}).get(name, name) for name in history.names}
    return _FROM_JSON.format(
        structure=json.dumps(dict.fromkeys(called.values(), "JSON")),
        listed=", ".join(f'said(r."{said}") as "{name}"' for name, said in called.items()),
    )


def _csv(session: Session, history: History, file: Intake) -> Iterator[tuple[pa.Table, str]]:
    """Each chunk of a CSV's records, and what reads its columns by their names in the REST interface."""
    start = file.delivered.head()
    written = _header(start)
    wanted = {
        name: column for column in written for name, table_name in history.names.items() if column.upper() == table_name
    }
    form = log_csv.Columns(
        _delimiter(start),
        frozenset(wanted.values()),
        frozenset(wanted[name] for name in wanted if history.names[name] in history.needed),
    )
    places = {column: f"c{i}" for i, column in enumerate(sorted(form.paths))}
    values = {name: places[wanted[name]] if name in wanted else "null::varchar" for name in history.names}
    listed = ", ".join(
        f"case when trim({value}) not in ('', 'NULL', '\\N') then trim({value}) end as \"{name}\""
        for name, value in values.items()
    )
    for chunk in log_csv.chunks(session, [file], form):
        yield chunk, _FROM_CSV.format(listed=listed)
