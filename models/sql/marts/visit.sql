-- Grain: one row per Encounter.
-- What kind of visit it is, how it hangs together with others, and its hospital: decided here, read by every other mart.
-- visit_kind: by the first of the source's rules whose conditions hold, then by the defaults; unknown where none does.
-- rule_no: that rule's number within its source, from 1; from 1000 a default; null where none decided.
-- part_of_key: the Encounter that it says it is part of, whether or not that one was sent.
-- parent_kind: what that one is; null where it was not sent.
-- stay_key: the inpatient visit whose stay it belongs to: a stay in intensive care within a hospital stay is that stay.
-- ed_encounter_key: of an inpatient visit, the emergency visit it came from, whichever of the two names the other.
-- journey_key: the outermost Encounter that it is part of, three levels up at most; its own key where it is part of none.
-- An Encounter that is part of itself, over others too, is taken as part of none.
-- is_open: neither ended nor finished.
with place_kind as (
    select
        segment.encounter_key,
        bool_or(place.is_inpatient) as was_on_ward,
        bool_or(place.is_emergency) as was_in_emergency
    from staging.encounter_location as segment
    inner join marts.location as place
        on place.location_id = segment.location_id
    group by segment.encounter_key
), decided as (
    select
        encounter.encounter_key,
        arg_min(rule.visit_kind, rule.rule_no) as visit_kind,
        min(rule.rule_no) as rule_no
    from staging.encounter as encounter
    left join place_kind
        on place_kind.encounter_key = encounter.encounter_key
    inner join staging.visit_rule as rule
        on (rule.source is null or rule.source = encounter.source)
        and (rule.class_codes is null or list_contains(rule.class_codes, encounter.class_code))
        and (rule.type_codes is null or list_has_any(rule.type_codes, encounter.type_codes))
        and (rule.service_type_codes is null or list_contains(rule.service_type_codes, encounter.service_type_code))
        and (rule.profiles is null or list_has_any(rule.profiles, encounter.profiles))
        and (rule.has_parent is null or rule.has_parent = (encounter.part_of_key is not null))
        and (
            rule.place is null
            or (rule.place = 'inpatient' and place_kind.was_on_ward)
            or (rule.place = 'emergency' and place_kind.was_in_emergency)
        )
    group by encounter.encounter_key
), visit as (
    select
        encounter.*,
        coalesce(decided.visit_kind, 'unknown') as visit_kind,
        decided.rule_no
    from staging.encounter as encounter
    left join decided
        on decided.encounter_key = encounter.encounter_key
), emergency_part as (
    select
        part_of_key,
        min(encounter_key) as encounter_key
    from visit
    where visit_kind = 'emergency'
        and part_of_key is not null
    group by part_of_key
), related as (
    select
        visit.*,
        parent.visit_kind as parent_kind,
        case
            when visit.encounter_key in (visit.part_of_key, parent.part_of_key, grandparent.part_of_key) then visit.encounter_key
            when visit.visit_kind <> 'inpatient' or coalesce(parent.visit_kind, '') <> 'inpatient' then visit.encounter_key
            when grandparent.visit_kind = 'inpatient' then grandparent.encounter_key
            else parent.encounter_key
        end as stay_key,
        case
            when visit.encounter_key in (visit.part_of_key, parent.part_of_key, grandparent.part_of_key) then visit.encounter_key
            else coalesce(grandparent.part_of_key, parent.part_of_key, visit.part_of_key, visit.encounter_key)
        end as journey_key
    from visit
    left join visit as parent
        on parent.encounter_key = visit.part_of_key
    left join visit as grandparent
        on grandparent.encounter_key = parent.part_of_key
)
select
    visit.encounter_key,
    visit.patient_key,
    visit.source,
    visit.visit_kind,
    visit.rule_no,
    visit.class_code,
    visit.status,
    visit.part_of_key,
    visit.parent_kind,
    visit.stay_key,
    case
        when visit.visit_kind = 'inpatient'
            then coalesce(case when coalesce(visit.parent_kind, 'emergency') = 'emergency' then visit.part_of_key end, part.encounter_key)
    end as ed_encounter_key,
    visit.journey_key,
    visit.started_at,
    visit.ended_at,
    visit.ended_at is null and visit.ended_precision is null and coalesce(visit.status, '') <> 'finished' as is_open,
    visit.priority_code,
    visit.admit_source_code,
    visit.discharge_disposition_codes,
    organization.facility as organization,
    visit.organization_id,
    visit.file_id,
    visit.line
from related as visit
left join emergency_part as part
    on part.part_of_key = visit.encounter_key
left join marts.organization as organization
    on organization.organization_id = visit.organization_id
