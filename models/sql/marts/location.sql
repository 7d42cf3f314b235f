-- Grain: one row per Location.
-- A place without a type of its own takes its parent's, so that a bed belongs to its ward. Four levels are climbed.
-- unit: the ward a bed belongs to, the emergency department a room belongs to, else the place itself.
-- is_type_known: the hospital sent a type for this place or for one it is part of.
select
    place.location_id,
    place.name,
    coalesce(organization.name, place.organization_id, 'Unknown') as facility,
    case
        when coalesce(
            case when place.is_typed then place.is_emergency end,
            case when parent.is_typed then parent.is_emergency end,
            case when grandparent.is_typed then grandparent.is_emergency end,
            false
        )
            then case
                when grandparent.is_emergency and parent.is_emergency then grandparent.name
                when parent.is_emergency then parent.name
                else place.name
            end
        when place.is_ward then place.name
        when parent.is_ward then parent.name
        when grandparent.is_ward then grandparent.name
        when great_grandparent.is_ward then great_grandparent.name
        else place.name
    end as unit,
    coalesce(
        case when place.is_typed then place.is_emergency end,
        case when parent.is_typed then parent.is_emergency end,
        case when grandparent.is_typed then grandparent.is_emergency end,
        false
    ) as is_emergency,
    place.is_treatment_room,
    place.is_bed,
    coalesce(place.is_ward or parent.is_ward or grandparent.is_ward or great_grandparent.is_ward, false) as is_inpatient,
    place.is_typed
    or coalesce(parent.is_typed, false)
    or coalesce(grandparent.is_typed, false)
    or coalesce(great_grandparent.is_typed, false) as is_type_known,
    place.first_exported_at,
    place.file_id,
    place.line
from staging.location as place
left join staging.location as parent
    on parent.location_id = place.part_of_id
left join staging.location as grandparent
    on grandparent.location_id = parent.part_of_id
left join staging.location as great_grandparent
    on great_grandparent.location_id = grandparent.part_of_id
left join staging.organization as organization
    on organization.organization_id
    = coalesce(place.organization_id, parent.organization_id, grandparent.organization_id)
