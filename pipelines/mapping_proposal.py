"""A first mapping for a log, proposed from a sample: which column is probably what, and which could not be placed.

Here: looking at a sample and wording a mapping file. Not here: the file's rules (`log_mapping`), reading a log by it
(`sources.mapped_log`). Of the sample's values only codes of a known vocabulary are written down, never a text or number
that could be a person's; of its column names only those that every record shares.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from pipelines.errors import UnreadableFile
from pipelines.log_mapping import FIELDS
from pipelines.sources import error_text, log_records
from pipelines.sources.archives import deliveries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_SAMPLE_BYTES = 4 << 20
_SAMPLE_RECORDS = 2_000
_DELIMITERS = (",", ";", "\t", "|")
_MOST_WORDS = 40
_FITS = 0.95

_CALLED = {
    "record_id": "seq sequence sequenceno recordid logid eventid entryid rowid recordno logentryid",
    "time": "ts time timestamp datetime when eventtime eventdatetime occurredat logtime logdate logged loggedat timelogged createdat",
    "clock": "host hostname server servername serverid engine node nodename machine computer",
    "flow": "channel channelname channelid interface interfacename flow flowname route routename connection connectionname",
    "message": "msg msgid messageid messageno messagenumber msgno messageuid msguid id uuid guid",
    "parent": "parent parentid parentmessage parentmessageid parentmsgid originalid",
    "control_id": "controlid messagecontrolid msh10 msgcontrolid hl7controlid",
    "type": "type messagetype msgtype hl7type msh9 triggerevent",
    "event": "event eventtype eventname action status state activity logtype result outcome type",
    "destination": "dest destination destinationname target targetname receiver to outbound",
    "attempt": "attempt attempts attemptno retry retries retrycount tries sendattempts",
    "ack": "ack ackcode acknowledgement acknowledgment msa1",
    "error": "error errortext errormessage errmsg exception reason failure errordetail fault",
    "mrn": "mrn patientid patientno patientnumber patno pid3 medicalrecordnumber",
    "visit": "visit visitid visitno visitnumber encounter encounterid csn pv119 accountnumber",
    "placer": "placer placerid order orderid orderno ordernumber placerordernumber orc2",
    "sent_at": "sentat msh7 messagetime senttime messagedatetime",
    "shape": "schema",
    "actor": "operator user userid username actor",
    "role": "role userrole",
    "prior_mrn": "priormrn oldmrn mrg1 mergedmrn",
    "size": "size bytes length messagesize messagelength sizebytes msgsize",
    "mrn_assigner": "assigningauthority patientidauthority mrnauthority pid34",
}
"""How engines call each field, in small letters and digits only; a name that stands for two goes to the first whose values fit."""

WORDS = {
    "received": "recv received receive in inbound accepted arrived hoprecv",
    "ack_sent": "ackup acksent ack_sent",
    "nack_sent": "nacksent nack_sent",
    "transformed": "transformed translated mapped",
    "filtered": "filtered filter dropped skipped",
    "routed": "route routed dispatched",
    "queued": "queue queued enqueued waiting",
    "held": "held hold suspended paused",
    "released": "released resumed",
    "attempt_started": "try attempt sending send started attempt_started",
    "attempt_failed": "timeout timedout attempt_failed sendfailed retry retrying",
    "nack_received": "nak nack rejected nack_received refused",
    "delivered": "ack delivered sent success succeeded successful completed complete processed ok out outbound",
    "failed": "fail failed failure error errored",
    "dead_lettered": "dead deadletter deadlettered dead_lettered dlq",
    "discarded": "discard discarded deleted",
    "expired": "expired",
    "replayed": "replay replayed resent resend reprocessed resubmitted",
}
"""The words that engines use for each event type, in small letters."""
_TYPE_OF = {word: event for event, words in WORDS.items() for word in words.split()}

_PATTERNS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d-%m-%Y %H:%M:%S",
    "%m-%d-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
)
_FRACTION = re.compile(r"([.,])(\d{1,9})$")
_ISO = re.compile(
    r"\d{4}[-/]?\d{2}[-/]?\d{2}[T ]?\d{2}:?\d{2}(:?\d{2}([.,]\d{1,9})?)?\s*(Z|UTC|GMT|[+-]\d{2}:?(\d{2})?)?"
)
_NUMBERED = re.compile(r"\d{10}(\d{3}){0,3}(\.\d+)?")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .\-]{0,60}")


@dataclass
class Proposal:
    """A mapping file's text, where each field went and why, and the columns without a place."""

    format: str
    text: str = ""
    placed: dict[str, str] = field(default_factory=dict)
    unplaced: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    records: int = 0


