-- Grain: one row per criterion by which options are judged, as registry.toml weighs it.
-- criterion: hours, patients, confidence or effort, which are measured or supplied with the option, or a name that options have scores for.
select
    name as criterion,
    weight
from raw.registry_criterion
