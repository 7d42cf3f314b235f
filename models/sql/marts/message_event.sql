-- Grain: one row per thing that happened to a message on its way, of the last 27 weeks before the data cut.
-- It is what the engine's log proves, with nothing of the message itself; a message sent again is the same message.
-- event_order: by time, then by rank among events of the same instant.
-- attempt: 1 for the first attempt at a destination; as the log says it, else counted. Null before any attempt.
-- since_ms: since the event before it of the same step (the channel's own work, or one destination), when one clock stamped
-- both.
-- is_other_clock: its time is by another clock than that of the event before it, so that nothing is subtracted.
-- encounter_key: by the visit number the message carries, else by its order's.
with happened as (
    select
        event.root_message_uid as message_key,
        event.source,
        event.channel,
        event.node_id,
        case when event.node_role = 'destination' then event.node end as destination,
        event.event_type,
        event.occurred_at,
        event.clock_id,
        event.event_order,
        event.original_uid,
        event.attempt_no,
        event.attempts_exact,
        event.ack_code,
        event.error_class,
        event.error_template,
        event.actor_role,
        event.file_id,
        event.line,
        sum(case when event.event_type = 'attempt_started' then 1 else 0 end) over step as attempts_so_far,
        lag(event.occurred_at) over step as before_at,
        lag(event.clock_id) over step as before_clock_id
    from staging.interface_event as event
    where event.root_message_uid is not null
        and event.occurred_at >= $as_of - interval 189 day
    window step as (
        partition by event.source, event.original_uid, event.node_id
        order by event.event_order
        rows between unbounded preceding and current row
    )
)
select
    happened.message_key,
    happened.event_order,
    message.encounter_key,
    coalesce(message.facility, 'Unregistered') as facility,
    happened.source,
    happened.channel,
    happened.destination,
    happened.event_type,
    happened.occurred_at,
    happened.clock_id,
    case
        when happened.attempts_so_far > 0 then greatest(coalesce(happened.attempt_no, 0), happened.attempts_so_far)::integer
        else happened.attempt_no
    end as attempt,
    coalesce(happened.attempts_exact, true) as is_attempt_exact,
    happened.clock_id <> happened.before_clock_id as is_other_clock,
    case
        when happened.clock_id = happened.before_clock_id
            then date_diff('microsecond', happened.before_at, happened.occurred_at) / 1e3
    end as since_ms,
    happened.ack_code,
    happened.error_class,
    happened.error_template,
    happened.actor_role,
    happened.file_id,
    happened.line
from happened
left join marts.message as message
    on message.message_key = happened.message_key
