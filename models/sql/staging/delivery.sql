-- Grain: one row per message and destination that it was routed to.
-- What happened is decided by the last event, ties broken by rank; acknowledgements up, accesses and samples do not count,
-- nor what the receiving host logged with its own clock. A message that somebody sent again is the same delivery.
-- attempts: attempts started, or the highest attempt number where a log keeps only the last one; those of a message sent
-- again are added.
-- attempts_exact: false where a log collapsed several attempts into one row.
-- given_up_at: when the engine first gave up: from then on the message waits for a person.
-- engine_attempt_at: the start of the last attempt that the engine made by itself.
-- resolved_at: when a message that was given up was delivered after all, or discarded on purpose.
with event as (
    select
        source,
        original_uid,
        node_id,
        root_message_uid,
        channel,
        node,
        event_type,
        event_order,
        occurred_at,
        clock_id,
        attempts_exact,
        error_class,
        error_template,
        file_id,
        line,
        min(case when event_type in ('failed', 'dead_lettered', 'expired') then occurred_at end) over (
            partition by source, original_uid, node_id
        ) as given_up_at,
        greatest(
            sum(case when event_type = 'attempt_started' then 1 else 0 end) over (
                partition by source, original_uid, node_id, message_uid, incarnation
            ),
            coalesce(
                max(attempt_no) over (partition by source, original_uid, node_id, message_uid, incarnation),
                0
            )
        ) as attempts,
        row_number() over (
            partition by source, original_uid, node_id, message_uid, incarnation order by event_order, event_uid
        ) as place
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
)
select
    source,
    original_uid as message_uid,
    node_id,
    max(root_message_uid) as message_key,
    arg_max(channel, event_order) as channel,
    arg_max(node, event_order) as destination,
    arg_max(event_type, event_order) as last_event,
    min(occurred_at) as first_event_at,
    max(occurred_at) as last_event_at,
    min(occurred_at) filter (where event_type = 'routed') as routed_at,
    arg_min(clock_id, event_order) filter (where event_type = 'routed') as routed_clock_id,
    max(occurred_at) filter (
        where event_type = 'attempt_started' and (given_up_at is null or occurred_at <= given_up_at)
    ) as engine_attempt_at,
    arg_max(clock_id, event_order) filter (
        where event_type = 'attempt_started' and (given_up_at is null or occurred_at <= given_up_at)
    ) as engine_attempt_clock_id,
    max(occurred_at) filter (where event_type = 'attempt_started') as last_attempt_at,
    arg_max(clock_id, event_order) filter (where event_type = 'attempt_started') as attempt_clock_id,
    max(occurred_at) filter (where event_type = 'delivered') as delivered_at,
    arg_max(clock_id, event_order) filter (where event_type = 'delivered') as delivered_clock_id,
    min(given_up_at) as given_up_at,
    min(occurred_at) filter (
        where event_type in ('delivered', 'discarded') and occurred_at >= given_up_at
    ) as resolved_at,
    sum(case when place = 1 then attempts else 0 end)::integer as attempts,
    coalesce(bool_and(attempts_exact) filter (where event_type = 'attempt_started'), true) as attempts_exact,
    arg_max(error_class, event_order) filter (where error_class is not null) as error_class,
    arg_max(error_template, event_order) filter (where error_template is not null) as error_template,
    arg_max(file_id, event_order) as file_id,
    arg_max(line, event_order) as line
from event
group by
    source,
    original_uid,
    node_id