@dataclass(frozen=True)
class _Sample:
    format: str
    records: list[dict[str, str]]
    settings: dict[str, str]
    assumed: tuple[str, ...] = ()


def propose(path: Path) -> Proposal:
    """A mapping for the log that begins as this file does.

    Raises:
        UnreadableFile: it is neither CSV with a header nor JSON; one line.
    """
    sample = _read(path)
    columns = Counter(name for record in sample.records for name in record)
    values = {name: [record[name] for record in sample.records if record.get(name)] for name in columns}
    chosen, formats, why_not = _place(values, is_cloud=sample.format == "cloudevents")
    proposal = Proposal(sample.format, records=len(sample.records), placed=dict(chosen))
    shared = {
        name for name, n in columns.items() if (n > 1 or len(sample.records) == 1) and _PLAIN_NAME.fullmatch(name)
    }
    hidden = [name for name in columns if name not in chosen.values() and name not in shared]
    proposal.unplaced = {
        name: why_not.get(name, "its name says nothing that Wardflow knows")
        for name in columns
        if name not in chosen.values() and name in shared
    }
    if hidden:
        proposal.unplaced["?"] = (
            f"{len(hidden)} more whose names are not shown, because only one record has them or they could be a person's"
        )
    known = set(chosen) | ({"event", "time", "record_id"} if sample.format == "cloudevents" else set())
    proposal.missing = tuple(name for name in ("message", "event", "time") if name not in known)
    event = chosen.get("event", "type" if sample.format == "cloudevents" else "")
    proposal.text = _worded(sample, proposal, formats, Counter(values.get(event, [])))
    return proposal


def _read(path: Path) -> _Sample:
    delivered = next((each for each in deliveries(path, str(path)) if not each.problem), None)
    if delivered is None:
        raise UnreadableFile(f"{path} cannot be opened. Name a file of the log.")
    with delivered.stream() as stream:
        start = stream.read(_SAMPLE_BYTES)
    encoding, assumed = _encoding_of(start)
    text = start.decode(encoding, errors="replace").lstrip("\ufeff")
    settings = {} if encoding == "utf-8" else {"encoding": encoding}
    if text.lstrip()[:1] in {"{", "["}:
        records = list(islice(log_records.records_in(text.encode()), _SAMPLE_RECORDS))
        if not records:
            raise UnreadableFile(
                f"{path}: no whole JSON record was found. Name a sample with one record a line, or an array."
            )
        is_cloud = all("specversion" in each for each in records)
        return _Sample(
            "cloudevents" if is_cloud else "ndjson", [dict(_flat(each)) for each in records], settings, assumed
        )
    return _csv_sample(path, text, settings, assumed)


