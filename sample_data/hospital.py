"""One hospital as a whole: staff, engine and the pens that write down what happens. The care itself is next door.

`emergency`, `wards`, `lab`, `critical` and `handoff` each hold one kind of work and meet here.
"""

from collections.abc import Callable, Generator
from functools import partial
from random import Random
from typing import Any

from simpy import Event

from sample_data.chance import stream
from sample_data.clock import HOUR, SECOND, hour_of_week, whole_second
from sample_data.engine import Engine
from sample_data.engine_course import Message
from sample_data.export import Export, Render
from sample_data.facility import Facility
from sample_data.fhir import encounter, patient
from sample_data.fhir_orders import diagnostic_report, observation, service_request, specimen, task
from sample_data.fhir_r5 import encounter_history, encounter_r5, history_id
from sample_data.fhir_work import REQUEST_STATUS, Change, provenance
from sample_data.people import POPULATION, Person, person_of
from sample_data.planted import Plants
from sample_data.records import Encounter, Order, Task
from sample_data.relay import behind
from sample_data.staff import Simulation, Staff
from sample_data.trace import NewsTrace, PairTrace, Trace, TriggerTrace

PRACTITIONERS = 40
FULFILLED = ("lab", "imaging")
"""Kinds of order whose fulfilment is written down as a Provenance; the others are decisions."""


