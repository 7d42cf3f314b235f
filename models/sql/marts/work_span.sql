-- Grain: one row per piece of work of which it is recorded when it could have begun and who or what does such work.
-- Not published: the waits of the workflows' steps are cut into their reasons by it.
-- activity: the step of the workflow that waits for the work. All work of the kind counts, whether or not a case of the workflow asked for
-- it: it keeps the same people and places busy.
-- team: a pool of people or of places, never one person: the cleaners of a facility, the receiving ward, the rooms of a department.
-- is_place: a pool of places, each of which is taken as long as somebody is in it.
-- places: how many of them the record lists as Locations: the beds of the ward, the treatment rooms of the department; null of people, and
-- where none is listed.
-- started_at: null while nobody has begun. Work that was given up before anyone began is left out.
-- ended_at: the data cut while it goes on; null where nobody wrote it down.
-- asked_date: local day of enabled_at.
with stay as (
    select
        segment.encounter_key,
        segment.started_at,
        segment.ended_at,
        segment.location_id,
        place.unit,
        place.is_treatment_room,
        place.is_bed,
        row_number() over (partition by segment.encounter_key order by segment.started_at, segment.segment_no) as stay_no
    from staging.encounter_location as segment
    inner join marts.location as place
        on place.location_id = segment.location_id
    where place.is_emergency or place.is_bed
), triage as (
    select
        visit.encounter_key,
        max(stay.started_at) as started_at
    from marts.ed_attendance as visit
    inner join stay
        on stay.encounter_key = visit.encounter_key
    where stay.started_at < visit.triaged_at
        and stay.ended_at >= visit.triaged_at
        and stay.stay_no > 1
        and not stay.is_treatment_room
    group by visit.encounter_key
), room as (
    select
        encounter_key,
        min(started_at) as started_at,
        arg_min(ended_at, started_at) as ended_at,
        arg_min(unit, started_at) as unit
    from stay
    where is_treatment_room
    group by encounter_key
), bed_request as (
    select
        task.task_key,
        task.patient_key,
        task.encounter_key,
        task.authored_at as requested_at,
        coalesce(task.execution_started_at, progress.accepted_by) as assigned_at,
        coalesce(task.status, '') not in ('completed', 'failed', 'cancelled', 'rejected') as is_open,
        place.facility,
        place.unit
    from staging.task as task
    inner join marts.location as place
        on place.location_id = task.location_id
    left join marts.task_progress as progress
        on progress.task_key = task.task_key
    where task.task_kind = 'bed-request'
), bed as (
    select
        request.task_key,
        min(stay.started_at) as began_at,
        arg_min(stay.location_id, stay.started_at) as location_id,
        arg_min(coalesce(stay.ended_at, case when visit.is_open then $as_of end), stay.started_at) as left_at
    from bed_request as request
    inner join marts.visit as visit
        on visit.patient_key = request.patient_key
    inner join stay
        on stay.encounter_key = visit.encounter_key
        and stay.unit = request.unit
        and stay.started_at >= request.assigned_at
    where stay.is_bed
    group by request.task_key
), cleaned as (
    select
        bed.task_key,
        min(coalesce(clean.cleaned_at, case when clean.is_open then $as_of end)) as cleaned_at
    from bed
    inner join marts.bed_clean as clean
        on clean.bed_id = bed.location_id
        and clean.requested_at >= bed.left_at
    group by bed.task_key
), listed as (
    select
        facility,
        unit,
        nullif(count(*) filter (where is_bed), 0) as beds,
        nullif(count(*) filter (where is_treatment_room), 0) as rooms
    from marts.location
    group by
        facility,
        unit
), work as (
    select
        'discharge' as workflow,
        'bed clean' as activity,
        facility,
        facility as pool,
        false as is_place,
        cast(null as bigint) as places,
        bed_clean_key as item,
        requested_at as enabled_at,
        started_at,
        case when is_open and started_at is not null then $as_of else cleaned_at end as ended_at,
        is_open
    from marts.bed_clean
    union all
    select
        'ed-to-bed' as workflow,
        'handoff accepted' as activity,
        handoff.facility,
        handoff.facility || ' ' || handoff.unit as pool,
        false as is_place,
        null as places,
        handoff.handoff_key as item,
        handoff.offered_at as enabled_at,
        handoff.accepted_at as started_at,
        task.execution_ended_at as ended_at,
        handoff.is_open
    from marts.handoff as handoff
    left join staging.task as task
        on task.task_key = handoff.handoff_key
    union all
    select
        'order-to-acknowledged-result' as workflow,
        'critical result acknowledged' as activity,
        result.facility,
        result.facility || ' ' || result.unit as pool,
        false as is_place,
        null as places,
        task.task_key as item,
        task.authored_at as enabled_at,
        coalesce(task.execution_started_at, result.acknowledged_at) as started_at,
        task.execution_ended_at as ended_at,
        result.is_open
    from marts.critical_result as result
    inner join staging.task as task
        on task.focus_key = result.observation_key
    where task.task_kind = 'critical-result-ack'
    union all
    select
        'ed-to-bed' as workflow,
        'triaged' as activity,
        visit.facility,
        visit.facility || ' ' || visit.unit as pool,
        false as is_place,
        null as places,
        visit.encounter_key as item,
        visit.arrived_at as enabled_at,
        triage.started_at,
        visit.triaged_at as ended_at,
        visit.is_open and visit.triaged_at is null as is_open
    from marts.ed_attendance as visit
    left join triage
        on triage.encounter_key = visit.encounter_key
    union all
    select
        'ed-to-bed' as workflow,
        'in a room' as activity,
        visit.facility,
        visit.facility || ' ' || coalesce(room.unit, visit.unit) as pool,
        true as is_place,
        listed.rooms as places,
        visit.encounter_key as item,
        coalesce(visit.triaged_at, visit.arrived_at) as enabled_at,
        room.started_at,
        coalesce(room.ended_at, case when visit.is_open then $as_of end) as ended_at,
        visit.is_open and visit.first_contact_at is null as is_open
    from marts.ed_attendance as visit
    left join room
        on room.encounter_key = visit.encounter_key
    left join listed
        on listed.facility = visit.facility
        and listed.unit = coalesce(room.unit, visit.unit)
    union all
    select
        'ed-to-bed' as workflow,
        'bed assigned' as activity,
        request.facility,
        request.facility || ' ' || request.unit as pool,
        true as is_place,
        listed.beds as places,
        request.task_key as item,
        request.requested_at as enabled_at,
        request.assigned_at as started_at,
        coalesce(cleaned.cleaned_at, bed.left_at, case when request.is_open then $as_of end) as ended_at,
        request.is_open
    from bed_request as request
    left join bed
        on bed.task_key = request.task_key
    left join cleaned
        on cleaned.task_key = request.task_key
    left join listed
        on listed.facility = request.facility
        and listed.unit = request.unit
)
select
    workflow,
    activity,
    facility,
    activity || ' ' || pool as team,
    is_place,
    places,
    activity || ' ' || item as item,
    enabled_at,
    started_at,
    ended_at,
    enabled_at::date as asked_date
from work
where enabled_at is not null
    and (started_at is not null or is_open)
