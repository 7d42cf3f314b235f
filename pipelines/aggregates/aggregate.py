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
from models.kpi import Selection, Span, cohorts, evaluate, evaluate_each, exclusion_counts
from models.measures import CompletionTime
from models.readiness import FailedCheck, assess_each
from pipelines.aggregates.periods import STEPS, Grain, Window, first_incomplete_day, windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    import duckdb

    from data_quality.run import Verdict
    from models.kpi import Kpi
    from models.measures import Frame

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


_ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Asked:
    """A span of time by its published name, with the local days it covers; null days where it has a grain."""

    name: str
    span: Span
    first: date | None = None
    until: date | None = None

    @classmethod
    def by_grain(cls, grain: Grain) -> Asked:
        """Every period of a grain."""
        return cls(grain, Span(grain=grain))


@dataclass(frozen=True)
class Input:
    """One KPI with the rows it is counted from, the data cut of those rows, and the local day of the first one."""

    kpi: Kpi
    mart: Frame
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


@dataclass(frozen=True)
class Batch:
    """Spans that are evaluated together, and one KPI's rows in each of them (`models.kpi.cohorts`), held in memory: every
    grouping, what was left out and how ready it is are counted from them.
    """

    asked: Sequence[Asked]
    mart: Frame
    found: Frame

    @property
    def spans(self) -> list[Span]:
        """The spans in order of their numbers."""
        return [one.span for one in self.asked]

    def of(self, kpi: Kpi, by: tuple[str, ...]) -> Batch:
        """What a grouping has: a unit's days hold few people and would have to be hidden nearly all; units have weeks and longer."""
        longer = [one for one in self.asked if one.name != "day"]
        if "unit" not in by or not kpi.about_people or len(longer) == len(self.asked):
            return self
        return Batch(longer, self.mart, self.found.filter(nw.col("span") < len(longer)))


def batches(each: Input, window_list: Sequence[Window]) -> Iterator[Batch]:
    """All that is asked of a KPI: by week and month, over each window and all time, and last by day."""
    rows = _in_order(each)
    mart: Frame = nw.from_native(rows.lazy())  # pyright: ignore[reportAssignmentType]
    asked = [*map(Asked.by_grain, ("week", "month")), *_asked(each, window_list), Asked.by_grain("day")]
    for several in _batches(asked, rows.height):
        found = _native(cohorts(each.kpi, mart, [one.span for one in several]))
        yield Batch(several, mart, nw.from_native(found.lazy()))  # pyright: ignore[reportArgumentType]


def kpi_values(each: Input, window_list: Sequence[Window]) -> pl.DataFrame:
    """Rows of `VALUE_SCHEMA`: every grouping by day, week and month, over each window, and over all time."""
    return _together([_values(each, batch) for batch in batches(each, window_list)])


def kpi_counts(each: Input, window_list: Sequence[Window], verdict: Verdict) -> dict[str, pl.DataFrame]:
    """`kpi_value` as `kpi_values`; `kpi_exclusion`, rows of `EXCLUSION_SCHEMA`: how many cases each rule left out, by grouping;
    `readiness`, rows of `READINESS_SCHEMA`: for all facilities together and each by itself. These two of each window and all time.
    """
    facilities = _native(each.mart.select("facility").unique())["facility"].drop_nulls().sort()
    failed = [
        FailedCheck(
            outcome.table, outcome.column, f"A check failed on {outcome.table}: {outcome.expectation}. {outcome.why}"
        )
        for outcome in verdict.content_failures
        if each.kpi.id in outcome.kpis
    ]
    values: list[list[pl.DataFrame]] = []
    exclusions: list[dict[str, object]] = []
    readiness: list[dict[str, object]] = []
    for batch in batches(each, window_list):
        values.append(_values(each, batch))
        exclusions += _exclusions(each, batch)
        readiness += _readiness(each, batch, facilities, failed)
    return {
        "kpi_value": _together(values),
        "kpi_exclusion": pl.DataFrame(exclusions, schema=EXCLUSION_SCHEMA, orient="row"),
        "readiness": pl.DataFrame(readiness, schema=READINESS_SCHEMA, orient="row"),
    }


def _together(values: Sequence[Sequence[pl.DataFrame]]) -> pl.DataFrame:
    """The values of several batches, one grouping after the other."""
    return pl.concat(part for grouping in zip(*values, strict=True) for part in grouping)


def _values(each: Input, batch: Batch) -> list[pl.DataFrame]:
    """The values of a batch, by grouping."""
    parts: list[pl.DataFrame] = []
    for by in _groupings(each.kpi):
        mine = batch.of(each.kpi, by)
        found = evaluate_each(each.kpi, mine.mart, by, mine.spans, as_of=each.as_of, found=mine.found)
        rows = _native(found) if by else _with_empty_spans(each, mine, _native(found))
        parts.append(_shaped(each, _dated(rows, mine.asked)))
    return parts


