"""Radiology: an examination is ordered, waits for a room, is done, read (preliminary), and signed (final)."""

from collections.abc import Generator
from functools import partial
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import HOUR, SECOND, hour_of_week, local_date, midnight
from sample_data.engine import Message
from sample_data.facility import Roster
from sample_data.fhir_imaging import MODALITIES, imaging_report, imaging_study
from sample_data.fhir_orders import FULFIL
from sample_data.hospital import Hospital
from sample_data.records import Encounter, Order, Task
from sample_data.staff import Staff
from sample_data.trace import ImagingTrace, NewsTrace, PairTrace

ROOMS = Roster(((0, 1, 1), (7, 3, 2), (18, 2, 2), (22, 1, 1)))
"""Examination rooms with a technologist, in every facility."""
READERS = Roster(((0, 1, 1), (7, 2, 1), (17, 1, 1)))
"""Radiologists who read."""
STAT, ROUTINE = 2, 6
NIGHT_UNTIL, NIGHT_FROM = 7, 22
SIGNED_IN_THE_MORNING = 0.4
"""Share of night readings that nobody signs before the morning."""
FORGOTTEN = 6 * HOUR
"""How long after the order is completed a forgotten task is closed."""
INPATIENT_DAILY = 0.16
"""Chance that an inpatient is sent to radiology on a day."""


