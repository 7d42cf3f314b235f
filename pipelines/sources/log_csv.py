"""CSV logs, column by column: the named columns of every record, each record with the line where it begins.

Here: headers, quoted values, records that span lines, records that are no CSV. Not here: what columns mean
(`log_events`), lists that people write (`csv_records`). Lines are parsed together by Arrow; only those in which a
quotation is left open are looked at one by one. A quotation that never closes costs the record that it stands in.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pipelines.sources import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.log_mapping import LogMapping
    from pipelines.sources.source import Intake, Session

_LONGEST_SPAN = 2_000
"""Lines that one record may span."""
_PLACE = ("file_id", "line", "byte_offset", "ends_open", "text")


@dataclass(frozen=True)
class Columns:
    """How a CSV is written whose columns an adapter names: those that are read, and of them those without which a line is no header."""

    delimiter: str
    paths: frozenset[str]
    needed: frozenset[str] = frozenset()
    quote: str = '"'
    header: tuple[str, ...] = ()

    def telling(self) -> frozenset[str]:
        """The columns by which a header is known."""
        return self.needed


def header_of(start: bytes, mapping: LogMapping | Columns) -> frozenset[str]:
    """The names of the columns in the first line; none of what is no CSV."""
    first = start.replace(b"\r", b"\n").lstrip(b"\n").split(b"\n", 1)[0].decode(errors="replace").strip("\ufeff \t")
    return frozenset(name.strip() for name in _values(first, mapping) or [])


def _values(text: str, mapping: LogMapping | Columns) -> list[str] | None:
    """The values of one record; null when it is no CSV."""
    quoting = csv.QUOTE_MINIMAL if mapping.quote else csv.QUOTE_NONE
    try:
        rows = list(
            csv.reader(
                text.splitlines(keepends=True),
                delimiter=mapping.delimiter,
                quotechar=mapping.quote or None,
                quoting=quoting,
                strict=True,
            )
        )
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def chunks(session: Session, files: Sequence[Intake], mapping: LogMapping | Columns) -> Iterator[pa.Table]:
    """`file_id, line, byte_offset, ends_open, text, is_record` and `c0, c1, …`: the mapping's paths in order of their names.

    Sets `lines_read`: headers, records and blank lines.
    """
    by_id = {file.file_id: file for file in files}
    reader: _Reader | None = None
    for chunk in lines.chunks(session, files):
        made: list[pa.Table] = []
        for batch in chunk.to_batches():
            if not len(batch):
                continue
            file = by_id[batch.column("file_id")[0].as_py()]
            if reader is None or reader.file is not file:
                made += reader.finish() if reader is not None else []
                reader = _Reader(session, file, mapping)
            made += reader.feed(pa.Table.from_batches([batch]))
        if made:
            yield pa.concat_tables(made)
    if reader is not None and (rest := reader.finish()):
        yield pa.concat_tables(rest)


class _Joined(NamedTuple):
    """A record that spans lines, by the first of them."""

    first: int
    text: str
    ends_open: bool
    values: list[str] | None


@dataclass
class _Reader:
    """One file: its header, and the lines of a record that the next block may go on with."""

    session: Session
    file: Intake
    mapping: LogMapping | Columns
    header: list[str] = field(default_factory=list)
    header_line: str = ""
    carried: pa.Table | None = None

    def __post_init__(self) -> None:
        self.header = list(self.mapping.header)
        self.paths = sorted(self.mapping.paths)

    def finish(self) -> list[pa.Table]:
        """The records of what was carried to the end of the file."""
        rest, self.carried = self.carried, None
        return [] if rest is None else self._tables(rest, is_last=True)

    def feed(self, rows: pa.Table) -> list[pa.Table]:
        """The records of more lines."""
        if self.carried is not None:
            rows, self.carried = pa.concat_tables([self.carried, rows]).combine_chunks(), None
        while not self.header and len(rows):
            self._look_for_header(rows)
            rows = rows.slice(1)
        return self._tables(rows, is_last=False) if len(rows) else []

    def _look_for_header(self, rows: pa.Table) -> None:
        text, line, offset = (rows.column(name)[0].as_py() for name in ("text", "line", "byte_offset"))
        names = [name.strip() for name in _values(text, self.mapping) or []]
        if self.mapping.telling() <= set(names):
            self.header, self.header_line = names, text
            self.session.judge(self.file, line, offset, "ignored")
            for _ in self.mapping.paths - set(names):
                self.session.find(self.file, "mapped_column_missing")
        else:
            self.session.quarantine(self.file, line, offset, "no_header", text.encode())

    def _tables(self, rows: pa.Table, *, is_last: bool) -> list[pa.Table]:
        rows = self._without_headers(rows)
        is_open = self._left_open(rows)
        if not is_open.any():
            return self._alone(rows)
        alone = np.ones(len(rows), bool)
        single: list[int] = []
        joined: list[_Joined] = []
        places = np.flatnonzero(is_open).tolist()
        at = 0
        while at < len(places):
            first, last = places[at], places[at + 1] if at + 1 < len(places) else None
            if last is None and not is_last and len(rows) - first <= _LONGEST_SPAN:
                self.carried = rows.slice(first).combine_chunks()
                alone[first:] = False
                break
            last = len(rows) - 1 if last is None and rows.column("ends_open")[-1].as_py() else last
            found = self._joined(rows, first, last)
            if found is None:
                single.append(first)
            else:
                joined.append(found)
            alone[first : first + 1 if found is None or last is None else last + 1] = False
            at += 1 if found is None else 2
        made = [self._together(rows, joined)] if joined else []
        made += [self._one_by_one(rows.take(single))] if single else []
        return [*self._alone(rows.filter(pa.array(alone)).combine_chunks()), *made]

    def _without_headers(self, rows: pa.Table) -> pa.Table:
        """The lines without a header that stands there again, as in files that were put together."""
        if not self.header_line:
            return rows
        text = rows.column("text")
        again = np.asarray(pc.call_function("equal", [text, pa.scalar(self.header_line, text.type)]))
        if not again.any():
            return rows
        found = rows.filter(pa.array(again))
        for line, offset in zip(found.column("line").to_pylist(), found.column("byte_offset").to_pylist(), strict=True):
            self.session.judge(self.file, line, offset, "ignored")
        return rows.filter(pa.array(~again)).combine_chunks()

    def _left_open(self, rows: pa.Table) -> np.ndarray:
        """Of each line, whether the number of its quotation marks is odd."""
        nowhere = np.zeros(len(rows), bool)
        if not self.mapping.quote or not len(rows):
            return nowhere
        data, bounds = _bytes_of(rows)
        values = np.frombuffer(data, np.uint8)
        marks = values == ord(self.mapping.quote)
        if not marks.any():
            return nowhere
        before = np.concatenate(([0], np.cumsum(marks, dtype=np.int64)))
        return (before[bounds[1:]] - before[bounds[:-1]]) % 2 == 1

    def _joined(self, rows: pa.Table, first: int, last: int | None) -> _Joined | None:
        """The record that spans these lines; null when they are none, so that the first stands for itself."""
        if last is None or last - first > _LONGEST_SPAN:
            return None
        text = "".join(rows.column("text").slice(first, last - first + 1).to_pylist())
        values = _values(text, self.mapping)
        ends_open = bool(rows.column("ends_open")[last].as_py())
        if (values is None or len(values) != len(self.header)) and not ends_open:
            return None
        self.file.lines_read -= last - first
        return _Joined(first, text, ends_open, values)

    def _together(self, rows: pa.Table, joined: list[_Joined]) -> pa.Table:
        heads = rows.take([each.first for each in joined])
        heads = heads.set_column(4, "text", pa.array([each.text for each in joined], pa.large_string()))
        heads = heads.set_column(3, "ends_open", pa.array([each.ends_open for each in joined]))
        return self._with_values(heads, [each.values for each in joined])

    def _one_by_one(self, rows: pa.Table) -> pa.Table:
        return self._with_values(rows, [_values(text, self.mapping) for text in rows.column("text").to_pylist()])

    def _with_values(self, rows: pa.Table, records: Sequence[list[str] | None]) -> pa.Table:
        whole = [each if each is not None and len(each) == len(self.header) else None for each in records]
        table = rows.select(_PLACE).append_column("is_record", pa.array([each is not None for each in whole]))
        for i, path in enumerate(self.paths):
            place = self.header.index(path) if path in self.header else None
            values = [None if each is None or place is None else each[place] for each in whole]
            table = table.append_column(f"c{i}", pa.array(values, pa.string()))
        return table

    def _alone(self, rows: pa.Table) -> list[pa.Table]:
        """Lines that are a record each, parsed together."""
        if not len(rows):
            return []
        spoiled: list[int] = []

        def skip(row: arrow_csv.InvalidRow) -> str:
            spoiled.append(row.number - 1)
            return "skip"

        data, _ = _bytes_of(rows)
        present = [path for path in self.paths if path in self.header]
        names = [f"k{i}" for i in range(len(self.header))]
        place = {path: names[self.header.index(path)] for path in present}
        try:
            parsed = arrow_csv.read_csv(
                pa.BufferReader(pa.py_buffer(data)),
                read_options=arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.mapping.delimiter,
                    quote_char=self.mapping.quote or False,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=sorted(place.values()),
                    column_types=dict.fromkeys(place.values(), pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return [self._one_by_one(rows)]
        if len(parsed) + len(spoiled) != len(rows):  # a quotation begins in one of these lines and ends in another
            return [self._one_by_one(rows)]
        made = []
        if spoiled:
            is_whole = np.ones(len(rows), bool)
            is_whole[spoiled] = False
            made.append(self._one_by_one(rows.filter(pa.array(~is_whole))))
            rows = rows.filter(pa.array(is_whole))
        table = rows.select(_PLACE).append_column("is_record", pa.array(np.ones(len(rows), bool)))
        for i, path in enumerate(self.paths):
            column = parsed.column(place[path]) if path in place else pa.nulls(len(rows), pa.string())
            table = table.append_column(f"c{i}", column)
        return [table, *made]


def _bytes_of(rows: pa.Table) -> tuple[memoryview, np.ndarray]:
    """The lines as they lie in memory, one after the other, and where each begins and ends."""
    text = rows.column("text")
    array = text.chunk(0) if text.num_chunks == 1 else text.combine_chunks()
    _, ends, data = array.buffers()
    bounds = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
    return memoryview(data)[bounds[0] : bounds[-1]], bounds - bounds[0]
