-- Grain: one row per Specimen.
-- Looked up in identity: patient_key, order_keys.
-- The latest version of each that was not entered in error.
-- An instant is null where the hospital sent a day or a time without a zone; its precision column says so.
with version as (
    select
        *,
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
    case when regexp_matches(collected, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(collected as timestamptz) end as collected_at,
    case
        when collected is null then null
        when not regexp_matches(collected, 'T') then 'day'
        when not regexp_matches(collected, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as collected_precision,
    case when regexp_matches(received_time, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(received_time as timestamptz) end as received_at,
    case
        when received_time is null then null
        when not regexp_matches(received_time, 'T') then 'day'
        when not regexp_matches(received_time, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as received_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