def _in_order(each: Input) -> pl.DataFrame:
    """The columns that the KPI reads; rows in the order in which a completion time ranks them, so that no evaluation has to find
    it again.
    """
    rows = _native(each.mart.select(*sorted(each.kpi.columns | {"facility", "unit"})))
    if not isinstance(each.kpi.measure, CompletionTime):
        return rows
    order = [each.kpi.measure.duration, each.kpi.measure.finished]
    return rows.sort(order, descending=[False, True], nulls_last=True)


def _batches(asked: Sequence[Asked], rows: int) -> Iterator[Sequence[Asked]]:
    """Spans to evaluate together: each puts the rows it holds into memory once more, so large marts go one by one."""
    size = max(1, _ROWS_AT_ONCE // max(rows, 1))
    for start in range(0, len(asked), size):
        yield asked[start : start + size]


def _with_empty_spans(each: Input, batch: Batch, found: pl.DataFrame) -> pl.DataFrame:
    """A value also of the spans that are one period and hold no row at all: nothing was counted, which is a number."""
    missing = {n for n, one in enumerate(batch.asked) if one.span.grain is None} - set(found["span"])
    if not missing:
        return found
    nothing = _native(evaluate(each.kpi, batch.mart.head(0), Selection(), as_of=each.as_of))
    empty = nothing.join(pl.DataFrame({"span": sorted(missing)}, schema={"span": found.schema["span"]}), how="cross")
    return pl.concat([found, empty], how="diagonal").sort("span", maintain_order=True)


def _dated(found: pl.DataFrame, batch: Sequence[Asked]) -> pl.DataFrame:
    """With the name of each row's span as `grain`, and the days it covers: `period` and, exclusive, `period_end`."""
    spans = pl.DataFrame(
        [(n, one.name, one.first, one.until) for n, one in enumerate(batch)],
        schema={"span": found.schema["span"], "grain": pl.String(), "first": pl.Date(), "until": pl.Date()},
        orient="row",
    )
    period = pl.coalesce("period", "first")
    ends = [pl.when(pl.col("grain") == grain).then(period.dt.offset_by(step)) for grain, step in STEPS.items()]
    return found.join(spans, on="span", maintain_order="left").with_columns(
        period=period, period_end=pl.coalesce("until", *ends)
    )


def _groupings(kpi: Kpi) -> list[tuple[str, ...]]:
    return [by for by in GROUPINGS if set(by) <= set(kpi.dimensions)]


def _native(found: Frame) -> pl.DataFrame:
    return found.collect("polars").to_native()


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


def _asked(each: Input, window_list: Sequence[Window]) -> list[Asked]:
    first, until = each.all_time()
    return [
        Asked(window.name, Span(start=window.start, end=window.end), window.start or first, window.end or until)
        for window in window_list
    ]


def _exclusions(each: Input, batch: Batch) -> Iterator[dict[str, object]]:
    for by in _groupings(each.kpi):
        for row in exclusion_counts(each.kpi, batch.mart, by, batch.spans, found=batch.found):
            one = batch.asked[row.pop("span")]
            if one.span.grain is None:
                fixed = {"kpi": each.kpi.id, "grain": one.name, "period": one.first, "period_end": one.until}
                yield {"facility": None, "unit": None, **row, **fixed}


def _readiness(
    each: Input, batch: Batch, facilities: Iterable[str], failed: Sequence[FailedCheck]
) -> Iterator[dict[str, object]]:
    spans, rows = batch.spans, batch.found
    found = assess_each(each.kpi, batch.mart, (), [()], spans, failed, found=rows)
    found |= assess_each(
        each.kpi, batch.mart, ("facility",), [(name,) for name in facilities], spans, failed, found=rows
    )
    for (n, group), readiness in found.items():
        one = batch.asked[n]
        if one.span.grain is None:
            yield {
                "kpi": each.kpi.id,
                "facility": group[0] if group else None,
                "grain": one.name,
                "period": one.first,
                "period_end": one.until,
                "state": readiness.state,
                "why": list(readiness.why),
                "inputs": json.dumps([vars(given) for given in readiness.inputs]),
                "resolution_minutes": readiness.resolution_minutes,
            }


def window_list(as_of: datetime) -> tuple[Window, ...]:
    """The windows before the data cut, and all time."""
    return (*windows(as_of), Window("all"))


assert set(STEPS) <= set(CALENDAR)  # noqa: S101 -- one vocabulary, stated twice for the type checker
