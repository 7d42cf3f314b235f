-- Grain: one row per stretch of days in which a flow bore one name.
-- A flow is its id: a new name is the same channel, and so is a flow that registry.toml says goes on with the work of another.
-- name: as the engine wrote it on messages at the time; its log of what people did names channels in its own way.
-- channel: the newest name, under which all of its history counts.
-- is_alias: registry.toml joins this flow to another one.
-- valid_from: the first event under the name; valid_to: the first one under the next name, null for the current name.
with named_day as (
    select
        event.source,
        event.flow_id,
        event.flow_name as name,
        min(event.occurred_at) as first_at,
        max(event.occurred_at) as last_at
    from staging.interface_event as event
    where event.node_role <> 'system'
    group by
        event.source,
        event.flow_id,
        event.flow_name,
        event.occurred_at::date
), neighbour as (
    select
        *,
        lag(name) over (partition by source, flow_id order by first_at, name) as name_before
    from named_day
), numbered as (
    select
        *,
        sum(case when name = name_before then 0 else 1 end) over (
            partition by source, flow_id order by first_at, name rows unbounded preceding
        ) as stretch
    from neighbour
), borne as (
    select
        source,
        flow_id,
        stretch,
        min(name) as name,
        min(first_at) as valid_from,
        max(last_at) as last_event_at
    from numbered
    group by
        source,
        flow_id,
        stretch
)
select
    borne.source,
    borne.flow_id,
    borne.name,
    flow.channel,
    flow.current_flow_id <> borne.flow_id as is_alias,
    borne.valid_from,
    lead(borne.valid_from) over (
        partition by borne.source, flow.current_flow_id order by borne.valid_from, borne.stretch
    ) as valid_to,
    borne.last_event_at
from borne
inner join staging.flow_channel as flow
    on flow.source = borne.source
    and flow.flow_id = borne.flow_id
