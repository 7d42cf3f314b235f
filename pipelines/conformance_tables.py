"""Conformance to the registered path by facility and window: cases on and off it, what the others did, which steps came in time.

Here: `models.conformance` over the steps of the workflows, once for all windows, and small numbers hidden. Not here: what it means to
keep to the path or to be within a window (`models.conformance`), the path itself (the hospital's registry.toml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.conformance import judge
from pipelines.process_periods import IN_WINDOW, KEYS, hidden, over_windows, without_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import duckdb

    from pipelines.periods import Window

NAMES = ("process_deviation", "process_rule")

_MODEL = """
create or replace temp view process_model as
select workflow, step_no, activity, expected, case when window_minutes > 0 then window_minutes * 60 end as seconds
from staging.registry_step
"""
_CUTS = """
create or replace temp table process_cut as
select unnest($workflow::varchar[]) as workflow, unnest($as_of::timestamptz[]) as as_of
"""
_CASES = f"""
select
    workflow,
    facility,
    sum(on_path_cases)::bigint as on_path_cases,
    sum(off_path_cases)::bigint as off_path_cases
from conformance_day where {IN_WINDOW}
group by grouping sets ((workflow, facility), (workflow))
"""
_DEVIATIONS = f"""
select workflow, facility, kind, activity, sum(cases)::bigint as cases
from conformance_deviation_day where {IN_WINDOW}
group by grouping sets ((workflow, facility, kind, activity), (workflow, kind, activity))
"""
_WAITS = f"""
with total as (
    select
        workflow,
        facility,
        activity,
        sum(cases)::bigint as cases,
        sum(count)::bigint as count,
        sum(within_count)::bigint as within_count,
        sum(open_late_count)::bigint as open_late_count,
        sum(undecided_count)::bigint as undecided_count
    from conformance_wait_day where {IN_WINDOW}
    group by grouping sets ((workflow, facility, activity), (workflow, activity))
)
select total.*, model.seconds as target_seconds, registered.step_no, registered.owner
from total
inner join process_model as model on model.workflow = total.workflow and model.activity = total.activity
inner join staging.registry_step as registered on registered.workflow = total.workflow and registered.activity = total.activity
"""


def conformance_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], cuts: Mapping[str, datetime], threshold: int
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The cases on and off the path, to stand beside the other totals of a workflow, and the tables `NAMES`.

    `cuts` says by workflow until when its cases are known. `models.process.sequence` has run, with the groups of
    `models.conformance.GROUPS`.
    """
    db.execute(_MODEL)
    db.execute(_CUTS, {"workflow": list(cuts), "as_of": list(cuts.values())})
    judge(db)
    cases, deviation, rule = (over_windows(db, query, window_list) for query in (_CASES, _DEVIATIONS, _WAITS))
    axis = deviation.select(*KEYS, axis=pl.concat_str("kind", "activity", separator="\n"))
    deviation = without_numbers(deviation, hidden(axis, "axis", threshold), ("kind", "activity"))
    labels = ("activity", "target_seconds", "step_no", "owner")
    rule = without_numbers(rule, hidden(rule.select(*KEYS, "activity"), "activity", threshold), labels)
    return cases, dict(zip(NAMES, (deviation, rule), strict=True))
