-- Grain: one row per laboratory order.
-- unit: where the order was placed.
-- verified_at: when the first final report of the order was issued; null when sent as a day without a time.
-- minutes_to_verified: ordered to verified; of an order that is not verified, ordered to the data cut.
-- is_verified_time_known: false where a final report has no time to the instant.
-- is_open: neither verified nor revoked by the data cut.
with lab as (
    select *
    from staging.order
    where order_kind = 'lab'
), sample_link as (
    select
        unnest(order_keys) as order_key,
        collected_at,
        received_at
    from staging.specimen
), sample as (
    select
        order_key,
        min(collected_at) as collected_at,
        min(received_at) as received_at
    from sample_link
    group by order_key
), report_link as (
    select
        unnest(order_keys) as order_key,
        issued_at
    from staging.diagnostic_report
    where is_final
), report as (
    select
        order_key,
        min(issued_at) as verified_at
    from report_link
    group by order_key
), progress as (
    select
        lab.order_key,
        lab.encounter_key,
        lab.patient_key,
        coalesce(organization.name, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        lab.priority,
        lab.ordered_at,
        sample.collected_at,
        sample.received_at,
        report.verified_at,
        report.order_key is not null as is_verified,
        coalesce(lab.status = 'revoked', false) as is_revoked,
        report.order_key is null or report.verified_at is not null as is_verified_time_known,
        lab.file_id,
        lab.line
    from lab
    left join sample
        on sample.order_key = lab.order_key
    left join report
        on report.order_key = lab.order_key
    left join staging.encounter as encounter
        on encounter.encounter_key = lab.encounter_key
    left join staging.organization as organization
        on organization.organization_id = encounter.organization_id
    left join marts.location as place
        on place.location_id = lab.location_id
)
select
    order_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    priority,
    ordered_at,
    collected_at,
    received_at,
    verified_at,
    date_diff('microsecond', ordered_at, case when is_verified then verified_at else $as_of end) / 6e7 as minutes_to_verified,
    is_verified,
    is_revoked,
    is_verified_time_known,
    not is_verified and not is_revoked as is_open,
    date_trunc('hour', ordered_at::timestamp) as order_hour,
    ordered_at::date as order_date,
    date_trunc('week', ordered_at::date)::date as order_week,
    date_trunc('month', ordered_at::date)::date as order_month,
    file_id,
    line
from progress
