-- Grain: one row per queue and local hour in which its engine wrote down how deep it was.
-- It is what the engine says; how many deliveries wait by their own events is in message_delivery.
-- node: the destination or queue; null where the engine speaks of the whole channel.
-- most_waiting: the deepest of the hour's samples.
-- last_waiting: its last sample.
-- is_dead_letter: of a queue in which lies what the engine gave up.
select
    sample.source,
    sample.channel,
    sample.node_id,
    max(sample.node) as node,
    date_trunc('hour', sample.occurred_at) as began_at,
    count(*) as samples,
    max(sample.queue_depth) as most_waiting,
    arg_max(sample.queue_depth, sample.occurred_at) as last_waiting,
    max(sample.occurred_at) as last_sample_at,
    bool_or(sample.is_dead_letter) as is_dead_letter,
    date_trunc('hour', sample.occurred_at)::date as began_date,
    arg_max(sample.file_id, sample.occurred_at) as file_id,
    arg_max(sample.line, sample.occurred_at) as line
from staging.queue_sample as sample
group by
    sample.source,
    sample.channel,
    sample.node_id,
    date_trunc('hour', sample.occurred_at)
