"""The one function that computes any KPI, and those that say what it left out and which cases it counts.

A KPI is declared once (in `models.kpis`, of the shape in `models.declaration`); nobody else may restate its arithmetic.
Kinds of measure are in `models.measures`, backlog in `models.backlog`.

Expressions are Narwhals, so one declaration runs on a DuckDB relation, a Polars frame or a Spark table. What a person
asks for at run time (breakdowns, filters, dates) is data in a `Selection`, never SQL text.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import narwhals.stable.v2 as nw

from models import backlog
from models.declaration import Direction, Exclusion, Family, Grain, Kpi, Requirement, Selection, Span, Unit
from models.errors import UnknownDimension
from models.measures import (
    Aggregation,
    CompletionTime,
    Count,
    Frame,
    Mean,
    Measure,
    OpenAt,
    Quantile,
    Rate,
    Share,
    Total,
    number_of,
)

__all__ = [
    "CompletionTime",
    "Count",
    "Direction",
    "Exclusion",
    "Family",
    "Grain",
    "Kpi",
    "Mean",
    "Measure",
    "OpenAt",
    "Quantile",
    "Rate",
    "Requirement",
    "Selection",
    "Share",
    "Span",
    "Total",
    "Unit",
    "cases",
    "cohort",
    "cohorts",
    "dated",
    "evaluate",
    "evaluate_each",
    "exclusion_counts",
    "exclusions",
]

_NEVER = nw.lit(value=False)
_NO_DAY = nw.lit(None, nw.Date)


def evaluate(kpi: Kpi, mart: Frame, selection: Selection, *, as_of: datetime) -> Frame:
    """Compute `kpi` from its mart.

    Args:
        kpi: the declaration.
        mart: the KPI's mart on any engine; `published` Parquet or a warehouse table.
        selection: breakdown, filters, dates, grain.
        as_of: the data cut, with the hospital's named zone (`ZoneInfo`): the ends of local periods of a backlog.

    Returns:
        One row per combination of `by` (one row in all when `by` is empty), and per period when a grain is asked for,
        sorted: columns `*by`, `period` (first local day of the period; a local timestamp for hours), `value` (double),
        `numerator` (double), `denominator` and `open_cases` (whole numbers). `value` is null where nothing was at
        risk or a completion time is not estimable. Only a backlog fills periods without rows. `open_cases` is the
        work still open at the data cut, excluded or not: of the period where the clock starts with the case; of the
        whole group, the same in every period, where the clock is the case's end.

    Raises:
        UnknownDimension: `by` or `where` names a column the KPI does not declare.
        ZoneMissing: a backlog was asked for with a data cut that has no named zone.
    """
    rows = _asked(kpi, mart, selection)
    if isinstance(kpi.measure, OpenAt):
        return _open_at(kpi, kpi.measure, rows, selection.by, selection, as_of)
    keys = (*selection.by, "period") if selection.grain else selection.by
    return _measured(kpi.measure, _cohort(kpi, _judged(kpi, rows), selection), keys, undated=selection.by)


def evaluate_each(
    kpi: Kpi,
    mart: Frame,
    by: tuple[str, ...],
    spans: Sequence[Span],
    *,
    as_of: datetime,
    found: Frame | None = None,
) -> Frame:
    """Compute `kpi` over several spans of time at once, which costs little more than one: rows are judged once, and
    grouped once. `found` are the `cohorts` of these spans, where the caller has them already.

    Returns:
        Rows of `evaluate` for each span, with `span` (its number) and `period` (a local day, null without a grain)
        besides; a span that no row belongs to has none. Spans by the hour have no place among others.

    Raises:
        UnknownDimension, ZoneMissing: as `evaluate`.
    """
    rows = _asked(kpi, mart, Selection(by=by))
    if isinstance(kpi.measure, OpenAt):
        numbers = ("value", "numerator", "denominator", "open_cases")
        return nw.concat(
            [
                _open_at(kpi, kpi.measure, rows, by, span, as_of).select(
                    nw.lit(n).alias("span"), *by, nw.col("period") if span.grain else _NO_DAY.alias("period"), *numbers
                )
                for n, span in enumerate(spans)
            ]
        )
    whole = [n for n, span in enumerate(spans) if span.grain is None]
    rows = cohorts(kpi, rows, spans) if found is None else found
    return _measured(kpi.measure, rows, ("span", *by, "period"), undated=("span", *by), whole=whole)


def _open_at(kpi: Kpi, measure: OpenAt, rows: Frame, by: tuple[str, ...], span: Span, as_of: datetime) -> Frame:
    return backlog.open_at(
        _included(kpi, rows),
        measure.opened,
        measure.closed,
        by=by,
        grain=span.grain,
        start=span.start,
        end=span.end,
        as_of=as_of,
    )


def _measured(
    measure: Aggregation, rows: Frame, keys: tuple[str, ...], *, undated: tuple[str, ...], whole: Sequence[int] = ()
) -> Frame:
    """The values of a cohort by `keys`. Open cases without a date belong to every period of their group of `undated`, and
    make none of their own, but in the spans that are one period (`whole`).
    """
    if isinstance(measure, CompletionTime):
        rows = measure.ranked(rows, keys, nw.col("_counted"))
    totals = measure.aggregations(nw.col("_counted")) | {
        "_rows": number_of(nw.col("_dated")),
        "_open": number_of(nw.col("_dated") & nw.col("_is_unfinished")),
        "_undated": number_of(~nw.col("_dated")),
    }
    grouped = rows.group_by(*keys).agg(**totals) if keys else rows.select(**totals)
    if "period" in keys:
        grouped = grouped.with_columns(_everything=nw.lit(1)).with_columns(
            _undated=nw.col("_undated").sum().over(*(undated or ("_everything",)))
        )
        has_rows = nw.col("_rows") > 0
        grouped = grouped.filter(has_rows | nw.col("span").is_in(whole) if whole else has_rows)
    result = grouped.with_columns(
        value=measure.value().cast(nw.Float64),
        open_cases=(nw.col("_open") + nw.col("_undated")).cast(nw.Int64),
        numerator=nw.col("numerator").cast(nw.Float64),
        denominator=nw.col("denominator").cast(nw.Float64).round().cast(nw.Int64),
    ).select(*keys, "value", "numerator", "denominator", "open_cases")
    return result.sort(*keys) if keys else result


def exclusion_counts(
    kpi: Kpi, mart: Frame, by: tuple[str, ...], spans: Sequence[Span], *, found: Frame | None = None
) -> list[dict[str, Any]]:
    """How many rows of each span each exclusion left out, per combination of `by`; a span's grain does not matter.

    A row is counted under the first rule that catches it, so the counts add up to all rows left out. `found` are the
    `cohorts` of these spans, where the caller has them already.

    Returns:
        Rows `{span, *by, rule, n}`, sorted, zeros included; `span` is the number of the span.

    Raises:
        UnknownDimension: `by` names a column the KPI does not declare.
    """
    if not kpi.exclusions:
        return []
    totals = {f"_excluded_{i}": number_of(nw.col("_excluded_by") == i) for i in range(len(kpi.exclusions))}
    rows = dated(kpi, mart, by, spans, found).group_by("span", *by).agg(**totals).sort("span", *by)
    groups = list(rows.collect("pyarrow").rows(named=True))
    if not by:  # of everything there is a row, also when nothing is in it
        filled = {group["span"]: group for group in groups}
        nothing = dict.fromkeys(totals, 0)
        groups = [filled.get(n, {"span": n, **nothing}) for n in range(len(spans))]
    return [
        {key: group[key] for key in ("span", *by)} | {"rule": exclusion.rule, "n": group[f"_excluded_{i}"]}
        for group in groups
        for i, exclusion in enumerate(kpi.exclusions)
    ]


def exclusions(kpi: Kpi, mart: Frame, selection: Selection) -> list[tuple[str, int]]:
    """Each exclusion of `kpi` in order, with the number of selected rows it left out (whatever `by` and grain)."""
    return [(row["rule"], row["n"]) for row in exclusion_counts(kpi, _asked(kpi, mart, selection), (), [selection])]


def cases(kpi: Kpi, mart: Frame, selection: Selection) -> Frame:
    """The rows that count towards a value, so that it can be walked back to the source.

    Returns:
        One row per case, in no order: `case_key`, `journey_key` (the encounter to open; null where the mart has none),
        `facility`, `unit`, `period` (local day of the clock), `value` (the duration or amount; for a backlog null),
        `flag` (for a share: whether it holds), `is_open`, `file_id`, `line`.
        For a backlog: the cases open at the end of the selected time.
    """
    rows = _asked(kpi, mart, selection)
    amount = nw.lit(None, nw.Float64)
    flag = nw.lit(None, nw.Boolean)
    is_open = nw.lit(value=True)
    if isinstance(kpi.measure, OpenAt):
        rows = _included(kpi, rows).filter(backlog.is_open(kpi.measure.opened, kpi.measure.closed, selection.end))
    else:
        rows = _cohort(kpi, _judged(kpi, rows), selection).filter(nw.col("_counted"))
        is_open = nw.col("_is_unfinished")
        match kpi.measure:
            case Share(of=holds):
                flag = holds.fill_null(value=False)
            case (
                Quantile(column=column)
                | Mean(column=column)
                | Total(column=column)
                | CompletionTime(duration=column)
                | Rate(events=column)
            ):
                amount = nw.col(column).cast(nw.Float64)
            case _:  # a count's cases have neither amount nor flag
                pass
    journey = nw.col("encounter_key") if "encounter_key" in rows.collect_schema() else nw.lit(None, nw.String)
    return rows.with_columns(
        case_key=nw.col(kpi.case), journey_key=journey, period=nw.col(f"{kpi.clock}_date"), value=amount, flag=flag,
        is_open=is_open,
    ).select(
        "case_key", "journey_key", "facility", "unit", "period", "value", "flag", "is_open", "file_id", "line"
    )  # fmt: skip


def cohort(kpi: Kpi, mart: Frame, selection: Selection) -> Frame:
    """Mart rows of the selected time with `_excluded_by`: the number of the exclusion that caught a row, or -1."""
    return _cohort(kpi, _judged(kpi, _asked(kpi, mart, selection)), selection).filter(nw.col("_dated"))


def cohorts(kpi: Kpi, mart: Frame, spans: Sequence[Span]) -> Frame:
    """What a KPI's values in these spans are made from, whatever they are grouped by: a row stands in every span that it
    belongs to, with the span's number as `span`; open rows whose clock has not struck stand in all, not `_dated`.
    """
    judged = _judged(kpi, mart)
    return nw.concat([_cohort(kpi, judged, span).with_columns(span=nw.lit(n)) for n, span in enumerate(spans)])


def dated(kpi: Kpi, mart: Frame, by: tuple[str, ...], spans: Sequence[Span], found: Frame | None = None) -> Frame:
    """The rows of `cohort` for each span: those of `cohorts`, or of what was `found` by it, whose clock falls in the span.

    Raises:
        UnknownDimension: `by` names a column the KPI does not declare.
    """
    asked = _asked(kpi, mart, Selection(by=by))
    return (cohorts(kpi, asked, spans) if found is None else found).filter(nw.col("_dated"))


def _asked(kpi: Kpi, mart: Frame, selection: Selection) -> Frame:
    """The mart's rows that pass the filters, once every dimension has been checked."""
    for dimension in (*selection.by, *selection.where):
        if dimension not in kpi.dimensions:
            raise UnknownDimension(dimension, kpi.id, kpi.dimensions)
    for dimension, wanted in selection.where.items():
        values = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        known = nw.col(dimension).is_in([value for value in values if value is not None])
        mart = mart.filter(known | nw.col(dimension).is_null() if None in values else known)
    return mart


