-- Grain: one row per message and destination that it was routed to.
-- What happened is decided by the last event, ties broken by rank; acknowledgements up, accesses and samples do not count,
-- nor what the receiving host logged with its own clock.
-- attempts: attempts started, or the highest attempt number where a log keeps only the last one.
-- attempts_exact: false where a log collapsed several attempts into one row.
select
    source,
    message_uid,
    node_id,
    max(root_message_uid) as message_key,
    arg_max(channel, event_order) as channel,
    arg_max(node, event_order) as destination,
    arg_max(event_type, event_order) as last_event,
    max(occurred_at) as last_event_at,
    min(occurred_at) filter (where event_type = 'routed') as routed_at,
    arg_min(clock_id, event_order) filter (where event_type = 'routed') as routed_clock_id,
    max(occurred_at) filter (where event_type = 'attempt_started') as last_attempt_at,
    arg_max(clock_id, event_order) filter (where event_type = 'attempt_started') as attempt_clock_id,
    max(occurred_at) filter (where event_type = 'delivered') as delivered_at,
    arg_max(clock_id, event_order) filter (where event_type = 'delivered') as delivered_clock_id,
    greatest(count(*) filter (where event_type = 'attempt_started'), coalesce(max(attempt_no), 0)) as attempts,
    coalesce(bool_and(attempts_exact) filter (where event_type = 'attempt_started'), true) as attempts_exact,
    arg_max(error_class, event_order) filter (where error_class is not null) as error_class,
    arg_max(error_template, event_order) filter (where error_template is not null) as error_template,
    arg_max(file_id, event_order) as file_id,
    arg_max(line, event_order) as line
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
group by
    source,
    message_uid,
    node_id
