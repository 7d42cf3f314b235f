-- Grain: one row per DiagnosticReport.
-- Looked up in identity: patient_key, encounter_key, order_keys.
-- The latest version of each that was not entered in error.
-- is_final: verified: final, amended, corrected or appended.
-- An instant is null where the hospital sent a day or a time without a zone; its precision column says so.
with version as (
    select
        *,
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
    case when regexp_matches(effective, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(effective as timestamptz) end as effective_at,
    case
        when effective is null then null
        when not regexp_matches(effective, 'T') then 'day'
        when not regexp_matches(effective, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as effective_precision,
    case when regexp_matches(issued, 'T.*(Z|[+-][0-9]{2}:?[0-9]{2})$') then try_cast(issued as timestamptz) end as issued_at,
    case
        when issued is null then null
        when not regexp_matches(issued, 'T') then 'day'
        when not regexp_matches(issued, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then 'zoneless'
        else 'instant'
    end as issued_precision,
    source,
    file_id,
    line
from version
where recency = 1
    and not is_deleted
    and (deleted_at is null or alive_at > deleted_at)
    and coalesce(status, '') <> 'entered-in-error'
