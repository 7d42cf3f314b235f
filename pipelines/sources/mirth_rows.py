"""One Mirth message's XML read into rows: itself and its connectors.

Here: which elements are read, and how. Not here: files and documents (`mirth`, `xml_documents`), what rows prove (`mirth_events`). The
raw message, its maps and its error texts stay in memory: only identifiers to be hashed, types, times and reduced errors leave this module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipelines.sources import error_text, hl7_envelope, mirth_events
from pipelines.sources.hl7_numbers import Assigners, Chosen, Delimiters, Number, entity, extended

if TYPE_CHECKING:
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] -- lxml ships no types

    from pipelines.settings import Numbered, SourceSettings
    from pipelines.sources.xml_documents import Document

_MOST_DIGITS = 14
_SMALL = 5  # digits of a connector's number or count of attempts
_EARLIEST, _LATEST = 1, 9_214_646_400_000  # milliseconds: after 1970 began, before 2262
_ERRORS = ("processingErrorContent", "responseErrorContent", "postProcessorErrorContent")
_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}")
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,80}")
_NO_FACTS = (None, None, None, False)
_USUAL = Delimiters()

Parts = dict[str, Any]  # an element by its tag


class RowReader:
    """Reads one source's messages into rows."""

    def __init__(self, source: SourceSettings) -> None:
        self.source = source
        self._extra = frozenset(word.lower() for word in source.error_words)
        self._assigners = Assigners(source)

    def add(self, rows: mirth_events.Rows, file_id: int, document: Document, message: etree._Element) -> str | None:
        """Add one message's row and those of its connectors; or name the rule by which it is kept out."""
        part: Parts = {child.tag: child for child in message}
        channel, number = _text(part, "channelId"), _text(part, "messageId")
        if not (_SAFE_ID.fullmatch(channel) and _is_number(number)):
            return "no_id"
        connectors: list[Parts] = [{child.tag: child for child in each} for each in message.iter("connectorMessage")]
        received = _milliseconds(part.get("receivedDate"))
        first = next(
            (each for each in connectors if _text(each, "metaDataId") == "0"), connectors[0] if connectors else {}
        )
        incarnation = _milliseconds(first.get("receivedDate")) or received
        if incarnation is None:
            return "no_time"
        hops = b"sourceChannelId" in document.content
        index, clock = len(rows.messages), _clock(part)
        rows.messages.append(
            (
                *(index, file_id, document.line, document.offset, channel, number),
                *(incarnation, received if received is not None else incarnation),
                *_lineage(first if hops else {}, channel, number, part),
                *self._outside(first),
            )
        )
        for each in connectors:
            rows.connectors.append((index, *self._connector(each, incarnation, clock)))
        if not connectors:
            only = (0, "Source", None, clock, incarnation, "RECEIVED", 0, None, None, None, *_NO_FACTS, 0)
            rows.connectors.append((index, *only))
        return None

    def _outside(self, first: Parts) -> tuple[Any, ...]:
        """Type, identifiers and shape: from the custom metadata columns, and what they lack from the raw message's envelope."""
        names = self.source.columns
        entries = first.get("metaDataMap", ())
        meta = {entry[0].text: entry[1].text for entry in entries if len(entry) > 1}
        raw = first["raw"].findtext("content") if "raw" in first else None
        envelope = hl7_envelope.read(raw) or hl7_envelope.NOTHING
        control, kind = meta.get(names.control_id) or envelope.control_id, meta.get(names.type)
        words = _TYPE.findall(kind)[:2] if kind else [envelope.type or "", envelope.trigger or ""]
        message_type, trigger = ([word if _TYPE.fullmatch(word) else None for word in words] + [None, None])[:2]
        mrn = self._number("mrn", meta.get(names.mrn), envelope.mrn)
        prior = self._assigners.choose("mrn", envelope.prior_mrn, like=mrn)
        visit = self._number("visit", meta.get(names.visit), envelope.visit)
        order = self._number("placer", meta.get(names.placer), envelope.placer)
        filler = self._assigners.choose("filler", envelope.filler)
        accession = self._assigners.choose("accession", envelope.accession)
        flags = [] if control else ["no_control_id"]
        if raw is None and not meta:
            flags.append("content_purged")
        if any(number is not None and number.is_unmapped for number in (mrn, prior, visit, order or filler, accession)):
            flags.append("unmapped_assigner")
        return (
            _text(first, "channelName") or None,
            control,
            envelope.application,
            envelope.facility,
            message_type,
            trigger,
            *_told(mrn),
            *_told(prior),
            *_told(visit),
            *_told(order),
            *_told(filler),
            *_told(accession),
            envelope.sent,
            envelope.shape,
            flags,
        )

    def _number(self, kind: Numbered, column: str | None, said: tuple[Number, ...]) -> Chosen | None:
        """The number of a metadata column, given out by whom the message says of the same number; without one the message's."""
        if not column:
            return self._assigners.choose(kind, said)
        read_field = extended if kind in {"mrn", "visit"} else entity
        told = read_field(column, _USUAL)
        if told and not (told[0].name or told[0].universal_id):
            told = tuple(number for number in said if number.value == told[0].value) or told
        return self._assigners.choose(kind, told or said)

    def _connector(self, part: Parts, incarnation: int, clock: str | None) -> tuple[Any, ...]:
        status = _text(part, "status")
        return (
            _small(part, "metaDataId"),
            _text(part, "connectorName"),
            _text(part, "channelName") or None,
            _clock(part) or clock,
            _milliseconds(part.get("receivedDate")) or incarnation,
            status if status in mirth_events.STATUSES else "UNKNOWN",
            _small(part, "sendAttempts"),
            _milliseconds(part.get("sendDate")),
            _milliseconds(part.get("responseDate")),
            error_text.ack_code(part["response"].findtext("content")) if "response" in part else None,
            *(self._error(part) if status in {"ERROR", "QUEUED"} else _NO_FACTS),
            _small(part, "errorCode"),
        )

    def _error(self, part: Parts) -> tuple[str | None, str | None, str | None, bool]:
        texts = [text for name in _ERRORS if name in part and (text := part[name].findtext("content"))]
        if not texts:
            return _NO_FACTS
        text = "\n".join(texts)
        facts = error_text.reduce_error(text, self._extra, (_text(part, "connectorName"),))
        return facts.error_class, facts.code, facts.template, error_text.is_nack(text)