def _included(kpi: Kpi, rows: Frame) -> Frame:
    """Rows that no exclusion catches; an exclusion that cannot be decided does not."""
    for exclusion in kpi.exclusions:
        rows = rows.filter(~exclusion.when.fill_null(value=False))
    return rows


def _judged(kpi: Kpi, rows: Frame) -> Frame:
    """What is known about each row whatever the time: `_is_unfinished` and `_excluded_by`."""
    unfinished = nw.col(kpi.open_when).fill_null(value=False) if kpi.open_when is not None else _NEVER
    excluded_by = nw.lit(-1)
    for i, exclusion in reversed(list(enumerate(kpi.exclusions))):
        excluded_by = nw.when(exclusion.when.fill_null(value=False)).then(nw.lit(i)).otherwise(excluded_by)
    return rows.with_columns(_is_unfinished=unfinished, _excluded_by=excluded_by)


def _cohort(kpi: Kpi, judged: Frame, span: Span) -> Frame:
    """Rows of the span, and open rows whose clock has not struck.

    Adds `_dated` (the clock falls in the span), `_counted`, and `period` (null without a grain).
    """
    day = nw.col(f"{kpi.clock}_date")
    dated = ~day.is_null()
    if span.start is not None:
        dated = dated & (day >= span.start)
    if span.end is not None:
        dated = dated & (day < span.end)
    rows = judged.with_columns(_dated=dated.fill_null(value=False)).filter(
        nw.col("_dated") | (nw.col("_is_unfinished") & day.is_null())
    )
    period = nw.col(f"{kpi.clock}_{backlog.CALENDAR[span.grain]}") if span.grain else _NO_DAY
    return rows.with_columns(_counted=nw.col("_dated") & (nw.col("_excluded_by") == -1), period=period)
