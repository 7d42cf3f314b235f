-- Grain: one row per message and final destination.
-- A hop from one channel to the next is not a final destination when the message went on from there; a destination whose
-- filter did not want the message is none either.
-- unit: the channel that sent it.
-- received_at: when the engine's first channel received the message.
-- state: delivered, failed, dead_lettered or queued, by the last event.
-- ack_latency_ms: start of the last attempt to the acknowledgement, only when one clock stamped both.
-- hop_latency_ms: routed to acknowledged, only when one clock stamped both.
-- is_latency_known: delivered, and both times of the last attempt are from one clock.
with child as (
    select distinct
        parent_message_uid,
        channel
    from staging.interface_event
    where parent_message_uid is not null
), hop as (
    select distinct
        delivery.message_uid,
        delivery.node_id
    from staging.delivery as delivery
    inner join child
        on child.parent_message_uid = delivery.message_uid
    left join staging.registry_interface as interface
        on interface.source = delivery.source
        and interface.channel = delivery.channel
    where child.channel = delivery.destination
        or interface.kind = 'router'
), visit as (
    select
        visit_key,
        min(encounter_key) as encounter_key
    from staging.encounter_identifier
    group by visit_key
), final_delivery as (
    select
        delivery.*,
        case
            when delivery.last_event = 'delivered' then 'delivered'
            when delivery.last_event = 'dead_lettered' then 'dead_lettered'
            when delivery.last_event in ('failed', 'discarded', 'expired') then 'failed'
            else 'queued'
        end as state,
        delivery.last_event = 'delivered'
        and coalesce(delivery.attempt_clock_id = delivery.delivered_clock_id, false)
        and coalesce(delivery.last_attempt_at <= delivery.delivered_at, false) as is_latency_known
    from staging.delivery as delivery
    left join hop
        on hop.message_uid = delivery.message_uid
        and hop.node_id = delivery.node_id
    where hop.node_id is null
        and delivery.last_event <> 'filtered'
)
select
    delivery.message_uid || ':' || delivery.node_id as delivery_key,
    delivery.message_key,
    visit.encounter_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    delivery.channel as unit,
    delivery.channel,
    delivery.source,
    delivery.destination,
    message.msg_type,
    message.received_at,
    delivery.routed_at,
    delivery.last_attempt_at,
    delivery.delivered_at,
    delivery.attempts,
    delivery.attempts_exact,
    delivery.state,
    delivery.state <> 'queued' as is_settled,
    delivery.state = 'queued' as is_open,
    delivery.state in ('failed', 'dead_lettered') as is_failed,
    delivery.state = 'delivered' as is_delivered,
    delivery.is_latency_known,
    case
        when delivery.is_latency_known
            then date_diff('microsecond', delivery.last_attempt_at, delivery.delivered_at) / 1e3
    end as ack_latency_ms,
    case
        when delivery.state = 'delivered' and delivery.routed_clock_id = delivery.delivered_clock_id
            then date_diff('microsecond', delivery.routed_at, delivery.delivered_at) / 1e3
    end as hop_latency_ms,
    delivery.error_class,
    delivery.error_template,
    delivery.last_event_at,
    date_trunc('hour', message.received_at::timestamp) as received_hour,
    message.received_at::date as received_date,
    date_trunc('week', message.received_at::date)::date as received_week,
    date_trunc('month', message.received_at::date)::date as received_month,
    delivery.file_id,
    delivery.line
from final_delivery as delivery
left join staging.message as message
    on message.message_key = delivery.message_key
left join visit
    on visit.visit_key = message.visit_key
left join staging.registry_interface as interface
    on interface.source = delivery.source
    and interface.channel = delivery.channel
