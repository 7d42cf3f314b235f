"""What is planted in a year of flows: which fault, when, how long and how strongly, all by the seed. No messages here.

Every flow has each kind of fault once, on days of its own after the weeks in which a flow teaches what is usual. Faults
are long enough to touch some messages (`FEWEST`): nobody could tell one that touches fewer from chance. Between them lie
things that are no faults and must not be taken for one (`Harmless`). What faults do to messages is in `flow_years`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

KINDS = ("silent", "outage", "retry_storm", "error_burst", "backlog", "latency_shift")
FIRST_DAY = 42
"""A flow is six weeks old before anything is planted: until then its usual weeks are learned."""
LAST_DAYS, APART = 10, 5
"""Days at the end of a run without faults, and the fewest between two faults of a flow."""
SHORTEST = FIRST_DAY + LAST_DAYS + len(KINDS) * APART
"""Days that a run needs at least."""
FEWEST = {
    "silent": 30,
    "outage": 8,
    "retry_storm": 20,
    "error_burst": 30,
    "backlog": 25,
    "latency_shift": 40,
}
"""Messages that come, or should come, while a fault lasts."""
_HOURS = {
    "silent": (0.75, 12.0),
    "outage": (0.5, 12.0),
    "retry_storm": (0.5, 8.0),
    "error_burst": (1.0, 24.0),
    "backlog": (1.5, 10.0),
    "latency_shift": (2.0, 48.0),
}
_HOUR, _DAY = 3_600_000, 86_400_000
_LONGEST = 96 * _HOUR

Span = tuple[int, int]


@dataclass(frozen=True)
class Fault:
    """One planted fault of one flow; `begin` and `end` are epoch milliseconds.

    `strength` is the share of tries refused (retry_storm), of messages refused (error_burst), of the arrivals that
    can be sent (backlog), or what latencies are multiplied by. `affected` is filled in when the messages are made.
    """

    flow: int
    kind: str
    begin: int
    end: int
    strength: float
    affected: int = 0


@dataclass(frozen=True)
class Harmless:
    """What is no fault, for all flows of the run. Spans are epoch milliseconds; days count from the run's first."""

    downtimes: tuple[Span, ...] = ()
    log_gaps: tuple[Span, ...] = ()
    holidays: tuple[int, ...] = ()
    quiet_days: tuple[int, ...] = ()
    taken: frozenset[int] = field(default=frozenset())
    """Days on which no fault is planted, because one of these lies there."""


def harmless(draw: np.random.Generator, start: int, days: int) -> Harmless:
    """Planned downtimes and holidays that the registry knows, and gaps of the log and quiet days that nobody announces."""
    count = max(1, days // 60)
    chosen = draw.choice(np.arange(FIRST_DAY - 20, days - 2), size=4 * count, replace=False)
    down, gaps, holidays, quiet = (sorted(int(day) for day in part) for part in np.split(chosen, 4))

    def span(day: int, most_hours: float) -> Span:
        begin = start + day * _DAY + int(draw.uniform(0, 20) * _HOUR)
        return begin, begin + int(draw.uniform(1, most_hours) * _HOUR)

    return Harmless(
        downtimes=tuple(span(day, 4) for day in down),
        log_gaps=tuple(span(day, 14) for day in gaps),
        holidays=tuple(holidays),
        quiet_days=tuple(quiet),
        taken=frozenset(day + more for day in (*down, *gaps) for more in (-1, 0, 1)),
    )


def faults(
    draw: np.random.Generator, flow: int, start: int, days: int, arrived: NDArray[np.int64], avoid: Harmless
) -> Sequence[Fault]:
    """One fault of each kind; `arrived` is when the flow's messages come if nothing goes wrong, in epoch milliseconds."""
    free = [day for day in range(FIRST_DAY, days - LAST_DAYS) if not avoid.taken & {day, day + 1, day + 2, day + 3}]
    found: list[Fault] = []

    def coming(begin: float, end: float) -> int:
        return int(np.searchsorted(arrived, end) - np.searchsorted(arrived, begin))

    for kind in map(str, draw.permutation(KINDS)):
        low, high = _HOURS[kind]
        for _ in range(400):
            begin = start + int(draw.choice(free)) * _DAY + int(draw.uniform(0, _DAY))
            length = float(np.exp(draw.uniform(np.log(low), np.log(high)))) * _HOUR
            while coming(begin, begin + length) < FEWEST[kind] and length < _LONGEST:
                length *= 1.25
            end = begin + int(length)
            is_free = all(end + APART * _DAY < each.begin or begin > each.end + APART * _DAY for each in found)
            is_clear = not any(begin - _DAY < until and end + _DAY > since for since, until in _spans(avoid))
            if length < _LONGEST and is_free and is_clear and coming(begin, begin + min(2 * _HOUR, length / 2)):
                found.append(Fault(flow, kind, begin, end, _strength(draw, kind)))
                break
    return found


def _spans(avoid: Harmless) -> Sequence[Span]:
    return (*avoid.downtimes, *avoid.log_gaps)


def _strength(draw: np.random.Generator, kind: str) -> float:
    match kind:
        case "retry_storm":
            return float(draw.uniform(0.93, 0.99))
        case "error_burst":
            return float(draw.uniform(0.4, 0.9))
        case "backlog":
            return float(draw.uniform(0.2, 0.6))
        case "latency_shift":
            return float(np.exp(draw.uniform(np.log(4), np.log(25))))
        case _:
            return 1.0
