"""InterSystems IRIS, HealthShare and Ensemble: CSV extracts of `Ens.MessageHeader`, `Ens_Util.Log` and `Ens_Alerting.ManagedAlert`.

Here: which files they are, which columns are read, and the order of work. Not here: CSV's records (`csv_records`), what a row
proves (`intersystems_events`).

What it cannot know: retries inside an operation (one header is one leg, so attempts are never exact), when an alert was
escalated or given to somebody (only that it was), what a purge removed before the extract, and whether an extract shows times
as stored (UTC) or as displayed (local): the source's zone must say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import csv_records, engine_records, intersystems_events
from pipelines.sources.events import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_DELIMITERS = (",", ";", "\t", "|")
_TELLING = {
    "header": (frozenset({"id", "sessionid", "timecreated"}), frozenset({"sourceconfigname", "targetconfigname"})),
    "log": (frozenset({"id", "type", "timelogged"}), frozenset({"configname", "sessionid"})),
    "alert": (frozenset({"id", "alerttime"}), frozenset({"isopen", "escalationlevel", "currentowner"})),
}
"""The tables, and of each the columns that it must have, and those of which it must have one."""


class InterSystems:
    """CSV extracts of three tables."""

    kind = "intersystems"
    suffixes = (".csv",)
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """The first line names the columns of one of the tables."""
        return _table_of(_names(head.start)[1]) is not None

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """The three tables load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of records."""
        source = files[0].source
        engine_records.prepare(session, source)
        for chunk in csv_records.chunks(session, files, _layout):
            session.flush()
            with lent(session.db, chunk=chunk), planning.briefly(session.db, len(chunk)):
                errors = engine_records.reduced_errors(session, source, intersystems_events.ERROR_TEXTS)
                session.db.execute(
                    intersystems_events.RECORDS, {"source": source.name, "trace": source.authorities.get("trace")}
                )
            zone = engine_records.zone_for(session, source, files, intersystems_events.ZONELESS)
            with lent(session.db, error_facts=errors), planning.briefly(session.db, len(chunk)):
                session.db.execute(intersystems_events.EVENTS, {"source": source.name, "zone": zone})
            engine_records.close_chunk(session)


def _names(start: bytes) -> tuple[str, frozenset[str]]:
    """The delimiter, and the header's names as written."""
    found = {each: csv_records.header_of(start, each) for each in _DELIMITERS}
    delimiter = max(
        _DELIMITERS, key=lambda each: len({name.lower() for name in found[each]} & intersystems_events.COLUMNS)
    )
    return delimiter, found[delimiter]


def _table_of(names: frozenset[str]) -> str | None:
    lowered = {name.lower() for name in names}
    fitting = (table for table, (all_of, one_of) in _TELLING.items() if all_of <= lowered and one_of & lowered)
    return next(fitting, None)


def _layout(file: Intake) -> csv_records.Layout:
    delimiter, names = _names(file.delivered.head())
    table = _table_of(names) or "unknown"

    def made(record: dict[str, str]) -> dict[str, object]:
        return {"table": table, **{name.lower(): value.strip() for name, value in record.items()}}

    kept = frozenset(name for name in names if name.lower() in intersystems_events.COLUMNS)
    return csv_records.Layout(delimiter, kept, made)
