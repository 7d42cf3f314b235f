"""How each interface does: one row per channel and period, for the aggregates folder. These count messages, not people.

Here: one query over the interface marts, run for each window. Not here: what a message or a delivery is (`models/sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.aggregates import delivery_sql
from pipelines.aggregates.delivery_sql import COUNTS, WINDOW, percentiles, within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from pipelines.aggregates.periods import Window

QUERY = f"""
with hour as (
    select
        source,
        channel,
        sum(silent_minutes) as silent_minutes,
        sum(drifted_messages)::bigint as drifted,
        sum(messages) filter (where is_baseline_known)::double as compared,
        sum(expected_messages) as expected,
        count(expected_messages) as compared_hours
    from marts.channel_hour
    where {within("began_date")}
    group by all
), by_hand as (
    select source, channel, count(*) as handled_by_hand
    from marts.intervention
    where is_confirmed
        and is_of_message
        and {within("occurred_date")}
    group by all
), dead as (
    select
        source,
        channel,
        count(*) as dead_letters_open,
        (date_diff('second', min(given_up_at), $as_of) / 60.0)::double as oldest_dead_letter_minutes
    from marts.message_delivery
    where is_unresolved
    group by all
), message as (
    select source, channel, count(distinct original_uid) as messages
    from received_message
    where {within("received_date")}
    group by all
), waiting as (
    select
        source,
        channel,
        count(*) as queue_depth,
        (date_diff('second', min(received_at), $as_of) / 60.0)::double as oldest_queued_minutes
    from marts.message_delivery
    where is_open
    group by all
), engine_queue as (
    select
        source,
        channel,
        (sum(last_waiting) filter (where not is_dead_letter))::bigint as engine_queue_depth,
        (sum(last_waiting) filter (where is_dead_letter))::bigint as engine_dead_letters,
        max(last_sample_at) as engine_queue_at
    from (
        from marts.engine_queue_hour
        qualify row_number() over (partition by source, channel, node_id order by began_at desc) = 1
    )
    group by all
), delivery as (
    select
        source,
        channel,
        {COUNTS}
        count(*) filter (where is_delivered and hop_latency_ms is null) as hop_unknown,
        count(*) filter (where state = 'dead_lettered') as dead_lettered,
        {percentiles("ack")},
        {percentiles("hop")}
    from marts.message_delivery
    where {within("received_date")}
    group by all
)
select
    {WINDOW}
    interface.source,
    interface.channel,
    interface.facility,
    interface.owner,
    interface.protocol,
    interface.data_domain,
    interface.criticality,
    interface.kind,
    interface.is_registered,
    interface.is_seen,
    coalesce(message.messages, 0) as messages,
    coalesce(delivery.deliveries, 0) as deliveries,
    coalesce(delivery.failed_first, 0) as failed_first,
    coalesce(delivery.failed_final, 0) as failed_final,
    coalesce(delivery.retried, 0) as retried,
    coalesce(delivery.dead_lettered, 0) as dead_lettered,
    coalesce(waiting.queue_depth, 0) as queue_depth,
    waiting.oldest_queued_minutes,
    engine_queue.engine_queue_depth,
    engine_queue.engine_queue_at,
    coalesce(delivery.delivered, 0) as delivered,
    coalesce(delivery.ack_unknown, 0) as ack_unknown,
    coalesce(delivery.hop_unknown, 0) as hop_unknown,
    delivery.ack_p50_ms,
    delivery.ack_p95_ms,
    delivery.ack_p99_ms,
    delivery.hop_p50_ms,
    delivery.hop_p95_ms,
    delivery.hop_p99_ms,
    coalesce(dead.dead_letters_open, engine_queue.engine_dead_letters, 0) as dead_letters_open,
    dead.oldest_dead_letter_minutes,
    coalesce(by_hand.handled_by_hand, 0) as handled_by_hand,
    coalesce(round(hour.silent_minutes, 3), 0) as silent_minutes,
    coalesce(hour.drifted, 0) as drifted,
    case
        when hour.expected > 0 and hour.expected >= hour.compared_hours
            then round(hour.compared / hour.expected, 6)
    end as throughput_ratio,
    interface.first_seen_at,
    interface.last_seen_at,
    interface.last_message_at,
    interface.max_silence_minutes,
    interface.silence_limit_minutes,
    interface.silence_basis,
    case
        when not interface.is_seen then interface.max_silence_minutes is not null
        else coalesce(
            date_diff('second', coalesce(interface.last_message_at, interface.last_seen_at), $as_of)
            > interface.silence_limit_minutes * 60,
            false
        )
    end as silent
from marts.interface_channel as interface
left join hour
    on hour.source = interface.source and hour.channel = interface.channel
left join by_hand
    on by_hand.source = interface.source and by_hand.channel = interface.channel
left join waiting
    on waiting.source = interface.source and waiting.channel = interface.channel
left join engine_queue
    on engine_queue.source = interface.source and engine_queue.channel = interface.channel
left join dead
    on dead.source = interface.source and dead.channel = interface.channel
left join message
    on message.source = interface.source and message.channel = interface.channel
left join delivery
    on delivery.source = interface.source and delivery.channel = interface.channel
"""
"""`messages` counts what each channel received, hops from another channel included, as `marts.interface_channel` does.
`silent`, `last_seen_at`, the queue, the engine's own word of it and the open dead letters are as of the data cut in every
window. `throughput_ratio`: messages by what is usual at those hours, over
hours that can be compared; null where less than one message an hour is usual, because the median of such small numbers says
nothing.
"""

RECEIVED = """
create or replace temp table received_message as
select distinct source, channel, original_uid, occurred_at::date as received_date
from staging.interface_event
where event_type = 'received'
    and node_role = 'source'
"""
"""What each channel received on which day, read once and not for every window."""

NAME = "interface_channel"


def fill(db: duckdb.DuckDBPyConnection, windows: Sequence[Window], as_of: datetime) -> None:
    """Make the temporary table with the rows of every window."""
    db.execute(RECEIVED)
    delivery_sql.fill(db, NAME, QUERY, delivery_sql.bound(windows, as_of=as_of))
    db.execute("drop table received_message")
