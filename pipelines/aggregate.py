"""Every KPI over every grouping and period that readers ask for, from the marts to plain tables: what the aggregates
folder holds.

Here: which selections are evaluated, and the shape of the rows. Not here: any KPI's arithmetic (`models.kpi`), the
rule by which small numbers are hidden (`models.disclosure`), files (`pipelines.publish`).

Null `facility` or `unit` means all of them. Everything is computed from Polars frames that hold only the columns a
KPI reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import polars as pl

from models.backlog import CALENDAR
from models.kpi import Selection, evaluate, exclusion_counts
from models.readiness import FailedCheck, assess
from pipelines.periods import GRAINS, Grain, Window, first_incomplete_day, period_end, windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import duckdb

    from data_quality.run import Verdict
    from models.kpi import Kpi

GROUPINGS: tuple[tuple[str, ...], ...] = ((), ("facility",), ("unit",), ("facility", "unit"))

VALUE_SCHEMA: dict[str, pl.DataType] = {
    "kpi": pl.String(),
    "facility": pl.String(),
    "unit": pl.String(),
    "grain": pl.String(),
    "period": pl.Date(),
    "period_end": pl.Date(),
    "value": pl.Float64(),
    "numerator": pl.Float64(),
    "denominator": pl.Int64(),
    "open_cases": pl.Int64(),
    "is_complete": pl.Boolean(),
}
EXCLUSION_SCHEMA: dict[str, pl.DataType] = {
    "kpi": pl.String(),
    "facility": pl.String(),
    "unit": pl.String(),
    "grain": pl.String(),
    "period": pl.Date(),
    "period_end": pl.Date(),
    "rule": pl.String(),
    "n": pl.Int64(),
}
READINESS_SCHEMA: dict[str, pl.DataType] = {
    "kpi": pl.String(),
    "facility": pl.String(),
    "grain": pl.String(),
    "period": pl.Date(),
    "period_end": pl.Date(),
    "state": pl.String(),
    "why": pl.List(pl.String()),
    "inputs": pl.String(),
    "resolution_minutes": pl.Float64(),
}


@dataclass(frozen=True)
class Input:
    """One KPI with the rows it is counted from, the data cut of those rows, and the local day of the first one."""

    kpi: Kpi
    mart: nw.LazyFrame
    as_of: datetime
    first_day: date

    def all_time(self) -> tuple[date, date]:
        """The days that "everything up to the data cut" covers; the second is exclusive."""
        until = first_incomplete_day(self.as_of)
        return self.first_day, max(until, self.first_day)


def inputs(db: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], as_of: Mapping[str, datetime]) -> list[Input]:
    """Each KPI with its mart's rows; a mart is read once, and only the columns that some KPI needs. `as_of` is by
    mart.
    """
    wanted: dict[str, set[str]] = {}
    for kpi in kpis:
        wanted.setdefault(kpi.mart, set()).update(kpi.columns)
    frames = {mart: _frame(db, mart, columns) for mart, columns in wanted.items()}
    return [_input(kpi, frames[kpi.mart], as_of[kpi.mart]) for kpi in kpis]


def _frame(db: duckdb.DuckDBPyConnection, mart: str, columns: set[str]) -> pl.DataFrame:
    listed = ", ".join(f'"{name}"' for name in sorted(columns | {"facility", "unit"}))
    return db.sql(f"select {listed} from marts.{mart} order by all").pl()


def _input(kpi: Kpi, frame: pl.DataFrame, as_of: datetime) -> Input:
    first = frame[f"{kpi.clock}_date"].min()
    return Input(kpi, nw.from_native(frame.lazy()), as_of, first if first is not None else as_of.date())  # pyright: ignore[reportArgumentType]


def kpi_values(each: Input, window_list: Sequence[Window]) -> pl.DataFrame:
    """Rows of `VALUE_SCHEMA`: every grouping by day, week and month, over each window, and over all time."""
    parts: list[pl.DataFrame] = []
    for by in _groupings(each.kpi):
        for grain in _grains(each.kpi, by):
            found = _collect(each, Selection(by=by, grain=grain))
            ends = [period_end(grain, period) for period in found["period"]]
            parts.append(
                _shaped(each, found.with_columns(grain=pl.lit(grain), period_end=pl.Series(ends, dtype=pl.Date)))
            )
        for window in window_list:
            found = _collect(each, Selection(by=by, start=window.start, end=window.end))
            start, end = _span(each, window)
            parts.append(
                _shaped(
                    each, found.with_columns(grain=pl.lit(window.name), period=pl.lit(start), period_end=pl.lit(end))
                )
            )
    return pl.concat(parts)


def _groupings(kpi: Kpi) -> list[tuple[str, ...]]:
    return [by for by in GROUPINGS if set(by) <= set(kpi.dimensions)]


def _grains(kpi: Kpi, by: tuple[str, ...]) -> tuple[Grain, ...]:
    """A unit's days hold few people and would have to be hidden nearly all; units have weeks and longer."""
    return tuple(grain for grain in GRAINS if not (kpi.about_people and grain == "day" and "unit" in by))


