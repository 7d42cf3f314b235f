"""What stops when a channel stops: the published table `channel_reach`, from the messages that it carried and the waits that they ended.

Here: one query by window. Not here: how a channel does (`channels`), what a wait is (`models/sql/marts/wait.sql`).
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
with delivery as (
    select
        source,
        channel,
        count(distinct message_key) as messages,
        list_sort(list(distinct msg_type) filter (where msg_type is not null)) as msg_types,
        list_sort(list(distinct destination) filter (where destination is not null)) as destinations,
        min(received_date) as first_date
    from marts.message_delivery
    where received_date >= $start and received_date < $end
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
    delivery.destinations,
    (
        select list_sort(list(record.domain))
        from staging.registry_record as record
        where list_contains(delivery.destinations, record.system)
    ) as domains,
    waiting.wait_kinds,
    coalesce(waiting.waits, 0) as waits,
    coalesce(waiting.patients, 0) as patients
from delivery
left join waiting
    on waiting.source = delivery.source and waiting.channel = delivery.channel
order by delivery.source, delivery.channel
"""
HIDDEN = ("waits", "patients")


def channel_reach(db: duckdb.DuckDBPyConnection, windows: Sequence[Window], suppress_below: int) -> pl.DataFrame:
    """One row per window and channel that carried a message in it. Messages are not people: only few patients and their waits are hidden.

    Nothing is a sum of other rows: one patient's news passes several channels.
    """
    parts = [db.sql(QUERY, params={"name": each.name, "start": each.start, "end": each.end}).pl() for each in windows]
    few = (pl.col("patients") > 0) & (pl.col("patients") < suppress_below)
    return (
        pl.concat(parts)
        .with_columns(suppressed=few)
        .with_columns(pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in HIDDEN)
    )
