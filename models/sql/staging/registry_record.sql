-- Grain: one row per domain of data that registry.toml names a system of record for.
-- system: the system's id, as an engine names it as destination.
select
    domain,
    system
from raw.registry_record
