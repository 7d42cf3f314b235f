"""The known answers about cases and the path that the simulated registry names, computed a second time in plain Python from the trace."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sample_data.answers import Cells, Value, ms, share
from sample_data.trace import HandoffTrace, OrderTrace, StayTrace, Trace, VisitTrace


class Step(NamedTuple):
    """A step of the registered path: the minutes that the wait for it may take, None without a window, and whether it is expected."""

    name: str
    minutes: int | None = None
    expected: str = "always"


PATHS = {
    "ed-to-bed": (
        *(
            Step("arrived"),
            Step("triaged", 10),
            Step("roomed", 30),
            Step("seen", 30),
            Step("decided", 180),
            Step("requested", 10),
        ),
        *(Step("assigned", 60), Step("offered", 15), Step("accepted", 30), Step("departed", 30), Step("admitted", 15)),
    ),
    "order-to-acknowledged-result": (
        *(Step("ordered"), Step("collected", 30), Step("received", 20), Step("verified", 45)),
        *(Step("shown", 5, "sometimes"), Step("escalated", 60, "never"), Step("acknowledged", 60, "sometimes")),
    ),
    "discharge": (Step("ordered"), Step("departed", 120), Step("asked", 15), Step("clean", 60)),
}
"""What the simulated hospital registers."""


class Case(NamedTuple):
    """A case with its steps in their order: place on the path, from 0, and second."""

    facility: int
    path: tuple[Step, ...]
    steps: list[tuple[int, int]]
    is_open: bool
    hidden: bool

    @property
    def began(self) -> int:
        """The second of the first step."""
        return self.steps[0][1]

    @property
    def furthest(self) -> int:
        """The last place on the path that it reached, exceptions aside."""
        return max(place for place, _ in self.steps if self.path[place].expected != "never")

    @property
    def left_path(self) -> bool:
        """Whether anything shows that it did not keep to the path."""
        places = [place for place, _ in self.steps]
        usual = [place for place in places if self.path[place].expected != "never"]
        due = range(self.furthest if self.is_open else len(self.path))
        return (
            len(usual) < len(places)
            or len(set(places)) < len(places)
            or usual != sorted(usual)
            or any(self.path[place].expected == "always" and place not in places for place in due)
        )


class Wait(NamedTuple):
    """A wait for a step with a window, in seconds; `ended` is None while it goes on."""

    facility: int
    began: int
    ended: int | None
    window: int
    hidden: bool


def paths(trace: Trace, cells: Cells) -> dict[str, list[dict[str, Any]]]:
    """The cells of the KPIs about cases and their registered path."""
    cut = cells.cut
    cases = [*_admissions(trace), *_orders(trace), *_discharges(trace)]

    def on_path(rows: Sequence[Case], _undated: Sequence[Case]) -> Value:
        left = [case.left_path for case in rows]
        settled = sum(gone or not case.is_open for case, gone in zip(rows, left, strict=True))
        return share(settled - sum(left), settled, sum(case.is_open for case in rows))

    def in_window(rows: Sequence[Wait], _undated: Sequence[Wait]) -> Value:
        settled = [wait for wait in rows if wait.ended is not None or wait.began + wait.window < cut]
        within = sum(wait.ended is not None and wait.ended - wait.began <= wait.window for wait in settled)
        return share(within, len(settled), sum(wait.ended is None for wait in rows))

    return {
        "cases_on_path_rate": cells.of(cases, lambda case: ms(case.began), on_path, hides=True),
        "steps_in_window_rate": cells.of(list(_waits(cases)), lambda wait: ms(wait.began), in_window, hides=True),
    }


def _waits(cases: Sequence[Case]) -> Iterator[Wait]:
    for case in cases:
        for (_, began), (place, ended) in pairwise(case.steps):
            if minutes := case.path[place].minutes:
                yield Wait(case.facility, began, ended, minutes * 60, case.hidden)
        ahead = [step for step in case.path[case.furthest + 1 :] if step.expected != "never"]
        awaited = next((step for step in ahead if step.expected == "always"), ahead[0] if ahead else None)
        if case.is_open and awaited and awaited.minutes:
            yield Wait(case.facility, case.steps[-1][1], None, awaited.minutes * 60, case.hidden)


def _case(
    workflow: str, facility: int, told: dict[str, list[int | None]], *, is_open: bool, hidden: bool = False
) -> Case:
    path = PATHS[workflow]
    steps = [(place, at) for place, step in enumerate(path) for at in told[step.name] if at is not None]
    return Case(facility, path, sorted(steps, key=lambda step: (step[1], step[0])), is_open, hidden)


def _admissions(trace: Trace) -> Iterator[Case]:
    for v in trace.visits:
        if v.decided is not None:
            yield _case("ed-to-bed", v.facility, _admission(v, v.handoffs), is_open=v.departed is None, hidden=v.hidden)


def _admission(v: VisitTrace, handoffs: Sequence[HandoffTrace]) -> dict[str, list[int | None]]:
    """The stay and its bed request are known once the patient lies upstairs."""
    lies = v.departed is not None
    return {
        "arrived": [v.arrived],
        "triaged": [v.triaged],
        "roomed": [v.roomed],
        "seen": [v.seen],
        "decided": [v.decided],
        "requested": [v.decided if lies else None],
        "assigned": [v.assigned if lies else None],
        "offered": [each.offered for each in handoffs],
        "accepted": [each.accepted for each in handoffs],
        "departed": [v.departed],
        "admitted": [v.departed],
    }


def _orders(trace: Trace) -> Iterator[Case]:
    for order in trace.orders:
        if not order.revoked:
            critical = order.critical
            is_open = order.verified is None or (critical is not None and critical.acknowledged is None)
            yield _case(
                "order-to-acknowledged-result", order.facility, _order(order), is_open=is_open, hidden=order.hidden
            )


def _order(order: OrderTrace) -> dict[str, list[int | None]]:
    critical = order.critical
    return {
        "ordered": [order.ordered],
        "collected": [order.collected],
        "received": [order.received],
        "verified": [order.verified],
        "shown": [critical and critical.shown],
        "escalated": [critical and critical.escalated],
        "acknowledged": [critical and critical.acknowledged],
    }


def _discharges(trace: Trace) -> Iterator[Case]:
    for stay in trace.stays:
        if stay.ordered is not None:
            yield _discharge(stay)


def _discharge(stay: StayTrace) -> Case:
    clean = stay.emptied and stay.emptied.clean
    told: dict[str, list[int | None]] = {
        "ordered": [stay.ordered],
        "departed": [stay.departed],
        "asked": [stay.emptied and stay.emptied.made],
        "clean": [clean and clean.ended],
    }
    return _case(
        "discharge", stay.facility, told, is_open=stay.departed is None or (clean is not None and clean.ended is None)
    )
