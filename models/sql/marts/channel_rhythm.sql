-- Grain: one row per channel and class of hours of the week, and one per channel with the class any.
-- What a channel's own history says about how long it may be without a message; it is used where the registry says nothing.
-- hour_class: the day and local hour in which a gap between two messages began, such as Fri 17; Monday to Thursday are one
-- day: Mon-Thu 07.
-- days: local days on which a gap began in such an hour.
-- usual_gap_minutes, longest_gap_minutes: the longest gap that began in such an hour of a day: on half of the days, and on
-- nineteen of twenty.
-- learned_gap_minutes: the longest and twice its distance from the usual one, at least a quarter of an hour: a feed that
-- closes at night is missed when it does not open, one with gaps of all sizes later. Null with fewer than four days.
with gap as (
    select
        source,
        channel,
        received_at,
        lead(received_at) over (partition by source, channel order by received_at) as next_at
    from marts.channel_arrival
), measured as (
    select
        source,
        channel,
        case
            when extract(isodow from received_at::timestamp) < 5 then strftime(received_at::timestamp, 'Mon-Thu %H')
            else strftime(received_at::timestamp, '%a %H')
        end as hour_class,
        received_at::date as began_date,
        date_diff('microsecond', received_at, next_at) / 6e7 as minutes
    from gap
    where next_at is not null
), longest as (
    select
        source,
        channel,
        hour_class,
        began_date,
        max(minutes) as minutes
    from measured
    group by
        source,
        channel,
        hour_class,
        began_date
    union all
    select
        source,
        channel,
        'any' as hour_class,
        began_date,
        max(minutes) as minutes
    from measured
    group by
        source,
        channel,
        began_date
), summed as (
    select
        source,
        channel,
        hour_class,
        count(*) as days,
        quantile_disc(minutes, 0.5) as usual_gap_minutes,
        quantile_disc(minutes, 0.95) as longest_gap_minutes
    from longest
    group by
        source,
        channel,
        hour_class
)
select
    source,
    channel,
    hour_class,
    days,
    usual_gap_minutes,
    longest_gap_minutes,
    case
        when days >= 4 then greatest(longest_gap_minutes + 2 * (longest_gap_minutes - usual_gap_minutes), 15.0)
    end as learned_gap_minutes
from summed
