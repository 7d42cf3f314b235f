-- Grain: one row per message as it first came into an engine.
-- A hop from channel to channel is the same message: its rows share root_message_uid, and count once, at the root.
-- received_at: when the engine's first channel received it; its earliest event where that one is missing.
-- acknowledged_at: when that channel first told the sender that it had it, or refused it.
-- control_key, trace_key: the ids under which the logs of other engines know it (decision 52). sent_at: the sender's own date of it, MSH-7.
-- msg_shape: the version and the segments of the message, where the log tells: 2.5.1:MSH-PID-PV1.
-- What an engine's own event log says that somebody asked for makes no message: it may never have been delivered.
-- last_source_event: the last thing the first channel did with it: transformed, filtered, failed and so on.
select
    root_message_uid as message_key,
    arg_min(source, event_order) as source,
    coalesce(
        arg_min(channel, event_order) filter (where message_uid = root_message_uid),
        arg_min(channel, event_order)
    ) as channel,
    max(msg_type) as msg_type,
    max(msg_trigger) as msg_trigger,
    coalesce(
        min(occurred_at) filter (
            where event_type = 'received' and node_role = 'source' and message_uid = root_message_uid
        ),
        min(occurred_at)
    ) as received_at,
    arg_min(clock_id, event_order) filter (
        where event_type = 'received' and node_role = 'source' and message_uid = root_message_uid
    ) as received_clock_id,
    min(occurred_at) filter (
        where event_type in ('ack_sent', 'nack_sent') and node_role = 'source' and message_uid = root_message_uid
    ) as acknowledged_at,
    arg_min(clock_id, event_order) filter (
        where event_type in ('ack_sent', 'nack_sent') and node_role = 'source' and message_uid = root_message_uid
    ) as acknowledged_clock_id,
    max(occurred_at) as last_event_at,
    arg_max(event_type, event_order) filter (
        where event_type in ('received', 'transformed', 'filtered', 'failed', 'dead_lettered', 'discarded')
            and node_role <> 'destination'
            and message_uid = root_message_uid
    ) as last_source_event,
    arg_min(msg_shape, event_order) filter (where msg_shape is not null) as msg_shape,
    max(visit_key) as visit_key,
    max(placer_key) as placer_key,
    max(filler_key) as filler_key,
    max(accession_key) as accession_key,
    arg_min(control_key, event_order) filter (where control_key is not null) as control_key,
    min(trace_key) as trace_key,
    arg_min(sent_at, event_order) filter (where sent_at is not null) as sent_at,
    arg_min(file_id, event_order) as file_id,
    arg_min(line, event_order) as line
from staging.interface_event
where root_message_uid is not null
    and event_type <> 'replay_requested'
    and not (node_role = 'system' and event_type in ('deleted', 'manual_override'))
group by root_message_uid
