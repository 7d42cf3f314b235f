"""A log that Wardflow has no adapter for: one event a record, NDJSON or CSV, read as wardflow.toml maps it.

Here: which field means what, times in the source's zone, unknown event words. Not here: the mapping's names and
defaults (`settings.LogMapping`), CSV's records (`csv_records`). Fields that the mapping does not name are never read.
An event word that it does not know is counted, with the type `unknown` and, where it is made of harmless words, as
`native_type`: never guessed to be good news.

What it cannot know: which of two equal times of the autumn hour came first, where the file's own order does not tell.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa

from pipelines.errors import ZoneNeeded
from pipelines.lending import lent
from pipelines.settings import LogMapping
from pipelines.sources import csv_records, error_text, lines, log_events
from pipelines.sources.events import COLUMNS, insert_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_LINES_LOOKED_AT = 50


class MappedLog:
    """NDJSON or CSV whose fields wardflow.toml names."""

    kind = "ndjson-log"
    suffixes = (".ndjson", ".jsonl", ".log", ".csv")
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:
        """A record near the beginning has the mapped fields for time and event (without a source: the default mapping's)."""
        mapping = source.mapping if source is not None and source.kind == self.kind else LogMapping()
        if mapping.format == "csv":
            return {mapping.time, mapping.event} <= csv_records.header_of(head.start, mapping.delimiter)
        return any(_has_fields(line, mapping) for line in head.start.splitlines()[:_LINES_LOOKED_AT])

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """All logs of a source load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of lines."""
        source = files[0].source
        mapping = source.mapping
        words = sorted(error_text.vocabulary() | {word.lower() for word in source.error_words})
        session.db.execute("set variable vocabulary = $words", {"words": words})
        if mapping.format == "csv":
            named = (getattr(mapping, name) for name in type(mapping).model_fields)
            layout = csv_records.Layout(mapping.delimiter, frozenset(name for name in named if isinstance(name, str)))
            found = csv_records.chunks(session, files, lambda _file: layout)
        else:
            found = lines.chunks(session, files)
        for chunk in found:
            session.flush()
            with lent(session.db, chunk=chunk), lent(session.db, error_facts=_reduced_errors(session, source)):
                self._load_chunk(session, source, files)

    def _load_chunk(self, session: Session, source: SourceSettings, files: Sequence[Intake]) -> None:
        zone = session.zone or source.zone
        session.db.execute(
            log_events.stage_records(source.mapping),
            {
                "source": source.name,
                **{kind: source.authority_of(kind) for kind in ("mrn", "visit", "placer")},
            },
        )
        needs_zone = session.db.execute(
            "select coalesce(bool_or(needs_zone and rule is null), false) from log_record"
        ).fetchall()[0][0]
        if needs_zone and zone is None:
            self._refuse_zoneless(session, source, files)
        session.db.execute(log_events.stage_events(needs_zone=needs_zone), {"source": source.name, "zone": zone})
        session.db.execute(log_events.QUARANTINE)
        session.db.execute(
            "create or replace temp table record_staged as select file_id, line, byte_offset from log_record where rule is null"
        )
        insert_events(session)

    def _refuse_zoneless(self, session: Session, source: SourceSettings, files: Sequence[Intake]) -> None:
        found = session.db.execute(
            "select file_id, min(line) from log_record where rule is null and needs_zone group by all order by all limit 1"
        ).fetchall()
        for file_id, line in found:
            path = next(file.delivered.path for file in files if file.file_id == file_id)
            raise ZoneNeeded(
                f"{path}, line {line}: times have no offset, so the zone they are in must be named; none is assumed. "
                f"Set zone for source {source.name!r} in wardflow.toml, or give --zone."
            )


def _has_fields(line: bytes, mapping: LogMapping) -> bool:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(record, dict) and mapping.time in record and mapping.event in record


def _reduced_errors(session: Session, source: SourceSettings) -> pa.Table:
    """Each distinct error text of the chunk as its hash and what may be kept of it; the texts themselves go no further."""
    mapping = source.mapping
    facts: list[tuple[str, str, str | None, str, str]] = []
    if mapping.error:
        extra = frozenset(word.lower() for word in source.error_words)
        found = session.db.execute(
            """
            select distinct md5(text_), text_, destination from (
                select json_extract_string(text, $error) as text_, json_extract_string(text, $destination) as destination
                from chunk where contains(text, $name) and json_valid(text)
            ) where text_ is not null
            """,
            {
                "error": _path(mapping.error),
                "destination": _path(mapping.destination or mapping.error),
                "name": mapping.error,
            },
        ).fetchall()
        for digest, text, destination in found:
            reduced = error_text.reduce_error(text, extra, (destination or "",))
            facts.append(
                (digest + (destination or ""), reduced.error_class, reduced.code, reduced.template, reduced.fingerprint)
            )
    columns = list(zip(*facts, strict=True)) if facts else [()] * 5
    names = ["error_id", "error_class", "error_code", "error_template", "error_fingerprint"]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=names)


def _path(name: str) -> str:
    """A JSON path to a field of the record, whatever its name."""
    return "$." + json.dumps(name)
