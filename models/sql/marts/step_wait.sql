-- Grain: one row per wait of a case for a step that must happen within a time, as the hospital's registry says.
-- Waits that are over, and of an open case the wait for the next step that is always expected after the furthest it reached, else for the
-- next that sometimes is.
-- activity: the step that is waited for.
-- began_at: when the step before it was completed.
-- is_within: it came within its window, the last instant of it included.
-- is_settled: it came, or its window has passed by the data cut of its own kind of source.
-- is_path_known: see workflow_event, is_case_known.
-- is_open: the case still waits for it.
-- case_date: local day of the case's first step.
with windowed as (
    select
        workflow,
        step_no,
        activity,
        window_minutes
    from staging.registry_step
    where window_minutes > 0
), known as (
    select
        workflow,
        case
            when workflow = 'message-delivery' then (select max(last_event_at) from staging.delivery)
            when workflow in ('ed-to-bed', 'order-to-acknowledged-result', 'discharge') then $clinical_as_of
            else max(occurred_at)
        end as until_at
    from marts.workflow_event
    group by workflow
), waiting as (
    select
        event.workflow,
        event.case_key,
        arg_max(event.encounter_key, event.step_no) as encounter_key,
        arg_max(event.facility, event.step_no) as facility,
        arg_max(event.unit, event.step_no) as unit,
        arg_max(event.case_date, event.step_no) as case_date,
        arg_max(event.is_case_known, event.step_no) as is_path_known,
        max(event.step_no) as step_no,
        max(event.occurred_at) as began_at,
        arg_max(event.file_id, event.step_no) as file_id,
        arg_max(event.line, event.step_no) as line,
        coalesce(max(case when reached.expected <> 'never' then reached.step_no end), 0) as furthest
    from marts.workflow_event as event
    left join staging.registry_step as reached
        on reached.workflow = event.workflow
        and reached.activity = event.activity
    where event.is_case_open
    group by
        event.workflow,
        event.case_key
), following as (
    select
        step.workflow,
        step.furthest,
        arg_min(later.activity, case when later.expected = 'sometimes' then 1000000 else 0 end + later.step_no) as activity
    from (select distinct workflow, furthest from waiting) as step
    inner join staging.registry_step as later
        on later.workflow = step.workflow
        and later.step_no > step.furthest
        and later.expected <> 'never'
    group by
        step.workflow,
        step.furthest
), wait as (
    select
        event.workflow,
        event.case_key,
        event.step_no,
        event.encounter_key,
        event.facility,
        event.unit,
        event.case_date,
        event.is_case_known as is_path_known,
        event.next_activity as activity,
        event.occurred_at as began_at,
        event.wait_minutes,
        false as is_open,
        event.file_id,
        event.line
    from marts.workflow_event as event
    where event.next_activity is not null
    union all
    select
        waiting.workflow,
        waiting.case_key,
        waiting.step_no,
        waiting.encounter_key,
        waiting.facility,
        waiting.unit,
        waiting.case_date,
        waiting.is_path_known,
        following.activity,
        waiting.began_at,
        date_diff('microsecond', waiting.began_at, known.until_at) / 6e7 as wait_minutes,
        true as is_open,
        waiting.file_id,
        waiting.line
    from waiting
    inner join following
        on following.workflow = waiting.workflow
        and following.furthest = waiting.furthest
    inner join known
        on known.workflow = waiting.workflow
)
select
    wait.workflow || ':' || wait.case_key || ':' || wait.step_no as step_wait_key,
    wait.workflow,
    wait.activity,
    wait.case_key,
    wait.encounter_key,
    wait.facility,
    wait.unit,
    wait.began_at,
    windowed.window_minutes,
    not wait.is_open and wait.wait_minutes <= windowed.window_minutes as is_within,
    not (wait.is_open and wait.wait_minutes <= windowed.window_minutes) as is_settled,
    wait.is_path_known,
    wait.is_open,
    wait.case_date,
    date_trunc('hour', wait.began_at::timestamp) as wait_hour,
    wait.began_at::date as wait_date,
    date_trunc('week', wait.began_at::date)::date as wait_week,
    date_trunc('month', wait.began_at::date)::date as wait_month,
    wait.file_id,
    wait.line
from wait
inner join windowed
    on windowed.workflow = wait.workflow
    and windowed.activity = wait.activity
