"""Writing the account: each file's row, its quarantined lines and findings, from the verdicts of one transaction.

Here: the tables of the account as they are filled. Not here: their form and the report (`ledger`), the order of work (`intake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.accounts import COUNTS
from pipelines.errors import Unbalanced
from pipelines.lending import lent
from pipelines.sources.source import CURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.sources.source import Intake


def book(db: duckdb.DuckDBPyConnection, files: Sequence[Intake]) -> None:
    """Write the accounts of these files from `line_verdict` and `file_finding`, inside the transaction that loaded them.

    Raises:
        Unbalanced: lines read differ from verdicts; the caller rolls back.
    """
    _stage(db, files)
    wrong = db.execute(
        """
        select file_id, lines_read, n from booking
        left join (
            select file_id, count(*) as n, count(distinct (line, byte_offset)) as lines from line_verdict group by all
        ) using (file_id)
        where lines_read <> coalesce(n, 0) or coalesce(lines, 0) <> coalesce(n, 0)
        """
    ).fetchall()
    for file_id, lines_read, n in wrong:
        path = next(file.delivered.path for file in files if file.file_id == file_id)
        raise Unbalanced(
            f"{path}: {lines_read} lines read but {n or 0} accounted for. Nothing of it was kept; please report this."
        )
    verdicts = ", ".join(f"count(*) filter (where verdict = '{name}') as {name}" for name in COUNTS[1:])
    db.execute(
        f"""
        insert into account.file by name
        select booking.* replace (coalesce(exported_at, latest) as exported_at),
            {", ".join(f"coalesce({name}, 0) as {name}" for name in COUNTS[1:])}
        from booking
        left join (select file_id, {verdicts} from line_verdict group by all) using (file_id)
        left join (select file_id, max(occurred_at) as latest from latest_event group by all) using (file_id)
        order by file_id
        """
    )
    cures = " ".join(f"when '{rule}' then '{cure.replace(chr(39), chr(39) * 2)}'" for rule, cure in CURES.items())
    db.execute(
        f"""
        insert into account.quarantine by name
        select file_id, line, byte_offset, rule, case rule {cures} else '' end as cure, line_hash
        from line_verdict where verdict = 'quarantined' order by all
        """
    )
    db.execute(
        "insert into account.finding by name select file_id, rule, sum(n)::bigint as n from file_finding group by all order by all"
    )


def _stage(db: duckdb.DuckDBPyConnection, files: Sequence[Intake]) -> None:
    now = datetime.now(UTC)
    moment = pa.timestamp("us", tz="UTC")
    columns = {
        "file_id": pa.array([file.file_id for file in files], pa.int32()),
        "source": pa.array([file.source.name for file in files], pa.string()),
        "path": pa.array([file.delivered.path for file in files], pa.string()),
        "sha256": pa.array([file.sha256 for file in files], pa.string()),
        "bytes": pa.array([file.delivered.size for file in files], pa.int64()),
        "kind": pa.array([file.kind for file in files], pa.string()),
        "resource_type": pa.array([file.resource_type for file in files], pa.string()),
        "exported_at": pa.array([file.exported_at for file in files], moment),
        "ingested_at": pa.array([now] * len(files), moment),
        "lines_read": pa.array([file.lines_read for file in files], pa.int64()),
        "reading": pa.array([file.reading for file in files], pa.string()),
    }
    with lent(db, arriving=pa.table(columns)):
        db.execute("create or replace temp table booking as select * from arriving")


@dataclass(frozen=True)
class Sighting:
    """One booking of some bytes: where they lay, of which export they were, and how they were read."""

    path: str
    exported_at: datetime | None
    file_id: int
    reading: str | None


@dataclass(frozen=True)
class Booked:
    """What the account knows of some bytes of a source.

    `file_id` is the first file; `whole` is a file all of whose versions it brought first, null when there is none.
    """

    file_id: int
    whole: int | None
    sightings: tuple[Sighting, ...]

    def at(self, path: str, stated: datetime | None) -> Sighting | None:
        """The booking of the same bytes at this path, of the export that a manifest says they are of, if one does."""
        return next((each for each in self.sightings if each.path == path and stated in {None, each.exported_at}), None)

    def spares_reading(self, exported_at: datetime | None) -> bool:
        """Whether nothing in the bytes need be looked at again to know what an export of that time showed."""
        return (
            exported_at is None
            or self.whole is not None
            or any(each.exported_at == exported_at for each in self.sightings)
        )


def booked(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Booked]:
    """By source and sha256, all bytes that were ever taken in."""
    rows = db.execute(
        """
        select source, sha256, min(file_id), min(file_id) filter (where unchanged = 0),
            list((path, exported_at, file_id, reading) order by file_id)
        from account.file group by all
        """
    ).fetchall()
    return {
        (source, sha): Booked(first, whole, tuple(Sighting(*each) for each in seen))
        for source, sha, first, whole, seen in rows
    }


def book_again(db: duckdb.DuckDBPyConnection, file: Intake, known: int) -> None:
    """Account for a file whose bytes are those of file `known`: what was loaded is now unchanged, what was kept out is so again."""
    db.execute(
        """
        insert into account.file
        select $id, source, $path, sha256, $bytes, kind, resource_type, coalesce($exported_at, exported_at), $now,
            lines_read, 0, loaded + unchanged, superseded, ignored, quarantined, reading
        from account.file where file_id = $known
        """,
        {
            "id": file.file_id,
            "path": file.delivered.path,
            "bytes": file.delivered.size,
            "exported_at": file.exported_at,
            "now": datetime.now(UTC),
            "known": known,
        },
    )
    db.execute(
        """insert into account.quarantine
           select $id, line, byte_offset, rule, cure, line_hash from account.quarantine where file_id = $known""",
        {"id": file.file_id, "known": known},
    )
