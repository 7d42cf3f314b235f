-- Grain: one row per Encounter.
-- Looked up in identity: patient_key, part_of_key, organization_id.
-- The latest version of each that was not entered in error, of exports that have all their files: a version that only
-- incomplete exports brought waits until the rest arrives (raw.incomplete_export).
-- Locations and status history stay nested: see encounter_location and encounter_status.
-- status: in R4's words; R5's on-hold is onleave, its discharged, completed and discontinued are finished.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by encounter_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_encounter
    where is_deleted
        or not exists (
            from raw.incomplete_export as waiting
            where waiting.source = fhir_encounter.source
                and waiting.exported_at = fhir_encounter.seen_from
                and (waiting.complete_at is null or fhir_encounter.seen_to < waiting.complete_at)
        )
    window resource as (partition by encounter_key)
)
select
    encounter_key,
    patient_key,
    visit_keys,
    part_of_key,
    case status
        when 'on-hold' then 'onleave'
        when 'discharged' then 'finished'
        when 'completed' then 'finished'
        when 'discontinued' then 'finished'
        else status
    end as status,
    class_code,
    type_codes,
    service_type_code,
    list_transform(profiles, lambda profile: split_part(profile, '|', 1)) as profiles,
    priority_code,
    instant_in(period_start, zone) as started_at,
    precision_in(period_start, zone) as started_precision,
    instant_in(period_end, zone) as ended_at,
    precision_in(period_end, zone) as ended_precision,
    locations,
    status_history,
    admit_source_code,
    discharge_disposition_codes,
    organization_id,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
