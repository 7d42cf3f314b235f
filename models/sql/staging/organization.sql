-- Grain: one row per Organization.
-- Looked up in identity: part_of_id.
-- The latest version of each; one of the hospital's own list wins whole, over exports and their deletions (flag side_loaded).
-- is_department: type dept or team; such a one is part of a hospital, not one itself.
with version as (
    select
        *,
        coalesce(list_contains(flags, 'side_loaded'), false) as is_side_loaded,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by organization_id
            order by coalesce(list_contains(flags, 'side_loaded'), false) desc, is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_organization
    window resource as (partition by organization_id)
)
select
    organization_id,
    coalesce(name, organization_id) as name,
    part_of_ref as part_of_id,
    coalesce(list_has_any(type_codes, ['dept', 'team']), false) as is_department,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (is_side_loaded or deleted_at is null or alive_at > deleted_at)
