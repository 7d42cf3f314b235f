"""What every family of known answers is written with: the shape of a cell, two statistics, and who a cell is about.

Here: no KPI. Not here: what happened (`trace`), and the arithmetic of each KPI (`truth` and the modules it calls).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sample_data.clock import SECOND, Calendar
from sample_data.facility import Facility

UNREGISTERED = "Unregistered"
_TOLERANCE = 1e-9
"""Products of shares are not exact: 0.9 of 10 must be 9."""


class Value(NamedTuple):
    """One cell. `value` is None where nothing was at risk."""

    value: float | None
    numerator: float
    denominator: int
    open_cases: int


class Cohort(Protocol):
    """Anything noted in the trace."""

    @property
    def facility(self) -> int | None:
        """Index of the facility; None for what belongs to none."""
        ...


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


def share(held: int, of: int, open_cases: int) -> Value:
    """A share of rows."""
    return Value(held / of if of else None, held, of, open_cases)


def completed(cases: Sequence[tuple[float, bool]], q: float, open_cases: int) -> Value:
    """A completion time with its counts."""
    return Value(completion_time(cases, q), sum(is_finished for _, is_finished in cases), len(cases), open_cases)


def ms(seconds: int | None) -> int | None:
    """Milliseconds of a trace's second, None of not yet."""
    return None if seconds is None else seconds * SECOND


class Cells:
    """Cells of one run's calendar and facilities; what is in one is the caller's to say."""

    def __init__(self, calendar: Calendar, facilities: tuple[Facility, ...]) -> None:
        self._calendar, self.facilities = calendar, facilities
        self.start, self.cut = calendar.start_ms // SECOND, calendar.end_ms // SECOND

    def _owners(self, *, engine: bool = False) -> list[tuple[str | None, Callable[[Cohort], bool]]]:
        """Who a cell is about: everyone, each facility, and for engines the channels that nobody registered."""
        owners: list[tuple[str | None, Callable[[Cohort], bool]]] = [(None, lambda _: True)]
        owners += [(each.name, lambda row, n=each.index: row.facility == n) for each in self.facilities]
        if engine:
            owners.append((UNREGISTERED, lambda row: row.facility is None))
        return owners

    def of(
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

    def backlog(
        self,
        rows: Sequence[Any],
        opened: Callable[[Any], float],
        closed: Callable[[Any], float | None],
        *,
        engine: bool = False,
    ) -> list[dict[str, Any]]:
        """What waits at the end of each week and at the data cut, with its total age; clocks are in seconds."""
        starts = (*self._calendar.week_starts[1:], self._calendar.end_ms)
        ends = [("week", 7 * n, end // SECOND) for n, end in enumerate(starts)] + [("all", 0, self.cut)]
        cells: list[dict[str, Any]] = []
        for name, belongs in self._owners(engine=engine):
            mine = [(opened(row), closed(row)) for row in rows if belongs(row)]
            for grain, day, end in ends:
                waiting = [begin for begin, until in mine if begin < end and (until is None or until >= end)]
                value = Value(len(waiting), sum(end - begin for begin in waiting) / 60, len(waiting), len(waiting))
                cells.append(self._cell(name, grain, day, value, value))
        return cells
