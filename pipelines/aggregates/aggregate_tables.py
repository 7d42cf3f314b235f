"""The tables of the aggregates folder, made from the marts and made visible to DuckDB so that they can be kept as
files.

Here: putting together what `aggregate`, `signals` and `channels` compute, with small numbers hidden. Not here: their
arithmetic.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from models.kpis import KPIS
from pipelines import effective, rebuilding
from pipelines.aggregates import (
    aggregate,
    backlogs,
    channels,
    edge_delays,
    exception_tables,
    flow_history,
    incident_tables,
    kpi_delays,
    lost_tables,
    periods,
    pilots,
    process_tables,
    quality_tables,
    reach_tables,
    signals,
    standing,
    wait_tables,
)
from pipelines.aggregates.hiding import hide_small_numbers
from pipelines.aggregates.periods import signal_weeks
from pipelines.aggregates.standing import Standing
from pipelines.code import code_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import duckdb

    from data_quality.run import Verdict
    from models.publication import SourceState
    from pipelines.settings import Settings

NOTHING = Standing()
GROUPS: Mapping[str, Sequence[str]] = {
    "workflows": (*process_tables.NAMES, edge_delays.NAME),
    "delays": wait_tables.NAMES,
    "times": (kpi_delays.NAME,),
    "exceptions": ("exception_count",),
    "lost": (lost_tables.NAME,),
    "reach": (reach_tables.NAME,),
}
"""Tables that are computed together, at some cost, and taken over while what they read has not changed."""
READ_BY: Mapping[str, Sequence[str]] = {
    "workflows": (
        "marts.workflow_event",
        "marts.workflow_case",
        "marts.case_deviation",
        "marts.step_wait",
        "marts.work_span",
        "marts.step_role",
        "marts.wait",
        "marts.wait_part",
        "marts.process_case",
        "staging.registry_step",
    ),
    "delays": ("marts.wait", "marts.wait_part"),
    "times": kpi_delays.READS,
    "exceptions": exception_tables.READS,
    "lost": (
        "marts.lost_time",
        "marts.result_opening",
        "marts.wait_part",
        "staging.registry_step",
        "staging.registry_interface",
    ),
    "reach": (
        "marts.message",
        "marts.message_delivery",
        "marts.handover",
        "marts.wait",
        "marts.wait_part",
        "staging.registry_record",
    ),
}
"""What the queries of each group read."""
NAMES = (
    *standing.TABLES,
    "backlog_week",
    "backlog_age",
    "exception_count",
    "pilot_result",
    "pilot_week",
    channels.NAME,
    "incident_impact",
    *flow_history.NAMES,
    lost_tables.NAME,
    reach_tables.NAME,
    "check_result",
    "ledger_total",
    "source_freshness",
    *process_tables.NAMES,
    *wait_tables.NAMES,
    kpi_delays.NAME,
    edge_delays.NAME,
    *quality_tables.NAMES,
)
LEDGER_QUERY = """
    select
        source,
        kind,
        resource_type,
        count(*) as files,
        sum(lines_read)::bigint as lines_read,
        sum(loaded)::bigint as loaded,
        sum(unchanged)::bigint as unchanged,
        sum(superseded)::bigint as superseded,
        sum(ignored)::bigint as ignored,
        sum(quarantined)::bigint as quarantined,
        max(exported_at) as last_exported_at
    from account.file
    group by source, kind, resource_type
