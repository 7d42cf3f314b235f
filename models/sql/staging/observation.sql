-- Grain: one row per Observation.
-- Looked up in identity: patient_key, encounter_key, order_keys.
-- The latest version of each that was neither entered in error nor cancelled.
-- is_critical: interpretation HH or LL.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by observation_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_observation
    window resource as (partition by observation_key)
)
select
    observation_key,
    patient_key,
    encounter_key,
    order_keys,
    status,
    coalesce(list_has_any(interpretation_codes, ['HH', 'LL']), false) as is_critical,
    instant_in(issued, zone) as issued_at,
    precision_in(issued, zone) as issued_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') not in ('entered-in-error', 'cancelled')
