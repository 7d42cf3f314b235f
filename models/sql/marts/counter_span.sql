-- Grain: one row per flow and stretch of at most an hour between readings of its engine's own counters.
-- Not published: where counters and log differ is in counter_gap.
-- Counters say how many messages came although the log may not have them: pruned before they were read, or never exported.
-- A stretch ends with the last reading of an hour, or with the only one where counters are read less often.
-- from_at: the reading before, until_at: the last one of the stretch. What was counted before the first reading is not known.
-- counted_messages: received between the two by the counters of all servers; null where a count went back and the engine keeps
-- no lifetime count beside it: how much was lost of it is not known.
-- logged_messages: those that the log shows in the stretch. nearby_messages: those up to a minute around it, because the
-- counters are written a little later than the message is dated.
-- missing_messages: what the counters have and the log lacks; null where that is not known, which is where the counters do not
-- say it or the source's log ends before the stretch does.
-- resets: how many readings show that a counter of any connector was set back; reset_at: the first reading that does.
with reading as (
    select
        source,
        channel,
        flow_id,
        node_id,
        sampled_at,
        received_count,
        received_lifetime_count,
        min(node_id) over (partition by source, flow_id) as whole_node_id,
        lag(sampled_at) over connector as before_at,
        lag(received_count) over connector as received_before,
        lag(received_lifetime_count) over connector as lifetime_before,
        received_count < lag(received_count) over connector
            or filtered_count < lag(filtered_count) over connector
            or sent_count < lag(sent_count) over connector
            or error_count < lag(error_count) over connector
            or received_count - lag(received_count) over connector
            < received_lifetime_count - lag(received_lifetime_count) over connector as is_reset
    from staging.counter_sample
    window connector as (partition by source, flow_id, server_id, node_id order by sampled_at)
), step as (
    select
        source,
        any_value(channel) as channel,
        flow_id,
        sampled_at,
        min(before_at) as before_at,
        bool_or(coalesce(is_reset, false)) as is_reset,
        bool_and(
            node_id <> whole_node_id
            or coalesce(received_lifetime_count >= lifetime_before, received_count >= received_before, false)
        ) as is_counted,
        sum(
            coalesce(received_lifetime_count - lifetime_before, received_count - received_before)
        ) filter (where node_id = whole_node_id) as counted
    from reading
    where before_at is not null
    group by
        source,
        flow_id,
        sampled_at
), stretch as (
    select
        source,
        any_value(channel) as channel,
        flow_id,
        min(before_at) as from_at,
        max(sampled_at) as until_at,
        case when bool_and(is_counted) then sum(counted)::bigint end as counted_messages,
        count(*) filter (where is_reset) as resets,
        min(sampled_at) filter (where is_reset) as reset_at
    from step
    group by
        source,
        flow_id,
        date_trunc('hour', sampled_at)
), mark as (
    select
        source,
        flow_id,
        until_at,
        0 as messages,
        unnest(['from', 'until', 'before', 'after']) as side,
        unnest([from_at, until_at, from_at - interval 1 minute, until_at + interval 1 minute]) as marked_at
    from stretch
    union all
    select
        event.source,
        event.flow_id,
        null as until_at,
        1 as messages,
        null as side,
        event.occurred_at as marked_at
    from staging.interface_event as event
    inner join (select distinct source, flow_id from stretch) as counted
        on counted.source = event.source
        and counted.flow_id = event.flow_id
    where event.event_type = 'received'
        and event.node_role = 'source'
), running as (
    select
        source,
        flow_id,
        until_at,
        side,
        sum(messages) over (partition by source, flow_id order by marked_at, messages desc rows unbounded preceding) as messages
    from mark
), logged as (
    select
        source,
        flow_id,
        until_at,
        max(messages) filter (where side = 'until') - max(messages) filter (where side = 'from') as logged_messages,
        max(messages) filter (where side = 'after') - max(messages) filter (where side = 'before') as nearby_messages
    from running
    where side is not null
    group by
        source,
        flow_id,
        until_at
), log_end as (
    select
        source,
        max(occurred_at) as last_event_at
    from staging.interface_event
    group by source
)
select
    stretch.source,
    stretch.channel,
    stretch.flow_id,
    stretch.from_at,
    stretch.until_at,
    stretch.counted_messages,
    logged.logged_messages::bigint as logged_messages,
    case
        when stretch.counted_messages is null or coalesce(log_end.last_event_at < stretch.until_at - interval 1 hour, true) then null
        when stretch.counted_messages <= logged.nearby_messages then 0
        else (stretch.counted_messages - logged.logged_messages)::bigint
    end as missing_messages,
    stretch.resets,
    stretch.reset_at
from stretch
inner join logged
    on logged.source = stretch.source
    and logged.flow_id = stretch.flow_id
    and logged.until_at = stretch.until_at
left join log_end
    on log_end.source = stretch.source
