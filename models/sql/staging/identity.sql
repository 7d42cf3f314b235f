-- Grain: one row per key that stands for another.
-- Every reference in staging is looked up here once: a business identifier stands for the one resource that carries it, a merged
-- patient for the surviving one. Of two statements about the same two keys the later holds; a key that was merged twice follows
-- the later; where merges form a circle the oldest of them gives way.
-- alias_key: the key that a reference may hold: of an identifier, or of a merged patient.
-- key: the key it stands for, at the end of any chain.
-- basis: identifier, Patient.link or the ADT event that merged.
-- since_at: from when on the whole chain was known; null for an identifier.
-- is_circular: the merges went round in a circle.
with recursive statement as (
    select
        *,
        row_number() over (
            partition by merged_key, surviving_key
            order by said_at desc nulls last, is_merge, file_id desc, line desc
        ) as recency
    from staging.patient_merge
), edge as (
    select
        *,
        row_number() over (partition by merged_key order by said_at desc nulls last, file_id desc, line desc, surviving_key) as place
    from statement
    where recency = 1
        and is_merge
), walk as (
    select
        merged_key as start_key,
        surviving_key as at_key,
        [merged_key] as path,
        false as is_circle
    from edge
    where place = 1
    union all
    select
        walk.start_key,
        edge.surviving_key as at_key,
        list_append(walk.path, walk.at_key) as path,
        list_contains(walk.path, edge.surviving_key) as is_circle
    from walk
    inner join edge
        on edge.merged_key = walk.at_key
        and edge.place = 1
    where not walk.is_circle
), circle as (
    select
        walk.start_key,
        list_min(walk.path) as circle_key,
        row_number() over (
            partition by list_min(walk.path)
            order by edge.said_at nulls first, edge.file_id, edge.line, edge.merged_key
        ) as age
    from walk
    inner join edge
        on edge.merged_key = walk.start_key
        and edge.place = 1
    where walk.is_circle
        and walk.at_key = walk.start_key
), kept as (
    select
        edge.*,
        circle.start_key is not null as is_circular
    from edge
    left join circle
        on circle.start_key = edge.merged_key
    where edge.place = 1
        and coalesce(circle.age, 2) > 1
), chain as (
    select
        merged_key,
        surviving_key,
        said_at as since_at,
        is_circular,
        1 as hops
    from kept
    union all
    select
        chain.merged_key,
        kept.surviving_key,
        greatest(chain.since_at, kept.said_at) as since_at,
        chain.is_circular or kept.is_circular as is_circular,
        chain.hops + 1 as hops
    from chain
    inner join kept
        on kept.merged_key = chain.surviving_key
), merged as (
    select
        merged_key,
        arg_max(surviving_key, hops) as surviving_key,
        arg_max(since_at, hops) as since_at,
        arg_max(is_circular, hops) as is_circular
    from chain
    group by merged_key
), delivered as (
    select
        patient_key as key,
        mrn_keys as alias_keys,
        source,
        file_id,
        line,
        last_updated,
        seen_to,
        is_deleted
    from raw.fhir_patient
    union all
    select
        encounter_key,
        visit_keys,
        source,
        file_id,
        line,
        last_updated,
        seen_to,
        is_deleted
    from raw.fhir_encounter
    union all
    select
        order_key,
        placer_keys,
        source,
        file_id,
        line,
        last_updated,
        seen_to,
        is_deleted
    from raw.fhir_service_request
    union all
    select
        location_id,
        identifier_keys,
        source,
        file_id,
        line,
        last_updated,
        seen_to,
        is_deleted
    from raw.fhir_location
    union all
    select
        organization_id,
        identifier_keys,
        source,
        file_id,
        line,
        last_updated,
        seen_to,
        is_deleted
    from raw.fhir_organization
    union all
    select
        practitioner_key,
        identifier_keys,
        source,
        file_id,
        line,
        last_updated,
        seen_to,
        is_deleted
    from raw.fhir_practitioner
), version as (
    select
        *,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from delivered
    window resource as (partition by key)
), carried as (
    select
        unnest(alias_keys) as alias_key,
        key,
        source,
        file_id,
        line
    from version
    where recency = 1
        and not is_deleted
        and (deleted_at is null or alive_at > deleted_at)
), identifier as (
    select
        carried.alias_key,
        min(coalesce(merged.surviving_key, carried.key)) as key,
        arg_min(carried.source, (carried.file_id, carried.line)) as source,
        min(carried.file_id) as file_id,
        arg_min(carried.line, (carried.file_id, carried.line)) as line
    from carried
    left join merged
        on merged.merged_key = carried.key
    group by carried.alias_key
    having count(distinct coalesce(merged.surviving_key, carried.key)) = 1
)
select
    merged.merged_key as alias_key,
    merged.surviving_key as key,
    kept.basis,
    merged.since_at,
    merged.is_circular,
    kept.source,
    kept.file_id,
    kept.line
from merged
inner join kept
    on kept.merged_key = merged.merged_key
union all
select
    identifier.alias_key,
    identifier.key,
    'identifier' as basis,
    cast(null as timestamptz) as since_at,
    false as is_circular,
    identifier.source,
    identifier.file_id,
    identifier.line
from identifier
left join merged
    on merged.merged_key = identifier.alias_key
where merged.merged_key is null
