"""Records of a mapped CSV log: a header, quoted fields, records that span lines, each with the line where it begins.

Here: CSV to one JSON text a record, of the mapped columns only. Not here: what they mean (`ndjson_log`).
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa

from pipelines.sources import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.settings import LogMapping
    from pipelines.sources.source import Intake, Session


def has_columns(start: bytes, mapping: LogMapping, wanted: Sequence[str]) -> bool:
    """Whether the first line is a header with these columns."""
    first = start.split(b"\n", 1)[0].decode(errors="replace").strip().lstrip("\ufeff")
    header = next(iter(csv.reader([first], delimiter=mapping.delimiter)), [])
    return set(wanted) <= {name.strip() for name in header}


def chunks(session: Session, files: Sequence[Intake]) -> Iterator[pa.Table]:
    """Like `lines.chunks`; the text of each record is a JSON object. Sets `lines_read`: header, records and blank lines."""
    gathered: list[tuple[int, int, int, bool, bytes]] = []
    size = 0
    for file in files:
        for line, offset, ends_open, text in _records(session, file):
            gathered.append((file.file_id, line, offset, ends_open, text))
            size += len(text)
            if size >= lines.CHUNK_BYTES:
                yield _table(gathered)
                gathered, size = [], 0
    if gathered:
        yield _table(gathered)


def _table(gathered: list[tuple[int, int, int, bool, bytes]]) -> pa.Table:
    columns = {
        "file_id": pa.int32(),
        "line": pa.int64(),
        "byte_offset": pa.int64(),
        "ends_open": pa.bool_(),
        "text": pa.large_string(),
    }
    values = zip(zip(*gathered, strict=True), columns.values(), strict=True)
    return pa.table([pa.array(column, kind) for column, kind in values], names=list(columns))


class _Feed:
    """Lines for csv.reader, remembering where the record that it is about to read begins."""

    def __init__(self, session: Session, file: Intake) -> None:
        self._session = session
        self._file = file
        self.taken: list[tuple[int, int, bytes]] = []
        self.ends_open = False

    def __iter__(self) -> Iterator[str]:
        longest = self._session.settings.max_line_megabytes << 20
        with self._file.delivered.stream() as stream:
            last = 0
            for block in lines.blocks(stream, longest):
                for i, (content, offset) in enumerate(zip(block.lines, block.offsets, strict=True)):
                    last = block.first_line + i
                    self.ends_open = block.ends_open and i == len(block) - 1
                    yield from self._one(last, offset, content, is_giant=i in block.giants)
            if stream.damaged:
                self._file.lines_read += 1
                self._session.quarantine(self._file, last + 1, None, "damaged_archive", b"")

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


def _records(session: Session, file: Intake) -> Iterator[tuple[int, int, bool, bytes]]:
    """`(line, byte offset, whether the file ends in it, JSON text)` of every whole record."""
    mapping = file.source.mapping
    wanted = {getattr(mapping, name) for name in type(mapping).model_fields if isinstance(getattr(mapping, name), str)}
    feed = _Feed(session, file)
    reader = csv.reader(feed, delimiter=mapping.delimiter, strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            row = None
        line, offset, content = feed.taken[0][0], feed.taken[0][1], b"".join(part for _, _, part in feed.taken)
        feed.taken.clear()
        file.lines_read += 1
        if header is None and row is not None:
            header = [name.strip().lstrip("\ufeff") for name in row]
            session.judge(file, line, offset, "ignored")
        elif row is None or header is None or len(row) != len(header):
            session.quarantine(file, line, offset, "truncated" if feed.ends_open else "unparseable", content)
        else:
            kept = {name: value for name, value in zip(header, row, strict=True) if name in wanted and value}
            yield line, offset, feed.ends_open, orjson.dumps(kept)
    if feed.taken:
        line, offset = feed.taken[0][:2]
        file.lines_read += 1
        session.quarantine(file, line, offset, "truncated", b"".join(part for _, _, part in feed.taken))
