-- Grain: one row per incident of a process engine (Camunda 7, Operaton): the engine could not go on and waits for a person.
-- incident_type: failedJob (all retries are used up), failedExternalTask or other.
-- facility: of the visit that the process is about, else the one that the registry names for this source, where it names one only.
-- unit: the key of the process definition. activity: the step that failed, by its id in the model.
-- owner: of that step, else of the step "incident: …" of the workflow of that name, in the registry.
-- ended_at: when it was resolved, or deleted with what it was about; null while it goes on.
-- outcome: resolved or deleted; null while it goes on.
with engine_place as (
    select
        source,
        any_value(facility) as facility
    from staging.registry_interface
    where facility is not null
    group by source
    having count(distinct facility) = 1
)
select
    incident.record_key as incident_key,
    incident.case_key,
    instance.encounter_key,
    instance.order_key,
    coalesce(visit.organization, place.facility, 'Unregistered') as facility,
    coalesce(incident.process_definition, 'Unknown') as unit,
    incident.source,
    incident.incident_type,
    incident.activity,
    coalesce(step.owner, stop.owner) as owner,
    incident.started_at as raised_at,
    incident.ended_at,
    incident.outcome,
    incident.ended_at is null as is_open,
    date_trunc('hour', incident.started_at::timestamp) as raised_hour,
    incident.started_at::date as raised_date,
    date_trunc('week', incident.started_at::date)::date as raised_week,
    date_trunc('month', incident.started_at::date)::date as raised_month,
    incident.file_id,
    incident.line
from staging.process_record as incident
left join marts.process_case as instance
    on instance.case_key = incident.case_key
left join marts.visit as visit
    on visit.encounter_key = instance.encounter_key
left join engine_place as place
    on place.source = incident.source
left join staging.registry_step as step
    on step.workflow = incident.process_definition
    and step.activity = incident.activity
left join staging.registry_step as stop
    on stop.workflow = incident.process_definition
    and stop.activity = 'incident: ' || incident.incident_type
where incident.kind = 'incident'
