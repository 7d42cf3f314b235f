"""Beds: who waits for one, who lies in one, who cleans it. A bed is free only when bed management knows that it is."""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from simpy import Event

from sample_data.chance import about
from sample_data.clock import HOUR, SECOND
from sample_data.engine import Message
from sample_data.hospital import Hospital
from sample_data.records import Encounter, Task
from sample_data.trace import CleanTrace, NewsTrace, TriggerTrace

GENERAL = ("medical", "surgical")
PREFERENCE_HOURS = 3
"""After this long a patient takes a bed on any general ward."""


@dataclass(slots=True, eq=False)
class Request:
    """Someone waits for a bed on `ward`; `ready` fires with (ward code, bed place)."""

    ward: str
    since: int
    ready: Event


class Beds:
    """All beds of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("beds")
        facility = hospital.facility
        self.kinds = {ward.code: ward.kind for ward in facility.wards}
        self._free = {
            ward.code: deque(facility.place(ward.code, f"{n:02d}") for n in range(1, ward.beds + 1))
            for ward in facility.wards
        }
        self._waiting: list[Request] = []

    @property
    def pressure(self) -> int:
        """People who wait for a bed: what the house supervisor looks at before the morning round."""
        return len(self._waiting)

    def ward_for(self, visit: Encounter) -> str:
        """The ward a patient belongs on."""
        codes = {kind: code for code, kind in self.kinds.items()}
        return codes[visit.service]

    def request(self, visit: Encounter, news: NewsTrace) -> Generator[Event, Any, tuple[str, str, Task]]:
        """Ask for a bed, wait until bed management has one; returns ward code, bed place and the bed-request task.

        Bed management learns of the need from the engine's message. When that does not come, someone telephones.
        """
        hospital, env = self._hospital, self._hospital.env
        ward = self.ward_for(visit)
        todo = Task(
            id=hospital.ident("br"),
            kind="bed-request",
            authored=hospital.now,
            modified=hospital.now,
            status="requested",
            owner=hospital.clinician(),
            person=visit.person,
            encounter=visit,
            place=hospital.facility.place(ward),
        )
        hospital.save_task(todo)
        notice = hospital.admit("A05", visit)
        news.sent.append(notice)
        yield from self._until_known(notice)
        news.known = env.now
        yield env.timeout(about(self._draw, 29, 0.5))
        waiting = Request(ward, env.now, env.event())
        self._waiting.append(waiting)
        self._assign()
        if not waiting.ready.triggered:
            env.process(self._widen())
        ward, bed = yield waiting.ready
        todo.status, todo.started, todo.place = "accepted", hospital.now, hospital.facility.place(ward)
        news.acted = hospital.now
        hospital.save_task(todo)
        return ward, bed, todo

    def vacate(self, ward: str, bed: str, notice: Message) -> TriggerTrace:
        """A patient has left; the bed is cleaned once bed management has heard of it."""
        left = self._hospital.trigger("bed-left")
        self._hospital.env.process(self._clean(ward, bed, notice, left))
        return left

    def _clean(self, ward: str, bed: str, notice: Message, left: TriggerTrace) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        yield from self._until_known(notice)
        wanted = any(request.ward == ward for request in self._waiting)
        todo = Task(
            id=hospital.ident("bc"),
            kind="bed-clean",
            authored=hospital.now,
            modified=hospital.now,
            status="requested",
            owner=hospital.clinician(),
            focus=f"Location/{bed}",
            priority="stat" if wanted else "routine",
            place=hospital.facility.place(ward),
        )
        hospital.save_task(todo)
        left.made = hospital.now // SECOND
        trace = left.clean = CleanTrace(hospital.facility.index, hospital.now // SECOND)
        hospital.trace.cleans.append(trace)
        yield env.timeout(about(draw, 5 if wanted else 9, 0.5))
        yield hospital.staff["cleaners"].acquire(1 if wanted else 5)
        todo.status, todo.started = "in-progress", hospital.now
        trace.started = hospital.now // SECOND
        hospital.save_task(todo)
        yield env.timeout(about(draw, 32, 0.25))
        hospital.staff["cleaners"].release()
        todo.status, todo.ended = "completed", hospital.now
        trace.ended = hospital.now // SECOND
        hospital.save_task(todo)
        self._free[ward].append(bed)
        self._assign()

    def _until_known(self, message: Message) -> Generator[Event, Any, None]:
        """Wait for the message, or for the telephone call of whoever lost patience first."""
        env = self._hospital.env
        called = env.now + about(self._draw, 150, 0.35)
        arrival = message.arrival("BED-MGMT")
        yield env.timeout(max(0, (called if arrival is None else min(arrival, called)) - env.now))

    def _widen(self) -> Generator[Event, Any, None]:
        yield self._hospital.env.timeout(PREFERENCE_HOURS * HOUR + 1)
        self._assign()

    def _assign(self) -> None:
        """Give free beds to those who wait, the longest first."""
        now = self._hospital.env.now
        for request in list(self._waiting):
            wards = [request.ward]
            if self.kinds[request.ward] in GENERAL and now - request.since > PREFERENCE_HOURS * HOUR:
                wards += [code for code, kind in self.kinds.items() if kind in GENERAL and code != request.ward]
            for ward in wards:
                if self._free[ward]:
                    request.ready.succeed((ward, self._free[ward].popleft()))
                    self._waiting.remove(request)
                    break
