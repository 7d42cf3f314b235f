-- Grain: one row per inpatient stay.
-- unit: the ward of the last stay in a bed.
-- admitted_at: when the patient first lay on a ward, else the encounter's start; who boards in the emergency department is not there yet.
-- transfers: from one ward to another; changes of bed on a ward are none.
-- bed_requested_at: the first bed request of this stay or of the emergency visit it came from.
-- departed_at: last end of a stay on a ward, else the encounter's end; null while open.
-- minutes_order_to_departure: first discharge order to departure.
-- minutes_to_departure: the same, and to the data cut for who is still here.
-- minutes_of_stay: admission to departure.
-- is_departed: the departure is known.
-- is_waiting_to_leave: the discharge was ordered and the patient is still here at the data cut.
-- left_before_noon: departed before 12:00 of the local day; null while open.
with visit as (
    select *
    from marts.visit
    where visit_kind = 'inpatient'
        and stay_key = encounter_key
        and coalesce(status, '') not in ('planned', 'cancelled')
), stay as (
    select
        stay_key as encounter_key,
        min(began_at) as admitted_at,
        max(ended_at) as departed_at,
        arg_max(unit, began_at) as unit,
        arg_max(facility, began_at) as facility,
        count(*) filter (where is_transfer) as transfers
    from marts.unit_stay
    where is_inpatient
    group by stay_key
), bed_request as (
    select
        encounter_key,
        min(authored_at) as requested_at,
        min(execution_started_at) as assigned_at
    from staging.task
    where task_kind = 'bed-request'
        and coalesce(status, '') not in ('cancelled', 'rejected')
    group by encounter_key
), discharge_order as (
    select
        encounter_key,
        min(ordered_at) as ordered_at
    from staging.order
    where order_kind = 'discharge'
        and status in ('active', 'completed')
    group by encounter_key
), admission as (
    select
        visit.encounter_key,
        visit.patient_key,
        visit.ed_encounter_key,
        coalesce(visit.organization, stay.facility, visit.organization_id, 'Unknown') as facility,
        coalesce(stay.unit, 'Unknown') as unit,
        coalesce(stay.admitted_at, visit.started_at) as admitted_at,
        coalesce(ed_request.requested_at, own_request.requested_at) as bed_requested_at,
        coalesce(ed_request.assigned_at, own_request.assigned_at) as bed_assigned_at,
        discharge_order.ordered_at as discharge_ordered_at,
        case when not visit.is_open then coalesce(stay.departed_at, visit.ended_at) end as departed_at,
        coalesce(stay.transfers, 0) as transfers,
        visit.is_open,
        visit.file_id,
        visit.line
    from visit
    left join stay
        on stay.encounter_key = visit.encounter_key
    left join bed_request as own_request
        on own_request.encounter_key = visit.encounter_key
    left join bed_request as ed_request
        on ed_request.encounter_key = visit.ed_encounter_key
    left join discharge_order
        on discharge_order.encounter_key = visit.encounter_key
)
select
    encounter_key,
    patient_key,
    ed_encounter_key,
    facility,
    unit,
    admitted_at,
    bed_requested_at,
    bed_assigned_at,
    discharge_ordered_at,
    departed_at,
    date_diff('microsecond', discharge_ordered_at, departed_at) / 6e7 as minutes_order_to_departure,
    case
        when is_open or departed_at is not null
            then date_diff('microsecond', discharge_ordered_at, coalesce(departed_at, $as_of)) / 6e7
    end as minutes_to_departure,
    date_diff('microsecond', admitted_at, departed_at) / 6e7 as minutes_of_stay,
    date_part('hour', departed_at::timestamp) < 12 as left_before_noon,
    departed_at is not null as is_departed,
    is_open and discharge_ordered_at is not null as is_waiting_to_leave,
    is_open,
    transfers,
    date_trunc('hour', admitted_at::timestamp) as admission_hour,
    admitted_at::date as admission_date,
    date_trunc('week', admitted_at::date)::date as admission_week,
    date_trunc('month', admitted_at::date)::date as admission_month,
    date_trunc('hour', discharge_ordered_at::timestamp) as order_hour,
    discharge_ordered_at::date as order_date,
    date_trunc('week', discharge_ordered_at::date)::date as order_week,
    date_trunc('month', discharge_ordered_at::date)::date as order_month,
    date_trunc('hour', departed_at::timestamp) as departure_hour,
    departed_at::date as departure_date,
    date_trunc('week', departed_at::date)::date as departure_week,
    date_trunc('month', departed_at::date)::date as departure_month,
    file_id,
    line
from admission