class Hospital:
    """Shared state of one facility's processes."""

    def __init__(
        self,
        env: Simulation,
        facility: Facility,
        engine: Engine,
        export: Export,
        trace: Trace,
        plants: Plants,
        seed: int,
    ) -> None:
        self.env, self.facility, self.engine, self.export = env, facility, engine, export
        self.trace, self.plants, self.seed = trace, plants, seed
        self.staff = {name: Staff(env, roster.on_duty(0)) for name, roster in facility.rosters}
        self.practitioners = tuple(person_of(f"{facility.prefix}-staff", n, seed) for n in range(1, PRACTITIONERS + 1))
        self._numbers: dict[str, int] = {}
        self.known: Person | None = None
        self.expected: Person | None = None
        self.when_finished: list[Callable[[Encounter], None]] = []
        self._people = self.stream("people")
        self._chores = self.stream("chores")
        env.process(self._shifts())

    def stream(self, name: str) -> Random:
        """A stream of random numbers of its own: drawing more of one thing never changes another."""
        return stream(self.seed, self.facility.slug, name)

    @property
    def now(self) -> int:
        """The instant as clinical files write it."""
        return whole_second(self.env.now)

    def trigger(self, kind: str, began: int | None = None) -> TriggerTrace:
        """Something happened that asks for a task, now or at another instant of the clinical files."""
        trace = TriggerTrace(self.facility.index, kind, (self.now if began is None else began) // SECOND)
        self.trace.triggers.append(trace)
        return trace

    def number(self, kind: str) -> int:
        """The next running number of a kind of thing."""
        self._numbers[kind] = number = self._numbers.get(kind, 0) + 1
        return number

    def person(self) -> Person:
        """Someone of the catchment area falls ill; when somebody is `expected`, it is they."""
        self.known, self.expected = self.expected or self._falls_ill(), None
        return self.known

    def _falls_ill(self) -> Person:
        return person_of(self.facility.prefix, self._people.randint(1, POPULATION), self.seed)

    def clinician(self) -> str:
        """Practitioner id of whoever happens to be on."""
        return f"prac-{self.facility.code}-{self._chores.randint(1, PRACTITIONERS):03d}"

    def ident(self, kind: str) -> str:
        """A new logical id such as `sr-ng-0000123`."""
        return f"{kind}-{self.facility.code}-{self.number(kind):07d}"

    def send(
        self,
        channel: str,
        kind: str,
        visit: Encounter,
        *,
        placer: str | None = None,
        detail: str = "",
        is_lost: bool = False,
    ) -> Message:
        """Send a message about an encounter through the engine."""
        now, person, number = self.env.now, visit.person, visit.number
        return self.engine.send(channel, kind, now, person, number, placer=placer, detail=detail, is_lost=is_lost)

    def is_lost(self, order: Order) -> bool:
        """Whether the message of a result that is sent now never comes to the second engine, where there is one."""
        hour = hour_of_week(self.env.now) % 24
        return behind(self.facility) is not None and self.plants.is_lost(order.words, hour)

    def news(self, what: str, destination: str, visit: Encounter) -> NewsTrace:
        """Something has happened now to a patient that a system has to hear of."""
        news = NewsTrace(self.facility.index, what, self.now, destination, visit=visit.id)
        self.trace.news.append(news)
        return news

    def admit(self, trigger: str, visit: Encounter) -> Message:
        """Send an ADT message with the patient's current place."""
        place = visit.segments[-1].place if visit.segments else ""
        return self.send("ADT", f"ADT^{trigger}", visit, detail=place)

    def moved(self, visit: Encounter, told: Message, *, truly: bool = True) -> Message:
        """Note that a message said the patient moved, and whether the record says so too."""
        pair = PairTrace(self.facility.index, "move", visit.segments[-1].begin, told.received)
        if not truly:
            pair.first, pair.moves = None, lambda: [segment.begin for segment in visit.segments]
        self.trace.pairs.append(pair)
        return told

    def ended(self, visit: Encounter, told: Message | None) -> None:
        """Note that the record says that the visit is over, or only a message does; the first message counts."""
        if visit.over is None:
            visit.over = PairTrace(self.facility.index, "discharge", second=told and told.received)
            self.trace.pairs.append(visit.over)
        elif told and (visit.over.second or 0) < self.plants.calendar.start_ms:  # of before the logs begin
            visit.over.second = told.received
        visit.over.first = visit.end

    def announce(self, kind: str, person: Person, detail: str) -> None:
        """Send an ADT message about somebody's records, which belongs to no visit."""
        self.engine.send("ADT", kind, self.env.now, person, "", detail=detail)

    def save(self, kind: str, ident: str, render: Render) -> None:
        """A resource changed now; it is rendered when it is exported."""
        self.export.touch(kind, ident, self.env.now, render)

    def save_patient(self, person: Person, *, replaced_by: Person | None = None) -> None:
        """The patient's record changed; `replaced_by` is the record that it was merged into."""
        ident = f"{self.facility.code}-{person.number}"
        render = partial(patient, self.facility, person, replaced_by=replaced_by)
        self.save("Patient", ident, render)

    def save_encounter(self, visit: Encounter) -> None:
        """The encounter changed."""
        if self.plants.shapes.is_r5(self.facility.index, self.env.now):
            self.trace.upgraded.add(visit.id)
            self.save("Encounter", visit.id, partial(encounter_r5, self.facility, visit))
            for place in range(len(visit.history)):
                render = partial(encounter_history, self.facility, visit, place)
                self.save("EncounterHistory", history_id(visit, place), render)
        else:
            self.save("Encounter", visit.id, partial(encounter, self.facility, visit))
        if visit.status == "finished":
            for follow in self.when_finished:
                follow(visit)

    def remove_encounter(self, visit: Encounter) -> None:
        """The encounter never was; the server says that it was deleted."""
        self.export.delete(f"Encounter/{visit.id}")
        if visit.id in self.trace.upgraded:
            self.trace.upgraded.remove(visit.id)
            for place in range(len(visit.history)):
                self.export.delete(f"EncounterHistory/{history_id(visit, place)}")

    def is_undated(self, order: Order) -> bool:
        """Whether no file says when this order changed."""
        return self.plants.shapes.is_undated(self.facility.index, order.ordered)

    def save_order(self, order: Order) -> None:
        """The order itself changed."""
        undated = self.is_undated(order)
        if undated:
            self.trace.undated.append((order.id, order.status, self.now))
        self.save("ServiceRequest", order.id, partial(service_request, self.facility, order, undated=undated))
        if order.status == "completed" and order.kind in FULFILLED and not undated:
            target = f"ServiceRequest/{order.id}/_history/{self.env.now}"
            done = Change(
                order.part("po"), target, order.status, f"Practitioner/{order.doctor}", self.now, REQUEST_STATUS
            )
            self.save("Provenance", done.id, partial(provenance, done))

    def save_specimen(self, order: Order) -> None:
        """The order's specimen changed."""
        has_rack = self.plants.shapes.has_rack(self.facility.index, self.env.now)
        self.save("Specimen", order.id, partial(specimen, self.facility, order, has_rack=has_rack))

    def save_report(self, order: Order) -> None:
        """The order's report changed."""
        hidden = order.verified is not None and self.plants.is_date_only(self.facility.index, order.verified)
        render = partial(diagnostic_report, self.facility, order, date_only=hidden)
        self.save("DiagnosticReport", order.id, render)

    def save_observation(self, order: Order) -> None:
        """The order's result is there."""
        names_specimen = self.plants.shapes.has_specimen(self.env.now)
        self.save("Observation", order.id, partial(observation, self.facility, order, names_specimen=names_specimen))

    def save_task(self, todo: Task) -> None:
        """The task changed."""
        todo.modified = self.now
        self.save("Task", todo.id, partial(task, self.facility, todo))

    def _shifts(self) -> Generator[Event, Any, None]:
        """Change every roster on the hour."""
        while True:
            hour = hour_of_week(self.env.now)
            for name, roster in self.facility.rosters:
                self.staff[name].set_capacity(roster.on_duty(hour))
            yield self.env.timeout(HOUR)
