"""The known answers about feeds hour by hour, computed a second time in plain Python from the trace."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from sample_data.answers import Cells, Value
from sample_data.clock import HOUR, MINUTE, SECOND, hour_of_week, local_date
from sample_data.configuration import interfaces as registered
from sample_data.facility import Facility
from sample_data.relay import engines
from sample_data.trace import Trace

WEEKS_AROUND, FEWEST_WEEKS, BUSY = 4, 2, 5
_WEEK_DAYS = 7


@dataclass(slots=True)
class ChannelHour:
    """One hour of one channel: what came, what is usual, and how long it was silent."""

    facility: int | None
    began: int
    messages: int
    usual: float | None
    silent: float


def feeds(trace: Trace, cells: Cells, facilities: tuple[Facility, ...]) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI of feeds."""
    cut = cells.cut * SECOND
    hours = [hour for engine in engines(facilities) for hour in _hours(trace, engine, cut)]

    def silent(rows: Sequence[ChannelHour], _undated: Sequence[ChannelHour]) -> Value:
        total = sum(hour.silent for hour in rows)
        return Value(total, total, len(rows), 0)

    def throughput(rows: Sequence[ChannelHour], _undated: Sequence[ChannelHour]) -> Value:
        compared = [(hour.messages, hour.usual) for hour in rows if hour.usual is not None]
        came, usual = sum(n for n, _ in compared), sum(n for _, n in compared)
        return Value(came / usual if usual else None, came, round(usual), 0)

    return {
        "silent_feed_minutes": cells.of(hours, lambda hour: hour.began, silent, engine=True),
        "interface_throughput_ratio": cells.of(hours, lambda hour: hour.began, throughput, engine=True),
    }


def _hours(trace: Trace, facility: Facility, cut: int) -> Iterator[ChannelHour]:
    """Every hour of every channel of one engine, between its first message and its last."""
    seen: dict[str, list[int]] = defaultdict(list)
    limits = {flow: silence for flow, _, _, _, silence, _ in registered(facility)}
    for message in trace.messages:
        if message.source == facility.source:
            seen[message.channel].append(message.received)
            if message.channel == "ROUTER" and message.hop is not None and message.hop < cut and not message.is_lost:
                seen["ADT-OUT"].append(message.hop)
    if not seen:
        return
    first, last = min(map(min, seen.values())), max(map(max, seen.values()))
    for channel in sorted({*seen, *limits}):
        owner = facility.index if channel in limits else None
        yield from _hours_of(owner, limits.get(channel), sorted(seen[channel]), first, last)


def _hours_of(facility: int | None, limit: int | None, seen: list[int], first: int, last: int) -> Iterator[ChannelHour]:
    counts: dict[int, int] = defaultdict(int)
    for at in seen:
        counts[at // HOUR] += 1
    numbers = range(first // HOUR, last // HOUR + 1)
    same: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number in numbers:
        same[hour_of_week(number * HOUR)].append((_week(number * HOUR), counts[number]))
    beyond: dict[int, float] = defaultdict(float)
    if limit is not None:
        for before, after in pairwise([first, *seen, last]):
            _spread(beyond, before + limit * MINUTE, after)
    for number in numbers:
        week = _week(number * HOUR)
        others = [n for its, n in same[hour_of_week(number * HOUR)] if its != week and abs(its - week) <= WEEKS_AROUND]
        usual = median(others) if len(others) >= FEWEST_WEEKS else None
        is_silent = limit is None and not counts[number] and usual is not None and usual >= BUSY
        yield ChannelHour(facility, number * HOUR, counts[number], usual, 60.0 if is_silent else beyond[number])


def _week(ms: int) -> int:
    """A number that grows by one from week to week."""
    return (local_date(ms).toordinal() - 1) // _WEEK_DAYS


def _spread(beyond: dict[int, float], begin: int, end: int) -> None:
    """Add the minutes from `begin` to `end` to the hours that they lie in."""
    while begin < end:
        until = min(end, (begin // HOUR + 1) * HOUR)
        beyond[begin // HOUR] += (until - begin) / MINUTE
        begin = until
