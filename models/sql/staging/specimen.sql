-- Grain: one row per Specimen.
-- Looked up in identity: patient_key, order_keys.
-- The latest version of each that was not entered in error.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by specimen_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_specimen
    window resource as (partition by specimen_key)
)
select
    specimen_key,
    patient_key,
    order_keys,
    instant_in(collected, zone) as collected_at,
    precision_in(collected, zone) as collected_precision,
    instant_in(received_time, zone) as received_at,
    precision_in(received_time, zone) as received_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
