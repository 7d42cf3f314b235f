"""IHE ATNA: audit messages of DICOM and of RFC 3881, in syslog lines (RFC 5424, with or without octet counts; RFC 3164) or in plain XML.

Here: files to messages to touches. Not here: where a document begins and ends (`xml_documents`), the table (`human_touch`).

What it cannot know: which of two participants was the person, where both ask; what a query asked for; times without an offset, which
the source's zone must tell; what a repository threw away before the export.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] -- lxml ships no types

from pipelines import keys, planning
from pipelines.lending import lent
from pipelines.sources import engine_records, human_touch
from pipelines.sources.hl7_numbers import Assigners, Delimiters, extended
from pipelines.sources.xml_documents import Document, Element, batches, parse_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelines.settings import Numbered, SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_SYSLOG = r"(?:\d{1,10} )?<\d{1,3}>(?:1 \S+ \S+ \S+ \S+ \S+ (?:-|(?:\[[^\]\n]*\])+)|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [^<\n]*)"
MESSAGE = Element("AuditMessage", before=rf"{_SYSLOG}|\xef\xbb\xbf|</?AuditMessages(?:\s[^<>]*)?>")
_IN_FILE = re.compile(rb"<AuditMessage(?:\s[^<>]*)?>\s*<EventIdentification\b")

_CODE = re.compile(r"\d{1,6}|[A-Z]{2,8}-\d{1,3}")
"""Codes of DICOM and transactions of IHE; anything else in their place may be a word, and a word may be a name."""
_PURPOSES = frozenset(
    """BTG ETREAT TREAT CAREMGT CLINTRCH COC COVERAGE DIRECTRY EDUC EMRGTRTMNT ERTREAT FAMRQT HCOMPL HDIRECT HDM HLEGAL HMARKT HOPERAT
    HOUTCOMS HPAYMT HPRGRP HQUALIMP HRESCH HSYSADMIN HTEST LABELING LEGAL METAMGT MEMADMIN PATADMIN PATRQT PATSFTY PERFMSR POPHLTH PRVDR
    PUBHLTH PWATRNY RECORDMGT SUPNWK SYSADMIN SYSDEV THREAT TREATDS WORKERCOMP""".split()  # noqa: SIM905 -- one a line would fill a page
)
"""Purposes of use (HL7 ActReason) that are kept."""
_PERSON, _PATIENT_NUMBERS, _VISIT_NUMBER = "1", frozenset({"1", "2"}), "3"
_CONTROL_ID = "MSH-10"
_USUAL = Delimiters()

_FORM = (
    ("file_id", pa.int32()),
    ("line", pa.int64()),
    ("byte_offset", pa.int64()),
    ("content_id", pa.string()),
    ("happened", pa.string()),
    ("event_code", pa.string()),
    ("type_codes", pa.list_(pa.string())),
    ("action", pa.string()),
    ("outcome", pa.string()),
    ("purpose_codes", pa.list_(pa.string())),
    ("user_hashes", pa.list_(pa.string())),
    ("role_codes", pa.list_(pa.string())),
    ("system_hash", pa.string()),
    ("mrn_key", pa.string()),
    ("visit_key", pa.string()),
    ("object_hashes", pa.list_(pa.string())),
    ("correlation_key", pa.string()),
    ("flags", pa.list_(pa.string())),
)


class Atna:
    """ATNA audit messages."""

    kind = "atna"
    suffixes = (".xml", ".log", ".txt")
    promised: Mapping[str, Sequence[str]] = {"raw.human_touch": tuple(human_touch.COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """An audit message begins near the file's beginning."""
        return _IN_FILE.search(head.start) is not None

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """All audit messages load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """Some thousand messages at a time: parsed in Python, times and identity in one statement."""
        source = files[0].source
        reader = _Reader(session, source)
        for file in files:
            for batch in batches(session, file, MESSAGE):
                rows: list[tuple[Any, ...]] = []
                for document, element in zip(batch, parse_all(batch, MESSAGE), strict=True):
                    found = None if element is None else reader.row(file, document, element)
                    rule = "unparseable" if element is None else "no_time" if found is None else None
                    if rule is not None:
                        session.quarantine(file, document.line, document.offset, rule, document.content)
                    elif found is not None:
                        rows.append(found)
                if rows:
                    _insert(session, source, files, rows)


class _Reader:
    """Reads one source's messages; what it returns holds hashes and codes only."""

    def __init__(self, session: Session, source: SourceSettings) -> None:
        self._key, self._source = session.key, source
        self._assigners = Assigners(source)

    def row(self, file: Intake, document: Document, message: etree._Element) -> tuple[Any, ...] | None:
        """One message's row; null where it names no time."""
        content = hashlib.sha256(etree.tostring(message, with_tail=False)).hexdigest()
        for each in message.iter(etree.Element):  # a namespace may stand anywhere, or nowhere
            each.tag = each.tag.rpartition("}")[2]
        event = message.find("EventIdentification")
        happened = "" if event is None else event.get("EventDateTime", "").strip()
        if event is None or not happened:
            return None
        people = [each for each in message.iterfind("ActiveParticipant") if each.get("UserIsRequestor") == "true"]
        mrn, visit, objects = self._objects(message)
        event_code = _code_of(event.find("EventID"))
        purposes = [_attribute(each) for each in message.iter("PurposeOfUse")]
        return (
            *(file.file_id, document.line, document.offset, content, happened, event_code),
            _codes(event.iterfind("EventTypeCode")),
            _one_of(event.get("EventActionCode"), ("C", "R", "U", "D", "E")),
            _one_of(event.get("EventOutcomeIndicator"), ("0", "4", "8", "12")),
            sorted({code for code in purposes if code in _PURPOSES or _CODE.fullmatch(code)}),
            [self._hash("user", user) for each in people if (user := each.get("UserID", "").strip())],
            sorted({code for each in people for code in _codes(each.iterfind("RoleIDCode"))}),
            self._system(message.find("AuditSourceIdentification")),
            *(mrn, visit, objects, self._control_id(message)),
            [] if event_code else ["unreadable_code"],
        )

    def _hash(self, kind: str, value: str) -> str:
        return keys.keyed(self._key, kind, self._source.name, value)

    def _system(self, source: etree._Element | None) -> str | None:
        name = "" if source is None else source.get("AuditSourceID", "").strip()
        return self._hash("system", name) if name else None

    def _objects(self, message: etree._Element) -> tuple[str | None, str | None, list[str]]:
        """The patient's and the visit's key, as an HL7 message's numbers are hashed, and the hashes of what else was touched."""
        numbers: dict[Numbered, str | None] = {"mrn": None, "visit": None}
        others: list[str] = []
        for each in message.iterfind("ParticipantObjectIdentification"):
            value = each.get("ParticipantObjectID", "").strip()
            id_type = _attribute(each.find("ParticipantObjectIDTypeCode"))
            is_patient = each.get("ParticipantObjectTypeCode") == _PERSON and (
                each.get("ParticipantObjectTypeCodeRole") == _PERSON or id_type in _PATIENT_NUMBERS
            )
            kind: Numbered | None = "mrn" if is_patient else "visit" if id_type == _VISIT_NUMBER else None
            if kind is not None:
                chosen = self._assigners.choose(kind, extended(value, _USUAL))
                if chosen is not None:
                    numbers[kind] = numbers[kind] or keys.keyed(self._key, kind, chosen.authority, chosen.value)
            elif value:
                others.append(self._hash("object", value))
        return numbers["mrn"], numbers["visit"], others

    def _control_id(self, message: etree._Element) -> str | None:
        """Of the HL7 message that the event was about: the best that joins an audit trail to an engine's log."""
        for detail in message.iter("ParticipantObjectDetail"):
            if detail.get("type") == _CONTROL_ID:
                try:
                    value = base64.b64decode(detail.get("value", ""), validate=True).decode()
                except ValueError:
                    continue
                return self._hash("control", value)
        return None


