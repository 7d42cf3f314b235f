"""Camunda 7 and Operaton: the history of activities, as the REST interface writes it or as a CSV of ACT_HI_ACTINST, a snapshot source.

Here: which files are such a history, and the columns that are read. Not here: records in the bytes (`json_records`, `log_csv`).

An activity is told while it goes on and again when it is over; each account is kept once. A step is named by its id in the model: names
that people gave it, who was assigned, business keys, variables and reasons are never read. What it cannot know: when a person began a
task (the engine writes when it was offered), activities that history cleanup removed, processes whose history level is below `activity`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pipelines.lending import lent
from pipelines.sources import engine_records, json_records, log_csv
from pipelines.sources.insertion import insert_once
from pipelines.sources.process_activities import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_NAMES = {
    "id": "ID_",
    "activityId": "ACT_ID_",
    "activityType": "ACT_TYPE_",
    "processDefinitionKey": "PROC_DEF_KEY_",
    "processInstanceId": "PROC_INST_ID_",
    "startTime": "START_TIME_",
    "endTime": "END_TIME_",
    "canceled": "ACT_INST_STATE_",
}
"""Each value by its name in the REST interface, and in the table; no other leaves the file."""
_NEEDED = frozenset({"ACT_ID_", "PROC_DEF_KEY_", "PROC_INST_ID_", "START_TIME_"})
_KEYS = [re.compile(rb'(?<!\\)"' + name + rb'"\s*:') for name in (b"activityId", b"activityType", b"processInstanceId")]
_DELIMITERS = (",", ";", "\t", "|")

_FROM_JSON = f"""
with parsed as (
    select *, json_valid(text) as is_record, try(json_transform(text, '{json.dumps(dict.fromkeys(_NAMES, "JSON"))}')) as r from chunk
), said as (
    select
        file_id, line, byte_offset, ends_open, text,
        is_record,
        is_record and coalesce(try(json_type(text)), '') = 'OBJECT' as is_typed,
        {", ".join(f'said(r."{name}") as "{name}"' for name in _NAMES)}
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
_RECORDS = """
create or replace temp table engine_record as
{said}
select
    file_id, line, byte_offset,
    case
        when not is_record then if(ends_open, 'truncated', 'unparseable')
        when not is_typed or (id is null and "processInstanceId" is null) then 'untyped'
        when id is null or "processInstanceId" is null or "processDefinitionKey" is null or "activityId" is null then 'no_id'
        when instant_of("startTime") is null and local_of("startTime") is null then 'no_time'
        when "endTime" is not null and instant_of("endTime") is null and local_of("endTime") is null then 'no_time'
    end as rule,
    case when rule is not null then keyed('line', $source, text) end as line_hash,
    false as is_ignored,
    keyed('activity', $source, id) as activity_key,
    keyed('process', $source, "processInstanceId") as process_key,
    named('process', "processDefinitionKey", keyed('definition', $source, "processDefinitionKey")) as process_definition,
    named('step', "activityId", keyed('step', $source, "activityId")) as activity,
    case when regexp_full_match("activityType", '[A-Za-z]{{1,40}}') then "activityType" end as activity_type,
    instant_of("startTime") as started_instant,
    local_of("startTime") as started_local,
    instant_of("endTime") as ended_instant,
    local_of("endTime") as ended_local,
    "endTime" is not null as is_over,
    coalesce(lower(canceled) in ('true', '2'), false) as is_canceled
from said
"""
_ZONELESS = "select file_id, line from engine_record where rule is null and (started_local is not null or ended_local is not null)"
_STAGED = """
create or replace temp table activity_staged as
with placed_at as (
    select
        *,
        coalesce(started_instant, placed(started_local, $zone)) as started_at,
        coalesce(ended_instant, placed(ended_local, $zone)) as ended_at
    from engine_record
    where rule is null
)
select
    uid_of(
        concat_ws('|', 'camunda', $source, activity_key, epoch_ms(started_at), coalesce(epoch_ms(ended_at), -1), is_canceled)
    ) as activity_uid,
    $source as source,
    activity_key,
    process_key,
    process_definition,
    activity,
    activity_type,
    started_at,
    ended_at,
    is_canceled,
    coalesce(ended_at, started_at) as occurred_at,
    file_id,
    line,
    if(is_twice(started_local, $zone) or is_twice(ended_local, $zone), ['ambiguous_time'], []::varchar[]) as quality_flags,
    byte_offset
from placed_at
"""
_SET_ASIDE = """
insert into line_verdict by name
select file_id, line, byte_offset, 'quarantined' as verdict, rule, line_hash from engine_record where rule is not null
"""


class Camunda:
    """Histories of activities of Camunda 7 and Operaton."""

    kind = "camunda"
    suffixes = (".json", ".ndjson", ".csv")
    promised: Mapping[str, Sequence[str]] = {"raw.process_activity": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """The keys of an activity near the beginning, or the columns of ACT_HI_ACTINST in the first line."""
        if head.start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
            return all(key.search(head.start) for key in _KEYS)
        return {name.upper() for name in _header(head.start)[1]} >= _NEEDED

    def together(self, head: Head) -> str | None:
        """Files of one form load together; of CSV those with the same columns."""
        is_json = head.start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
        return None if is_json else "|".join(sorted(_header(head.start)[1]))

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of records."""
        source = files[0].source
        engine_records.prepare(session, source)
        listed = [file for file in files if _is_json(file)]
        for chunk in json_records.chunks(session, listed):
            _take(session, source, files, chunk, _FROM_JSON)
        for file in files:
            if file not in listed:
                for chunk, said in _csv(session, file):
                    _take(session, source, files, chunk, said)


def _take(session: Session, source: SourceSettings, files: Sequence[Intake], chunk: pa.Table, said: str) -> None:
    session.flush()
    with lent(session.db, chunk=chunk):
        session.db.execute(_RECORDS.format(said=said), {"source": source.name})
    zone = engine_records.zone_for(session, source, files, _ZONELESS)
    session.db.execute(_SET_ASIDE)
    session.db.execute(_STAGED, {"source": source.name, "zone": zone})
    insert_once(session, "raw.process_activity", "activity_staged", "activity_uid", "occurred_at")


def _is_json(file: Intake) -> bool:
    return file.delivered.head().lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def _header(start: bytes) -> tuple[str, frozenset[str]]:
    """The delimiter of a CSV, and the names of its columns as written."""
    found = {each: log_csv.header_of(start, log_csv.Columns(each, frozenset())) for each in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda each: len({name.upper() for name in found[each]} & _NEEDED))
    return delimiter, found[delimiter]


def _csv(session: Session, file: Intake) -> Iterator[tuple[pa.Table, str]]:
    """Each chunk of a CSV's records, and what reads its columns by their names in the REST interface."""
    delimiter, written = _header(file.delivered.head())
    wanted = {name: column for column in written for name, table_name in _NAMES.items() if column.upper() == table_name}
    form = log_csv.Columns(
        delimiter, frozenset(wanted.values()), frozenset(wanted[n] for n in wanted if _NAMES[n] in _NEEDED)
    )
    places = {column: f"c{i}" for i, column in enumerate(sorted(form.paths))}
    values = {name: places[wanted[name]] if name in wanted else "null::varchar" for name in _NAMES}
    listed = ", ".join(
        f"case when trim({value}) not in ('', 'NULL', '\\N') then trim({value}) end as \"{name}\""
        for name, value in values.items()
    )
    for chunk in log_csv.chunks(session, [file], form):
        yield chunk, _FROM_CSV.format(listed=listed)
