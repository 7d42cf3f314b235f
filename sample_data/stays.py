"""Stays in a bed: inpatients with their morning laboratory round, moves into and out of intensive care, the discharge;
and observation, which is hours in a bed of its own unit and no inpatient stay.
"""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import DAY, HOUR, MINUTE, SECOND, hour_of_week, local_date, midnight
from sample_data.handoff import Handoffs
from sample_data.hospital import Hospital
from sample_data.lab import Laboratory
from sample_data.planted import PILOT_MINUTES
from sample_data.radiology import Radiology
from sample_data.records import Encounter, Order
from sample_data.trace import BedTrace, StayTrace, TriggerTrace
from sample_data.wards import Beds
from sample_data.work_queues import WorkQueues

INPATIENT, OBSERVATION = "IMP", "OBSENC"
WORSE = 0.03
"""Share of stays on a general ward that come to need intensive care."""
CROWDED = 2
"""From this many people waiting for a bed on, doctors look harder for patients who can go home."""
HURRIED = 14 * HOUR
WRONG_AFTER = 7 * HOUR
"""How long a patient has been in the bed when somebody takes him for another one."""


class Stays:
    """The inpatients of one facility."""

    def __init__(
        self,
        hospital: Hospital,
        beds: Beds,
        handoffs: Handoffs,
        laboratory: Laboratory,
        radiology: Radiology,
        queues: WorkQueues,
    ) -> None:
        self._hospital, self._beds, self._handoffs, self._lab = hospital, beds, handoffs, laboratory
        self._radiology, self._queues = radiology, queues
        self._draw = hospital.stream("stays")
        self._lying: dict[str, BedTrace] = {}
        self.census = 0

    def begin(self, visit: Encounter, ward: str, bed: str) -> Encounter:
        """The patient of an ED visit is in the bed: the stay begins now."""
        hospital = self._hospital
        stay = self._open(INPATIENT, visit, ward, bed)
        trace = StayTrace(hospital.facility.index, hospital.now // SECOND, visit=stay.id)
        hospital.trace.stays.append(trace)
        hospital.env.process(self._course(stay, trace, ward, bed))
        return stay

    def observe(self, visit: Encounter, ward: str, bed: str) -> Encounter:
        """The patient of an ED visit is watched for some hours in an observation bed and then goes home."""
        stay = self._open(OBSERVATION, visit, ward, bed)
        self._hospital.env.process(self._watch(stay, ward, bed))
        return stay

    def _open(self, kind: str, visit: Encounter, ward: str, bed: str) -> Encounter:
        hospital, facility = self._hospital, self._hospital.facility
        stay = Encounter(
            id=hospital.ident("enc"),
            kind=kind,
            number=f"{facility.prefix}V{hospital.number('visit'):07d}",
            person=visit.person,
            begin=hospital.now,
            status="in-progress",
            mode="emd",
            service=visit.service,
            part_of=visit.id,
            doctor=hospital.clinician(),
        )
        stay.move(bed, hospital.now)
        stay.become("in-progress", hospital.now)
        hospital.save_encounter(stay)
        hospital.admit("A01", stay)
        self.census += 1
        self._lies_on(stay, ward)
        return stay

    def _watch(self, stay: Encounter, ward: str, bed: str) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        self._lab.order(stay, hospital.facility.place(ward), stat=False)
        yield env.timeout(about(draw, 14 * 60, 0.4))
        yield from hospital.staff["ward_nurses"].work(about(draw, 10, 0.3), urgency=4)
        self._depart(stay, ward, bed)

    def _lies_on(self, stay: Encounter, ward: str | None) -> None:
        """Note that the patient is on this ward from now on; None is out of the house."""
        hospital = self._hospital
        now = hospital.now // SECOND
        if before := self._lying.pop(stay.id, None):
            before.ended = now
        if ward is not None:
            self._lying[stay.id] = BedTrace(hospital.facility.index, ward, now)
            hospital.trace.beds.append(self._lying[stay.id])

    def _course(self, stay: Encounter, trace: StayTrace, ward: str, bed: str) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        mean = hospital.facility.stay_days
        hospital.env.process(self._mistaken(stay))
        ready = env.now + round(mean * DAY * draw.lognormvariate(-0.25, 0.7))
        if self._beds.kinds[ward] == "icu":
            intensive = env.now + round(draw.lognormvariate(0.3, 0.5) * DAY)
            yield from self._rounds(stay, ward, intensive)
            ward, bed = yield from self._step_down(stay, ward, bed)
            ready = max(ready, env.now + DAY)
        elif happens(draw, WORSE):
            yield from self._rounds(stay, ward, env.now + round((ready - env.now) * draw.uniform(0.2, 0.6)))
            ward, bed = yield from self._transfer(stay, "icu", ward, bed)
            yield from self._rounds(stay, ward, env.now + round(draw.lognormvariate(0.1, 0.5) * DAY))
            ward, bed = yield from self._step_down(stay, ward, bed)
            ready = max(ready, env.now + DAY)
        yield from self._rounds(stay, ward, ready)
        yield env.timeout(max(0, self._next_ward_round() - env.now))
        yield from self._discharge(stay, trace, ward, bed)

    def _mistaken(self, stay: Encounter) -> Generator[Event, Any, None]:
        """Somebody takes this patient for another one who leaves or moves, and sends the message of that."""
        hospital = self._hospital
        wrong = hospital.plants.wrong_message(int(stay.number[-7:]))
        if wrong is None:
            return
        yield hospital.env.timeout(WRONG_AFTER)
        if stay.end is None:
            told = hospital.admit(wrong, stay)
            if wrong == "A03":
                hospital.ended(stay, told)
            else:
                hospital.moved(stay, told, truly=False)

    def _rounds(self, stay: Encounter, ward: str, until: int) -> Generator[Event, Any, None]:
        """Blood tests every morning, sometimes again in the afternoon, until the patient is ready to move on."""
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        place = hospital.facility.place(ward)
        while env.now < until:
            today = midnight(local_date(env.now))
            self._radiology.round(stay, place)
            if self._beds.pressure >= CROWDED and happens(draw, 0.2) * self._beds.pressure:
                until -= HURRIED
            for hour, spread, chance in ((5, 2.5, 0.9), (13, 4, 0.4)):
                at = today + round((hour + draw.random() * spread) * HOUR)
                wanted = happens(draw, chance)
                if not env.now <= at < until:
                    continue
                yield env.timeout(at - env.now)
                if wanted:
                    for _ in range(2 if happens(draw, 0.85) else 1):
                        self._lab.order(stay, place, stat=happens(draw, 0.12))
            yield env.timeout(min(until, today + DAY + HOUR) - env.now if env.now < until else 0)

    def _step_down(self, stay: Encounter, ward: str, bed: str) -> Generator[Event, Any, tuple[str, str]]:
        """Out of intensive care, to a general ward."""
        service = "medical" if happens(self._draw, 0.7) else "surgical"
        return (yield from self._transfer(stay, service, ward, bed))

    def _transfer(self, stay: Encounter, service: str, ward: str, bed: str) -> Generator[Event, Any, tuple[str, str]]:
        """From ward to ward: request, handoff, move; the old bed is cleaned."""
        hospital, env = self._hospital, self._hospital.env
        stay.service = service
        to_ward, to_bed, todo = yield from self._beds.request(stay, hospital.news("bed request", "BED-MGMT", stay))
        yield from self._handoffs.offer(stay, hospital.facility.place(to_ward))
        yield env.timeout(about(self._draw, 15, 0.3))
        stay.move(to_bed, hospital.now)
        self._lies_on(stay, to_ward)
        hospital.save_encounter(stay)
        todo.status, todo.ended = "completed", hospital.now
        hospital.save_task(todo)
        self._beds.vacate(ward, bed, hospital.moved(stay, hospital.admit("A02", stay)))
        return to_ward, to_bed

    def _next_ward_round(self) -> int:
        """When a doctor next decides on discharges: in the late morning, on weekends only for some patients."""
        now, draw = self._hospital.env.now, self._draw
        day = midnight(local_date(now))
        while True:
            weekend = hour_of_week(day + 12 * HOUR) >= 5 * 24 and self._beds.pressure < CROWDED
            at = day + round((8.5 + draw.gammavariate(2.2, 1.5)) * HOUR)
            if at >= now and not (weekend and happens(draw, 0.45)):
                return at
            day = midnight(local_date(day + 30 * HOUR))

    def _discharge(self, stay: Encounter, trace: StayTrace, ward: str, bed: str) -> Generator[Event, Any, None]:
        """From the order to the empty bed. The pilot makes the wait shorter by a constant; nothing else changes."""
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        order = Order(
            id=hospital.ident("sr"),
            kind="discharge",
            placer=f"{hospital.facility.prefix}P{hospital.number('placer'):07d}",
            person=stay.person,
            encounter=stay,
            place=hospital.facility.place(ward),
            ordered=hospital.now,
            doctor=stay.doctor,
            words=draw.randrange(10_000),
        )
        hospital.save_order(order)
        trace.ordered = hospital.now // SECOND
        pilot = hospital.plants.pilot_runs(hospital.facility.index, ward, hospital.now)
        wait = 55 * MINUTE + about(draw, 60, 0.55)
        wait -= PILOT_MINUTES * MINUTE if pilot else 0
        self._queues.checklist(stay, order.place, wait)
        yield env.timeout(wait)
        yield from hospital.staff["ward_nurses"].work(about(draw, 16, 0.3), urgency=4)
        order.status = "completed"
        hospital.save_order(order)
        trace.departed = hospital.now // SECOND
        trace.emptied = self._depart(stay, ward, bed)

    def _depart(self, stay: Encounter, ward: str, bed: str) -> TriggerTrace:
        """The patient goes home; the bed is empty and dirty."""
        hospital = self._hospital
        stay.leave(hospital.now)
        stay.end, stay.disposition = hospital.now, "home"
        stay.become("finished", hospital.now)
        hospital.save_encounter(stay)
        self._lies_on(stay, None)
        self.census -= 1
        told = hospital.admit("A03", stay)
        hospital.ended(stay, told)
        return self._beds.vacate(ward, bed, told)
