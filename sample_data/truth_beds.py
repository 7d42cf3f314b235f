"""The known answers about waits in the emergency department, beds and discharges, computed a second time in plain Python."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sample_data.answers import Cells, Value, completed, ms, quantile, share
from sample_data.clock import ZONE
from sample_data.trace import CleanTrace, StayTrace, Trace, VisitTrace

FOUR_HOURS = 4 * 60 * 60
NOON = 12


def _median(amounts: Sequence[float], open_cases: int) -> Value:
    return Value(quantile(amounts, 0.5), len(amounts), len(amounts), open_cases)


def _hour_of_day(seconds: int) -> int:
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(ZONE)).hour


def emergency(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of the emergency KPIs that count waits before care, and the four hours."""

    def to_room(rows: Sequence[VisitTrace], _undated: Sequence[VisitTrace]) -> Value:
        waits = [(v.roomed - v.arrived) / 60 for v in rows if v.roomed is not None]
        return _median(waits, sum(v.departed is None and v.roomed is None for v in rows))

    def to_provider(rows: Sequence[VisitTrace], _undated: Sequence[VisitTrace]) -> Value:
        waits = [(v.seen - v.arrived) / 60 for v in rows if v.seen is not None]
        return _median(waits, sum(v.departed is None and v.seen is None for v in rows))

    def four_hours(rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        within = sum((v.departed or 0) - v.arrived <= FOUR_HOURS for v in rows)
        return share(within, len(rows), len(undated))

    return {
        "ed_door_to_room": cells.of(trace.visits, lambda v: ms(v.arrived), to_room, hides=True),
        "ed_door_to_provider": cells.of(trace.visits, lambda v: ms(v.arrived), to_provider),
        "ed_four_hour_performance": cells.of(trace.visits, lambda v: ms(v.departed), four_hours, hides=True),
    }


def beds(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of every KPI about stays and cleaned beds."""
    cut = cells.cut

    def length_of_stay(rows: Sequence[StayTrace], undated: Sequence[StayTrace]) -> Value:
        return _median([((s.departed or 0) - s.admitted) / 60 for s in rows], len(undated))

    def before_noon(rows: Sequence[StayTrace], undated: Sequence[StayTrace]) -> Value:
        return share(sum(_hour_of_day(s.departed or 0) < NOON for s in rows), len(rows), len(undated))

    def to_departure(rows: Sequence[StayTrace], _undated: Sequence[StayTrace]) -> Value:
        waits = [((s.departed or cut) - (s.ordered or 0), s.departed is not None) for s in rows]
        return completed([(wait / 60, left) for wait, left in waits], 0.5, sum(not left for _, left in waits))

    def response(rows: Sequence[CleanTrace], _undated: Sequence[CleanTrace]) -> Value:
        waits = [(((c.started or cut) - c.requested) / 60, c.started is not None) for c in rows]
        return completed(waits, 0.5, sum(not begun for _, begun in waits))

    def cleaning(rows: Sequence[CleanTrace], undated: Sequence[CleanTrace]) -> Value:
        return _median([((c.ended or 0) - (c.started or 0)) / 60 for c in rows], len(undated))

    def turnaround(rows: Sequence[CleanTrace], _undated: Sequence[CleanTrace]) -> Value:
        waits = [(((c.ended or cut) - c.requested) / 60, c.ended is not None) for c in rows]
        return completed(waits, 0.5, sum(not is_clean for _, is_clean in waits))

    return {
        "inpatient_length_of_stay": cells.of(trace.stays, lambda s: ms(s.departed), length_of_stay),
        "discharge_before_noon": cells.of(trace.stays, lambda s: ms(s.departed), before_noon),
        "discharge_order_to_departure": cells.of(trace.stays, lambda s: ms(s.ordered), to_departure),
        "bed_turnaround": cells.of(trace.cleans, lambda c: ms(c.requested), turnaround),
        "bed_clean_response": cells.of(trace.cleans, lambda c: ms(c.requested), response),
        "bed_clean_duration": cells.of(trace.cleans, lambda c: ms(c.ended), cleaning),
    }
