"""Did a pilot work? A registered plan and its KPI in; the difference, how sure it is, and a verdict in words out.

The design is "before and after, crude": the KPI of the pilot's place in whole weeks before its first day against whole
weeks from it on, both followed equally long; beside it the same difference at places that did not take part. What is
resampled and how stands in `models.resampling`. A verdict is never better than its interval: "cannot tell" is one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, cast

from models import wording
from models.errors import BadJournalEntry
from models.kpi import Kpi
from models.measures import CompletionTime, Frame, OpenAt
from models.resampling import Difference, difference, last_whole_day, less, stretch

Verdict = Literal["improved", "not_improved", "worse", "cannot_tell"]
GuardrailState = Literal["kept", "harmed", "cannot_tell"]

DESIGN = "before and after, crude; whole days resampled; comparison beside it"
FEWEST_WEEKS = 4
MOST_WEEKS = 26
FEWEST_CASES = 20
FOLLOW_UP_DAYS = (2, 7, 14, 28)
"""How long cases are followed: the first that lets a completion time be estimated before and after."""
HARM_MARGIN = 0.1
"""A guardrail is kept when its interval excludes becoming worse by this share of what it was."""
_DETECTABLE = 2.8
"""Spreads that an effect must have to be found in four of five pilots at a level of 5 %."""
_MINUTES_A_DAY = 1440.0

Place = Mapping[str, tuple[object, ...]]
"""Filters of a selection; `{}` is the whole hospital."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was written down before looking: the KPI that decides, where, from when, and the effect that is hoped for.

    `expected` is in the KPI's unit with its sign; null when nobody said. `guardrails` are KPIs that must not become
    worse. Null places mean all.
    """

    name: str
    kpi: str
    starts_on: date
    facility: str | None = None
    unit: str | None = None
    expected: float | None = None
    guardrails: tuple[str, ...] = ()

    @classmethod
    def from_decision(cls, name: str, facility: str | None, value: str | None) -> "Plan":
        """The plan in a journal's `value`: a JSON object with `kpi`, `starts_on`, and if they apply `unit`,
        `expected` and `guardrails`.

        Raises:
            BadJournalEntry: it is none, or lacks one of the two; the message says which.
        """
        try:
            found = cast("dict[str, Any]", json.loads(value or ""))
            unit, expected = found.get("unit"), found.get("expected")
            return cls(
                name=name,
                kpi=str(found["kpi"]),
                starts_on=date.fromisoformat(str(found["starts_on"])),
                facility=facility,
                unit=str(unit) if unit else None,
                expected=None if expected is None else float(expected),
                guardrails=tuple(map(str, found.get("guardrails") or ())),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadJournalEntry(
                f"The plan of pilot {name!r} is incomplete ({type(error).__name__}): it needs kpi and starts_on (YYYY-MM-DD)."
                " Register it again."
            ) from None

    @property
    def place(self) -> Place:
        """Where it runs, as filters."""
        return {name: (value,) for name, value in (("facility", self.facility), ("unit", self.unit)) if value}


@dataclass(frozen=True, kw_only=True)
class Weeks:
    """The whole weeks that are compared: `start` to the pilot's first day, and from there to before `end`."""

    start: date
    go_live: date
    end: date
    follow_up_days: int

    @property
    def before(self) -> int:
        """Whole weeks before."""
        return (self.go_live - self.start).days // 7

    @property
    def after(self) -> int:
        """Whole weeks after."""
        return (self.end - self.go_live).days // 7


@dataclass(frozen=True)
class Guardrail:
    """A KPI that must not become worse for the pilot to count as good, and whether it did."""

    kpi: str
    state: GuardrailState
    found: Difference


@dataclass(frozen=True, kw_only=True)
class Impact:
    """What is known of a pilot. `net` is the pilot's difference less the comparison's; `detectable` the smallest effect
    that these weeks would show; `more_weeks` how many more it takes to show the expected one, null when none or unknown.
    """

    verdict: Verdict
    why: tuple[str, ...]
    weeks: Weeks | None = None
    found: Difference | None = None
    comparison: Difference | None = None
    net: Difference | None = None
    detectable: float | None = None
    more_weeks: int | None = None
    cases: tuple[int, int] = (0, 0)


