-- Grain: one row per case of a workflow that the hospital's registry lists.
-- What a case is of each workflow: see workflow_event; unit is where it began.
-- began_at: its first step.
-- is_on_path: finished, and every step that is always expected came, once and in order, and none that is for exceptions or not registered.
-- is_settled: whether it kept to the path is decided: it is finished, or something shows already that it did not.
-- is_path_known: every step of which the files say that it happened has a time to the instant.
-- is_open: what should come last had not happened by the data cut.
-- deviations: in how many ways it left the path.
with beginning as (
    select
        workflow,
        case_key,
        encounter_key,
        facility,
        unit,
        is_case_open,
        is_case_known,
        occurred_at as began_at,
        case_date,
        file_id,
        line
    from marts.workflow_event
    where step_no = 1
        and workflow in (select workflow from staging.registry_step)
), left_path as (
    select
        workflow,
        case_key,
        count(*) as deviations
    from marts.case_deviation
    group by
        workflow,
        case_key
)
select
    beginning.workflow || ':' || beginning.case_key as workflow_case_key,
    beginning.workflow,
    beginning.case_key,
    beginning.encounter_key,
    beginning.facility,
    beginning.unit,
    beginning.began_at,
    not beginning.is_case_open and left_path.case_key is null as is_on_path,
    not beginning.is_case_open or left_path.case_key is not null as is_settled,
    beginning.is_case_known as is_path_known,
    beginning.is_case_open as is_open,
    coalesce(left_path.deviations, 0) as deviations,
    date_trunc('hour', beginning.began_at::timestamp) as case_hour,
    beginning.case_date,
    date_trunc('week', beginning.case_date)::date as case_week,
    date_trunc('month', beginning.case_date)::date as case_month,
    beginning.file_id,
    beginning.line
from beginning
left join left_path
    on left_path.workflow = beginning.workflow
    and left_path.case_key = beginning.case_key