def _attribute(element: etree._Element | None) -> str:
    """A coded value's code, in either spelling."""
    return "" if element is None else (element.get("csd-code") or element.get("code") or "").strip()


def _code_of(element: etree._Element | None) -> str | None:
    found = _attribute(element)
    return found if _CODE.fullmatch(found) else None


def _codes(elements: Iterator[etree._Element]) -> list[str]:
    return [code for each in elements if (code := _code_of(each)) is not None]


def _one_of(text: str | None, allowed: tuple[str, ...]) -> str | None:
    return text if text in allowed else None


def _insert(session: Session, source: SourceSettings, files: Sequence[Intake], rows: list[tuple[Any, ...]]) -> None:
    """Resolve times and insert; a message whose time cannot be read is kept out."""
    db = session.db
    arrays = [pa.array(column, kind) for column, (_, kind) in zip(zip(*rows, strict=True), _FORM, strict=True)]
    with lent(db, audit_message=pa.table(arrays, names=[name for name, _ in _FORM])):
        session.flush()
        db.execute(_TIMED)
        zone = engine_records.zone_for(
            session, source, files, "select file_id, line from timed_touch where local_time is not null"
        )
        db.execute(_UNTIMED, {"source": source.name})
        with planning.briefly(db, len(rows)):
            db.execute(_STAGED, {"source": source.name, "zone": zone})
    human_touch.insert_touches(session)


_TIMED = """
create or replace temp table timed_touch as
select * exclude (happened), instant_of(happened) as instant, local_of(happened) as local_time,
    iso_precision(iso_of(happened)) as time_precision
from audit_message
"""

_UNTIMED = """
insert into line_verdict by name
select file_id, line, byte_offset, 'quarantined' as verdict, 'no_time' as rule, keyed('line', $source, content_id) as line_hash
from timed_touch where instant is null and local_time is null
"""

_STAGED = """
create or replace temp table touch_staged as
select
    keyed('audit message', $source, content_id) as touch_uid,
    $source as source,
    coalesce(instant, placed(local_time, $zone)) as occurred_at,
    case when instant is not null then 'offset' when $zone in ('UTC', 'Etc/UTC') then 'utc' else 'site_zone' end as time_basis,
    time_precision,
    instant is null and falls_twice(local_time, $zone) as time_ambiguous,
    * exclude (content_id, instant, local_time, time_precision, flags),
    list_sort(list_concat(flags, list_filter([
        if(instant is null and is_skipped(local_time, $zone), 'time_in_gap', null),
        if(instant is null and falls_twice(local_time, $zone), 'time_ambiguous', null)
    ], lambda f: f is not null))) as quality_flags
from timed_touch
where coalesce(instant, placed(local_time, $zone)) is not null
"""
