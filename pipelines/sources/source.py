"""What a source is: the protocol, and what passes between an adapter and the ledger. Not here: any format.

An adapter reads files inside a transaction that `intake` opened, fills raw tables, and gives a verdict on every line.
It interprets nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pyarrow as pa

from pipelines import keys
from pipelines.lending import append

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import duckdb

    from pipelines.settings import Settings, SourceSettings
    from pipelines.sources.archives import Delivered
    from pipelines.sources.byte_readers import Stream

Verdict = Literal["loaded", "unchanged", "superseded", "ignored", "quarantined"]

CURES = {
    "unparseable": "The line is not valid JSON, XML or CSV. Ask the sender for the export again.",
    "truncated": "The file ends inside this record: the transfer was cut. Deliver the file again, whole.",
    "not_utf8": "The line is not valid UTF-8. Ask the sender to write UTF-8.",
    "too_large": "The line is longer than max_line_megabytes. Raise that setting, or ask for a smaller record.",
    "untyped": "The record does not say what it is (no resourceType). Ask the sender for FHIR R4 resources.",
    "no_id": "The record has no id, so that later versions of it could not be recognised. Ask the sender for one.",
    "no_header": "No header with the columns that are needed (of places: id and name) stands above this line. Write it first.",
    "no_time": "The record has no readable time. Check how the source's mapping says that times are written.",
    "no_sample_time": "Counters say nothing without the time at which they were read. Add it to the query, as sampled_at.",
    "date_only": "The record's time is a day without an hour, and none is made up. Map a field that has the hour.",
    "unset_time": "The record's time lies before 1971 or after 9000: an unset clock, or a word for never. Correct it in the engine.",
    "future_time": "The record's time lies more than a day ahead of this machine's clock. Correct the engine's clock, or this machine's.",
    "document_type": "The document brings a DTD, which could pull in other files. Export it without.",
    "outside_a_message": "Text between messages. Export the messages again.",
    "damaged_archive": "The archive ends early or fails its checksum. Deliver it again.",
}
"""Rules by which a line is quarantined, and what a person can do about each."""


@dataclass(frozen=True)
class Head:
    """The beginning of a file, for telling what it is; of a Parquet file, which tells it at its end, the names of its columns."""

    name: str
    start: bytes
    columns: frozenset[str] = frozenset()


@dataclass
class Intake:
    """One delivered file on its way in: who sent it, what it holds, what it was exported as of and by which
    server (null when nobody says). `is_mixed`: it holds resources of several types that are read. `reading`: see `readings`.
    """

    file_id: int
    delivered: Delivered
    source: SourceSettings
    kind: str
    sha256: str
    resource_type: str | None = None
    exported_at: datetime | None = None
    base: str | None = None
    lines_read: int = 0
    blank_lines: int = 0
    is_mixed: bool = False
    reading: str = ""

    @contextmanager
    def content(self) -> Iterator[Stream]:
        """What it holds, to be read to the end. The account is of what was read, which may be more than was there at the first
        look; of less where the rest is held back.
        """
        with self.delivered.stream(hashing=not self.sha256) as stream:
            yield stream
        if not self.sha256 and stream.sha256:
            self.sha256 = stream.sha256
            self.delivered = replace(self.delivered, size=stream.position)

    def ends_at(self, size: int) -> None:
        """Let the account be of the first so many bytes of the content."""
        self.sha256 = self.delivered.sha256_of_beginning(size)
        self.delivered = replace(self.delivered, size=size)


@dataclass
class Session:
    """One transaction's work: where rows go, and what was decided about lines outside SQL."""

    db: duckdb.DuckDBPyConnection
    settings: Settings
    key: bytes
    zone: str | None = None
    settle_seconds: float = 0
    _verdicts: list[tuple[int, int, int | None, Verdict, str | None, str | None]] = field(default_factory=list)
    _many: list[pa.Table] = field(default_factory=list)
    _findings: list[tuple[int, str, int]] = field(default_factory=list)

    def judge(self, file: Intake, line: int, offset: int | None, verdict: Verdict) -> None:
        """Account for one line that needs no reason."""
        self._verdicts.append((file.file_id, line, offset, verdict, None, None))

    def judge_lines(self, file: Intake, lines: np.ndarray, offsets: np.ndarray, verdict: Verdict) -> None:
        """Account for many lines that need no reason."""
        self._many.append(
            pa.table(
                {
                    "file_id": np.full(len(lines), file.file_id, np.int32),
                    "line": lines,
                    "byte_offset": offsets,
                    "verdict": pa.repeat(verdict, len(lines)),
                }
            )
        )

    def quarantine(self, file: Intake, line: int, offset: int | None, rule: str, content: bytes) -> None:
        """Account for one line that is kept out; of its content only a keyed hash remains."""
        line_hash = keys.keyed_bytes(self.key, "line", file.source.name, content)
        self._verdicts.append((file.file_id, line, offset, "quarantined", rule, line_hash))

    def find(self, file: Intake, rule: str, n: int = 1) -> None:
        """Note something about a file that keeps nothing out."""
        self._findings.append((file.file_id, rule, n))

    def holds_back(self, file: Intake, size: int) -> bool:
        """Whether a file that ends inside a record is still being written. Then its account is of the first `size` bytes of its
        content, and the next ingest reads the record whole, or quarantines it once the file is at rest.
        """
        if not file.delivered.is_growing(self.settle_seconds):
            return False
        file.ends_at(size)
        self.find(file, "tail_held_back")
        return True

    def flush(self) -> None:
        """Move what was noted into the session's temporary tables `line_verdict` and `file_finding`."""
        if self._verdicts:
            names = ("file_id", "line", "byte_offset", "verdict", "rule", "line_hash")
            types = (pa.int32(), pa.int64(), pa.int64(), pa.string(), pa.string(), pa.string())
            columns = [
                pa.array(column, kind) for column, kind in zip(zip(*self._verdicts, strict=True), types, strict=True)
            ]
            append(self.db, "line_verdict", pa.table(columns, names=list(names)))
            self._verdicts.clear()
        for rows in self._many:
            append(self.db, "line_verdict", rows)
        self._many.clear()
        if self._findings:
            columns = [
                pa.array(column, kind)
                for column, kind in zip(
                    zip(*self._findings, strict=True), (pa.int32(), pa.string(), pa.int64()), strict=True
                )
            ]
            append(self.db, "file_finding", pa.table(columns, names=["file_id", "rule", "n"]))
            self._findings.clear()


class Source(Protocol):
    """One source system. Making another is one module with one such class and its line in `sources.SOURCES`."""

    @property
    def kind(self) -> str:
        """Its name in wardflow.toml."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Names of files that, lying where this source delivers, are its own even when spoiled beyond recognition."""
        ...

    @property
    def promised(self) -> Mapping[str, Sequence[str]]:
        """The raw tables that it fills, and of each the columns that a reader may rely on."""
        ...

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:
        """Whether a file that begins so is one of this source's, by its content; `source` is the configured one, if any."""
        ...

    def together(self, head: Head) -> str | None:
        """What a file holds (a FHIR resource type), so that like files load as one chunk; null when it does not matter."""
        ...

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """Fill raw tables from the files, set each one's `lines_read`, and give exactly one verdict on every line."""
        ...
