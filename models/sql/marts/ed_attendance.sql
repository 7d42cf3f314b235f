-- Grain: one row per emergency department visit.
-- Visits that were planned or cancelled are left out; open ones stay, without a departure.
-- unit: the emergency department of the first stay.
-- acuity: triage level as sent, 1 (most urgent) to 5.
-- arrived_at: start of the first stay at an emergency department location, else the encounter's start.
-- departed_at: last end of a stay at an emergency department location; null while open or unknown.
-- minutes_in_department: arrival to departure, null where either is unknown.
-- minutes_to_room: arrival to the first stay in a treatment room, null where the visit had none or it is unknown.
-- first_contact_at: the first status in-progress, when a clinician took the patient on; where the visit sends no history of its states
-- and successive exports saw it waiting before, the first sign of it (see state_change).
-- minutes_to_provider: arrival to first contact.
-- contact_resolution_minutes: how exactly that is known: 0 where the visit's history says so; null before.
-- boarding_began_at: first admit decision; where no order was sent, when the inpatient visit began while the patient was still here.
-- boarding_minutes: from then to departure, of admitted visits; negative when the decision came later.
-- is_departure_known: every stay was at a place of known type, and the last emergency stay has an end.
-- is_room_known: every stay was at a place of known type, so that a visit without a treatment room truly had none.
-- is_boarding: boarding began and the patient is still here at the data cut.
-- departure_date: day of departure; of the encounter's end where the departure is unknown.
with visit as (
    select *
    from marts.visit
    where visit_kind = 'emergency'
        and coalesce(status, '') not in ('planned', 'cancelled')
), stay as (
    select
        segment.encounter_key,
        min(segment.started_at) filter (where place.is_emergency) as arrived_at,
        min(segment.started_at) filter (where place.is_treatment_room) as roomed_at,
        max(segment.ended_at) filter (where place.is_emergency) as departed_at,
        arg_min(place.unit, segment.started_at) filter (where place.is_emergency) as unit,
        arg_min(place.facility, segment.started_at) filter (where place.is_emergency) as facility,
        bool_or(not coalesce(place.is_type_known, false)) as has_unknown_place,
        coalesce(bool_or(segment.ended_at is null) filter (where place.is_emergency), true) as has_open_stay
    from staging.encounter_location as segment
    left join marts.location as place
        on place.location_id = segment.location_id
    group by segment.encounter_key
), status as (
    select
        encounter_key,
        min(started_at) filter (where status = 'triaged') as triaged_at,
        min(started_at) filter (where status = 'in-progress') as first_contact_at
    from staging.encounter_status
    group by encounter_key
), contact as (
    select
        resource_key as encounter_key,
        min(not_after) as first_contact_at,
        arg_min(resolution_minutes, not_after) as resolution_minutes
    from marts.state_change
    where resource_type = 'Encounter'
        and to_status = 'in-progress'
        and from_status in ('planned', 'arrived', 'triaged')
    group by resource_key
), decision as (
    select
        encounter_key,
        min(ordered_at) as decision_at
    from staging.order
    where order_kind = 'admission'
        and status in ('active', 'completed')
    group by encounter_key
), admission as (
    select
        encounter_key,
        min(admitted_at) as admitted_at
    from (
        select
            ed_encounter_key as encounter_key,
            started_at as admitted_at
        from marts.visit
        where ed_encounter_key is not null
        union all
        select
            visit.encounter_key,
            stay.started_at as admitted_at
        from marts.visit as visit
        inner join marts.visit as stay
            on stay.encounter_key = visit.part_of_key
        where visit.visit_kind = 'emergency'
            and stay.visit_kind = 'inpatient'
    )
    group by encounter_key
), attendance as (
    select
        visit.encounter_key,
        visit.patient_key,
        coalesce(visit.organization, stay.facility, visit.organization_id, 'Unknown') as facility,
        coalesce(stay.unit, 'Unknown') as unit,
        visit.priority_code as acuity,
        visit.admit_source_code as arrival_mode,
        coalesce(stay.arrived_at, visit.started_at) as arrived_at,
        status.triaged_at,
        stay.roomed_at,
        coalesce(status.first_contact_at, contact.first_contact_at) as first_contact_at,
        case
            when status.first_contact_at is not null then 0
            else contact.resolution_minutes
        end as contact_resolution_minutes,
        decision.decision_at,
        not coalesce(stay.has_unknown_place, true) as is_room_known,
        coalesce(not visit.is_open and not stay.has_unknown_place and not stay.has_open_stay, false) as is_departure_known,
        stay.departed_at as last_left_at,
        visit.ended_at,
        visit.is_open,
        admission.admitted_at,
        admission.encounter_key is not null
        or coalesce(list_contains(visit.discharge_disposition_codes, 'admitted'), false) as is_admitted,
        coalesce(list_contains(visit.discharge_disposition_codes, '21541000119102'), false) as left_before_seen,
        visit.file_id,
        visit.line
    from visit
    left join stay
        on stay.encounter_key = visit.encounter_key
    left join status
        on status.encounter_key = visit.encounter_key
    left join contact
        on contact.encounter_key = visit.encounter_key
    left join decision
        on decision.encounter_key = visit.encounter_key
    left join admission
        on admission.encounter_key = visit.encounter_key
), departure as (
    select
        *,
        coalesce(
            decision_at,
            case when admitted_at >= arrived_at and (is_open or admitted_at <= last_left_at) then admitted_at end
        ) as boarding_began_at,
        case when is_departure_known then last_left_at end as departed_at,
        case when not is_open then coalesce(case when is_departure_known then last_left_at end, ended_at) end as closed_at
    from attendance
)
select
    encounter_key,
    patient_key,
    facility,
    unit,
    acuity,
    arrival_mode,
    arrived_at,
    triaged_at,
    roomed_at,
    first_contact_at,
    decision_at,
    boarding_began_at,
    departed_at,
    date_diff('microsecond', arrived_at, departed_at) / 6e7 as minutes_in_department,
    case when is_room_known then date_diff('microsecond', arrived_at, roomed_at) / 6e7 end as minutes_to_room,
    date_diff('microsecond', arrived_at, first_contact_at) / 6e7 as minutes_to_provider,
    contact_resolution_minutes,
    case when is_admitted then date_diff('microsecond', boarding_began_at, departed_at) / 6e7 end as boarding_minutes,
    is_admitted,
    left_before_seen,
    is_departure_known,
    is_room_known,
    is_open,
    is_open and is_room_known and roomed_at is null as is_waiting_for_room,
    is_open and first_contact_at is null as is_waiting_for_provider,
    is_open and boarding_began_at is not null as is_boarding,
    date_trunc('hour', arrived_at::timestamp) as arrival_hour,
    arrived_at::date as arrival_date,
    date_trunc('week', arrived_at::date)::date as arrival_week,
    date_trunc('month', arrived_at::date)::date as arrival_month,
    date_trunc('hour', closed_at::timestamp) as departure_hour,
    closed_at::date as departure_date,
    date_trunc('week', closed_at::date)::date as departure_week,
    date_trunc('month', closed_at::date)::date as departure_month,
    file_id,
    line
from departure
