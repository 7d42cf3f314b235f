"""Bytes to lines: LF, CRLF and CR in any mixture, a byte order mark at the start, in bounded memory, with the place of every line.

Here: where lines begin and end, and whether they are UTF-8. Not here: what they say. DuckDB's CSV reader is not used
because one invalid byte fails its whole file and it knows no line numbers. Lines stay where they were read: an Arrow
column of texts is the block itself and the places where its lines begin, and the next chunk is read while DuckDB works.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.sources.reading_ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipelines.sources.byte_readers import Stream
    from pipelines.sources.source import Intake, Session

BLOCK_BYTES = 4 << 20
_FIRST_BYTES = 1 << 17
"""Memory for the first block of a file; each further one has twice as much, up to BLOCK_BYTES. Most files of an export are small."""
CHUNK_BYTES = 96 << 20
CHUNK_LINES = 1 << 19
_BOM = b"\xef\xbb\xbf"
_LF, _CR = 10, 13
_KEPT_OF_A_GIANT = 1 << 16
_IS_SPACE = np.isin(np.arange(256), np.frombuffer(b" \t\n\r\x0b\x0c", np.uint8))


ROWS = pa.schema(
    {
        "file_id": pa.int32(),
        "line": pa.int64(),
        "byte_offset": pa.int64(),
        "ends_open": pa.bool_(),
        "text": pa.large_string(),
    }
)
"""A chunk of lines, or of records: each with its place, and whether the file stops inside it."""


@dataclass(frozen=True)
class Block:
    """Consecutive lines with their ends: line `i` is `data[bounds[i]:bounds[i + 1]]`. `offset` is where `data` lies in the
    file. `ends_open`: the file stops inside the last line. `giants`: lines that are too long, perhaps cut short.
    """

    first_line: int
    data: bytearray
    bounds: np.ndarray
    offset: int
    ends_open: bool = False
    giants: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def without_last(self) -> Block:
        """All lines but the last."""
        return replace(self, bounds=self.bounds[:-1], ends_open=False, giants=self.giants - {len(self) - 1})

    def line(self, i: int) -> bytes:
        """The bytes of line `i` with its end."""
        return bytes(memoryview(self.data)[self.bounds[i] : self.bounds[i + 1]])

    @property
    def lines(self) -> list[bytes]:
        """Every line with its end."""
        return [self.line(i) for i in range(len(self))]

    @property
    def offsets(self) -> list[int]:
        """Where each line begins in the file."""
        return (self.bounds[:-1] - self.bounds[0] + self.offset).tolist()


def blocks(stream: Stream, longest: int, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The lines of a stream. A line longer than `longest` bytes is cut to its beginning and named in `giants`."""
    line_number, offset, skipped = 1, 0, 0
    carry: bytes | memoryview = b""
    is_first = True
    room = min(_FIRST_BYTES, size)
    while True:
        kept = len(carry)
        data = bytearray(kept + room)
        room = min(2 * room, size)
        data[:kept] = carry
        got = stream.readinto(memoryview(data)[kept:])
        filled = kept + got
        if is_first and got and filled < len(_BOM):
            carry = memoryview(data)[:filled]
            continue
        begin = len(_BOM) if is_first and data.startswith(_BOM) else 0
        searched = begin if is_first else max(begin, kept - 1)  # a CR that was carried may be half of a CRLF
        offset += begin
        is_first = False
        ends = _line_ends(data, searched, filled, is_last=not got)
        if len(ends) and skipped:  # the first line is the end of one that was too long to keep
            bounds = np.array([begin, ends[0]])
            yield Block(line_number, data, bounds, offset, not got and data[filled - 1] not in b"\r\n", frozenset({0}))
            line_number, offset, skipped = line_number + 1, offset + int(ends[0]) - begin + skipped, 0
            begin, ends = int(ends[0]), ends[1:]
        if len(ends):
            bounds = np.concatenate(([begin], ends))
            giants = frozenset(np.flatnonzero(np.diff(bounds) > longest).tolist())
            yield Block(line_number, data, bounds, offset, not got and data[filled - 1] not in b"\r\n", giants)
            line_number, offset, begin = line_number + len(ends), offset + int(ends[-1]) - begin, int(ends[-1])
        if not got:
            return
        carry = memoryview(data)[begin:filled]
        if len(carry) > longest + _KEPT_OF_A_GIANT:
            skipped += len(carry) - _KEPT_OF_A_GIANT
            carry = bytes(carry[: _KEPT_OF_A_GIANT - 1]) + bytes(carry[-1:])  # which may be the CR of a CRLF


def _line_ends(data: bytearray, begin: int, filled: int, *, is_last: bool) -> np.ndarray:
    """Where lines end in `data[begin:filled]`: after LF, CRLF or CR, and at the end of the file."""
    values = np.frombuffer(data, np.uint8, filled - begin, begin)
    if data.find(_CR, begin, filled) < 0:
        ends = np.flatnonzero(values == _LF)
    else:
        is_end = values == _LF
        is_end[:-1] |= (values[:-1] == _CR) & (values[1:] != _LF)  # a CR at the very end may be half of a CRLF
        ends = np.flatnonzero(is_end)
    ends = ends.astype(np.int64) + begin + 1
    if is_last and filled > begin and (not len(ends) or ends[-1] != filled):
        ends = np.append(ends, filled)
    return ends


