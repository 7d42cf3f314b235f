"""The same true messages as other engines would have written them: one hospital's first day on every road into Wardflow.

Here: mapped logs (NDJSON, CSV, CloudEvents, a CSV of snapshots), HL7 captures and files, Mirth's XML, tables and event log, the
services of Azure and OTLP, each in a folder of its own with what its source needs. Not here: what each road can know of a message
(`truth_roads`), and what Azure's services log of it (`azure_roads`). They are a home apart from the group's own: together with it every
message would count twice.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from sample_data import azure_records, azure_roads, mirth_tables
from sample_data.azure_records import id_of
from sample_data.clock import DAY, ZONE, instant, instant_ms
from sample_data.engine import LINES
from sample_data.engine_course import ACCEPTED, ERROR, REFUSED, REJECTED, Attempt, Delivery, Message
from sample_data.engine_log import EngineLog
from sample_data.facility import Facility
from sample_data.files import write_file
from sample_data.hl7 import acknowledgement, message_text
from sample_data.mirth import MirthLog, channel_id
from sample_data.people import REJECTIONS
from sample_data.spans import attribute, span
from sample_data.truth_roads import (
    CANNOT_KNOW,
    attempts_before,
    counted_on,
    interventions,
    is_thrown_away,
    known_on,
)

_EVENTS = {
    "RECV": "received",
    "ROUTE": "routed",
    "TRY": "attempt_started",
    "ACK": "delivered",
    "NAK": "nack_received",
    "TIMEOUT": "attempt_failed",
    "QUEUE": "queued",
    "DEAD": "dead_lettered",
    "ACKUP": "ack_sent",
    "HOPRECV": "received",
    "REPLAY": "replayed",
    "DISCARD": "discarded",
}
_COLUMNS = {
    "record_id": "seq",
    "time": "ts",
    "clock": "host",
    "flow": "channel",
    "message": "msg",
    "control_id": "control_id",
    "type": "type",
    "event": "event",
    "destination": "dest",
    "attempt": "attempt",
    "ack": "ack",
    "error": "error",
    "mrn": "mrn",
    "visit": "visit",
    "placer": "placer",
    "sent_at": "sent_at",
    "shape": "schema",
    "actor": "operator",
    "role": "role",
}
"""What a mapping calls a field, and the in-house log."""
_PREFIX = "org.wardville.message."
_MIRTH = ("export", "rest")
"""How every other message of Mirth comes as XML."""
_SNAPSHOT = """format = "csv"
rows = "snapshots"

[fields]
message = "id"
flow = "channel"
destination = "target"
event = "state"
attempt = "tries"

[events]
done = "delivered"
dead = "dead_lettered"
dropped = "discarded"
filtered = "filtered"
failed = "failed"
waiting = "queued"

[[proves]]
time = "created"
event = "received"
node = "message"

[[proves]]
time = "routed"
event = "routed"

[[proves]]
time = "last_try"
event = "attempt_started"

