-- Grain: one row per DiagnosticReport.
-- Looked up in identity: patient_key, encounter_key, order_keys.
-- The latest version of each that was not entered in error.
-- is_final: verified: final, amended, corrected or appended.
-- An instant is null where the hospital sent a day, or a time without a zone and its settings name none; its precision column says so.
with version as (
    select
        *,
        zone_of(source, $zones) as zone,
        max(case when not is_deleted then greatest(seen_to, last_updated) end) over resource as alive_at,
        max(case when is_deleted then coalesce(seen_to, timestamptz '-infinity') end) over resource as deleted_at,
        row_number() over (
            partition by report_key
            order by is_deleted, coalesce(last_updated, seen_to) desc, seen_to desc, file_id desc, line desc
        ) as recency
    from raw.fhir_diagnostic_report
    window resource as (partition by report_key)
)
select
    report_key,
    patient_key,
    encounter_key,
    order_keys,
    status,
    coalesce(status in ('final', 'amended', 'corrected', 'appended'), false) as is_final,
    instant_in(effective, zone) as effective_at,
    precision_in(effective, zone) as effective_precision,
    instant_in(issued, zone) as issued_at,
    precision_in(issued, zone) as issued_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
