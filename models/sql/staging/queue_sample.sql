-- Grain: one row per depth of a queue that an engine wrote into its own log.
-- channel: the name of the channel at the time, else its id.
select
    event_uid,
    source,
    coalesce(flow_name, flow_id) as channel,
    coalesce(node_id, '') as node_id,
    coalesce(nullif(node_name, ''), node_id) as node,
    occurred_at,
    queue_depth,
    file_id,
    line
from raw.interface_event
where event_type = 'queue_sample'
    and queue_depth is not null
