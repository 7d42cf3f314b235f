"""Conformance to the registered path by facility and window: cases on and off it, what the others did, which steps came in time.

Here: counts of `marts.workflow_case`, `case_deviation` and `step_wait`, once for all windows, and small numbers hidden. Not here: what it
means to keep to the path or to be within a window (those marts), the path itself (the hospital's registry.toml).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.aggregates.process_periods import IN_WINDOW, KEYS, hidden, over_windows, without_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

NAMES = ("process_deviation", "process_rule")

_CASES = f"""
select
    workflow,
    facility,
    count(*) filter (where is_on_path and is_path_known) as on_path_cases,
    count(*) filter (where is_settled and not is_on_path and is_path_known) as off_path_cases,
    count(*) filter (where not is_path_known) as unknown_path_cases
from marts.workflow_case where {IN_WINDOW}
group by grouping sets ((workflow, facility), (workflow))
"""
_DEVIATIONS = f"""
select workflow, facility, kind, activity, count(*) as cases
from marts.case_deviation
inner join marts.workflow_case using (workflow, case_key, facility, case_date)
where is_path_known and {IN_WINDOW}
group by grouping sets ((workflow, facility, kind, activity), (workflow, kind, activity))
"""
_WAITS = f"""
with total as (
    select
        workflow,
        facility,
        activity,
        count(distinct case_key) as cases,
        count(*) filter (where is_settled) as count,
        count(*) filter (where is_settled and is_within) as within_count,
        count(*) filter (where is_settled and is_open) as open_late_count,
        count(*) filter (where not is_settled) as undecided_count
    from marts.step_wait where is_path_known and {IN_WINDOW}
    group by grouping sets ((workflow, facility, activity), (workflow, activity))
)
select total.*, registered.window_minutes * 60 as target_seconds, registered.step_no, registered.owner
from total
inner join staging.registry_step as registered on registered.workflow = total.workflow and registered.activity = total.activity
"""


def conformance_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], threshold: int
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The cases on and off the path, to stand beside the other totals of a workflow, and the tables `NAMES`."""
    cases, deviation, rule = (over_windows(db, query, window_list) for query in (_CASES, _DEVIATIONS, _WAITS))
    axis = deviation.select(*KEYS, axis=pl.concat_str("kind", "activity", separator="\n"))
    deviation = without_numbers(deviation, hidden(axis, "axis", threshold), ("kind", "activity"))
    labels = ("activity", "target_seconds", "step_no", "owner")
    rule = without_numbers(rule, hidden(rule.select(*KEYS, "activity"), "activity", threshold), labels)
    return cases, dict(zip(NAMES, (deviation, rule), strict=True))