[[proves]]
time = "changed"
"""
_SOURCES = {
    "ndjson": 'kind = "ndjson-log"\nmapping = "ndjson.toml"',
    "csv": 'kind = "ndjson-log"\nmapping = "csv.toml"',
    "cloudevents": 'kind = "ndjson-log"\nmapping = "cloudevents.toml"',
    "snapshots": 'kind = "ndjson-log"\nmapping = "snapshots.toml"',
    "capture": f'kind = "hl7"\nzone = "{ZONE}"',
    "mirth": f'kind = "mirth"\nzone = "{ZONE}"',
    "tables": f'kind = "mirth"\nzone = "{ZONE}"',
    "archive": f'kind = "hl7"\nzone = "{ZONE}"',
    **dict.fromkeys(azure_roads.SERVICES, 'kind = "azure"'),
    "otlp": 'kind = "otlp"',
}
"""By name of the road, the settings of its source."""


class Roads:
    """Collects one facility's messages of the first day and writes them on every road, as they stand at its end."""

    def __init__(self, facility: Facility, folder: Path, span: tuple[int, int]) -> None:
        self._facility, self._folder = facility, folder
        self._start, self.cut = span[0], min(span[0] + DAY, span[1])
        self._log = EngineLog(facility, folder, self._start)
        self._mirth = [MirthLog(facility, folder / "landing" / "mirth" / form, self._start) for form in _MIRTH]
        self.messages: list[Message] = []

    def add(self, message: Message) -> None:
        """Take note of a message of the first day."""
        if self._start <= message.received < self.cut:
            self._mirth[len(self.messages) % 2].add(message)
            self.messages.append(message)
            self._log.add(message)

    def write(self) -> None:
        """Write every road, its settings and mappings."""
        rows = [{"seq": n, **orjson.loads(row)} for n, row in enumerate(self._log.until(self.cut), 1)]
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(_COLUMNS.values()))
        writer.writeheader()
        writer.writerows(rows)
        self._file("ndjson/engine.ndjson", [orjson.dumps(row) + b"\n" for row in rows])
        self._file("csv/engine.csv", [table.getvalue().encode()])
        self._file("cloudevents/events.ndjson", [orjson.dumps(_cloud_event(row)) + b"\n" for row in rows])
        self._file("snapshots/messages.csv", [self._snapshots().encode()])
        sent = sorted(self._sent(), key=itemgetter(0))
        self._file("capture/outbound.mllp", (_frame(at, text) for at, text in sent))
        self._file("archive/outbound.hl7", (text.encode() + b"\n" for _, text in sent))
        for road, service in azure_roads.SERVICES.items():
            for name, content in azure_records.files(service(self.messages, self.cut)):
                self._file(f"{road}/{name}", [content])
        self._file("otlp/traces.jsonl", [orjson.dumps(document) + b"\n" for document in self._traces()])
        for form, log in zip(_MIRTH, self._mirth, strict=True):
            log.write_day(self._start, self.cut, is_reply=form == "rest")
        halves = (mirth_tables.extract(self._facility, self.messages[half::2], self.cut) for half in (0, 1))
        self._file("tables/connectors.csv", [mirth_tables.as_csv(next(halves))])
        self._file("tables/connectors.parquet", [mirth_tables.as_parquet(next(halves))])
        for name, channel_of in (("mirth", channel_id), ("tables", mirth_tables.channel_of_extract)):
            of_road, is_older = partial(channel_of, self._facility), name == "tables"
            events = mirth_tables.event_export(self.messages, self.cut, of_road, is_older=is_older)
            self._file(f"{name}/2025-10-14-000000-events.txt", [events.encode()])
        self._settings()

    def _file(self, name: str, chunks: Iterable[bytes]) -> None:
        write_file(self._folder / "landing" / name, chunks)

    def _settings(self) -> None:
        slug = self._facility.slug
        numbers = ", ".join(f'{kind} = "urn:sim:{slug}:{kind}"' for kind in ("mrn", "visit", "placer"))
        assigners = f'mrn = {{ {self._facility.prefix} = "urn:sim:{slug}:mrn" }}'
        parts = [f'site = "One day on every road (simulated)"\nzone = "{ZONE}"\n']
        parts += [
            f'[[sources]]\nname = "{name}"\npath = "landing/{name}"\n{more}\n'
            f"authorities = {{ {numbers} }}\nassigners = {{ {assigners} }}\n"
            for name, more in _SOURCES.items()
        ]
        site = slug.upper()
        flows = {name: sorted({channel for channel, _, _ in LINES} - {"PHARM-TEST"}) for name in _SOURCES}
        flows["mirth"] = flows["tables"] = ["ROUTER", "ADT-OUT", *(name for name in flows["azure"] if name != "ADT")]
        links = [f"ENGINE/{site} > {to}/{site}" for to in sorted({to for _, to, _ in LINES} - {"PHARM"})]
        flows["capture"] = flows["archive"] = links
        flows["bus"] = ["WARDVILLE", *(f"{channel}-{to}" for channel, to, _ in LINES if channel != "PHARM-TEST")]
        registered = [
            f'[[interface]]\nflow = "{flow}"\nsource = "{name}"\nfacility = "{name}"\nowner = "Integration lead"\n'
            'protocol = "any"\ndata_domain = "all"\ncriticality = "low"\n'
            f'kind = "{"router" if flow == "ROUTER" else "channel"}"\n'
            for name, names in flows.items()
            for flow in names
        ]
        truth = {
            "as_of": instant(self.cut),
            "messages": len(self.messages),
            "interventions": interventions(self.messages, self.cut),
            "roads": {name: known_on(name, self.messages, self.cut) for name in _SOURCES},
            "counts": {name: counted_on(name, self.messages, self.cut) for name in azure_roads.SERVICES},
            "cannot_know": CANNOT_KNOW,
        }
        write_file(self._folder / "truth.json", [orjson.dumps(truth)])
        write_file(self._folder / "wardflow.toml", ["\n".join(parts).encode()])
        write_file(self._folder / "registry.toml", ["\n".join(registered).encode()])
        for form in ("ndjson", "csv"):
            write_file(self._folder / f"{form}.toml", [_mapping(form, lambda name: name, "").encode()])
        data = _mapping("cloudevents", lambda name: "subject" if name == "msg" else f"data.{name}", _PREFIX)
        write_file(self._folder / "cloudevents.toml", [data.encode()])
        write_file(self._folder / "snapshots.toml", [_SNAPSHOT.encode()])

    def _snapshots(self) -> str:
        """One row a delivery, or a message that goes nowhere, as it stands at the cut."""
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerow(["id", "channel", "target", "state", "tries", "created", "routed", "last_try", "changed"])
        for message in self.messages:
            head = [message.control_id, message.channel]
            created = instant_ms(message.received)
            if not message.deliveries:
                writer.writerow(
                    [*head, "", message.source_state, "", created, "", "", instant_ms(message.acknowledged)]
                )
            for delivery in (each for each in message.deliveries if each.entered < self.cut):
                tried = attempts_before(delivery, self.cut)
                state, changed = self._state(delivery, tried)
                last = instant_ms(tried[-1].start) if tried else ""
                times = [created, instant_ms(delivery.entered), last, instant_ms(changed)]
                writer.writerow([*head, delivery.destination, state, len(tried), *times])
        return table.getvalue()

    def _state(self, delivery: Delivery, tried: list[Attempt]) -> tuple[str, int]:
        """A delivery's state at the cut and since when."""
        if delivery.rescue and is_thrown_away(delivery, self.cut):
            return "dropped", delivery.rescue.asked
        ended = [attempt for attempt in tried if attempt.end < self.cut]
        if ended and ended[-1].outcome == ACCEPTED:
            return "done", ended[-1].end
        if len(ended) == len(tried) and delivery.left < self.cut:
            return "dead", ended[-1].end
        return "waiting", ended[-1].end if ended else delivery.entered

    def _sent(self) -> Iterator[tuple[int, str]]:
        """What goes over the links from the engine to each destination, both ways, and when."""
        slug = self._facility.slug.upper()
        for message in self.messages:
            for delivery in message.deliveries:
                for number, attempt in enumerate(attempts_before(delivery, self.cut), 1):
                    if attempt.outcome == REFUSED:  # no connection, nothing to capture
                        continue
                    link = f"ENGINE|{slug}|{delivery.destination}|{slug}"
                    yield attempt.start, message_text(message, self._facility, link)
                    if attempt.outcome in (ACCEPTED, ERROR, REJECTED) and attempt.end < self.cut:
                        person = message.person
                        reason = REJECTIONS[number % 2].format(family=person.family, given=person.given)
                        answer = acknowledgement(
                            message,
                            self._facility,
                            attempt.end,
                            attempt.outcome,
                            "" if attempt.outcome == ACCEPTED else reason,
                            sender=delivery.destination,
                        )
                        yield attempt.end, answer

    def _traces(self) -> Iterator[dict[str, Any]]:
        """OTLP: a message is a trace, its receipt and every attempt that is over a span of it."""
        for message in self.messages:
            trace, failed = id_of(message.control_id), message.source_state == "failed"
            spans = [span(trace, "0", 5, message.channel, (message.received, message.acknowledged), has_failed=failed)]
            for delivery in message.deliveries:
                for number, attempt in enumerate(attempts_before(delivery, self.cut), 1):
                    if attempt.end < self.cut:
                        to, times = delivery.destination, (attempt.start, attempt.end)
                        spans.append(span(trace, f"{to}{number}", 4, to, times, has_failed=attempt.outcome != ACCEPTED))
            resource = {
                "attributes": [attribute("service.name", message.channel), attribute("host.name", "engine-host")]
            }
            yield {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def _mapping(form: str, path: Callable[[str], str], prefix: str) -> str:
    """A mapping file for the in-house log's fields, called and written otherwise."""
    fields = {ours: path(theirs) for ours, theirs in _COLUMNS.items()}
    if form == "cloudevents":  # which names these itself
        fields = {ours: theirs for ours, theirs in fields.items() if ours not in ("record_id", "time", "event")}
    events = {f"{prefix}{word}": event for word, event in _EVENTS.items()}
    parts = [f'format = "{form}"\n\n[fields]', *(f'{ours} = "{theirs}"' for ours, theirs in fields.items())]
    return "\n".join([*parts, "\n[events]", *(f'"{word}" = "{event}"' for word, event in events.items()), ""])


def _cloud_event(row: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in row.items() if name not in ("seq", "ts", "msg", "event")}
    return {
        "specversion": "1.0",
        "id": str(row["seq"]),
        "source": "urn:wardville:engine",
        "type": f"{_PREFIX}{row['event']}",
        "subject": row["msg"],
        "time": row["ts"],
        "data": data,
    }


def _frame(at: int, text: str) -> bytes:
    return f"[{instant_ms(at)}]\n\x0b{text}\x1c\r\n".encode()
