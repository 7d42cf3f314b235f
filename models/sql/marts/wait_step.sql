-- Grain: one row per wait and thing that happened to the messages that carried its news, on their way to who has to hear of it.
-- Not published: message_event has what happened to a message, wait_part and wait_stage what it meant for the wait.
-- A message for the same order or visit counts when it came in after the news and before anybody acted, with a minute's grace for two
-- clocks. Other destinations than the system of record do not count, unless the registry names none.
-- A delivery to another engine whose log holds the message as well (message_passage), or should (handover), is a hop on its way, no
-- receiver.
-- is_told: the receiver had the news.
-- ack_code: of a delivery how the receiver answered: AA (its application took it), CA (it was only stored), null where the log keeps no answer.
-- is_last_of_several: the log keeps only this try of several (attempts_exact).
with about as (
    select
        message_key,
        msg_type,
        msg_trigger,
        received_at,
        order_key as subject_key
    from marts.message
    where order_key is not null
    union all
    select
        message_key,
        msg_type,
        msg_trigger,
        received_at,
        encounter_key as subject_key
    from marts.message
    where encounter_key is not null
), news as (
    select
        wait.wait_key,
        wait.domain,
        about.message_key
    from marts.wait as wait
    inner join about
        on about.subject_key = coalesce(wait.order_key, wait.encounter_key)
        and about.msg_type = wait.msg_type
    where list_contains(wait.triggers, about.msg_trigger)
        and about.received_at >= wait.began_at - interval 1 minute
        and about.received_at < coalesce(wait.acted_at, wait.until_at)
), passed as (
    select from_delivery_key as delivery_key
    from marts.message_passage
    where from_delivery_key is not null
    union
    select delivery_key
    from marts.handover
    where next_source <> source
), addressed as (
    select
        news.wait_key,
        delivery.delivery_key,
        coalesce(record.system = delivery.destination, false) as is_of_record,
        passed.delivery_key is not null as is_passed
    from news
    inner join marts.message_delivery as delivery
        on delivery.message_key = news.message_key
    left join staging.registry_record as record
        on record.domain = news.domain
    left join passed
        on passed.delivery_key = delivery.delivery_key
), receiver as (
    select
        wait_key,
        delivery_key
    from addressed
    qualify is_of_record
        or (not is_passed and not bool_or(is_of_record) over (partition by wait_key))
)
select
    news.wait_key,
    news.message_key,
    event.occurred_at,
    event.time_precision,
    event.event_order,
    event.event_type,
    event.source,
    event.channel,
    case when event.node_role = 'destination' then event.node end as destination,
    event.clock_id,
    event.error_class,
    case when event.event_type = 'delivered' then event.ack_code end as ack_code,
    event.event_type = 'attempt_started' and not coalesce(event.attempts_exact, true) and event.attempt_no > 1 as is_last_of_several,
    event.event_type = 'delivered' and receiver.delivery_key is not null as is_told,
    event.file_id,
    event.line
from news
inner join staging.interface_event as event
    on event.root_message_uid = news.message_key
left join marts.message_delivery as final
    on final.delivery_key = event.original_uid || ':' || event.node_id
left join receiver
    on receiver.wait_key = news.wait_key
    and receiver.delivery_key = final.delivery_key
left join passed
    on passed.delivery_key = final.delivery_key
where event.event_type not in ('ack_sent', 'nack_sent', 'purged')
    and (event.node_role = 'destination' or event.event_type in ('received', 'transformed', 'failed', 'replayed'))
    and (event.node_role <> 'destination' or event.event_type <> 'received')
    and (final.delivery_key is null or receiver.delivery_key is not null or passed.delivery_key is not null)
