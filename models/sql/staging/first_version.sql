-- Grain: one row per Task, ServiceRequest and critical Observation: the earliest of its versions that was delivered.
-- written_at: when the server stored it (meta.lastUpdated). is_first: its version number says that none came before it.
with version as (
    select
        task_key as subject_key,
        last_updated,
        version_id,
        source,
        file_id,
        line
    from raw.fhir_task
    where not is_deleted
    union all
    select
        order_key as subject_key,
        last_updated,
        version_id,
        source,
        file_id,
        line
    from raw.fhir_service_request
    where not is_deleted
    union all
    select
        observation_key as subject_key,
        last_updated,
        null as version_id,
        source,
        file_id,
        line
    from raw.fhir_observation
    where not is_deleted
        and list_has_any(interpretation_codes, ['HH', 'LL'])
)
select
    subject_key,
    min(last_updated) as written_at,
    coalesce(arg_min(version_id, last_updated) = '1', false) as is_first,
    arg_min(source, last_updated) as source,
    arg_min(file_id, last_updated) as file_id,
    arg_min(line, last_updated) as line
from version
where last_updated is not null
group by subject_key
