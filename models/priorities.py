"""What to fix first: a ranked list by measured impact, and a weighted score of options with its sensitivity.

Pure arithmetic: numbers in, orders out. Here: how impact, confidence and effort become a rank, how supplied weights and measured
evidence become a score, and how far the answer depends on the weights. Not here: what was lost (`marts.lost_time`), the options and
weights (registry.toml), words and pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

DRAWS = 1000
MEASURED: Mapping[str, str] = {
    "hours": "hours lost that it would save",
    "patients": "patients who lost them",
    "confidence": "how sure the hours are",
    "effort": "days that it takes",
}
"""Criteria that are measured, by the name under which the hospital weighs them; effort is supplied, and less of it is better."""
COSTS = frozenset({"effort"})
_SEED = 20_260_101
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Loss:
    """What one hop or step took: `hours` with the ends of their interval, those that rest on what is usual, those that cannot be told."""

    id: str
    hours: float
    low: float
    high: float
    estimated_hours: float = 0.0
    unknown_hours: float = 0.0


@dataclass(frozen=True)
class Rank:
    """A place in the list. `confidence` is 0 to 1; `effort` the days that fixing it takes, `is_effort_supplied` whether anybody said so."""

    id: str
    priority: float
    confidence: float
    effort: float
    is_effort_supplied: bool


def confidence(loss: Loss) -> float:
    """How sure the hours are, 0 to 1: the share that is measured (neither usual nor unknown), times hours by hours and width of their
    interval: what happened on one day only is less sure to happen again than what happens on every day.
    """
    if loss.hours <= 0:
        return 0.0
    measured = max(loss.hours - loss.estimated_hours, 0) / (loss.hours + loss.unknown_hours)
    return measured * loss.hours / (loss.hours + loss.high - loss.low)


def ranked(losses: Sequence[Loss], effort: Mapping[str, float]) -> list[Rank]:
    """The losses by hours times confidence by effort, the first to fix first.

    An effort that nobody supplied counts as the middle one of those supplied, so that not knowing neither helps nor hurts; equal
    ones are ordered by name.
    """
    usual = median(effort.values()) if effort else 1.0
    found = [
        Rank(
            each.id,
            each.hours * confidence(each) / effort.get(each.id, usual),
            confidence(each),
            effort.get(each.id, usual),
            each.id in effort,
        )
        for each in losses
    ]
    return sorted(found, key=lambda rank: (-rank.priority, rank.id))


@dataclass(frozen=True)
class Option:
    """Something that could be done. `values` by criterion, each at least 0: more is better, of `costs` less is."""

    id: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Scored:
    """An option with its weighted score, 0 to 1, what each criterion gives to it, and how often it is first when weights vary."""

    id: str
    score: float
    parts: Mapping[str, float]
    wins: float


@dataclass(frozen=True)
class Turn:
    """Below and above which weight of a criterion another option is first, all other weights as they are; null where none is."""

    criterion: str
    weight: float
    below: float | None
    first_below: str | None
    above: float | None
    first_above: str | None


def normalised(
    options: Sequence[Option], criteria: Sequence[str], costs: frozenset[str]
) -> dict[str, dict[str, float]]:
    """Each option's values between 0 and 1, which no unit changes: a value by the largest; of a cost the smallest by the value."""
    found: dict[str, dict[str, float]] = {option.id: {} for option in options}
    for criterion in criteria:
        values = {option.id: option.values.get(criterion, 0.0) for option in options}
        most = max(values.values(), default=0.0)
        least = min((value for value in values.values() if value > 0), default=0.0)
        for ident, value in values.items():
            if criterion in costs:
                found[ident][criterion] = least / value if value > 0 else 1.0
            else:
                found[ident][criterion] = value / most if most > 0 else 0.0
    return found


def scored(
    options: Sequence[Option], weights: Mapping[str, float], costs: frozenset[str] = frozenset()
) -> list[Scored]:
    """The options by their weighted score, the best first. `wins`: of `DRAWS` draws of all possible weights, as likely each as the other.

    Raises:
        ValueError: a weight is below 0, or none is above it.
    """
    _check(weights)
    values = normalised(options, list(weights), costs)
    whole = sum(weights.values())
    parts = {ident: {name: weights[name] * own[name] / whole for name in weights} for ident, own in values.items()}
    wins = dict.fromkeys(values, 0)
    chance = Random(_SEED)  # noqa: S311 - not a secret: the same options must give the same answer
    names = sorted(weights)
    for _ in range(DRAWS if values else 0):
        drawn = {name: chance.expovariate(1.0) for name in names}
        wins[_order(values, drawn)[0]] += 1
    return [
        Scored(ident, sum(parts[ident].values()), parts[ident], wins[ident] / DRAWS)
        for ident in _order(values, weights)
    ]


def _order(values: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]) -> list[str]:
    """Best first; equal scores by what all criteria give together, so that an option never stands above one that is nowhere worse; then
    by name.
    """

    def place(ident: str) -> tuple[float, float, str]:
        own = values[ident]
        score = sum(weights[name] * own[name] for name in sorted(weights))
        return -round(score, 12), -round(sum(own[name] for name in sorted(own)), 12), ident

    return sorted(values, key=place)


def _check(weights: Mapping[str, float]) -> None:
    wrong = next((name for name, weight in weights.items() if not weight >= 0), None)
    if wrong is not None:
        raise ValueError(f"The weight of {wrong!r} is {weights[wrong]}. Weights are 0 or more.")
    if not sum(weights.values()) > 0:
        raise ValueError("No weight is above 0. Give at least one.")


def turns(options: Sequence[Option], weights: Mapping[str, float], costs: frozenset[str] = frozenset()) -> list[Turn]:
    """For each weight, how far it must move before another option is first.

    Raises:
        ValueError: a weight is below 0, or none is above it.
    """
    _check(weights)
    values = normalised(options, list(weights), costs)
    if not values:
        return []
    first, *others = _order(values, weights)
    return [_turn(criterion, values, weights, first, others) for criterion in weights]


def _turn(
    criterion: str,
    values: Mapping[str, Mapping[str, float]],
    weights: Mapping[str, float],
    first: str,
    others: Sequence[str],
) -> Turn:
    below: tuple[float, str] | None = None
    above: tuple[float, str] | None = None
    for other in others:
        gap = {name: values[first][name] - values[other][name] for name in weights}
        slope = gap[criterion]
        if abs(slope) < _TOLERANCE:
            continue
        meets = -sum(weights[name] * gap[name] for name in weights if name != criterion) / slope
        if slope > 0 and meets >= 0:
            below = max(below or (meets, other), (meets, other))
        elif slope < 0:
            above = min(above or (meets, other), (meets, other))
    return Turn(criterion, weights[criterion], *(below or (None, None)), *(above or (None, None)))
