-- Grain: one row per Organization.
-- Looked up in identity: part_of_id.
-- The latest version of each. A facility's name is its Organization's name.
with version as (
    select
        *,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by organization_id
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_organization
    window resource as (partition by organization_id)
)
select
    organization_id,
    coalesce(name, organization_id) as name,
    part_of_ref as part_of_id,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
