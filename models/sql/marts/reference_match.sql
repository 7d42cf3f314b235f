-- Grain: one row per source, element that refers to another resource, and type that it refers to.
-- Whether what a reference means was delivered too, after identifiers were looked up and merged patients followed. A reference by
-- the identifier of a type whose identifiers are not kept (Specimen, Task, most others) never leads anywhere, and is counted here.
-- resource: the type that refers.
-- refers_to: the type that is referred to.
-- reference_count: references of all versions that were delivered; of a list, its entries.
-- matched_count: those whose target was delivered and not deleted since.
-- match_share: matched by all, 0 to 1.
with link as (
    select
        reference.source,
        reference.resource,
        reference.element,
        reference.refers_to,
        coalesce(identity.key, reference.key) as key,
        count(*) as reference_count
    from raw.reference as reference
    left join staging.identity as identity
        on identity.alias_key = reference.key
    where reference.key is not null
    group by
        reference.source,
        reference.resource,
        reference.element,
        reference.refers_to,
        coalesce(identity.key, reference.key)
), sought as (
    select distinct
        refers_to,
        key
    from link
), target as (
    select
        resource.resource,
        resource.key
    from raw.resource as resource
    inner join sought
        on sought.refers_to = resource.resource
        and sought.key = resource.key
    group by
        resource.resource,
        resource.key
    having coalesce(
        max(case when not resource.is_deleted then greatest(resource.seen_to, resource.last_updated) end)
            > max(case when resource.is_deleted then coalesce(resource.seen_to, timestamptz '-infinity') end),
        not bool_or(resource.is_deleted)
    )
)
select
    link.source,
    link.resource,
    link.element,
    link.refers_to,
    cast(sum(link.reference_count) as bigint) as reference_count,
    cast(sum(case when target.key is not null then link.reference_count else 0 end) as bigint) as matched_count,
    sum(case when target.key is not null then link.reference_count else 0 end) / sum(link.reference_count) as match_share
from link
left join target
    on target.resource = link.refers_to
    and target.key = link.key
group by
    link.source,
    link.resource,
    link.element,
    link.refers_to
