"""When a version was seen: the earliest and the latest export that delivered it (`seen_from`, `seen_to`).

Here: the one change that a raw row ever undergoes. A version that is delivered again only widens its bounds, which is
commutative and idempotent, so the order of loading never matters; a bound that would not move is not written. Not here:
new versions (`fhir_bulk`), deletions (`fhir_deletions`), which version is the latest (staging).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from pipelines.sources.fhir_elements import Projection


def widen(db: duckdb.DuckDBPyConnection, projection: Projection) -> None:
    """Widen the bounds of every known version that `staged` holds again: its rows that are not in `fresh`."""
    key = projection.key
    db.execute(
        f"""
        update {projection.table} as known
        set seen_from = least(known.seen_from, again.first_seen), seen_to = greatest(known.seen_to, again.last_seen)
        from (
            select {key}, version_hash, min(exported_at) as first_seen, max(exported_at) as last_seen
            from staged anti join fresh using (file_id, line)
            where exported_at is not null
            group by all
        ) as again
        where known.{key} = again.{key}
            and known.version_hash = again.version_hash
            and {_moves("again.first_seen", "again.last_seen")}
        """
    )


def widen_file(db: duckdb.DuckDBPyConnection, file_id: int, exported_at: datetime) -> None:
    """Widen the bounds of every version that one file brought first: its bytes came again in the export of `exported_at`."""
    for projection in PROJECTIONS.values():
        db.execute(
            f"""
            update {projection.table} as known
            set seen_from = least(seen_from, $at), seen_to = greatest(seen_to, $at)
            where file_id = $file and not is_deleted and {_moves("$at", "$at")}
            """,
            {"file": file_id, "at": exported_at},
        )


def _moves(first: str, last: str) -> str:
    return f"(known.seen_from is null or {first} < known.seen_from or {last} > known.seen_to)"
