-- Grain: one row per flow that a source's log names.
-- flow_id: what the engine calls the flow for good; an engine without such ids has only the name.
-- current_flow_id: the flow that goes on with its work, by [[alias]] in registry.toml; else itself.
-- channel: the newest name of that flow, under which all of its history counts.
with named as (
    select
        source,
        flow_id,
        arg_max(flow_name, occurred_at) as name
    from raw.interface_event
    where flow_id is not null
    group by
        source,
        flow_id
)
select
    named.source,
    named.flow_id,
    coalesce(alias.is_now, named.flow_id) as current_flow_id,
    coalesce(successor.name, alias.is_now, named.name, named.flow_id) as channel
from named
left join raw.registry_alias as alias
    on alias.source = named.source
    and alias.flow_id = named.flow_id
left join named as successor
    on successor.source = alias.source
    and successor.flow_id = alias.is_now
