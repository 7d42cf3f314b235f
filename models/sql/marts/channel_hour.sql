-- Grain: one row per channel, seen or registered, and local hour, from its source's first message to its last.
-- unit: the channel. A source that stops as a whole ends its channels' hours: that is a late log, not a silent feed.
-- messages: received in the hour, hops from another channel included; one that somebody sent again is not received.
-- expected_messages: the median of the same hour of the week in the four weeks before and after; null with fewer than two
-- such hours.
-- expected_low, expected_high: between them lie four of five of those hours.
-- silent_minutes: of a channel whose longest silence is registered, the minutes of the hour that lie beyond it; of any
-- other, the whole hour when nothing came although five messages or more are usual.
-- The hour is cut from the local time and taken off the instant: the hour that the clock repeats in autumn is two hours.
-- is_storm: of at least five deliveries of messages received in the hour, more than half took five attempts or more.
with span as (
    select
        source,
        min(received_at) as first_at,
        max(received_at) as last_at
    from marts.channel_arrival
    group by source
), known_channel as (
    select
        source,
        channel
    from marts.channel_arrival
    union
    select
        source,
        channel
    from staging.registry_interface
), channel as (
    select
        known_channel.source,
        known_channel.channel,
        coalesce(interface.facility, 'Unregistered') as facility,
        interface.max_silence_minutes,
        span.first_at,
        span.last_at,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', span.first_at)
        - date_diff('second', date_trunc('hour', span.first_at::timestamp), span.first_at::timestamp) as first_second,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', span.last_at) as last_second
    from known_channel
    inner join span
        on span.source = known_channel.source
    left join staging.registry_interface as interface
        on interface.source = known_channel.source
        and interface.channel = known_channel.channel
), numbered_hour as (
    select
        source,
        channel,
        facility,
        max_silence_minutes,
        unnest(generate_series(first_second, last_second, 3600)) as began_second
    from channel
), hour as (
    select
        *,
        to_timestamp(began_second) as began_at
    from numbered_hour
), received as (
    select
        source,
        channel,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', began_at) as began_second,
        count(*) as messages
    from marts.channel_arrival
    group by
        source,
        channel,
        began_second
), drifted as (
    select
        source,
        channel,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', received_at)
        - date_diff('second', date_trunc('hour', received_at::timestamp), received_at::timestamp) as began_second,
        count(*) as drifted_messages
    from marts.message
    where is_drifted
    group by
        source,
        channel,
        began_second
), tried as (
    select
        source,
        channel,
        date_diff('second', timestamptz '1970-01-01 00:00:00+00', received_at)
        - date_diff('second', date_trunc('hour', received_at::timestamp), received_at::timestamp) as began_second,
        count(*) as deliveries,
        sum(attempts)::bigint as attempts,
        count(*) filter (where attempts >= 5) as often_tried
    from marts.message_delivery
    group by
        source,
        channel,
        began_second
), sign as (
    select
        source,
        channel,
        received_at as seen_at
    from marts.channel_arrival
    union all
    select
        source,
        channel,
        first_at as seen_at
    from channel
    union all
    select
        source,
        channel,
        last_at as seen_at
    from channel
), gap as (
    select
        source,
        channel,
        seen_at as from_at,
        lead(seen_at) over (partition by source, channel order by seen_at) as until_at
    from sign
), silence as (
    select
        gap.source,
        gap.channel,
        gap.from_at + channel.max_silence_minutes * interval 1 minute as from_at,
        gap.until_at
    from gap
    inner join channel
        on channel.source = gap.source
        and channel.channel = gap.channel
    where gap.until_at > gap.from_at + channel.max_silence_minutes * interval 1 minute
), measured as (
    select
        hour.source,
        hour.channel,
        hour.began_at,
        sum(date_diff(
            'microsecond',
            greatest(silence.from_at, hour.began_at),
            least(silence.until_at, hour.began_at + interval 1 hour)
        )) / 6e7 as silent_minutes
    from hour
    inner join silence
        on silence.source = hour.source
        and silence.channel = hour.channel
        and silence.from_at < hour.began_at + interval 1 hour
        and silence.until_at > hour.began_at
    group by
        hour.source,
        hour.channel,
        hour.began_at
), counted as (
    select
        hour.source,
        hour.channel,
        hour.facility,
        hour.max_silence_minutes,
        hour.began_second,
        hour.began_at,
        hour.began_at::date as began_date,
        date_trunc('week', hour.began_at::date)::date as began_week,
        date_diff('day', date_trunc('week', hour.began_at::date)::date, hour.began_at::date) * 24
        + extract(hour from hour.began_at::timestamp) as hour_of_week,
        coalesce(received.messages, 0) as messages
    from hour
    left join received
        on received.source = hour.source
        and received.channel = hour.channel
        and received.began_second = hour.began_second
), usual as (
    select
        counted.source,
        counted.channel,
        counted.began_at,
        median(other.messages) as expected_messages,
        quantile_cont(other.messages, 0.1) as expected_low,
        quantile_cont(other.messages, 0.9) as expected_high
    from counted
    inner join counted as other
        on other.source = counted.source
        and other.channel = counted.channel
        and other.hour_of_week = counted.hour_of_week
        and other.began_week <> counted.began_week
        and abs(date_diff('day', other.began_week, counted.began_week)) <= 28
    group by
        counted.source,
        counted.channel,
        counted.began_at
    having count(*) >= 2
)
select
    counted.source || ':' || counted.channel || ':'
    || counted.began_second::varchar as channel_hour_key,
    counted.facility,
    counted.channel as unit,
    counted.channel,
    counted.source,
    counted.began_at,
    counted.messages,
    usual.expected_messages,
    usual.expected_low,
    usual.expected_high,
    usual.expected_messages is not null as is_baseline_known,
    case
        when counted.max_silence_minutes is not null then coalesce(measured.silent_minutes, 0.0)
        when counted.messages = 0 and coalesce(usual.expected_messages >= 5, false) then 60.0
        else 0.0
    end as silent_minutes,
    coalesce(drifted.drifted_messages, 0) as drifted_messages,
    coalesce(tried.deliveries, 0) as deliveries,
    coalesce(tried.attempts, 0) as attempts,
    coalesce(tried.deliveries >= 5 and tried.often_tried * 2 > tried.deliveries, false) as is_storm,
    date_trunc('hour', counted.began_at::timestamp) as began_hour,
    counted.began_date,
    counted.began_week,
    date_trunc('month', counted.began_date)::date as began_month,
    null::integer as file_id,
    null::bigint as line
from counted
left join usual
    on usual.source = counted.source
    and usual.channel = counted.channel
    and usual.began_at = counted.began_at
left join measured
    on measured.source = counted.source
    and measured.channel = counted.channel
    and measured.began_at = counted.began_at
left join drifted
    on drifted.source = counted.source
    and drifted.channel = counted.channel
    and drifted.began_second = counted.began_second
left join tried
    on tried.source = counted.source
    and tried.channel = counted.channel
    and tried.began_second = counted.began_second
