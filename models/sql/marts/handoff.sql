-- Grain: one row per handoff offered.
-- A handoff offered again after it was missed is a second row.
-- unit: the receiving ward.
-- from_unit: where the patient was when it was offered.
-- accept_by_at: the time the handoff itself names, else the hospital's window after the offer.
-- accepted_at: when its execution began; where it does not say, the first sign that it was accepted or further (see task_progress).
-- closed_at: when it was accepted, or closed without being accepted; null while open.
-- resolution_minutes: how exactly closed_at is known: 0 where the task says when it was accepted, else the time between the last
-- sign of its being open and the first of its being closed, at most its whole age; null while open.
-- is_in_time_known: false where only exports prove when it was accepted, and accept_by_at lies in between.
-- minutes_to_acceptance: offered to accepted; of one not accepted, offered to its closing or to the data cut.
-- is_missed: settled, and not accepted by accept_by_at.
-- is_settled: accepted or closed, or accept_by_at has passed.
-- offer_epoch: seconds since 1970, for the age of the backlog; closing_epoch likewise.
with offer as (
    select
        task.*,
        coalesce(task.due_at, task.authored_at + $handoff_accept_minutes * interval '1 minute') as accept_by_at,
        case
            when task.status not in ('failed', 'cancelled', 'rejected')
                then coalesce(task.execution_started_at, progress.accepted_by)
        end as accepted_at,
        case
            when task.status in ('failed', 'cancelled', 'rejected')
                then case when task.execution_ended_at is not null then 0 else progress.closed_within_minutes end
            when task.execution_started_at is not null then 0
            else progress.accepted_within_minutes
        end as resolution_minutes,
        progress.closed_by
    from staging.task as task
    left join marts.task_progress as progress
        on progress.task_key = task.task_key
    where task.task_kind = 'handoff'
        and coalesce(task.status, '') <> 'draft'
), origin as (
    select
        offer.task_key,
        arg_max(place.unit, segment.started_at) as from_unit
    from offer
    inner join staging.encounter_location as segment
        on segment.encounter_key = offer.encounter_key
    inner join marts.location as place
        on place.location_id = segment.location_id
    where segment.started_at <= offer.authored_at
    group by offer.task_key
), answer as (
    select
        offer.task_key as handoff_key,
        offer.encounter_key,
        offer.patient_key,
        coalesce(organization.facility, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        coalesce(origin.from_unit, 'Unknown') as from_unit,
        offer.authored_at as offered_at,
        offer.accept_by_at,
        offer.accepted_at,
        coalesce(
            offer.accepted_at,
            case
                when offer.status in ('failed', 'cancelled', 'rejected', 'completed')
                    then coalesce(offer.execution_ended_at, offer.modified_at, offer.closed_by)
            end
        ) as closed_at,
        coalesce(
            offer.resolution_minutes,
            date_diff('microsecond', offer.authored_at, coalesce(offer.accepted_at, offer.modified_at, offer.closed_by)) / 6e7
        ) as resolution_minutes,
        offer.file_id,
        offer.line
    from offer
    left join origin
        on origin.task_key = offer.task_key
    left join staging.encounter as encounter
        on encounter.encounter_key = offer.encounter_key
    left join marts.organization as organization
        on organization.organization_id = encounter.organization_id
    left join marts.location as place
        on place.location_id = offer.location_id
)
select
    handoff_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    from_unit,
    offered_at,
    accept_by_at,
    accepted_at,
    closed_at,
    case when closed_at is not null then resolution_minutes end as resolution_minutes,
    date_diff('microsecond', offered_at, coalesce(closed_at, $as_of)) / 6e7 as minutes_to_acceptance,
    accepted_at is not null as is_accepted,
    (closed_at is not null or coalesce(accept_by_at <= $as_of, false))
    and not coalesce(accepted_at <= accept_by_at, false) as is_missed,
    closed_at is not null or coalesce(accept_by_at <= $as_of, false) as is_settled,
    not coalesce(
        accepted_at > accept_by_at
        and date_diff('microsecond', accept_by_at, accepted_at) / 6e7 < resolution_minutes,
        false
    ) as is_in_time_known,
    closed_at is null as is_open,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', offered_at) / 1e6 as offer_epoch,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', closed_at) / 1e6 as closing_epoch,
    date_trunc('hour', offered_at::timestamp) as offer_hour,
    offered_at::date as offer_date,
    date_trunc('week', offered_at::date)::date as offer_week,
    date_trunc('month', offered_at::date)::date as offer_month,
    date_trunc('hour', closed_at::timestamp) as closing_hour,
    closed_at::date as closing_date,
    date_trunc('week', closed_at::date)::date as closing_week,
    date_trunc('month', closed_at::date)::date as closing_month,
    file_id,
    line
from answer
