-- Grain: one row per ImagingStudy.
-- Looked up in identity: patient_key, encounter_key, order_keys.
-- The latest version of each that was neither entered in error nor cancelled.
-- modality_code: the first DICOM modality of the study.
-- is_started: the examination has begun: it has a time, however exact, or its pictures are available.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by imaging_study_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_imaging_study
    window resource as (partition by imaging_study_key)
)
select
    imaging_study_key,
    patient_key,
    encounter_key,
    order_keys,
    accession_keys,
    status,
    list_extract(modality_codes, 1) as modality_code,
    started is not null or coalesce(status = 'available', false) as is_started,
    instant_in(started, zone) as started_at,
    precision_in(started, zone) as started_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') not in ('entered-in-error', 'cancelled')
