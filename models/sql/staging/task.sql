-- Grain: one row per Task.
-- Looked up in identity: patient_key, encounter_key, focus_key, focus_location_id, location_id, order_keys.
-- The latest version of each that was not entered in error.
-- task_kind: the code in Wardflow's own system (handoff, bed-request, bed-clean, critical-result-ack, critical-result-escalation, discharge-medication, discharge-transport, discharge-follow-up, discharge-instructions, registration-review, order-clarification), else other.
-- An instant is null where the hospital sent a day or a time without a zone; its precision column says so.
with version as (
    select
        *,
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
    priority,
    case when regexp_matches(authored_on, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(authored_on as timestamptz) end as authored_at,
    case
        when authored_on is null then null
        when not regexp_matches(authored_on, 'T') then 'day'
        when not regexp_matches(authored_on, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as authored_precision,
    case when regexp_matches(last_modified, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(last_modified as timestamptz) end as modified_at,
    case
        when last_modified is null then null
        when not regexp_matches(last_modified, 'T') then 'day'
        when not regexp_matches(last_modified, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as modified_precision,
    case when regexp_matches(execution_start, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(execution_start as timestamptz) end as execution_started_at,
    case
        when execution_start is null then null
        when not regexp_matches(execution_start, 'T') then 'day'
        when not regexp_matches(execution_start, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as execution_started_precision,
    case when regexp_matches(execution_end, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(execution_end as timestamptz) end as execution_ended_at,
    case
        when execution_end is null then null
        when not regexp_matches(execution_end, 'T') then 'day'
        when not regexp_matches(execution_end, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as execution_ended_precision,
    case when regexp_matches(due, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(due as timestamptz) end as due_at,
    case
        when due is null then null
        when not regexp_matches(due, 'T') then 'day'
        when not regexp_matches(due, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as due_precision,
    location_id,
    owner_key,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
