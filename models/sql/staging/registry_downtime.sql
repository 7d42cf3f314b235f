-- Grain: one row per planned downtime that registry.toml names.
-- channel: null when the whole source is down.
select
    source,
    flow as channel,
    starts_at,
    ends_at,
    why
from raw.registry_downtime
