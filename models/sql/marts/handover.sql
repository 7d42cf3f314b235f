-- Grain: one row per message that one channel of an engine delivered to another channel, of the same log or of another engine's.
-- Which destination is a channel of the same log is learned, see channel_hop. Which leads to another engine is learned of the messages that
-- both logs hold (message_passage): a destination and kind of message of which at least half were received there.
-- Across two logs a message counts when it carries an id by which they join and that no other message of the first log has, and when
-- the other log has something of the hour in which it was handed over.
-- One that was not received while numbers that the engine gave are missing from the receiving channel's log is left out: nobody
-- knows whether it is lost.
-- unit: the channel that handed it over. next_source: the log of the engine that it was handed to.
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
), named as (
    select
        message_key,
        source,
        coalesce(msg_type, '') as msg_type,
        unnest(list_distinct([control_key, trace_key])) as key
    from staging.message
    where control_key is not null
        or trace_key is not null
), repeated as (
    select
        source,
        key
    from named
    where key is not null
    group by
        source,
        key
    having count(*) > 1
), sent_on as (
    select
        delivery.*,
        coalesce(message.msg_type, '') as msg_type,
        passage.source as came_source,
        passage.channel as came_channel,
        passage.received_at
    from staging.delivery as delivery
    inner join staging.message as message
        on message.message_key = delivery.message_key
    left join marts.message_passage as passage
        on passage.from_delivery_key = delivery.message_uid || ':' || delivery.node_id
    where delivery.last_event = 'delivered'
        and delivery.message_key in (select message_key from named where key is not null)
        and delivery.message_key not in (
            select named.message_key
            from named
            inner join repeated
                on repeated.source = named.source
                and repeated.key = named.key
        )
), passed as (
    select
        source,
        channel,
        node_id,
        msg_type,
        came_source as next_source,
        came_channel as next_channel,
        count(*) as messages
    from sent_on
    where came_source is not null
    group by
        source,
        channel,
        node_id,
        msg_type,
        came_source,
        came_channel
    qualify row_number() over (partition by source, channel, node_id, msg_type order by count(*) desc, came_source, came_channel) = 1
), carried as (
    select
        passed.*,
        log.first_at,
        log.until_at
    from passed
    inner join (
        select
            source,
            channel,
            node_id,
            msg_type,
            count(*) as messages
        from sent_on
        group by
            source,
            channel,
            node_id,
            msg_type
    ) as whole
        on whole.source = passed.source
        and whole.channel = passed.channel
        and whole.node_id = passed.node_id
        and whole.msg_type = passed.msg_type
        and passed.messages * 2 >= whole.messages
    inner join (
        select
            source,
            channel,
            min(received_at) as first_at,
            max(received_at) as until_at
        from staging.message
        group by
            source,
            channel
    ) as log
        on log.source = passed.next_source
        and log.channel = passed.next_channel
), covered_hour as (
    select distinct
        source,
        date_trunc('hour', received_at) as hour_at
    from staging.message
    where source in (select next_source from passed)
), abroad as (
    select
        sent_on.source,
        sent_on.message_uid,
        sent_on.node_id,
        sent_on.message_key,
        sent_on.channel,
        carried.next_source,
        carried.next_channel,
        sent_on.delivered_at as handed_at,
        sent_on.delivered_at + $message_stuck_minutes * interval '1 minute' as expected_by_at,
        sent_on.received_at,
        carried.until_at,
        sent_on.file_id,
        sent_on.line
    from sent_on
    inner join carried
        on carried.source = sent_on.source
        and carried.channel = sent_on.channel
        and carried.node_id = sent_on.node_id
        and carried.msg_type = sent_on.msg_type
    where sent_on.came_source is not null
        or (
            sent_on.delivered_at between carried.first_at and carried.until_at
            and exists (
                select 1
                from covered_hour
                where covered_hour.source = carried.next_source
                    and covered_hour.hour_at = date_trunc('hour', sent_on.delivered_at)
            )
            and not exists (
                select 1
                from named as mine
                inner join named as theirs
                    on theirs.key = mine.key
                    and theirs.source = carried.next_source
                where mine.message_key = sent_on.message_key
            )
            and not exists (
                select 1
                from marts.log_gap as gap
                where gap.source = carried.next_source
                    and gap.channel = carried.next_channel
                    and sent_on.delivered_at <= gap.until_at
                    and sent_on.delivered_at >= gap.from_at
            )
        )
), handed as (
    select
        delivery.source,
        delivery.message_uid,
        delivery.node_id,
        delivery.message_key,
        delivery.channel,
        delivery.source as next_source,
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
    union all
    select *
    from abroad
)
select
    md5(handed.source || ':' || handed.message_uid || ':' || handed.node_id) as handover_key,
    handed.message_uid || ':' || handed.node_id as delivery_key,
    handed.message_key,
    message.encounter_key,
    message.order_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    handed.channel as unit,
    handed.source,
    handed.channel,
    handed.next_source,
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
    on interface.source = handed.next_source
    and interface.channel = handed.next_channel
