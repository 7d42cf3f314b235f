-- Grain: one row per run of message numbers that a flow's log lacks.
-- Engines that number their messages show what never reached the log: pruned, removed, or not exported. It is no silence and
-- no zero.
-- from_at: the last message before the run, null where the log begins with it. until_at: the first message after it.
-- missing_messages: how many numbers are missing.
-- is_pruned: the engine's own event log says that it pruned the flow's messages at or after that time.
with numbered as (
    select
        source,
        channel,
        flow_id,
        try_cast(substr(message_uid, length(flow_id) + 2) as bigint) as message_number,
        min(occurred_at) as received_at
    from staging.interface_event
    where event_type = 'received'
        and node_role = 'source'
        and starts_with(message_uid, flow_id || ':')
    group by
        source,
        channel,
        flow_id,
        message_uid
), neighbour as (
    select
        source,
        channel,
        flow_id,
        message_number,
        received_at,
        lag(message_number) over (partition by source, flow_id order by message_number) as number_before,
        lag(received_at) over (partition by source, flow_id order by message_number) as before_at
    from numbered
    where message_number is not null
), pruned as (
    select
        source,
        channel,
        max(occurred_at) as last_pruned_at
    from staging.interface_event
    where event_type = 'purged'
    group by
        source,
        channel
)
select
    neighbour.source,
    neighbour.channel,
    neighbour.flow_id,
    neighbour.before_at as from_at,
    neighbour.received_at as until_at,
    neighbour.message_number - coalesce(neighbour.number_before, 0) - 1 as missing_messages,
    coalesce(pruned.last_pruned_at >= neighbour.received_at, false) as is_pruned
from neighbour
left join pruned
    on pruned.source = neighbour.source
    and pruned.channel = neighbour.channel
where neighbour.message_number > coalesce(neighbour.number_before, 0) + 1
