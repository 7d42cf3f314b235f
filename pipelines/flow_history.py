"""What one flow's page shows, by channel: its days and weeks, its errors and its destinations. These count messages, not people.

Here: the queries over the interface marts. Not here: one row per channel and window (`channels`), and what a message or a
gap is (`models/sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.periods import Window

HISTORY = """
with hour as (
    select
        hour.source,
        hour.channel,
        date_trunc($grain, hour.began_date)::date as period,
        hour.messages,
        hour.expected_messages,
        hour.silent_minutes,
        hour.drifted_messages,
        hour.messages = 0 and gap.source is not null as is_missing
    from marts.channel_hour as hour
    left join (
        select distinct gap.source, gap.channel, other.began_at
        from marts.log_gap as gap
        inner join marts.channel_hour as other
            on other.source = gap.source
            and other.channel = gap.channel
            and other.began_at >= coalesce(gap.from_at, '-infinity')
            and other.began_at + interval 1 hour <= gap.until_at
    ) as gap
        on gap.source = hour.source and gap.channel = hour.channel and gap.began_at = hour.began_at
), counted as (
    select
        source,
        channel,
        period,
        count(*) as hours,
        count(*) filter (where is_missing) as missing_hours,
        sum(messages)::bigint as messages,
        case when count(expected_messages) = count(*) then sum(expected_messages)::double end as expected_messages,
        sum(silent_minutes) as silent_minutes,
        sum(drifted_messages)::bigint as drifted
    from hour
    group by all
), gap as (
    select
        source,
        channel,
        date_trunc($grain, until_at::date)::date as period,
        sum(missing_messages)::bigint as missing_messages
    from marts.log_gap
    where from_at is not null
    group by all
), delivery as (
    select
        source,
        channel,
        date_trunc($grain, received_date)::date as period,
        count(*) as deliveries,
        count(*) filter (where is_delivered) as delivered,
        count(*) filter (where is_first_attempt_failed) as failed_first,
        count(*) filter (where is_failed) as failed_final,
        count(*) filter (where is_retried) as retried,
        count(*) filter (where is_delivered and ack_latency_ms is null) as ack_unknown,
        round(quantile_cont(ack_latency_ms, 0.5), 3) as ack_p50_ms,
        round(quantile_cont(ack_latency_ms, 0.95), 3) as ack_p95_ms,
        round(quantile_cont(ack_latency_ms, 0.99), 3) as ack_p99_ms,
        round(quantile_cont(hop_latency_ms, 0.5), 3) as hop_p50_ms,
        round(quantile_cont(hop_latency_ms, 0.95), 3) as hop_p95_ms,
        round(quantile_cont(hop_latency_ms, 0.99), 3) as hop_p99_ms
    from marts.message_delivery
    group by all
)
select
    $grain::varchar as grain,
    counted.period,
    counted.source,
    counted.channel,
    counted.hours,
    counted.missing_hours,
    coalesce(gap.missing_messages, 0) as missing_messages,
    case when counted.missing_hours < counted.hours then counted.messages end as messages,
    counted.expected_messages,
    round(counted.silent_minutes, 3) as silent_minutes,
    counted.drifted,
    coalesce(delivery.deliveries, 0) as deliveries,
    coalesce(delivery.delivered, 0) as delivered,
    coalesce(delivery.failed_first, 0) as failed_first,
    coalesce(delivery.failed_final, 0) as failed_final,
    coalesce(delivery.retried, 0) as retried,
    coalesce(delivery.ack_unknown, 0) as ack_unknown,
    delivery.ack_p50_ms,
    delivery.ack_p95_ms,
    delivery.ack_p99_ms,
    delivery.hop_p50_ms,
    delivery.hop_p95_ms,
    delivery.hop_p99_ms
from counted
left join gap
    on gap.source = counted.source and gap.channel = counted.channel and gap.period = counted.period
left join delivery
    on delivery.source = counted.source and delivery.channel = counted.channel and delivery.period = counted.period
"""
"""One row per channel and local day or week since its source's first message. An hour is missing when nothing came in it and the
numbers say that messages of it are lacking; a period all of whose hours are missing has no `messages`, which is not zero.
"""

FAILED_STEPS = """
create or replace temp table failed_step as
select
    source,
    channel,
    case when node_role = 'destination' then node end as destination,
    error_class,
    error_template,
    message_uid,
    occurred_at,
    occurred_at::date as occurred_date
from staging.interface_event
where error_class is not null
"""
"""Events that say what went wrong: few of all events, which are read once and not for every window."""

ERRORS = """
select
    $name::varchar as grain,
    $start::date as period,
    $end::date as period_end,
    source,
    channel,
    destination,
    error_class,
    error_template,
    count(*) as n,
    count(distinct message_uid) as messages,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at
from failed_step
where ($start is null or occurred_date >= $start) and ($end is null or occurred_date < $end)
group by all
"""
"""One row per channel, destination, class and template of error: how often an attempt or a step ended so, and of how many messages."""

DESTINATIONS = """
select
    $name::varchar as grain,
    $start::date as period,
    $end::date as period_end,
    source,
    channel,
    destination,
    count(*) as deliveries,
    count(*) filter (where is_delivered) as delivered,
    count(*) filter (where is_first_attempt_failed) as failed_first,
    count(*) filter (where is_failed) as failed_final,
    count(*) filter (where is_retried) as retried,
    count(*) filter (where is_open) as queue_depth,
    count(*) filter (where is_delivered and ack_latency_ms is null) as ack_unknown,
    round(quantile_cont(ack_latency_ms, 0.5), 3) as ack_p50_ms,
    round(quantile_cont(ack_latency_ms, 0.95), 3) as ack_p95_ms,
    round(quantile_cont(ack_latency_ms, 0.99), 3) as ack_p99_ms,
    max(delivered_at) as last_delivered_at
from marts.message_delivery
where ($start is null or received_date >= $start) and ($end is null or received_date < $end)
group by all
"""
"""One row per channel and final destination: the deliveries of messages received in the window."""

COPIED = ("interface_flow", "clock_skew", "log_gap", "message_match")
"""Marts that hold no case and that every role may see as they are."""
NAMES = ("interface_history", "interface_error", "interface_destination", *COPIED)


def fill(db: duckdb.DuckDBPyConnection, windows: Sequence[Window]) -> None:
    """Make the temporary tables `aggregate_<name>`: days and weeks of all time; errors and destinations of every window."""
    for position, grain in enumerate(("day", "week")):
        verb = "insert into aggregate_interface_history" if position else _made("interface_history")
        db.execute(f"{verb} {HISTORY}", {"grain": grain})
    db.execute(FAILED_STEPS)
    for table, query in (("interface_error", ERRORS), ("interface_destination", DESTINATIONS)):
        for position, window in enumerate(windows):
            verb = f"insert into aggregate_{table}" if position else _made(table)
            db.execute(f"{verb} {query}", {"name": window.name, "start": window.start, "end": window.end})
    db.execute("drop table failed_step")
    for name in COPIED:
        db.execute(f"{_made(name)} from marts.{name}")


def _made(name: str) -> str:
    return f"create or replace temp table aggregate_{name} as"
