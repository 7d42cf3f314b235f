-- Grain: one row per ServiceRequest.
-- Looked up in identity: patient_key, encounter_key, location_id.
-- The latest version of each that was not entered in error.
-- order_kind: lab (category 108252007), imaging (category 363679005), admission (32485007), discharge (58000006), or other; SNOMED CT codes.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by order_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_service_request
    window resource as (partition by order_key)
)
select
    order_key,
    patient_key,
    encounter_key,
    placer_keys,
    status,
    intent,
    priority,
    case
        when list_contains(category_codes, '108252007') then 'lab'
        when list_contains(category_codes, '363679005') then 'imaging'
        when list_contains(list_transform(codes, lambda coding: coding.code), '32485007') then 'admission'
        when list_contains(list_transform(codes, lambda coding: coding.code), '58000006') then 'discharge'
        else 'other'
    end as order_kind,
    instant_in(authored_on, zone) as ordered_at,
    precision_in(authored_on, zone) as ordered_precision,
    location_id,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
