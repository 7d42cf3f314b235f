-- Grain: one row per event of an acknowledgement that names its message by control id only.
-- message_uid: of the messages with this control id the last one on the same link, at most a day before, when it still
-- waited for an answer; else the next one within two minutes whose time another clock gave; else the last one although it
-- was answered (commit, then application); else one on another link that nothing answers there. Null: none was found.
-- place: 1 to 4, which of these it is.
-- attempted_at: when that message was sent: no answer comes before it, whatever the other clock says.
-- is_ambiguous: the message came while another one with its control id still waited, so that the answer may be the other's.
-- A refusal is two events (received and failed), which answer the same message.
-- Windows look at all rows of one table: what an acknowledgement answers stands in another row, and perhaps in a later file.
with answering_source as (
    select distinct source
    from raw.interface_event
    where message_uid is null
        and correlation_key is not null
        and ack_code is not null
), sign as (
    select
        event.event_uid,
        event.source,
        event.flow_id,
        event.flow_name,
        event.node_name,
        event.correlation_key,
        event.message_uid,
        event.occurred_at,
        event.clock_id,
        event.message_uid is null as is_answer,
        case when event.message_uid is not null then event.event_uid end as attempt_uid,
        min(event.event_uid) over (
            partition by event.source, event.flow_id, event.correlation_key, event.occurred_at, event.ack_code,
                event.message_uid
        ) as first_event_uid
    from raw.interface_event as event
    inner join answering_source
        on answering_source.source = event.source
    where event.correlation_key is not null
        and (
            (event.message_uid is null and event.ack_code is not null)
            or (event.message_uid is not null and event.event_type = 'attempt_started')
        )
), followed as (
    select
        *,
        coalesce(not lag(is_answer) over link and lag(message_uid) over link <> message_uid, false) as is_rival,
        coalesce(lag(is_answer) over link, false) as is_behind_answer,
        coalesce(lead(is_answer) over link, false) as is_answered,
        last_value(attempt_uid ignore nulls) over (
            partition by source, flow_id, correlation_key
            order by occurred_at, is_answer, event_uid
            rows between unbounded preceding and 1 preceding
        ) as before_uid,
        first_value(attempt_uid ignore nulls) over (
            partition by source, flow_id, correlation_key
            order by occurred_at, is_answer, event_uid
            rows between 1 following and unbounded following
        ) as after_uid,
        last_value(attempt_uid ignore nulls) over (
            partition by source, correlation_key
            order by occurred_at, is_answer, event_uid
            rows between unbounded preceding and 1 preceding
        ) as elsewhere_uid
    from sign
    where not is_answer or event_uid = first_event_uid
    window link as (
        partition by source, flow_id, correlation_key
        order by occurred_at, is_answer, event_uid
    )
), candidate as (
    select
        event_uid,
        occurred_at,
        clock_id,
        before_uid as attempt_uid,
        case when is_behind_answer then 3 else 1 end as place
    from followed
    where is_answer
    union all
    select
        event_uid,
        occurred_at,
        clock_id,
        after_uid as attempt_uid,
        2 as place
    from followed
    where is_answer
    union all
    select
        event_uid,
        occurred_at,
        clock_id,
        elsewhere_uid as attempt_uid,
        4 as place
    from followed
    where is_answer
), found as (
    select
        candidate.event_uid,
        candidate.place,
        attempt.message_uid,
        attempt.occurred_at as attempted_at,
        attempt.flow_id,
        attempt.flow_name,
        attempt.node_name,
        attempt.is_rival,
        row_number() over (partition by candidate.event_uid order by candidate.place) as choice
    from candidate
    inner join followed as attempt
        on attempt.event_uid = candidate.attempt_uid
    where case candidate.place
            when 2 then attempt.occurred_at <= candidate.occurred_at + interval 2 minute
                and attempt.clock_id <> candidate.clock_id
            when 4 then attempt.occurred_at >= candidate.occurred_at - interval 1 day and not attempt.is_answered
            else attempt.occurred_at >= candidate.occurred_at - interval 1 day
        end
)
select
    sign.event_uid,
    sign.source,
    found.message_uid,
    found.flow_id,
    found.flow_name,
    found.node_name,
    found.attempted_at,
    found.place,
    coalesce(found.is_rival, false) as is_ambiguous
from sign
left join found
    on found.event_uid = sign.first_event_uid
    and found.choice = 1
where sign.is_answer
