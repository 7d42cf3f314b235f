-- Grain: one row per message as it first came into an engine.
-- unit: the channel that received it.
-- state: the worst of its deliveries: dead_lettered, partly_failed, failed, held, queued, delivered; without any: failed,
-- filtered or received, by what the first channel did with it.
-- upstream_ack_ms: received to acknowledged to the sender; end_to_end_ms: received to the last of its deliveries, once all have
-- arrived. Both only when one clock stamped both ends, in their order.
-- is_shape_known: the log tells the version and the segments of the message.
-- is_drifted: its shape came on fewer than a quarter of the days on which its channel carried its type; a new format that
-- stays is drift until it has been there for a quarter of the days.
-- control_key, trace_key: the ids under which the logs of other engines know it (decision 52).
-- encounter_key: by the visit number the message carries, else by its order's. order_key: by the placer's or filler's number, else by the
-- accession number. What this engine's log does not say is taken from the logs of the others that held the message (message_passage),
-- its type as well.
with shape as (
    select
        source,
        channel,
        coalesce(msg_type, '') as msg_type,
        coalesce(msg_trigger, '') as msg_trigger,
        msg_shape,
        count(distinct received_at::date) as days
    from staging.message
    where msg_shape is not null
    group by
        source,
        channel,
        coalesce(msg_type, ''),
        coalesce(msg_trigger, ''),
        msg_shape
), kind as (
    select
        source,
        channel,
        coalesce(msg_type, '') as msg_type,
        coalesce(msg_trigger, '') as msg_trigger,
        count(distinct received_at::date) as days
    from staging.message
    where msg_shape is not null
    group by
        source,
        channel,
        coalesce(msg_type, ''),
        coalesce(msg_trigger, '')
), delivery as (
    select
        message_key,
        count(*) as destinations,
        count(*) filter (where is_failed) as failed_destinations,
        bool_or(state = 'dead_lettered') as has_dead_letter,
        bool_or(state = 'failed') as has_failure,
        bool_or(is_held) as is_held,
        bool_or(is_stuck) as is_stuck,
        bool_or(state = 'queued') as has_queue,
        bool_or(state = 'delivered') as has_success,
        case when bool_and(end_to_end_ms is not null) then max(end_to_end_ms) end as end_to_end_ms
    from marts.message_delivery
    group by message_key
), visit as (
    select
        visit_key,
        min(encounter_key) as encounter_key
    from staging.encounter_identifier
    group by visit_key
), placer as (
    select
        identifier.placer_key,
        min(identifier.order_key) as order_key,
        min(requested.encounter_key) as encounter_key
    from staging.order_identifier as identifier
    inner join staging.order as requested
        on requested.order_key = identifier.order_key
    group by identifier.placer_key
), journey as (
    select
        passage.journey_message_key,
        max(message.msg_type) as msg_type,
        max(message.msg_trigger) as msg_trigger,
        max(message.visit_key) as visit_key,
        max(message.placer_key) as placer_key,
        max(message.filler_key) as filler_key,
        max(message.accession_key) as accession_key
    from marts.message_passage as passage
    inner join staging.message as message
        on message.message_key = passage.message_key
    group by passage.journey_message_key
), known as (
    select
        message.message_key,
        coalesce(message.msg_type, journey.msg_type) as msg_type,
        coalesce(message.msg_trigger, journey.msg_trigger) as msg_trigger,
        coalesce(message.visit_key, journey.visit_key) as visit_key,
        coalesce(message.placer_key, journey.placer_key) as placer_key,
        coalesce(message.filler_key, journey.filler_key) as filler_key,
        coalesce(message.accession_key, journey.accession_key) as accession_key
    from staging.message as message
    left join marts.message_passage as passage
        on passage.message_key = message.message_key
    left join journey
        on journey.journey_message_key = passage.journey_message_key
), told as (
    select
        known.message_key,
        known.msg_type,
        known.msg_trigger,
        coalesce(visit.encounter_key, placer.encounter_key, filler.encounter_key, accession.encounter_key) as encounter_key,
        coalesce(placer.order_key, filler.order_key, accession.order_key) as order_key
    from known
    left join visit
        on visit.visit_key = known.visit_key
    left join placer
        on placer.placer_key = known.placer_key
    left join placer as filler
        on filler.placer_key = known.filler_key
    left join placer as accession
        on accession.placer_key = known.accession_key
)
select
    message.message_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    message.channel as unit,
    message.channel,
    message.source,
    told.msg_type,
    told.msg_trigger,
    message.received_at,
    case
        when delivery.has_dead_letter then 'dead_lettered'
        when delivery.has_failure and delivery.has_success then 'partly_failed'
        when delivery.has_failure then 'failed'
        when delivery.is_held then 'held'
        when delivery.has_queue then 'queued'
        when delivery.has_success then 'delivered'
        when message.last_source_event in ('failed', 'dead_lettered', 'discarded') then 'failed'
        when message.last_source_event = 'filtered' then 'filtered'
        else 'received'
    end as state,
    coalesce(delivery.destinations, 0) as destinations,
    coalesce(delivery.failed_destinations, 0) as failed_destinations,
    coalesce(delivery.is_stuck, false) as is_stuck,
    message.acknowledged_at,
    case
        when message.acknowledged_clock_id = message.received_clock_id and message.acknowledged_at >= message.received_at
            then date_diff('microsecond', message.received_at, message.acknowledged_at) / 1e3
    end as upstream_ack_ms,
    delivery.end_to_end_ms,
    message.msg_shape is not null as is_shape_known,
    coalesce(shape.days * 4 < kind.days, false) as is_drifted,
    told.encounter_key,
    told.order_key,
    message.control_key,
    message.trace_key,
    date_trunc('hour', message.received_at::timestamp) as received_hour,
    message.received_at::date as received_date,
    date_trunc('week', message.received_at::date)::date as received_week,
    date_trunc('month', message.received_at::date)::date as received_month,
    message.file_id,
    message.line
from staging.message as message
left join delivery
    on delivery.message_key = message.message_key
inner join told
    on told.message_key = message.message_key
left join shape
    on shape.source = message.source
    and shape.channel = message.channel
    and shape.msg_type = coalesce(message.msg_type, '')
    and shape.msg_trigger = coalesce(message.msg_trigger, '')
    and shape.msg_shape = message.msg_shape
left join kind
    on kind.source = message.source
    and kind.channel = message.channel
    and kind.msg_type = coalesce(message.msg_type, '')
    and kind.msg_trigger = coalesce(message.msg_trigger, '')
left join staging.registry_interface as interface
    on interface.source = message.source
    and interface.channel = message.channel
