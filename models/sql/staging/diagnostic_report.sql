-- Grain: one row per DiagnosticReport.
-- The latest version of each that was not entered in error.
-- is_final: verified: final, amended, corrected or appended.
-- An instant is null where the hospital sent a day or a time without a zone; its precision column says so.
with version as (
    select
        *,
        row_number() over (
            partition by report_key
            order by coalesce(last_updated, exported_at) desc, exported_at desc, file_id desc, line desc
        ) as recency
    from raw.fhir_diagnostic_report
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
    and not coalesce(is_deleted, false)
    and coalesce(status, '') <> 'entered-in-error'
