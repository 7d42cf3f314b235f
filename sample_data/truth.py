"""The known answers: every KPI's true value and its observable value, from the simulation's own trace, in plain Python.

*True* is what happened up to the data cut. *Observable* is what perfect processing of the delivered files could know:
it leaves out visits that pass through places no export explains and reports verified "on a day". Nothing here knows
how the pipeline computes anything; the arithmetic is written a second time on purpose.
"""

from collections.abc import Sequence
from typing import Any

from sample_data.answers import Cells, Value, completed, ms, quantile, share
from sample_data.clock import SECOND, Calendar
from sample_data.facility import Facility
from sample_data.trace import HandoffTrace, Trace, VisitTrace
from sample_data.truth_beds import beds, emergency
from sample_data.truth_exceptions import exceptions
from sample_data.truth_feeds import feeds
from sample_data.truth_interfaces import interfaces
from sample_data.truth_occupancy import occupancy
from sample_data.truth_paths import paths
from sample_data.truth_results import results
from sample_data.truth_tasks import tasks


class Truth:
    """All cells of all KPIs of one run."""

    def __init__(self, trace: Trace, calendar: Calendar, facilities: tuple[Facility, ...]) -> None:
        self._trace, self._calendar, self._facilities = trace, calendar, facilities
        self._cells = Cells(calendar, facilities)
        self._cut = calendar.end_ms // SECOND

    def kpis(self) -> dict[str, list[dict[str, Any]]]:
        """The `kpis` part of truth.json."""
        t, cells = self._trace, self._cells
        return {
            "ed_arrivals": cells.of(t.visits, lambda v: ms(v.arrived), self._arrivals),
            "ed_length_of_stay": cells.of(t.visits, lambda v: ms(v.departed), self._length_of_stay, hides=True),
            "ed_left_before_seen": cells.of(t.visits, lambda v: ms(v.departed), self._left),
            "ed_boarding_ed2": cells.of(t.visits, lambda v: ms(v.departed), self._boarding, hides=True),
            **emergency(t, cells),
            **beds(t, cells),
            **occupancy(t, cells),
            **results(t, cells),
            **tasks(t, cells),
            "handoff_acceptance_time": cells.of(t.handoffs, lambda h: ms(h.offered), self._acceptance),
            "handoff_missed_rate": cells.of(t.handoffs, lambda h: ms(h.offered), self._missed),
            "handoffs_open": cells.backlog(t.handoffs, lambda h: h.offered, lambda h: h.accepted or h.closed),
            **exceptions(t, cells),
            **paths(t, cells),
            **interfaces(t, cells),
            **feeds(t, cells, self._facilities),
        }

    @staticmethod
    def _arrivals(rows: Sequence[VisitTrace], _undated: Sequence[VisitTrace]) -> Value:
        return Value(len(rows), len(rows), len(rows), 0)

    @staticmethod
    def _length_of_stay(rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        stays = [((v.departed or 0) - v.arrived) / 60 for v in rows]
        return Value(quantile(stays, 0.5), len(stays), len(stays), len(undated))

    @classmethod
    def _left(cls, rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        return share(sum(v.left for v in rows), len(rows), len(undated))

    @staticmethod
    def _boarding(rows: Sequence[VisitTrace], undated: Sequence[VisitTrace]) -> Value:
        waits = [((v.departed or 0) - v.decided) / 60 for v in rows if v.decided is not None]
        return Value(quantile(waits, 0.5), len(waits), len(waits), sum(v.decided is not None for v in undated))

    def _acceptance(self, rows: Sequence[HandoffTrace], _undated: Sequence[HandoffTrace]) -> Value:
        cases: list[tuple[float, bool]] = []
        for h in rows:
            until = h.accepted or h.closed or self._cut
            cases.append(((until - h.offered) / 60, h.accepted is not None))
        return completed(cases, 0.5, sum(h.accepted is None and h.closed is None for h in rows))

    def _missed(self, rows: Sequence[HandoffTrace], _undated: Sequence[HandoffTrace]) -> Value:
        is_open = [h.accepted is None and h.closed is None for h in rows]
        settled = [h for h, still in zip(rows, is_open, strict=True) if not still or h.accept_by <= self._cut]
        missed = sum(h.accepted is None or h.accepted > h.accept_by for h in settled)
        return share(missed, len(settled), sum(is_open))
