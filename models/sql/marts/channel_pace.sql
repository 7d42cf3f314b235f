-- Grain: one row per channel and local hour: how many messages were to be expected by what was known before it.
-- expected: the mean of that hour of the week in the weeks before, without the busiest and the quietest of them; a holiday
-- is like a Sunday. None is expected in a planned downtime. Null in the first week.
-- is_taught: the flow is old enough to claim something by it.
-- expected_before: all that was to be expected up to the hour's beginning, of which differences are taken.
-- level: how busy the twelve hours before were against what was expected of them, at most 1: a day that is quiet as a
-- whole, for whatever reason, is not held against a flow.
-- Not published: what was expected of an incident stands in interface_incident.
with silenced as (
    select distinct
        hour.source,
        hour.channel,
        hour.began_at
    from marts.channel_hour as hour
    inner join staging.registry_downtime as downtime
        on downtime.source = hour.source
        and coalesce(downtime.channel, hour.channel) = hour.channel
        and downtime.starts_at < hour.began_at + interval 1 hour
        and downtime.ends_at > hour.began_at
), hour as (
    select
        hour.source,
        hour.channel,
        hour.began_at,
        hour.messages,
        silenced.began_at is not null as is_planned_down,
        case
            when sum(hour.messages) over (partition by hour.source, hour.began_at) > 0 and silenced.began_at is null
                then hour.messages
        end as known_messages,
        case
            when holiday.holiday_date is not null then 144 + extract(hour from hour.began_at::timestamp)
            else date_diff('day', hour.began_week, hour.began_date) * 24 + extract(hour from hour.began_at::timestamp)
        end as hour_of_week
    from marts.channel_hour as hour
    left join staging.registry_holiday as holiday
        on holiday.holiday_date = hour.began_date
    left join silenced
        on silenced.source = hour.source
        and silenced.channel = hour.channel
        and silenced.began_at = hour.began_at
), history as (
    select
        *,
        min(case when messages > 0 then began_at end) over (partition by source, channel) as first_at,
        count(known_messages) over past as weeks,
        sum(known_messages) over past as total,
        min(known_messages) over past as least_messages,
        max(known_messages) over past as most_messages
    from hour
    window past as (
        partition by source, channel, hour_of_week
        order by began_at
        rows between 8 preceding and 1 preceding
    )
), paced as (
    select
        source,
        channel,
        began_at,
        messages,
        case
            when weeks = 0 then null
            when is_planned_down then 0.0
            when weeks > 3 then (total - least_messages - most_messages) / (weeks - 2.0)
            else total / weeks::double
        end as expected,
        coalesce(
            weeks >= rule.pace_fewest_weeks and began_at >= first_at + rule.pace_fewest_weeks * interval 7 day,
            false
        ) as is_taught
    from history
    cross join marts.incident_rule as rule
)
select
    source,
    channel,
    began_at,
    messages,
    expected,
    is_taught,
    coalesce(sum(expected) over earlier, 0.0) as expected_before,
    coalesce(least(1.0, (sum(messages) over half_day + 3.0) / (sum(expected) over half_day + 3.0)), 1.0) as level
from paced
window earlier as (
    partition by source, channel
    order by began_at
    rows between unbounded preceding and 1 preceding
), half_day as (
    partition by source, channel
    order by began_at
    rows between 12 preceding and 1 preceding
)