class Radiology:
    """The radiology department of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("radiology")
        self._tasks: dict[str, Task] = {}
        self._rooms, self._readers = Staff(hospital.env, 1), Staff(hospital.env, 1)
        hospital.env.process(self._shifts())

    def _shifts(self) -> Generator[Event, Any, None]:
        while True:
            hour = hour_of_week(self._hospital.env.now)
            self._rooms.set_capacity(ROOMS.on_duty(hour))
            self._readers.set_capacity(READERS.on_duty(hour))
            yield self._hospital.env.timeout(HOUR)

    def round(self, stay: Encounter, place: str) -> None:
        """A day on the ward: perhaps an examination, some time before the evening."""
        if happens(self._draw, INPATIENT_DAILY):
            self._hospital.env.process(self._later(stay, place))

    def _later(self, stay: Encounter, place: str) -> Generator[Event, Any, None]:
        yield self._hospital.env.timeout(round(self._draw.uniform(7, 16) * HOUR))
        if stay.end is None:
            self.order(stay, place, stat=happens(self._draw, 0.1))

    def order(self, visit: Encounter, place: str, *, stat: bool) -> Event:
        """Order an examination; the event fires when a first reading is in the EHR, or when the order is taken back."""
        hospital, draw = self._hospital, self._draw
        order = Order(
            id=hospital.ident("sr"),
            kind="imaging",
            placer=f"{hospital.facility.prefix}P{hospital.number('placer'):07d}",
            person=visit.person,
            encounter=visit,
            place=place,
            ordered=hospital.now,
            doctor=hospital.clinician(),
            test=draw.choices(range(len(MODALITIES)), [each.share for each in MODALITIES])[0],
            priority="stat" if stat else "routine",
            words=draw.randrange(10_000),
        )
        hospital.save_order(order)
        trace = ImagingTrace(hospital.facility.index, hospital.now // SECOND, undated=hospital.is_undated(order))
        hospital.trace.examinations.append(trace)
        done = hospital.env.event()
        hospital.env.process(self._course(order, trace, done))
        if hospital.plants.is_task(order.words):
            self._asked(order)
        return done

    def _course(self, order: Order, trace: ImagingTrace, done: Event) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        urgency, modality = STAT if order.priority == "stat" else ROUTINE, MODALITIES[order.test]
        if happens(draw, 0.03):
            self._tell("ORM^O01", order, "NW")
            yield env.timeout(about(draw, 9, 0.5))
            order.status, trace.revoked = "revoked", True
            hospital.save_order(order)
            self._tell("ORM^O01", order, "CA")
            done.succeed()
            return
        news = hospital.news("imaging order", "RIS", order.encounter)
        yield from self._until_arrived(news, "ORM^O01", order, "NW")
        yield env.timeout(about(draw, 20 if urgency == STAT else 34, 0.45))  # the way there
        yield self._rooms.acquire(urgency)
        order.started, trace.started = hospital.now, hospital.now // SECOND
        news.acted = hospital.now
        self._save(order, "ImagingStudy")
        yield env.timeout(about(draw, modality.minutes, 0.3))
        self._rooms.release()
        order.received = hospital.now
        self._save(order, "ImagingStudy")
        yield self._readers.acquire(urgency)
        yield env.timeout(about(draw, modality.reading, 0.4))
        self._readers.release()
        order.preliminary = hospital.now
        self._save(order, "DiagnosticReport")
        yield from self._until_arrived(hospital.news("reading", "EHR", order.encounter), "ORU^R01", order, "P")
        done.succeed()
        yield env.timeout(self._until_signed())
        order.verified, order.status = hospital.now, "completed"
        trace.final = hospital.now // SECOND
        news.ended = hospital.now
        hospital.save_order(order)
        self._save(order, "DiagnosticReport")
        self._tell("ORU^R01", order, "F")
        if order.id in self._tasks:
            hospital.env.process(self._fulfilled(order))

    def _asked(self, order: Order) -> None:
        """The order is somebody's task."""
        hospital = self._hospital
        todo = Task(
            id=hospital.ident("ft"),
            kind=FULFIL,
            authored=hospital.now,
            modified=hospital.now,
            status="requested",
            owner=hospital.clinician(),
            person=order.person,
            encounter=order.encounter,
            place=order.place,
            focus=f"ServiceRequest/{order.id}",
        )
        hospital.save_task(todo)
        self._tasks[order.id] = todo

    def _fulfilled(self, order: Order) -> Generator[Event, Any, None]:
        """The order is completed, and so is its task: of some only hours later."""
        hospital, todo = self._hospital, self._tasks.pop(order.id)
        pair = PairTrace(hospital.facility.index, "task", second=hospital.now, hidden=hospital.is_undated(order))
        hospital.trace.pairs.append(pair)
        yield hospital.env.timeout(FORGOTTEN if hospital.plants.is_task_forgotten(order.words) else 0)
        todo.status, todo.ended, pair.first = "completed", hospital.now, hospital.now
        hospital.save_task(todo)

    def _until_signed(self) -> int:
        """By day soon; at night some readings wait for the morning."""
        now, draw = self._hospital.env.now, self._draw
        hour = hour_of_week(now) % 24
        soon = about(draw, 22, 0.7)
        if NIGHT_UNTIL <= hour < NIGHT_FROM or not happens(draw, SIGNED_IN_THE_MORNING):
            return soon
        day = midnight(local_date(now + (24 - NIGHT_FROM) * HOUR))
        return max(0, day + NIGHT_UNTIL * HOUR - now) + soon

    def _until_arrived(self, news: NewsTrace, kind: str, order: Order, control: str) -> Generator[Event, Any, None]:
        """Send and wait; when the message dies, wait until someone misses it and sends it again."""
        env = self._hospital.env
        while True:
            message = self._tell(kind, order, control)
            news.sent.append(message)
            arrival = message.arrival(news.destination)
            if arrival is not None:
                yield env.timeout(max(0, arrival - env.now))
                news.known = env.now
                return
            yield env.timeout(max(0, message.settled - env.now) + round(self._draw.uniform(1, 2) * HOUR))

    def _tell(self, kind: str, order: Order, control: str) -> Message:
        modality = MODALITIES[order.test]
        code = f"{modality.loinc}^{modality.name}^LN"
        observed = "" if kind.startswith("ORM") else f"OBX|1|TX|{code}||see report||||||{control}\r"
        detail = f"ORC|{'RE' if observed else control}|{order.placer}\rOBR|1|{order.placer}||{code}\r{observed}"
        return self._hospital.send("IMAGING", kind, order.encounter, placer=order.placer, detail=detail)

    def _save(self, order: Order, kind: str) -> None:
        hospital = self._hospital
        render, part = (imaging_study, "is") if kind == "ImagingStudy" else (imaging_report, "dr")
        hospital.export.touch(kind, order.part(part), hospital.env.now, partial(render, hospital.facility, order))
