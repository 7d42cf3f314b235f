-- Grain: one row per interface that registry.toml names.
select
    flow as channel,
    source,
    facility,
    owner,
    protocol,
    data_domain,
    criticality,
    max_silence_minutes,
    coalesce(kind, 'channel') as kind
from raw.registry_interface
