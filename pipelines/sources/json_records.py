"""JSON to records: one a line, or objects in an array, in a wrapper, one after the other, however they are spread over lines.

Here: where each record begins and ends in the bytes, in bounded memory, and what lies between records. Not here: what a
record says. Strings end with their line, because JSON allows no line end inside one; and where records begin on lines of
their own, one with a missing bracket costs that record only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyarrow as pa

from pipelines.sources import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.sources.byte_readers import Stream
    from pipelines.sources.source import Intake, Session

BLOCK_BYTES = 8 << 20
PART_BYTES = 32 << 20
"""So much at once: what DuckDB makes of nested records is many times their text."""
_LINES_LOOKED_AT = 20
_BOM = b"\xef\xbb\xbf"
_LF, _QUOTE, _BACKSLASH, _BRACE = 10, 34, 92, 123
_OPENING, _CLOSING = b"{[", b"}]"
_TELLING = np.isin(np.arange(256), np.frombuffer(b'"{}[]\n', np.uint8))
_STEP = np.zeros(256, np.int64)
_STEP[list(_OPENING)] = 1
_STEP[list(_CLOSING)] = -1
_IS_BETWEEN = np.isin(np.arange(256), np.frombuffer(b" \t\r\n,[]", np.uint8))
_WRAPPER = re.compile(rb'\{\s*"(?:records|value)"\s*:\s*\[')
_BETWEEN = re.compile(rb'[\s,]+|\{\s*"(?:records|value)"\s*:|[\[\]]|\}(?=\s*(?:\Z|[,{\]]))')


def depth_of_records(start: bytes) -> int | None:
    """How many brackets are open where a record begins: 1 in an array, 2 in `{"records": [`, 3 in an array of those, 0 where
    records follow each other over several lines; null where every line is a record.
    """
    text = start.lstrip()
    if text[:1] == b"[":
        return 3 if _WRAPPER.match(text[1:].lstrip()) else 1
    if _WRAPPER.match(text):
        return 2
    looked_at = text.splitlines()[:_LINES_LOOKED_AT]
    follows = len(looked_at) > 1 and looked_at[1].startswith(b"{")
    return None if follows or any(line.startswith(b"{") and _is_record(line) for line in looked_at) else 0


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def chunks(session: Session, files: Sequence[Intake]) -> Iterator[pa.Table]:
    """Like `lines.chunks`; the text of each row is one record. Sets `lines_read`: records, and what is set aside between them."""
    depths = {file.file_id: depth_of_records(file.delivered.head()) for file in files}
    by_line = [file for file in files if depths[file.file_id] is None]
    if by_line:
        for chunk in lines.chunks(session, by_line):
            rows = max(1, chunk.num_rows * PART_BYTES // max(chunk.nbytes, 1))
            yield from (chunk.slice(start, rows) for start in range(0, chunk.num_rows, rows))
    gathered: list[pa.RecordBatch] = []
    size = 0
    for file in files:
        depth = depths[file.file_id]
        if depth is None:
            continue
        with file.content() as stream:
            for batch in _Reader(session, file, depth).batches(stream):
                gathered.append(batch)
                size += batch.nbytes
                if size >= PART_BYTES:
                    yield pa.Table.from_batches(gathered)
                    gathered, size = [], 0
    if gathered:
        yield pa.Table.from_batches(gathered)


@dataclass
class _Reader:
    """One file's records; so many brackets are open where one begins. `line` and `offset` are where the block begins."""

    session: Session
    file: Intake
    depth: int
    indent: bytes | None = None
    anchor_depth: int = 0
    open_brackets: int = field(default=0, init=False)
    line: int = field(default=1, init=False)
    offset: int = field(default=0, init=False)

    def batches(self, stream: Stream) -> Iterator[pa.RecordBatch]:
        """The whole records, block by block; all else is quarantined on the way."""
        longest = self.session.settings.max_line_megabytes << 20
        carry, is_first = b"", True
        while True:
            fresh = stream.read(BLOCK_BYTES)
            if is_first and fresh.startswith(_BOM):
                fresh, self.offset = fresh[len(_BOM) :], len(_BOM)
            buffer = carry + fresh
            found = _find(buffer, self.depth, self.open_brackets, self._anchors(buffer, is_first=is_first))
            is_first = False
            batch = self._take(buffer, found, at_end=not fresh)
            if batch.num_rows:
                yield batch
            rest = found.rest if fresh else len(buffer)
            if not fresh:
                self._end(buffer, found, is_damaged=stream.damaged)
                return
            carry = buffer[rest:]
            self.line += buffer.count(b"\n", 0, rest)
            self.offset += rest
            self.open_brackets = self.depth if rest else self.open_brackets
            if len(carry) > longest:
                self._quarantine(0, "too_large", carry[:1024])
                self.line += carry.count(b"\n")
                self.offset += len(carry)
                carry = b""

    def _anchors(self, buffer: bytes, *, is_first: bool) -> _Anchors | None:
        """Where a brace at the beginning of a line is sure to begin a record (or a wrapper): learnt from the first block."""
        if is_first:
            plain = _find(buffer, self.depth, 0, None)
            starts = re.search(rb"(?:\A|\n)([ \t]*)\{", buffer)
            if starts and len(plain.starts):
                at = starts.end() - 1
                inside = buffer[plain.starts[0] + 1 : plain.ends[0]]
                level = self.depth - 2 if self.depth > 1 and _WRAPPER.match(buffer, at) else self.depth
                known = level < self.depth or at in plain.starts
                if known and not re.search(rb"\n" + starts.group(1) + rb"\{", inside):
                    self.indent, self.anchor_depth = starts.group(1), level
        return None if self.indent is None else _Anchors(self.indent, self.anchor_depth)

    def _take(self, buffer: bytes, found: _Found, *, at_end: bool) -> pa.RecordBatch:
        """The rows of a block's whole records."""
        for start, end in found.unfinished:
            if at_end or end < len(buffer):
                is_last = end == len(buffer)
                if not (is_last and self._holds_back(start)):
                    self._quarantine_at(buffer, start, "truncated" if is_last else "unparseable", buffer[start:end])
        self._judge_gaps(buffer, found, at_end=at_end)
        if not len(found.starts):
            return pa.RecordBatch.from_pylist([], lines.ROWS)
        self.file.lines_read += len(found.starts)
        bounds = np.stack([found.starts, found.ends], axis=1).ravel()
        texts = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(buffer)]
        ).take(pa.array(np.arange(0, len(bounds), 2)))
        line = self.line + np.searchsorted(_positions(buffer, _LF), found.starts)
        offset = self.offset + found.starts
        is_text = np.ones(len(texts), bool)
        try:
            texts = texts.cast(pa.large_string())
        except pa.ArrowInvalid:
            for i, text in enumerate(texts.to_pylist()):
                if not lines.is_utf8(text):
                    is_text[i] = False
                    self.session.quarantine(self.file, int(line[i]), int(offset[i]), "not_utf8", text)
            texts = texts.filter(pa.array(is_text)).cast(pa.large_string())
        n = len(texts)
        return pa.record_batch(
            [
                pa.array(np.full(n, self.file.file_id, np.int32)),
                pa.array(line[is_text]),
                pa.array(offset[is_text]),
                pa.array(np.zeros(n, bool)),
                texts,
            ],
            schema=lines.ROWS,
        )

    def _judge_gaps(self, buffer: bytes, found: _Found, *, at_end: bool) -> None:
        """Quarantine what lies between records and is no comma, bracket or wrapper."""
        edges = [(0, 0), *zip(found.starts.tolist(), found.ends.tolist(), strict=True), *found.unfinished]
        if at_end:
            edges.append((len(buffer), len(buffer)))
        edges.sort()
        starts, ends = np.array([start for start, _ in edges]), np.array([end for _, end in edges])
        change = np.zeros(len(buffer) + 1, np.int8)
        np.add.at(change, starts, 1)
        np.add.at(change, ends, -1)
        is_outside = np.cumsum(change[:-1], dtype=np.int8) == 0
        outside = np.flatnonzero(is_outside & ~_IS_BETWEEN[np.frombuffer(buffer, np.uint8)])
        for gap in np.unique(np.searchsorted(starts, outside, "right") - 1).tolist():
            if gap + 1 == len(edges):
                continue  # goes on in the next block
            begin, end = edges[gap][1], edges[gap + 1][0]
            other = _BETWEEN.sub(b"", buffer[begin:end])
            if other:
                self._quarantine_at(buffer, begin, "outside_a_message", buffer[begin:end])

    def _end(self, buffer: bytes, found: _Found, *, is_damaged: bool) -> None:
        """What the end of the file says: damaged, or cut between two records."""
        if is_damaged and not self._holds_back(len(buffer)):
            self._quarantine(buffer.count(b"\n"), "damaged_archive", b"", len(buffer))
        elif not is_damaged and found.still_open and not found.unfinished and not self._holds_back(len(buffer)):
            self._quarantine(buffer.count(b"\n"), "truncated", b"", len(buffer))

    def _holds_back(self, start: int) -> bool:
        """Whether the file is still being written: what comes after `start` is read next time."""
        return self.session.holds_back(self.file, self.offset + start)

    def _quarantine_at(self, buffer: bytes, start: int, rule: str, content: bytes) -> None:
        start += len(content) - len(content.lstrip())
        self._quarantine(buffer.count(b"\n", 0, start), rule, content, start)

    def _quarantine(self, lines_before: int, rule: str, content: bytes, start: int = 0) -> None:
        self.file.lines_read += 1
        self.session.quarantine(self.file, self.line + lines_before, self.offset + start, rule, content)


