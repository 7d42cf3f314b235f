-- Grain: one row per order for a service: laboratory, imaging and others, but not the decisions to admit or discharge, nor plans.
-- order_kind: lab, imaging or other.
-- unit: where the order was placed.
-- fulfilled_at: when it came to be completed, the last time where that happened twice (see state_change): exactly, or the first sign of it.
-- resolution_minutes: how exactly that is known: 0 where a record says so, else the time since the last sign of its being active, at
-- most its whole age; null while it is not fulfilled.
-- minutes_to_fulfilment: ordered to fulfilled; of an order that is not fulfilled, ordered to the data cut; null when the time is unknown.
-- is_revoked: taken back before it was fulfilled.
-- is_fulfilment_time_known: false where nothing says when a completed order came to be so.
-- is_open: neither fulfilled nor revoked by the data cut.
with fulfilment as (
    select
        resource_key as order_key,
        max(not_after) as fulfilled_at,
        arg_max(resolution_minutes, not_after) as resolution_minutes
    from marts.state_change
    where resource_type = 'ServiceRequest'
        and to_status = 'completed'
    group by resource_key
), placed as (
    select
        requested.order_key,
        requested.encounter_key,
        requested.patient_key,
        coalesce(organization.facility, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        requested.priority,
        requested.order_kind,
        requested.ordered_at,
        case when requested.status = 'completed' then fulfilment.fulfilled_at end as fulfilled_at,
        fulfilment.resolution_minutes,
        coalesce(requested.status = 'completed', false) as is_fulfilled,
        coalesce(requested.status = 'revoked', false) as is_revoked,
        requested.file_id,
        requested.line
    from staging.order as requested
    left join fulfilment
        on fulfilment.order_key = requested.order_key
    left join staging.encounter as encounter
        on encounter.encounter_key = requested.encounter_key
    left join marts.organization as organization
        on organization.organization_id = encounter.organization_id
    left join marts.location as place
        on place.location_id = requested.location_id
    where requested.order_kind not in ('admission', 'discharge')
        and coalesce(requested.intent, 'order') not in ('proposal', 'plan', 'option')
        and coalesce(requested.status, '') <> 'draft'
)
select
    order_key,
    encounter_key,
    patient_key,
    facility,
    unit,
    priority,
    order_kind,
    ordered_at,
    fulfilled_at,
    case
        when fulfilled_at is not null
            then coalesce(resolution_minutes, date_diff('microsecond', ordered_at, fulfilled_at) / 6e7)
    end as resolution_minutes,
    date_diff('microsecond', ordered_at, case when is_fulfilled then fulfilled_at else $as_of end) / 6e7 as minutes_to_fulfilment,
    is_fulfilled,
    is_revoked,
    not is_fulfilled or fulfilled_at is not null as is_fulfilment_time_known,
    not is_fulfilled and not is_revoked as is_open,
    date_trunc('hour', ordered_at::timestamp) as order_hour,
    ordered_at::date as order_date,
    date_trunc('week', ordered_at::date)::date as order_week,
    date_trunc('month', ordered_at::date)::date as order_month,
    file_id,
    line
from placed
