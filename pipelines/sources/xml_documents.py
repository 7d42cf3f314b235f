"""XML documents in a delivered file: where each begins and ends in the bytes, and a hardened parse of it.

Here: concatenated documents without a root, `<list>` replies, single exports, cut and spoiled ones, in bounded memory.
Not here: what a document means (`mirth`, `mirth_audit`, `atna`). Documents are found in the bytes first, so that one spoiled
document costs one document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] -- lxml ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.sources.byte_readers import Stream
    from pipelines.sources.source import Intake, Session

BLOCK_BYTES = 8 << 20
LONGEST_DOCUMENT = 256 << 20
_BATCH_BYTES = 2 << 20
_BOM = b"\xef\xbb\xbf"
_BETWEEN = rb"\s+|<\?xml[^>]*\?>|</?(?:list|messages)(?:\s[^<>]*)?/?>|<!--.*?-->"
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ILLEGAL_REFERENCE = re.compile(rb"&#(?:x(?:0?[0-8BCEFbcef]|1[0-9A-Fa-f])|(?:[0-8]|1[124-9]|2[0-9]|3[01]));")


@dataclass(frozen=True)
class Element:
    """The element that a document is. Its start holds elements; one of the same name inside a stored response holds text."""

    name: str
    before: str = ""

    @cached_property
    def outside(self) -> re.Pattern[bytes]:
        """What may stand between documents: space, comments, the list around them, and what `before` says stands before each."""
        return re.compile(b"|".join(filter(None, (self.before.encode(), _BETWEEN))), re.DOTALL)

    @cached_property
    def start(self) -> re.Pattern[bytes]:
        """Where a document begins."""
        return re.compile(rb"<%s(?:\s[^<>]*)?>(?=\s*<[A-Za-z])" % self.name.encode())

    @cached_property
    def tag(self) -> re.Pattern[bytes]:
        """Any tag of the name that opens or closes something."""
        return re.compile(rb"<%s(?:\s[^<>]*)?(?<!/)>|</%s>" % (self.name.encode(), self.name.encode()))

    @cached_property
    def end(self) -> bytes:
        """Its closing tag."""
        return b"</%s>" % self.name.encode()


MESSAGE = Element("message")
EVENT = Element("event")


@dataclass(frozen=True)
class Document:
    """One message's bytes and place, or text that belongs to none. `rule` says why it cannot be read, where that is known already;
    `is_cut`, that the file ends in it.
    """

    line: int
    offset: int
    content: bytes
    rule: str | None = None
    is_cut: bool = False


def batches(session: Session, file: Intake, element: Element = MESSAGE) -> Iterator[list[Document]]:
    """The readable documents of a file, some megabytes at a time; the others are judged on the way. Sets `lines_read`.

    The document in which a file ends is held back while the file grows.
    """
    batch: list[Document] = []
    size = last = 0
    is_held = False
    with file.content() as stream:
        for document in documents(stream, element):
            if document.is_cut and session.holds_back(file, document.offset):
                is_held = True
                continue
            last = document.line
            file.lines_read += 1
            if document.rule is not None:
                session.quarantine(file, document.line, document.offset, document.rule, document.content)
                continue
            batch.append(document)
            size += len(document.content)
            if size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch
        if stream.damaged and not is_held and not session.holds_back(file, stream.position):
            file.lines_read += 1
            session.quarantine(file, last + 1, None, "damaged_archive", b"")


def documents(stream: Stream, element: Element = MESSAGE) -> Iterator[Document]:
    """Every document of a file that is such an element, in order; each piece of other text becomes a document with a rule."""
    buffer, offset, line, dtd = b"", 0, 1, False
    encoding: str | None = None
    first = True
    while True:
        fresh = stream.read(BLOCK_BYTES)
        at_end = not fresh
        if first:
            encoding, first = _encoding_of(fresh), False
            if fresh.startswith(_BOM):
                fresh, offset = fresh[len(_BOM) :], len(_BOM)
        buffer += fresh if encoding is None else fresh.decode(encoding, "replace").encode()
        starts = [found.start() for found in element.start.finditer(buffer)]
        cuts = [0, *starts, len(buffer)] if at_end else [0, *starts]
        for i, (begin, end) in enumerate(pairwise(cuts)):
            piece = buffer[begin:end]
            closes = at_end and end == len(buffer)
            yield from _parts(element, piece, line, offset + begin, is_message=i > 0, dtd=dtd, at_end=closes)
            if piece:
                dtd = bool(_DTD.search(piece.rpartition(element.end)[2]))
            line += piece.count(b"\n")
        if at_end:
            return
        buffer, offset = buffer[cuts[-1] :], offset + cuts[-1]
        if len(buffer) > LONGEST_DOCUMENT:
            yield Document(line, offset, buffer[:1024], "too_large")
            line, offset, buffer = line + buffer.count(b"\n"), offset + len(buffer), b""


def _encoding_of(start: bytes) -> str | None:
    """An encoding other than UTF-8 that the file declares and Python reads one byte at a time; null for UTF-8."""
    declared = _ENCODING.search(start[:200])
    name = declared.group(1).decode().lower() if declared else "utf-8"
    return name if name in {"iso-8859-1", "iso-8859-15", "latin1", "windows-1252", "us-ascii"} else None


def _parts(
    element: Element, piece: bytes, line: int, offset: int, *, is_message: bool, dtd: bool, at_end: bool
) -> Iterator[Document]:
    """A message and what stands between its end and the next start."""
    end = piece.rfind(element.end) + len(element.end) if is_message and element.end in piece else 0
    if is_message and not piece[end:].isspace() and end < len(piece):
        end = _end_of(element, piece)  # what follows may be the rest of a message cut after a stored response
    if is_message and not end:
        yield Document(line, offset, piece, "truncated" if at_end else "unparseable", at_end)
        return
    if is_message:
        rule = "document_type" if dtd or _DTD.search(piece, 0, end) else None
        yield Document(line, offset, piece[:end], rule)
    rest = piece[end:]
    other = element.outside.sub(b"", rest)
    if other and not _is_only_dtd(element, other):
        place = end + len(rest) - len(rest.lstrip())
        rule = "truncated" if at_end and other.startswith(b"<" + element.name.encode()) else "outside_a_message"
        yield Document(line + piece.count(b"\n", 0, place), offset + place, rest, rule, at_end)


def _end_of(element: Element, piece: bytes) -> int:
    """Where the message that begins this piece ends: the closing tag that no stored response opened. 0 where it never does."""
    depth = 0
    for tag in element.tag.finditer(piece):
        depth += -1 if tag.group().startswith(b"</") else 1
        if depth == 0:
            return tag.end()
    return 0


def _is_only_dtd(element: Element, text: bytes) -> bool:
    """A document type before a message is judged with that message."""
    return (
        text.startswith(b"<!DOCTYPE")
        and text.rstrip().endswith((b">", b"]>"))
        and b"<" + element.name.encode() not in text
    )


def hardened_parser() -> etree.XMLParser:
    """A parser that reads no other file, asks nobody, and resolves no entity."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )


def parse_all(batch: list[Document], element: Element = MESSAGE) -> list[etree._Element | None]:
    """The elements of these messages, in one parse when all are sound; null for each that is not well-formed."""
    try:
        root = etree.fromstring(b"<r>" + b"".join(each.content for each in batch) + b"</r>", hardened_parser())
    except etree.XMLSyntaxError:
        return [_parse(each.content, element) for each in batch]
    found = list(root)
    return found if len(found) == len(batch) else [_parse(each.content, element) for each in batch]


def _parse(content: bytes, expected: Element) -> etree._Element | None:
    for text in (content, _ILLEGAL_REFERENCE.sub(b" ", content)):
        try:
            element = etree.fromstring(text, hardened_parser())
        except (etree.XMLSyntaxError, ValueError):
            continue
        return element if element.tag.rpartition("}")[2] == expected.name else None
    return None
