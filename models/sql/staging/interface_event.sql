-- Grain: one row per event that an integration engine's log proves.
-- Typed already when read. Columns that no table counts stay in raw; added are the channel's name and the order of events
-- that share a timestamp.
-- channel: the name of the channel at the time, else its id.
-- original_uid: the message itself, or the one that it repeats when somebody sent that again as a new message.
-- incarnation: which processing of a message it belongs to, where a log processes one message again in its place.
-- event_order: microseconds since 1970 times 100, plus the event's rank among events of the same instant.
select
    event_uid,
    source,
    occurred_at,
    time_precision,
    clock_id,
    event_type,
    flow_id,
    coalesce(flow_name, flow_id) as channel,
    node_id,
    coalesce(nullif(node_name, ''), node_id) as node,
    node_role,
    message_uid,
    coalesce(replay_of_uid, message_uid) as original_uid,
    replay_of_uid,
    incarnation,
    parent_message_uid,
    coalesce(root_message_uid, message_uid) as root_message_uid,
    msg_type,
    msg_trigger,
    visit_key,
    placer_key,
    attempt_no,
    attempts_exact,
    ack_code,
    error_class,
    error_template,
    sent_at,
    msg_shape,
    actor_role,
    epoch_us(occurred_at) * 100 + case event_type
        when 'received' then 10
        when 'ack_sent' then 12
        when 'nack_sent' then 12
        when 'transformed' then 20
        when 'routed' then 22
        when 'filtered' then 24
        when 'queued' then 30
        when 'held' then 32
        when 'released' then 34
        when 'attempt_started' then 40
        when 'attempt_failed' then 42
        when 'response_received' then 44
        when 'nack_received' then 46
        when 'delivered' then 50
        when 'failed' then 60
        when 'dead_lettered' then 62
        when 'discarded' then 64
        when 'expired' then 64
        when 'replayed' then 70
        when 'purged' then 90
        else 80
    end as event_order,
    file_id,
    line
from raw.interface_event
