"""Mirth's own event log: the event export of both header generations, and the XML list of its REST interface.

Here: files to operations, each with its place. Not here: what an operation is (`mirth_operations`), the events (`mirth_audit_events`),
finding XML documents (`xml_documents`).

An exported row has no quoting: its first four values are told from the left, the last ones from the right, and what is between them is
the name, which may be an error text with commas and lines of its own.

What it cannot know: whether what was asked for was done (Mirth writes SUCCESS when it was allowed), which server of a cluster wrote a
row, and which messages an operation without a message's id was about.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.sources import lines, mirth_audit_events, mirth_operations
from pipelines.sources.xml_documents import EVENT, Document, batches, parse_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] -- lxml ships no types

    from pipelines.settings import SourceSettings
    from pipelines.sources.byte_readers import Stream
    from pipelines.sources.source import Intake, Session

_BEGIN = rb"(\d{1,18}), (\d\d)-(\d\d)-(\d\d) (\d\d)-(\d\d)-(\d\d)\.(\d{1,3}), (?:INFORMATION|WARNING|ERROR), (SUCCESS|FAILURE), "
_END = rb", (-?\d{1,10}), [^,\r\n]{0,100}, ([A-Za-z0-9_-]*)(?:,[^\r\n]*)?\s*"
_ROW_BEGINS, _ROW_ENDS = re.compile(_BEGIN), re.compile(_END + rb"\Z")
_ROW = re.compile(_BEGIN + rb"(.*)" + _END, re.DOTALL)
_HEADER = re.compile(rb"ID, Date and Time, Level, Outcome, (?:Operation, )?Name, User ID, ")
_IN_XML = re.compile(
    rb"<event(?:\s[^<>]*)?>\s*<(?:id|dateTime|nanoTime|eventTime|level|name|attributes|outcome|userId|serverId)\b"
)
_MOST_LINES = 5_000
_MOST_DIGITS = 14
_EARLIEST, _LATEST = 1, 9_214_646_400_000  # milliseconds: after 1970 began, before 2262
_ROWS_AT_ONCE = 50_000


def is_export(start: bytes) -> bool:
    """Whether a file that begins so is an event export: its header, or a first row."""
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return bool(_HEADER.match(first) or _ROW_BEGINS.match(first))


def is_list(start: bytes) -> bool:
    """Whether a file that begins so is a list of events from the REST interface."""
    return _IN_XML.search(start) is not None


def load(session: Session, files: Sequence[Intake]) -> None:
    """Insert the events of these files, which are all event logs, and give a verdict on each of their records."""
    source = files[0].source
    rows = mirth_audit_events.Rows()
    for file in files:
        found = _rows_of_list(session, file) if is_list(file.delivered.head()) else _rows_of_export(session, file)
        for record in found:
            _add(session, source, file, record, rows)
            if len(rows) >= _ROWS_AT_ONCE:
                mirth_audit_events.insert(session, source, files, rows)
                rows = mirth_audit_events.Rows()
    mirth_audit_events.insert(session, source, files, rows)


@dataclass(frozen=True)
class _Record:
    """One operation as it was written: either a local time or milliseconds since 1970."""

    line: int
    offset: int
    content: bytes
    event_id: int
    local: datetime | None
    milliseconds: int | None
    name: str
    is_refused: bool
    user: str
    attributes: Iterable[tuple[str, str]]


def _add(
    session: Session, source: SourceSettings, file: Intake, record: _Record, rows: mirth_audit_events.Rows
) -> None:
    """Add what the record proves; the collector's own accounts prove nothing and are counted."""
    if record.local is None and record.milliseconds is None:
        session.quarantine(file, record.line, record.offset, "no_time", record.content)
        return
    if record.user in source.own_accounts:
        session.judge(file, record.line, record.offset, "ignored")
        session.find(file, "own_account")
        return
    proven = mirth_operations.done(record.name, record.attributes)
    if not proven:
        session.judge(file, record.line, record.offset, "ignored")
    for place, each in enumerate(proven):
        rows.add(
            (file.file_id, record.line, record.offset, record.event_id, record.local, record.milliseconds),
            (
                mirth_operations.without_extension(record.name),
                record.is_refused,
                record.user if record.user not in {"", "0"} else None,
            ),
            (place, each.event_type, each.channel_id, each.channel_name, each.message_id, each.node, each.count),
        )


