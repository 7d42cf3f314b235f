-- Grain: one row per message and final destination.
-- A hop from one channel to the next is not a final destination when the message went on from there, nor when it was delivered to a
-- channel and never went on (see handover); a destination whose filter did not want the message is none either.
-- unit: the channel that sent it.
-- received_at: when the engine's first channel received the message.
-- state: delivered, failed, dead_lettered or queued, by the last event.
-- is_held: parked by the engine until a person releases it; it counts as queued.
-- is_stuck: queued, and nothing has happened to it for as long as the hospital calls stuck (message_stuck_minutes, at the data cut).
-- end_to_end_ms: received by the engine's first channel to acknowledged by this destination.
-- is_cross_clock: it was delivered, and what it would be measured from was stamped by another clock: those latencies are null.
-- is_interval_negative: by one and the same clock it was delivered before the message was received: that latency is null.
-- ack_latency_ms: start of the last attempt to the acknowledgement, only when one clock stamped both.
-- hop_latency_ms: routed to acknowledged, only when one clock stamped both.
-- is_latency_known: delivered, and both times of the last attempt are from one clock.
-- is_first_attempt_failed: the first attempt did not succeed, whatever came of it later.
-- is_given_up: at some time the engine gave up; a person can still have it delivered, and it is then not failed.
-- hop_elapsed_ms: routed to acknowledged, to discarded, or to the data cut for what has not arrived.
-- queue_elapsed_ms: routed to the start of the last attempt that the engine made by itself, or to the data cut for what
-- still waits. Both logs prove the last attempt; only some prove the first.
-- is_resolved_in_a_day: given up, and within 24 hours delivered after all or discarded on purpose.
-- is_resolution_due: given up, and resolved or older than those 24 hours.
-- entered_at: routed; the first event of the delivery in a log that does not say when it was routed.
-- settled_at: first delivered or given up: the end of the wait in the engine's own queue.
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
    union
    select
        delivery.message_uid,
        delivery.node_id
    from staging.delivery as delivery
    inner join marts.channel_hop as next
        on next.source = delivery.source
        and next.channel = delivery.channel
        and next.node_id = delivery.node_id
    where delivery.last_event = 'delivered'
), visit as (
    select
        visit_key,
        min(encounter_key) as encounter_key
    from staging.encounter_identifier
    group by visit_key
), final_delivery as (
    select
        delivery.*,
        coalesce(delivery.routed_at, delivery.first_event_at) as entered_at,
        case
            when delivery.last_event = 'delivered' then 'delivered'
            when delivery.last_event = 'dead_lettered' then 'dead_lettered'
            when delivery.last_event in ('failed', 'discarded', 'expired') then 'failed'
            else 'queued'
        end as state,
        delivery.last_event = 'held' as is_held,
        delivery.last_event = 'delivered'
        and coalesce(delivery.attempt_clock_id = delivery.delivered_clock_id, false)
        and coalesce(delivery.last_attempt_at <= delivery.delivered_at, false) as is_latency_known
    from staging.delivery as delivery
    left join hop
        on hop.message_uid = delivery.message_uid
        and hop.node_id = delivery.node_id
    where hop.node_id is null
        and delivery.last_event <> 'filtered'
), timed_delivery as (
    select
        *,
        coalesce(given_up_at, case when state <> 'queued' then last_event_at end) as settled_at,
        greatest($as_of, last_event_at) as known_until,
        routed_at is not null
        and (
            state <> 'delivered'
            or coalesce(routed_clock_id = delivered_clock_id and routed_at <= delivered_at, false)
        ) as is_hop_known,
        routed_at is not null
        and (
            (state = 'queued' and given_up_at is null)
            or coalesce(routed_clock_id = engine_attempt_clock_id and routed_at <= engine_attempt_at, false)
        ) as is_queue_wait_known
    from final_delivery
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
        when delivery.state = 'delivered'
            and delivery.routed_clock_id = delivery.delivered_clock_id
            and delivery.routed_at <= delivery.delivered_at
            then date_diff('microsecond', delivery.routed_at, delivery.delivered_at) / 1e3
    end as hop_latency_ms,
    case
        when delivery.state = 'delivered'
            and message.received_clock_id = delivery.delivered_clock_id
            and message.received_at <= delivery.delivered_at
            then date_diff('microsecond', message.received_at, delivery.delivered_at) / 1e3
    end as end_to_end_ms,
    delivery.is_held,
    delivery.state = 'queued'
    and delivery.last_event_at + $message_stuck_minutes * interval '1 minute' <= $as_of as is_stuck,
    delivery.state = 'delivered'
    and (
        coalesce(delivery.attempt_clock_id <> delivery.delivered_clock_id, false)
        or coalesce(delivery.routed_clock_id <> delivery.delivered_clock_id, false)
        or coalesce(message.received_clock_id <> delivery.delivered_clock_id, false)
    ) as is_cross_clock,
    delivery.state = 'delivered'
    and coalesce(
        message.received_clock_id = delivery.delivered_clock_id and message.received_at > delivery.delivered_at,
        false
    ) as is_interval_negative,
    (delivery.attempts > 1 or delivery.given_up_at is not null or delivery.state = 'failed') as is_first_attempt_failed,
    delivery.attempts > 1 as is_retried,
    delivery.given_up_at is not null as is_given_up,
    delivery.given_up_at is not null and delivery.resolved_at is null as is_unresolved,
    coalesce(delivery.resolved_at <= delivery.given_up_at + interval 24 hour, false) as is_resolved_in_a_day,
    delivery.given_up_at is not null
    and (delivery.resolved_at is not null or delivery.given_up_at + interval 24 hour <= $as_of) as is_resolution_due,
    delivery.is_hop_known,
    case
        when delivery.is_hop_known
            then date_diff('microsecond', delivery.routed_at, coalesce(
                case when delivery.state = 'delivered' then delivery.delivered_at end,
                case when delivery.last_event = 'discarded' then delivery.last_event_at end,
                delivery.known_until
            )) / 1e3
    end as hop_elapsed_ms,
    delivery.is_queue_wait_known,
    delivery.settled_at is not null as is_queue_wait_over,
    case
        when delivery.is_queue_wait_known
            then date_diff('microsecond', delivery.routed_at, case
                when delivery.settled_at is null then delivery.known_until
                else delivery.engine_attempt_at
            end) / 1e3
    end as queue_elapsed_ms,
    delivery.error_class,
    delivery.error_template,
    delivery.last_event_at,
    delivery.entered_at,
    delivery.settled_at,
    delivery.given_up_at,
    delivery.resolved_at,
    date_trunc('hour', message.received_at::timestamp) as received_hour,
    message.received_at::date as received_date,
    date_trunc('week', message.received_at::date)::date as received_week,
    date_trunc('month', message.received_at::date)::date as received_month,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', delivery.entered_at) / 1e6 as entered_epoch,
    date_trunc('hour', delivery.entered_at::timestamp) as entered_hour,
    delivery.entered_at::date as entered_date,
    date_trunc('week', delivery.entered_at::date)::date as entered_week,
    date_trunc('month', delivery.entered_at::date)::date as entered_month,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', delivery.settled_at) / 1e6 as settled_epoch,
    date_trunc('hour', delivery.settled_at::timestamp) as settled_hour,
    delivery.settled_at::date as settled_date,
    date_trunc('week', delivery.settled_at::date)::date as settled_week,
    date_trunc('month', delivery.settled_at::date)::date as settled_month,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', delivery.given_up_at) / 1e6 as given_up_epoch,
    date_trunc('hour', delivery.given_up_at::timestamp) as given_up_hour,
    delivery.given_up_at::date as given_up_date,
    date_trunc('week', delivery.given_up_at::date)::date as given_up_week,
    date_trunc('month', delivery.given_up_at::date)::date as given_up_month,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', delivery.resolved_at) / 1e6 as resolved_epoch,
    date_trunc('hour', delivery.resolved_at::timestamp) as resolved_hour,
    delivery.resolved_at::date as resolved_date,
    date_trunc('week', delivery.resolved_at::date)::date as resolved_week,
    date_trunc('month', delivery.resolved_at::date)::date as resolved_month,
    delivery.file_id,
    delivery.line
from timed_delivery as delivery
left join staging.message as message
    on message.message_key = delivery.message_key
left join visit
    on visit.visit_key = message.visit_key
left join staging.registry_interface as interface
    on interface.source = delivery.source
    and interface.channel = delivery.channel
