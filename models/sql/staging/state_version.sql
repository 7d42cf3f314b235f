-- Grain: one row per version of a Task, ServiceRequest, Appointment or Encounter that says its status.
-- Looked up in identity: encounter_key.
-- Every version, not only the latest; those of an Encounter that only incomplete exports brought wait, as in encounter.
-- written_at: when this version was written: the earlier of meta.lastUpdated and Task.lastModified.
-- created_at: when the resource says that its first state began: Task.authoredOn, ServiceRequest.authoredOn, Appointment.created.
-- recorded_at: when it says that the status of this version began: Task.executionPeriod, Appointment's cancellation.
with version as (
    select
        'Task' as resource_type,
        task_key as resource_key,
        encounter_key,
        status,
        least(last_updated, case when regexp_matches(last_modified, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(last_modified as timestamptz) end) as written_at,
        case when regexp_matches(authored_on, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(authored_on as timestamptz) end as created_at,
        case status
            when 'in-progress' then case when regexp_matches(execution_start, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(execution_start as timestamptz) end
            when 'completed' then case when regexp_matches(execution_end, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(execution_end as timestamptz) end
        end as recorded_at,
        last_updated,
        seen_from,
        seen_to,
        is_deleted,
        source,
        file_id,
        line
    from raw.fhir_task
    union all
    select
        'ServiceRequest' as resource_type,
        order_key as resource_key,
        encounter_key,
        status,
        last_updated as written_at,
        case when regexp_matches(authored_on, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(authored_on as timestamptz) end as created_at,
        null as recorded_at,
        last_updated,
        seen_from,
        seen_to,
        is_deleted,
        source,
        file_id,
        line
    from raw.fhir_service_request
    union all
    select
        'Appointment' as resource_type,
        appointment_key as resource_key,
        null as encounter_key,
        status,
        last_updated as written_at,
        case when regexp_matches(created, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(created as timestamptz) end as created_at,
        case when status = 'cancelled' then case when regexp_matches(cancelled, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(cancelled as timestamptz) end end as recorded_at,
        last_updated,
        seen_from,
        seen_to,
        is_deleted,
        source,
        file_id,
        line
    from raw.fhir_appointment
    union all
    select
        'Encounter' as resource_type,
        encounter_key as resource_key,
        encounter_key,
        status,
        last_updated as written_at,
        null as created_at,
        null as recorded_at,
        last_updated,
        seen_from,
        seen_to,
        is_deleted,
        source,
        file_id,
        line
    from raw.fhir_encounter
    where not exists (
        from raw.incomplete_export as waiting
        where waiting.source = fhir_encounter.source
            and waiting.exported_at = fhir_encounter.seen_from
            and (waiting.complete_at is null or fhir_encounter.seen_to < waiting.complete_at)
    )
)
select
    resource_type,
    resource_key,
    encounter_key,
    status,
    written_at,
    created_at,
    recorded_at,
    last_updated,
    seen_from,
    seen_to,
    source,
    file_id,
    line
from version
where not is_deleted
    and status is not null
