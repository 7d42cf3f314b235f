-- Grain: one row per depth of a queue that an engine wrote into its own log.
-- channel: the newest name of the flow.
-- is_dead_letter: what lies there was given up and waits for a person, not for the engine.
select
    event.event_uid,
    event.source,
    coalesce(flow.channel, event.flow_name, event.flow_id) as channel,
    coalesce(event.node_id, '') as node_id,
    coalesce(nullif(event.node_name, ''), event.node_id) as node,
    event.occurred_at,
    event.queue_depth,
    coalesce(event.native_type = 'dead_letter', false) as is_dead_letter,
    event.file_id,
    event.line
from raw.interface_event as event
left join staging.flow_channel as flow
    on flow.source = event.source
    and flow.flow_id = event.flow_id
where event.event_type = 'queue_sample'
    and event.queue_depth is not null
