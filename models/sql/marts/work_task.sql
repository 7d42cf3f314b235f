-- Grain: one row per task of a work queue.
-- Queues: the discharge checklist (discharge-medication, -transport, -follow-up, -instructions), registration-review, order-clarification.
-- queue: the task's kind.
-- unit: where the work is owed.
-- closed_at: when it was completed or given up for good; a task that was opened again counts as open until then; null while open.
-- resolution_minutes: how exactly closed_at is known: 0 where the task says when it ended, else the time between the last sign of
-- its being open and the first of its being closed (see task_progress), at most its whole age; null while open.
-- overdue_at: due_at where it was not closed by then and it has passed by the data cut; else null.
-- minutes_to_completion: created to completed; of one not completed, created to its closing or to the data cut.
-- manual_touches: changes that a person made, its completion included.
-- is_automatic: completed, and no person touched it.
-- is_overridden: a person changed what a rule had decided.
-- is_escalated: it was passed on because it was late.
-- is_reworked: it was opened again after it had been completed.
-- bounced_at: when it was passed on for the second time after it was first assigned, or came back (rejected or opened again) for
-- the second time, whichever was first; null where neither.
-- is_bounced: it bounced, see bounced_at.
-- last_bounced_at: when it was last passed on or came back; null where it did not bounce.
-- role_code: the role or team that it is meant for, as sent (performerType); null where nothing was sent.
-- is_history_known: at least one change of it was recorded; without that, touches, overrides and rework are unknown.
-- creation_epoch: seconds since 1970, for the age of the backlog; closing_epoch and overdue_epoch likewise.
with change as (
    select
        task_key,
        count(*) filter (where is_manual and activity <> 'create') as manual_touches,
        count(*) filter (where activity = 'override') > 0 as is_overridden,
        count(*) filter (where activity = 'escalate') > 0 as is_escalated,
        count(*) filter (where activity = 'reopen') > 0 as is_reworked,
        list_extract(list_sort(list(recorded_at) filter (where activity = 'assign' and recorded_at is not null)), 3) as passed_on_at,
        max(recorded_at) filter (where activity in ('assign', 'reopen')) as last_moved_at,
        list(recorded_at) filter (where activity = 'reopen' and recorded_at is not null) as reopened_at
    from staging.provenance
    group by task_key
), rejection as (
    select
        resource_key as task_key,
        list(not_after) as rejected_at,
        max(not_after) as last_rejected_at
    from marts.state_change
    where resource_type = 'Task'
        and to_status = 'rejected'
    group by resource_key
), owed as (
    select
        task.*,
        task.status = 'completed' as is_completed,
        case
            when task.status in ('completed', 'failed', 'cancelled', 'rejected')
                then coalesce(task.execution_ended_at, task.modified_at, progress.closed_by)
        end as closed_at,
        case
            when task.status in ('completed', 'failed', 'cancelled', 'rejected') and task.execution_ended_at is not null then 0
            else progress.closed_within_minutes
        end as resolution_minutes
    from staging.task as task
    left join marts.task_progress as progress
        on progress.task_key = task.task_key
    where task.task_kind in (
            'discharge-medication',
            'discharge-transport',
            'discharge-follow-up',
            'discharge-instructions',
            'registration-review',
            'order-clarification'
        )
        and coalesce(task.status, '') <> 'draft'
), work as (
    select
        owed.task_key,
        owed.encounter_key,
        owed.task_kind as queue,
        coalesce(organization.facility, place.facility, 'Unknown') as facility,
        coalesce(place.unit, 'Unknown') as unit,
        owed.authored_at as created_at,
        owed.due_at,
        owed.execution_started_at as started_at,
        owed.closed_at,
        case
            when owed.closed_at is not null
                then coalesce(owed.resolution_minutes, date_diff('microsecond', owed.authored_at, owed.closed_at) / 6e7)
        end as resolution_minutes,
        coalesce(owed.is_completed, false) as is_completed,
        case
            when owed.due_at <= $as_of and (owed.closed_at is null or owed.closed_at > owed.due_at) then owed.due_at
        end as overdue_at,
        coalesce(change.manual_touches, 0) as manual_touches,
        coalesce(change.is_overridden, false) as is_overridden,
        coalesce(change.is_escalated, false) as is_escalated,
        coalesce(change.is_reworked, false) as is_reworked,
        least(
            change.passed_on_at,
            list_extract(list_sort(list_concat(change.reopened_at, rejection.rejected_at)), 2)
        ) as bounced_at,
        greatest(change.last_moved_at, rejection.last_rejected_at) as last_moved_at,
        owed.performer_role_code as role_code,
        change.task_key is not null as is_history_known,
        owed.file_id,
        owed.line
    from owed
    left join change
        on change.task_key = owed.task_key
    left join rejection
        on rejection.task_key = owed.task_key
    left join staging.encounter as encounter
        on encounter.encounter_key = owed.encounter_key
    left join marts.organization as organization
        on organization.organization_id = encounter.organization_id
    left join marts.location as place
        on place.location_id = owed.location_id
)
select
    task_key,
    encounter_key,
    queue,
    facility,
    unit,
    created_at,
    due_at,
    started_at,
    closed_at,
    resolution_minutes,
    overdue_at,
    date_diff('microsecond', created_at, coalesce(closed_at, $as_of)) / 6e7 as minutes_to_completion,
    manual_touches,
    is_completed,
    is_completed and is_history_known and manual_touches = 0 as is_automatic,
    is_overridden,
    is_escalated,
    is_reworked,
    bounced_at is not null as is_bounced,
    bounced_at,
    case when bounced_at is not null then last_moved_at end as last_bounced_at,
    role_code,
    is_history_known,
    closed_at is null as is_open,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', created_at) / 1e6 as creation_epoch,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', closed_at) / 1e6 as closing_epoch,
    date_diff('microsecond', timestamptz '1970-01-01 00:00:00+00', overdue_at) / 1e6 as overdue_epoch,
    date_trunc('hour', created_at::timestamp) as creation_hour,
    created_at::date as creation_date,
    date_trunc('week', created_at::date)::date as creation_week,
    date_trunc('month', created_at::date)::date as creation_month,
    date_trunc('hour', closed_at::timestamp) as closing_hour,
    closed_at::date as closing_date,
    date_trunc('week', closed_at::date)::date as closing_week,
    date_trunc('month', closed_at::date)::date as closing_month,
    date_trunc('hour', overdue_at::timestamp) as overdue_hour,
    overdue_at::date as overdue_date,
    date_trunc('week', overdue_at::date)::date as overdue_week,
    date_trunc('month', overdue_at::date)::date as overdue_month,
    file_id,
    line
from work
