"""The emergency department: arrival, triage, waiting, a room, a clinician, tests, a decision, and the way out."""

from collections import deque
from collections.abc import Generator
from typing import Any

from simpy import AllOf, Event

from sample_data.arrivals import Arrivals, acuity_of, mode_of, patience_of
from sample_data.chance import about, happens
from sample_data.clock import HOUR, MINUTE, SECOND
from sample_data.fhir import LEFT
from sample_data.handoff import Handoffs
from sample_data.hospital import Hospital
from sample_data.lab import Laboratory
from sample_data.radiology import Radiology
from sample_data.records import Encounter, Order
from sample_data.staff import Staff
from sample_data.stays import Stays
from sample_data.trace import VisitTrace
from sample_data.wards import Beds
from sample_data.work_queues import WorkQueues

EMERGENCY = "EMER"
FAST_TRACK_ROOMS = 4
ADMITTED = {1: 0.75, 2: 0.46, 3: 0.215, 4: 0.04, 5: 0.01}
"""Share admitted, by acuity."""
LABS = {1: (1.0, 4), 2: (0.97, 4), 3: (0.84, 3), 4: (0.3, 2), 5: (0.06, 1)}
"""Chance of blood tests and the most of them, by acuity."""
IMAGING = {1: 0.8, 2: 0.7, 3: 0.55, 4: 0.4, 5: 0.1}
OBSERVED = {2: 0.07, 3: 0.06, 4: 0.02}
"""Share of those not admitted who are kept for observation, by acuity, where there is a unit for it."""
OBSERVATION = "observation"
CARE = {1: (34, 16), 2: (24, 12), 3: (16, 9), 4: (11, 6), 5: (8, 4)}
"""Minutes of a clinician's time before and after the tests, by acuity."""
URGENT = 2
FAST_TRACK_ABOVE = 3


