"""Handing a patient over to a ward: offered, accepted by a nurse who finds the time, or missed and offered again."""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import HOUR, MINUTE, SECOND
from sample_data.hospital import Hospital
from sample_data.records import Encounter, Task
from sample_data.trace import HandoffTrace

ACCEPT_MINUTES = 30
"""Minutes: the hospital's window for accepting a handoff, also written as the accept-by time of each."""

FORGOTTEN = 0.5
"""Share of missed handoffs that nobody closes when the next one is offered."""


class Handoffs:
    """The handoffs of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("handoffs")
        self._nurses = hospital.staff["ward_nurses"]

    def offer(
        self, visit: Encounter, ward_place: str, told: list[HandoffTrace] | None = None
    ) -> Generator[Event, Any, None]:
        """Offer until accepted; afterwards the patient may be moved. Each offer is noted in `told` too."""
        while not (yield from self._offer_once(visit, ward_place, told)):
            yield self._hospital.env.timeout(about(self._draw, 3))

    def _offer_once(
        self, visit: Encounter, ward_place: str, told: list[HandoffTrace] | None
    ) -> Generator[Event, Any, bool]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        offered = hospital.now
        todo = Task(
            id=hospital.ident("ho"),
            kind="handoff",
            authored=offered,
            modified=offered,
            status="requested",
            owner=hospital.clinician(),
            person=visit.person,
            encounter=visit,
            place=ward_place,
            due=offered + ACCEPT_MINUTES * MINUTE,
        )
        hospital.save_task(todo)
        trace = HandoffTrace(
            hospital.facility.index, offered // SECOND, (offered + ACCEPT_MINUTES * MINUTE) // SECOND, visit=visit.id
        )
        hospital.trace.handoffs.append(trace)
        if told is not None:
            told.append(trace)
        turn = self._nurses.acquire(3)
        yield env.timeout(about(draw, hospital.facility.acceptance_minutes, 0.55))
        yield turn | env.timeout(about(draw, 45, 0.25))
        overdue = offered + (ACCEPT_MINUTES + 1) * MINUTE
        if not turn.triggered or (env.now > overdue and happens(draw, 0.6)):
            if turn.triggered:
                self._nurses.release()
            self._nurses.withdraw(turn)
            yield env.timeout(max(0, overdue - env.now))
            env.process(self._close(todo, trace))
            return False
        todo.status, todo.started = "accepted", hospital.now
        trace.accepted = hospital.now // SECOND
        hospital.save_task(todo)
        env.process(self._report(todo))
        return True

    def _close(self, todo: Task, trace: HandoffTrace) -> Generator[Event, Any, None]:
        """A missed handoff is closed; a forgotten one lies about for days until someone tidies the list."""
        if happens(self._draw, FORGOTTEN):
            yield self._hospital.env.timeout(round(self._draw.uniform(8, 90) * HOUR))
        cancelled = happens(self._draw, 0.15)
        todo.status, todo.business_status = ("cancelled", "cancelled") if cancelled else ("failed", "missed")
        todo.ended = self._hospital.now
        self._hospital.save_task(todo)
        trace.closed = self._hospital.now // SECOND

    def _report(self, todo: Task) -> Generator[Event, Any, None]:
        """The nurse listens to the report; then the handoff is done."""
        yield self._hospital.env.timeout(about(self._draw, 9, 0.3))
        self._nurses.release()
        todo.status, todo.ended = "completed", self._hospital.now
        self._hospital.save_task(todo)
