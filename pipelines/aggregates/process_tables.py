"""How work moves through the hospital's workflows: edges, paths and totals by facility and window, for the aggregates folder.

Here: `marts.workflow_event` through `models.process`, once for all windows, and small numbers hidden. Not here: what an
edge or a wait is (`models.process`), what a step is (`models/sql/marts/workflow_event.sql`).

A case belongs to the window in which it began. Null `facility` means all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.process import EDGE_COLUMNS, edge_query, sequence
from pipelines.aggregates import conformance_tables, spectrum_tables, waiting_tables
from pipelines.aggregates.process_periods import ABOUT_THINGS, IN_WINDOW, KEYS, hidden, over_windows, without_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import duckdb

    from pipelines.aggregates.periods import Window

NAMES = (
    *("process_summary", "process_edge", "process_variant"),
    *conformance_tables.NAMES,
    *spectrum_tables.NAMES,
    *waiting_tables.NAMES,
)
KNOWN_WITH = {
    "ed-to-bed": "ed_attendance",
    "order-to-acknowledged-result": "lab_order",
    "discharge": "inpatient_stay",
    "message-delivery": "message_delivery",
}
"""The cases of a workflow are known as long as those of this mart."""
GROUPS = ("workflow", "facility", "is_case_open", "case_date")
TOLD_APART = 20
RARE = 0.005
"""Paths of a workflow that are published one by one, those with most cases and at least this share of all; the others
are one row without a path. Rare paths told apart would take the usual ones with them when small numbers are hidden.
"""

_SOURCE = """
create or replace temp view process_source as
select workflow, facility, is_case_open, case_date, case_key, activity, occurred_at, activity_rank as tie, started_at
from marts.workflow_event
"""
_TARGETS = """
create or replace temp view process_target as
select workflow, activity as next_activity, window_minutes * 60 as seconds from staging.registry_step where window_minutes > 0
"""
(MESSAGES,) = ABOUT_THINGS
_EDGE_COLUMNS = (
    f"nullif(count(distinct case when step.workflow <> '{MESSAGES}' then case_key end), 0) as cases, {EDGE_COLUMNS}"
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
from process_trace where {IN_WINDOW}
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
    where {IN_WINDOW}
), variant as (
    select workflow, facility, path, count(*) as cases
    from trace group by grouping sets ((workflow, facility, path), (workflow, path))
), name as (
    select map_from_entries(list((code, activity))) as of_code from process_activity
)
select workflow, facility, list_transform(path, lambda code: of_code[code]) as path, cases from variant, name
"""
_ADDED_OVER_EDGES = ("events", "throughput_mean_seconds")
"""What of a workflow as a whole is the sum over its edges."""
_LABELS = ("activity", "next_activity", "path", "owner", "target_seconds")


def process_tables(
    db: duckdb.DuckDBPyConnection,
    window_list: Sequence[Window],
    suppress_below: int,
    cuts: Mapping[str, datetime] | None = None,
) -> dict[str, pl.DataFrame]:
    """The tables `NAMES`; where their column `suppressed` is true every number of the row is null.

    `cuts` says by workflow until when its cases are known; without one, work of it that nobody has begun is left out.
    """
    db.execute(_SOURCE)
    sequence(db, "process_source", groups=GROUPS)
    db.execute(_TARGETS)
    edges = edge_query(
        groups=("workflow", "facility"),
        totals=True,
        same=("workflow", "next_activity"),
        condition=IN_WINDOW,
        columns=_EDGE_COLUMNS,
    )
    summary, edge, variant = (over_windows(db, query, window_list) for query in (_SUMMARY, edges, _VARIANTS))
    on_path, conformance = conformance_tables.conformance_tables(db, window_list, suppress_below)
    summary = summary.join(on_path, on=[key for key in KEYS if key != "cases"], how="left", nulls_equal=True)
    owners = db.sql("select workflow, activity as next_activity, owner from staging.registry_step").pl()
    edge = edge.rename({"from": "activity", "to": "next_activity"}).join(
        owners, on=["workflow", "next_activity"], how="left"
    )
    week, best = spectrum_tables.spectrum_tables(db, window_list, suppress_below)
    edge = spectrum_tables.with_what_if(edge, best)
    moves = summary.select(*KEYS, moves=pl.col("events") - pl.col("cases"))
    summary, variant = _hide_cases(summary, variant, suppress_below)
    edge, told = _hide_edges(edge, moves.with_columns(summary["suppressed"]), suppress_below)
    return {
        "process_summary": summary.with_columns(
            pl.when(pl.Series(told, dtype=pl.Boolean)).then(pl.col(name)).alias(name) for name in _ADDED_OVER_EDGES
        ),
        "process_edge": edge,
        "process_variant": variant,
        "process_week": week,
        **conformance,
        **waiting_tables.waiting_tables(db, window_list, (cuts or {}).get("discharge"), suppress_below),
    }


def _hide_cases(summary: pl.DataFrame, variant: pl.DataFrame, threshold: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases by path add up to the cases of the summary, so both are judged together."""
    parts = pl.concat(
        [
            summary.select(KEYS).with_columns(path=pl.lit(None, pl.String)),
            variant.select(*KEYS, path=pl.col("path").list.join("\n").fill_null("others")),
        ]
    )
    found = hidden(parts, "path", threshold)
    return (
        without_numbers(summary, found[: summary.height]),
        without_numbers(variant, found[summary.height :], _LABELS),
    )


def _hide_edges(edge: pl.DataFrame, moves: pl.DataFrame, threshold: int) -> tuple[pl.DataFrame, list[bool]]:
    """The edges without those of few cases, and for each row of `moves` whether it can be shown beside them.

    How often an edge was taken adds up to all `moves` of a workflow, which its events and cases tell.
    """
    parts = pl.concat(
        [
            moves.select(*KEYS[:-1], cases="moves", people="cases", gone="suppressed", path=pl.lit(None, pl.String)),
            edge.select(
                *KEYS[:-1],
                cases="count",
                people=pl.col("cases"),
                gone=pl.lit(value=False),
                path=pl.concat_str("activity", "next_activity", separator="\n"),
            ),
        ]
    )
    found = hidden(parts, "path", threshold)
    return without_numbers(edge, found[moves.height :], _LABELS), [not is_hidden for is_hidden in found[: moves.height]]
