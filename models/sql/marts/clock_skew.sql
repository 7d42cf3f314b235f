-- Grain: one row per pair of clocks and local day on which messages passed between them.
-- Estimated from the quickest message of the day each way, shown to people and never used to change a time.
-- clock_id: the engine's clock. other_clock_id: a receiving system's own clock, or the one with which a channel's senders dated
-- their messages (sender of ...).
-- out_floor_ms: the least from the engine's clock to the other one: transit and how far the other is ahead; null one way.
-- back_floor_ms: the least from the other clock to the engine's: transit less how far the other is ahead.
-- ahead_ms: how far the other clock is ahead of the engine's, at best guess: half the difference of the two floors; with one way
-- only, what it is at least, because no message travels in less than no time.
-- within_ms: half the sum of the two floors: the guess is wrong by no more; null one way.
-- is_both_ways: both floors are known.
with passed as (
    select
        source,
        message_uid,
        node_id,
        min(occurred_at) filter (where event_type = 'attempt_started') as left_at,
        min(clock_id) filter (where event_type = 'attempt_started') as clock_id,
        min(occurred_at) filter (where event_type = 'received') as came_at,
        min(clock_id) filter (where event_type = 'received') as other_clock_id,
        min(occurred_at) filter (where event_type = 'delivered') as back_at,
        min(clock_id) filter (where event_type = 'delivered') as back_clock_id
    from staging.interface_event
    where node_role = 'destination'
        and message_uid is not null
        and event_type in ('attempt_started', 'received', 'delivered')
    group by
        source,
        message_uid,
        node_id
    having count(*) filter (where event_type = 'attempt_started') = 1
        and count(*) filter (where event_type = 'received') = 1
), leg as (
    select
        source,
        clock_id,
        other_clock_id,
        left_at::date as seen_date,
        date_diff('microsecond', left_at, came_at) / 1e3 as out_ms,
        case when back_clock_id = clock_id then date_diff('microsecond', came_at, back_at) / 1e3 end as back_ms
    from passed
    where other_clock_id <> clock_id
    union all
    select
        source,
        clock_id,
        'sender of ' || channel as other_clock_id,
        occurred_at::date as seen_date,
        cast(null as double) as out_ms,
        date_diff('microsecond', sent_at, occurred_at) / 1e3 as back_ms
    from staging.interface_event
    where event_type = 'received'
        and node_role = 'source'
        and parent_message_uid is null
        and sent_at is not null
), floor as (
    select
        source,
        clock_id,
        other_clock_id,
        seen_date,
        count(*) as messages,
        min(out_ms) as out_floor_ms,
        min(back_ms) as back_floor_ms
    from leg
    group by
        source,
        clock_id,
        other_clock_id,
        seen_date
)
select
    source,
    clock_id,
    other_clock_id,
    seen_date,
    messages,
    out_floor_ms,
    back_floor_ms,
    case
        when out_floor_ms is null then greatest(-back_floor_ms, 0)
        when back_floor_ms is null then least(out_floor_ms, 0)
        else (out_floor_ms - back_floor_ms) / 2
    end as ahead_ms,
    (out_floor_ms + back_floor_ms) / 2 as within_ms,
    out_floor_ms is not null and back_floor_ms is not null as is_both_ways
from floor
