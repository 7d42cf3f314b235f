"""Files that grow: how far each is accounted for, and reading on from there, whatever it is called meanwhile.

Here: knowing a file again by its content, the part of it that is new, and joining what the part brought to the account of
the file. Not here: which records a part holds (`sources`), the order of work (`intake`).

A file is known by its first and by the last 4 kB that are accounted for, never by its name, inode or time: engines rename
their logs, copy and truncate them, and file systems give numbers again. What is not known so is read whole, which is
never wrong: events have an identity.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pipelines.sources import continuing
from pipelines.sources.archives import EDGE_BYTES, HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    import duckdb

    from pipelines.sources.arrivals import Arrival
    from pipelines.sources.source import Intake

_LONGEST_END = 1 << 20
TABLES = {
    "account.followed": """
        create table if not exists account.followed (
            file_id integer not null, bytes bigint not null, lines bigint not null, head varchar not null, seam varchar not null
        )"""
}
"""One row per file that can be read on: bytes and lines that are accounted for, and the digests by which it is known."""


@dataclass(frozen=True)
class Followed:
    """A file as far as it is accounted for."""

    file_id: int
    source: str
    kind: str
    path: str
    bytes: int
    lines: int
    head: str
    seam: str
    reading: str | None
    last_event_at: datetime | None


@dataclass(frozen=True)
class Growth:
    """What is to be done about a known file: `arrival` is the new part (null when there is nothing to read), with
    `preamble_lines` of the file's beginning before it, which are read for what they say and accounted for already.
    """

    file: Followed
    path: str
    arrival: Arrival | None = None
    preamble_bytes: int = 0
    preamble_lines: int = 0


def known(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], list[Followed]]:
    """By source, kind and digest of the beginning, every file that can be read on."""
    found: dict[tuple[str, str, str], list[Followed]] = {}
    rows = db.execute(
        """
        select file_id, source, kind, path, followed.bytes, lines, head, seam, reading, exported_at
        from account.followed join account.file as file using (file_id) order by followed.bytes desc, file_id desc
        """
    ).fetchall()
    for row in rows:
        each = Followed(*row)
        found.setdefault((each.source, each.kind, each.head), []).append(each)
    return found


def grown(
    of: Mapping[tuple[str, str, str], Sequence[Followed]],
    arrivals: Iterable[Arrival],
    home: Path,
    settle_seconds: float,
) -> dict[int, Growth]:
    """By place in `arrivals`, those that are known files, perhaps longer by now and under another name.

    A file that still lies where it was, in the home or elsewhere, is itself, also when it is not among these arrivals; what
    else has its content is a copy, and no known file.
    """
    candidates = {at: found for at, arrival in enumerate(arrivals) if (found := _candidates(of, arrival))}
    owners: dict[int, tuple[int, Arrival, Followed]] = {}
    for stays in (True, False):
        for at, (arrival, files) in candidates.items():
            if any(at == owner for owner, _, _ in owners.values()):
                continue
            fitting = (
                each
                for each in files
                if each.file_id not in owners
                and (each.path == arrival.delivered.path if stays else not _lies_at(home / each.path, each))
            )
            if (file := next(fitting, None)) is not None:
                owners[file.file_id] = (at, arrival, file)
    return {
        at: growth
        for at, arrival, file in owners.values()
        if (growth := _growth(file, arrival, settle_seconds)) is not None
    }


def _candidates(
    of: Mapping[tuple[str, str, str], Sequence[Followed]], arrival: Arrival
) -> tuple[Arrival, list[Followed]] | None:
    """The known files with whose accounted bytes this one begins, the longest first."""
    delivered = arrival.delivered
    if not of or delivered.place is None or delivered.size < EDGE_BYTES or not _is_plain(arrival):
        return None
    try:
        with delivered.place.open("rb") as stream:
            head = _digest(stream.read(EDGE_BYTES))
            begun = of.get((arrival.source.name, arrival.kind, head), [])
            files = [each for each in begun if each.bytes <= delivered.size and _goes_on(stream, each)]
    except OSError:
        return None
    return (arrival, files) if files else None


def _lies_at(place: Path, file: Followed) -> bool:
    """Whether the file is there, as far as it is accounted for."""
    try:
        with place.open("rb") as stream:
            return _digest(stream.read(EDGE_BYTES)) == file.head and _goes_on(stream, file)
    except OSError:
        return False


def _goes_on(stream: BinaryIO, file: Followed) -> bool:
    return _seam(stream, file.bytes) == file.seam


def _is_plain(arrival: Arrival) -> bool:
    """Whether the bytes on disk are those of the content."""
    return arrival.delivered.hashed is arrival.delivered.opener and "!/" not in arrival.delivered.path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _seam(stream: BinaryIO, size: int) -> str:
    stream.seek(size - EDGE_BYTES)
    return _digest(stream.read(EDGE_BYTES))


def _growth(file: Followed, arrival: Arrival, settle_seconds: float) -> Growth | None:
    """What is new of a known file; null when that cannot be read by itself, so that the file is read whole."""
    delivered, place = arrival.delivered, cast("Path", arrival.delivered.place)
    if delivered.size == file.bytes:
        return Growth(file, delivered.path)
    try:
        with place.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            stream.seek(file.bytes)
            fresh = stream.read(HEAD_BYTES)
    except OSError:
        return None
    preamble = continuing.preamble(arrival.kind, arrival.source, head, fresh, file.last_event_at)
    if preamble is None:
        return None
    if len(fresh) < HEAD_BYTES and not continuing.has_a_whole_record(arrival.kind, fresh):
        return Growth(file, delivered.path) if delivered.is_growing(settle_seconds) else None

    def opener() -> BinaryIO:
        return cast("BinaryIO", _Part(place, preamble, file.bytes))

    part = replace(delivered, opener=opener, hashed=opener, size=delivered.size - file.bytes + len(preamble))
    return Growth(file, delivered.path, replace(arrival, delivered=part), len(preamble), preamble.count(b"\n"))


class _Part(io.RawIOBase):
    """A file from some byte on, after lines of its beginning."""

    def __init__(self, place: Path, preamble: bytes, begins: int) -> None:
        self._raw = place.open("rb", buffering=0)
        self._raw.seek(begins)
        self._preamble = preamble

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._preamble:
            taken = min(len(self._preamble), len(buffer))
            buffer[:taken], self._preamble = self._preamble[:taken], self._preamble[taken:]
            return taken
        return self._raw.readinto(buffer) or 0

    def read(self, size: int = -1) -> bytes:
        buffer = bytearray(size)
        return bytes(memoryview(buffer)[: self.readinto(memoryview(buffer))])

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def is_still(growth: Growth) -> bool:
    """Whether the bytes before the part are still those that were accounted for: nobody renamed or truncated the file meanwhile."""
    place = growth.arrival.delivered.place if growth.arrival else None
    return place is None or _lies_at(place, growth.file)


def join(db: duckdb.DuckDBPyConnection, growth: Growth, part: int) -> None:
    """Make what file `part` brought and booked part of the file that it continues, at its true lines; inside the
    transaction that loaded it.
    """
    before = growth.file
    to = {"part": part, "id": before.file_id}
    shift = {"line": before.lines - growth.preamble_lines, "at": growth.preamble_lines}
    for (table,) in db.execute(_TABLES_WITH_LINES).fetchall():
        db.execute(
            f"""update {table} set file_id = $id, line = if(line > $at, line + $line, line) where file_id = $part""",
            to | shift,
        )
    db.execute(
        """
        update account.quarantine
        set file_id = $id, line = line + $line, byte_offset = byte_offset + $offset where file_id = $part
        """,
        to | {"line": shift["line"], "offset": before.bytes - growth.preamble_bytes},
    )
    db.execute(
        """
        create or replace temp table finding_before as
        select rule, sum(n)::bigint as n from account.finding
        where file_id = $part or file_id = $id and rule <> 'tail_held_back' group by all
        """,
        to,
    )
    db.execute("delete from account.finding where file_id in ($part, $id)", to)
    db.execute(
        "insert into account.finding by name select $id::integer as file_id, rule, n from finding_before order by all",
        {"id": before.file_id},
    )
    db.execute(_JOINED, to | {"path": growth.path, "preamble": growth.preamble_bytes})
    db.execute("delete from account.file where file_id = $part", {"part": part})


_TABLES_WITH_LINES = """
    select 'raw.' || table_name from duckdb_columns() where schema_name = 'raw' and column_name in ('file_id', 'line')
    group by all having count(*) = 2 order by all
