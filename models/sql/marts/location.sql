-- Grain: one row per Location.
-- What a place is and belongs to is said by the place itself or by the nearest place that it is part of and that says it, at any
-- depth up to twenty: bed, room, ward, building, site. A place that is part of itself, over others too, stops there.
-- unit: the ward a bed belongs to, the emergency department a room belongs to, else the place itself.
-- facility: the hospital of the organization that manages it, or that manages the nearest place around it that names one (see organization).
-- is_type_known: the hospital sent a type for this place or for one it is part of.
-- is_parent_known: the place that it says it is part of was sent, or it is part of none.
-- is_circular: it is part of itself, over others too.
with recursive ancestry as (
    select
        location_id,
        location_id as ancestor_id,
        0 as level
    from staging.location
    union all
    select
        ancestry.location_id,
        place.part_of_id as ancestor_id,
        ancestry.level + 1 as level
    from ancestry
    inner join staging.location as place
        on place.location_id = ancestry.ancestor_id
    where place.part_of_id is not null
        and place.part_of_id <> ancestry.location_id
        and ancestry.level < 20
), around as (
    select
        ancestry.location_id,
        ancestry.level,
        place.name,
        place.organization_id,
        place.is_typed,
        place.is_emergency,
        place.is_ward,
        min(case when ancestry.level > 0 and place.is_typed and not place.is_emergency then ancestry.level end)
            over (partition by ancestry.location_id) as stop_level
    from ancestry
    inner join staging.location as place
        on place.location_id = ancestry.ancestor_id
), belonging as (
    select
        location_id,
        coalesce(arg_min(is_emergency, level) filter (where is_typed), false) as is_emergency,
        bool_or(is_ward) as is_inpatient,
        bool_or(is_typed) as is_type_known,
        arg_max(name, level) filter (where level > 0 and is_emergency and level < coalesce(stop_level, 21)) as department,
        arg_min(name, level) filter (where is_ward) as ward,
        arg_min(organization_id, level) filter (where organization_id is not null) as organization_id
    from around
    group by location_id
), circular as (
    select distinct ancestry.location_id
    from ancestry
    inner join staging.location as place
        on place.location_id = ancestry.ancestor_id
    where place.part_of_id = ancestry.location_id
)
select
    place.location_id,
    place.name,
    coalesce(organization.facility, belonging.organization_id, 'Unknown') as facility,
    case
        when belonging.is_emergency then coalesce(belonging.department, place.name)
        else coalesce(belonging.ward, place.name)
    end as unit,
    belonging.is_emergency,
    place.is_treatment_room,
    place.is_bed,
    belonging.is_inpatient,
    belonging.is_type_known,
    place.part_of_id is null or parent.location_id is not null as is_parent_known,
    circular.location_id is not null as is_circular,
    place.first_exported_at,
    place.file_id,
    place.line
from staging.location as place
inner join belonging
    on belonging.location_id = place.location_id
left join staging.location as parent
    on parent.location_id = place.part_of_id
left join circular
    on circular.location_id = place.location_id
left join marts.organization as organization
    on organization.organization_id = belonging.organization_id
