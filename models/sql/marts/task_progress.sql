-- Grain: one row per Task of which any change of state is known.
-- When somebody took it on, began and ended it as far as the ledger of transitions proves it: for tasks that do not say so themselves.
-- Each time is the first sign of the new state; the minutes beside it are the time since the last sign of the state before, 0 when
-- exact, null when nothing bounds it.
-- accepted_by: accepted, or already further.
-- started_by: in progress or on hold; null where that was never seen.
-- closed_by: completed or given up for good, the last time where it was opened again.
select
    resource_key as task_key,
    min(not_after) filter (where to_status in ('accepted', 'in-progress', 'on-hold', 'completed')) as accepted_by,
    arg_min(resolution_minutes, not_after)
        filter (where to_status in ('accepted', 'in-progress', 'on-hold', 'completed')) as accepted_within_minutes,
    min(not_after) filter (where to_status in ('in-progress', 'on-hold')) as started_by,
    arg_min(resolution_minutes, not_after) filter (where to_status in ('in-progress', 'on-hold')) as started_within_minutes,
    max(not_after) filter (where to_status in ('completed', 'failed', 'cancelled', 'rejected')) as closed_by,
    arg_max(resolution_minutes, not_after)
        filter (where to_status in ('completed', 'failed', 'cancelled', 'rejected')) as closed_within_minutes
from marts.state_change
where resource_type = 'Task'
group by resource_key
