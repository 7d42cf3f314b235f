-- Grain: one row per interface that registry.toml names.
-- channel: the flow's newest name where the registry names it by its id, which a new name does not change; else as written.
select
    coalesce(flow.channel, interface.flow) as channel,
    interface.source,
    interface.facility,
    interface.owner,
    interface.protocol,
    interface.data_domain,
    interface.criticality,
    interface.max_silence_minutes,
    coalesce(interface.kind, 'channel') as kind
from raw.registry_interface as interface
left join staging.flow_channel as flow
    on flow.source = interface.source
    and flow.flow_id = interface.flow
