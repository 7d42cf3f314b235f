"""The in-house engine's log: an append-only stream of events, one JSON object a line, in order of the engine's clock.

Receiving hosts write their own line (HOPRECV) with their own clock, which is off by a known amount (`HOST_SKEW`).
"""

from operator import itemgetter
from pathlib import Path

import orjson

from sample_data.clock import instant_ms, local_date
from sample_data.engine_course import ACCEPTED, ERROR, REFUSED, REJECTED, TIMEOUT, Attempt, Delivery, Message
from sample_data.facility import Facility
from sample_data.files import write_file
from sample_data.hl7 import SENDER_SKEW, shape
from sample_data.people import REJECTIONS

HOST_SKEW = {"lis1": -4_217, "bed1": 850, "ehr1": 0, "ris1": 0, "pharm1": 0}
"""Milliseconds by which each receiving host's clock differs from the engine's (negative: behind)."""
_HOSTS = {"LIS": "lis1", "BED-MGMT": "bed1", "EHR": "ehr1", "RIS": "ris1", "PHARM": "pharm1"}
_TRANSPORT = {REFUSED: "connection refused by {destination}", TIMEOUT: "no acknowledgement within 30000 ms"}


class EngineLog:
    """Collects events, some of them still in the future, and writes one file a day."""

    def __init__(self, facility: Facility, folder: Path, start_ms: int) -> None:
        self._folder, self._start_ms, self._prefix = folder / facility.source, start_ms, facility.code.upper()
        self._events: list[tuple[int, int, bytes]] = []
        self._count = 0
        self._message = 0
        self.lines = 0

    def add(self, message: Message) -> None:
        """Explode a message into its events; those that arrived before the logs begin are left out."""
        if message.received < self._start_ms:
            return
        self._message += 1
        head = {
            "channel": message.channel,
            "msg": f"{self._prefix}-{self._message:07d}",
            "control_id": message.control_id,
            "type": message.kind,
        }
        self._event(
            message.received, head, "RECV", mrn=message.person.mrn, visit=message.visit, placer=message.placer,
            sent_at=instant_ms(message.sent + SENDER_SKEW), schema=shape(message),
        )  # fmt: skip
        self._event(message.acknowledged, head, "ACKUP", ack="AA" if message.source_state != "failed" else "AE")
        for delivery in message.deliveries:
            self._delivery(message, delivery, head)

    def _delivery(self, message: Message, delivery: Delivery, head: dict[str, str]) -> None:
        to = delivery.destination
        self._event(delivery.entered, head, "ROUTE", dest=to)
        for number, attempt in enumerate(delivery.attempts, 1):
            self._attempt(message, to, attempt, number, head, final=number == len(delivery.attempts))
        if rescue := delivery.rescue:
            word = "REPLAY" if rescue.attempt else "DISCARD"
            self._event(rescue.asked, head, word, dest=to, operator=rescue.operator, role=rescue.role)
            if rescue.attempt:
                self._attempt(message, to, rescue.attempt, len(delivery.attempts) + 1, head, final=True)

    def _attempt(
        self, message: Message, to: str, attempt: Attempt, number: int, head: dict[str, str], *, final: bool
    ) -> None:
        """The events of one try; after a failed one the message is queued again or, at the `final` one, dead."""
        self._event(attempt.start, head, "TRY", dest=to, attempt=number)
        if attempt.outcome in (ACCEPTED, ERROR, REJECTED):
            host = _HOSTS[to]
            at = attempt.start + (attempt.end - attempt.start) // 3
            self._event(at, head, "HOPRECV", host=host, skew=HOST_SKEW[host], dest=to, attempt=number)
        if attempt.outcome == ACCEPTED:
            self._event(attempt.end, head, "ACK", dest=to, attempt=number, ack="AA")
            return
        if attempt.outcome in _TRANSPORT:
            error = _TRANSPORT[attempt.outcome].format(destination=to)
            self._event(attempt.end, head, "TIMEOUT", dest=to, attempt=number, error=error)
        else:
            error = REJECTIONS[number % 2].format(family=message.person.family, given=message.person.given)
            self._event(attempt.end, head, "NAK", dest=to, attempt=number, ack=attempt.outcome, error=error)
        self._event(attempt.end, head, "DEAD" if final else "QUEUE", dest=to, attempt=number)

    def _event(
        self, at: int, head: dict[str, str], event: str, *, host: str = "eng1", skew: int = 0, **more: str | int | None
    ) -> None:
        row = {"ts": instant_ms(at + skew), "host": host, **head, "event": event}
        row.update((name, value) for name, value in more.items() if value is not None)  # type: ignore[arg-type]
        self._count += 1
        self._events.append((at, self._count, orjson.dumps(row)))

    def until(self, until: int) -> list[bytes]:
        """The events before an instant that were not taken yet, in order, without their sequence numbers."""
        self._events.sort(key=itemgetter(0, 1))
        done = 0
        while done < len(self._events) and self._events[done][0] < until:
            done += 1
        taken = [row for _, _, row in self._events[:done]]
        del self._events[:done]
        return taken

    def write_day(self, begin: int, until: int) -> None:
        """Write the events of the day that ends at `until`; sequence numbers count over the whole stream."""
        rows = self.until(until)
        lines = [b'{"seq":%d,%b\n' % (self.lines + n, row[1:]) for n, row in enumerate(rows, 1)]
        self.lines += len(rows)
        write_file(self._folder / f"{local_date(begin).isoformat()}.ndjson", lines)
