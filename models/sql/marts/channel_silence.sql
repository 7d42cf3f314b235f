-- Grain: one row per time in which one channel was silent longer than it may be.
-- A registered longest silence is the rule where there is one, unless an ordinary week of the channel has such a lull too;
-- else it is what the channel's own weeks before have taught.
-- started_at: its last message before. restored_at: the next one; null while none has come.
-- detected_at: when the rule could first have known, from what was known then.
-- usual_lull: messages that a usual week's longest lull holds back; null where the registry's limit is the rule.
-- Not published: its rows are in interface_incident.
with weekly as (
    select
        source,
        channel,
        date_trunc('week', from_at::date)::date as week,
        max(expected) as longest
    from marts.channel_lull
    where is_pace_known
    group by
        source,
        channel,
        date_trunc('week', from_at::date)::date
), learned as (
    select
        source,
        channel,
        week,
        count(longest) over past as weeks,
        quantile_disc(longest, 0.5) over past as usual_lull
    from weekly
    window past as (
        partition by source, channel
        order by week
        rows between 8 preceding and 1 preceding
    )
), judged as (
    select
        lull.*,
        interface.max_silence_minutes,
        learned.usual_lull,
        greatest(rule.silence_floor, rule.silence_margin * learned.usual_lull) as most_expected,
        not lull.is_taught
        or learned.usual_lull is null
        or lull.expected >= rule.registered_margin * learned.usual_lull as is_beyond_usual,
        rule.gap_minutes
    from marts.channel_lull as lull
    left join staging.registry_interface as interface
        on interface.source = lull.source
        and interface.channel = lull.channel
    left join learned
        on learned.source = lull.source
        and learned.channel = lull.channel
        and learned.week = date_trunc('week', lull.from_at::date)::date
        and learned.weeks >= 2
    cross join marts.incident_rule as rule
), crossed as (
    select
        judged.source,
        judged.channel,
        judged.from_at,
        arg_max(
            pace.began_at + (
                judged.expected_from + judged.missing + judged.most_expected / judged.level - pace.expected_before
            ) / pace.expected * interval 1 hour,
            pace.began_at
        ) as learned_at
    from judged
    inner join marts.channel_pace as pace
        on pace.source = judged.source
        and pace.channel = judged.channel
        and pace.began_at > judged.from_at - interval 1 hour
        and pace.began_at < judged.known_until
        and pace.expected > 0
        and pace.expected_before
        <= judged.expected_from + judged.missing + judged.most_expected / judged.level
    where judged.max_silence_minutes is null
        and judged.is_taught
        and judged.expected >= judged.most_expected
    group by
        judged.source,
        judged.channel,
        judged.from_at
)
select
    judged.source,
    judged.channel,
    judged.from_at as started_at,
    case
        when judged.max_silence_minutes is not null
            then judged.from_at + judged.max_silence_minutes * interval 1 minute
        else least(
            judged.known_until,
            greatest(crossed.learned_at, judged.from_at + judged.gap_minutes * interval 1 minute)
        )
    end as detected_at,
    judged.until_at as restored_at,
    judged.known_until,
    judged.max_silence_minutes is not null as is_by_registry,
    case when judged.is_pace_known then judged.expected end as expected,
    case when judged.max_silence_minutes is null then judged.usual_lull end as usual_lull
from judged
left join crossed
    on crossed.source = judged.source
    and crossed.channel = judged.channel
    and crossed.from_at = judged.from_at
where (
        crossed.learned_at is not null
        or (
            judged.is_beyond_usual
            and judged.known_until > judged.from_at + judged.max_silence_minutes * interval 1 minute
        )
    )
    and not exists (
        select 1
        from staging.registry_downtime as downtime
        where downtime.source = judged.source
            and coalesce(downtime.channel, judged.channel) = judged.channel
            and downtime.starts_at < judged.known_until
            and downtime.ends_at > judged.from_at
            and judged.known_until <= downtime.ends_at + judged.max_silence_minutes * interval 1 minute
    )
