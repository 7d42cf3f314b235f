"""Records of a time that is yet to come: a clock that runs wrong. One of them would make all that is known look old.

Here: setting them aside before anything is inserted. Not here: clocks that were never set (each adapter), times of FHIR resources,
which may be plans.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.sources.source import Session

AHEAD = timedelta(days=1)
"""How far clocks may be apart, and zones named wrongly."""


def is_in(session: Session, table: str, at: str) -> bool:
    """Whether some time in the column `at` of `table` is yet to come."""
    ((found,),) = session.db.execute(f"select coalesce(max({at}) > $latest, false) from {table}", _latest()).fetchall()
    return found


def set_aside(session: Session, staged: str, *, key: str, at: str = "occurred_at", records: str | None = None) -> str:
    """The name of what is left of `staged` (a row an event, with file_id, line and byte_offset) without records that have an event
    of a time that is yet to come. Those are quarantined, known by the hash `key` of their first event, and taken out of `records`.
    """
    db = session.db
    db.execute(
        f"create or replace temp table of_the_future as select distinct file_id, byte_offset from {staged} where {at} > $latest",
        _latest(),
    )
    db.execute(
        f"""
        insert into line_verdict by name
        select file_id, min(line) as line, byte_offset, 'quarantined' as verdict, 'future_time' as rule, min({key}) as line_hash
        from {staged} semi join of_the_future using (file_id, byte_offset) group by all
        """
    )
    for name, rows in (("timely", staged), *(((records, records),) if records else ())):
        db.execute(
            f"create or replace temp table {name} as from {rows} anti join of_the_future using (file_id, byte_offset)"
        )
    return "timely"


def _latest() -> dict[str, datetime]:
    return {"latest": datetime.now(UTC) + AHEAD}