def _collect(each: Input, selection: Selection) -> pl.DataFrame:
    return evaluate(each.kpi, each.mart, selection, as_of=each.as_of).collect("polars").to_native()


def _shaped(each: Input, found: pl.DataFrame) -> pl.DataFrame:
    """The evaluated rows in the published shape. Rounded far below any meaning, because a sum of doubles depends on
    its order.
    """
    complete_until = first_incomplete_day(each.as_of)
    missing = [pl.lit(None, dtype=pl.String).alias(name) for name in ("facility", "unit") if name not in found.columns]
    return found.with_columns(
        pl.lit(each.kpi.id).alias("kpi"),
        *missing,
        pl.col("value").round(6),
        pl.col("numerator").round(3),
        ((pl.col("period_end") <= complete_until) & (pl.col("period") >= each.first_day)).alias("is_complete"),
    ).select(pl.col(name).cast(kind) for name, kind in VALUE_SCHEMA.items())


def _span(each: Input, window: Window) -> tuple[date, date]:
    first, until = each.all_time()
    return window.start or first, window.end or until


def kpi_exclusions(each: Input, window_list: Sequence[Window]) -> pl.DataFrame:
    """Rows of `EXCLUSION_SCHEMA`: how many cases each rule left out, by grouping, in each window and over all time."""
    rows: list[dict[str, object]] = []
    if each.kpi.exclusions:
        for by in _groupings(each.kpi):
            for window in window_list:
                start, end = _span(each, window)
                fixed = {"kpi": each.kpi.id, "grain": window.name, "period": start, "period_end": end}
                counted = exclusion_counts(each.kpi, each.mart, Selection(by=by, start=window.start, end=window.end))
                rows += [{"facility": None, "unit": None, **row, **fixed} for row in counted]
    return pl.DataFrame(rows, schema=EXCLUSION_SCHEMA, orient="row")


def kpi_readiness(each: Input, window_list: Sequence[Window], verdict: Verdict) -> pl.DataFrame:
    """Rows of `READINESS_SCHEMA`: each window and all time, for all facilities together and each by itself."""
    failed = [
        FailedCheck(
            outcome.table, outcome.column, f"A check failed on {outcome.table}: {outcome.expectation}. {outcome.why}"
        )
        for outcome in verdict.content_failures
        if each.kpi.id in outcome.kpis
    ]
    facilities = each.mart.select("facility").unique().collect("polars").to_native()["facility"].drop_nulls().sort()
    rows: list[dict[str, object]] = []
    for facility in [None, *facilities]:
        where = {} if facility is None else {"facility": (facility,)}
        for window in window_list:
            start, end = _span(each, window)
            found = assess(each.kpi, each.mart, Selection(where=where, start=window.start, end=window.end), failed)
            rows.append(
                {
                    "kpi": each.kpi.id,
                    "facility": facility,
                    "grain": window.name,
                    "period": start,
                    "period_end": end,
                    "state": found.state,
                    "why": list(found.why),
                    "inputs": json.dumps([vars(given) for given in found.inputs]),
                    "resolution_minutes": found.resolution_minutes,
                }
            )
    return pl.DataFrame(rows, schema=READINESS_SCHEMA, orient="row")


def window_list(as_of: datetime) -> tuple[Window, ...]:
    """The windows before the data cut, and all time."""
    return (*windows(as_of), Window("all"))


assert set(GRAINS) <= set(CALENDAR)  # noqa: S101 -- one vocabulary, stated twice for the type checker
