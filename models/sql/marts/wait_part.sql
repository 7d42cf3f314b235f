-- Grain: one row per stretch of a wait, in order of time; the stretches of a wait add up to it.
-- part: where the time went. source (until an engine received the news), transport (on its way, each hop by itself), queue (waiting
-- behind others or parked), retry (failed tries and the pauses between them), unacknowledged (nobody said that it has it: no answer
-- in time, or given up until it was sent again), people (the receiver had the news), unknown (a message should carry it, and no log
-- has one, so that it cannot be told apart).
-- source, channel and destination: the engine and the hop; of source the channel that received the news at last; null for people.
-- opened_by: the stage that was reached when it began: happened, then what the engine's log says (received, routed, queued,
-- attempt_started, attempt_failed, dead_lettered, replayed ...), told when the receiver had the news; of a wait without a message, happened.
-- is_across_clocks: its two ends were stamped by two clocks, the record's and an engine's or two of an engine.
-- is_estimated: when the receiver heard is estimated (wait_heard). It is true of the two stretches that meet there.
-- minutes_uncertain: of people's stretch of such a wait, how much longer or shorter it may well have been: a quarter of the distance between
-- the moments at which they may well have heard, which is a standard deviation; 0 of all others.
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
    inner join marts.wait_heard as bounded
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
    from marts.wait_heard as bounded
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
    from marts.wait_heard as bounded
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
    sum(spread_us) / 4 / 6e7 as minutes_uncertain
from numbered
group by
    wait_key,
    part_no,
    part,
    source,
    channel,
    destination
