"""The lines of a mapped log, and what each says in the fields that its mapping names; nothing else of them is looked at.

Here: from files to chunks of records, and the SQL that reads a field of a record. Not here: CSV (`log_csv`), JSON that is
not one record a line (`json_records`), what fields mean (`log_events`).
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from pipelines.log_mapping import FIELDS, json_path
from pipelines.sources import json_records, lines, log_csv
from pipelines.sources.log_times import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def chunks(session: Session, files: Sequence[Intake], mapping: LogMapping) -> Iterator[pa.Table]:
    """Records as few Arrow tables `file_id, line, byte_offset, ends_open, text`, of CSV also `is_record, c0, c1, …`."""
    if mapping.encoding != "utf-8":
        for file in files:
            file.delivered = file.delivered.decoded(mapping.encoding)
    if mapping.format == "csv":
        yield from log_csv.chunks(session, files, mapping)
        return
    spread = [file for file in files if json_records.depth_of_records(file.delivered.head()) is not None]
    if spread:
        yield from json_records.chunks(session, spread)
    if len(spread) < len(files):
        kept = {file.file_id for file in spread}
        yield from lines.chunks(session, [file for file in files if file.file_id not in kept])


def record(mapping: LogMapping) -> str:
    """The select over `chunk` that gives every canonical field as `<name>_` and every proof's time as `proof_<n>_`."""
    fields = [f"{_canonical(mapping, name)} as {name}_" for name in FIELDS]
    proofs = [f"{_read(mapping, each.time)} as proof_{i}_" for i, each in enumerate(mapping.proves)]
    ignored = [
        f"coalesce({_read(mapping, each.field)} in ({', '.join(quoted(value) for value in each.values)}), false)"
        for each in mapping.ignore
    ]
    return f"""
        select file_id, line, byte_offset, ends_open, text, is_record,
            {" or ".join(ignored) or "false"} as is_ignored,
            {", ".join([*fields, *proofs])}
        from ({_values(mapping)})"""


def _values(mapping: LogMapping) -> str:
    """`chunk` with the values of the fields that are read."""
    if mapping.format == "csv":
        return "from chunk"
    paths = ", ".join(quoted(_sql_path(path)) for path in sorted(mapping.paths))
    return f"""
        select file_id, line, byte_offset, ends_open, text, json_valid(text) as is_record,
            case when json_valid(text) then json_extract_string(text, [{paths}]) end as v
        from chunk"""


def _read(mapping: LogMapping, path: str) -> str:
    place = sorted(mapping.paths).index(path)
    return f"nullif(c{place}, '')" if mapping.format == "csv" else f"nullif(v[{place + 1}], '')"


def _canonical(mapping: LogMapping, name: str) -> str:
    given = mapping.fields.get(name)
    constant = mapping.constants.get(name)
    if given is None:
        return "null::varchar" if constant is None else quoted(constant)
    if isinstance(given, str):
        found = _read(mapping, given)
        return found if constant is None else f"coalesce({found}, {quoted(constant)})"
    parts = [_read(mapping, path) for path in given]
    return "(" + " || '|' || ".join(f"length({part})::varchar || ':' || {part}" for part in parts) + ")"


def error_texts(mapping: LogMapping) -> str | None:
    """The select over `chunk` that gives every distinct error text with its destination; null where none is mapped."""
    path = mapping.fields.get("error")
    if not isinstance(path, str):
        return None
    destination = _canonical(mapping, "destination")
    where = "true" if mapping.format == "csv" else f"contains(text, {quoted(str(json_path(path)[-1]))})"
    values = f"select * from chunk where {where}"
    return f"""
        select distinct md5(error || '|' || coalesce(destination, '')), error, destination from (
            select {_read(mapping, path)} as error, {destination} as destination
            from ({_values(mapping).replace("from chunk", f"from ({values})")})
        ) where error is not null"""


def _sql_path(path: str) -> str:
    """A DuckDB JSON path."""
    steps = json_path(path)
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else "." + json.dumps(step) for step in steps)
