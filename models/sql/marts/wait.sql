-- Grain: one row per wait of a case for an answer: something happened, and somebody or something else has to act on it.
-- wait_kind: what is waited for, see `models.waits`. facility and unit: where the case waits.
-- began_at: when what has to be answered happened, as the record says it. ended_at: when the wait was over; null while it is not.
-- acted_at: when the receiver first acted on the news, which for a wait that goes on after that is before its end.
-- until_at: ended, or the data cut. minutes: from begin to then, so that open cases count with what they have waited so far.
-- is_within: it lies inside a wait of another kind of the same case; sums over kinds leave it out.
-- is_to_action: it is over when the receiver first acts on the news.
-- msg_type, triggers: the kind of message that should carry the news; null where people tell each other.
-- domain: the system of record of this is who has to hear of it (registry.toml, [[record]]).
with bed_request as (
    select
        task_key,
        encounter_key,
        patient_key,
        location_id,
        authored_at,
        execution_started_at,
        status,
        file_id,
        line
    from staging.task
    where task_kind = 'bed-request'
        and coalesce(status, '') not in ('cancelled', 'rejected')
), assigned as (
    select
        encounter_key,
        min(execution_started_at) as assigned_at
    from bed_request
    group by encounter_key
), asked as (
    select
        'order_to_collection' as wait_kind,
        order_key as subject_key,
        encounter_key,
        patient_key,
        order_key,
        facility,
        unit,
        ordered_at as began_at,
        collected_at as acted_at,
        collected_at as ended_at,
        file_id,
        line
    from marts.lab_order
    where not is_revoked
        and is_collected_time_known
    union all
    select
        'order_to_result' as wait_kind,
        order_key as subject_key,
        encounter_key,
        patient_key,
        order_key,
        facility,
        unit,
        ordered_at as began_at,
        collected_at as acted_at,
        verified_at as ended_at,
        file_id,
        line
    from marts.lab_order
    where not is_revoked
        and is_collected_time_known
        and is_verified_time_known
    union all
    select
        'result_to_acknowledgement' as wait_kind,
        observation_key as subject_key,
        encounter_key,
        patient_key,
        order_key,
        facility,
        unit,
        issued_at as began_at,
        acknowledged_at as acted_at,
        acknowledged_at as ended_at,
        file_id,
        line
    from marts.critical_result
    where is_result_time_known
    union all
    select
        'imaging_order_to_exam' as wait_kind,
        order_key as subject_key,
        encounter_key,
        patient_key,
        order_key,
        facility,
        unit,
        ordered_at as began_at,
        examined_at as acted_at,
        examined_at as ended_at,
        file_id,
        line
    from marts.imaging_order
    where not is_revoked
        and is_exam_time_known
    union all
    select
        'imaging_order_to_report' as wait_kind,
        order_key as subject_key,
        encounter_key,
        patient_key,
        order_key,
        facility,
        unit,
        ordered_at as began_at,
        examined_at as acted_at,
        final_at as ended_at,
        file_id,
        line
    from marts.imaging_order
    where not is_revoked
        and is_exam_time_known
        and is_final_time_known
    union all
    select
        'bed_request_to_assignment' as wait_kind,
        request.task_key as subject_key,
        request.encounter_key,
        request.patient_key,
        cast(null as varchar) as order_key,
        coalesce(place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        request.authored_at as began_at,
        request.execution_started_at as acted_at,
        request.execution_started_at as ended_at,
        request.file_id,
        request.line
    from bed_request as request
    left join marts.location as place
        on place.location_id = request.location_id
    where request.execution_started_at is not null
        or coalesce(request.status, '') in ('draft', 'requested', 'received', 'ready')
    union all
    select
        'boarding' as wait_kind,
        visit.encounter_key as subject_key,
        visit.encounter_key,
        visit.patient_key,
        cast(null as varchar) as order_key,
        visit.facility,
        visit.unit,
        visit.boarding_began_at as began_at,
        assigned.assigned_at as acted_at,
        visit.departed_at as ended_at,
        visit.file_id,
        visit.line
    from marts.ed_attendance as visit
    left join assigned
        on assigned.encounter_key = visit.encounter_key
    where (visit.is_admitted and visit.is_departure_known)
        or visit.is_boarding
    union all
    select
        'handoff_to_acceptance' as wait_kind,
        handoff_key as subject_key,
        encounter_key,
        patient_key,
        cast(null as varchar) as order_key,
        facility,
        unit,
        offered_at as began_at,
        coalesce(accepted_at, closed_at) as acted_at,
        coalesce(accepted_at, closed_at) as ended_at,
        file_id,
        line
    from marts.handoff
    union all
    select
        'discharge_to_departure' as wait_kind,
        encounter_key as subject_key,
        encounter_key,
        patient_key,
        cast(null as varchar) as order_key,
        facility,
        unit,
        discharge_ordered_at as began_at,
        departed_at as acted_at,
        departed_at as ended_at,
        file_id,
        line
    from marts.inpatient_stay
    where is_open
        or departed_at is not null
)
select
    asked.wait_kind || ':' || asked.subject_key as wait_key,
    asked.wait_kind,
    asked.encounter_key,
    asked.patient_key,
    asked.order_key,
    asked.facility,
    asked.unit,
    asked.began_at,
    asked.acted_at,
    asked.ended_at,
    coalesce(asked.ended_at, $as_of) as until_at,
    date_diff('microsecond', asked.began_at, coalesce(asked.ended_at, $as_of)) / 6e7 as minutes,
    asked.ended_at is null as is_open,
    kind.is_within,
    kind.is_to_action,
    kind.msg_type,
    kind.triggers,
    kind.domain,
    date_trunc('hour', asked.began_at::timestamp) as begin_hour,
    asked.began_at::date as begin_date,
    date_trunc('week', asked.began_at::date)::date as begin_week,
    date_trunc('month', asked.began_at::date)::date as begin_month,
    asked.file_id,
    asked.line
from asked
inner join (
    values
    ('order_to_collection', true, true, 'ORM', ['O01'], 'results'),
    ('order_to_result', false, false, 'ORM', ['O01'], 'results'),
    ('result_to_acknowledgement', false, true, 'ORU', ['R01'], 'orders'),
    ('imaging_order_to_exam', true, true, 'ORM', ['O01'], 'imaging'),
    ('imaging_order_to_report', false, false, 'ORM', ['O01'], 'imaging'),
    ('bed_request_to_assignment', true, true, 'ADT', ['A05', 'A14'], 'beds'),
    ('boarding', false, false, 'ADT', ['A05', 'A14'], 'beds'),
    ('handoff_to_acceptance', true, true, null, null, null),
    ('discharge_to_departure', false, true, null, null, null)
) as kind (wait_kind, is_within, is_to_action, msg_type, triggers, domain)
    on kind.wait_kind = asked.wait_kind
where asked.began_at is not null
    and coalesce(asked.ended_at, $as_of) >= asked.began_at
