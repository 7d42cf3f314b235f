"""How work moves through the hospital's workflows: edges, paths and totals by facility and window, for the aggregates folder.

Here: `marts.workflow_event` through `models.process`, once for all windows, and small numbers hidden. Not here: what an
edge or a wait is (`models.process`), what a step is (`models/sql/marts/workflow_event.sql`).

A case belongs to the window in which it began. Null `facility` means all of them.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from models.disclosure import Cell, suppress
from models.process import EDGE_COLUMNS, edge_query, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from pipelines.periods import Window

NAMES = ("process_summary", "process_edge", "process_variant")
ABOUT_PEOPLE = ("ed-to-bed", "order-to-acknowledged-result", "discharge")
"""Workflows whose cases are people; numbers of messages are never hidden."""
TOLD_APART = 20
RARE = 0.005
"""Paths of a workflow that are published one by one, those with most cases and at least this share of all; the others
are one row without a path. Rare paths told apart would take the usual ones with them when small numbers are hidden.
"""

_GROUPS = ("workflow", "facility", "is_case_open", "case_date")
_SOURCE = """
create or replace temp view process_source as
select workflow, facility, is_case_open, case_date, case_key, activity, occurred_at, activity_rank as tie, started_at
from marts.workflow_event
"""
_TARGETS = """
create or replace temp view process_target as
select workflow, activity as next_activity, window_minutes * 60 as seconds from staging.registry_step where window_minutes > 0
"""
_IN_WINDOW = "($start is null or case_date >= $start) and ($end is null or case_date < $end)"
_EDGE_COLUMNS = (
    f"nullif(count(distinct case when step.workflow in {ABOUT_PEOPLE} then case_key end), 0) as cases, {EDGE_COLUMNS}"
)
"""Cases are told apart where they are people: of messages it is null: there are many, and none is hidden."""

_SUMMARY = f"""
select
    workflow,
    facility,
    count(*) as cases,
    count(*) filter (where is_case_open) as open_cases,
    sum(len(path))::bigint as events,
    count(distinct path) as variants,
    count(*) filter (where len(list_distinct(path)) < len(path)) as rework_cases,
    quantile_cont(last_us - first_us, 0.5) filter (where not is_case_open) / 1e6 as throughput_median_seconds,
    quantile_cont(last_us - first_us, 0.9) filter (where not is_case_open) / 1e6 as throughput_p90_seconds,
    avg(last_us - first_us) filter (where not is_case_open) / 1e6 as throughput_mean_seconds
from process_trace where {_IN_WINDOW}
group by grouping sets ((workflow, facility), (workflow))
"""
_VARIANTS = f"""
with told_apart as (
    select workflow, path from process_trace group by workflow, path
    qualify row_number() over (partition by workflow order by count(*) desc, path) <= {TOLD_APART}
        and count(*) >= {RARE} * sum(count(*)) over (partition by workflow)
), trace as (
    select process_trace.workflow, facility, told_apart.path
    from process_trace left join told_apart
        on told_apart.workflow = process_trace.workflow and told_apart.path = process_trace.path
    where {_IN_WINDOW}
), variant as (
    select workflow, facility, path, count(*) as cases
    from trace group by grouping sets ((workflow, facility, path), (workflow, path))
), name as (
    select map_from_entries(list((code, activity))) as of_code from process_activity
)
select workflow, facility, list_transform(path, lambda code: of_code[code]) as path, cases from variant, name
"""
_SHOWN = ("workflow", "facility", "grain", "period", "period_end", "suppressed")
_LABELS = ("activity", "next_activity", "path", "owner", "target_seconds")


def process_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], suppress_below: int
) -> dict[str, pl.DataFrame]:
    """The tables `NAMES`, with a column `suppressed`; where it is true every number of the row is null."""
    db.execute(_SOURCE)
    sequence(db, "process_source", groups=_GROUPS)
    db.execute(_TARGETS)
    edges = edge_query(
        groups=("workflow", "facility"),
        totals=True,
        same=("workflow", "next_activity"),
        condition=_IN_WINDOW,
        columns=_EDGE_COLUMNS,
    )
    summary, edge, variant = (_over_windows(db, query, window_list) for query in (_SUMMARY, edges, _VARIANTS))
    owners = db.sql("select workflow, activity as next_activity, owner from staging.registry_step").pl()
    edge = edge.rename({"from": "activity", "to": "next_activity"}).join(
        owners, on=["workflow", "next_activity"], how="left"
    )
    summary, variant = _hide_cases(summary, variant, suppress_below)
    return dict(zip(NAMES, (summary, _hide_edges(edge, suppress_below), variant), strict=True))


def _over_windows(db: duckdb.DuckDBPyConnection, query: str, window_list: Sequence[Window]) -> pl.DataFrame:
    parts: list[pl.DataFrame] = []
    for each in window_list:
        found = db.sql(query, params={"start": each.start, "end": each.end}).pl()
        span = {"period": pl.lit(each.start, pl.Date), "period_end": pl.lit(each.end, pl.Date)}
        parts.append(found.with_columns(grain=pl.lit(each.name), **span))
    return pl.concat(parts)


def _hide_cases(summary: pl.DataFrame, variant: pl.DataFrame, threshold: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases by path add up to the cases of the summary, so both are judged together."""
    parts = pl.concat(
        [
            summary.select(_KEYS).with_columns(path=pl.lit(None, pl.String)),
            variant.select(*_KEYS, path=_one_text("path")),
        ]
    )
    hidden = _hidden(parts, "path", threshold)
    return _without_numbers(summary, hidden[: summary.height]), _without_numbers(variant, hidden[summary.height :])


def _hide_edges(edge: pl.DataFrame, threshold: int) -> pl.DataFrame:
    parts = edge.select(*_KEYS, path=pl.concat_str("activity", "next_activity", separator="\n"))
    return _without_numbers(edge, _hidden(parts, "path", threshold))


_KEYS = ("workflow", "facility", "grain", "period", "period_end", "cases")


def _one_text(column: str) -> pl.Expr:
    return pl.col(column).list.join("\n").fill_null("others")


def _hidden(parts: pl.DataFrame, axis: str, threshold: int) -> list[bool]:
    """For each row whether it must be hidden: workflow by workflow, over facilities, the axis and the windows."""
    found = [False] * parts.height
    rows = parts.to_dicts()
    for workflow in ABOUT_PEOPLE:
        places = [number for number, row in enumerate(rows) if row["workflow"] == workflow]
        cells = [_cell(rows[number], axis) for number in places]
        for number, cell in zip(places, suppress(cells, threshold), strict=True):
            found[number] = cell.suppressed
    return found


def _cell(row: Mapping[str, Any], axis: str) -> Cell:
    start, end = row["period"] or date.min, row["period_end"] or date.max
    return Cell((row["facility"], row[axis]), row["grain"], start, end, row["cases"])


def _without_numbers(frame: pl.DataFrame, hidden: Sequence[bool]) -> pl.DataFrame:
    numbers = [name for name in frame.columns if name not in (*_SHOWN, *_LABELS)]
    return frame.with_columns(suppressed=pl.Series(hidden, dtype=pl.Boolean)).with_columns(
        pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in numbers
    )
