-- Grain: one row per wait of a case for a step that the hospital's registry lists without an owner.
-- Waits that are over, and of an open case the wait for the step that the registry expects next: the steps that not every case takes are skipped.
-- activity: the step that was waited for.
-- began_at: when the step before it was completed. ended_at: when this one was; null while the case still waits for it.
-- is_open: the case still waits.
with unowned as (
    select
        workflow,
        step_no,
        activity
    from staging.registry_step
    where owner is null
), following as (
    select
        step.workflow,
        step.activity,
        min_by(later.activity, later.step_no) as next_activity
    from staging.registry_step as step
    inner join staging.registry_step as later
        on later.workflow = step.workflow
        and later.step_no > step.step_no
        and later.expected = 'always'
    group by
        step.workflow,
        step.activity
), wait as (
    select
        event.workflow,
        coalesce(event.next_activity, following.next_activity) as activity,
        event.case_key,
        event.encounter_key,
        event.facility,
        event.unit,
        event.step_no,
        event.occurred_at as began_at,
        event.occurred_at + event.wait_minutes * interval '1 minute' as ended_at,
        event.next_activity is null as is_open,
        event.file_id,
        event.line
    from marts.workflow_event as event
    left join following
        on following.workflow = event.workflow
        and following.activity = event.activity
    where event.next_activity is not null
        or event.is_case_open
)
select
    md5(wait.workflow || ':' || wait.case_key || ':' || wait.step_no) as wait_key,
    wait.workflow,
    wait.activity,
    wait.case_key,
    wait.encounter_key,
    wait.facility,
    wait.unit,
    wait.began_at,
    wait.ended_at,
    wait.is_open,
    date_trunc('hour', wait.began_at::timestamp) as wait_hour,
    wait.began_at::date as wait_date,
    date_trunc('week', wait.began_at::date)::date as wait_week,
    date_trunc('month', wait.began_at::date)::date as wait_month,
    wait.file_id,
    wait.line
from wait
inner join unowned
    on unowned.workflow = wait.workflow
    and unowned.activity = wait.activity
