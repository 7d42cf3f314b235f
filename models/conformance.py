"""Which cases went the path that the hospital registered, what the others did instead, and which steps came within their window.

Here: DuckDB SQL over the temporary tables of `models.process.sequence`, made with the groups `GROUPS`. Not here: what a step or a
wait is (`models.process`), periods and small numbers (`pipelines.conformance_tables`).

Two more relations are read:

    process_model   workflow, step_no, activity, expected (always, sometimes or never), seconds: how long the wait for the step,
                    from the step before it, may take; null without a window
    process_cut     workflow, as_of: until when its cases are known

A case is *on the path* when it is finished and every step that is always expected came, once, in the registered order, and
none that is never expected or not registered. It is *off the path* as soon as anything shows that it is not: a finished case
that lacks a step, an open one that has passed it. An open case of which nothing shows it is undecided, in neither count.
Steps at the same time stand in the order that the log declares.

A step *must happen within* its window of the step before it. A wait that is over is within or late; an open case is late once
its window has passed at the data cut, and undecided until then. What an open case waits for is the next step that is always
expected after the furthest it reached, else the next that sometimes is.
"""

import duckdb

GROUPS = ("workflow", "facility", "is_case_open", "case_date")
KINDS = {
    "skipped": "did not happen, or its time is not known",
    "repeated": "happened again",
    "out_of_order": "came after a later step",
    "exception": "happened, which is for exceptions",
    "not_registered": "happened and is not registered",
}
"""What a case may do instead of keeping to the path, and in words of a step."""

_PATHS = """
create or replace temp table conformance_path as
with path as (
    select distinct workflow, is_case_open, path
    from process_trace
    where workflow in (select workflow from process_model)
), placed as (
    select path.*, row_number() over (order by workflow, is_case_open, path) as path_id from path
), reached as (
    select placed.path_id, max(model.step_no) as furthest
    from (select path_id, workflow, unnest(path) as code from placed) as placed
    inner join process_activity as name on name.code = placed.code
    inner join process_model as model on model.workflow = placed.workflow and model.activity = name.activity
    where model.expected <> 'never'
    group by placed.path_id
)
select placed.*, coalesce(reached.furthest, 0) as furthest
from placed left join reached on reached.path_id = placed.path_id
"""
_DEVIATIONS = """
create or replace temp table conformance_deviation as
with placed as (
    select path_id, workflow, unnest(path) as code, generate_subscripts(path, 1) as place from conformance_path
), step as (
    select
        placed.path_id,
        placed.place,
        name.activity,
        model.step_no,
        model.expected,
        row_number() over (partition by placed.path_id, placed.code order by placed.place) as occurrence
    from placed
    inner join process_activity as name on name.code = placed.code
    left join process_model as model on model.workflow = placed.workflow and model.activity = name.activity
), ordered as (
    select
        *,
        max(step_no) filter (where expected <> 'never' and occurrence = 1) over (
            partition by path_id order by place rows between unbounded preceding and 1 preceding
        ) as furthest_before
    from step
), happened as (
    select
        path_id,
        case
            when step_no is null then 'not_registered'
            when expected = 'never' then 'exception'
            when occurrence > 1 then 'repeated'
            when step_no < furthest_before then 'out_of_order'
        end as kind,
        activity
    from ordered
), skipped as (
    select path.path_id, 'skipped' as kind, model.activity
    from conformance_path as path
    inner join process_model as model on model.workflow = path.workflow
    where model.expected = 'always'
        and (not path.is_case_open or model.step_no < path.furthest)
        and not exists (
            select 1 from step where step.path_id = path.path_id and step.activity = model.activity
        )
)
select distinct path_id, kind, activity from happened where kind is not null
union all
select path_id, kind, activity from skipped
"""
_CASES = """
create or replace temp table conformance_case as
select
    trace.workflow,
    trace.facility,
    trace.case_date,
    trace.case_key,
    trace.is_case_open,
    trace.last_us,
    path.path_id,
    path.path_id in (select path_id from conformance_deviation) as is_off_path
from process_trace as trace
inner join conformance_path as path
    on path.workflow = trace.workflow and path.is_case_open = trace.is_case_open and path.path = trace.path
"""
_AWAITED = """
create or replace temp table conformance_awaited as
select
    path.path_id,
    arg_min(model.activity, (model.expected = 'sometimes', model.step_no)) as activity,
    arg_min(coalesce(model.seconds, -1), (model.expected = 'sometimes', model.step_no)) as seconds
from conformance_path as path
inner join process_model as model on model.workflow = path.workflow
where path.is_case_open
    and model.expected <> 'never'
    and model.step_no > path.furthest
group by path.path_id
"""
_WAITS = """
create or replace temp table conformance_wait as
select
    step.workflow,
    step.facility,
    step.case_date,
    step.case_key,
    model.activity,
    false as is_open,
    step.wait_us <= model.seconds * 1e6 as is_within
from process_step as step
inner join process_activity as name on name.code = step.next_code
inner join process_model as model on model.workflow = step.workflow and model.activity = name.activity
where model.seconds is not null
union all
select
    waiting.workflow,
    waiting.facility,
    waiting.case_date,
    waiting.case_key,
    awaited.activity,
    true as is_open,
    epoch_us(cut.as_of) - waiting.last_us <= awaited.seconds * 1e6 as is_within
from conformance_case as waiting
inner join conformance_awaited as awaited on awaited.path_id = waiting.path_id
inner join process_cut as cut on cut.workflow = waiting.workflow
where awaited.seconds >= 0
"""

_BY_DAY = """
create or replace temp table conformance_day as
select
    workflow,
    facility,
    case_date,
    count(*) filter (where not is_off_path and not is_case_open) as on_path_cases,
    count(*) filter (where is_off_path) as off_path_cases
from conformance_case
group by all
"""
_DEVIATIONS_BY_DAY = """
create or replace temp table conformance_deviation_day as
select workflow, facility, case_date, kind, activity, count(*) as cases
from conformance_case inner join conformance_deviation using (path_id)
group by all
"""
_WAITS_BY_DAY = """
create or replace temp table conformance_wait_day as
select
    workflow,
    facility,
    case_date,
    activity,
    count(distinct case_key) as cases,
    count(*) filter (where not is_open or not is_within) as count,
    count(*) filter (where not is_open and is_within) as within_count,
    count(*) filter (where is_open and not is_within) as open_late_count,
    count(*) filter (where is_open and is_within) as undecided_count
from conformance_wait
group by all
"""


def judge(db: duckdb.DuckDBPyConnection) -> None:
    """Temporary tables, all by workflow, facility and case_date (the local day on which a case began); their counts add up.

    conformance_day: on_path_cases and off_path_cases. conformance_deviation_day: cases by kind (of `KINDS`) and activity; a case
    may deviate in several ways. conformance_wait_day, by activity: cases; count, the waits that are judged; within_count;
    open_late_count, of them those that still go on; undecided_count, open waits whose window has not passed, not in count.
    """
    for query in (_PATHS, _DEVIATIONS, _CASES, _AWAITED, _WAITS, _BY_DAY, _DEVIATIONS_BY_DAY, _WAITS_BY_DAY):
        db.execute(query)
