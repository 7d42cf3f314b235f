"""JSON that is not one record a line: an array of records (a CloudEvents batch), or records spread over several lines.

Here: where each record begins and ends. Not here: what it says. A record is an outermost object; what stands between two
records besides brackets and commas is kept out with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyarrow as pa

from pipelines.sources import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.sources.source import Intake, Session

_TOKEN = re.compile(rb'"(?:[^"\\\r\n]|\\.)*"|[{}]')
_BETWEEN = b"[], \t\r\n"
_LINES_LOOKED_AT = 50


def is_document(start: bytes) -> bool:
    """Whether a file that begins so is JSON, but not one record a line."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"["):
        return True
    return text.startswith(b"{") and not any(_is_object(line) for line in text.splitlines()[:_LINES_LOOKED_AT])


def _is_object(line: bytes) -> bool:
    try:
        return line.lstrip().startswith(b"{") and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def records_in(start: bytes) -> Iterator[bytes]:
    """The whole records in the beginning of such a file."""
    return (found.text for found in _Splitter(1 << 30).feed(start, 0) if found.rule is None)


@dataclass(frozen=True)
class _Found:
    """One record or one stretch of something else, where it lies in the file."""

    offset: int
    text: bytes
    rule: str | None = None


@dataclass
class _Splitter:
    """Takes pieces of a file that end where a line ends."""

    longest: int
    depth: int = 0
    begin: int = 0
    kept: list[bytes] = field(default_factory=list)

    def feed(self, data: bytes, offset: int) -> Iterator[_Found]:
        """What is complete; `offset` is where the piece lies in the file."""
        last = 0
        for token in _TOKEN.finditer(data):
            what = token[0]
            if what == b"{":
                if self.depth == 0:
                    yield from self._between(data[last : token.start()], offset + last)
                    self.begin, last = offset + token.start(), token.start()
                self.depth += 1
            elif what == b"}" and self.depth:
                self.depth -= 1
                if self.depth == 0:
                    text = b"".join([*self.kept, data[last : token.end()]])
                    self.kept.clear()
                    last = token.end()
                    yield _Found(self.begin, text, "too_large" if len(text) > self.longest else None)
        if self.depth:
            self.kept.append(data[last:])
        else:
            yield from self._between(data[last:], offset + last)

    def _between(self, data: bytes, offset: int) -> Iterator[_Found]:
        if data.strip(_BETWEEN + b"\xef\xbb\xbf"):
            begin = len(data) - len(data.lstrip(_BETWEEN))
            yield _Found(offset + begin, data.strip(_BETWEEN), "unparseable")

    def rest(self) -> _Found | None:
        """The record in which the file ends."""
        return _Found(self.begin, b"".join(self.kept), "truncated") if self.depth else None


def chunks(session: Session, files: Sequence[Intake]) -> Iterator[pa.Table]:
    """Like `lines.chunks`, with records in place of lines; sets `lines_read` to their number."""
    gathered: list[tuple[int, int, int, bytes]] = []
    size = 0
    for file in files:
        for line, found in _records(session, file):
            file.lines_read += 1
            if found.rule is None and not _is_utf8(found.text):
                found = replace(found, rule="not_utf8")  # noqa: PLW2901 -- the same record, judged
            if found.rule is not None:
                session.quarantine(file, line, found.offset, found.rule, found.text)
                continue
            gathered.append((file.file_id, line, found.offset, found.text))
            size += len(found.text)
            if size >= lines.CHUNK_BYTES:
                yield _table(gathered)
                gathered, size = [], 0
    if gathered:
        yield _table(gathered)


def _records(session: Session, file: Intake) -> Iterator[tuple[int, _Found]]:
    longest = session.settings.max_line_megabytes << 20
    splitter = _Splitter(longest)
    starts: list[tuple[int, int]] = [(0, 1)]
    end = 0
    with file.delivered.stream() as stream:
        for block in lines.blocks(stream, longest):
            data = bytes(memoryview(block.data)[block.bounds[0] : block.bounds[-1]])
            for found in splitter.feed(data, block.offset):
                end = found.offset + len(found.text)
                first, line = starts[0]
                if found.offset >= block.offset:
                    first, line = block.offset, block.first_line
                    line += int(np.searchsorted(block.bounds - block.bounds[0], found.offset - first, "right")) - 1
                yield line, found
            if splitter.depth:
                inside = max(splitter.begin - block.offset, 0)
                if splitter.begin >= block.offset:
                    number = int(np.searchsorted(block.bounds - block.bounds[0], inside, "right")) - 1
                    starts = [(splitter.begin, block.first_line + number)]
        rest = splitter.rest()
        if rest is None and not stream.damaged:
            return
        if file.delivered.is_growing(session.settle_seconds):
            session.find(file, "tail_held_back")
            file.sha256 = file.delivered.sha256_of_beginning(end)
            file.delivered = replace(file.delivered, size=end)
        elif rest is not None:
            yield starts[0][1], rest
        else:
            yield starts[0][1], _Found(end, b"", "damaged_archive")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _table(gathered: list[tuple[int, int, int, bytes]]) -> pa.Table:
    ids, numbers, offsets, texts = zip(*gathered, strict=True)
    return pa.table(
        {
            "file_id": pa.array(ids, pa.int32()),
            "line": pa.array(numbers, pa.int64()),
            "byte_offset": pa.array(offsets, pa.int64()),
            "ends_open": pa.array([False] * len(ids)),
            "text": pa.array(texts, pa.large_binary()).cast(pa.large_string()),
        }
    )
