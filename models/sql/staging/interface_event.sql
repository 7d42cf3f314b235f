-- Grain: one row per event that an integration engine's log proves.
-- Kept as a view: what is stored is raw.interface_event, and writing it once more takes longer than all tables made of it.
-- Typed already when read. Columns that no table counts stay in raw; added are the channel's name and the order of events
-- that share a timestamp.
-- channel: the newest name of the flow, under which all of its history counts (flow_channel); flow_name is the one at the time.
-- original_uid: the message itself, or the first of those that it repeats when that was sent again as a new message.
-- incarnation: which processing of a message it belongs to, where a log processes one message again in its place.
-- message_uid: of an acknowledgement that names its message by control id only, the message that it was found to answer.
-- event_order: microseconds since 1970 times 100, plus the event's rank among events of the same instant;
-- an acknowledgement that another clock dated before its message comes after it.
select
    event.event_uid,
    event.source,
    event.occurred_at,
    event.time_precision,
    event.clock_id,
    event.event_type,
    coalesce(answered.flow_id, event.flow_id) as flow_id,
    coalesce(flow.channel, answered.flow_name, event.flow_name, event.flow_id) as channel,
    coalesce(answered.flow_name, event.flow_name, event.flow_id) as flow_name,
    event.node_id,
    coalesce(answered.node_name, nullif(event.node_name, ''), event.node_id) as node,
    event.node_role,
    coalesce(event.message_uid, answered.message_uid) as message_uid,
    coalesce(origin.original_uid, event.message_uid, answered.message_uid) as original_uid,
    event.replay_of_uid,
    event.incarnation,
    event.parent_message_uid,
    coalesce(root.original_uid, event.root_message_uid, event.message_uid, answered.message_uid) as root_message_uid,
    event.msg_type,
    event.msg_trigger,
    event.control_key,
    event.trace_key,
    event.visit_key,
    event.placer_key,
    event.filler_key,
    event.accession_key,
    event.attempt_no,
    event.attempts_exact,
    event.ack_code,
    event.error_class,
    event.error_template,
    event.sent_at,
    event.msg_shape,
    event.actor_role,
    epoch_us(greatest(event.occurred_at, answered.attempted_at)) * 100 + case event.event_type
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
    event.file_id,
    event.line
from raw.interface_event as event
left join staging.message_origin as origin
    on origin.source = event.source
    and origin.message_uid = event.message_uid
left join staging.message_origin as root
    on root.source = event.source
    and root.message_uid = coalesce(event.root_message_uid, event.message_uid)
left join staging.acknowledgement as answered
    on answered.event_uid = event.event_uid
left join staging.flow_channel as flow
    on flow.source = event.source
    and flow.flow_id = coalesce(answered.flow_id, event.flow_id)