def _encoding_of(start: bytes) -> tuple[str, tuple[str, ...]]:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ()
    try:
        start[: start.rfind(b"\n") + 1 or None].decode()
    except UnicodeDecodeError:
        return "windows-1252", ("encoding: the sample is no UTF-8; windows-1252 is a guess",)
    return "utf-8", ()


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value that is no object or list, by the path that a mapping would name it with; of a list the first."""
    if isinstance(value, dict):
        for name, inner in value.items():
            step = name if re.fullmatch(r'[^."\[\]]+', name) else json.dumps(name)
            yield from _flat(inner, f"{path}.{step}" if path else step)
    elif isinstance(value, list):
        if value:
            yield from _flat(value[0], f"{path}[0]")
    elif value is not None:
        yield path, json.dumps(value) if isinstance(value, bool) else str(value)


def _csv_sample(path: Path, text: str, settings: dict[str, str], assumed: tuple[str, ...]) -> _Sample:
    lines = text.splitlines(keepends=True)
    best = max(_DELIMITERS, key=lambda each: _agreement(lines[:50], each))
    try:
        rows = [row for row in csv.reader(lines[: _SAMPLE_RECORDS + 1], delimiter=best) if row]
    except csv.Error:
        rows = []
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 -- one column is no table
        raise UnreadableFile(f"{path} is neither JSON nor CSV with a header. Name a sample of the log.")
    header = [name.strip() for name in rows[0]]
    if any(_is_time(name) or re.fullmatch(r"[\d.,:/ -]*", name) for name in header):
        raise UnreadableFile(
            f"{path}, line 1: it looks like a record, not like a header. Put a line with the names of the columns above it for "
            "the proposal, and give them as `header` in the mapping."
        )
    records = [dict(zip(header, row, strict=True)) for row in rows[1:] if len(row) == len(header)]
    if best != ",":
        settings = {**settings, "delimiter": best}
    return _Sample("csv", records, settings, assumed)


def _agreement(lines: Sequence[str], delimiter: str) -> float:
    """How far these lines have as many columns as their first, more columns counting more."""
    try:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0
    return counts[0] * sum(n == counts[0] for n in counts) / len(counts) if counts and counts[0] > 1 else 0


def _place(values: dict[str, list[str]], *, is_cloud: bool) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The column of each field, how its times are written, and of columns that nearly fitted why they did not."""
    chosen: dict[str, str] = {}
    formats: dict[str, str] = {}
    why_not: dict[str, str] = {}
    own = {"id", "source", "specversion", "type", "time", "datacontenttype", "dataschema"} if is_cloud else set()
    why_not |= dict.fromkeys(own & values.keys(), "CloudEvents read it of themselves")
    free = {name: found for name, found in values.items() if name not in own}
    for target in FIELDS:
        if is_cloud and target in {"record_id", "event", "time"}:
            continue
        wanted = _CALLED.get(target, "").split()
        near = [name for name in free if name not in chosen.values() and _short(name) in wanted]
        for name in sorted(near, key=lambda each: (wanted.index(_short(each)), each.count("."))):
            reason = _unfit(target, free[name], formats)
            if reason is None:
                chosen[target] = name
                break
            why_not[name] = f"its name says {target}, but {reason}"
    if "time" not in chosen and not is_cloud:
        for name, found in free.items():
            if name not in chosen.values() and _unfit("time", found, formats) is None:
                chosen["time"] = name
                break
    return chosen, formats, why_not


def _short(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.split(r"[.\]]", name)[-1].lower())


def _unfit(target: str, found: list[str], formats: dict[str, str]) -> str | None:
    """Why these values cannot be this field's; null when they can."""
    if not found:
        return "it is empty in the sample"
    if target in {"time", "sent_at"}:
        fitting = _time_formats(found)
        if fitting and _fractions_vary(found):
            return "its fractions differ in length, so that .07 may be 7 ms: state format, and fraction where it is so"
        if len(fitting) > 1:
            return f"day and month cannot be told apart in the sample ({' or '.join(fitting)})"
        if fitting:
            formats[target] = fitting[0]
        return None if fitting else "its values are no times that can be read"
    rule = _SHAPES.get(target)
    if rule is None:
        return None
    reason, fits = rule
    return None if sum(map(fits, found)) >= _FITS * len(found) else reason


def _is_word(value: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_. \-]{0,60}", value))


_SHAPES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "event": ("its values are no words", _is_word),
    "attempt": ("its values are no small numbers", lambda value: bool(re.fullmatch(r"\d{1,4}", value))),
    "size": ("its values are no whole numbers", lambda value: bool(re.fullmatch(r"\d{1,12}", value))),
    "ack": (
        "its values are no acknowledgement codes",
        lambda value: value.upper() in {"AA", "AE", "AR", "CA", "CE", "CR"},
    ),
    "type": (
        "its values are no HL7 message types",
        lambda value: bool(re.fullmatch(r"[A-Z][A-Z0-9]{2}([^A-Z0-9].*)?", value)),
    ),
}


