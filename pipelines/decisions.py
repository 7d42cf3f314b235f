"""The decision journal as a source: `decisions/journal.ndjson`, append-only, into `raw.decision`.

Here: reading it with file and line, and its account. Not here: its format (`models.journal`), writing it (dashboard and
command line).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from models.errors import BadJournalEntry
from models.journal import Decision
from pipelines import keys
from pipelines.home import Home
from pipelines.lending import append
from pipelines.transaction import transaction

if TYPE_CHECKING:
    import duckdb

    from pipelines.settings import Settings

TABLES = {
    "raw.decision": """
        create table if not exists raw.decision (
            decision_id varchar not null, decided_at timestamptz not null, actor varchar, action varchar not null,
            subject_kind varchar, subject varchar, facility varchar, value varchar, why varchar,
            file_id integer, line bigint
        )""",
}

_SOURCE = "decisions"
_CURE = "The line is no journal entry. Restore it from a copy; entries are only ever appended."
_TEXTS = ("decision_id", "actor", "action", "subject_kind", "subject", "facility", "value", "why")


def take_in(db: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Replace `raw.decision` by the journal's entries and keep its account current; the number of entries.

    The journal grows in place, so it has one account row, which follows it; a spoiled line is quarantined, not raised.
    An entry written twice counts once, as first written.
    """
    path = Home(settings.home).decisions_path
    content = path.read_bytes() if path.is_file() else b""
    entries: dict[str, tuple[Decision, int]] = {}
    counts = {"loaded": 0, "unchanged": 0, "ignored": 0}
    spoiled: list[tuple[int, int, bytes]] = []
    offset = 0
    for number, raw in enumerate(content.splitlines(keepends=True), 1):
        if not raw.strip():
            counts["ignored"] += 1
        else:
            try:
                decision = Decision.from_line(raw.decode())
            except (BadJournalEntry, UnicodeDecodeError):
                spoiled.append((number, offset, raw))
            else:
                known = decision.decision_id in entries
                entries.setdefault(decision.decision_id, (decision, number))
                counts["unchanged" if known else "loaded"] += 1
        offset += len(raw)
    _replace(db, settings, content, entries, counts, spoiled)
    return len(entries)


def _replace(
    db: duckdb.DuckDBPyConnection,
    settings: Settings,
    content: bytes,
    entries: dict[str, tuple[Decision, int]],
    counts: dict[str, int],
    spoiled: list[tuple[int, int, bytes]],
) -> None:
    key = keys.load(settings)
    with transaction(db):
        row = db.execute("select file_id from account.file where source = $s", {"s": _SOURCE}).fetchall()
        new = db.execute("select coalesce(max(file_id), 0) + 1 from account.file").fetchall()
        file_id = (row or new)[0][0]
        for table in ("account.file", "account.quarantine"):
            db.execute(f"delete from {table} where file_id = $id", {"id": file_id})
        db.execute("delete from raw.decision")
        if content:
            last = max((decision.decided_at for decision, _ in entries.values()), default=None)
            lines = sum(counts.values()) + len(spoiled)
            db.execute(
                "insert into account.file values ($id, $s, $path, $sha, $bytes, $s, null, $last, $now, $lines, $l, $u, 0, $i, $q, null)",
                {
                    "id": file_id,
                    "s": _SOURCE,
                    "path": Home(settings.home).decisions_path.relative_to(settings.home).as_posix(),
                    "sha": hashlib.sha256(content).hexdigest(),
                    "bytes": len(content),
                    "last": last,
                    "now": datetime.now(UTC),
                    "lines": lines,
                    "l": counts["loaded"],
                    "u": counts["unchanged"],
                    "i": counts["ignored"],
                    "q": len(spoiled),
                },
            )
        for number, offset, raw in spoiled:
            values = {
                "id": file_id,
                "line": number,
                "at": offset,
                "cure": _CURE,
                "hash": keys.keyed_bytes(key, "line", _SOURCE, raw),
            }
            db.execute("insert into account.quarantine values ($id, $line, $at, 'unparseable', $cure, $hash)", values)
        _insert(db, entries, file_id)


def _insert(db: duckdb.DuckDBPyConnection, entries: dict[str, tuple[Decision, int]], file_id: int) -> None:
    if not entries:
        return
    found = list(entries.values())
    columns: dict[str, pa.Array] = {
        name: pa.array([getattr(each, name) for each, _ in found], pa.string()) for name in _TEXTS
    }
    columns["decided_at"] = pa.array([each.decided_at for each, _ in found], pa.timestamp("us", tz="UTC"))
    columns["file_id"] = pa.array([file_id] * len(found), pa.int32())
    columns["line"] = pa.array([line for _, line in found], pa.int64())
    append(db, "raw.decision", pa.table(columns))
