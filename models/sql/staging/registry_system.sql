-- Grain: one row per system that registry.toml names.
-- system: its id.
select
    id as system,
    name,
    owner
from raw.registry_system
