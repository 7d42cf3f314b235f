"""How the wait for a step changes from week to week, and what it would have taken at the level of one of its best weeks.

Here: DuckDB SQL over the temporary tables of `models.process.sequence`, made with the groups workflow, facility, is_case_open and
case_date. Not here: what a wait is (`models.process`), windows and small numbers (`pipelines.aggregates.spectrum_tables`).

A wait counts in the local week in which its case began. *The best quartile week* of some weeks is, of those with at least `ENOUGH`
waits, the one that a quarter of them reach: the weeks are ranked by their mean wait and the first is taken at or above a quarter of
their number; of four weeks the best one, of thirteen the fourth best. Fewer than `FEWEST` such weeks have none.

*What if* every week had been like it: the number of waits times that week's mean wait, taken from what they did take. The mean, not the
median: a few long waits are most of the hours, and with the median even the best week would seem to save.
"""

import duckdb

ENOUGH = 10
FEWEST = 4
EDGE_SHARE = 0.01
"""An edge with a smaller share of the steps of its workflow has no weeks."""

_WEEKS = """
create or replace temp table spectrum_week as
with usual as (
    select workflow, code, next_code
    from process_step where next_code is not null
    group by workflow, code, next_code
    qualify count(*) >= $share * sum(count(*)) over (partition by workflow)
), wait as (
    select
        workflow,
        facility,
        code,
        next_code,
        case_key,
        date_trunc('week', case_date)::date as week,
        wait_us
    from process_step
    inner join usual using (workflow, code, next_code)
    where case_date >= $start and case_date < $end
), counted as (
    select
        workflow,
        facility,
        code,
        next_code,
        week,
        count(*) as count,
        count(distinct case when not list_contains($about_things, workflow) then case_key end) as cases,
        avg(wait_us) / 1e6 as mean_seconds,
        quantile_cont(wait_us, [0.25, 0.5, 0.75, 0.9]) as quantiles
    from wait
    group by grouping sets ((workflow, facility, code, next_code, week), (workflow, code, next_code, week))
)
select
    counted.workflow,
    counted.facility,
    before.activity as activity,
    after.activity as next_activity,
    counted.week,
    counted.count,
    counted.cases,
    counted.mean_seconds,
    counted.quantiles[1] / 1e6 as wait_p25_seconds,
    counted.quantiles[2] / 1e6 as wait_median_seconds,
    counted.quantiles[3] / 1e6 as wait_p75_seconds,
    counted.quantiles[4] / 1e6 as wait_p90_seconds
from counted
inner join process_activity as before on before.code = counted.code
inner join process_activity as after on after.code = counted.next_code
"""
_BEST = """
with ranked as (
    select
        *,
        row_number() over edge as place,
        count(*) over (partition by workflow, facility, activity, next_activity) as weeks
    from spectrum_week
    where week >= $start and week < $end and count >= $enough
    window edge as (partition by workflow, facility, activity, next_activity order by mean_seconds, week)
)
select
    workflow,
    facility,
    activity,
    next_activity,
    week as best_week,
    mean_seconds as best_week_mean_seconds
from ranked
where place = ceil(weeks / 4.0) and weeks >= $fewest
"""


def weeks(db: duckdb.DuckDBPyConnection, start: object, end: object, about_things: tuple[str, ...]) -> None:
    """Fill the temporary table `spectrum_week`: one row per workflow, facility (null: all), edge and week from `start` to before `end`.

    `cases` tells how many people there are behind the row: 0 in workflows of `about_things`.
    """
    db.execute(_WEEKS, {"share": EDGE_SHARE, "start": start, "end": end, "about_things": list(about_things)})


def best_weeks(db: duckdb.DuckDBPyConnection, start: object, end: object) -> duckdb.DuckDBPyRelation:
    """The best quartile week of each edge and facility (null: all) among the weeks from `start` to before `end`, and its mean wait."""
    return db.sql(_BEST, params={"start": start, "end": end, "enough": ENOUGH, "fewest": FEWEST})
