-- Grain: one row per case of a registered workflow, step and way in which the case left the path that the registry names for it.
-- Not published: who kept to the path is counted in workflow_case. Judged once for all cases that went the same way.
-- kind: skipped, repeated, out_of_order, exception (a step that is never expected) or not_registered.
-- A finished case lacks every step that is always expected and that it has not; an open one those that it has passed.
-- case_date: local day of the case's first step.
with journey as (
    select
        workflow,
        case_key,
        facility,
        is_case_open,
        case_date,
        list(activity order by step_no) as path
    from marts.workflow_event
    where workflow in (select workflow from staging.registry_step)
    group by
        workflow,
        case_key,
        facility,
        is_case_open,
        case_date
), way as (
    select
        workflow,
        is_case_open,
        path,
        row_number() over (order by workflow, is_case_open, path) as way_id
    from journey
    group by
        workflow,
        is_case_open,
        path
), placed as (
    select
        way_id,
        workflow,
        unnest(path) as activity,
        unnest(range(1, len(path) + 1)) as place
    from way
), step as (
    select
        placed.way_id,
        placed.place,
        placed.activity,
        registered.step_no,
        registered.expected,
        row_number() over (partition by placed.way_id, placed.activity order by placed.place) as occurrence
    from placed
    left join staging.registry_step as registered
        on registered.workflow = placed.workflow
        and registered.activity = placed.activity
), ordered as (
    select
        *,
        max(case when expected <> 'never' and occurrence = 1 then step_no end)
            over (partition by way_id order by place rows between unbounded preceding and 1 preceding) as furthest_before
    from step
), reached as (
    select
        way_id,
        max(case when expected <> 'never' then step_no end) as furthest
    from step
    group by way_id
), deviation as (
    select distinct
        way_id,
        case
            when step_no is null then 'not_registered'
            when expected = 'never' then 'exception'
            when occurrence > 1 then 'repeated'
            else 'out_of_order'
        end as kind,
        activity
    from ordered
    where step_no is null
        or expected = 'never'
        or occurrence > 1
        or step_no < furthest_before
    union all
    select
        way.way_id,
        'skipped' as kind,
        registered.activity
    from way
    inner join reached
        on reached.way_id = way.way_id
    inner join staging.registry_step as registered
        on registered.workflow = way.workflow
    where registered.expected = 'always'
        and (not way.is_case_open or registered.step_no < reached.furthest)
        and not list_contains(way.path, registered.activity)
)
select
    journey.workflow,
    journey.case_key,
    journey.facility,
    journey.case_date,
    deviation.kind,
    deviation.activity
from journey
inner join way
    on way.workflow = journey.workflow
    and way.is_case_open = journey.is_case_open
    and way.path = journey.path
inner join deviation
    on deviation.way_id = way.way_id
