-- Grain: one row per message that one channel of an engine delivered to another channel of the same log.
-- Which destination is a channel is learned, see channel_hop.
-- One that was not received while numbers that the engine gave are missing from the receiving channel's log is left out: nobody
-- knows whether it is lost.
-- unit: the channel that handed it over.
-- handed_at: when that channel had it delivered.
-- expected_by_at: delivered, and the hospital's message_stuck_minutes more.
-- received_at: when the next channel received it.
-- is_lost: expected by now, and not received in time.
-- is_settled: received, or the log goes on beyond expected_by_at.
-- is_open: not received.
with child as (
    select
        event.source,
        coalesce(origin.original_uid, event.parent_message_uid) as parent_uid,
        event.channel,
        min(event.occurred_at) as received_at
    from staging.interface_event as event
    left join staging.message_origin as origin
        on origin.source = event.source
        and origin.message_uid = event.parent_message_uid
    where event.parent_message_uid is not null
        and event.event_type = 'received'
        and event.node_role = 'source'
    group by
        event.source,
        coalesce(origin.original_uid, event.parent_message_uid),
        event.channel
), known as (
    select
        source,
        max(last_event_at) as until_at
    from staging.delivery
    group by source
), handed as (
    select
        delivery.source,
        delivery.message_uid,
        delivery.node_id,
        delivery.message_key,
        delivery.channel,
        hop.next_channel,
        delivery.delivered_at as handed_at,
        delivery.delivered_at + $message_stuck_minutes * interval '1 minute' as expected_by_at,
        child.received_at,
        known.until_at,
        delivery.file_id,
        delivery.line
    from staging.delivery as delivery
    inner join marts.channel_hop as hop
        on hop.source = delivery.source
        and hop.channel = delivery.channel
        and hop.node_id = delivery.node_id
    inner join known
        on known.source = delivery.source
    left join child
        on child.source = delivery.source
        and child.parent_uid = delivery.message_uid
        and child.channel = hop.next_channel
    where delivery.last_event = 'delivered'
        and (
            child.received_at is not null
            or not exists (
                select 1
                from marts.log_gap as gap
                where gap.source = delivery.source
                    and gap.channel = hop.next_channel
                    and delivery.delivered_at <= gap.until_at
                    and delivery.delivered_at >= gap.from_at
            )
        )
)
select
    md5(handed.source || ':' || handed.message_uid || ':' || handed.node_id) as handover_key,
    handed.message_key,
    message.encounter_key,
    message.order_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    handed.channel as unit,
    handed.source,
    handed.channel,
    handed.next_channel,
    interface.owner,
    handed.handed_at,
    handed.expected_by_at,
    handed.received_at,
    (handed.received_at is not null or handed.expected_by_at <= handed.until_at)
    and not coalesce(handed.received_at <= handed.expected_by_at, false) as is_lost,
    handed.received_at is not null or handed.expected_by_at <= handed.until_at as is_settled,
    handed.received_at is null as is_open,
    date_trunc('hour', handed.handed_at::timestamp) as handed_hour,
    handed.handed_at::date as handed_date,
    date_trunc('week', handed.handed_at::date)::date as handed_week,
    date_trunc('month', handed.handed_at::date)::date as handed_month,
    handed.file_id,
    handed.line
from handed
left join marts.message as message
    on message.message_key = handed.message_key
left join staging.registry_interface as interface
    on interface.source = handed.source
    and interface.channel = handed.next_channel