def _is_time(text: str) -> bool:
    return bool(_ISO.fullmatch(text) or _time_formats([text]))


def _time_formats(found: list[str]) -> list[str]:
    """The ways of writing times in which nearly all of these are one."""
    needed = _FITS * len(found)
    if sum(bool(_ISO.fullmatch(text) or _NUMBERED.fullmatch(text)) for text in found) >= needed:
        return ["iso"]
    fraction = Counter(match[1] for text in found if (match := _FRACTION.search(text)) and ":" in text)
    tail = ""
    if sum(fraction.values()) >= needed:
        digits = max(len(match[2]) for text in found if (match := _FRACTION.search(text)))
        tail = fraction.most_common(1)[0][0] + ("%g" if digits <= 3 else "%f" if digits <= 6 else "%n")  # noqa: PLR2004
    bare = [_FRACTION.sub("", text) for text in found] if tail else found
    return [pattern + tail for pattern in _PATTERNS if sum(_parses(text, pattern) for text in bare) >= needed]


def _fractions_vary(found: list[str]) -> bool:
    """Whether times that are not ISO 8601 have fractions of one, two and three digits, as where engines write whole milliseconds."""
    lengths = {len(match[2]) for text in found if not _ISO.fullmatch(text) and (match := _FRACTION.search(text))}
    return len(lengths) > 1 and max(lengths) <= 3  # noqa: PLR2004 -- milliseconds


def _parses(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern).replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _worded(sample: _Sample, proposal: Proposal, formats: dict[str, str], words: Counter[str]) -> str:
    chosen = proposal.placed
    lines = [
        f"# Proposed from a sample of {proposal.records} records. Check every line, then run `wardflow mapping validate`."
    ]
    lines += [f"# Assumed: {text}." for text in sample.assumed]
    lines += [
        "",
        f'format = "{sample.format}"',
        *(f"{name} = {json.dumps(value)}" for name, value in sample.settings.items()),
    ]
    lines += ["", "[fields]"]
    lines += [f'# {name} = ""   # required: {FIELDS[name]}' for name in proposal.missing]
    lines += [f"{name} = {json.dumps(column, ensure_ascii=False)}" for name, column in chosen.items()]
    written = {name: form for name, form in formats.items() if name in chosen and form != "iso"}
    if written:
        lines += ["", "[times]", *(f'{name} = {{ format = "{form}" }}' for name, form in written.items())]
    lines += ["", "[events]", *_events(words)]
    if proposal.unplaced:
        lines += ["", "# Not placed, and so never read:"]
        lines += [f"# {name}: {reason}" for name, reason in proposal.unplaced.items()]
    return "\n".join(lines) + "\n"


def _events(words: Counter[str]) -> list[str]:
    """The log's words that are codes of a known vocabulary, translated where their meaning is known."""
    if len(words) > _MOST_WORDS:
        return [f"# The sample has {len(words)} different words here: too many for a field that says what happened."]
    lines: list[str] = []
    hidden = 0
    for word in sorted(words):
        last = word.rpartition(".")[2] if word.count(".") > 1 else word
        event = _TYPE_OF.get(re.sub(r"[^a-z_]", "", last.lower())) if _is_word(last) else None
        tokens = [part for part in re.split(r"[^a-z0-9]+", word.lower()) if part]
        if event is not None and (last == word or set(tokens) <= error_text.vocabulary() | set(_TYPE_OF)):
            lines.append(f"{json.dumps(word)} = {json.dumps(event)}")
        elif tokens and set(tokens) <= error_text.vocabulary():
            lines.append(f'# {json.dumps(word)} = ""   # what happened then?')
        else:
            hidden += 1
    if hidden:
        lines.append(
            f"# {hidden} more words are not shown, because they could be names. Add those that say what happened."
        )
    return lines
