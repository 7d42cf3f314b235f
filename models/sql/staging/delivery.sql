-- Grain: one row per message and destination that it was routed to.
-- What happened is decided by the last event, ties broken by rank; acknowledgements up, accesses and samples do not count,
-- nor what the receiving host logged with its own clock. A message that somebody sent again is the same delivery.
-- attempts: attempts started, or the highest attempt number where a log keeps only the last one; those of a message sent
-- again are added. Windows over all events would sort them; the few that were given up or repeated are looked up instead.
-- attempts_exact: false where a log collapsed several attempts into one row.
-- given_up_at: when the engine first gave up: from then on the message waits for a person.
-- engine_attempt_at: the start of the last attempt that the engine made by itself.
-- resolved_at: when a message that was given up was delivered after all, or discarded on purpose.
with event as (
    select
        source,
        original_uid,
        message_uid,
        incarnation,
        node_id,
        root_message_uid,
        channel,
        node,
        event_type,
        event_order,
        occurred_at,
        clock_id,
        attempt_no,
        attempts_exact,
        error_class,
        error_template,
        file_id,
        line
    from staging.interface_event
    where node_role = 'destination'
        and event_type in (
            'routed',
            'filtered',
            'queued',
            'held',
            'released',
            'attempt_started',
            'attempt_failed',
            'response_received',
            'nack_received',
            'delivered',
            'failed',
            'dead_lettered',
            'discarded',
            'expired',
            'replayed'
        )
        and message_uid is not null
), given_up as (
    select
        source,
        original_uid,
        node_id,
        min(occurred_at) as given_up_at
    from event
    where event_type in ('failed', 'dead_lettered', 'expired')
    group by
        source,
        original_uid,
        node_id
), processing as (
    select
        event.source,
        event.original_uid,
        event.node_id,
        greatest(
            count(*) filter (where event.event_type = 'attempt_started'),
            coalesce(max(event.attempt_no), 0)
        ) as attempts
    from event
    inner join (
        select distinct
            source,
            original_uid,
            node_id
        from event
        where message_uid <> original_uid
            or incarnation is not null
    ) as repeated
        on repeated.source = event.source
        and repeated.original_uid = event.original_uid
        and repeated.node_id = event.node_id
    group by
        event.source,
        event.original_uid,
        event.node_id,
        event.message_uid,
        event.incarnation
), tried as (
    select
        source,
        original_uid,
        node_id,
        sum(attempts) as attempts
    from processing
    group by
        source,
        original_uid,
        node_id
), delivery as (
    select
        event.source,
        event.original_uid,
        event.node_id,
        max(event.root_message_uid) as message_key,
        arg_max(event.channel, event.event_order) as channel,
        arg_max(event.node, event.event_order) as destination,
        arg_max(event.event_type, event.event_order) as last_event,
        min(event.occurred_at) as first_event_at,
        max(event.occurred_at) as last_event_at,
        min(event.occurred_at) filter (where event.event_type = 'routed') as routed_at,
        arg_min(event.clock_id, event.event_order) filter (where event.event_type = 'routed') as routed_clock_id,
        max(event.occurred_at) filter (
            where event.event_type = 'attempt_started'
                and (given_up.given_up_at is null or event.occurred_at <= given_up.given_up_at)
        ) as engine_attempt_at,
        arg_max(event.clock_id, event.event_order) filter (
            where event.event_type = 'attempt_started'
                and (given_up.given_up_at is null or event.occurred_at <= given_up.given_up_at)
        ) as engine_attempt_clock_id,
        max(event.occurred_at) filter (where event.event_type = 'attempt_started') as last_attempt_at,
        arg_max(event.clock_id, event.event_order) filter (
            where event.event_type = 'attempt_started'
        ) as attempt_clock_id,
        max(event.occurred_at) filter (where event.event_type = 'delivered') as delivered_at,
        arg_max(event.clock_id, event.event_order) filter (where event.event_type = 'delivered') as delivered_clock_id,
        min(given_up.given_up_at) as given_up_at,
        min(event.occurred_at) filter (
            where event.event_type in ('delivered', 'discarded') and event.occurred_at >= given_up.given_up_at
        ) as resolved_at,
        greatest(
            count(*) filter (where event.event_type = 'attempt_started'),
            coalesce(max(event.attempt_no), 0)
        ) as attempts,
        coalesce(
            bool_and(event.attempts_exact) filter (where event.event_type = 'attempt_started'),
            true
        ) as attempts_exact,
        arg_max(event.error_class, event.event_order) filter (where event.error_class is not null) as error_class,
        arg_max(event.error_template, event.event_order) filter (
            where event.error_template is not null
        ) as error_template,
        arg_max(event.file_id, event.event_order) as file_id,
        arg_max(event.line, event.event_order) as line
    from event
    left join given_up
        on given_up.source = event.source
        and given_up.original_uid = event.original_uid
        and given_up.node_id = event.node_id
    group by
        event.source,
        event.original_uid,
        event.node_id
)
select
    delivery.source,
    delivery.original_uid as message_uid,
    delivery.node_id,
    delivery.message_key,
    delivery.channel,
    delivery.destination,
    delivery.last_event,
    delivery.first_event_at,
    delivery.last_event_at,
    delivery.routed_at,
    delivery.routed_clock_id,
    delivery.engine_attempt_at,
    delivery.engine_attempt_clock_id,
    delivery.last_attempt_at,
    delivery.attempt_clock_id,
    delivery.delivered_at,
    delivery.delivered_clock_id,
    delivery.given_up_at,
    delivery.resolved_at,
    coalesce(tried.attempts, delivery.attempts)::integer as attempts,
    delivery.attempts_exact,
    delivery.error_class,
    delivery.error_template,
    delivery.file_id,
    delivery.line
from delivery
left join tried
    on tried.source = delivery.source
    and tried.original_uid = delivery.original_uid
    and tried.node_id = delivery.node_id
