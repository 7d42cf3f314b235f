-- Grain: one row per stretch of a flow in which its engine's counters tell what its log does not.
-- Neighbouring stretches that lack messages are one. What counters and log agree on is no row here.
-- from_at, until_at: the readings around it. kind: missing (the counters have messages that the log lacks) or reset
-- (a counter was set back between them: what they say of this time is a gap, never a zero).
-- missing_messages: how many the log lacks at least; null for a reset.
-- resets: how many readings show one; null for missing.
with lacking as (
    select
        *,
        coalesce(missing_messages > 0, false) as is_lacking,
        coalesce(lag(missing_messages > 0) over flow, false) as was_lacking
    from marts.counter_span
    window flow as (partition by source, flow_id order by until_at)
), numbered as (
    select
        *,
        sum(case when is_lacking and not was_lacking then 1 else 0 end) over (
            partition by source, flow_id order by until_at rows unbounded preceding
        ) as run
    from lacking
)
select
    source,
    channel,
    flow_id,
    'missing' as kind,
    min(from_at) as from_at,
    max(until_at) as until_at,
    sum(missing_messages)::bigint as missing_messages,
    null::bigint as resets
from numbered
where is_lacking
group by
    source,
    channel,
    flow_id,
    run
union all
select
    source,
    channel,
    flow_id,
    'reset' as kind,
    from_at,
    reset_at as until_at,
    null as missing_messages,
    resets
from marts.counter_span
where resets > 0
