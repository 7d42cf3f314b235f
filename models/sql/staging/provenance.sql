-- Grain: one row per Provenance of a task and task that it is about.
-- The latest version of each.
-- activity: the code in Wardflow's own system (create, assign, start, complete, override, escalate, reopen), else other.
-- is_manual: a person did it, not a device alone.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
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
)
select
    provenance_key,
    unnest(task_keys) as task_key,
    coalesce(
        list_extract(
            list_transform(
                list_filter(codes, lambda coding: coding.system = 'https://wardflow.example/task-activity'),
                lambda coding: coding.code
            ),
            1
        ),
        'other'
    ) as activity,
    coalesce(list_has_any(agent_types, ['Practitioner', 'PractitionerRole', 'Person', 'RelatedPerson', 'Patient']), false) as is_manual,
    instant_in(recorded, zone) as recorded_at,
    precision_in(recorded, zone) as recorded_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
