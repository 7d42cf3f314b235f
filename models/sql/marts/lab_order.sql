-- Grain: one row per laboratory order.
-- unit: where the order was placed.
-- verified_at: when the first final report of the order was issued; null when sent as a day without a time.
-- minutes_to_verified: ordered to verified; of an order that is not verified, ordered to the data cut.
-- minutes_to_collected: ordered to collected; of an order that is not collected, ordered to the data cut; null when the time is unknown.
-- minutes_collected_to_received: collected to received at the laboratory, or to the data cut; null before collection.
-- minutes_received_to_verified: received to verified, or to the data cut; null before receipt.
-- is_collected: a sample was collected, or the order got further; whether or not the time is known.
-- is_received: the laboratory received a sample, or the order got further; whether or not the time is known.
-- is_collected_time_known: false where the order got past collection and no time to the instant says when.
-- is_received_time_known: false where the order got past receipt and no time to the instant says when.
-- is_verified_time_known: false where a final report has no time to the instant.
-- is_open: neither verified nor revoked by the data cut.
-- is_stat_open: open, and stat.
-- is_waiting_for_collection: open, and no sample was collected.
-- is_in_transport: open, and its sample is on the way to the laboratory.
-- is_in_laboratory: open, and its sample is at the laboratory.
with lab as (
    select *
    from staging.order
    where order_kind = 'lab'
), sample_link as (
    select
        unnest(order_keys) as order_key,
        collected_at,
        collected_precision,
        received_at,
        received_precision
    from staging.specimen
), sample as (
    select
        order_key,
        min(collected_at) as collected_at,
        min(received_at) as received_at,
        count(collected_precision) > 0 as is_collected,
        count(received_precision) > 0 as is_received
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
        coalesce(organization.facility, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        lab.priority,
        lab.ordered_at,
        sample.collected_at,
        sample.received_at,
        report.verified_at,
        coalesce(sample.is_collected or sample.is_received, false) or report.order_key is not null as is_collected,
        coalesce(sample.is_received, false) or report.order_key is not null as is_received,
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
    left join marts.organization as organization
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
    date_diff('microsecond', ordered_at, case when is_collected then collected_at else $as_of end) / 6e7 as minutes_to_collected,
    date_diff('microsecond', collected_at, case when is_received then received_at else $as_of end) / 6e7 as minutes_collected_to_received,
    date_diff('microsecond', received_at, case when is_verified then verified_at else $as_of end) / 6e7 as minutes_received_to_verified,
    is_collected,
    is_received,
    is_verified,
    is_revoked,
    not is_collected or collected_at is not null as is_collected_time_known,
    not is_received or received_at is not null as is_received_time_known,
    is_verified_time_known,
    not is_verified and not is_revoked as is_open,
    not is_verified and not is_revoked and coalesce(priority = 'stat', false) as is_stat_open,
    not is_collected and not is_revoked as is_waiting_for_collection,
    is_collected and not is_received and not is_revoked as is_in_transport,
    is_received and not is_verified and not is_revoked as is_in_laboratory,
    date_trunc('hour', ordered_at::timestamp) as order_hour,
    ordered_at::date as order_date,
    date_trunc('week', ordered_at::date)::date as order_week,
    date_trunc('month', ordered_at::date)::date as order_month,
    file_id,
    line
from progress
