-- Grain: one row per source and element that refers to another resource.
-- Whether what a reference means was delivered too, after identifiers were looked up and merged patients followed.
-- reference_count: rows that refer to something; of a list, its entries.
-- matched_count: those whose target is there.
-- match_share: matched by all, 0 to 1.
with target as (
    select patient_key as key
    from marts.patient_identity
    where is_delivered
    union
    select encounter_key
    from staging.encounter
    union
    select order_key
    from staging.order
    union
    select location_id
    from staging.location
    union
    select organization_id
    from staging.organization
), link as (
    select
        source,
        'Encounter' as resource,
        'subject' as element,
        patient_key as key
    from staging.encounter
    union all
    select
        source,
        'Encounter',
        'partOf',
        part_of_key
    from staging.encounter
    union all
    select
        source,
        'Encounter',
        'serviceProvider',
        organization_id
    from staging.encounter
    union all
    select
        encounter.source,
        'Encounter',
        'location',
        segment.location_id
    from staging.encounter_location as segment
    inner join staging.encounter as encounter
        on encounter.encounter_key = segment.encounter_key
    union all
    select
        source,
        'Location',
        'partOf',
        part_of_id
    from staging.location
    union all
    select
        source,
        'Location',
        'managingOrganization',
        organization_id
    from staging.location
    union all
    select
        source,
        'ServiceRequest',
        'subject',
        patient_key
    from staging.order
    union all
    select
        source,
        'ServiceRequest',
        'encounter',
        encounter_key
    from staging.order
    union all
    select
        source,
        'Task',
        'for',
        patient_key
    from staging.task
    union all
    select
        source,
        'Task',
        'encounter',
        encounter_key
    from staging.task
    union all
    select
        source,
        'Specimen',
        'request',
        unnest(order_keys)
    from staging.specimen
    union all
    select
        source,
        'DiagnosticReport',
        'basedOn',
        unnest(order_keys)
    from staging.diagnostic_report
    union all
    select
        source,
        'ImagingStudy',
        'basedOn',
        unnest(order_keys)
    from staging.imaging_study
    union all
    select
        source,
        'Observation',
        'encounter',
        encounter_key
    from staging.observation
)
select
    link.source,
    link.resource,
    link.element,
    count(*) as reference_count,
    count(target.key) as matched_count,
    count(target.key) / count(*) as match_share
from link
left join target
    on target.key = link.key
where link.key is not null
group by
    link.source,
    link.resource,
    link.element