@dataclass(frozen=True)
class _Anchors:
    """A brace after this indentation at the beginning of a line opens at this depth, whatever came before."""

    indent: bytes
    depth: int

    def among(self, values: np.ndarray, braces: np.ndarray) -> np.ndarray:
        """Which of these places of braces are anchors."""
        pattern = np.frombuffer(b"\n" + self.indent, np.uint8)
        before = braces[:, None] - np.arange(len(pattern), 0, -1)
        return (values[np.maximum(before, 0)] == pattern).all(axis=1) & (before[:, 0] >= 0)


@dataclass(frozen=True)
class _Found:
    """Places in a block: whole records, records without an end, where the next block must begin, and whether brackets are open there."""

    starts: np.ndarray
    ends: np.ndarray
    unfinished: list[tuple[int, int]]
    rest: int
    still_open: bool


def _find(buffer: bytes, depth: int, open_brackets: int, anchors: _Anchors | None) -> _Found:
    """The records of a block that begins outside a record, with so many brackets open."""
    values = np.frombuffer(buffer, np.uint8)
    at = _brackets(values)
    step = _STEP[values[at]]
    before = np.cumsum(step) - step
    is_brace = values[at] == _BRACE
    base = np.full(len(at), open_brackets)
    if anchors is not None and len(at):
        is_anchor = np.zeros(len(at), bool)
        is_anchor[is_brace] = anchors.among(values, at[is_brace])
        last = np.maximum.accumulate(np.where(is_anchor, np.arange(len(at)), -1))
        base = np.where(last >= 0, anchors.depth - before[last], base)
    level = before + base
    opens = at[is_brace & (level == depth)]
    closes = at[(step < 0) & (level - 1 == depth)]
    following = np.append(opens[1:], len(buffer))
    place = np.searchsorted(closes, opens)
    end = np.append(closes, len(buffer))[place]
    is_whole = (place < len(closes)) & (end < following)
    starts, ends = opens[is_whole], end[is_whole] + 1
    unfinished = list(zip(opens[~is_whole].tolist(), following[~is_whole].tolist(), strict=True))
    last_end = int(ends[-1]) if len(ends) else 0
    rest = unfinished[-1][0] if unfinished and unfinished[-1][1] == len(buffer) else last_end
    still_open = bool(len(at)) and int(level[-1] + step[-1]) > 0
    return _Found(starts, ends, unfinished, rest, still_open if len(at) else open_brackets > 0)


def _brackets(values: np.ndarray) -> np.ndarray:
    """Places of brackets outside strings."""
    at = np.flatnonzero(_TELLING[values])
    quotes = at[values[at] == _QUOTE]
    slashes = np.flatnonzero(values == _BACKSLASH)
    if len(slashes) and len(quotes):
        nearest = np.searchsorted(slashes, quotes) - 1
        run = slashes - np.arange(len(slashes))  # the same for all of a run of backslashes
        begins = np.searchsorted(run, run[nearest])
        is_escaped = (nearest >= 0) & (slashes[nearest] == quotes - 1) & ((nearest - begins) % 2 == 0)
        at = np.setdiff1d(at, quotes[is_escaped], assume_unique=True)
    kinds = values[at]
    quoted = np.cumsum(kinds == _QUOTE)
    since_line_began = quoted - np.maximum.accumulate(np.where(kinds == _LF, quoted, 0)) if len(at) else quoted
    return at[(since_line_began % 2 == 0) & (kinds != _QUOTE) & (kinds != _LF)]


def _positions(buffer: bytes, byte: int) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(buffer, np.uint8) == byte)
