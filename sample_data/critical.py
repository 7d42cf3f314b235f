"""Critical results: the message that brings one, the person who acknowledges it, the escalation in between."""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import MINUTE, SECOND
from sample_data.hospital import Hospital
from sample_data.records import Order, Task
from sample_data.trace import CriticalTrace, TriggerTrace

WINDOW_MINUTES = 60
ESCALATE_MINUTES = 45
UNWATCHED = 0.35
"""Share of unanswered results that no rule escalates: someone notices, later."""


class CriticalResults:
    """The critical results of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("critical")
        self._asked: dict[str, TriggerTrace] = {}

    def verified(self, order: Order) -> CriticalTrace:
        """A critical result exists, whether or not anyone knows."""
        trace = CriticalTrace(self._hospital.facility.index, (order.verified or 0) // SECOND)
        self._hospital.trace.criticals.append(trace)
        self._asked[order.id] = self._hospital.trigger("critical-result", order.verified)
        return trace

    def is_overlooked(self, order: Order) -> bool:
        """Whether nobody is ever asked to look at this result."""
        return self._hospital.plants.is_overlooked(order.verified or 0)

    def arrived(self, order: Order, trace: CriticalTrace) -> Generator[Event, Any, None]:
        """The result message is in the EHR: someone must see it; after a while it is escalated."""
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        todo = Task(
            id=hospital.ident("ca"),
            kind="critical-result-ack",
            authored=hospital.now,
            modified=hospital.now,
            status="requested",
            owner=hospital.clinician(),
            person=order.person,
            encounter=order.encounter,
            place=order.place,
            focus=f"Observation/{order.part('ob')}",
            based_on=f"ServiceRequest/{order.id}",
            due=(order.verified or 0) + WINDOW_MINUTES * MINUTE,
        )
        hospital.save_task(todo)
        trace.shown = self._asked.pop(order.id).made = hospital.now // SECOND
        staff = hospital.staff["nurses" if order.encounter.kind == "EMER" else "ward_nurses"]
        seen = env.timeout(about(draw, 15, 1.15))
        late = env.timeout(ESCALATE_MINUTES * MINUTE + (about(draw, 28, 0.5) if happens(draw, UNWATCHED) else 0))
        yield seen | late
        if not seen.processed:
            self._escalate(todo, order)
            trace.escalated = hospital.now // SECOND
            yield env.timeout(about(draw, 20, 0.8))
        turn = staff.acquire(1)
        yield turn
        started = hospital.now
        yield env.timeout(about(draw, 3, 0.4))
        staff.release()
        todo.status, todo.started, todo.ended = "completed", started, hospital.now
        trace.acknowledged = hospital.now // SECOND
        hospital.save_task(todo)

    def _escalate(self, todo: Task, order: Order) -> None:
        hospital = self._hospital
        hospital.save_task(
            Task(
                id=hospital.ident("ce"),
                kind="critical-result-escalation",
                authored=hospital.now,
                modified=hospital.now,
                status="completed",
                owner=hospital.clinician(),
                person=order.person,
                encounter=order.encounter,
                place=order.place,
                focus=todo.focus,
                based_on=todo.based_on,
                part_of=todo.id,
            )
        )
