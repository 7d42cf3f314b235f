-- Grain: one row per pair of records that tell of one thing, thing, and clinical record that tells of it.
-- Not published: a step on the way to status_pair.
-- What the record says of it: whether it is done, and since when. Which two records make a pair, and what it means that they differ: status_pair.
-- pair: laboratory and imaging (an order and its report), task (a task to fulfil an order, and the order), discharge (a visit and the
-- message that it is over), move (a patient's move to another place and the message of it).
-- subject_key: the order, the visit, or the visit and the number of its place.
-- status: as the record says it.
-- is_due: the other record has to say the same. Not of a visit that goes on as another one, nor of moves within a department.
-- known_until_at: up to when clinical records are known: nothing is missing in one before.
-- A task to fulfil an order is one that says so by FHIR's own code, fulfill.
with report as (
    select
        unnest(order_keys) as order_key,
        issued_at,
        file_id,
        line
    from staging.diagnostic_report
    where is_final
), final_report as (
    select
        order_key,
        min(issued_at) as final_at,
        count(issued_at) = count(*) as is_time_known,
        min(file_id) as file_id,
        arg_min(line, file_id) as line
    from report
    group by order_key
), task as (
    select
        case when task.focus_type = 'ServiceRequest' then task.focus_key else task.order_keys[1] end as order_key,
        bool_and(coalesce(task.status = 'completed', false)) as is_done,
        max(coalesce(task.execution_ended_at, progress.closed_by)) as done_at,
        count(coalesce(task.execution_ended_at, progress.closed_by)) = count(*)
        and bool_and(task.execution_ended_at is not null or coalesce(progress.closed_within_minutes = 0, false)) as is_time_known,
        min(task.file_id) as file_id,
        arg_min(task.line, task.file_id) as line
    from staging.task as task
    left join marts.task_progress as progress
        on progress.task_key = task.task_key
    where task.is_fulfilment
        and coalesce(task.status, '') not in ('cancelled', 'rejected')
        and (task.focus_type = 'ServiceRequest' or len(task.order_keys) = 1)
    group by case when task.focus_type = 'ServiceRequest' then task.focus_key else task.order_keys[1] end
), ordered as (
    select
        *,
        case
            when is_revoked then 'revoked'
            when is_fulfilled then 'completed'
            else 'active'
        end as status,
        case when is_fulfilled then fulfilled_at end as done_at,
        not is_fulfilled or coalesce(resolution_minutes = 0, false) as is_exact
    from marts.order_fulfilment
), of_order as (
    select
        case order_kind when 'lab' then 'laboratory' else 'imaging' end as pair,
        'order' as record,
        status,
        is_fulfilled as is_done,
        done_at,
        is_exact as is_time_known,
        order_key,
        encounter_key,
        patient_key,
        facility,
        unit,
        file_id,
        line
    from ordered
    where order_kind in ('lab', 'imaging')
    union all
    select
        case ordered.order_kind when 'lab' then 'laboratory' else 'imaging' end as pair,
        'report' as record,
        'final' as status,
        true as is_done,
        report.final_at as done_at,
        report.is_time_known,
        ordered.order_key,
        ordered.encounter_key,
        ordered.patient_key,
        ordered.facility,
        ordered.unit,
        report.file_id,
        report.line
    from ordered
    inner join final_report as report
        on report.order_key = ordered.order_key
    where ordered.order_kind in ('lab', 'imaging')
    union all
    select
        'task' as pair,
        'order' as record,
        ordered.status,
        ordered.is_fulfilled as is_done,
        ordered.done_at,
        ordered.is_exact as is_time_known,
        ordered.order_key,
        ordered.encounter_key,
        ordered.patient_key,
        ordered.facility,
        ordered.unit,
        ordered.file_id,
        ordered.line
    from ordered
    inner join task
        on task.order_key = ordered.order_key
    union all
    select
        'task' as pair,
        'task' as record,
        case when task.is_done then 'completed' else 'active' end as status,
        task.is_done,
        case when task.is_done then task.done_at end as done_at,
        not task.is_done or task.is_time_known as is_time_known,
        ordered.order_key,
        ordered.encounter_key,
        ordered.patient_key,
        ordered.facility,
        ordered.unit,
        task.file_id,
        task.line
    from task
    inner join ordered
        on ordered.order_key = task.order_key
), last_place as (
    select
        encounter_key,
        arg_max(facility, began_at) as facility,
        arg_max(unit, began_at) as unit
    from marts.unit_stay
    group by encounter_key
), goes_on as (
    select ed_encounter_key as encounter_key
    from marts.visit
    where ed_encounter_key is not null
    union
    select part_of_key as encounter_key
    from marts.visit
    where part_of_key is not null
), visit as (
    select
        visit.*,
        coalesce(visit.organization, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        goes_on.encounter_key is not null as is_continued
    from marts.visit as visit
    left join last_place as place
        on place.encounter_key = visit.encounter_key
    left join goes_on
        on goes_on.encounter_key = visit.encounter_key
    where coalesce(visit.status, '') not in ('planned', 'cancelled')
), transfer as (
    select distinct
        encounter_key,
        began_at
    from marts.unit_stay
    where is_transfer
), of_visit as (
    select
        'discharge' as pair,
        encounter_key as subject_key,
        coalesce(status, 'unknown') as status,
        not is_open as is_done,
        ended_at as done_at,
        is_open or ended_at is not null as is_time_known,
        not is_continued as is_due,
        encounter_key,
        patient_key,
        facility,
        unit,
        file_id,
        line
    from visit
    union all
    select
        'move' as pair,
        segment.encounter_key || ':' || segment.segment_no as subject_key,
        'moved' as status,
        true as is_done,
        segment.started_at as done_at,
        true as is_time_known,
        transfer.encounter_key is not null as is_due,
        segment.encounter_key,
        visit.patient_key,
        visit.facility,
        visit.unit,
        segment.file_id,
        segment.line
    from staging.encounter_location as segment
    inner join visit
        on visit.encounter_key = segment.encounter_key
    left join transfer
        on transfer.encounter_key = segment.encounter_key
        and transfer.began_at = segment.started_at
    where segment.started_at is not null
)
select
    pair,
    order_key as subject_key,
    record,
    status,
    is_done,
    done_at,
    is_time_known,
    true as is_due,
    order_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    $as_of as known_until_at,
    file_id,
    line
from of_order
union all
select
    pair,
    subject_key,
    'visit' as record,
    status,
    is_done,
    done_at,
    is_time_known,
    is_due,
    null as order_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    $as_of as known_until_at,
    file_id,
    line
from of_visit
