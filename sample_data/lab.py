"""The laboratory: order, collection, receipt, analysis, verification, and the messages it waits for."""

from collections.abc import Generator
from functools import partial
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import HOUR, MINUTE, SECOND
from sample_data.critical import CriticalResults
from sample_data.engine_course import Message
from sample_data.fhir_access import audit_event
from sample_data.fhir_orders import TESTS
from sample_data.hospital import Hospital
from sample_data.planted import TELEPHONED, TOLD_LATE
from sample_data.records import Encounter, Order
from sample_data.trace import NewsTrace, OpeningTrace, OrderTrace
from sample_data.work_queues import WorkQueues

STAT, ROUTINE = 2, 6
OPENED_MINUTES, READERS = 25, 30
"""Minutes until somebody opens a result, and how many people do."""
_MESSAGES = {"order": ("ORDERS", "ORM^O01", "NW"), "result": ("RESULTS", "ORU^R01", "RE")}
"""Channel, type and order control of the message that tells of each."""
INTERPRETATIONS = (("HH", 0.022), ("LL", 0.018), ("H", 0.15), ("L", 0.11))


class Laboratory:
    """The laboratory of one facility."""

    def __init__(self, hospital: Hospital, queues: WorkQueues) -> None:
        self._hospital, self._queues = hospital, queues
        self._draw = hospital.stream("lab")
        self._critical = CriticalResults(hospital)
        self._reading = hospital.stream("reading")

    def order(self, visit: Encounter, place: str, *, stat: bool) -> Event:
        """Order one test; the event fires when the result is in the EHR, or when the order is taken back."""
        hospital, draw = self._hospital, self._draw
        order = Order(
            id=hospital.ident("sr"),
            kind="lab",
            placer=f"{hospital.facility.prefix}P{hospital.number('placer'):07d}",
            person=visit.person,
            encounter=visit,
            place=place,
            ordered=hospital.now,
            doctor=hospital.clinician(),
            test=draw.randrange(len(TESTS)),
            priority="stat" if stat else "routine",
            words=draw.randrange(10_000),
        )
        hospital.save_order(order)
        trace = OrderTrace(hospital.facility.index, hospital.now // SECOND, stat, undated=hospital.is_undated(order))
        hospital.trace.orders.append(trace)
        self._queues.ordered(order)
        done = hospital.env.event()
        hospital.env.process(self._course(order, trace, done))
        return done

    def _course(self, order: Order, trace: OrderTrace, done: Event) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        urgency = STAT if order.priority == "stat" else ROUTINE
        if happens(draw, 0.02):
            hospital.send("ORDERS", "ORM^O01", order.encounter, placer=order.placer, detail=self._segments(order, "NW"))
            yield env.timeout(about(draw, 3, 0.3))
            order.status, trace.revoked = "revoked", True
            hospital.save_order(order)
            hospital.send("ORDERS", "ORM^O01", order.encounter, placer=order.placer, detail=self._segments(order, "CA"))
            done.succeed()
            return
        news = trace.order_news = hospital.news("lab order", "LIS", order.encounter)
        yield from self._told("order", news, order)

        yield hospital.staff["collectors"].acquire(urgency)
        yield env.timeout(about(draw, 6, 0.35))
        hospital.staff["collectors"].release()
        order.collected = news.acted = hospital.now
        trace.collected = hospital.now // SECOND
        hospital.save_specimen(order)

        yield env.timeout(about(draw, 9 if urgency == STAT else 14, 0.35))
        order.received = hospital.now
        trace.received = hospital.now // SECOND
        hospital.save_specimen(order)
        hospital.save_report(order)

        yield hospital.staff["analysers"].acquire(urgency)
        yield env.timeout(about(draw, TESTS[order.test].minutes * 1.15, 0.2))
        hospital.staff["analysers"].release()
        if happens(draw, 0.45):
            yield hospital.staff["verifiers"].acquire(urgency)
            yield env.timeout(about(draw, 4, 0.5))
            hospital.staff["verifiers"].release()
        yield from self._verified(order, trace, done, news)

    def _verified(
        self, order: Order, trace: OrderTrace, done: Event, ordered: NewsTrace
    ) -> Generator[Event, Any, None]:
        hospital = self._hospital
        order.verified = hospital.now
        if hospital.plants.is_told_late(order.words):
            hospital.env.process(self._told_late(order, trace))
        else:
            order.status, trace.completed = "completed", hospital.now // SECOND
        ordered.ended = hospital.now
        trace.verified = hospital.now // SECOND
        trace.hidden = ordered.is_hidden = hospital.plants.is_date_only(hospital.facility.index, hospital.now)
        self._measure(order)
        hospital.save_order(order)
        hospital.save_report(order)
        hospital.save_observation(order)
        critical = self._critical.verified(order) if order.interpretation in ("HH", "LL") else None
        trace.critical = critical
        news = trace.result_news = hospital.news("critical result" if critical else "result", "EHR", order.encounter)
        yield from self._told("result", news, order)
        done.succeed()
        if hospital.plants.is_audited(hospital.facility.index, order.words):
            hospital.env.process(self._opened(order, news))
        if critical and not self._critical.is_overlooked(order):
            yield from self._critical.arrived(order, critical)
            news.acted = hospital.now

    def _opened(self, order: Order, news: NewsTrace) -> Generator[Event, Any, None]:
        """Somebody reads the result; the EHR's audit trail says so."""
        hospital = self._hospital
        verified = order.verified or 0
        available = (news.known if news.sent else None) or verified
        yield hospital.env.timeout(about(self._reading, OPENED_MINUTES, 0.9))
        at, who = hospital.now, f"prac-{hospital.facility.code}-{self._reading.randint(1, READERS):03d}"
        hospital.trace.openings.append(OpeningTrace(hospital.facility.index, verified, available, at))
        hospital.save("AuditEvent", order.part("ae"), partial(audit_event, order.part("ae"), order.part("dr"), who, at))

    def _told_late(self, order: Order, trace: OrderTrace) -> Generator[Event, Any, None]:
        """The result is there, but the order stays active until somebody tidies up."""
        yield self._hospital.env.timeout((5 + order.words // TOLD_LATE) * HOUR)
        order.status, trace.completed = "completed", self._hospital.now // SECOND
        self._hospital.save_order(order)

    def _told(self, what: str, news: NewsTrace, order: Order) -> Generator[Event, Any, None]:
        """Wait until the receiver knows, by message or, of a few, by telephone. Of critical results there is always a message.

        Of the few that are lost between two engines nobody hears, nor waits: of a round on the wards.
        """
        if news.what == "result" and order.encounter.kind != "EMER" and self._hospital.is_lost(order):
            news.sent.append(self._send(*_MESSAGES[what], order, is_lost=True))
        elif self._hospital.plants.is_telephoned(order.words, what) and news.what != "critical result":
            yield self._hospital.env.timeout((5 + order.words // TELEPHONED) * MINUTE)
            news.known = self._hospital.env.now
        else:
            yield from self._until_arrived(*_MESSAGES[what], news=news, order=order)

    def _until_arrived(
        self, channel: str, kind: str, control: str, *, news: NewsTrace, order: Order
    ) -> Generator[Event, Any, None]:
        """Send and wait; when the message dies, wait until someone misses it and sends it again."""
        env = self._hospital.env
        while True:
            message = self._send(channel, kind, control, order)
            news.sent.append(message)
            arrival = message.arrival(news.destination)
            if arrival is not None:
                yield env.timeout(max(0, arrival - env.now))
                news.known = env.now
                return
            yield env.timeout(max(0, message.settled - env.now) + round(self._draw.uniform(1, 3) * HOUR))

    def _send(self, channel: str, kind: str, control: str, order: Order, *, is_lost: bool = False) -> Message:
        visit, detail = order.encounter, self._segments(order, control)
        return self._hospital.send(channel, kind, visit, placer=order.placer, detail=detail, is_lost=is_lost)

    def _measure(self, order: Order) -> None:
        test, chance = TESTS[order.test], self._draw.random()
        for code, share in INTERPRETATIONS:
            if chance < share:
                order.interpretation = code
                break
            chance -= share
        middle, width = (test.low + test.high) / 2, (test.high - test.low) / 2
        far = {"N": 0.0, "H": 1.4, "L": -1.2, "HH": 3.0, "LL": -1.8}[order.interpretation]
        order.amount = max(0.0, round(middle + width * (far + self._draw.uniform(-0.2, 0.2)), 2))

    def _segments(self, order: Order, control: str) -> str:
        test = TESTS[order.test]
        code = f"{test.code}^{test.name}^LN"
        result = ""
        if control == "RE":
            result = f"OBX|1|NM|{code}||{order.amount}|{test.unit}|{test.low}-{test.high}|{order.interpretation}|||F\r"
        return f"ORC|{control}|{order.placer}\rOBR|1|{order.placer}||{code}\r{result}"
