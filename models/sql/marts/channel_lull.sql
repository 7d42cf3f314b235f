-- Grain: one row per time between two messages of a channel that is long enough to ask whether the channel was silent.
-- until_at: the next message; for the last one, null, and known_until is the last message of the whole source.
-- expected: messages that should have come in it, by the channel's pace, without those due while the whole log was missing.
-- missing: those due while nothing at all came from the source although other flows were due: the log's gap, not the feed's.
-- Not published: long lulls are in interface_incident.
with span as (
    select
        source,
        min(received_at) as first_at,
        max(received_at) as last_at
    from marts.channel_arrival
    group by source
), sign as (
    select
        source,
        channel,
        received_at as seen_at
    from marts.channel_arrival
    union all
    select
        interface.source,
        interface.channel,
        span.first_at as seen_at
    from staging.registry_interface as interface
    inner join span
        on span.source = interface.source
), gap as (
    select
        source,
        channel,
        seen_at as from_at,
        lead(seen_at) over (partition by source, channel order by seen_at) as until_at
    from sign
), source_gap as (
    select
        source,
        received_at as from_at,
        lead(received_at) over (partition by source order by received_at) as until_at
    from marts.channel_arrival
), long_gap as (
    select
        gap.source,
        gap.channel,
        gap.from_at,
        gap.until_at,
        coalesce(gap.until_at, span.last_at) as known_until,
        false as is_of_source
    from gap
    inner join span
        on span.source = gap.source
    cross join marts.incident_rule as rule
    where coalesce(gap.until_at, span.last_at) >= gap.from_at + rule.gap_minutes * interval 1 minute
    union all
    select
        source_gap.source,
        channel.channel,
        source_gap.from_at,
        source_gap.until_at,
        source_gap.until_at as known_until,
        true as is_of_source
    from source_gap
    inner join (
        select distinct
            source,
            channel
        from marts.channel_hour
    ) as channel
        on channel.source = source_gap.source
    cross join marts.incident_rule as rule
    where source_gap.until_at >= source_gap.from_at + rule.gap_minutes * interval 1 minute
), hours as (
    select
        *,
        to_timestamp(
            date_diff('second', timestamptz '1970-01-01 00:00:00+00', from_at)
            - date_diff('second', date_trunc('hour', from_at::timestamp), from_at::timestamp)
        ) as from_hour,
        to_timestamp(
            date_diff('second', timestamptz '1970-01-01 00:00:00+00', known_until)
            - date_diff('second', date_trunc('hour', known_until::timestamp), known_until::timestamp)
        ) as until_hour
    from long_gap
), measured as (
    select
        hours.source,
        hours.channel,
        hours.from_at,
        hours.until_at,
        hours.known_until,
        hours.is_of_source,
        before.expected is not null as is_pace_known,
        before.is_taught,
        before.level,
        before.expected_before + coalesce(before.expected, 0.0)
        * date_diff('second', hours.from_hour, hours.from_at) / 3600.0 as expected_from,
        after.expected_before + coalesce(after.expected, 0.0)
        * date_diff('second', hours.until_hour, hours.known_until) / 3600.0 as expected_until
    from hours
    inner join marts.channel_pace as before
        on before.source = hours.source
        and before.channel = hours.channel
        and before.began_at = hours.from_hour
    inner join marts.channel_pace as after
        on after.source = hours.source
        and after.channel = hours.channel
        and after.began_at = hours.until_hour
), log_gap as (
    select
        source,
        channel,
        from_at,
        known_until,
        expected_until - expected_from as due,
        sum(expected_until - expected_from) over (partition by source, from_at)
        - (expected_until - expected_from) as due_of_others
    from measured
    where is_of_source
), lost as (
    select
        measured.source,
        measured.channel,
        measured.from_at,
        sum(log_gap.due) as missing
    from measured
    inner join log_gap
        on log_gap.source = measured.source
        and log_gap.channel = measured.channel
        and log_gap.from_at >= measured.from_at
        and log_gap.known_until <= measured.known_until
    cross join marts.incident_rule as rule
    where not measured.is_of_source
        and log_gap.due_of_others >= rule.log_gap_messages
    group by
        measured.source,
        measured.channel,
        measured.from_at
)
select
    measured.source,
    measured.channel,
    measured.from_at,
    measured.until_at,
    measured.known_until,
    measured.is_pace_known,
    measured.is_taught,
    measured.level,
    measured.expected_from,
    coalesce(lost.missing, 0.0) as missing,
    greatest(
        0.0,
        (measured.expected_until - measured.expected_from - coalesce(lost.missing, 0.0)) * measured.level
    ) as expected
from measured
left join lost
    on lost.source = measured.source
    and lost.channel = measured.channel
    and lost.from_at = measured.from_at
where not measured.is_of_source