def _told(number: Chosen | None) -> tuple[str | None, str | None]:
    return (None, None) if number is None else (number.value, number.authority)


def _text(part: Parts, name: str) -> str:
    element = part.get(name)
    return "" if element is None else (element.text or "").strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _small(part: Parts, name: str) -> int:
    text = _text(part, name)
    return int(text) if _is_number(text) and len(text) <= _SMALL else 0


def _milliseconds(element: etree._Element | None) -> int | None:
    if element is None or not len(element):
        return None
    first = element[0]  # <time>, then <timezone>
    text = ((first.text if first.tag == "time" else element.findtext("time")) or "").strip()
    if not _is_number(text) or len(text) > _MOST_DIGITS:
        return None
    value = int(text)
    return value if _EARLIEST <= value < _LATEST else None


def _clock(part: Parts) -> str | None:
    server = _text(part, "serverId")
    return server if _SAFE_ID.fullmatch(server) else None


def _lineage(first: Parts, channel: str, number: str, part: Parts) -> tuple[str | None, str, str | None, bool]:
    """Parent, root and repeated message, and whether it is a copy of that, imported with its history. The root is the first of the
    chain of channels when Mirth kept the chain, else the parent; of a message without either that repeats another, the one it repeats.
    """
    found: dict[str, str] = {}
    content = first["sourceMapContent"].find("content") if "sourceMapContent" in first else None
    for entry in content.iter("entry") if content is not None else ():
        if len(entry) > 1 and (entry[0].text or "").startswith("source"):
            value = entry[1][0] if len(entry[1]) else entry[1]
            found[entry[0].text or ""] = (value.text or "").strip()

    def place(channels: str, numbers: str) -> str | None:
        ids = found.get(channels, ""), found.get(numbers, "")
        return f"{ids[0]}:{ids[1]}" if _SAFE_ID.fullmatch(ids[0]) and _is_number(ids[1]) else None

    parent = place("sourceChannelId", "sourceMessageId")
    original, imported, home = (_text(part, name) for name in ("originalId", "importId", "importChannelId"))
    is_import = _is_number(imported) and not _is_number(original)
    home = home if _SAFE_ID.fullmatch(home) else channel
    repeated = f"{home}:{imported}" if is_import else f"{channel}:{original}" if _is_number(original) else None
    root = place("sourceChannelIds", "sourceMessageIds") or parent or repeated or f"{channel}:{number}"
    return parent, root, repeated, is_import
