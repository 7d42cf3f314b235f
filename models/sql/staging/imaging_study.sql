-- Grain: one row per ImagingStudy.
-- The latest version of each that was neither entered in error nor cancelled.
-- modality_code: the first DICOM modality of the study.
-- is_started: the examination has begun: it has a time, however exact, or its pictures are available.
-- An instant is null where the hospital sent a day or a time without a zone; its precision column says so.
with version as (
    select
        *,
        row_number() over (
            partition by imaging_study_key
            order by coalesce(last_updated, exported_at) desc, exported_at desc, file_id desc, line desc
        ) as recency
    from raw.fhir_imaging_study
)
select
    imaging_study_key,
    patient_key,
    encounter_key,
    order_keys,
    status,
    list_extract(modality_codes, 1) as modality_code,
    started is not null or coalesce(status = 'available', false) as is_started,
    case when regexp_matches(started, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(started as timestamptz) end as started_at,
    case
        when started is null then null
        when not regexp_matches(started, 'T') then 'day'
        when not regexp_matches(started, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as started_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not coalesce(is_deleted, false)
    and coalesce(status, '') not in ('entered-in-error', 'cancelled')
