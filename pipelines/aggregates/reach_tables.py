"""What stops when a channel stops: the published table `channel_reach`, from the messages that it carried and the waits that they ended.

Here: one query by window; what a channel hands to another (`marts.handover`) stops with it, so whatever lies behind that is its own.
Not here: how a channel does (`channels`), what a wait is (`models/sql/marts/wait.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

NAME = "channel_reach"
QUERY = """
with recursive passage as (
    select source, channel, message_key, msg_type, null::varchar as destination, received_date as passed_date from marts.message
    union all
    select source, channel, message_key, msg_type, destination, received_date from marts.message_delivery
    union all
    select source, channel, message_key, null, null, handed_date from marts.handover
), delivery as (
    select
        source,
        channel,
        count(distinct message_key) as messages,
        list_sort(list(distinct msg_type) filter (where msg_type is not null)) as msg_types,
        min(passed_date) as first_date
    from passage
    where passed_date >= $start and passed_date < $end
    group by all
), lead as (
    select distinct
        source,
        channel,
        next_source,
        next_channel
    from marts.handover
    where handed_date >= $start and handed_date < $end
), behind as (
    select
        source,
        channel,
        source as to_source,
        channel as to_channel
    from delivery
    union
    select
        behind.source,
        behind.channel,
        lead.next_source,
        lead.next_channel
    from behind
    inner join lead
        on lead.source = behind.to_source and lead.channel = behind.to_channel
), reached as (
    select
        behind.source,
        behind.channel,
        list_sort(list(distinct passage.destination)) as destinations
    from behind
    inner join passage
        on passage.source = behind.to_source and passage.channel = behind.to_channel
    where passage.destination is not null
        and passage.passed_date >= $start and passage.passed_date < $end
    group by all
), carried as (
    select distinct
        part.source,
        part.channel,
        wait.wait_key,
        wait.wait_kind,
        coalesce(wait.patient_key, wait.encounter_key, wait.wait_key) as patient
    from marts.wait_part as part
    inner join marts.wait as wait
        on wait.wait_key = part.wait_key
    where part.channel is not null
        and not wait.is_within
        and wait.begin_date >= $start and wait.begin_date < $end
), waiting as (
    select
        source,
        channel,
        list_sort(list(distinct wait_kind)) as wait_kinds,
        count(*) as waits,
        count(distinct patient) as patients
    from carried
    group by all
)
select
    delivery.source,
    delivery.channel,
    $name::varchar as grain,
    $start::date as period,
    $end::date as period_end,
    $end::date - delivery.first_date as days,
    delivery.messages,
    delivery.msg_types,
    reached.destinations,
    (
        select list_sort(list(record.domain))
        from staging.registry_record as record
        where list_contains(reached.destinations, record.system)
    ) as domains,
    waiting.wait_kinds,
    coalesce(waiting.waits, 0) as waits,
    coalesce(waiting.patients, 0) as patients
from delivery
left join reached
    on reached.source = delivery.source and reached.channel = delivery.channel
left join waiting
    on waiting.source = delivery.source and waiting.channel = delivery.channel
order by delivery.source, delivery.channel
"""
HIDDEN = ("waits", "patients")


def channel_reach(db: duckdb.DuckDBPyConnection, windows: Sequence[Window], suppress_below: int) -> pl.DataFrame:
    """One row per window and channel that carried a message in it, received, handed on or delivered; its destinations are also those of
    the channels behind it. Messages are not people: only few patients and their waits are hidden.

    Nothing is a sum of other rows: one patient's news passes several channels.
    """
    parts = [db.sql(QUERY, params={"name": each.name, "start": each.start, "end": each.end}).pl() for each in windows]
    few = (pl.col("patients") > 0) & (pl.col("patients") < suppress_below)
    return (
        pl.concat(parts)
        .with_columns(suppressed=few)
        .with_columns(pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in HIDDEN)
    )
