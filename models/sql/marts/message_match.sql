-- Grain: one row per channel that receives messages, kind of message, and whether and why not these belong to a case.
-- matched: visit (by the visit's number), order (by the placer's or filler's number), or null where they belong to no case.
-- reason: of those, why: no_number (the message carries the number of neither a visit nor an order), unknown_visit and
-- unknown_order (it does, and no export has one of that number: a number of an authority that is not set up joins nothing),
-- about_records (it is about two records of a person, which belong to no visit).
-- share: of the channel's messages of this kind, 0 to 1.
with judged as (
    select
        message.source,
        message.channel,
        told.msg_type,
        told.msg_trigger,
        case
            when told.order_key is not null then 'order'
            when told.encounter_key is not null then 'visit'
        end as matched,
        case
            when told.encounter_key is not null or told.order_key is not null then null
            when message.msg_type = 'ADT' and message.msg_trigger in ('A18', 'A24', 'A34', 'A35', 'A36', 'A37', 'A39', 'A40', 'A46', 'A47')
                then 'about_records'
            when message.placer_key is not null then 'unknown_order'
            when message.visit_key is not null then 'unknown_visit'
            else 'no_number'
        end as reason,
        message.received_at
    from staging.message as message
    inner join marts.message as told
        on told.message_key = message.message_key
)
select
    source,
    channel,
    msg_type,
    msg_trigger,
    matched,
    reason,
    count(*) as messages,
    count(*) / sum(count(*)) over (partition by source, channel, msg_type, msg_trigger) as share,
    min(received_at) as first_at,
    max(received_at) as last_at
from judged
group by
    source,
    channel,
    msg_type,
    msg_trigger,
    matched,
    reason
