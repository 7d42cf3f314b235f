"""A KPI over two stretches of days, and how sure their difference is: whole days are drawn again, never patients.

Patients of one day share its shocks (a full house, a slow analyser), so treating them as independent makes intervals far
too narrow. Here: what a stretch of days holds, and the difference of two with its interval. Not here: which days, which
place, and what the difference means (`models.impact`).

Everything is exact arithmetic on Python numbers from a fixed seed: the same days always give the same interval.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from statistics import fmean, stdev
from typing import Any

import narwhals.stable.v2 as nw

from models.kpi import Kpi, Selection, cohort
from models.measures import CompletionTime, Count, Frame, Mean, Measure, Quantile, Rate, Share

REPLICATES = 1000
_MOST_STEPS = 20_000_000
"""Cases by replicates: beyond it fewer replicates are drawn, so that a large hospital waits seconds and not minutes."""
_FEWEST_REPLICATES = 200
_SEED = 20_260_101
_TOLERANCE = 1e-9
_TAIL = 0.025

Case = tuple[float, float, int, bool]
"""Amount, exposure, number of its day in the stretch, whether it is finished."""
Statistic = Callable[[Sequence[int]], float | None]
"""The KPI's value when each day counts as often as its weight says; null when nothing is at risk or it is not estimable."""


@dataclass(frozen=True)
class Stretch:
    """Whole local days from `start` to before `end`, and the cases that count in them."""

    start: date
    end: date
    cases: tuple[Case, ...]

    @property
    def days(self) -> int:
        """How many days it has, with or without cases."""
        return (self.end - self.start).days


@dataclass(frozen=True)
class Difference:
    """After less before, in the KPI's unit. `low` and `high` hold 95 % of the differences of resampled days.

    Every number is null when the KPI is not estimable on one side; the interval also when too many resampled stretches
    are not. `spread` is the standard deviation of the resampled differences.
    """

    before: float | None
    after: float | None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    spread: float | None = None


def stretch(
    kpi: Kpi, mart: Frame, where: Mapping[str, tuple[object, ...]], days: tuple[date, date], cut_minutes: float | None
) -> Stretch:
    """The cases of a KPI in whole local days at one place. `cut_minutes` censors every completion time at that age, so
    that two stretches are looked at for equally long.
    """
    start, end = days
    rows = cohort(kpi, mart, Selection(where=where, start=start, end=end)).filter(nw.col("_excluded_by") == -1)
    amount, exposure, finished = _columns(kpi.measure)
    rows = rows.select(
        _day=nw.col(f"{kpi.clock}_date"),
        _amount=amount.cast(nw.Float64),
        _exposure=exposure.cast(nw.Float64),
        _finished=finished.fill_null(value=False),
    ).filter(~nw.col("_amount").is_null())
    found = [_case(row, start, cut_minutes) for row in rows.collect("pyarrow").rows(named=True)]
    return Stretch(start, end, tuple(sorted(found, key=lambda case: (case[0], not case[3], case[2]))))


def _columns(measure: Measure) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """Amount, exposure and whether finished, of one row."""
    one, true = nw.lit(1.0), nw.lit(value=True)
    match measure:
        case Share(of=holds):
            return nw.when(holds.fill_null(value=False)).then(one).otherwise(nw.lit(0.0)), one, true
        case Rate(events=events, exposure=exposure):
            return nw.col(events), nw.col(exposure), true
        case Mean(column=column) | Quantile(column=column):
            return nw.col(column), one, true
        case CompletionTime(duration=duration, finished=finished):
            return nw.col(duration), one, nw.col(finished)
        case _:  # a count; a backlog is not compared
            return one, one, true


def _case(row: dict[str, Any], start: date, cut_minutes: float | None) -> Case:
    amount, is_finished = float(row["_amount"]), bool(row["_finished"])
    if cut_minutes is not None and amount > cut_minutes:
        amount, is_finished = cut_minutes, False
    return amount, float(row["_exposure"] or 0.0), (row["_day"] - start).days, is_finished


def statistic(measure: Measure, found: Stretch) -> Statistic:
    """The KPI's own arithmetic on a stretch, with a weight a day."""
    match measure:
        case CompletionTime(q=q):
            return lambda weights: _completion(found.cases, weights, q)
        case Quantile(q=q):
            return lambda weights: _interpolated(found.cases, weights, q)
        case Count():
            counts = Counter(case[2] for case in found.cases)
            return lambda weights: sum(weights[day] * n for day, n in counts.items()) / sum(weights)
        case _:
            return _ratio(found)


def _ratio(found: Stretch) -> Statistic:
    """Sum of amounts by sum of exposures, from one pair of sums a day."""
    amounts, exposures = [0.0] * found.days, [0.0] * found.days
    for amount, exposure, day, _ in found.cases:
        amounts[day] += amount
        exposures[day] += exposure

    def value(weights: Sequence[int]) -> float | None:
        at_risk = _product(weights, exposures)
        return _product(weights, amounts) / at_risk if at_risk else None

    return value


def _product(weights: Sequence[int], amounts: Sequence[float]) -> float:
    return sum(weight * amount for weight, amount in zip(weights, amounts, strict=True))


