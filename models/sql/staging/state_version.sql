-- Grain: one row per version of a Task, ServiceRequest, Appointment or Encounter that says its status.
-- Looked up in identity: encounter_key.
-- Every version, not only the latest; those of an Encounter that only incomplete exports brought wait, as in encounter.
-- version_id: by which a Provenance names it.
-- written_at: when this version was written: the earlier of meta.lastUpdated and Task.lastModified.
-- created_at: when the resource says that its first state began: Task.authoredOn, ServiceRequest.authoredOn, Appointment.created.
-- recorded_at: when it says that the status of this version began: Task.executionPeriod, Appointment's cancellation.
with version as (
    select
        'Task' as resource_type,
        task_key as resource_key,
        encounter_key,
        version_id,
        status,
        least(last_updated, instant_in(last_modified, zone_of(source, $zones))) as written_at,
        instant_in(authored_on, zone_of(source, $zones)) as created_at,
        case
            when status = 'in-progress' then instant_in(execution_start, zone_of(source, $zones))
            when status in ('completed', 'failed', 'cancelled', 'rejected')
                then instant_in(execution_end, zone_of(source, $zones))
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
        version_id,
        status,
        last_updated as written_at,
        instant_in(authored_on, zone_of(source, $zones)) as created_at,
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
        version_id,
        status,
        last_updated as written_at,
        instant_in(created, zone_of(source, $zones)) as created_at,
        case when status = 'cancelled' then instant_in(cancelled, zone_of(source, $zones)) end as recorded_at,
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
        version_id,
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
    version_id,
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
