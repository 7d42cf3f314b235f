"""What the interface tables share: how deliveries are counted, and one table filled for several windows.

Here: fragments of SQL over `marts.message_delivery`, and the one way to run a query for each window. Not here: the tables (`channels`,
`flow_history`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

COUNTS = """
    count(*) as deliveries,
    count(*) filter (where is_delivered) as delivered,
    count(*) filter (where is_first_attempt_failed) as failed_first,
    count(*) filter (where is_failed) as failed_final,
    count(*) filter (where is_retried) as retried,
    count(*) filter (where is_delivered and ack_latency_ms is null) as ack_unknown,
"""
"""Deliveries by outcome. `failed_first`: the first attempt did not succeed."""


def percentiles(latency: str) -> str:
    """The median, the 95th and the 99th percentile of `<latency>_latency_ms`, in milliseconds, named `<latency>_p50_ms` and so on."""
    levels = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return ",\n    ".join(
        f"round(quantile_cont({latency}_latency_ms, {level}), 3) as {latency}_{name}_ms"
        for name, level in levels.items()
    )


WINDOW = """
    $name::varchar as grain,
    $start::date as period,
    $end::date as period_end,
"""
"""The columns that say of which window a row is."""


def within(date_column: str) -> str:
    """The condition that a local day lies in the window."""
    return f"($start is null or {date_column} >= $start) and ($end is null or {date_column} < $end)"


def fill(db: duckdb.DuckDBPyConnection, name: str, query: str, several: Iterable[Mapping[str, object]]) -> None:
    """Make the temporary table `aggregate_<name>`: the rows of the query, run with each of these values."""
    for position, values in enumerate(several):
        verb = "insert into" if position else "create or replace temp table"
        db.execute(f"{verb} aggregate_{name} {'' if position else 'as'} {query}", dict(values))


def bound(windows: Sequence[Window], **more: object) -> list[dict[str, object]]:
    """What a query that names `WINDOW` is run with, for each window."""
    return [{"name": each.name, "start": each.start, "end": each.end, **more} for each in windows]
