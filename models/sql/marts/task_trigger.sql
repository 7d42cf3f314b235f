-- Grain: one row per event that asks for a task.
-- Triggers: a decision to admit asks for a bed, a critical result for its acknowledgement, a bed that was left for its cleaning.
-- Only where the facility makes such tasks as a rule: from the first trigger there that has one.
-- trigger: admission-decision, critical-result or bed-left.
-- unit: where the work waits.
-- task_by_at: the end of the time that the registry gives the step, else of the hospital's task_trigger_minutes.
-- task_at: when the task was made; null while there is none.
-- is_missing: the time has passed, and no task was made in it. Made late is missing.
-- is_settled: a task was made, or its time has passed by the data cut.
-- is_open: no task yet.
with request as (
    select
        encounter_key,
        min(authored_at) as requested_at
    from staging.task
    where task_kind = 'bed-request'
        and coalesce(status, '') <> 'draft'
    group by encounter_key
), admitted as (
    select
        stay.ed_encounter_key,
        min(request.requested_at) as requested_at
    from marts.inpatient_stay as stay
    inner join request
        on request.encounter_key = stay.encounter_key
    group by stay.ed_encounter_key
), cleaning as (
    select
        coalesce(focus_location_id, location_id) as bed_id,
        authored_at as requested_at
    from staging.task
    where task_kind = 'bed-clean'
        and coalesce(status, '') <> 'draft'
), occupied as (
    select
        segment.encounter_key,
        segment.location_id as bed_id,
        bed.facility,
        bed.unit,
        segment.started_at,
        segment.ended_at,
        lead(segment.started_at) over (partition by segment.location_id order by segment.started_at, segment.ended_at) as next_at,
        segment.file_id,
        segment.line
    from staging.encounter_location as segment
    inner join marts.location as bed
        on bed.location_id = segment.location_id
    where bed.location_id in (select bed_id from cleaning)
), cleaned as (
    select
        occupied.bed_id,
        occupied.ended_at,
        min(cleaning.requested_at) as requested_at
    from occupied
    inner join cleaning
        on cleaning.bed_id = occupied.bed_id
        and cleaning.requested_at >= greatest(occupied.started_at, occupied.ended_at - $task_trigger_minutes * interval '1 minute')
        and cleaning.requested_at < coalesce(occupied.next_at, timestamptz 'infinity')
    group by
        occupied.bed_id,
        occupied.ended_at
), asked as (
    select
        'admission-decision' as trigger,
        visit.encounter_key as subject_key,
        'ed-to-bed' as workflow,
        'bed requested' as activity,
        visit.encounter_key,
        null::varchar as order_key,
        visit.facility,
        visit.unit,
        visit.decision_at as triggered_at,
        least(request.requested_at, stay.requested_at) as task_at,
        visit.file_id,
        visit.line
    from marts.ed_attendance as visit
    left join request
        on request.encounter_key = visit.encounter_key
    left join admitted as stay
        on stay.ed_encounter_key = visit.encounter_key
    where visit.decision_at is not null
    union all
    select
        'critical-result' as trigger,
        observation_key as subject_key,
        'order-to-acknowledged-result' as workflow,
        'critical result shown' as activity,
        encounter_key,
        order_key,
        facility,
        unit,
        issued_at as triggered_at,
        available_at as task_at,
        file_id,
        line
    from marts.critical_result
    where issued_at is not null
    union all
    select
        'bed-left' as trigger,
        occupied.encounter_key || occupied.bed_id || epoch(occupied.ended_at)::bigint as subject_key,
        'discharge' as workflow,
        'cleaning requested' as activity,
        occupied.encounter_key,
        null::varchar as order_key,
        occupied.facility,
        occupied.unit,
        occupied.ended_at as triggered_at,
        cleaned.requested_at as task_at,
        occupied.file_id,
        occupied.line
    from occupied
    left join cleaned
        on cleaned.bed_id = occupied.bed_id
        and cleaned.ended_at = occupied.ended_at
    where occupied.ended_at is not null
        and (occupied.next_at is null or occupied.next_at > occupied.ended_at)
), used as (
    select
        trigger,
        facility,
        min(triggered_at) filter (where task_at is not null) as first_at
    from asked
    group by
        trigger,
        facility
), due as (
    select
        asked.*,
        registered.owner,
        asked.triggered_at
        + coalesce(registered.window_minutes, $task_trigger_minutes) * interval '1 minute' as task_by_at
    from asked
    inner join used
        on used.trigger = asked.trigger
        and used.facility = asked.facility
        and used.first_at <= asked.triggered_at
    left join staging.registry_step as registered
        on registered.workflow = asked.workflow
        and registered.activity = asked.activity
)
select
    md5(trigger || ':' || subject_key) as trigger_key,
    trigger,
    encounter_key,
    order_key,
    facility,
    unit,
    owner,
    triggered_at,
    task_by_at,
    task_at,
    (task_at is not null or task_by_at <= $as_of) and not coalesce(task_at <= task_by_at, false) as is_missing,
    task_at is not null or task_by_at <= $as_of as is_settled,
    task_at is null as is_open,
    date_trunc('hour', triggered_at::timestamp) as trigger_hour,
    triggered_at::date as trigger_date,
    date_trunc('week', triggered_at::date)::date as trigger_week,
    date_trunc('month', triggered_at::date)::date as trigger_month,
    file_id,
    line
from due
