-- Grain: one row per Provenance and Task, ServiceRequest, Appointment or Encounter that it is about.
-- The latest version of each Provenance.
-- version_id: the version of the resource that it names; null where it names none.
-- state: the state into which it brought the resource, where its activity says so: in the words of FHIR's own states, or in Wardflow's
-- own system complete, start and reopen; else null.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by provenance_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_provenance
    window resource as (partition by provenance_key)
), told as (
    select
        provenance_key,
        unnest(targets) as target,
        list_extract(
            list_transform(
                list_filter(
                    codes,
                    lambda coding: coding.system in (
                        'http://hl7.org/fhir/task-status',
                        'http://hl7.org/fhir/request-status',
                        'http://hl7.org/fhir/appointmentstatus',
                        'http://hl7.org/fhir/encounter-status',
                        'https://wardflow.example/task-activity'
                    )
                ),
                lambda coding: coding.code
            ),
            1
        ) as activity,
        instant_in(recorded, zone) as recorded_at,
        source,
        file_id,
        line
    from version
    where recency = 1
        and not is_deleted
        and (deleted_at is null or alive_at > deleted_at)
)
select
    provenance_key,
    target.resource_type as resource_type,
    target.resource_key as resource_key,
    target.version_id as version_id,
    case
        when activity = 'complete' then 'completed'
        when activity in ('start', 'reopen') then 'in-progress'
        when activity not in ('create', 'assign', 'override', 'escalate') then activity
    end as state,
    recorded_at,
    source,
    file_id,
    line
from told