def _completion(cases: Sequence[Case], weights: Sequence[int], q: float) -> float | None:
    """Kaplan-Meier with weights: the first duration by which a share `q` is finished; null when it never is."""
    at_risk, waiting = sum(weights[case[2]] for case in cases), 1.0
    for amount, _, day, is_finished in cases:
        weight = weights[day]
        if weight and is_finished:
            waiting *= 1 - weight / at_risk
            if waiting <= 1 - q + _TOLERANCE:
                return amount
        at_risk -= weight
    return None


def _interpolated(cases: Sequence[Case], weights: Sequence[int], q: float) -> float | None:
    """The quantile by linear interpolation between the two nearest of all values, each as often as its weight."""
    number = sum(weights[case[2]] for case in cases)
    if not number:
        return None
    place = (number - 1) * q
    low = _nth(cases, weights, math.floor(place))
    return low + (_nth(cases, weights, math.ceil(place)) - low) * (place - math.floor(place))


def _nth(cases: Sequence[Case], weights: Sequence[int], place: int) -> float:
    """The amount at a place (from 0) when each stands as often as its day's weight."""
    passed = accumulate(weights[case[2]] for case in cases)
    return next(case[0] for case, until in zip(cases, passed, strict=True) if until > place)


def difference(measure: Measure, before: Stretch, after: Stretch) -> Difference:
    """After less before, with the interval that drawing whole days again gives.

    Both stretches must have days.
    """
    of_before, of_after = statistic(measure, before), statistic(measure, after)
    was, is_now = of_before([1] * before.days), of_after([1] * after.days)
    if was is None or is_now is None:
        return Difference(was, is_now)
    chance = Random(_SEED)  # noqa: S311 - not a secret: the same days must give the same interval
    drawn: list[float] = []
    wanted = replicates(len(before.cases) + len(after.cases))
    for _ in range(wanted):
        first, second = of_before(_weights(chance, before.days)), of_after(_weights(chance, after.days))
        if first is not None and second is not None:
            drawn.append(second - first)
    effect = is_now - was
    if len(drawn) < wanted * (1 - _TAIL):
        return Difference(was, is_now, effect)
    return Difference(was, is_now, effect, *_interval(drawn))


def replicates(cases: int) -> int:
    """How often the days are drawn again for so many cases."""
    return max(_FEWEST_REPLICATES, min(REPLICATES, _MOST_STEPS // max(cases, 1)))


def less(one: Difference, other: Difference) -> Difference:
    """The difference of two independent differences: how much more one place changed than the other.

    The interval adds the spreads as of independent sums; before and after stand for the two effects.
    """
    if one.effect is None or other.effect is None or one.spread is None or other.spread is None:
        return Difference(other.effect, one.effect)
    effect, spread = one.effect - other.effect, math.hypot(one.spread, other.spread)
    p_value = math.erfc(abs(effect) / (spread * math.sqrt(2))) if spread else float(effect == 0)
    return Difference(other.effect, one.effect, effect, effect - 1.96 * spread, effect + 1.96 * spread, p_value, spread)


def _interval(drawn: list[float]) -> tuple[float, float, float, float]:
    """Low, high, two-sided p-value of no difference, and spread."""
    drawn.sort()
    number = len(drawn)
    outside = math.floor(_TAIL * number)
    at_most, at_least = sum(each <= 0 for each in drawn), sum(each >= 0 for each in drawn)
    p_value = min(1.0, 2 * (min(at_most, at_least) + 1) / (number + 1))
    return drawn[outside], drawn[number - 1 - outside], p_value, stdev(drawn, fmean(drawn))


def _weights(chance: Random, days: int) -> list[int]:
    """How often each day is drawn when as many days are drawn as there are."""
    weights = [0] * days
    for day in chance.choices(range(days), k=days):
        weights[day] += 1
    return weights


def last_whole_day(as_of: date, follow_up_days: int) -> date:
    """The first day whose cases were not yet followed for so many days at the data cut."""
    return as_of - timedelta(days=follow_up_days)


def drawn_sums(series: Sequence[Mapping[int, float]], days: int) -> list[list[float]]:
    """The sums of each series when its days are drawn again, draw by draw. A series is its amounts by number of the day, from 0;
    days that it lacks are 0. All series are drawn on the same days, so that draws of one can be set against those of another.
    """
    chance = Random(_SEED)  # noqa: S311 - not a secret: the same days must give the same interval
    drawn: list[list[float]] = [[] for _ in series]
    for _ in range(replicates(sum(len(each) for each in series)) if days else 0):
        weights = _weights(chance, days)
        for sums, each in zip(drawn, series, strict=True):
            sums.append(sum(weights[day] * amount for day, amount in each.items()))
    return drawn


def middle_95(drawn: Sequence[float]) -> tuple[float, float] | None:
    """The ends of the middle 95 % of what was drawn; None where nothing was."""
    if not drawn:
        return None
    ordered = sorted(drawn)
    outside = math.floor(_TAIL * len(ordered))
    return ordered[outside], ordered[-1 - outside]
