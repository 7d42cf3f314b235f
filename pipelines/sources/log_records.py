"""The lines of a mapped log, and what each says in the fields that its mapping names; nothing else of them is looked at.

Here: from files to chunks of records with the values of their fields. Not here: CSV (`log_csv`), JSON that is not one record a
line (`json_records`), what a mapping makes of the values (`log_fields`), what they mean (`log_events`).
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import orjson

from pipelines.lending import lent
from pipelines.log_mapping import json_path
from pipelines.sources import json_records, lines, log_csv
from pipelines.sources.log_times import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from pipelines.log_mapping import LogMapping
    from pipelines.sources.source import Head, Intake, Session

_LINES_LOOKED_AT = 50


def recognises(head: Head, mapping: LogMapping) -> bool:
    """Whether a record near the beginning has the fields of time, event and message that the mapping names."""
    start = head.start.decode(mapping.encoding, errors="replace").encode()
    if mapping.format == "csv":
        header = frozenset(mapping.header) or log_csv.header_of(start, mapping)
        return mapping.telling() <= header
    if json_records.depth_of_records(start) is not None:
        return any(_has_fields(each, mapping) for each in islice(records_in(start), _LINES_LOOKED_AT))
    return any(_has_fields(each, mapping) for each in _by_line(start.splitlines()[:_LINES_LOOKED_AT]))


def records_in(start: bytes) -> Iterator[dict[str, object]]:
    """The whole JSON records in the beginning of a file, until one is broken: one a line, in an array, or one after the other."""
    if json_records.depth_of_records(start) is None:
        yield from _by_line(start.splitlines())
        return
    text, decoder = start.decode(errors="replace"), json.JSONDecoder()
    at = text.find("{", text.find("[") + 1) if json_records.depth_of_records(start) else text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            return
        yield found
        at = text.find("{", end)


def _by_line(several: Sequence[bytes]) -> Iterator[dict[str, object]]:
    for line in several:
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(found, dict):
            yield found


def _has_fields(record: dict[str, object], mapping: LogMapping) -> bool:
    return all(_has(record, json_path(path)) for path in _identifying(mapping))


def _identifying(mapping: LogMapping) -> list[str]:
    named = [mapping.fields.get(name) for name in ("event", "time")]
    found = [path for path in named if isinstance(path, str)]
    return found or sorted(mapping.telling())


def _has(value: object, steps: list[str | int]) -> bool:
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, list) or len(value) <= step:
                return False
            value = value[step]
        elif not isinstance(value, dict) or step not in value:
            return False
        else:
            value = value[step]
    return True


class Chunk(NamedTuple):
    """Records of one or many files: `texts` with their place (`file_id, line, byte_offset`) and `text`; `fields` with their place,
    `ends_open`, `is_record` (it could be parsed) and `c0, c1, …`: the mapping's paths in order of their names. In any order.
    """

    texts: pa.Table
    fields: pa.Table


def chunks(session: Session, files: Sequence[Intake], mapping: LogMapping) -> Iterator[Chunk]:
    """All records of the files; sets `lines_read`."""
    if mapping.encoding != "utf-8":
        for file in files:
            file.delivered = file.delivered.decoded(mapping.encoding)
    if mapping.format == "csv":
        for chunk in log_csv.chunks(session, files, mapping):
            yield Chunk(chunk, chunk.drop_columns("text"))
        return
    spread = [file for file in files if json_records.depth_of_records(file.delivered.head()) is not None]
    kept = {file.file_id for file in spread}
    of_lines = [file for file in files if file.file_id not in kept]
    for several, read in ((spread, json_records.chunks), (of_lines, lines.chunks)):
        for chunk in read(session, several) if several else ():
            yield Chunk(chunk, _values(session.db, chunk, mapping))


def _values(db: duckdb.DuckDBPyConnection, chunk: pa.Table, mapping: LogMapping) -> pa.Table:
    paths = sorted(mapping.paths)
    listed = ", ".join(quoted(_sql_path(path)) for path in paths)
    values = ", ".join(f"v[{i + 1}] as c{i}" for i in range(len(paths)))
    with lent(db, json_text=chunk):
        return db.sql(f"""
            select file_id, line, byte_offset, ends_open, v is not null as is_record, {values}
            from (select *, try(json_extract_string(text, [{listed}])) as v from json_text)
        """).to_arrow_table()


def _sql_path(path: str) -> str:
    """A DuckDB JSON path."""
    steps = json_path(path)
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else "." + json.dumps(step) for step in steps)
