-- Grain: one row per Patient and keyed medical record number.
-- From the latest version of each Patient. Nothing else of a Patient is kept.
with version as (
    select
        *,
        row_number() over (
            partition by patient_key
            order by coalesce(last_updated, exported_at) desc, exported_at desc, file_id desc, line desc
        ) as recency
    from raw.fhir_patient
), identifier as (
    select
        patient_key,
        unnest(mrn_keys) as mrn_key,
        source,
        file_id,
        line
    from version
    where recency = 1
        and not coalesce(is_deleted, false)
)
select distinct
    patient_key,
    mrn_key,
    source,
    file_id,
    line
from identifier
