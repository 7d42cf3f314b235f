"""The mapping file of a log that Wardflow has no adapter for: which of its fields means what, and how times are written.

Here: what may stand in such a file (TOML), its rules, and the one line that names a mistake. Not here: reading a log
(`sources.mapped_log`), proposing a mapping (`mapping_proposal`). What a mapping does not name is never read.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.errors import ConfigurationError

FIELDS = {
    "record_id": "a number or id that no other record of the log has; of a list of fields all of them together",
    "time": "when the event happened",
    "clock": "whose clock wrote the time; latencies are computed within one clock only",
    "flow": "the channel",
    "message": "the message's id in the engine",
    "parent": "the message from which a hop between channels came",
    "control_id": "MSH-10; kept as a keyed hash",
    "type": "message type and trigger, such as ADT^A01",
    "event": "the event's word (in a snapshot: the state), translated by `[events]`",
    "destination": "where the message goes; empty for what concerns the message as a whole",
    "attempt": "number of the attempt (in a snapshot: how many there were)",
    "ack": "acknowledgement code",
    "error": "error text, of which only its class and a template without names are kept",
    "mrn": "the patient's number, hashed under `authorities.mrn`",
    "visit": "hashed under `authorities.visit`",
    "placer": "hashed under `authorities.placer`",
    "sent_at": "when the sender wrote the message, by the sender's own clock",
    "shape": "the message's version and segments, `2.5.1:MSH-PID-PV1`; other words are not kept",
    "actor": "who sent a message again or threw it away; kept as a keyed hash only",
    "role": "that person's role, kept when it is a usual one such as `service desk`, else `other`",
    "prior_mrn": "the number that gives way, in a message that merges two patients; hashed likewise",
    "size": "the message's size in bytes",
    "mrn_assigner": "who gave the patient's number out, where the log says so; `assigners.mrn` translates it",
    "visit_assigner": "who gave the visit's number out; `assigners.visit` translates it",
    "placer_assigner": "who gave the order's number out; `assigners.placer` translates it",
    "filler": "the filler's order number, hashed under `authorities.filler`",
    "accession": "the accession number, hashed under `authorities.accession`",
    "sending_application": "MSH-3; who gave the control id out, so that it joins other engines' logs",
    "sending_facility": "MSH-4; likewise",
    "trace": "an id that systems hand on with the message: a W3C trace id, X-Correlation-ID",
}
"""Every canonical field that a mapping may fill, with what it means. Identifiers leave the parser as keyed hashes."""

EVENT_TYPES = frozenset(
    """
    received ack_sent nack_sent transformed filtered routed queued held released attempt_started attempt_failed
    response_received nack_received delivered failed dead_lettered discarded expired replay_requested replayed
    edited deleted content_pruned purged manual_override escalated assigned task_opened task_closed alert_raised
    alert_closed flow_started flow_stopped flow_changed accessed queue_sample
    """.split()  # noqa: SIM905 -- one a line would fill a page
)
NOTHING = "nothing"
"""What a state of a snapshot is mapped to that proves no event yet."""

Encoding = Literal["utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252"]
EPOCHS = ("epoch_seconds", "epoch_milliseconds", "epoch_microseconds", "epoch_nanoseconds")
_TIMES = ("time", "sent_at")
_JOINED = ("record_id", "message", "parent")
_CONSTANTS = ("clock", "flow", "destination", "type", "event")
_STEP = re.compile(r'(?:"([^"]+)"|([^."\[\]]+))((?:\[\d+\])*)(?:\.|$)')
_CLOCK_PARTS = re.compile(r"%[HIXcTR]")


class _Part(BaseModel):
    """A table of the file: an unknown name is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeFormat(_Part):
    """How a time is written: ISO 8601 (extended or basic, or seconds, milliseconds, microseconds or nanoseconds since
    1970 by their ten, thirteen, sixteen or nineteen digits), one of `EPOCHS`, or a strptime pattern. `zone` is that of
    times without an offset, where it is not the source's. `fraction`: `.07` means 7 ms where engines write it so.
    """

    format: str = "iso"
    zone: str | None = None
    fraction: Literal["decimal", "milliseconds"] = "decimal"

    @field_validator("format")
    @classmethod
    def _format_tells_an_hour(cls, form: str) -> str:
        if form != "iso" and form not in EPOCHS and not _CLOCK_PARTS.search(form):
            raise ValueError(
                f"{form!r} is neither 'iso', one of {', '.join(EPOCHS)}, nor a strptime pattern with an hour such as '%d.%m.%Y %H:%M:%S'"
            )
        return form

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str | None) -> str | None:
        from zoneinfo import ZoneInfo

        try:
            return zone if zone is None else str(ZoneInfo(zone))
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{zone!r} is no IANA time zone; write one such as 'America/New_York'") from error


