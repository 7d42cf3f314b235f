"""The known answers about occupancy: each patient's time in a bed is laid over every hour it touches, one by one."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sample_data.answers import Cells, Value
from sample_data.clock import SECOND, ZONE
from sample_data.trace import BedTrace, Trace

HOUR = 3_600
LAST_HOUR = 23


class WardHour(NamedTuple):
    """One ward in one hour from `begin`: bed hours, and patients when the hour ends."""

    facility: int
    begin: int
    beds: int
    occupied: float
    at_end: int

    @property
    def is_before_midnight(self) -> bool:
        """Whether the local day ends with this hour."""
        return datetime.fromtimestamp(self.begin, UTC).astimezone(ZoneInfo(ZONE)).hour == LAST_HOUR


def _hours(stays: Sequence[BedTrace], facility: int, beds: int, start: int, cut: int) -> list[WardHour]:
    number = (cut - start) // HOUR
    occupied, at_end = [0] * number, [0] * number
    for stay in stays:
        until = cut if stay.ended is None else stay.ended
        for n in range(max(0, (stay.began - start) // HOUR), min(number, (until - start) // HOUR + 1)):
            begin = start + n * HOUR
            end = begin + HOUR
            occupied[n] += max(0, min(until, end) - max(stay.began, begin))
            at_end[n] += stay.began < end and (stay.ended is None or stay.ended >= end)
    return [WardHour(facility, start + n * HOUR, beds, occupied[n] / HOUR, at_end[n]) for n in range(number)]


def occupancy(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of the three occupancies."""
    stays: dict[tuple[int, str], list[BedTrace]] = defaultdict(list)
    for stay in trace.beds:
        stays[stay.facility, stay.ward].append(stay)
    rows = [
        hour
        for facility in cells.facilities
        for ward in facility.wards
        for hour in _hours(stays[facility.index, ward.code], facility.index, ward.beds, cells.start, cells.cut)
    ]

    def rate(occupied: float, beds: int) -> Value:
        return Value(occupied / beds if beds else None, occupied, beds, 0)

    def mean(hours: Sequence[WardHour], _undated: Sequence[WardHour]) -> Value:
        return rate(sum(h.occupied for h in hours), sum(h.beds for h in hours))

    def midnight(hours: Sequence[WardHour], _undated: Sequence[WardHour]) -> Value:
        last = [h for h in hours if h.is_before_midnight]
        return rate(sum(h.at_end for h in last), sum(h.beds for h in last))

    def peak(hours: Sequence[WardHour], _undated: Sequence[WardHour]) -> Value:
        return Value(max(h.occupied / h.beds for h in hours), len(hours), len(hours), 0)

    return {
        "occupancy_mean": cells.of(rows, lambda h: h.begin * SECOND, mean),
        "occupancy_midnight": cells.of(rows, lambda h: h.begin * SECOND, midnight),
        "occupancy_peak": cells.of(rows, lambda h: h.begin * SECOND, peak),
    }