class Emergency:
    """The emergency department of one facility."""

    def __init__(
        self,
        hospital: Hospital,
        beds: Beds,
        stays: Stays,
        handoffs: Handoffs,
        laboratory: Laboratory,
        radiology: Radiology,
        queues: WorkQueues,
    ) -> None:
        self._hospital, self._beds, self._stays = hospital, beds, stays
        self._handoffs, self._lab, self._radiology = handoffs, laboratory, radiology
        self._queues = queues
        self._draw = hospital.stream("emergency")
        facility = hospital.facility
        self._rooms = Staff(hospital.env, facility.rooms)
        self._free = deque(facility.place("ed", f"{n:02d}") for n in range(1, facility.rooms + 1))
        self._fast_rooms = Staff(hospital.env, FAST_TRACK_ROOMS)
        self._fast_free = deque(facility.place("ed", "ft", str(n)) for n in range(1, FAST_TRACK_ROOMS + 1))
        self.present = 0
        hospital.env.process(self._door())

    def _door(self) -> Generator[Event, Any, None]:
        arrivals = Arrivals(self._hospital)
        while True:
            yield from arrivals.people()
            self._hospital.env.process(self._visit())

    def register(self) -> Encounter:
        """A person is registered at the door: a new visit in the waiting room, and the message that says so."""
        hospital, draw = self._hospital, self._draw
        now, facility = hospital.now, hospital.facility
        acuity = acuity_of(draw)
        visit = Encounter(
            id=hospital.ident("enc"),
            kind=EMERGENCY,
            number=f"{facility.prefix}V{hospital.number('visit'):07d}",
            person=hospital.person(),
            begin=now,
            status="arrived",
            mode=mode_of(draw, acuity),
            acuity=acuity,
            words=draw.randrange(10_000),
        )
        visit.move(facility.place("ed", "waiting"), now)
        visit.become("arrived", now)
        hospital.save_patient(visit.person)
        hospital.save_encounter(visit)
        hospital.admit("A04", visit)
        self._queues.arrived(visit, facility.place("ed"))
        return visit

    def _visit(self) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        visit = self.register()
        self.present += 1
        trace = VisitTrace(hospital.facility.index, visit.begin // SECOND, visit=visit.id)
        hospital.trace.visits.append(trace)
        yield from self._triage(visit, trace)

        fast = visit.acuity > FAST_TRACK_ABOVE and hospital.plants.fast_track_open(hospital.facility.index, env.now)
        rooms, free = (self._fast_rooms, self._fast_free) if fast else (self._rooms, self._free)
        turn = rooms.acquire(visit.acuity)
        patience = patience_of(draw, visit.acuity)
        if patience is None or turn.triggered:
            yield turn
        else:
            yield turn | env.timeout(patience)
        if not turn.triggered:
            rooms.withdraw(turn)
            self._leave(visit, trace, LEFT)
            return
        room = free.popleft()
        visit.move(room, hospital.now)
        trace.roomed, trace.hidden = hospital.now // SECOND, fast
        hospital.save_encounter(visit)
        hospital.moved(visit, hospital.admit("A02", visit))
        yield from self._treat(visit, trace)
        free.append(room)
        rooms.release()

    def _triage(self, visit: Encounter, trace: VisitTrace) -> Generator[Event, Any, None]:
        hospital, env = self._hospital, self._hospital.env
        yield hospital.staff["triage"].acquire(1 if visit.acuity == 1 else 5)
        visit.move(hospital.facility.place("ed", "triage"), hospital.now)
        yield env.timeout(about(self._draw, 2 if visit.acuity == 1 else 6.5, 0.35))
        hospital.staff["triage"].release()
        visit.move(hospital.facility.place("ed", "waiting"), hospital.now)
        visit.become("triaged", hospital.now)
        trace.triaged = hospital.now // SECOND
        hospital.save_encounter(visit)
        hospital.admit("A08", visit)

    def _treat(self, visit: Encounter, trace: VisitTrace) -> Generator[Event, Any, None]:
        """In the room: nurse, clinician, tests, clinician, decision."""
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        before, after = CARE[visit.acuity]
        yield from hospital.staff["nurses"].work(about(draw, 9, 0.3), visit.acuity)
        yield hospital.staff["doctors"].acquire(visit.acuity)
        visit.doctor = hospital.clinician()
        visit.become("in-progress", hospital.now)
        trace.seen = hospital.now // SECOND
        hospital.save_encounter(visit)
        yield env.timeout(about(draw, before, 0.3))
        hospital.staff["doctors"].release()

        tests: list[Event] = []
        chance, most = LABS[visit.acuity]
        if happens(draw, chance):
            place = hospital.facility.place("ed")
            tests += [self._lab.order(visit, place, stat=visit.acuity <= URGENT) for _ in range(draw.randint(1, most))]
        if happens(draw, IMAGING[visit.acuity]):
            tests.append(self._radiology.order(visit, hospital.facility.place("ed"), stat=visit.acuity <= URGENT))
        tests.append(env.timeout(about(draw, 80, 0.45)))
        yield AllOf(env, tests) | env.timeout(6 * HOUR)
        yield from hospital.staff["nurses"].work(about(draw, 10, 0.4), visit.acuity)
        yield from hospital.staff["doctors"].work(about(draw, after, 0.3), max(1, visit.acuity - 1))
        if happens(draw, ADMITTED[visit.acuity]):
            yield from self._admit(visit, trace)
            return
        if "observation" in self._beds.kinds.values() and happens(draw, OBSERVED.get(visit.acuity, 0.0)):
            yield from self._observe(visit, trace)
            return
        if happens(draw, 0.4):
            yield env.timeout(about(draw, 85, 0.4))
        yield from hospital.staff["nurses"].work(about(draw, 12, 0.3), 4)
        yield env.timeout(about(draw, 8, 0.5))
        self._leave(visit, trace, "home")

    def _admit(self, visit: Encounter, trace: VisitTrace) -> Generator[Event, Any, None]:
        """Decision, bed request, handoff, transport; the ED visit ends when the patient lies upstairs."""
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        chance = draw.random()
        critical = chance < (0.5 if visit.acuity == 1 else 0.16 if visit.acuity == URGENT else 0.02)
        visit.service = "icu" if critical else "medical" if happens(draw, 0.62) else "surgical"
        self._decide(visit)
        trace.decided = hospital.now // SECOND
        hospital.trigger("admission-decision").made = trace.decided
        news = hospital.news("bed request", "BED-MGMT", visit)
        news.is_boarding, news.is_hidden = True, trace.hidden
        ward, bed, todo = yield from self._beds.request(visit, news)
        trace.assigned = hospital.now // SECOND
        if happens(draw, 0.04) and env.now - trace.decided * SECOND > 30 * MINUTE:
            self._decide(visit)  # the order is entered again under another service; the first one counts
        yield from self._handoffs.offer(visit, hospital.facility.place(ward), trace.handoffs)
        yield env.timeout(about(draw, 21, 0.35))
        self._leave(visit, trace, "admitted")
        news.ended = hospital.now
        todo.status, todo.ended = "completed", hospital.now
        hospital.save_task(todo)
        self._stays.begin(visit, ward, bed)

    def _observe(self, visit: Encounter, trace: VisitTrace) -> Generator[Event, Any, None]:
        """Nobody is admitted: the patient moves to the observation unit, where an encounter of its own class begins."""
        hospital, env = self._hospital, self._hospital.env
        visit.service = "observation"
        ward, bed, todo = yield from self._beds.request(visit, hospital.news("bed request", "BED-MGMT", visit))
        yield from self._handoffs.offer(visit, hospital.facility.place(ward))
        yield env.timeout(about(self._draw, 15, 0.35))
        self._leave(visit, trace, OBSERVATION)
        todo.status, todo.ended = "completed", hospital.now
        hospital.save_task(todo)
        self._stays.observe(visit, ward, bed)

    def _decide(self, visit: Encounter) -> None:
        hospital = self._hospital
        hospital.save_order(
            Order(
                id=hospital.ident("sr"),
                kind="admission",
                placer=f"{hospital.facility.prefix}P{hospital.number('placer'):07d}",
                person=visit.person,
                encounter=visit,
                place=hospital.facility.place("ed"),
                ordered=hospital.now,
                doctor=visit.doctor,
                status="completed",
                words=self._draw.randrange(10_000),
            )
        )

    def _leave(self, visit: Encounter, trace: VisitTrace, disposition: str) -> None:
        hospital = self._hospital
        visit.leave(hospital.now)
        visit.end, visit.disposition = hospital.now, disposition
        visit.become("finished", hospital.now)
        hospital.save_encounter(visit)
        if disposition not in ("admitted", OBSERVATION):
            told = None if hospital.plants.is_untold(visit.words) else hospital.admit("A03", visit)
            hospital.ended(visit, told)
        trace.departed, trace.left = hospital.now // SECOND, disposition == LEFT
        self.present -= 1
