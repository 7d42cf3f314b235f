-- Grain: one row per step of a workflow in the hospital's registry.
-- workflow: as `wardflow process` names it; others are kept and used by nobody.
-- window_minutes: how long the wait for this step may take; null where the hospital set no window.
select
    id as workflow,
    step_no,
    step as activity,
    owner,
    window_minutes,
    exception
from raw.registry_workflow
