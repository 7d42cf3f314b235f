"""Records of a CSV file: a header, quoted fields, records that span lines, each with the line where it begins.

Here: CSV to one JSON text a record, of the columns that its layout names. Not here: what they mean (`places`, `intersystems`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa

from pipelines.sources import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelines.sources.source import Intake, Session


@dataclass(frozen=True)
class Layout:
    """How the records of a CSV file are read: the columns that are kept, the JSON object that is made of their values that are
    not empty, the columns without which a first record is no header, and whether a quoted value may go on in the next line.
    """

    delimiter: str
    kept: frozenset[str]
    made: Callable[[dict[str, str]], dict[str, object]] = dict[str, object]
    required: frozenset[str] = frozenset()
    spans_lines: bool = True


def header_of(start: bytes, delimiter: str) -> frozenset[str]:
    """The names of the columns in the first line; none of what is no CSV."""
    first = start.replace(b"\r", b"\n").split(b"\n", 1)[0].decode(errors="replace").strip().lstrip("\ufeff")
    try:
        return frozenset(name.strip() for name in next(csv.reader([first], delimiter=delimiter), []))
    except csv.Error:
        return frozenset()


def chunks(session: Session, files: Sequence[Intake], layout: Callable[[Intake], Layout]) -> Iterator[pa.Table]:
    """Like `lines.chunks`; the text of each record is a JSON object. Sets `lines_read`: header, records and blank lines."""
    gathered: list[tuple[int, int, int, bool, bytes]] = []
    size = 0
    for file in files:
        for line, offset, ends_open, text in _records(session, file, layout(file)):
            gathered.append((file.file_id, line, offset, ends_open, text))
            size += len(text)
            if size >= lines.CHUNK_BYTES:
                yield _table(gathered)
                gathered, size = [], 0
    if gathered:
        yield _table(gathered)


def _table(gathered: list[tuple[int, int, int, bool, bytes]]) -> pa.Table:
    values = zip(zip(*gathered, strict=True), lines.ROWS.types, strict=True)
    return pa.table([pa.array(column, kind) for column, kind in values], schema=lines.ROWS)


class _Feed:
    """Lines for csv.reader, remembering where the record that it is about to read begins."""

    def __init__(self, session: Session, file: Intake) -> None:
        self._session = session
        self._file = file
        self.taken: list[tuple[int, int, bytes]] = []
        self.ends_open = False
        self.at_end = False

    def __iter__(self) -> Iterator[str]:
        longest = self._session.settings.max_line_megabytes << 20
        with self._file.content() as stream:
            last = 0
            for block in lines.blocks(stream, longest):
                for i, (content, offset) in enumerate(zip(block.lines, block.offsets, strict=True)):
                    last = block.first_line + i
                    self.ends_open = block.ends_open and i == len(block) - 1
                    if self.ends_open and self.holds_back(offset):
                        return
                    yield from self._one(last, offset, content, is_giant=i in block.giants)
            self.at_end = True
            if stream.damaged and not self.holds_back(stream.position):
                self._file.lines_read += 1
                self._session.quarantine(self._file, last + 1, None, "damaged_archive", b"")

    def holds_back(self, offset: int) -> bool:
        """Whether the file still grows, so that the record in which it ends, here or in the lines before, waits."""
        is_held = self._session.holds_back(self._file, self.taken[0][1] if self.taken else offset)
        if is_held:
            self.taken.clear()
        return is_held

    def _one(self, line: int, offset: int, content: bytes, *, is_giant: bool) -> Iterator[str]:
        rule = "too_large" if is_giant else None
        try:
            text = content.decode()
        except UnicodeDecodeError:
            rule, text = rule or "not_utf8", ""
        if rule is not None or "\0" in text:
            self._file.lines_read += 1
            self._session.quarantine(self._file, line, offset, rule or "unparseable", content)
        elif not self.taken and not text.strip():
            self._file.lines_read += 1
            self._file.blank_lines += 1
            self._session.judge(self._file, line, offset, "ignored")
        else:
            self.taken.append((line, offset, content))
            yield text


def _rows(feed: _Feed, layout: Layout) -> Iterator[list[str] | None]:
    """The values of every record, null for one that is no CSV."""
    whole = csv.reader(feed, delimiter=layout.delimiter, strict=True)
    each_line = (csv.reader([text], delimiter=layout.delimiter, strict=True) for text in feed)
    while True:
        try:
            yield next(whole) if layout.spans_lines else next(next(each_line))
        except StopIteration:
            return
        except csv.Error:
            yield None


def _records(session: Session, file: Intake, layout: Layout) -> Iterator[tuple[int, int, bool, bytes]]:
    """`(line, byte offset, whether the file ends in it, JSON text)` of every whole record."""
    feed = _Feed(session, file)
    header: list[str] | None = None
    for row in _rows(feed, layout):
        if row is None and (not feed.taken or (feed.at_end and feed.holds_back(0))):
            continue  # the record in which the file ends waits
        line, offset, content = feed.taken[0][0], feed.taken[0][1], b"".join(part for _, _, part in feed.taken)
        feed.taken.clear()
        file.lines_read += 1
        if header is None and row is not None:
            names = [name.strip().lstrip("\ufeff") for name in row]
            if layout.required <= set(names):
                header = names
                session.judge(file, line, offset, "ignored")
            else:
                session.quarantine(file, line, offset, "no_header", content)
        elif row is None or header is None or len(row) != len(header):
            session.quarantine(file, line, offset, "truncated" if feed.ends_open else "unparseable", content)
        else:
            kept = {name: value for name, value in zip(header, row, strict=True) if name in layout.kept and value}
            yield line, offset, feed.ends_open, orjson.dumps(layout.made(kept))
    if feed.taken and not feed.holds_back(0):
        line, offset = feed.taken[0][:2]
        file.lines_read += 1
        session.quarantine(file, line, offset, "truncated", b"".join(part for _, _, part in feed.taken))
