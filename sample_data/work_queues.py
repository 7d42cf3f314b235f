"""Work queues: the discharge checklist, registrations to be reviewed and orders to be clarified.

A task is made by a rule. A rule or a clerk completes it; a person may override the rule, a rule escalates what is
late, and some tasks are opened again. Every change is written down as a Provenance.
"""

from collections.abc import Generator
from functools import partial
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import HOUR, MINUTE, SECOND, hour_of_week
from sample_data.facility import Roster
from sample_data.fhir_work import Change, provenance
from sample_data.hospital import Hospital
from sample_data.records import Encounter, Order, Task
from sample_data.staff import Staff
from sample_data.trace import WorkTrace

CLERKS = Roster(((0, 1, 1), (8, 2, 1), (18, 1, 1)))
RULE = "Device/rule-engine"
CHECKLIST = ("discharge-medication", "discharge-transport", "discharge-follow-up", "discharge-instructions")
CHECKLIST_HOURS = 3
DUE_HOURS = {"registration-review": 4, "order-clarification": 2}
BY_RULE = {"registration-review": 0.55, "order-clarification": 0.25}
"""Share that a rule completes without anyone."""
REVIEWED, UNCLEAR = 0.35, 0.05
"""Share of arrivals that are reviewed, and of laboratory orders that are unclear."""
LATER, OVERRIDDEN, REOPENED = 0.2, 0.08, 0.06
"""Share of follow-up appointments made after the discharge; of rules' answers overridden; of tasks opened again."""
BOUNCES = 60
"""Of the tasks that a clerk must do, each so-manyth is passed on three times first."""


