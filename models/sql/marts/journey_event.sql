-- Grain: one row per thing that happened to an encounter: a clinical event, a person's step, or a message delivered.
-- case_key: the encounter's key. journey_key joins an inpatient stay to the emergency visit it came from (see visit).
-- kind: clinical, human or message.
-- seq: order within the journey, from 1.
-- until_at: when what began here ended, where that is known.
-- file_id, line: the resource that holds the fact (a sample's times are on the Specimen, not on the order).
with order_line as (
    select
        encounter_key,
        order_kind,
        file_id,
        line,
        row_number() over (partition by encounter_key, order_kind order by ordered_at, file_id, line) as place_in_line
    from staging.order
    where order_kind in ('admission', 'discharge')
        and status in ('active', 'completed')
    qualify place_in_line = 1
), task_line as (
    select
        task_kind,
        case when task_kind = 'bed-request' then encounter_key else focus_key end as subject_key,
        file_id,
        line,
        row_number() over (
            partition by task_kind, case when task_kind = 'bed-request' then encounter_key else focus_key end
            order by authored_at, file_id, line
        ) as place_in_line
    from staging.task
    where task_kind in ('bed-request', 'critical-result-ack', 'critical-result-escalation')
    qualify place_in_line = 1
), sample_link as (
    select
        unnest(order_keys) as order_key,
        received_at,
        file_id,
        line
    from staging.specimen
), sample_line as (
    select
        *,
        row_number() over (partition by order_key order by received_at, file_id, line) as place_in_line
    from sample_link
    qualify place_in_line = 1
), report_link as (
    select
        unnest(order_keys) as order_key,
        issued_at,
        file_id,
        line
    from staging.diagnostic_report
    where is_final
), report_line as (
    select
        *,
        row_number() over (partition by order_key order by issued_at, file_id, line) as place_in_line
    from report_link
    qualify place_in_line = 1
), clinical_event as (
    select
        encounter_key,
        arrived_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        unit as place,
        'arrived' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.ed_attendance
    where arrived_at is not null
    union all
    select
        encounter_key,
        triaged_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        unit as place,
        'triaged' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.ed_attendance
    where triaged_at is not null
    union all
    select
        encounter_key,
        first_contact_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        unit as place,
        'first seen by a clinician' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.ed_attendance
    where first_contact_at is not null
    union all
    select
        visit.encounter_key,
        visit.decision_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        visit.unit as place,
        'decision to admit' as what,
        cast(null as varchar) as order_key,
        coalesce(order_line.file_id, visit.file_id) as file_id,
        coalesce(order_line.line, visit.line) as line
    from marts.ed_attendance as visit
    left join order_line
        on order_line.encounter_key = visit.encounter_key
        and order_line.order_kind = 'admission'
    where visit.decision_at is not null
    union all
    select
        encounter_key,
        departed_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        unit as place,
        'left the emergency department' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.ed_attendance
    where departed_at is not null
    union all
    select
        encounter_key,
        admitted_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        unit as place,
        'admitted to the ward' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.inpatient_stay
    where admitted_at is not null
    union all
    select
        stay.encounter_key,
        stay.bed_requested_at as occurred_at,
        stay.bed_assigned_at as until_at,
        'human' as kind,
        stay.unit as place,
        'bed requested' as what,
        cast(null as varchar) as order_key,
        coalesce(task_line.file_id, stay.file_id) as file_id,
        coalesce(task_line.line, stay.line) as line
    from marts.inpatient_stay as stay
    left join task_line
        on task_line.task_kind = 'bed-request'
        and task_line.subject_key = coalesce(stay.ed_encounter_key, stay.encounter_key)
    where stay.bed_requested_at is not null
    union all
    select
        stay.encounter_key,
        stay.bed_assigned_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'human' as kind,
        stay.unit as place,
        'bed assigned' as what,
        cast(null as varchar) as order_key,
        coalesce(task_line.file_id, stay.file_id) as file_id,
        coalesce(task_line.line, stay.line) as line
    from marts.inpatient_stay as stay
    left join task_line
        on task_line.task_kind = 'bed-request'
        and task_line.subject_key = coalesce(stay.ed_encounter_key, stay.encounter_key)
    where stay.bed_assigned_at is not null
    union all
    select
        stay.encounter_key,
        stay.discharge_ordered_at as occurred_at,
        stay.departed_at as until_at,
        'clinical' as kind,
        stay.unit as place,
        'discharge ordered' as what,
        cast(null as varchar) as order_key,
        coalesce(order_line.file_id, stay.file_id) as file_id,
        coalesce(order_line.line, stay.line) as line
    from marts.inpatient_stay as stay
    left join order_line
        on order_line.encounter_key = stay.encounter_key
        and order_line.order_kind = 'discharge'
    where stay.discharge_ordered_at is not null
    union all
    select
        encounter_key,
        departed_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        unit as place,
        'left the hospital' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.inpatient_stay
    where departed_at is not null
    union all
    select
        encounter_key,
        ordered_at as occurred_at,
        collected_at as until_at,
        'clinical' as kind,
        unit as place,
        'test ordered' as what,
        order_key as order_key,
        file_id,
        line
    from marts.lab_order
    where ordered_at is not null
    union all
    select
        lab.encounter_key,
        lab.collected_at as occurred_at,
        lab.received_at as until_at,
        'clinical' as kind,
        lab.unit as place,
        'sample collected' as what,
        lab.order_key,
        coalesce(sample_line.file_id, lab.file_id) as file_id,
        coalesce(sample_line.line, lab.line) as line
    from marts.lab_order as lab
    left join sample_line
        on sample_line.order_key = lab.order_key
    where lab.collected_at is not null
    union all
    select
        lab.encounter_key,
        lab.received_at as occurred_at,
        lab.verified_at as until_at,
        'clinical' as kind,
        lab.unit as place,
        'sample received by the laboratory' as what,
        lab.order_key,
        coalesce(sample_line.file_id, lab.file_id) as file_id,
        coalesce(sample_line.line, lab.line) as line
    from marts.lab_order as lab
    left join sample_line
        on sample_line.order_key = lab.order_key
    where lab.received_at is not null
    union all
    select
        lab.encounter_key,
        lab.verified_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'clinical' as kind,
        lab.unit as place,
        'result verified' as what,
        lab.order_key,
        coalesce(report_line.file_id, lab.file_id) as file_id,
        coalesce(report_line.line, lab.line) as line
    from marts.lab_order as lab
    left join report_line
        on report_line.order_key = lab.order_key
    where lab.verified_at is not null
    union all
    select
        result.encounter_key,
        result.available_at as occurred_at,
        result.acknowledged_at as until_at,
        'human' as kind,
        result.unit as place,
        'critical result shown' as what,
        result.order_key,
        coalesce(task_line.file_id, result.file_id) as file_id,
        coalesce(task_line.line, result.line) as line
    from marts.critical_result as result
    left join task_line
        on task_line.task_kind = 'critical-result-ack'
        and task_line.subject_key = result.observation_key
    where result.available_at is not null
    union all
    select
        result.encounter_key,
        result.escalated_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'human' as kind,
        result.unit as place,
        'critical result escalated' as what,
        result.order_key,
        coalesce(task_line.file_id, result.file_id) as file_id,
        coalesce(task_line.line, result.line) as line
    from marts.critical_result as result
    left join task_line
        on task_line.task_kind = 'critical-result-escalation'
        and task_line.subject_key = result.observation_key
    where result.escalated_at is not null
    union all
    select
        result.encounter_key,
        result.acknowledged_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'human' as kind,
        result.unit as place,
        'critical result acknowledged' as what,
        result.order_key,
        coalesce(task_line.file_id, result.file_id) as file_id,
        coalesce(task_line.line, result.line) as line
    from marts.critical_result as result
    left join task_line
        on task_line.task_kind = 'critical-result-ack'
        and task_line.subject_key = result.observation_key
    where result.acknowledged_at is not null
    union all
    select
        encounter_key,
        offered_at as occurred_at,
        closed_at as until_at,
        'human' as kind,
        unit as place,
        'handoff offered' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.handoff
    where offered_at is not null
    union all
    select
        encounter_key,
        accepted_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'human' as kind,
        unit as place,
        'handoff accepted' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.handoff
    where accepted_at is not null
    union all
    select
        encounter_key,
        closed_at as occurred_at,
        cast(null as timestamptz) as until_at,
        'human' as kind,
        unit as place,
        'handoff closed without being accepted' as what,
        cast(null as varchar) as order_key,
        file_id,
        line
    from marts.handoff
    where closed_at is not null
        and not is_accepted
    union all
    select
        instance.encounter_key,
        activity.started_at as occurred_at,
        activity.ended_at as until_at,
        case when activity.is_automatic then 'clinical' else 'human' end as kind,
        'process ' || activity.workflow as place,
        activity.activity as what,
        instance.order_key,
        activity.file_id,
        activity.line
    from staging.process_activity as activity
    inner join marts.process_case as instance
        on instance.case_key = activity.case_key
    where activity.is_work
        and instance.encounter_key is not null
    union all
    select
        instance.encounter_key,
        incident.started_at as occurred_at,
        incident.ended_at as until_at,
        'clinical' as kind,
        'process ' || incident.process_definition as place,
        'incident: ' || incident.incident_type as what,
        instance.order_key,
        incident.file_id,
        incident.line
    from staging.process_record as incident
    inner join marts.process_case as instance
        on instance.case_key = incident.case_key
    where incident.kind = 'incident'
        and instance.encounter_key is not null
), stay as (
    select
        segment.encounter_key,
        segment.started_at as occurred_at,
        segment.ended_at as until_at,
        'clinical' as kind,
        coalesce(place.name, 'unknown place ' || segment.location_id) as place,
        'moved to ' || coalesce(place.name, 'a place that was never sent') as what,
        cast(null as varchar) as order_key,
        segment.file_id,
        segment.line
    from staging.encounter_location as segment
    left join marts.location as place
        on place.location_id = segment.location_id
    where segment.started_at is not null
), hop as (
    select
        message.encounter_key,
        coalesce(delivery.routed_at, delivery.received_at) as occurred_at,
        coalesce(delivery.delivered_at, case when delivery.is_settled then delivery.last_event_at end) as until_at,
        'message' as kind,
        delivery.channel || ' to ' || delivery.destination as place,
        coalesce(message.msg_type, 'message')
        || coalesce(' ' || message.msg_trigger, '')
        || ' '
        || replace(delivery.state, '_', '-') as what,
        message.order_key,
        message.message_key,
        delivery.file_id,
        delivery.line
    from marts.message_delivery as delivery
    inner join marts.message as message
        on message.message_key = delivery.message_key
    where message.encounter_key is not null
), event as (
    select
        *,
        cast(null as varchar) as message_key
    from clinical_event
    union all
    select
        *,
        cast(null as varchar) as message_key
    from stay
    union all
    select
        encounter_key,
        occurred_at,
        until_at,
        kind,
        place,
        what,
        order_key,
        file_id,
        line,
        message_key
    from hop
)
select
    event.encounter_key as case_key,
    visit.patient_key,
    visit.journey_key,
    row_number() over (
        partition by visit.journey_key
        order by
            event.occurred_at,
            event.kind,
            event.what,
            event.place,
            event.order_key,
            event.message_key,
            event.until_at,
            event.file_id,
            event.line
    ) as seq,
    event.occurred_at,
    event.until_at,
    event.kind,
    event.place,
    event.what,
    coalesce(visit.organization, visit.organization_id, 'Unknown') as facility,
    event.order_key,
    event.message_key,
    event.file_id,
    event.line
from event
inner join marts.visit as visit
    on visit.encounter_key = event.encounter_key
