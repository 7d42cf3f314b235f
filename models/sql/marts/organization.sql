-- Grain: one row per Organization.
-- facility: the name of the hospital that it is or belongs to: of a department or a team the nearest organization around it that is
-- neither, at any depth up to twenty; where none such was sent, its own.
-- is_parent_known: the organization that it says it is part of was sent, or it is part of none.
-- is_circular: it is part of itself, over others too.
with recursive ancestry as (
    select
        organization_id,
        organization_id as ancestor_id,
        0 as level
    from staging.organization
    union all
    select
        ancestry.organization_id,
        part.part_of_id as ancestor_id,
        ancestry.level + 1 as level
    from ancestry
    inner join staging.organization as part
        on part.organization_id = ancestry.ancestor_id
    where part.part_of_id is not null
        and part.part_of_id <> ancestry.organization_id
        and ancestry.level < 20
), hospital as (
    select
        ancestry.organization_id,
        arg_min(around.name, ancestry.level) as name
    from ancestry
    inner join staging.organization as around
        on around.organization_id = ancestry.ancestor_id
    where not around.is_department
    group by ancestry.organization_id
), circular as (
    select distinct ancestry.organization_id
    from ancestry
    inner join staging.organization as around
        on around.organization_id = ancestry.ancestor_id
    where around.part_of_id = ancestry.organization_id
)
select
    organization.organization_id,
    organization.name,
    coalesce(hospital.name, organization.name) as facility,
    organization.is_department,
    organization.part_of_id is null or parent.organization_id is not null as is_parent_known,
    circular.organization_id is not null as is_circular,
    organization.file_id,
    organization.line
from staging.organization as organization
left join hospital
    on hospital.organization_id = organization.organization_id
left join staging.organization as parent
    on parent.organization_id = organization.part_of_id
left join circular
    on circular.organization_id = organization.organization_id
