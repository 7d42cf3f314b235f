-- Grain: one row per option to improve something that registry.toml names.
-- effort_days: how many days it takes, as the hospital says.
-- saves: which part of the hours lost at what it fixes it is thought to save, 0 to 1.
-- fixes: what it mends: source/channel of an interface, or workflow/step.
-- criteria, scores: what it was given for each criterion that nobody can measure, 0 to 5.
select
    id as option_id,
    nullif(title, '') as title,
    nullif(owner, '') as owner,
    effort_days,
    saves,
    fixes,
    criteria,
    scores
from raw.registry_option
