-- Grain: one row per handoff offered.
-- A handoff offered again after it was missed is a second row.
-- unit: the receiving ward.
-- from_unit: where the patient was when it was offered.
-- accept_by_at: the time the handoff itself names, else the hospital's window after the offer.
-- closed_at: when it was accepted, or closed without being accepted; null while open.
-- minutes_to_acceptance: offered to accepted; of one not accepted, offered to its closing or to the data cut.
-- is_missed: settled, and not accepted by accept_by_at.
-- is_settled: accepted or closed, or accept_by_at has passed.
-- offer_epoch: seconds since 1970, for the age of the backlog; closing_epoch likewise.
with offer as (
    select
        *,
        coalesce(due_at, authored_at + $handoff_accept_minutes * interval '1 minute') as accept_by_at,
        case when status not in ('failed', 'cancelled', 'rejected') then execution_started_at end as accepted_at
    from staging.task
    where task_kind = 'handoff'
        and coalesce(status, '') <> 'draft'
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
        coalesce(organization.name, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        coalesce(origin.from_unit, 'Unknown') as from_unit,
        offer.authored_at as offered_at,
        offer.accept_by_at,
        offer.accepted_at,
        coalesce(
            offer.accepted_at,
            case when offer.status in ('failed', 'cancelled', 'rejected', 'completed') then offer.modified_at end
        ) as closed_at,
        offer.file_id,
        offer.line
    from offer
    left join origin
        on origin.task_key = offer.task_key
    left join staging.encounter as encounter
        on encounter.encounter_key = offer.encounter_key
    left join staging.organization as organization
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
    date_diff('microsecond', offered_at, coalesce(closed_at, $as_of)) / 6e7 as minutes_to_acceptance,
    accepted_at is not null as is_accepted,
    (closed_at is not null or coalesce(accept_by_at <= $as_of, false))
    and not coalesce(accepted_at <= accept_by_at, false) as is_missed,
    closed_at is not null or coalesce(accept_by_at <= $as_of, false) as is_settled,
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
