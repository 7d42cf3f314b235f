-- Grain: one row per imaging order.
-- unit: where the order was placed.
-- modality: DICOM modality of the examination, Unknown until it has one.
-- examined_at: when the first examination of the order started.
-- final_at: when the first final report of the order was issued; null when sent as a day without a time.
-- minutes_to_exam: ordered to examined; of an order that is not examined, ordered to the data cut; null when the time is unknown.
-- minutes_exam_to_report: examined to final report, or to the data cut; null before the examination.
-- minutes_to_final: ordered to final report, or to the data cut.
-- is_examined: an examination started or a final report exists, whether or not the time is known.
-- is_read: a report exists, preliminary or final.
-- is_final: a final report exists.
-- is_exam_time_known: false where the order got past its examination and no time to the instant says when.
-- is_final_time_known: false where a final report has no time to the instant.
-- is_open: neither final nor revoked by the data cut.
-- is_waiting_for_exam: open, and not examined.
-- is_waiting_for_report: open and examined.
with requested as (
    select *
    from staging.order
    where order_kind = 'imaging'
), study_link as (
    select
        unnest(order_keys) as order_key,
        modality_code,
        is_started,
        started_at
    from staging.imaging_study
), study as (
    select
        order_key,
        min(modality_code) as modality,
        max(is_started::int) = 1 as is_started,
        min(started_at) as started_at
    from study_link
    group by order_key
), report_link as (
    select
        unnest(order_keys) as order_key,
        is_final,
        case when is_final then issued_at end as final_at
    from staging.diagnostic_report
    where is_final or status in ('preliminary', 'partial')
), report as (
    select
        order_key,
        max(is_final::int) = 1 as is_final,
        min(final_at) as final_at
    from report_link
    group by order_key
), progress as (
    select
        requested.order_key,
        requested.encounter_key,
        requested.patient_key,
        coalesce(organization.facility, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        requested.priority,
        coalesce(study.modality, 'Unknown') as modality,
        requested.ordered_at,
        study.started_at as examined_at,
        report.final_at,
        coalesce(study.is_started, false) or coalesce(report.is_final, false) as is_examined,
        report.order_key is not null as is_read,
        coalesce(report.is_final, false) as is_final,
        coalesce(requested.status = 'revoked', false) as is_revoked,
        requested.file_id,
        requested.line
    from requested
    left join study
        on study.order_key = requested.order_key
    left join report
        on report.order_key = requested.order_key
    left join staging.encounter as encounter
        on encounter.encounter_key = requested.encounter_key
    left join marts.organization as organization
        on organization.organization_id = encounter.organization_id
    left join marts.location as place
        on place.location_id = requested.location_id
)
select
    order_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    priority,
    modality,
    ordered_at,
    examined_at,
    final_at,
    date_diff('microsecond', ordered_at, case when is_examined then examined_at else $as_of end) / 6e7 as minutes_to_exam,
    date_diff('microsecond', examined_at, case when is_final then final_at else $as_of end) / 6e7 as minutes_exam_to_report,
    date_diff('microsecond', ordered_at, case when is_final then final_at else $as_of end) / 6e7 as minutes_to_final,
    is_examined,
    is_read,
    is_final,
    is_revoked,
    not is_examined or examined_at is not null as is_exam_time_known,
    not is_final or final_at is not null as is_final_time_known,
    not is_final and not is_revoked as is_open,
    not is_examined and not is_revoked as is_waiting_for_exam,
    is_examined and not is_final and not is_revoked as is_waiting_for_report,
    date_trunc('hour', ordered_at::timestamp) as order_hour,
    ordered_at::date as order_date,
    date_trunc('week', ordered_at::date)::date as order_week,
    date_trunc('month', ordered_at::date)::date as order_month,
    file_id,
    line
from progress
