"""Pages of polled engines in `landing/<source>/`, and what is remembered of a source between polls.

Here: writing both so that a crash at any instant loses nothing. Not here: what to read (`pipelines.fetch`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from pipelines import durable
from pipelines.errors import HomeBusy
from pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.settings import Settings, SourceSettings

ROWS_A_PAGE = 20_000


@dataclass
class Place:
    """How far a channel has been read: to which message, and which of those before were not done, with a digest of how they stood."""

    number: int
    undone: dict[int, str] = field(default_factory=dict)

    @staticmethod
    def digest(rows: list[dict[str, object]]) -> str:
        """Changes when any value does."""
        return hashlib.sha256(json.dumps(rows, default=str, sort_keys=True).encode()).hexdigest()[:16]


@dataclass
class Memory:
    """What is remembered of a source: numbers, times and digests, nothing of any message."""

    path: Path
    places: dict[str, Place] = field(default_factory=dict)
    polled_at: float = 0
    looked_back_at: float = 0
    counted_at: float = 0

    @classmethod
    def of(cls, settings: Settings, source: SourceSettings) -> Memory:
        """As the last poll left it."""
        path = settings.home / "fetch" / f"{source.name}.json"
        if not path.is_file():
            return cls(path)
        kept = json.loads(path.read_text(encoding="utf-8"))
        places = {
            channel: Place(place["number"], {int(number): digest for number, digest in place["undone"].items()})
            for channel, place in kept["places"].items()
        }
        return cls(path, places, kept["polled_at"], kept["looked_back_at"], kept.get("counted_at", 0))

    @classmethod
    @contextmanager
    def locked(cls, settings: Settings, source: SourceSettings) -> Iterator[Memory]:
        """For the one poll of a source that may be under way."""
        folder = settings.home / "fetch"
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        handle = os.open(folder / f".{source.name}.lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HomeBusy(f"Source {source.name!r} is being fetched already. Wait until that is done.") from None
            yield cls.of(settings, source)
        finally:
            os.close(handle)

    def save(self) -> None:
        """On disk, in one step."""
        kept = {
            "places": {channel: asdict(place) for channel, place in self.places.items()},
            "polled_at": self.polled_at,
            "looked_back_at": self.looked_back_at,
            "counted_at": self.counted_at,
        }
        aside = self.path.with_name(f".{self.path.name}.new")
        aside.write_text(json.dumps(kept), encoding="utf-8")
        durable.replace(aside, self.path)


class Landing:
    """The pages of one poll: rows gathered over channels, in files of some thousand."""

    def __init__(self, settings: Settings, source: SourceSettings, memory: Memory) -> None:
        self.rows = self.pages = 0
        self._folder = Home(settings.home).landing / source.name
        self._memory = memory
        self._waiting: list[pa.Table] = []

    def add(self, page: pa.Table) -> None:
        """Gather rows; where they are enough, write them, and then remember what has been read."""
        self._waiting.append(page)
        if sum(map(len, self._waiting)) >= ROWS_A_PAGE:
            self.close()

    def close(self) -> None:
        """Write what is gathered, and remember what has been read."""
        if self._waiting:
            table = pa.concat_tables(self._waiting, promote_options="permissive")
            self.write(table)
            self.rows += len(table)
            self.pages += 1
            self._waiting = []
        self._memory.save()

    def write(self, table: pa.Table, kind: str = "") -> None:
        """A file of rows; what it holds besides messages is part of its name."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z{kind}.parquet"
        aside = self._folder / f".{name}"  # hidden from those who look for files until it is whole
        parquet.write_table(table, aside, compression="zstd")
        durable.replace(aside, self._folder / name)
