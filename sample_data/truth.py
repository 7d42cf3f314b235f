"""The known answers: every KPI's true value and its observable value, from the simulation's own trace, in plain Python.

*True* is what happened up to the data cut. *Observable* is what perfect processing of the delivered files could know:
it leaves out visits that pass through places no export explains and reports verified "on a day". Nothing here knows
how the pipeline computes anything; the arithmetic is written a second time on purpose.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sample_data.clock import SECOND, Calendar
from sample_data.critical import WINDOW_MINUTES
from sample_data.facility import Facility
from sample_data.trace import CriticalTrace, HandoffTrace, MessageTrace, OrderTrace, Trace, VisitTrace

UNREGISTERED = "Unregistered"
_TOLERANCE = 1e-9
"""Products of shares are not exact: 0.9 of 10 must be 9."""


class Value(NamedTuple):
    """One cell. `value` is None where nothing was at risk."""

    value: float | None
    numerator: float
    denominator: int
    open_cases: int


class _Cohort(Protocol):
    """Anything noted in the trace."""

    @property
    def facility(self) -> int | None: ...


class Delivery(NamedTuple):
    """One delivery of a message, with the facility and receipt of its message, in milliseconds."""

    facility: int | None
    received: int
    entered: int
    settled: int
    is_delivered: bool
    latency: int


def quantile(amounts: Sequence[float], q: float) -> float | None:
    """Linear interpolation between the two nearest ranks; None of nothing."""
    if not amounts:
        return None
    ranked = sorted(amounts)
    at = (len(ranked) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (at - low)


def completion_time(cases: Iterable[tuple[float, bool]], q: float) -> float | None:
    """The time by which a share `q` is finished, by Kaplan and Meier; cases are (duration, finished).

    None when too few have finished to tell. With nothing unfinished this is the nearest-rank quantile.
    """
    ranked = sorted(cases, key=lambda case: (case[0], not case[1]))
    waiting = 1.0
    for place, (duration, finished) in enumerate(ranked):
        if finished:
            waiting *= 1 - 1 / (len(ranked) - place)
            if waiting <= 1 - q + _TOLERANCE:
                return duration
    return None


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * SECOND


class Truth:
    """All cells of all KPIs of one run."""

    def __init__(self, trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> None:
        self._trace, self._calendar, self._facilities = trace, calendar, facilities
        self._cut = calendar.end_ms // SECOND

    def kpis(self) -> dict[str, list[dict[str, Any]]]:
        """The `kpis` part of truth.json."""
        t = self._trace
        deliveries = [
            delivery
            for m in t.messages
            for each in m.deliveries
            if (delivery := Delivery(m.facility, m.received, *each)).entered < self._calendar.end_ms
        ]
        return {
            "ed_arrivals": self._cells(t.visits, lambda v: _ms(v.arrived), self._arrivals),
            "ed_length_of_stay": self._cells(t.visits, lambda v: _ms(v.departed), self._length_of_stay, hides=True),
            "ed_left_before_seen": self._cells(t.visits, lambda v: _ms(v.departed), self._left),
            "ed_boarding_ed2": self._cells(t.visits, lambda v: _ms(v.departed), self._boarding, hides=True),
            "lab_turnaround": self._cells(t.orders, lambda o: _ms(o.ordered), self._turnaround, hides=True),
            "critical_result_acknowledged": self._cells(t.criticals, lambda c: _ms(c.issued), self._acknowledged),
            "handoff_acceptance_time": self._cells(t.handoffs, lambda h: _ms(h.offered), self._acceptance),
            "handoff_missed_rate": self._cells(t.handoffs, lambda h: _ms(h.offered), self._missed),
            "handoffs_open": self._backlog(t.handoffs),
            "interface_messages": self._cells(t.messages, lambda m: m.received, self._messages, engine=True),
            "interface_final_failure_rate": self._cells(deliveries, lambda d: d.received, self._failures, engine=True),
            "interface_ack_latency": self._cells(deliveries, lambda d: d.received, self._latency, engine=True),
        }

    def _owners(self, *, engine: bool = False) -> list[tuple[str | None, Callable[[_Cohort], bool]]]:
        """Who a cell is about: everyone, each facility, and for engines the channels that nobody registered."""
        owners: list[tuple[str | None, Callable[[_Cohort], bool]]] = [(None, lambda _: True)]
        owners += [(each.name, lambda row, n=each.index: row.facility == n) for each in self._facilities]
        if engine:
            owners.append((UNREGISTERED, lambda row: row.facility is None))
        return owners

    def _cells(
        self,
        rows: Sequence[Any],
        clock: Callable[[Any], int | None],
        measure: Callable[[Sequence[Any], Sequence[Any]], Value],
        *,
        engine: bool = False,
        hides: bool = False,
    ) -> list[dict[str, Any]]:
        """Cells by owner and week, and over all time.

        `measure` gets the rows of the period and those without a clock yet; with `hides` the files do not tell enough
        about hidden rows for this KPI, and the observable value leaves them out.
        """
        cells: list[dict[str, Any]] = []
        for name, belongs in self._owners(engine=engine):
            weeks: list[list[Any]] = [[] for _ in self._calendar.week_starts]
            undated: list[Any] = []
            for row in rows:
                if not belongs(row):
                    continue
                at = clock(row)
                if at is None:
                    undated.append(row)
                elif (week := self._calendar.week_of(at)) is not None:
                    weeks[week].append(row)
            spans = [("week", 7 * n, inside) for n, inside in enumerate(weeks)]
            spans.append(("all", 0, [row for inside in weeks for row in inside]))
            for grain, day, inside in spans:
                true = measure(inside, undated)
                seen = measure([row for row in inside if not row.hidden], undated) if hides else true
                cells.append(self._cell(name, grain, day, true, seen))
        return cells

    def _cell(self, facility: str | None, grain: str, day: int, true: Value, observable: Value) -> dict[str, Any]:
        period = self._calendar.day(day).isoformat()
        values = {"true": true._asdict(), "observable": observable._asdict()}
        return {"facility": facility, "grain": grain, "period": period, **values}

    @staticmethod
    def _share(held: int, of: int, open_cases: int) -> Value:
        return Value(held / of if of else None, held, of, open_cases)

    @staticmethod
    def _arrivals(rows: Sequence[VisitTrace], _undated: Sequence[VisitTrace]) -> Value:
        return Value(len(rows), len(rows), len(rows), 0)

    @staticmethod
    def _length_of_stay(rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        stays = [((v.departed or 0) - v.arrived) / 60 for v in rows]
        return Value(quantile(stays, 0.5), len(stays), len(stays), len(undated))

    @classmethod
    def _left(cls, rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        return cls._share(sum(v.left for v in rows), len(rows), len(undated))

    @staticmethod
    def _boarding(rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        waits = [((v.departed or 0) - v.decided) / 60 for v in rows if v.decided is not None]
        return Value(quantile(waits, 0.5), len(waits), len(waits), sum(v.decided is not None for v in undated))

    def _turnaround(self, rows: Sequence[OrderTrace], _undated: Sequence[OrderTrace]) -> Value:
        cases = [
            (((self._cut if o.verified is None else o.verified) - o.ordered) / 60, o.verified is not None)
            for o in rows
            if not o.revoked
        ]
        finished = sum(is_finished for _, is_finished in cases)
        return Value(completion_time(cases, 0.9), finished, len(cases), len(cases) - finished)

    def _acknowledged(self, rows: Sequence[CriticalTrace], _undated: Sequence[CriticalTrace]) -> Value:
        window = WINDOW_MINUTES * 60
        settled = [c for c in rows if c.acknowledged is not None or c.issued + window <= self._cut]
        in_time = sum(c.acknowledged is not None and c.acknowledged - c.issued <= window for c in settled)
        return self._share(in_time, len(settled), sum(c.acknowledged is None for c in rows))

    def _acceptance(self, rows: Sequence[HandoffTrace], _undated: Sequence[HandoffTrace]) -> Value:
        cases: list[tuple[float, bool]] = []
        for h in rows:
            until = h.accepted or h.closed or self._cut
            cases.append(((until - h.offered) / 60, h.accepted is not None))
        finished = sum(is_finished for _, is_finished in cases)
        open_cases = sum(h.accepted is None and h.closed is None for h in rows)
        return Value(completion_time(cases, 0.5), finished, len(cases), open_cases)

    def _missed(self, rows: Sequence[HandoffTrace], _undated: Sequence[HandoffTrace]) -> Value:
        is_open = [h.accepted is None and h.closed is None for h in rows]
        settled = [h for h, still in zip(rows, is_open, strict=True) if not still or h.accept_by <= self._cut]
        missed = sum(h.accepted is None or h.accepted > h.accept_by for h in settled)
        return self._share(missed, len(settled), sum(is_open))

    def _backlog(self, handoffs: Sequence[HandoffTrace]) -> list[dict[str, Any]]:
        """Handoffs waiting at the end of each week and at the data cut, with their total age."""
        starts = (*self._calendar.week_starts[1:], self._calendar.end_ms)
        ends = [("week", 7 * n, end // SECOND) for n, end in enumerate(starts)] + [("all", 0, self._cut)]
        cells: list[dict[str, Any]] = []
        for name, belongs in self._owners():
            mine = [h for h in handoffs if belongs(h)]
            for grain, day, end in ends:
                waiting = [
                    h.offered
                    for h in mine
                    if h.offered < end and ((until := h.accepted or h.closed) is None or until >= end)
                ]
                age = sum(end - offered for offered in waiting) / 60
                value = Value(len(waiting), age, len(waiting), len(waiting))
                cells.append(self._cell(name, grain, day, value, value))
        return cells

    @staticmethod
    def _messages(rows: Sequence[MessageTrace], _undated: Sequence[MessageTrace]) -> Value:
        return Value(len(rows), len(rows), len(rows), 0)

    def _failures(self, rows: Sequence[Delivery], _undated: Sequence[Delivery]) -> Value:
        ended = [d for d in rows if d.settled < self._calendar.end_ms]
        return self._share(sum(not d.is_delivered for d in ended), len(ended), len(rows) - len(ended))

    def _latency(self, rows: Sequence[Delivery], _undated: Sequence[Delivery]) -> Value:
        ended = [d for d in rows if d.settled < self._calendar.end_ms]
        latencies = [d.latency for d in ended if d.is_delivered]
        return Value(quantile(latencies, 0.95), len(latencies), len(latencies), len(rows) - len(ended))