def _rows_of_export(session: Session, file: Intake) -> Iterator[_Record]:
    """The rows of an export; each other record is judged on the way."""
    for line, offset, content, ends_open in _joined(session, file):
        found = _ROW.fullmatch(content)
        dump = _decoded(found.group(12)) if found else ""
        if found is None or not mirth_operations.is_whole(dump):
            rule = "truncated" if ends_open else "unparseable"
            if not (ends_open and session.holds_back(file, offset)):
                file.lines_read += 1
                session.quarantine(file, line, offset, rule, content)
            continue
        file.lines_read += 1
        yield _Record(
            line,
            offset,
            content,
            int(found.group(1)),
            _local(found),
            None,
            found.group(10).decode(errors="replace"),
            found.group(9) == b"FAILURE",
            found.group(11).decode(),
            mirth_operations.dumped(dump),
        )


def _joined(session: Session, file: Intake) -> Iterator[tuple[int, int, bytes, bool]]:
    """Every record as `(line, offset, bytes, whether the file ends in it)`: a row, with the lines that its name goes on in; a line
    that belongs to none. Headers and blank lines are ignored.
    """
    row: list[bytes] = []
    first = at = 0
    with file.content() as stream:
        for line, offset, text, is_open in _lines(session, file, stream):
            begins = _ROW_BEGINS.match(text) is not None
            if row and (begins or len(row) > _MOST_LINES):
                yield first, at, b"".join(row), False
                row = []
            if not row and not begins and _is_ignored(session, file, line, offset, text):
                continue
            first, at = (first, at) if row else (line, offset)
            row.append(text)
            if not is_open and (not _ROW_BEGINS.match(row[0]) or _ROW_ENDS.search(text)):
                yield first, at, b"".join(row), False
                row = []
        if row:
            yield first, at, b"".join(row), True


def _lines(session: Session, file: Intake, stream: Stream) -> Iterator[tuple[int, int, bytes, bool]]:
    """Every line with its place, and whether the file ends in it; one that is too long is kept out."""
    last = 0
    for block in lines.blocks(stream, session.settings.max_line_megabytes << 20):
        for i, (text, offset) in enumerate(zip(block.lines, block.offsets, strict=True)):
            last = block.first_line + i
            if i in block.giants:
                file.lines_read += 1
                session.quarantine(file, last, offset, "too_large", text)
            else:
                yield last, offset, text, block.ends_open and i == len(block) - 1
    if stream.damaged and not session.holds_back(file, stream.position):
        file.lines_read += 1
        session.quarantine(file, last + 1, None, "damaged_archive", b"")


def _is_ignored(session: Session, file: Intake, line: int, offset: int, text: bytes) -> bool:
    """Whether a line is blank or a header, which is counted here."""
    if not (text.isspace() or _HEADER.match(text)):
        return False
    file.lines_read += 1
    file.blank_lines += text.isspace()
    session.judge(file, line, offset, "ignored")
    return True


def _decoded(attributes: bytes) -> str:
    """The dump that was encoded; empty where it is none."""
    try:
        return base64.urlsafe_b64decode(attributes + b"=" * (-len(attributes) % 4)).decode(errors="replace")
    except ValueError:
        return ""


def _local(found: re.Match[bytes]) -> datetime | None:
    """`dd-MM-yy HH-mm-ss.SS`, whose fraction is a number of milliseconds: `.07` are 7."""
    day, month, year, hour, minute, second, fraction = (int(found.group(i)) for i in range(2, 9))
    try:
        return datetime(2000 + year, month, day, hour, minute, second) + timedelta(milliseconds=fraction)  # noqa: DTZ001
    except ValueError:
        return None


def _rows_of_list(session: Session, file: Intake) -> Iterator[_Record]:
    """The events of an XML list; what is none is judged on the way."""
    for batch in batches(session, file, EVENT):
        yield from _parsed(session, file, batch)


def _parsed(session: Session, file: Intake, batch: list[Document]) -> Iterator[_Record]:
    for document, element in zip(batch, parse_all(batch, EVENT), strict=True):
        number = (element.findtext("id") or "").strip() if element is not None else ""
        if element is None:
            session.quarantine(file, document.line, document.offset, "unparseable", document.content)
        elif not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
            session.quarantine(file, document.line, document.offset, "no_id", document.content)
        else:
            yield _Record(
                document.line,
                document.offset,
                document.content,
                int(number),
                None,
                _milliseconds(element),
                element.findtext("name") or "",
                (element.findtext("outcome") or "").strip() == "FAILURE",
                (element.findtext("userId") or "").strip(),
                _attributes(element),
            )


def _milliseconds(event: etree._Element) -> int | None:
    text = (event.findtext("eventTime/time") or event.findtext("dateTime") or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        return None
    return int(text) if _EARLIEST <= int(text) < _LATEST else None


def _attributes(event: etree._Element) -> Iterator[tuple[str, str]]:
    for entry in event.iterfind("attributes/entry"):
        if len(entry) > 1:
            yield entry[0].text or "", entry[1].text or ""
