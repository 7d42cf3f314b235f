"""What one flow's page shows, by channel: its last hours, its days and weeks, its errors and its destinations. These count messages,
not people.

Here: the queries over the interface marts. Not here: one row per channel and window (`channels`), and what a message or a gap is
(`models/sql`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.aggregates import channels, delivery_sql
from pipelines.aggregates.delivery_sql import COUNTS, WINDOW, percentiles, within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from pipelines.aggregates.periods import Window

MISSING_HOURS = """
create or replace temp table missing_hour as
select hour.source, hour.channel, hour.began_at
from marts.channel_hour as hour
inner join marts.log_gap as gap
    on gap.source = hour.source
    and gap.channel = hour.channel
    and hour.began_at >= coalesce(gap.from_at, '-infinity')
    and hour.began_at + interval 1 hour <= gap.until_at
where hour.messages = 0
union
select hour.source, hour.channel, hour.began_at
from marts.channel_hour as hour
inner join marts.counter_gap as gap
    on gap.source = hour.source
    and gap.channel = hour.channel
    and gap.kind = 'missing'
    and hour.began_at < gap.until_at
    and hour.began_at + interval 1 hour > gap.from_at
where hour.messages = 0
"""
"""Hours in which the log has nothing, although the numbers of messages or the engine's own counters say that some came."""

HOURS = """
select
    hour.source,
    hour.channel,
    hour.began_at,
    case when gap.began_at is null then hour.messages end as messages,
    hour.expected_messages,
    hour.expected_low,
    hour.expected_high,
    hour.silent_minutes,
    hour.began_at >= cut.last_hour - interval 24 hour as is_last_day
from marts.channel_hour as hour
cross join (select date_trunc('hour', $as_of) as last_hour) as cut
left join missing_hour as gap
    on gap.source = hour.source and gap.channel = hour.channel and gap.began_at = hour.began_at
where hour.began_at >= cut.last_hour - interval 192 hour
    and hour.began_at < cut.last_hour
"""
"""The last eight days of every channel hour by hour, whole hours only; an hour that the log is known to lack has no `messages`."""

HISTORY = f"""
with hour as (
    select
        hour.source,
        hour.channel,
        date_trunc($grain, hour.began_date)::date as period,
        hour.messages,
        hour.expected_messages,
        hour.silent_minutes,
        hour.drifted_messages,
        gap.source is not null as is_missing
    from marts.channel_hour as hour
    left join missing_hour as gap
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
), counter as (
    select
        source,
        channel,
        date_trunc($grain, until_at::date)::date as period,
        case when count(counted_messages) = count(*) then sum(counted_messages)::bigint end as counted_messages
    from marts.counter_span
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
        {COUNTS}
        {percentiles("ack")},
        {percentiles("hop")}
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
    counter.counted_messages,
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
left join counter
    on counter.source = counted.source and counter.channel = counted.channel and counter.period = counted.period
left join delivery
    on delivery.source = counted.source and delivery.channel = counted.channel and delivery.period = counted.period
"""
"""One row per channel and local day or week since its source's first message. An hour is missing when nothing came in it and the
numbers or the engine's counters say that messages of it are lacking; a period all of whose hours are missing has no `messages`, which
is not zero. `counted_messages`: received by the engine's own counters; null where these were not read, or set back.
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

ERRORS = f"""
select
    {WINDOW}
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
where {within("occurred_date")}
group by all
"""
"""One row per channel, destination, class and template of error: how often an attempt or a step ended so, and of how many messages."""

DESTINATIONS = f"""
select
    {WINDOW}
    source,
    channel,
    destination,
    {COUNTS}
    count(*) filter (where is_open) as queue_depth,
    {percentiles("ack")},
    max(delivered_at) as last_delivered_at
from marts.message_delivery
where {within("received_date")}
group by all
"""
"""One row per channel and final destination: the deliveries of messages received in the window."""

COPIED = (
    "interface_flow",
    "interface_incident",
    "incident_course",
    "clock_skew",
    "log_gap",
    "counter_gap",
    "message_match",
    "identifier_match",
)
"""Marts that hold no case and that every role may see as they are."""
NAMES = ("interface_hour", "interface_history", "interface_error", "interface_destination", *COPIED)


def read_by_the_page() -> frozenset[str]:
    """The tables, each "layer.name", that say how flows are: what the queries of the interface pages read. How messages match cases
    is no question of a minute.
    """
    queries = (channels.QUERY, channels.RECEIVED, MISSING_HOURS, HOURS, HISTORY, FAILED_STEPS, ERRORS, DESTINATIONS)
    read = {name for query in queries for name in re.findall(r"\b(?:staging|marts)\.\w+", query)}
    return frozenset(read | {f"marts.{name}" for name in COPIED if name not in {"message_match", "identifier_match"}})


def fill(db: duckdb.DuckDBPyConnection, windows: Sequence[Window], as_of: datetime) -> None:
    """Make the temporary tables `aggregate_<name>`: the last hours, days and weeks of all time, errors and destinations of every window."""
    db.execute(MISSING_HOURS)
    db.execute(FAILED_STEPS)
    delivery_sql.fill(db, "interface_hour", HOURS, [{"as_of": as_of}])
    delivery_sql.fill(db, "interface_history", HISTORY, [{"grain": "day"}, {"grain": "week"}])
    delivery_sql.fill(db, "interface_error", ERRORS, delivery_sql.bound(windows))
    delivery_sql.fill(db, "interface_destination", DESTINATIONS, delivery_sql.bound(windows))
    for name in COPIED:
        delivery_sql.fill(db, name, f"from marts.{name}", [{}])
    for step in ("missing_hour", "failed_step"):
        db.execute(f"drop table {step}")
