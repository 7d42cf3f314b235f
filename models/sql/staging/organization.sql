-- Grain: one row per Organization.
-- The latest version of each. A facility's name is its Organization's name.
with version as (
    select
        *,
        row_number() over (
            partition by organization_id
            order by coalesce(last_updated, exported_at) desc, exported_at desc, file_id desc, line desc
        ) as recency
    from raw.fhir_organization
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
    and not coalesce(is_deleted, false)
