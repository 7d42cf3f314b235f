-- Grain: one row per step of a workflow in the hospital's registry.
-- workflow: as `wardflow process` names it; others are kept and used by nobody.
-- expected: always, sometimes, or never, of a step that is for exceptions; a case keeps to the path accordingly.
-- owner: null where the hospital names nobody.
-- is_record: it is one of the record (documentation, access), not of the work itself.
-- window_minutes: how long the wait for this step may take; null where the hospital set no window.
select
    id as workflow,
    step_no,
    step as activity,
    nullif(owner, '') as owner,
    window_minutes,
    exception,
    coalesce(is_record, false) as is_record,
    coalesce(expected, 'always') as expected
from raw.registry_workflow
