-- Grain: one row per instance of a process in a process engine.
-- Not published: it says which visit or order an instance is about.
-- A business key is the visit's number, the placer's number of an order or the id of an Encounter, whichever the settings of its source say. An
-- instance that another one called has that one's key where it has none of its own.
-- order_key: null where it is about a visit. encounter_key: of the order's visit too; null where nothing matches.
-- match: matched; unmatched where no visit and no order has that key; unread where no setting says what it is; none where there is no key.
with instance as (
    select *
    from staging.process_record
    where kind = 'instance'
), known as (
    select
        instance.case_key,
        instance.source,
        coalesce(instance.encounter_key, case when not instance.has_business_key then root.encounter_key end) as encounter_key,
        coalesce(instance.visit_key, case when not instance.has_business_key then root.visit_key end) as visit_key,
        coalesce(instance.placer_key, case when not instance.has_business_key then root.placer_key end) as placer_key,
        instance.has_business_key or coalesce(root.has_business_key, false) as has_business_key
    from instance
    left join instance as root
        on root.case_key = instance.root_key
        and root.case_key <> instance.case_key
), visit_number as (
    select
        visit_key,
        min(encounter_key) as encounter_key
    from staging.encounter_identifier
    group by visit_key
    having count(distinct encounter_key) = 1
), order_number as (
    select
        placer_key,
        min(order_key) as order_key
    from staging.order_identifier
    group by placer_key
    having count(distinct order_key) = 1
), found as (
    select
        known.*,
        requested.order_key,
        coalesce(encounter.encounter_key, visit_number.encounter_key, requested.encounter_key) as about_key
    from known
    left join staging.encounter as encounter
        on encounter.encounter_key = known.encounter_key
    left join visit_number
        on visit_number.visit_key = known.visit_key
    left join order_number
        on order_number.placer_key = known.placer_key
    left join staging.order as requested
        on requested.order_key = order_number.order_key
)
select
    case_key,
    source,
    about_key as encounter_key,
    order_key,
    case
        when about_key is not null or order_key is not null then 'matched'
        when not has_business_key then 'none'
        when coalesce(encounter_key, visit_key, placer_key) is null then 'unread'
        else 'unmatched'
    end as match
from found