"""


@contextmanager
def registered(
    db: duckdb.DuckDBPyConnection,
    settings: Settings,
    verdict: Verdict,
    decisions: Sequence[effective.Decided],
    sources: Sequence[SourceState],
    cuts: Mapping[str, datetime],
    say: Callable[[str], None],
    still: Standing = NOTHING,
) -> Iterator[Mapping[str, str]]:
    """Every aggregate by its published name, as the name of a relation that this connection can read; gone
    afterwards. The rows of KPIs in `still` are taken over; its tables are not made.
    """
    frames = kpi_tables(db, settings, verdict, decisions, cuts, say, still)
    frames |= {"check_result": _check_results(verdict), "source_freshness": _freshness(sources)}
    as_of = max(cuts.values())
    windows = aggregate.window_list(as_of)
    if not still.has(GROUPS["exceptions"]):
        counts = exception_tables.exception_counts(db, as_of.date(), settings.suppress_below)
        frames["exception_count"] = counts
    if not still.has(GROUPS["workflows"]):
        say("computing workflows")
        frames |= process_tables.process_tables(db, windows, settings.suppress_below, _known(cuts))
        frames[edge_delays.NAME] = edge_delays.delay_edges(db, windows, frames["process_edge"])
    if not still.has(GROUPS["delays"]):
        say("computing delays")
        frames |= wait_tables.wait_tables(db, windows, settings.suppress_below)
    if not still.has(GROUPS["times"]):
        say("computing where the time of KPIs went")
        frames[kpi_delays.NAME] = kpi_delays.kpi_delays(db, windows, cuts, frames["kpi_value"], settings.suppress_below)
    newest = periods.windows(as_of)[::2]
    if not still.has(GROUPS["lost"]):
        frames[lost_tables.NAME] = lost_tables.lost_total(db, newest, settings.suppress_below)
    if not still.has(GROUPS["reach"]):
        frames[reach_tables.NAME] = reach_tables.channel_reach(db, newest, settings.suppress_below)
    for name, frame in frames.items():
        db.register(f"aggregate_{name}", frame.to_arrow())
    channels.fill(db, windows, as_of)
    flow_history.fill(db, windows, as_of)
    incident_tables.fill(db, settings.suppress_below)
    db.execute(f"create or replace temp table aggregate_ledger_total as {LEDGER_QUERY}")
    try:
        with quality_tables.made(db):
            yield {name: f"aggregate_{name}" for name in NAMES if name not in still.tables}
    finally:
        for name in frames:
            db.unregister(f"aggregate_{name}")
        for name in (channels.NAME, "incident_impact", *flow_history.NAMES, "ledger_total"):
            db.execute(f"drop table if exists aggregate_{name}")


def inputs_of_groups(
    db: duckdb.DuckDBPyConnection, settings: Settings, cuts: Mapping[str, datetime]
) -> dict[str, str | None]:
    """By group the digest of all that its tables depend on; null where that is not known."""
    as_of = max(cuts.values())
    same_for_all = [code_digest(), settings.zone, settings.suppress_below, as_of.date(), _known(cuts)]
    contents = {group: [rebuilding.content_of(db, name) for name in reads] for group, reads in READ_BY.items()}
    return {
        group: None if None in found else rebuilding.digest(*same_for_all, found, aggregate.window_list(as_of))
        for group, found in contents.items()
    }


def _known(cuts: Mapping[str, datetime]) -> dict[str, datetime]:
    """Until when the cases of each workflow are known: no longer than their steps are."""
    steps = cuts["workflow_event"]
    return {workflow: min(cuts[mart], steps) for workflow, mart in process_tables.KNOWN_WITH.items()}


def kpi_tables(
    db: duckdb.DuckDBPyConnection,
    settings: Settings,
    verdict: Verdict,
    decisions: Sequence[effective.Decided],
    cuts: Mapping[str, datetime],
    say: Callable[[str], None] = lambda _step: None,
    still: Standing = NOTHING,
) -> dict[str, pl.DataFrame]:
    """Values, exclusions, readiness and signals of every KPI; windows are the same for all, before the newest data
    cut.
    """
    as_of = max(cuts.values())
    spans = aggregate.window_list(as_of)
    whole = {each.id: each.target for each in effective.kpi_settings(settings, decisions)}
    by_facility = effective.facility_targets(decisions)
    rebased = effective.rebased(decisions)
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in standing.TABLES}
    found_inputs = aggregate.inputs(db, list(KPIS.values()), cuts)

    def computed(each: aggregate.Input) -> dict[str, pl.DataFrame]:
        counts = aggregate.kpi_counts(each, spans, verdict)
        values = hide_small_numbers(each.kpi, counts["kpi_value"], settings.suppress_below)
        targets = {None: whole[each.kpi.id], **by_facility.get(each.kpi.id, {})}
        return counts | {
            "kpi_value": values,
            "kpi_signal": signals.kpi_signals(each.kpi, values, signal_weeks(as_of), targets, rebased),
        }

    with ThreadPoolExecutor(settings.threads) as pool:  # Polars leaves Python's lock to the others while it works
        coming = {each.kpi.id: pool.submit(computed, each) for each in found_inputs if each.kpi.id not in still.kpis}
        for each in found_inputs:
            kpi = each.kpi.id
            say(f"computing {kpi}" if kpi in coming else f"keeping {kpi}")
            found = coming[kpi].result() if kpi in coming else {name: still.of(name, kpi) for name in parts}
            for name, several in parts.items():
                several.append(found[name])
    tables = {name: pl.concat(found) for name, found in parts.items()}
    say("evaluating pilots")
    piloted = pilots.pilot_tables(db, found_inputs, tables["kpi_value"], tables["readiness"], settings.suppress_below)
    return tables | backlogs.backlog_tables(found_inputs) | piloted


def _check_results(verdict: Verdict) -> pl.DataFrame:
    return pl.DataFrame(
        [vars(outcome) | {"kpis": list(outcome.kpis)} for outcome in verdict.outcomes],
        schema={
            "table": pl.String,
            "expectation": pl.String,
            "column": pl.String,
            "why": pl.String,
            "severity": pl.String,
            "passed": pl.Boolean,
            "unexpected_share": pl.Float64,
            "kpis": pl.List(pl.String),
        },
        orient="row",
    )


def _freshness(sources: Sequence[SourceState]) -> pl.DataFrame:
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        [vars(source) for source in sources],
        schema={
            "source": pl.String,
            "as_of": instant,
            "last_file_at": instant,
            "expected_every_hours": pl.Float64,
            "is_late": pl.Boolean,
        },
        orient="row",
    )
