"""The known answer to where the time of whole visits went: each moment given to what was awaited in it, in plain Python.

Here: the minutes of every part by KPI, facility and week, for some KPIs of time. Not here: what a single wait is made of (`truth_waits`),
what the parts mean (`models.waits`).

A moment belongs to the wait that the visit itself is (boarding, leaving after discharge); else it is shared equally among the results that
are awaited; else among what lies within other waits (a bed for a transfer, a handoff); else nothing was awaited.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sample_data.clock import MINUTE, SECOND, Calendar, local_date
from sample_data.facility import Facility
from sample_data.trace import HandoffTrace, NewsTrace, StayTrace, Trace, VisitTrace
from sample_data.truth_waits import stretches

OWN, OTHER, WITHIN = range(3)


class Stretch(NamedTuple):
    """A stretch of a wait, in milliseconds, and whose turn it is."""

    begin: int
    end: int
    turn: int
    part: str


class Case(NamedTuple):
    """The time of a case, in milliseconds; `end` is None while it is open."""

    facility: int
    visit: str
    begin: int
    end: int | None


def times(trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> list[dict[str, Any]]:
    """Rows of the `times` part of truth.json: minutes by KPI, facility, week of the KPI's clock (Monday) and part.

    Of cases that began while the hospital was watched.
    """
    cut = calendar.end_ms
    awaited: dict[str, list[Stretch]] = defaultdict(list)
    for visit, each in _awaited(trace, cut):
        awaited[visit].append(each)
    minutes: dict[tuple[str, int, str, str], float] = defaultdict(float)
    for kpi, cases in _cases(trace).items():
        for case in cases:
            if not calendar.start_ms <= case.begin < cut:  # no log tells what was awaited before
                continue
            end = case.end if case.end is not None and case.end < cut else cut
            day = local_date(end)
            week = day.fromordinal(day.toordinal() - day.weekday()).isoformat()
            for part, ms in shared(awaited[case.visit], case.begin, end).items():
                minutes[kpi, case.facility, week, part] += ms / MINUTE
    return [
        {"kpi": kpi, "facility": facilities[facility].name, "week": week, "part": part, "minutes": round(total, 3)}
        for (kpi, facility, week, part), total in sorted(minutes.items())
    ]


def shared(awaited: Iterable[Stretch], begin: int, end: int) -> dict[str, float]:
    """Milliseconds of each part between two instants."""
    parts: dict[str, float] = defaultdict(float)
    changes: list[tuple[int, int, Stretch | None]] = [(end, 0, None)]
    for each in awaited:
        if each.begin < end and each.end > begin:
            changes += [(max(each.begin, begin), 1, each), (min(each.end, end), -1, each)]
    running: list[Stretch] = []
    since = begin
    for instant, step, each in sorted(changes, key=lambda change: change[0]):
        if instant > since:
            first = min((one.turn for one in running), default=None)
            mine = [one.part for one in running if one.turn == first] or ["care"]
            for part in mine:
                parts[part] += (instant - since) / len(mine)
            since = instant
        if each and step > 0:
            running.append(each)
        elif each:
            running.remove(each)
    return parts


def _cases(trace: Trace) -> dict[str, Iterator[Case]]:
    """The cases of each KPI as far as files can tell of them: visits through places without a type have no departure."""
    seen = [visit for visit in trace.visits if not visit.hidden]
    return {
        "ed_length_of_stay": (_visit(visit, visit.arrived) for visit in seen),
        "ed_boarding_ed2": (
            _visit(visit, visit.decided) for visit in seen if visit.decided is not None and visit.departed is not None
        ),
        "inpatient_length_of_stay": (_stay(stay) for stay in trace.stays),
    }


def _visit(visit: VisitTrace, begin: int) -> Case:
    return Case(visit.facility, visit.visit, begin * SECOND, _ms(visit.departed))


def _stay(stay: StayTrace) -> Case:
    return Case(stay.facility, stay.visit, stay.admitted * SECOND, _ms(stay.departed))


def _awaited(trace: Trace, cut: int) -> Iterator[tuple[str, Stretch]]:
    """Everything that visits waited for, by visit."""
    for news in trace.news:
        turn, until = _turn(news)
        if turn is not None:
            last = cut if until is None else min(until, cut)
            for begin, end, part in stretches(news, last, cut):
                yield news.visit, Stretch(begin, end, turn, part)
    for handoff in trace.handoffs:
        yield handoff.visit, Stretch(handoff.offered * SECOND, _over(handoff, cut), WITHIN, "people")
    for stay in trace.stays:
        if stay.ordered is not None:
            yield stay.visit, Stretch(stay.ordered * SECOND, min(_ms(stay.departed) or cut, cut), OWN, "people")


def _turn(news: NewsTrace) -> tuple[int | None, int | None]:
    """Whose turn a wait for this is, None where nobody waits for it, and when it is over."""
    if news.is_boarding:
        return OWN, news.ended
    return {
        "lab order": (OTHER, news.ended),
        "imaging order": (OTHER, news.ended),
        "critical result": (OTHER, news.acted),
        "bed request": (WITHIN, news.acted),
    }.get(news.what, (None, None))


def _over(handoff: HandoffTrace, cut: int) -> int:
    return min(_ms(handoff.accepted or handoff.closed) or cut, cut)


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * SECOND
