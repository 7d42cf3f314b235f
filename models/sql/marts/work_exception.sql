-- Grain: one row per thing that should have happened and did not in time, or that two records tell differently.
-- The queue that people work through: the open ones. One whose window has not closed at the data cut is none.
-- kind: missed_handoff, no_task (a trigger without its task), silent_feed, message_never_seen (no message of an order or
-- result in the engine's log), message_lost (one channel delivered it, the next never received it), message_undelivered (given
-- up by the engine), process_incident (a process engine cannot go on), critical_unanswered (neither acknowledged nor escalated),
-- step_without_owner, task_bounced, status_disagreement.
-- exception_key: of kind and subject, the same in every run.
-- what: what did not happen, in words of a fixed list.
-- unit: the ward, department or channel.
-- source, channel: of a message the engine and channel that should have had it; null where the record says none.
-- owner: who answers for it, by the hospital's registry; of a task that bounced the role or team that it is meant for, as sent;
-- null where nobody is named.
-- expected_at: by when it should have happened.
-- noticed_at: decisions from then on are about it: when it was expected, or closed if that was earlier.
-- repeated_at: when it last happened anew: of a step without an owner the newest wait for it began, a task that bounced was last
-- passed on or came back. Who resolved it before then resolved what was before. Null where a row is of one time only.
-- closed_at: when it happened after all or was withdrawn; null while open.
-- minutes_open: expected to closed, or to the data cut.
-- line: the line of the record that proves the expectation.
with silence as (
    select
        incident.source,
        incident.channel,
        incident.incident_id as subject,
        incident.facility,
        incident.started_at as since_at,
        coalesce(incident.detected_at, incident.started_at) as expected_at,
        incident.restored_at as closed_at
    from marts.interface_incident as incident
    where incident.kind = 'silent'
    union all
    select
        channel.source,
        channel.channel,
        channel.source || ':' || channel.channel as subject,
        channel.facility,
        log.first_seen_at as since_at,
        log.first_seen_at + channel.max_silence_minutes * interval '1 minute' as expected_at,
        null::timestamptz as closed_at
    from marts.interface_channel as channel
    inner join (
        select
            source,
            min(first_seen_at) as first_seen_at
        from marts.interface_channel
        group by source
    ) as log
        on log.source = channel.source
    where channel.is_registered
        and not channel.is_seen
        and log.first_seen_at + channel.max_silence_minutes * interval '1 minute' <= $as_of
), last_message as (
    select
        silence.subject,
        min(message.file_id) as file_id,
        arg_min(message.line, message.file_id) as line
    from silence
    inner join marts.message as message
        on message.source = silence.source
        and message.channel = silence.channel
        and message.received_at = silence.since_at
    group by silence.subject
), unowned as (
    select
        workflow,
        activity,
        facility,
        min(began_at) as expected_at,
        max(began_at) as repeated_at,
        arg_min(file_id, began_at) as file_id,
        arg_min(line, began_at) as line
    from marts.unowned_wait
    group by
        workflow,
        activity,
        facility
), found as (
    select
        'missed_handoff' as kind,
        handoff.handoff_key as subject,
        'handoff not accepted' as what,
        handoff.encounter_key,
        null::varchar as order_key,
        null::varchar as message_key,
        handoff.handoff_key as task_key,
        null::varchar as source,
        null::varchar as channel,
        handoff.facility,
        handoff.unit,
        step.owner,
        handoff.accept_by_at as expected_at,
        null::timestamptz as repeated_at,
        handoff.closed_at,
        handoff.file_id,
        handoff.line
    from marts.handoff as handoff
    left join staging.registry_step as step
        on step.workflow = 'ed-to-bed'
        and step.activity = 'handoff accepted'
    where handoff.is_missed
        and handoff.is_in_time_known
    union all
    select
        'no_task' as kind,
        trigger_key as subject,
        case trigger
            when 'admission-decision' then 'no bed request after the decision to admit'
            when 'critical-result' then 'no task to acknowledge a critical result'
            else 'no cleaning request after the bed was left'
        end as what,
        encounter_key,
        order_key,
        null::varchar as message_key,
        null::varchar as task_key,
        null::varchar as source,
        null::varchar as channel,
        facility,
        unit,
        owner,
        task_by_at as expected_at,
        null::timestamptz as repeated_at,
        task_at as closed_at,
        file_id,
        line
    from marts.task_trigger
    where is_missing
    union all
    select
        'silent_feed' as kind,
        silence.subject,
        'no message came' as what,
        null::varchar as encounter_key,
        null::varchar as order_key,
        null::varchar as message_key,
        null::varchar as task_key,
        silence.source,
        silence.channel,
        silence.facility,
        silence.channel as unit,
        flow.owner,
        silence.expected_at,
        null::timestamptz as repeated_at,
        silence.closed_at,
        last_message.file_id,
        last_message.line
    from silence
    left join staging.registry_interface as flow
        on flow.source = silence.source
        and flow.channel = silence.channel
    left join last_message
        on last_message.subject = silence.subject
    union all
    select
        'message_never_seen' as kind,
        expectation_key as subject,
        case what
            when 'order' then 'no order message in the engine''s log'
            else 'no result message in the engine''s log'
        end as what,
        encounter_key,
        order_key,
        message_key,
        null::varchar as task_key,
        source,
        channel,
        facility,
        unit,
        owner,
        expected_by_at as expected_at,
        null::timestamptz as repeated_at,
        seen_at as closed_at,
        file_id,
        line
    from marts.expected_message
    where is_missing
    union all
    select
        'message_lost' as kind,
        handover_key as subject,
        case
            when next_source = source then 'delivered to the next channel and never received there'
            else 'delivered to the next engine and never received there'
        end as what,
        encounter_key,
        order_key,
        message_key,
        null::varchar as task_key,
        next_source as source,
        next_channel as channel,
        facility,
        next_channel as unit,
        owner,
        expected_by_at as expected_at,
        null::timestamptz as repeated_at,
        received_at as closed_at,
        file_id,
        line
    from marts.handover
    where is_lost
    union all
    select
        'message_undelivered' as kind,
        delivery.delivery_key as subject,
        'given up by the engine, neither sent again nor discarded' as what,
        delivery.encounter_key,
        null::varchar as order_key,
        delivery.message_key,
        null::varchar as task_key,
        delivery.source,
        delivery.channel,
        delivery.facility,
        delivery.unit,
        flow.owner,
        delivery.given_up_at as expected_at,
        null::timestamptz as repeated_at,
        delivery.resolved_at as closed_at,
        delivery.file_id,
        delivery.line
    from marts.message_delivery as delivery
    left join staging.registry_interface as flow
        on flow.source = delivery.source
        and flow.channel = delivery.channel
    where delivery.is_given_up
    union all
    select
        'process_incident' as kind,
        incident_key as subject,
        case incident_type
            when 'failedJob' then 'a job failed, and nobody has repaired it'
            when 'failedExternalTask' then 'an external task failed, and nobody has repaired it'
            else 'a process cannot go on, and nobody has repaired it'
        end as what,
        encounter_key,
        order_key,
        null::varchar as message_key,
        null::varchar as task_key,
        source,
        null::varchar as channel,
        facility,
        unit,
        owner,
        raised_at as expected_at,
        null::timestamptz as repeated_at,
        ended_at as closed_at,
        file_id,
        line
    from marts.process_incident
    union all
    select
        'critical_unanswered' as kind,
        result.observation_key as subject,
        'critical result neither acknowledged nor escalated' as what,
        result.encounter_key,
        result.order_key,
        null::varchar as message_key,
        null::varchar as task_key,
        null::varchar as source,
        null::varchar as channel,
        result.facility,
        result.unit,
        step.owner,
        result.window_closes_at as expected_at,
        null::timestamptz as repeated_at,
        result.answered_at as closed_at,
        result.file_id,
        result.line
    from marts.critical_result as result
    left join staging.registry_step as step
        on step.workflow = 'order-to-acknowledged-result'
        and step.activity = 'critical result acknowledged'
    where result.is_unanswered
        and result.is_in_time_known
    union all
    select
        'step_without_owner' as kind,
        workflow || ':' || activity || ':' || facility as subject,
        'nobody owns the step "' || activity || '"' as what,
        null::varchar as encounter_key,
        null::varchar as order_key,
        null::varchar as message_key,
        null::varchar as task_key,
        null::varchar as source,
        null::varchar as channel,
        facility,
        workflow as unit,
        null::varchar as owner,
        expected_at,
        repeated_at,
        null::timestamptz as closed_at,
        file_id,
        line
    from unowned
    union all
    select
        'task_bounced' as kind,
        task_key as subject,
        'task sent on or back more than once' as what,
        encounter_key,
        null::varchar as order_key,
        null::varchar as message_key,
        task_key,
        null::varchar as source,
        null::varchar as channel,
        facility,
        unit,
        role_code as owner,
        bounced_at as expected_at,
        last_bounced_at as repeated_at,
        closed_at,
        file_id,
        line
    from marts.work_task
    where is_bounced
    union all
    select
        'status_disagreement' as kind,
        pair_key as subject,
        disagreement as what,
        encounter_key,
        order_key,
        null::varchar as message_key,
        null::varchar as task_key,
        null::varchar as source,
        null::varchar as channel,
        facility,
        unit,
        owner,
        agree_by_at as expected_at,
        null::timestamptz as repeated_at,
        agreed_at as closed_at,
        file_id,
        line
    from marts.status_pair
    where is_disagreeing
        and is_time_known
)
select
    md5(kind || ':' || subject) as exception_key,
    kind,
    what,
    encounter_key,
    order_key,
    message_key,
    task_key,
    source,
    channel,
    facility,
    unit,
    nullif(owner, '') as owner,
    expected_at,
    least(expected_at, closed_at) as noticed_at,
    repeated_at,
    closed_at,
    closed_at is null as is_open,
    greatest(date_diff('microsecond', expected_at, coalesce(closed_at, $as_of)) / 6e7, 0) as minutes_open,
    date_trunc('hour', expected_at::timestamp) as expected_hour,
    expected_at::date as expected_date,
    date_trunc('week', expected_at::date)::date as expected_week,
    date_trunc('month', expected_at::date)::date as expected_month,
    file_id,
    line
from found
