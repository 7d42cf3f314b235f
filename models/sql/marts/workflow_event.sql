-- Grain: one row per workflow, case and step that was completed.
-- A case of ed-to-bed is an emergency visit with a decision to admit, of order-to-acknowledged-result a laboratory order,
-- of discharge an inpatient stay with a discharge order, of message-delivery a message on its way to one destination.
-- A case of any other workflow is an instance of a process of that name in a process engine; what failed in it is a step, too.
-- unit: where the case began.
-- activity_rank: orders the steps of a case that carry the same time.
-- occurred_at: when the step was completed.
-- started_at: when somebody or something began it; null where that is not recorded.
-- is_case_open: what should come last had not happened by the data cut.
-- is_case_known: every step of which the files say that it happened has a time to the instant.
-- case_date: local day of the case's first step.
-- step_no: place in the case, from 1: by time, then by activity_rank, then by name.
-- wait_minutes: from this step to the next one of the case.
-- window_minutes: how long the wait for the next step may take, as the hospital's registry says.
-- next_owner: who answers for the next step, as the registry says.
-- lost_minutes: what the wait took beyond its window; null without a window.
with first_stay as (
    select
        ed_encounter_key,
        min(admitted_at) as admitted_at,
        min(bed_requested_at) as bed_requested_at,
        min(bed_assigned_at) as bed_assigned_at
    from marts.inpatient_stay
    where ed_encounter_key is not null
    group by ed_encounter_key
), admission as (
    select
        'ed-to-bed' as workflow,
        visit.encounter_key as case_key,
        visit.encounter_key,
        visit.facility,
        visit.unit,
        visit.is_open or stay.admitted_at is null as is_case_open,
        visit.is_room_known and (visit.is_open or visit.is_departure_known) as is_case_known,
        unnest([
            {'rank': 10, 'activity': 'arrived', 'started_at': null::timestamptz, 'occurred_at': visit.arrived_at},
            {'rank': 20, 'activity': 'triaged', 'started_at': null::timestamptz, 'occurred_at': visit.triaged_at},
            {'rank': 30, 'activity': 'in a room', 'started_at': null::timestamptz, 'occurred_at': visit.roomed_at},
            {'rank': 40, 'activity': 'seen by a clinician', 'started_at': null::timestamptz, 'occurred_at': visit.first_contact_at},
            {'rank': 50, 'activity': 'decision to admit', 'started_at': null::timestamptz, 'occurred_at': visit.decision_at},
            {'rank': 60, 'activity': 'bed requested', 'started_at': null::timestamptz, 'occurred_at': stay.bed_requested_at},
            {'rank': 70, 'activity': 'bed assigned', 'started_at': null::timestamptz, 'occurred_at': stay.bed_assigned_at},
            {'rank': 100, 'activity': 'left the department', 'started_at': null::timestamptz, 'occurred_at': visit.departed_at},
            {'rank': 110, 'activity': 'in the bed', 'started_at': null::timestamptz, 'occurred_at': stay.admitted_at}
        ]) as step,
        visit.file_id,
        visit.line
    from marts.ed_attendance as visit
    left join first_stay as stay
        on stay.ed_encounter_key = visit.encounter_key
    where visit.decision_at is not null
), answer as (
    select
        'ed-to-bed' as workflow,
        visit.encounter_key as case_key,
        visit.encounter_key,
        visit.facility,
        visit.unit,
        visit.is_open or stay.admitted_at is null as is_case_open,
        visit.is_room_known and (visit.is_open or visit.is_departure_known) as is_case_known,
        unnest([
            {'rank': 80, 'activity': 'handoff offered', 'started_at': null::timestamptz, 'occurred_at': handoff.offered_at},
            {'rank': 90, 'activity': 'handoff accepted', 'started_at': null::timestamptz, 'occurred_at': handoff.accepted_at}
        ]) as step,
        handoff.file_id,
        handoff.line
    from marts.handoff as handoff
    inner join marts.ed_attendance as visit
        on visit.encounter_key = handoff.encounter_key
    left join first_stay as stay
        on stay.ed_encounter_key = visit.encounter_key
    where visit.decision_at is not null
), critical as (
    select
        order_key,
        min(available_at) as shown_at,
        min(escalated_at) as escalated_at,
        max(acknowledged_at) as acknowledged_at,
        bool_or(is_open) as is_open
    from marts.critical_result
    group by order_key
), result as (
    select
        'order-to-acknowledged-result' as workflow,
        lab.order_key as case_key,
        lab.encounter_key,
        lab.facility,
        lab.unit,
        lab.is_open or coalesce(critical.is_open, false) as is_case_open,
        lab.is_collected_time_known and lab.is_received_time_known and lab.is_verified_time_known as is_case_known,
        unnest([
            {'rank': 10, 'activity': 'ordered', 'started_at': null::timestamptz, 'occurred_at': lab.ordered_at},
            {'rank': 20, 'activity': 'sample collected', 'started_at': null::timestamptz, 'occurred_at': lab.collected_at},
            {'rank': 30, 'activity': 'sample in the laboratory', 'started_at': null::timestamptz, 'occurred_at': lab.received_at},
            {'rank': 40, 'activity': 'result verified', 'started_at': null::timestamptz, 'occurred_at': lab.verified_at},
            {'rank': 50, 'activity': 'critical result shown', 'started_at': null::timestamptz, 'occurred_at': critical.shown_at},
            {'rank': 60, 'activity': 'critical result escalated', 'started_at': null::timestamptz, 'occurred_at': critical.escalated_at},
            {
                'rank': 70,
                'activity': 'critical result acknowledged',
                'started_at': null::timestamptz,
                'occurred_at': critical.acknowledged_at
            }
        ]) as step,
        lab.file_id,
        lab.line
    from marts.lab_order as lab
    left join critical
        on critical.order_key = lab.order_key
    where not lab.is_revoked
), occupant as (
    select
        clean.bed_clean_key,
        arg_max(segment.encounter_key, segment.ended_at) as encounter_key
    from marts.bed_clean as clean
    inner join staging.encounter_location as segment
        on segment.location_id = clean.bed_id
    where segment.ended_at <= clean.requested_at
    group by clean.bed_clean_key
), emptied_bed as (
    select
        stay.encounter_key,
        min(clean.requested_at) as requested_at,
        min(clean.started_at) as started_at,
        min(clean.cleaned_at) as cleaned_at,
        bool_or(clean.is_open) as is_open
    from occupant
    inner join marts.bed_clean as clean
        on clean.bed_clean_key = occupant.bed_clean_key
    inner join marts.inpatient_stay as stay
        on stay.encounter_key = occupant.encounter_key
    where clean.requested_at >= stay.departed_at
    group by stay.encounter_key
), departure as (
    select
        'discharge' as workflow,
        stay.encounter_key as case_key,
        stay.encounter_key,
        stay.facility,
        stay.unit,
        stay.is_open or coalesce(bed.is_open, false) as is_case_open,
        true as is_case_known,
        unnest([
            {'rank': 10, 'activity': 'discharge ordered', 'started_at': null::timestamptz, 'occurred_at': stay.discharge_ordered_at},
            {'rank': 20, 'activity': 'left the ward', 'started_at': null::timestamptz, 'occurred_at': stay.departed_at},
            {'rank': 30, 'activity': 'cleaning requested', 'started_at': null::timestamptz, 'occurred_at': bed.requested_at},
            {'rank': 40, 'activity': 'bed clean', 'started_at': bed.started_at, 'occurred_at': bed.cleaned_at}
        ]) as step,
        stay.file_id,
        stay.line
    from marts.inpatient_stay as stay
    left join emptied_bed as bed
        on bed.encounter_key = stay.encounter_key
    where stay.discharge_ordered_at is not null
), delivery as (
    select
        'message-delivery' as workflow,
        delivery_key as case_key,
        encounter_key,
        facility,
        unit,
        is_open as is_case_open,
        true as is_case_known,
        unnest([
            {'rank': 10, 'activity': 'received', 'started_at': null::timestamptz, 'occurred_at': received_at},
            {'rank': 20, 'activity': 'routed', 'started_at': null::timestamptz, 'occurred_at': routed_at},
            {
                'rank': 50,
                'activity': 'delivered',
                'started_at': case when is_latency_known then last_attempt_at end,
                'occurred_at': delivered_at
            },
            {
                'rank': 60,
                'activity': case when state = 'dead_lettered' then 'dead-lettered' else 'failed for good' end,
                'started_at': null::timestamptz,
                'occurred_at': case when is_failed then last_event_at end
            }
        ]) as step,
        file_id,
        line
    from marts.message_delivery
), failure as (
    select
        'message-delivery' as workflow,
        delivery.delivery_key as case_key,
        delivery.encounter_key,
        delivery.facility,
        delivery.unit,
        delivery.is_open as is_case_open,
        true as is_case_known,
        {
            'rank': case when event.event_type = 'replayed' then 40 else 30 end,
            'activity': case when event.event_type = 'replayed' then 'replayed' else 'attempt failed' end,
            'started_at': null::timestamptz,
            'occurred_at': event.occurred_at
        } as step,
        event.file_id,
        event.line
    from staging.interface_event as event
    inner join marts.message_delivery as delivery
        on delivery.delivery_key = event.message_uid || ':' || event.node_id
    where event.event_type in ('attempt_failed', 'replayed')
        and event.node_role = 'destination'
), engine_place as (
    select
        source,
        any_value(facility) as facility
    from staging.registry_interface
    where facility is not null
    group by source
    having count(distinct facility) = 1
), performed as (
    select
        workflow,
        case_key,
        source,
        is_case_open,
        {
            'rank': 10,
            'activity': activity,
            'started_at': case when is_automatic then started_at end,
            'occurred_at': ended_at
        } as step,
        file_id,
        line
    from staging.process_activity
    where is_work
    union all
    select
        instance.workflow,
        incident.case_key,
        incident.source,
        instance.is_case_open,
        {
            'rank': 20,
            'activity': 'incident: ' || incident.incident_type,
            'started_at': null::timestamptz,
            'occurred_at': incident.started_at
        } as step,
        incident.file_id,
        incident.line
    from staging.process_record as incident
    inner join (select distinct workflow, case_key, is_case_open from staging.process_activity) as instance
        on instance.case_key = incident.case_key
    where incident.kind = 'incident'
), process as (
    select
        performed.workflow,
        performed.case_key,
        visit.encounter_key,
        coalesce(visit.organization, place.facility, 'Unregistered') as facility,
        'Unknown' as unit,
        performed.is_case_open,
        true as is_case_known,
        performed.step,
        performed.file_id,
        performed.line
    from performed
    left join marts.process_case as instance
        on instance.case_key = performed.case_key
    left join marts.visit as visit
        on visit.encounter_key = instance.encounter_key
    left join engine_place as place
        on place.source = performed.source
), happened as (
    select * from admission
    union all
    select * from answer
    union all
    select * from result
    union all
    select * from departure
    union all
    select * from delivery
    union all
    select * from failure
    union all
    select * from process
), sequence as (
    select
        workflow,
        case_key,
        encounter_key,
        facility,
        unit,
        is_case_open,
        is_case_known,
        step.activity as activity,
        step.rank as activity_rank,
        step.started_at as started_at,
        step.occurred_at as occurred_at,
        min(step.occurred_at) over (partition by workflow, case_key) as case_began_at,
        row_number() over in_case as step_no,
        lead(step.activity) over in_case as next_activity,
        lead(step.occurred_at) over in_case as next_at,
        file_id,
        line
    from happened
    where step.occurred_at is not null
    window in_case as (partition by workflow, case_key order by step.occurred_at, step.rank, step.activity, file_id, line)
)
select
    sequence.workflow,
    sequence.case_key,
    sequence.encounter_key,
    sequence.facility,
    sequence.unit,
    sequence.is_case_open,
    sequence.is_case_known,
    sequence.activity,
    sequence.activity_rank,
    sequence.started_at,
    sequence.occurred_at,
    sequence.case_began_at::date as case_date,
    sequence.step_no,
    sequence.next_activity,
    date_diff('microsecond', sequence.occurred_at, sequence.next_at) / 6e7 as wait_minutes,
    registered.window_minutes,
    case
        when registered.window_minutes is not null and sequence.next_at is not null
            then greatest(date_diff('microsecond', sequence.occurred_at, sequence.next_at) / 6e7 - registered.window_minutes, 0)
    end as lost_minutes,
    registered.owner as next_owner,
    sequence.file_id,
    sequence.line
from sequence
left join staging.registry_step as registered
    on registered.workflow = sequence.workflow
    and registered.activity = sequence.next_activity