class _Spoiled(NamedTuple):
    """A line that is kept out before anything is parsed."""

    file: Intake
    line: int
    offset: int | None
    rule: str
    content: bytes


@dataclass
class _Chunk:
    """Lines of one or many files, gathered for one pass of DuckDB."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    spoiled: list[_Spoiled] = field(default_factory=list)
    blank: list[tuple[Intake, np.ndarray, np.ndarray]] = field(default_factory=list)
    held_back: list[Intake] = field(default_factory=list)
    bytes: int = 0
    lines: int = 0

    @property
    def is_full(self) -> bool:
        return self.bytes >= CHUNK_BYTES or self.lines >= CHUNK_LINES

    def add(self, file: Intake, block: Block) -> None:
        """Take a block's lines: texts to parse, blank ones, spoiled ones."""
        file.lines_read += len(block)
        self.bytes += int(block.bounds[-1] - block.bounds[0])
        self.lines += len(block)
        line = np.arange(block.first_line, block.first_line + len(block))
        offset = block.bounds[:-1] - block.bounds[0] + block.offset
        is_text = np.ones(len(block), bool)
        blank = [
            i
            for i in np.flatnonzero(_IS_SPACE[np.frombuffer(block.data, np.uint8)[block.bounds[:-1]]]).tolist()
            if block.line(i).isspace()
        ]
        if blank:
            file.blank_lines += len(blank)
            self.blank.append((file, line[blank], offset[blank]))
            is_text[blank] = False
        for i in sorted(block.giants.difference(blank)):
            self._spoil(file, block, i, "too_large")
            is_text[i] = False
        texts = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(block), [None, pa.py_buffer(block.bounds), pa.py_buffer(block.data)]
        )
        texts = texts if is_text.all() else texts.filter(pa.array(is_text))
        try:
            texts = texts.cast(pa.large_string())
        except pa.ArrowInvalid:
            for i in np.flatnonzero(is_text).tolist():
                if not is_utf8(block.line(i)):
                    is_open = block.ends_open and i == len(block) - 1
                    self._spoil(file, block, i, "truncated" if is_open else "not_utf8")
                    is_text[i] = False
            whole = pa.LargeBinaryArray.from_buffers(
                pa.large_binary(), len(block), [None, pa.py_buffer(block.bounds), pa.py_buffer(block.data)]
            )
            texts = whole.filter(pa.array(is_text)).cast(pa.large_string())
        ends_open = np.zeros(len(block), bool)
        ends_open[-1] = block.ends_open
        self.batches.append(
            pa.record_batch(
                [
                    pa.array(np.full(len(texts), file.file_id, np.int32)),
                    pa.array(line[is_text]),
                    pa.array(offset[is_text]),
                    pa.array(ends_open[is_text]),
                    texts,
                ],
                schema=ROWS,
            )
        )

    def _spoil(self, file: Intake, block: Block, i: int, rule: str) -> None:
        offset = int(block.bounds[i] - block.bounds[0]) + block.offset
        self.spoiled.append(_Spoiled(file, block.first_line + i, offset, rule, block.line(i)))


def is_utf8(content: bytes) -> bool:
    """Whether these bytes are UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def chunks(session: Session, files: Sequence[Intake]) -> Iterator[pa.Table]:
    """The lines of many files as few Arrow tables `file_id, line, byte_offset, ends_open, text`; sets each file's `lines_read`
    and, where it is not known yet, `sha256`. Blank lines are ignored here; what is too long or no UTF-8 is quarantined.

    The line in which a file ends without a line end is held back while the file grows: it is not counted, the file's
    `sha256` and size are those of the bytes before it, and the next ingest reads it whole.
    """
    for chunk in ahead(_read(files, session.settings.max_line_megabytes << 20, session.settle_seconds)):
        for file in chunk.held_back:
            session.find(file, "tail_held_back")
        for file, line, offset in chunk.blank:
            session.judge_lines(file, line, offset, "ignored")
        for each in chunk.spoiled:
            session.quarantine(*each)
        if any(len(batch) for batch in chunk.batches):
            yield pa.Table.from_batches(chunk.batches)


def _read(files: Iterable[Intake], longest: int, settle_seconds: float) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for file in files:
        is_held = False
        with file.content() as stream:
            for block in blocks(stream, longest):
                if block.ends_open and file.delivered.is_growing(settle_seconds):
                    is_held = True
                    rest = block.without_last()
                    file.ends_at(rest.offset + int(rest.bounds[-1] - rest.bounds[0]))
                    chunk.held_back.append(file)
                if len(block) > is_held:
                    chunk.add(file, block.without_last() if is_held else block)
                if chunk.is_full:
                    yield chunk
                    chunk = _Chunk()
            if stream.damaged and not is_held and file.delivered.is_growing(settle_seconds):
                is_held = True
                chunk.held_back.append(file)
                file.sha256 = file.delivered.sha256_of_beginning(stream.position)
            elif stream.damaged and not is_held:
                file.lines_read += 1
                chunk.spoiled.append(_Spoiled(file, file.lines_read, None, "damaged_archive", b""))
    yield chunk
