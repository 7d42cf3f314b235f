"""Bytes to lines: LF, CRLF and CR in any mixture, a byte order mark at the start, in bounded memory, with the place of every line.

Here: where lines begin and end, and whether they are UTF-8. Not here: what they say. DuckDB's CSV reader is not used
because one invalid byte fails its whole file and it knows no line numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.sources.archives import Stream
    from pipelines.sources.source import Intake, Session

BLOCK_BYTES = 16 << 20
CHUNK_BYTES = 32 << 20
_BOM = b"\xef\xbb\xbf"
_KEPT_OF_A_GIANT = 1 << 16


@dataclass(frozen=True)
class Block:
    """Consecutive lines with their ends. `ends_open`: the file stops inside the last one. `giants`: cut short for their length."""

    first_line: int
    lines: list[bytes]
    offsets: list[int]
    ends_open: bool
    giants: frozenset[int] = frozenset()


def blocks(stream: Stream, longest: int, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The lines of a stream. A line longer than `longest` bytes is cut to its beginning and named in `giants`."""
    carry, line_number, offset, skipped = b"", 1, 0, 0
    first = True
    while True:
        fresh = stream.read(size)
        data = carry + fresh
        if first and len(data) >= len(_BOM) and data.startswith(_BOM):
            data, offset = data[len(_BOM) :], len(_BOM)
        first = first and len(data) < len(_BOM) and bool(fresh)
        lines = data.splitlines(keepends=True)
        carry = b""
        if fresh and lines and not lines[-1].endswith(b"\n"):
            carry = lines.pop()  # may go on, or be the CR of a CRLF
        if lines:
            starts = [*accumulate(map(len, lines), initial=offset)]
            giants = frozenset(i for i, line in enumerate(lines) if len(line) > longest)
            if skipped:  # the first line is the end of one that was too long to keep
                giants |= {0}
                starts = [offset, *(start + skipped for start in starts[1:])]
                skipped = 0
            offset = starts.pop()
            ends_open = not fresh and not lines[-1].endswith((b"\n", b"\r"))
            yield Block(line_number, lines, starts, ends_open, giants)
            line_number += len(lines)
        if len(carry) > longest + _KEPT_OF_A_GIANT:
            skipped += len(carry) - _KEPT_OF_A_GIANT
            carry = carry[:_KEPT_OF_A_GIANT]
        if not fresh:
            return


@dataclass
class Chunk:
    """Lines of one or many files, gathered for one pass of DuckDB."""

    file_ids: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    is_last_and_open: list[bool] = field(default_factory=list)
    bytes: int = 0

    def table(self, session: Session, files: dict[int, Intake]) -> pa.Table:
        """`file_id, line, byte_offset, ends_open, text`; lines that are not UTF-8 are quarantined and left out."""
        try:
            text = pa.array(self.texts, pa.large_binary()).cast(pa.large_string())
        except pa.ArrowInvalid:
            text = pa.array(self._only_text(session, files), pa.large_string())
        arrays = [
            pa.array(self.file_ids, pa.int32()),
            pa.array(self.lines, pa.int64()),
            pa.array(self.offsets, pa.int64()),
            pa.array(self.is_last_and_open, pa.bool_()),
            text,
        ]
        return pa.table(arrays, names=["file_id", "line", "byte_offset", "ends_open", "text"])

    def _only_text(self, session: Session, files: dict[int, Intake]) -> list[str]:
        kept: list[int] = []
        texts: list[str] = []
        for i, content in enumerate(self.texts):
            try:
                texts.append(content.decode())
                kept.append(i)
            except UnicodeDecodeError:
                rule = "truncated" if self.is_last_and_open[i] else "not_utf8"
                session.quarantine(files[self.file_ids[i]], self.lines[i], self.offsets[i], rule, content)
        self.file_ids = [self.file_ids[i] for i in kept]
        self.lines = [self.lines[i] for i in kept]
        self.offsets = [self.offsets[i] for i in kept]
        self.is_last_and_open = [self.is_last_and_open[i] for i in kept]
        return texts


def chunks(session: Session, files: list[Intake], size: int = CHUNK_BYTES) -> Iterator[pa.Table]:
    """The lines of many files as few Arrow tables; sets each file's `lines_read`. Blank lines are ignored here, giants quarantined."""
    by_id = {file.file_id: file for file in files}
    longest = session.settings.max_line_megabytes << 20
    chunk = Chunk()
    for file in files:
        with file.delivered.stream() as stream:
            for block in blocks(stream, longest):
                file.lines_read += len(block.lines)
                _gather(session, file, block, chunk)
                if chunk.bytes >= size:
                    yield chunk.table(session, by_id)
                    chunk = Chunk()
            if stream.damaged:
                file.lines_read += 1
                session.quarantine(file, file.lines_read, None, "damaged_archive", b"")
    if chunk.texts:
        yield chunk.table(session, by_id)


def _gather(session: Session, file: Intake, block: Block, chunk: Chunk) -> None:
    last = len(block.lines) - 1
    if not block.giants and not any(map(bytes.isspace, block.lines)):
        n = len(block.lines)
        chunk.file_ids += [file.file_id] * n
        chunk.lines += range(block.first_line, block.first_line + n)
        chunk.offsets += block.offsets
        chunk.texts += block.lines
        chunk.is_last_and_open += [False] * last + [block.ends_open]
        chunk.bytes += sum(map(len, block.lines))
        return
    for i, content in enumerate(block.lines):
        line, offset = block.first_line + i, block.offsets[i]
        if content.isspace():
            file.blank_lines += 1
            session.judge(file, line, offset, "ignored")
        elif i in block.giants:
            session.quarantine(file, line, offset, "too_large", content)
        else:
            chunk.file_ids.append(file.file_id)
            chunk.lines.append(line)
            chunk.offsets.append(offset)
            chunk.texts.append(content)
            chunk.is_last_and_open.append(block.ends_open and i == last)
            chunk.bytes += len(content)
