"""The weekly control chart of every KPI, facility and unit: what the aggregates folder says is changing, and what is
good enough.

Here: which weeks are charted, and the rows. Not here: the rules (`models.spc`). Only published values are charted: a
week whose number is hidden is left out, so that no limit gives a hidden number away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from models.spc import xmr
from pipelines.aggregates.periods import SIGNAL_WEEKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from models.kpi import Kpi

FEWEST_WEEKS = 2
SCHEMA: dict[str, pl.DataType] = {
    "kpi": pl.String(),
    "facility": pl.String(),
    "unit": pl.String(),
    "week": pl.Date(),
    "value": pl.Float64(),
    "mean": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "rule": pl.String(),
    "rules": pl.List(pl.String()),
    "is_last": pl.Boolean(),
    "variation": pl.String(),
    "assurance": pl.String(),
    "warnings": pl.List(pl.String()),
}
"""`variation`, `assurance` and `warnings` are the chart's, repeated on each of its rows."""


def kpi_signals(
    kpi: Kpi,
    values: pl.DataFrame,
    weeks: tuple[date, date],
    targets: Mapping[str | None, float | None],
    rebased: Mapping[tuple[str, str | None], date],
) -> pl.DataFrame:
    """Rows of `SCHEMA` for the whole weeks from the first date to before the second; a group with one week has no
    chart, and a week in the middle of which the measure's data begin is no point: of a count it has too little.

    `values` are the published rows of `kpi_value`; `targets` are by facility, null for all that have none of their
    own; `rebased` is the day of a new baseline by KPI and facility.
    """
    start, end = weeks
    of_day = pl.col("grain") == "day"
    weekly = values.filter(
        (pl.col("grain") == "week")
        & (pl.col("period") >= pl.max_horizontal(pl.lit(start), pl.col("period").filter(of_day).min()))
        & (pl.col("period") < end)
        & pl.col("value").is_not_null()
    ).sort("facility", "unit", "period", nulls_last=False)
    rows: list[dict[str, Any]] = []
    for (facility, unit), group in weekly.group_by("facility", "unit", maintain_order=True):
        target = targets.get(facility, targets.get(None))  # pyright: ignore[reportArgumentType, reportCallIssue] -- group keys
        baseline = rebased.get((kpi.id, facility), rebased.get((kpi.id, None)))  # pyright: ignore[reportArgumentType, reportCallIssue]
        place = {"kpi": kpi.id, "facility": facility, "unit": unit}
        rows += [place | row for row in _charted(kpi, group, target, baseline)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _charted(kpi: Kpi, group: pl.DataFrame, target: float | None, baseline: date | None) -> list[dict[str, Any]]:
    periods: list[date] = group["period"].to_list()
    amounts: list[float] = group["value"].to_list()
    if len(amounts) < FEWEST_WEEKS:
        return []
    chart = xmr(amounts, kpi.improves, target, rebase_at=_positions(periods, baseline))
    warnings = [*chart.warnings]
    if len(amounts) < SIGNAL_WEEKS:
        warnings.append(f"{SIGNAL_WEEKS - len(amounts)} of {SIGNAL_WEEKS} weeks have no published value.")
    return [
        {
            "week": period,
            "value": point.value,
            "mean": round(point.mean, 6),
            "lower": round(point.lower, 6),
            "upper": round(point.upper, 6),
            "rule": point.rule,
            "rules": list(point.rules),
            "is_last": position == len(periods) - 1,
            "variation": chart.variation,
            "assurance": chart.assurance,
            "warnings": warnings,
        }
        for position, (period, point) in enumerate(zip(periods, chart.points, strict=True))
    ]


def _positions(periods: Sequence[date], baseline: date | None) -> tuple[int, ...]:
    """Where the new baseline starts, when it lies inside the series."""
    if baseline is None:
        return ()
    found = next((i for i, period in enumerate(periods) if period >= baseline), 0)
    return (found,) if found else ()
