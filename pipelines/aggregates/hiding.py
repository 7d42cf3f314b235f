"""Hiding small numbers in the table of KPI values, so that no small group of people can be counted.

Here: which rows are judged together, and days. Not here: the rule for weeks, months and windows
(`models.disclosure`), and KPIs that do not count people, which are left as they are.

Weeks, months, windows and all time of a KPI are judged by the rule in one go. Days lie in weeks and in months, which
overlap, and protecting single days against every chain of sums hides nearly everything. So days are shown or hidden a
whole week at a time: a week's days of a facility show nothing beyond the week's own number when all of them are
hidden, and facilities are hidden together, so that no facility is what remains of the total.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from models.disclosure import Cell, suppress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from models.kpi import Kpi

HIDDEN = ("value", "numerator", "denominator", "open_cases")
_WEEK = timedelta(days=7)
_LEFT_OUT = (
    frozenset({"week"}),
    frozenset({"month"}),
    frozenset({"week", "month"}),
    frozenset({"week", "month", "window", "all"}),
)
"""Grains in which units may be left out altogether, tried in this order."""
_READ = {"unit": 1, "facility": 100, "whole": 400}
"""How much a number is worth that is about a unit, a facility, the whole: a leader opens the last two first."""
_READ_GRAIN = {"week": 1, "month": 2, "window": 6, "all": 6}
"""How much a number is worth by the length of its period; cards and tables show windows."""


def hide_small_numbers(kpi: Kpi, values: pl.DataFrame, threshold: int) -> pl.DataFrame:
    """The same rows with a column `suppressed`; where it is true, every number of the row is null."""
    if not kpi.about_people:
        return values.with_columns(suppressed=pl.lit(value=False))
    return mark_small_groups(values, threshold).with_columns(
        pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in HIDDEN
    )


def mark_small_groups(values: pl.DataFrame, threshold: int) -> pl.DataFrame:
    """The rows of one measure by place and period with a column `suppressed`; no number is taken away yet.

    Reads facility, unit, grain, period, period_end, denominator, and `people` where the denominator counts something else.
    """
    if "people" not in values.columns:
        values = values.with_columns(people=pl.lit(None, pl.Int64))
        return mark_small_groups(values, threshold).drop("people")
    longer = values.filter(pl.col("grain") != "day")
    days = values.filter(pl.col("grain") == "day")
    cells = tuple(
        Cell(
            (row["facility"], row["unit"]),
            row["grain"],
            row["period"],
            row["period_end"],
            row["denominator"],
            people=row["people"],
        )
        for row in longer.iter_rows(named=True)
    )
    longer = longer.with_columns(
        pl.Series("suppressed", [cell.suppressed for cell in _suppressed(cells, threshold)], dtype=pl.Boolean)
    )
    totals, facilities = _hidden_weeks(longer, days, threshold)
    monday = pl.col("period").dt.truncate("1w")
    is_total = pl.col("facility").is_null() & pl.col("unit").is_null()
    days = days.with_columns(
        suppressed=pl.when(is_total).then(monday.is_in(sorted(totals))).otherwise(monday.is_in(sorted(facilities)))
    )
    return pl.concat([longer, days])


@lru_cache(maxsize=8)
def _suppressed(cells: tuple[Cell, ...], threshold: int) -> Sequence[Cell]:
    """The cells with the rule applied, and before it, where that loses less, all units of some grains. Kept for the next
    KPI: those that count the same people have the same cells.

    Protecting a few small unit-weeks against every chain of sums can reach the totals, which are read most. Where all
    unit-weeks go instead, a total above them has nothing to give away; the same of months, and of windows.
    """
    best = suppress(cells, threshold, guard_all=True)
    least = _loss(best, cells, threshold)
    for left_out in _LEFT_OUT:
        without = [
            replace(cell, suppressed=True) if cell.grain in left_out and cell.place[1] and cell.denominator else cell
            for cell in cells
        ]
        if _loss(without, cells, threshold) >= least:  # the rule only hides more
            continue
        found = suppress(without, threshold)
        loss = _loss(found, cells, threshold)
        if loss < least:
            best, least = found, loss
    return best


def _loss(found: Sequence[Cell], cells: Sequence[Cell], threshold: int) -> int:
    """What is hidden although it is not small, weighed by how many read it."""
    return sum(
        (_READ["unit"] if was.place[1] else _READ["facility"] if was.place[0] else _READ["whole"])
        * _READ_GRAIN[was.grain]
        for cell, was in zip(found, cells, strict=True)
        if cell.suppressed and (was.denominator or 0 if was.people is None else was.people) >= threshold
    )


def _hidden_weeks(longer: pl.DataFrame, days: pl.DataFrame, threshold: int) -> tuple[set[date], set[date]]:
    """Mondays of the weeks whose days are hidden: of the whole hospital, and of its parts (which includes the
    former).
    """
    size = pl.coalesce("people", "denominator")
    small = days.filter((size > 0) & (size < threshold))
    in_hidden = longer.filter(pl.col("suppressed") & pl.col("unit").is_null())
    totals: set[date] = set()
    parts: set[date] = set()
    for row in small.iter_rows(named=True):
        (parts if row["facility"] or row["unit"] else totals).add(_monday(row["period"]))
    for row in in_hidden.iter_rows(named=True):
        (parts if row["facility"] else totals).update(_mondays(row["period"], row["period_end"]))
    totals = _with_neighbours(totals)
    return totals, _with_neighbours(parts) | totals


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _mondays(start: date, end: date) -> Iterable[date]:
    """The Monday of every week that shares a day with the period."""
    monday = _monday(start)
    while monday < end:
        yield monday
        monday += _WEEK


def _with_neighbours(mondays: set[date]) -> set[date]:
    """A hidden week that lies in two months takes its neighbours along: the rest of a month is then never a few days
    only.
    """
    straddling = {monday for monday in mondays if monday.month != (monday + timedelta(days=6)).month}
    return mondays | {monday + step for monday in straddling for step in (_WEEK, -_WEEK)}
