-- Grain: one row per message as it first came into an engine.
-- unit: the channel that received it.
-- state: the worst of its deliveries: dead_lettered, partly_failed, failed, queued, delivered; without any: failed,
-- filtered or received, by what the first channel did with it.
-- encounter_key: by the visit number the message carries, else by its order's.
with delivery as (
    select
        message_key,
        count(*) as destinations,
        count(*) filter (where is_failed) as failed_destinations,
        bool_or(state = 'dead_lettered') as has_dead_letter,
        bool_or(state = 'failed') as has_failure,
        bool_or(state = 'queued') as has_queue,
        bool_or(state = 'delivered') as has_success
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
)
select
    message.message_key,
    coalesce(interface.facility, 'Unregistered') as facility,
    message.channel as unit,
    message.channel,
    message.source,
    message.msg_type,
    message.msg_trigger,
    message.received_at,
    case
        when delivery.has_dead_letter then 'dead_lettered'
        when delivery.has_failure and delivery.has_success then 'partly_failed'
        when delivery.has_failure then 'failed'
        when delivery.has_queue then 'queued'
        when delivery.has_success then 'delivered'
        when message.last_source_event in ('failed', 'dead_lettered', 'discarded') then 'failed'
        when message.last_source_event = 'filtered' then 'filtered'
        else 'received'
    end as state,
    coalesce(delivery.destinations, 0) as destinations,
    coalesce(delivery.failed_destinations, 0) as failed_destinations,
    coalesce(visit.encounter_key, placer.encounter_key) as encounter_key,
    placer.order_key,
    date_trunc('hour', message.received_at::timestamp) as received_hour,
    message.received_at::date as received_date,
    date_trunc('week', message.received_at::date)::date as received_week,
    date_trunc('month', message.received_at::date)::date as received_month,
    message.file_id,
    message.line
from staging.message as message
left join delivery
    on delivery.message_key = message.message_key
left join visit
    on visit.visit_key = message.visit_key
left join placer
    on placer.placer_key = message.placer_key
left join staging.registry_interface as interface
    on interface.source = message.source
    and interface.channel = message.channel