"""
_JOINED = """
    update account.file as file
    set path = $path,
        sha256 = sha256(file.sha256 || part.sha256),
        bytes = file.bytes + part.bytes - $preamble,
        exported_at = greatest(file.exported_at, part.exported_at),
        ingested_at = part.ingested_at,
        lines_read = file.lines_read + part.lines_read,
        loaded = file.loaded + part.loaded,
        unchanged = file.unchanged + part.unchanged,
        superseded = file.superseded + part.superseded,
        ignored = file.ignored + part.ignored,
        quarantined = file.quarantined + part.quarantined
    from (select * from account.file where file_id = $part) as part
    where file.file_id = $id
"""


def without_preamble(db: duckdb.DuckDBPyConnection, growth: Growth, file: Intake) -> None:
    """Take back what was said of lines before the part: they are accounted for."""
    if growth.preamble_lines:
        of = {"id": file.file_id, "at": growth.preamble_lines}
        db.execute("delete from line_verdict where file_id = $id and line <= $at", of)
        db.execute(
            "delete from file_finding where file_id = $id and rule = 'mapped_column_missing'", {"id": file.file_id}
        )
        file.lines_read -= growth.preamble_lines


def move(db: duckdb.DuckDBPyConnection, growth: Growth) -> None:
    """Note where a known file lies now."""
    if growth.path != growth.file.path:
        db.execute(
            "update account.file set path = $path where file_id = $id",
            {"path": growth.path, "id": growth.file.file_id},
        )


def remember(db: duckdb.DuckDBPyConnection, file: Intake, arrival: Arrival, growth: Growth | None) -> None:
    """Note how far a file is accounted for, where it can be read on from there; else forget that it could be.

    Called before the part is joined, while `line_verdict` holds the verdicts of this transaction.
    """
    before_part = growth.file.bytes - growth.preamble_bytes if growth else 0
    size = file.delivered.size + before_part
    if growth is not None:
        db.execute("delete from account.followed where file_id = $id", {"id": growth.file.file_id})
    if not continuing.can(file.kind) or size < EDGE_BYTES or arrival.delivered.place is None:
        return
    ((last, line, verdict, last_event_at),) = db.execute(_END, {"id": file.file_id}).fetchall()
    if last is None or verdict == "quarantined" or (growth is None and not _is_plain(arrival)):
        return
    edges = _edges(arrival, last + before_part, size)
    if edges is None:
        return
    start, seam, rest = edges
    if _digest(start[:EDGE_BYTES]) != arrival.begins:  # another file by now: nobody knows of which one the records were
        return
    ends = continuing.line_ends(file.kind, rest)
    if ends is None or continuing.preamble(file.kind, file.source, start, b"", last_event_at) is None:
        return
    before = growth.file.lines - growth.preamble_lines if growth else 0
    known_as = {
        "id": growth.file.file_id if growth else file.file_id,
        "head": arrival.begins,
        "seam": seam,
    }
    db.execute(
        "insert into account.followed values ($id, $bytes, $lines, $head, $seam)",
        known_as | {"bytes": size, "lines": before + line - 1 + ends},
    )


_END = """
    select max(byte_offset), max(line) filter (where byte_offset is not null),
        arg_max(verdict, byte_offset) filter (where verdict <> 'ignored'),
        (select max(occurred_at) from latest_event where file_id = $id)
    from line_verdict where file_id = $id
"""
"""Where the last record begins, whether what came last was kept out, and when the newest event happened."""


def _edges(arrival: Arrival, last: int, size: int) -> tuple[bytes, str, bytes] | None:
    """The beginning, the digest of the last bytes, and the bytes from the last record on; null when another file lies there
    by now.
    """
    place = cast("Path", arrival.delivered.place)
    if not 0 <= size - last <= _LONGEST_END:
        return None
    try:
        with place.open("rb") as stream:
            now = os.fstat(stream.fileno())
            if now.st_ino != arrival.delivered.inode or now.st_size < size:
                return None
            start, seam = stream.read(HEAD_BYTES), _seam(stream, size)
            stream.seek(last)
            return start, seam, stream.read(size - last)
    except OSError:
        return None