class Proof(_Part):
    """One time of a snapshot and the event that it proves; without `event`, the one that the record's state stands for."""

    time: str
    event: str | None = None
    node: Literal["message", "destination"] = "destination"
    format: str | None = None


class Ignored(_Part):
    """Records that no figure may count: test traffic, a backfill, the collector's own polling."""

    field: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]


class LogMapping(_Part):
    """One mapping file. Values of `fields` are names of columns (CSV) or paths such as `data.items[0].id` (JSON)."""

    format: Literal["ndjson", "csv", "cloudevents"] = "ndjson"
    rows: Literal["events", "snapshots"] = "events"
    encoding: Encoding = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    header: tuple[str, ...] = ()
    message_scope: Literal["engine", "flow"] = "engine"
    fields: dict[str, str | tuple[str, ...]] = {}
    constants: dict[str, str] = {}
    times: dict[str, TimeFormat] = {}
    events: dict[str, str] = {}
    proves: tuple[Proof, ...] = ()
    ignore: tuple[Ignored, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _cloud_events_name_themselves(cls, document: object) -> object:
        if isinstance(document, dict) and document.get("format") == "cloudevents":
            given = document.get("fields", {})
            if "record_id" in given:
                raise ValueError("fields.record_id: a CloudEvent is known by its source and id. Leave record_id out")
            of_its_own = {"record_id": ("source", "id"), "event": "type", "time": "time"}
            return {**document, "fields": {**of_its_own, **given}}
        return document

    @field_validator("fields")
    @classmethod
    def _fields_are_known(cls, fields: dict[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
        for name, path in fields.items():
            if name not in FIELDS:
                raise ValueError(f"there is no field {name!r}{hint(name, frozenset(FIELDS))}")
            if not isinstance(path, str) and name not in _JOINED:
                raise ValueError(f"{name!r} takes one field; only {', '.join(_JOINED)} can be made of several")
            if not path or not all([path] if isinstance(path, str) else path):
                raise ValueError(f"{name!r} names no field; leave the line out where the log has none")
        return fields

    @field_validator("constants")
    @classmethod
    def _constants_are_known(cls, constants: dict[str, str]) -> dict[str, str]:
        for name in constants:
            if name not in _CONSTANTS:
                raise ValueError(f"{name!r} cannot be constant; {', '.join(_CONSTANTS)} can")
        return constants

    @field_validator("times")
    @classmethod
    def _times_are_known(cls, times: dict[str, TimeFormat]) -> dict[str, TimeFormat]:
        for name in times:
            if name not in _TIMES:
                raise ValueError(f"{name!r} is no time; {' and '.join(_TIMES)} are")
        return times

    @field_validator("events")
    @classmethod
    def _events_are_known(cls, events: dict[str, str]) -> dict[str, str]:
        for word, event_type in events.items():
            if event_type not in EVENT_TYPES | {NOTHING}:
                raise ValueError(f"{word!r} maps to {event_type!r}, no event type{hint(event_type, EVENT_TYPES)}")
        return events

    @model_validator(mode="after")
    def _enough_is_mapped(self) -> LogMapping:
        for name in ("message", "event", "time"):
            if name in self.fields or name in self.constants:
                continue
            if self.rows == "snapshots" and (
                name == "time" or (name == "event" and all(each.event for each in self.proves))
            ):
                continue
            raise ValueError(f"fields: {name!r} is missing: {FIELDS[name]}. Name the field that holds it")
        self._snapshots_prove()
        if "event" in self.constants and self.constants["event"] not in EVENT_TYPES:
            word = self.constants["event"]
            raise ValueError(f"constants.event: {word!r} is no event type{hint(word, EVENT_TYPES)}")
        if self.format != "csv" and self.header:
            raise ValueError("header: only CSV has one. Leave it out")
        if self.format == "csv" and self.header and (lacking := self.paths - set(self.header)):
            raise ValueError(f"header: it has no column {min(lacking)!r}, which the mapping reads. Add it")
        for path in self.paths if self.format != "csv" else ():
            json_path(path)
        return self

    def _snapshots_prove(self) -> None:
        if self.rows == "events" and (self.proves or NOTHING in self.events.values()):
            raise ValueError("proves: only snapshots prove events. Set rows = 'snapshots'")
        if self.rows == "snapshots" and ("time" in self.fields or not self.proves):
            raise ValueError(
                "proves: a snapshot needs a [[proves]] for each of its times, in place of fields.time. Add them"
            )
        for each in self.proves:
            if each.event is not None and each.event not in EVENT_TYPES:
                raise ValueError(f"proves.event: {each.event!r} is no event type{hint(each.event, EVENT_TYPES)}")
            if each.format is not None:
                TimeFormat(format=each.format)

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every field of the log that is read: the allow-list."""
        named = [path for each in self.fields.values() for path in ([each] if isinstance(each, str) else each)]
        return frozenset([*named, *(each.time for each in self.proves), *(each.field for each in self.ignore)])

    def written(self, name: str) -> TimeFormat:
        """How `time` or `sent_at` is written."""
        return self.times.get(name, TimeFormat())

    def telling(self) -> frozenset[str]:
        """The fields by which a record of this log is recognised: those of event, message and time, else the times proved."""
        needed = [self.fields[name] for name in ("event", "message", "time") if name in self.fields]
        flat = [path for each in needed for path in ([each] if isinstance(each, str) else each)]
        return frozenset(flat) if self.rows == "events" else frozenset([*flat, self.proves[0].time])


def json_path(path: str) -> list[str | int]:
    """The steps of a path such as `data.items[0]."a.b"`: names and places in a list.

    Raises:
        ValueError: it is no such path.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ValueError(f"fields: {path!r} is no path; write one such as data.items[0].id")
        steps += [found[1] or found[2], *(int(number) for number in re.findall(r"\d+", found[3]))]
        at = found.end()
    return steps


def hint(name: str, known: frozenset[str]) -> str:
    """A likely right spelling, as the end of a sentence."""
    close = get_close_matches(name, sorted(known), n=1)
    return f". Did you mean {close[0]!r}?" if close else f". Known: {', '.join(sorted(known))}"


def load(path: Path) -> LogMapping:
    """The mapping in a file.

    Raises:
        ConfigurationError: it cannot be read or breaks a rule: one line with file, line, rule and cure.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as a mapping ({type(error).__name__}). `wardflow mapping propose` writes one."
        ) from error
    return parse(text, str(path))


@cache
def parse(text: str, name: str) -> LogMapping:
    """The mapping that a file's text holds; `name` is how a mistake names the file.

    Raises:
        ConfigurationError: see `load`.
    """
    try:
        return LogMapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is not valid TOML: {error}. Correct that line.") from error
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        place = [str(part) for part in mistake["loc"]]
        message = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            known = frozenset(FIELDS) if place[0] == "fields" else frozenset(_names())
            message = f"there is no setting {'.'.join(place)!r}{hint(place[-1], known)}"
        elif mistake["type"] == "literal_error":
            message = f"{mistake['input']!r}: {message}"
        where = f"{name}, line {line_of(text, place, message)}"
        said = message if not place or mistake["type"] == "extra_forbidden" else f"{'.'.join(place)}: {message}"
        raise ConfigurationError(f"{where}: {said.rstrip('.')}.") from error


def _names() -> list[str]:
    return [*LogMapping.model_fields, *TimeFormat.model_fields, *Proof.model_fields, *Ignored.model_fields]


def line_of(text: str, place: list[str], message: str) -> int:
    """The line of the file that a mistake is about: of the name in the message's quotes or of the place, else of its table, else 1."""
    quoted = re.findall(r"'([^']+)'", message)[:1]
    table, *below = place or message.partition(":")[0].split(".")
    wanted = {*quoted, *place[-1:], *below[-1:]}
    inside, of_table = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([\w.\"'-]+)", line):
            inside = header[1]
            of_table = number if inside.partition(".")[0] == table and not of_table else of_table
        key = re.match(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*=""", line)
        name = next((each for each in key.groups() if each is not None), "") if key else ""
        if not inside and name == table:
            return number
        if inside.partition(".")[0] == table and (name in wanted or any(each in line for each in quoted)):
            return number
    return of_table or 1


IN_HOUSE = Path(__file__).with_name("templates") / "in_house_log.toml"
"""The log that Wardflow documents for in-house engines and that its simulator writes: the mapping of a source that names none."""

ENCODINGS: tuple[str, ...] = get_args(Encoding)
