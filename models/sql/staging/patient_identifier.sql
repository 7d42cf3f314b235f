-- Grain: one row per Patient and keyed medical record number.
-- From the latest version of each Patient. Nothing else of a Patient is kept.
with version as (
    select
        *,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by patient_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_patient
    window resource as (partition by patient_key)
), identifier as (
    select
        patient_key,
        unnest(mrn_keys) as mrn_key,
        source,
        file_id,
        line
    from version
    where recency = 1
        and not is_deleted
        and (deleted_at is null or alive_at > deleted_at)
)
select distinct
    patient_key,
    mrn_key,
    source,
    file_id,
    line
from identifier
