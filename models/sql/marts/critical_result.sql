-- Grain: one row per critical result.
-- issued_at: when the observation was issued; null when sent as a day without a time.
-- window_closes_at: the last instant of the hospital's window.
-- available_at: when the record system showed it to someone (its acknowledgement task was made).
-- acknowledged_at: when the acknowledgement was executed; where its task does not say, the first sign of its completion.
-- resolution_minutes: how exactly that is known: 0 where the task says so, else the time since the last sign of its being open
-- (see task_progress), at most its whole age; null while open.
-- is_in_time_known: false where only exports prove when it was acknowledged, and the end of the window lies in between.
-- acknowledged_in_window: within the hospital's window of being issued, the last instant of the window included.
-- is_window_closed: acknowledged, or the window has passed by the data cut.
-- minutes_to_acknowledgement: issued to acknowledged; of a result that is not acknowledged, issued to the data cut.
-- is_escalation_due: the window closed without an acknowledgement in it.
-- is_escalated: escalated before anyone acknowledged.
-- minutes_to_escalation: where one was due, from the end of the window to the escalation (0 when it came earlier); without one, to the late acknowledgement or the data cut.
-- is_escalation_open: due, and neither escalated nor acknowledged by the data cut.
-- answered_at: when it was first acknowledged or escalated; null while neither.
-- is_unanswered: the window closed, and the result was neither acknowledged nor escalated in it.
-- is_open: not acknowledged by the data cut.
with result as (
    select
        *,
        list_extract(order_keys, 1) as order_key
    from staging.observation
    where is_critical
), acknowledgement as (
    select
        focus_key as observation_key,
        min(authored_at) as available_at,
        min(ended_at) as acknowledged_at,
        arg_min(resolution_minutes, ended_at) as resolution_minutes
    from (
        select
            task.focus_key,
            task.authored_at,
            case when task.status = 'completed' then coalesce(task.execution_ended_at, progress.closed_by) end as ended_at,
            case
                when task.execution_ended_at is not null then 0
                else coalesce(
                    progress.closed_within_minutes,
                    date_diff('microsecond', task.authored_at, progress.closed_by) / 6e7
                )
            end as resolution_minutes
        from staging.task as task
        left join marts.task_progress as progress
            on progress.task_key = task.task_key
        where task.task_kind = 'critical-result-ack'
    ) as asked
    group by focus_key
), escalation as (
    select
        focus_key as observation_key,
        min(authored_at) as escalated_at
    from staging.task
    where task_kind = 'critical-result-escalation'
    group by focus_key
), answer as (
    select
        result.observation_key,
        result.order_key,
        coalesce(result.encounter_key, requested.encounter_key) as encounter_key,
        result.patient_key,
        coalesce(organization.facility, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        requested.priority,
        result.issued_at,
        acknowledgement.available_at,
        acknowledgement.acknowledged_at,
        acknowledgement.resolution_minutes,
        escalation.escalated_at,
        result.file_id,
        result.line,
        result.issued_at + $critical_ack_minutes * interval '1 minute' as window_closes_at,
        result.issued_at is not null as is_result_time_known,
        coalesce(result.issued_at, acknowledgement.available_at) as clock_at,
        coalesce(escalation.escalated_at <= coalesce(acknowledgement.acknowledged_at, $as_of), false) as is_escalated,
        coalesce(acknowledgement.acknowledged_at <= result.issued_at + $critical_ack_minutes * interval '1 minute', false) as acknowledged_in_window
    from result
    left join acknowledgement
        on acknowledgement.observation_key = result.observation_key
    left join escalation
        on escalation.observation_key = result.observation_key
    left join staging.order as requested
        on requested.order_key = result.order_key
    left join staging.encounter as encounter
        on encounter.encounter_key = coalesce(result.encounter_key, requested.encounter_key)
    left join marts.organization as organization
        on organization.organization_id = encounter.organization_id
    left join marts.location as place
        on place.location_id = requested.location_id
)
select
    observation_key,
    order_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    priority,
    issued_at,
    available_at,
    acknowledged_at,
    escalated_at,
    window_closes_at,
    resolution_minutes,
    date_diff('microsecond', issued_at, coalesce(acknowledged_at, $as_of)) / 6e7 as minutes_to_acknowledgement,
    case
        when acknowledged_in_window or window_closes_at > $as_of then null
        else greatest(0, date_diff('microsecond', window_closes_at, case when is_escalated then escalated_at else coalesce(acknowledged_at, $as_of) end)) / 6e7
    end as minutes_to_escalation,
    acknowledged_in_window,
    acknowledged_at is not null or coalesce(window_closes_at <= $as_of, false) as is_window_closed,
    acknowledged_at is not null as is_acknowledged,
    not acknowledged_in_window and coalesce(window_closes_at <= $as_of, false) as is_escalation_due,
    is_escalated,
    not acknowledged_in_window and coalesce(window_closes_at <= $as_of, false) and not is_escalated and acknowledged_at is null as is_escalation_open,
    least(acknowledged_at, escalated_at) as answered_at,
    coalesce(window_closes_at <= $as_of, false)
    and not acknowledged_in_window
    and not coalesce(escalated_at <= window_closes_at, false) as is_unanswered,
    is_result_time_known,
    not coalesce(
        acknowledged_at > window_closes_at
        and date_diff('microsecond', window_closes_at, acknowledged_at) / 6e7 < resolution_minutes,
        false
    ) as is_in_time_known,
    acknowledged_at is null as is_open,
    date_trunc('hour', clock_at::timestamp) as result_hour,
    clock_at::date as result_date,
    date_trunc('week', clock_at::date)::date as result_week,
    date_trunc('month', clock_at::date)::date as result_month,
    file_id,
    line
from answer
