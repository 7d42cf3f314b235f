-- Grain: one row per destination of a channel that is another channel of the same engine.
-- Not published: a step on the way to message_delivery and handover.
-- Learned: messages handed to it were received there, and it is that channel by name or the channel's only destination.
with child as (
    select distinct
        event.source,
        coalesce(origin.original_uid, event.parent_message_uid) as parent_uid,
        event.channel
    from staging.interface_event as event
    left join staging.message_origin as origin
        on origin.source = event.source
        and origin.message_uid = event.parent_message_uid
    where event.parent_message_uid is not null
        and event.event_type = 'received'
        and event.node_role = 'source'
), route as (
    select
        source,
        channel,
        count(distinct node_id) as destinations
    from staging.delivery
    where source in (select source from child)
    group by
        source,
        channel
)
select distinct
    delivery.source,
    delivery.channel,
    delivery.node_id,
    child.channel as next_channel
from child
inner join staging.delivery as delivery
    on delivery.source = child.source
    and delivery.message_uid = child.parent_uid
inner join route
    on route.source = delivery.source
    and route.channel = delivery.channel
where child.channel = delivery.destination
    or route.destinations = 1