class WorkQueues:
    """The queues of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("work")
        self._clerks = Staff(hospital.env, 1)
        self._by_hand = 0
        hospital.env.process(self._shifts())

    def _shifts(self) -> Generator[Event, Any, None]:
        while True:
            self._clerks.set_capacity(CLERKS.on_duty(hour_of_week(self._hospital.env.now)))
            yield self._hospital.env.timeout(HOUR)

    def arrived(self, visit: Encounter, place: str) -> None:
        """A visit was registered; perhaps somebody must look at it again."""
        if happens(self._draw, REVIEWED):
            self._hospital.env.process(self._queued("registration-review", visit, place, None))

    def ordered(self, order: Order) -> None:
        """A test was ordered; perhaps it is not clear what is wanted."""
        if happens(self._draw, UNCLEAR):
            self._hospital.env.process(
                self._queued("order-clarification", order.encounter, order.place, f"ServiceRequest/{order.id}")
            )

    def checklist(self, stay: Encounter, place: str, ready_in: int) -> None:
        """What must be done before a patient can go: the slowest item is done after `ready_in` milliseconds.

        The wait for the door is the wait for that item. Some follow-up appointments are made days later.
        """
        slowest = self._draw.randrange(len(CHECKLIST))
        for n, kind in enumerate(CHECKLIST):
            wait = ready_in if n == slowest else round(ready_in * self._draw.uniform(0.15, 0.95))
            if kind == "discharge-follow-up" and n != slowest and happens(self._draw, LATER):
                wait = about(self._draw, 30 * 60, 0.8)
            self._hospital.env.process(self._item(kind, stay, place, wait))

    def _item(self, kind: str, stay: Encounter, place: str, wait: int) -> Generator[Event, Any, None]:
        todo, trace = self._make(kind, stay, place, None, CHECKLIST_HOURS)
        late = (todo.due or 0) - self._hospital.env.now
        if wait > late:
            yield self._hospital.env.timeout(late)
            self._change(todo, trace, "escalate", RULE)
            wait -= late
        yield self._hospital.env.timeout(wait)
        self._complete(todo, trace, f"Practitioner/{self._hospital.clinician()}")
        yield from self._perhaps_again(todo, trace)

    def _queued(self, kind: str, visit: Encounter, place: str, focus: str | None) -> Generator[Event, Any, None]:
        env, draw = self._hospital.env, self._draw
        todo, trace = self._make(kind, visit, place, focus, DUE_HOURS[kind])
        if happens(draw, BY_RULE[kind]):
            yield env.timeout(about(draw, 3, 0.6))
            self._complete(todo, trace, RULE)
            if happens(draw, OVERRIDDEN):
                yield env.timeout(about(draw, 40, 0.7))
                yield from self._clerks.work(about(draw, 5, 0.4))
                self._change(todo, trace, "override", self._clerk())
                self._complete(todo, trace, self._clerk())
            return
        self._by_hand += 1
        if self._by_hand % BOUNCES == 0:
            yield from self._bounce(todo, trace)
        turn = self._clerks.acquire()
        due = env.timeout(max(0, (todo.due or 0) - env.now))
        yield turn | due
        if not turn.triggered:
            self._change(todo, trace, "escalate", RULE)
            yield turn
        clerk = self._clerk()
        todo.owner, todo.status, todo.started = clerk, "in-progress", self._hospital.now
        self._change(todo, trace, "start", clerk)
        yield env.timeout(about(draw, 9, 0.5))
        self._clerks.release()
        self._complete(todo, trace, clerk)
        yield from self._perhaps_again(todo, trace)

    def _bounce(self, todo: Task, trace: WorkTrace) -> Generator[Event, Any, None]:
        """Nobody thinks that it is theirs: the task is passed on until somebody keeps it."""
        for _ in range(3):
            yield self._hospital.env.timeout(20 * MINUTE)
            clerk = self._clerk()
            todo.owner = clerk
            self._change(todo, trace, "assign", clerk)
        trace.bounced = True

    def _perhaps_again(self, todo: Task, trace: WorkTrace) -> Generator[Event, Any, None]:
        """Some tasks turn out not to be done."""
        env, draw = self._hospital.env, self._draw
        if not happens(draw, REOPENED):
            return
        yield env.timeout(about(draw, 75, 0.8))
        clerk = self._clerk()
        todo.status, todo.ended, trace.closed = "in-progress", None, None
        self._change(todo, trace, "reopen", clerk)
        yield from self._clerks.work(about(draw, 12, 0.5))
        self._complete(todo, trace, clerk)

    def _make(self, kind: str, visit: Encounter, place: str, focus: str | None, hours: int) -> tuple[Task, WorkTrace]:
        hospital = self._hospital
        todo = Task(
            id=hospital.ident("wt"),
            kind=kind,
            authored=hospital.now,
            modified=hospital.now,
            status="requested",
            owner=RULE,
            person=visit.person,
            encounter=visit,
            place=place,
            focus=focus,
            due=hospital.now + hours * HOUR,
        )
        trace = WorkTrace(hospital.facility.index, hospital.now // SECOND, (todo.due or 0) // SECOND)
        hospital.trace.work.append(trace)
        self._change(todo, trace, "create", RULE)
        return todo, trace

    def _complete(self, todo: Task, trace: WorkTrace, who: str) -> None:
        todo.status, todo.ended = "completed", self._hospital.now
        trace.closed = self._hospital.now // SECOND
        self._change(todo, trace, "complete", who)

    def _change(self, todo: Task, trace: WorkTrace, activity: str, who: str) -> None:
        """The task changed: it is exported, and so is who did what."""
        hospital = self._hospital
        hospital.save_task(todo)
        change = Change(hospital.ident("pv"), f"Task/{todo.id}", activity, who, hospital.now)
        hospital.export.touch("Provenance", change.id, hospital.env.now, partial(provenance, change))
        trace.touches += who != RULE
        trace.escalated |= activity == "escalate"
        trace.overridden |= activity == "override"
        trace.reworked |= activity == "reopen"

    def _clerk(self) -> str:
        return f"Practitioner/{self._hospital.clinician()}"
