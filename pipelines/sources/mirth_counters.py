"""Samples of Mirth's statistics (`D_MS*`), as CSV or Parquet: one row a connector, or a whole channel, of one server.

Here: which files are samples, and what a row says. Not here: the query that takes one (`templates/mirth_counters.sql`), what
follows from two samples (`models/sql/marts`). Mirth's table has no time: `sampled_at`, when it was read, makes a sample of it.

What it cannot know: what was counted before the first sample, and how much was lost of a count that was set back between two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.lending import lent
from pipelines.sources import engine_records, table_rows
from pipelines.sources.counter_samples import COUNTERS
from pipelines.sources.insertion import insert_once
from pipelines.sources.mirth_extract_rows import SAFE_ID, local, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.sources.source import Head, Intake, Session

_TELLING = frozenset({"channel_id", *COUNTERS})
_NUMBERS = ("metadata_id", *COUNTERS, *(f"{name}_lifetime" for name in COUNTERS))
_WORDS = ("channel_id", "channel_name", "server_id", "sampled_at")


def recognises(head: Head) -> bool:
    """The first line, or a Parquet file's schema, names a channel and its four counters."""
    return table_rows.names(head, _TELLING) >= _TELLING


def load(session: Session, files: Sequence[Intake]) -> None:
    """One pass of DuckDB a chunk of rows."""
    source = files[0].source
    engine_records.prepare(session, source)
    for chunk in table_rows.chunks(session, files, frozenset((*_NUMBERS, *_WORDS)), _TELLING):
        session.flush()
        with lent(session.db, chunk=chunk):
            session.db.execute(_records(frozenset(chunk.column_names)), {"source": source.name})
        zone = engine_records.zone_for(session, source, files, _ZONELESS)
        session.db.execute(_JUDGED)
        session.db.execute(_STAGED, {"source": source.name, "zone": zone})
        insert_once(session, "raw.counter_sample", "sample_staged", "sample_uid", "sampled_at")


def _records(present: frozenset[str]) -> str:
    said = [f"({text(name, present)})::varchar as {name}_" for name in _WORDS]
    said += [f"{number(name, present)} as {name}_" for name in _NUMBERS]
    counts = ", ".join(
        f"case when regexp_full_match({name}_, '[0-9]{{1,18}}') then {name}_::bigint end as {name}_count"
        for name in _NUMBERS[1:]
    )
    return f"""
create or replace temp table counter_record as
with said as (select file_id, line, byte_offset, ends_open, is_record, text, {", ".join(said)} from chunk)
select
    file_id, line, byte_offset,
    coalesce(is_record and regexp_full_match(channel_id_, '-+'), false) as is_ignored, -- what sqlcmd draws under its header
    instant_of(sampled_at_) as instant,
    {local("sampled_at_")} as local_time,
    case
        when not is_record then if(ends_open, 'truncated', 'unparseable')
        when is_ignored then null
        when not coalesce(regexp_full_match(channel_id_, '{SAFE_ID}'), false) then 'no_id'
        when instant is null and local_time is null then 'no_sample_time'
    end as rule,
    case when rule is not null then keyed('line', $source, coalesce(text, concat_ws('|', channel_id_, metadata_id_))) end as line_hash,
    mirth_id($source, channel_id_) as flow_id,
    label(channel_name_) as flow_name,
    coalesce(case when regexp_full_match(metadata_id_, '[0-9]{{1,9}}') then metadata_id_ end, '') as node_id,
    coalesce(mirth_id($source, server_id_), '') as server_id,
    {counts}
from said
"""


_ZONELESS = "select file_id, line from counter_record where rule is null and not is_ignored and local_time is not null"
_JUDGED = """
insert into line_verdict by name
select file_id, line, byte_offset, if(rule is null, 'ignored', 'quarantined') as verdict, rule, line_hash
from counter_record where rule is not null or is_ignored
"""
_STAGED = """
create or replace temp table sample_staged as
select
    $source as source,
    coalesce(instant, placed(local_time, $zone)) as sampled_at,
    concat_ws('|', $source, flow_id, server_id, node_id, epoch_us(sampled_at)) as sample_uid,
    case when instant is not null then 'offset' when $zone in ('UTC', 'Etc/UTC') then 'utc' else 'site_zone' end as time_basis,
    list_filter([
        if(instant is null and is_skipped(local_time, $zone), 'time_in_gap', null),
        if(instant is null and falls_twice(local_time, $zone), 'time_ambiguous', null)
    ], lambda f: f is not null) as quality_flags,
    * exclude (is_ignored, instant, local_time, rule, line_hash)
from counter_record
where rule is null and not is_ignored
"""
