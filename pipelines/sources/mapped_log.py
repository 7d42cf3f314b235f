"""A log that Wardflow has no adapter for: CSV, NDJSON or CloudEvents, read as the mapping file of its source says.

Here: from a chunk of records to events, and the zone that times without an offset need. Not here: the mapping's names and
rules (`log_mapping`), reading records (`log_records`, `log_fields`), the SQL (`log_times`, `log_events`). Fields that the
mapping does not name are never read. An event word that it does not know is counted, with the type `unknown` and, where it
is made of harmless words, as `native_type`: never guessed to be good news.

What it cannot know: which of two equal times of the autumn hour came first, where the file's own order does not tell; of a
snapshot, what happened between the times that it shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import log_mapping, planning
from pipelines.errors import ZoneNeeded
from pipelines.lending import lent
from pipelines.sources import engine_records, log_events, log_fields, log_records, log_times
from pipelines.sources.events import COLUMNS, insert_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from pipelines.log_mapping import LogMapping
    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session


def mapping_of(source: SourceSettings | None) -> LogMapping:
    """The mapping that a source names; of one that names none, and without a source, that of Wardflow's own log."""
    named = source.mapping if source is not None else ""
    return log_mapping.load(Path(named) if named else log_mapping.IN_HOUSE)


class MappedLog:
    """CSV, NDJSON or CloudEvents whose fields a mapping file names."""

    kind = "ndjson-log"
    suffixes = (".ndjson", ".jsonl", ".json", ".log", ".csv")
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:
        """A record near the beginning has the mapped fields for time and event (without a source: those of the in-house log)."""
        return log_records.recognises(head, mapping_of(source if source and source.kind == self.kind else None))

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """All logs of a source load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of records."""
        source = files[0].source
        mapping = mapping_of(source)
        engine_records.prepare(session, source)
        session.db.execute(log_events.SEEN)
        for texts, fields in log_records.chunks(session, files, mapping):
            session.flush()
            records, errors = log_fields.said(fields, mapping, source, session.key)
            facts = engine_records.error_facts(source, errors)
            with lent(session.db, chunk=records, chunk_text=texts, error_facts=facts):
                _load_chunk(session, source, mapping, files, records)


def _load_chunk(
    session: Session, source: SourceSettings, mapping: LogMapping, files: Sequence[Intake], records: pa.Table
) -> None:
    db = session.db
    zone = mapping.written("time").zone or session.zone or source.zone
    sent_zone = mapping.written("sent_at").zone or session.zone or source.zone
    for name, value in (("log_source", source.name), ("log_zone", zone), ("log_sent_zone", sent_zone)):
        db.execute(f"set variable {name} = $value", {"value": value})
    with planning.briefly(db, len(records)):
        db.execute(log_events.stage_records(mapping, records.column_names))
    ((first, last, needs_ordinal, silent),) = db.execute(
        """
        select min(local_time) filter (instant is null and is_event), max(local_time) filter (instant is null and is_event),
            coalesce(bool_or(content_id is not null and is_event), false), count(*) filter (not is_event)
        from log_record
        """
    ).fetchall()
    if first is not None and zone is None:
        _refuse_zoneless(session, source, files)
    make_events, events = log_events.stage_events(
        mapping,
        needs_zone=first is not None,
        on_a_night=first is not None and zone is not None and log_times.clock_changes(zone, first, last),
        needs_ordinal=needs_ordinal,
    )
    with planning.briefly(db, len(records)):
        db.execute(make_events)
    db.execute(log_events.readable(mapping))
    if silent:
        db.execute(log_events.verdicts(mapping))
    if needs_ordinal:
        db.execute(log_events.REMEMBER)
    insert_events(session, events)


def _refuse_zoneless(session: Session, source: SourceSettings, files: Sequence[Intake]) -> None:
    found = session.db.execute(
        "select file_id, min(line) from log_record where is_event and instant is null group by all order by all limit 1"
    ).fetchall()
    for file_id, line in found:
        path = next(file.delivered.path for file in files if file.file_id == file_id)
        raise ZoneNeeded(
            f"{path}, line {line}: times have no offset, so the zone they are in must be named; none is assumed. "
            f"Set zone for source {source.name!r} in wardflow.toml, or give --zone."
        )
