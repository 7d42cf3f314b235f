"""Statistical process control: the XmR chart with the rules of NHS England's "Making Data Count".

Two statements, never one: variation (is it changing?) from the newest point, assurance (is it good enough?) from the
limits and the target. Which series is charted, and when a baseline is set anew, is decided elsewhere: a rebase is
somebody's recorded decision, never automatic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal

from models.errors import BadSeries
from models.kpi import Direction

Rule = Literal["common_cause", "outside", "trend", "two_in_three", "shift"]
Variation = Literal["common_cause", "improvement", "concern", "neutral_high", "neutral_low"]
Assurance = Literal["pass", "fail", "hit_or_miss", "none"]

RULES: tuple[Rule, ...] = ("outside", "trend", "two_in_three", "shift")
"""The rules by precedence: a point that several rules catch is named after the first."""

LIMIT_FACTOR = 2.66
"""Mean moving range to limit: 3 / 1.128 rounded as the NHS tools do it; others use 2.6596."""
SCREEN_FACTOR = 3.267
"""Moving ranges from this many means on are left out once, when screening."""
RUN = 7
"""Points in a shift or trend."""
ENOUGH_POINTS = 13
"""Limits from fewer points are trial limits."""
_NEAR = 2 / 3


@dataclass(frozen=True)
class Point:
    """One point with the limits it is judged by. `rules` are all that fire, `rule` the one it is named after.

    `variation` says what the point's rule means for this KPI: better, worse, or for a neutral one high or low.
    """

    value: float
    mean: float
    lower: float
    upper: float
    rule: Rule
    rules: tuple[Rule, ...]
    variation: Variation


@dataclass(frozen=True)
class Chart:
    """A charted series and its two verdicts; `warnings` are sentences."""

    points: tuple[Point, ...]
    variation: Variation
    assurance: Assurance
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Limits:
    mean: float
    spread: float

    @property
    def upper(self) -> float:
        return self.mean + self.spread

    @property
    def lower(self) -> float:
        return self.mean - self.spread


def xmr(
    values: Sequence[float],
    improves: Direction,
    target: float | None = None,
    *,
    rebase_at: Sequence[int] = (),
    fix: int | None = None,
    screen: bool = True,
) -> Chart:
    """An XmR chart of one series in order of time, without gaps.

    Args:
        values: the period values.
        improves: which direction is better.
        target: in the values' own unit; None for no assurance.
        rebase_at: positions (from 0) at which a new baseline starts, that point included.
        fix: compute each baseline's limits from its first `fix` points only.
        screen: leave out extreme moving ranges once (as the R package does; the Excel tool does not).

    Raises:
        BadSeries: there are fewer than two points, or a rebase lies outside the series.
    """
    if len(values) < 2:  # noqa: PLR2004 - one moving range
        raise BadSeries(f"A chart needs at least 2 points, this series has {len(values)}. Choose a longer period.")
    for place in rebase_at:
        if not 0 < place < len(values):
            raise BadSeries(
                f"A new baseline cannot start at point {place} of {len(values)}. Choose one inside the series."
            )
    points: list[Point] = []
    warnings: list[str] = []
    starts = sorted({0, *rebase_at})
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        group = values[start:end]
        points += _judged(group, _limits(group[:fix], screen=screen), improves)
        if len(group) < ENOUGH_POINTS:
            warnings.append(
                f"Limits from {len(group)} points are trial limits: below {ENOUGH_POINTS} points they still move."
            )
    return Chart(tuple(points), points[-1].variation, _assurance(points[-1], improves, target), tuple(warnings))


def _limits(values: Sequence[float], *, screen: bool) -> _Limits:
    """Mean, and 2.66 mean moving ranges; one point alone has no range and so no spread."""
    ranges = [abs(after - before) for before, after in pairwise(values)] or [0.0]
    average = fmean(ranges)
    if screen:
        average = fmean([each for each in ranges if each < SCREEN_FACTOR * average] or [0.0])
    return _Limits(fmean(values), LIMIT_FACTOR * average)


def _judged(values: Sequence[float], limits: _Limits, improves: Direction) -> list[Point]:
    sides = [_sign(value - limits.mean) for value in values]
    steps = [_sign(after - before) for before, after in pairwise(values)]
    outside = [not limits.lower <= value <= limits.upper for value in values]
    near = [
        not is_outside and abs(value - limits.mean) > _NEAR * limits.spread
        for value, is_outside in zip(values, outside, strict=True)
    ]
    in_trend = _runs(steps, RUN - 1, extra=1)
    caught: dict[Rule, list[bool]] = {
        "outside": outside,
        "trend": in_trend,
        "two_in_three": _two_in_three(sides, near),
        "shift": _runs(sides, RUN),
    }
    points: list[Point] = []
    for i, value in enumerate(values):
        rules: tuple[Rule, ...] = tuple(each for each in RULES if caught[each][i])
        rule: Rule = rules[0] if rules else "common_cause"
        side = sides[i]
        if rule == "trend":
            side = steps[i] if i + 1 < len(values) and in_trend[i + 1] else steps[i - 1]
        points.append(
            Point(value, limits.mean, limits.lower, limits.upper, rule, rules, _meaning(rule, side, improves))
        )
    return points


def _runs(signs: Sequence[int], length: int, *, extra: int = 0) -> list[bool]:
    """Which points belong to `length` equal, non-zero signs in a row; `extra` points follow each run of differences."""
    found = [False] * (len(signs) + extra)
    for start in range(len(signs) - length + 1):
        window = signs[start : start + length]
        if window[0] != 0 and len(set(window)) == 1:
            found[start : start + length + extra] = [True] * (length + extra)
    return found


def _two_in_three(sides: Sequence[int], near: Sequence[bool]) -> list[bool]:
    """The near points of every three on one side of the mean of which at least two are near a limit."""
    found = [False] * len(sides)
    for start in range(len(sides) - 2):
        window = range(start, start + 3)
        if sides[start] != 0 and len({sides[i] for i in window}) == 1 and sum(near[i] for i in window) > 1:
            for i in window:
                found[i] = found[i] or near[i]
    return found


def _meaning(rule: Rule, side: int, improves: Direction) -> Variation:
    if rule == "common_cause":
        return "common_cause"
    if improves == "neither":
        return "neutral_high" if side > 0 else "neutral_low"
    return "improvement" if (side > 0) == (improves == "up") else "concern"


def _assurance(last: Point, improves: Direction, target: float | None) -> Assurance:
    """Whether the process, as it is now, passes or fails its target every time; a limit on the target is neither."""
    if target is None or improves == "neither":
        return "none"
    if last.lower <= target <= last.upper:
        return "hit_or_miss"
    return "pass" if (target < last.lower) == (improves == "up") else "fail"


def _sign(amount: float) -> int:
    return (amount > 0) - (amount < 0)