def compare(plan: Plan, kpi: Kpi, mart: Frame, elsewhere: Place | None, *, first_day: date, as_of: date) -> Impact:
    """The pilot's difference, the comparison's, and the verdict.

    Args:
        plan: what was registered.
        kpi: the KPI that decides.
        mart: its rows.
        elsewhere: places that did not take part, as filters; None for no comparison.
        first_day: the first local day with data.
        as_of: the local day of the data cut.
    """
    if isinstance(kpi.measure, OpenAt):
        return _unknown("A backlog is not made of cases that can be compared before and after. Choose another measure.")
    needs_time = isinstance(kpi.measure, CompletionTime)
    found: Impact | None = None
    for follow_up in FOLLOW_UP_DAYS if needs_time else FOLLOW_UP_DAYS[:1]:
        weeks = whole_weeks(plan.starts_on, first_day, as_of, follow_up)
        if min(weeks.before, weeks.after) < FEWEST_WEEKS:
            return found or _unknown(_too_short(weeks))
        found = _compared(plan, kpi, mart, elsewhere, weeks)
        if found.found is None or found.found.low is not None:
            break
    return cast("Impact", found)


def whole_weeks(go_live: date, first_day: date, as_of: date, follow_up_days: int) -> Weeks:
    """The weeks that are compared: whole, at most half a year on each side, those after followed long enough."""
    before = min(max((go_live - first_day).days // 7, 0), MOST_WEEKS)
    after = min(max((last_whole_day(as_of, follow_up_days) - go_live).days // 7, 0), MOST_WEEKS)
    return Weeks(
        start=go_live - timedelta(weeks=before),
        go_live=go_live,
        end=go_live + timedelta(weeks=after),
        follow_up_days=follow_up_days,
    )


def guardrail(plan: Plan, kpi: Kpi, mart: Frame, *, first_day: date, as_of: date) -> Guardrail:
    """Whether a KPI that the pilot must not harm was kept, at the pilot's place; followed as long as it takes."""
    found = Difference(None, None)
    if isinstance(kpi.measure, OpenAt):
        return Guardrail(kpi.id, "cannot_tell", found)
    for follow_up in FOLLOW_UP_DAYS:
        weeks = whole_weeks(plan.starts_on, first_day, as_of, follow_up)
        if min(weeks.before, weeks.after) >= FEWEST_WEEKS and found.low is None:
            found, cases = _difference(kpi, mart, plan.place, weeks)
            found = found if min(cases) >= FEWEST_CASES else Difference(None, None)
    if found.before is None or found.low is None or found.high is None or kpi.improves == "neither":
        return Guardrail(kpi.id, "cannot_tell", found)
    least, most = _worsening(kpi, found.low, found.high)
    state: GuardrailState = "cannot_tell"
    if most <= HARM_MARGIN * abs(found.before):
        state = "kept"
    elif least > 0:
        state = "harmed"
    return Guardrail(kpi.id, state, found)


def _worsening(kpi: Kpi, low: float, high: float) -> tuple[float, float]:
    """The interval of how much worse it became: positive is worse."""
    return (-high, -low) if kpi.improves == "up" else (low, high)


def _difference(kpi: Kpi, mart: Frame, place: Place, weeks: Weeks) -> tuple[Difference, tuple[int, int]]:
    cut = weeks.follow_up_days * _MINUTES_A_DAY if isinstance(kpi.measure, CompletionTime) else None
    before = stretch(kpi, mart, place, (weeks.start, weeks.go_live), cut)
    after = stretch(kpi, mart, place, (weeks.go_live, weeks.end), cut)
    return difference(kpi.measure, before, after), (len(before.cases), len(after.cases))


def _compared(plan: Plan, kpi: Kpi, mart: Frame, elsewhere: Place | None, weeks: Weeks) -> Impact:
    found, cases = _difference(kpi, mart, plan.place, weeks)
    if min(cases) < FEWEST_CASES:
        few = f"fewer than {FEWEST_CASES} cases in one of the two stretches; their numbers are not shown"
        return _unknown(f"There are {few}.", weeks)
    other = net = None
    if elsewhere is not None:
        other, other_cases = _difference(kpi, mart, elsewhere, weeks)
        other = other if min(other_cases) >= FEWEST_CASES else None
        net = less(found, other) if other else None
    detectable = None if found.spread is None else _DETECTABLE * found.spread
    verdict, why = _judged(plan, kpi, found, net)
    return Impact(
        verdict=verdict,
        why=why,
        weeks=weeks,
        found=found,
        comparison=other,
        net=net,
        detectable=detectable,
        more_weeks=_more_weeks(plan, weeks, detectable) if verdict == "cannot_tell" else None,
        cases=cases,
    )


def _judged(plan: Plan, kpi: Kpi, found: Difference, net: Difference | None) -> tuple[Verdict, tuple[str, ...]]:
    if found.low is None or found.high is None:
        return "cannot_tell", ("Too few cases were finished in time for the measure to be estimated on both sides.",)
    if kpi.improves == "neither":
        return "cannot_tell", ("For this measure neither direction is better, so a change cannot be an improvement.",)
    said = _interval(kpi, found)
    least, most = _worsening(kpi, found.low, found.high)
    if least > 0 or most < 0:
        word, verdict = ("worse", "worse") if least > 0 else ("better", "improved")
        if net is not None and net.low is not None and net.high is not None and net.low <= 0 <= net.high:
            also = f"Places that did not take part changed too: less their change it is {_interval(kpi, net)}."
            return "cannot_tell", (f"It became {word}: {said}.", also)
        return verdict, (f"The whole interval is on the {word} side: {said}.",)
    return _nothing_seen(plan, kpi, found.low, found.high, said)


def _nothing_seen(plan: Plan, kpi: Kpi, low: float, high: float, said: str) -> tuple[Verdict, tuple[str, ...]]:
    """No change lies within the interval: the hoped-for one is ruled out, or nobody can tell."""
    if plan.expected is not None and not low <= plan.expected <= high:
        hoped = wording.change(plan.expected, kpi.unit)
        return "not_improved", (f"No change is within the interval and the hoped-for {hoped} is not: {said}.",)
    hoped = "" if plan.expected is None else f" and so is the hoped-for {wording.change(plan.expected, kpi.unit)}"
    return "cannot_tell", (f"No change is within the interval{hoped}: {said}.",)


def _interval(kpi: Kpi, found: Difference) -> str:
    """`−32 min (95 % interval −45 to −18)`."""
    effect, low, high = (wording.change(each, kpi.unit) for each in (found.effect, found.low, found.high))
    return f"{effect} (95 % interval {low} to {high})"


def _more_weeks(plan: Plan, weeks: Weeks, detectable: float | None) -> int | None:
    """How many more weeks on each side would show the expected effect, if the weeks to come vary like these."""
    if detectable is None or not plan.expected or detectable <= abs(plan.expected):
        return None
    have = min(weeks.before, weeks.after)
    return math.ceil(have * (detectable / abs(plan.expected)) ** 2) - have


def _too_short(weeks: Weeks) -> str:
    return (
        f"There are {weeks.before} whole weeks before and {weeks.after} after, followed for {weeks.follow_up_days} days; "
        f"it takes {FEWEST_WEEKS} on each side."
    )


def _unknown(why: str, weeks: Weeks | None = None) -> Impact:
    return Impact(verdict="cannot_tell", why=(why,), weeks=weeks)


def elsewhere(plan: Plan, facilities: Sequence[str], units: Sequence[str]) -> Place | None:
    """Places that did not take part: the other facilities; where there are none, the other units; else nothing."""
    others = tuple(name for name in facilities if name != plan.facility)
    if plan.facility and others:
        return {"facility": others}
    rest = tuple(name for name in units if name != plan.unit)
    if plan.unit and rest:
        return {"unit": rest, "facility": (plan.facility,)} if plan.facility else {"unit": rest}
    return None
