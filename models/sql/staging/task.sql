-- Grain: one row per Task.
-- Looked up in identity: patient_key, encounter_key, focus_key, focus_location_id, location_id, owner_key, order_keys.
-- The latest version of each that was not entered in error.
-- task_kind: the code in Wardflow's own system (handoff, bed-request, bed-clean, critical-result-ack, critical-result-escalation, discharge-medication, discharge-transport, discharge-follow-up, discharge-instructions, registration-review, order-clarification), else other.
-- is_fulfilment: FHIR's own code says that it is to fulfil the order that it is about.
-- performer_role_code: the role that is meant to do it, or did, as sent (performerType); null where nothing was sent.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by task_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_task
    window resource as (partition by task_key)
)
select
    task_key,
    patient_key,
    encounter_key,
    order_keys,
    focus_type,
    focus_key,
    focus_location_id,
    part_of_keys,
    status,
    business_status_code,
    coalesce(
        list_extract(
            list_transform(
                list_filter(codes, lambda coding: coding.system = 'https://wardflow.example/task-code'),
                lambda coding: coding.code
            ),
            1
        ),
        'other'
    ) as task_kind,
    coalesce(
        list_contains(
            list_transform(codes, lambda coding: coding.system || '|' || coding.code),
            'http://hl7.org/fhir/CodeSystem/task-code|fulfill'
        ),
        false
    ) as is_fulfilment,
    priority,
    instant_in(authored_on, zone) as authored_at,
    precision_in(authored_on, zone) as authored_precision,
    instant_in(last_modified, zone) as modified_at,
    precision_in(last_modified, zone) as modified_precision,
    instant_in(execution_start, zone) as execution_started_at,
    precision_in(execution_start, zone) as execution_started_precision,
    instant_in(execution_end, zone) as execution_ended_at,
    precision_in(execution_end, zone) as execution_ended_precision,
    instant_in(due, zone) as due_at,
    precision_in(due, zone) as due_precision,
    location_id,
    owner_key,
    list_extract(performer_codes, 1) as performer_role_code,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
