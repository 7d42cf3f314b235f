-- Grain: one row per Location.
-- Looked up in identity: part_of_id, organization_id.
-- The latest version of each; a row of the hospital's own list wins whole, over exports and their deletions (flag side_loaded).
-- Which codes mean emergency department or treatment room is decided here and nowhere else.
-- is_typed: the hospital sent at least one type code for this place itself.
-- is_emergency: HSLOC 1108-0 or 1109-8, or RoleCode ER or ETU.
-- is_treatment_room: HSLOC 1209-6, 1210-4, 1212-0 or 1162-7, a room where a clinician can see the patient in private.
-- is_bed: physical type bd, and not status inactive: a bed that is no longer used is none.
-- first_exported_at: when the first export that holds any version of it was made.
-- is_ward: physical type wa, or RoleCode HU.
with version as (
    select
        *,
        coalesce(list_contains(flags, 'side_loaded'), false) as is_side_loaded,
        min(seen_from) over resource as first_exported_at,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by location_id
            order by coalesce(list_contains(flags, 'side_loaded'), false) desc, is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_location
    window resource as (partition by location_id)
), typed_location as (
    select
        *,
        list_transform(types, lambda coding: coding.code) as type_codes
    from version
    where recency = 1
        and not is_deleted
        and (is_side_loaded or deleted_at is null or alive_at > deleted_at)
)
select
    location_id,
    coalesce(name, location_id) as name,
    part_of_ref as part_of_id,
    organization_ref as organization_id,
    physical_type_code,
    coalesce(len(type_codes), 0) > 0 as is_typed,
    coalesce(list_has_any(type_codes, ['1108-0', '1109-8', 'ER', 'ETU']), false) as is_emergency,
    coalesce(list_has_any(type_codes, ['1209-6', '1210-4', '1212-0', '1162-7']), false) as is_treatment_room,
    coalesce(physical_type_code = 'wa', false) or coalesce(list_contains(type_codes, 'HU'), false) as is_ward,
    coalesce(physical_type_code = 'bd' and coalesce(status, '') <> 'inactive', false) as is_bed,
    first_exported_at,
    source,
    file_id,
    line
from typed_location
