-- Grain: one row per stretch of a wait, in order of time; the stretches of a wait add up to it.
-- part: where the time went. source (until an engine received the news), transport (on its way, each hop by itself), queue (waiting
-- behind others or parked), retry (failed tries and the pauses between them), unacknowledged (nobody said that it has it: no answer
-- in time, or given up until it was sent again), people (the receiver had the news), unknown (a message should carry it, and no log
-- has one, so that it cannot be told apart).
-- source, channel and destination: the engine and the hop; of source the channel that received the news at last; null for people.
-- opened_by: the stage that was reached when it began: happened, then what the engine's log says (received, routed, queued,
-- attempt_started, attempt_failed, dead_lettered, replayed ...), told when the receiver had the news; of a wait without a message, happened.
-- is_across_clocks: its two ends were stamped by two clocks, the record's and an engine's or two of an engine.
-- is_estimated: the receiver acted before the message came, or without it; it is taken to have needed as long as it needs as a rule
-- (the median of the facility's waits of the kind that began on that day, the day before or the day after; of all of them where
-- fewer than five can tell), and to have learnt of it another way before that. It is true of the two stretches that meet there.
-- minutes_uncertain: of people's stretch of such a wait, how much longer or shorter it may well have been: half the distance between what
-- one in ten needed less than and what one in ten needed more than, no longer than the wait; 0 of all others.
-- A log that keeps only the last try of several (attempts_exact) cannot say when the first was: the wait for it is retry.
with tried as (
    select
        *,
        first_value(case when event_type in ('attempt_failed', 'nack_received', 'failed', 'dead_lettered', 'delivered') then event_type end ignore nulls)
            over after as outcome,
        first_value(case when event_type in ('attempt_failed', 'nack_received', 'failed', 'dead_lettered') then error_class end ignore nulls)
            over after as outcome_class
    from marts.wait_step
    window after as (
        partition by wait_key, source, channel, destination
        order by event_order
        rows between 1 following and unbounded following
    )
), told as (
    select
        wait_key,
        min(occurred_at) filter (where is_told) as told_at
    from marts.wait_step
    group by wait_key
), timed as (
    select
        wait.wait_key,
        wait.wait_kind,
        wait.facility,
        wait.began_at,
        wait.acted_at,
        wait.until_at,
        wait.msg_type is not null as is_carried,
        told.wait_key is not null as is_seen,
        case when told.told_at <= coalesce(wait.acted_at, wait.until_at) then greatest(told.told_at, wait.began_at) end as told_at
    from marts.wait as wait
    left join told
        on told.wait_key = wait.wait_key
), answered as (
    select
        wait_kind,
        facility,
        unnest([began_at::date - 1, began_at::date, began_at::date + 1]) as near_date,
        date_diff('microsecond', told_at, acted_at) as act_us
    from timed
    where told_at is not null
        and acted_at is not null
), usual as (
    select
        wait_kind,
        facility,
        near_date,
        count(*) as waits,
        median(act_us)::bigint as act_us,
        quantile_cont(act_us, 0.1)::bigint as quick_us,
        quantile_cont(act_us, 0.9)::bigint as slow_us
    from answered
    group by grouping sets (
        (wait_kind, facility, near_date),
        (wait_kind, facility)
    )
), bounded as (
    select
        timed.*,
        case
            when not timed.is_carried then timed.began_at
            when timed.told_at is not null then timed.told_at
            when timed.acted_at is null then timed.until_at
            when timed.is_seen then greatest(timed.began_at, timed.acted_at - to_microseconds(coalesce(near.act_us, whole.act_us, 0)))
            else timed.acted_at
        end as known_at,
        least(coalesce(near.slow_us, whole.slow_us, 0), date_diff('microsecond', timed.began_at, timed.acted_at))
        - least(coalesce(near.quick_us, whole.quick_us, 0), date_diff('microsecond', timed.began_at, timed.acted_at)) as spread_us,
        timed.is_carried and timed.is_seen and timed.told_at is null and timed.acted_at is not null as is_estimated
    from timed
    left join usual as near
        on near.wait_kind = timed.wait_kind
        and near.facility = timed.facility
        and near.near_date = timed.began_at::date
        and near.waits >= 5
    left join usual as whole
        on whole.wait_kind = timed.wait_kind
        and whole.facility = timed.facility
        and whole.near_date is null
), stretch as (
    select
        step.wait_key,
        greatest(step.occurred_at, bounded.began_at) as from_at,
        least(bounded.known_at, coalesce(lead(step.occurred_at) over course, bounded.known_at)) as until_at,
        step.event_order,
        step.event_type as opened_by,
        case
            when step.event_type in ('failed', 'dead_lettered', 'discarded', 'expired') then 'unacknowledged'
            when step.event_type in ('attempt_failed', 'nack_received', 'replayed') then 'retry'
            when step.event_type = 'attempt_started'
                then case
                    when step.outcome = 'delivered' then 'transport'
                    when step.outcome is null or step.outcome_class = 'timeout' then 'unacknowledged'
                    else 'retry'
                end
            when step.event_type in ('routed', 'queued', 'held', 'released')
                then case when lead(step.is_last_of_several) over course then 'retry' else 'queue' end
            else 'transport'
        end as part,
        step.source,
        step.channel,
        step.destination,
        coalesce(lead(step.clock_id) over course <> step.clock_id, false) as is_across_clocks,
        bounded.is_estimated and lead(step.occurred_at) over course is null as is_estimated,
        0 as spread_us
    from tried as step
    inner join bounded
        on bounded.wait_key = step.wait_key
    where step.occurred_at <= bounded.known_at
    window course as (partition by step.wait_key order by step.event_order)
    union all
    select
        bounded.wait_key,
        bounded.began_at as from_at,
        least(bounded.known_at, coalesce(min(step.occurred_at), bounded.known_at)) as until_at,
        -1 as event_order,
        'happened' as opened_by,
        case when bounded.is_seen then 'source' else 'unknown' end as part,
        arg_min(step.source, step.event_order) as source,
        arg_min(step.channel, step.event_order) as channel,
        cast(null as varchar) as destination,
        bounded.is_seen as is_across_clocks,
        bounded.is_estimated and count(step.occurred_at) = 0 as is_estimated,
        0 as spread_us
    from bounded
    left join marts.wait_step as step
        on step.wait_key = bounded.wait_key
        and step.occurred_at <= bounded.known_at
    where bounded.is_carried
    group by
        bounded.wait_key,
        bounded.began_at,
        bounded.known_at,
        bounded.is_seen,
        bounded.is_estimated
    union all
    select
        wait_key,
        known_at as from_at,
        until_at,
        9223372036854775807 as event_order,
        case when is_carried and is_seen then 'told' else 'happened' end as opened_by,
        'people' as part,
        cast(null as varchar) as source,
        cast(null as varchar) as channel,
        cast(null as varchar) as destination,
        is_carried and is_seen as is_across_clocks,
        is_estimated,
        case when is_estimated then spread_us else 0 end as spread_us
    from bounded
), change as (
    select
        *,
        case
            when part = lag(part) over course
                and source is not distinct from lag(source) over course
                and channel is not distinct from lag(channel) over course
                and destination is not distinct from lag(destination) over course then 0
            else 1
        end as is_new
    from stretch
    where until_at > from_at
    window course as (partition by wait_key order by event_order)
), numbered as (
    select
        *,
        sum(is_new) over (partition by wait_key order by event_order rows between unbounded preceding and current row) as part_no
    from change
)
select
    wait_key,
    cast(part_no as integer) as part_no,
    arg_min(opened_by, event_order) as opened_by,
    part,
    source,
    channel,
    destination,
    min(from_at) as from_at,
    max(until_at) as until_at,
    sum(date_diff('microsecond', from_at, until_at)) / 6e7 as minutes,
    bool_or(is_across_clocks) as is_across_clocks,
    bool_or(is_estimated) as is_estimated,
    sum(spread_us) / 2 / 6e7 as minutes_uncertain
from numbered
group by
    wait_key,
    part_no,
    part,
    source,
    channel,
    destination
