-- Grain: one row per connector of a server, and for the whole channel, at a time when an engine's own counters were read.
-- channel: the newest name of the flow.
-- node_id: the connector; empty where the counters are those of the whole channel.
-- received_count and the others: since somebody last set them back; *_lifetime_count: since the channel was made, where the
-- engine keeps that apart.
select
    sample.sample_uid,
    sample.source,
    coalesce(flow.channel, sample.flow_name, sample.flow_id) as channel,
    sample.flow_id,
    sample.node_id,
    sample.server_id,
    sample.sampled_at,
    sample.received_count,
    sample.filtered_count,
    sample.sent_count,
    sample.error_count,
    sample.received_lifetime_count,
    sample.filtered_lifetime_count,
    sample.sent_lifetime_count,
    sample.error_lifetime_count,
    sample.file_id,
    sample.line
from raw.counter_sample as sample
left join staging.flow_channel as flow
    on flow.source = sample.source
    and flow.flow_id = sample.flow_id
