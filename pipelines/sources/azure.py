"""Azure diagnostic settings: Logic Apps, Service Bus, API Management, Event Grid, Functions and Application Insights.

Here: which files are Azure's, and the order of work. Not here: records in the bytes (`json_records`: in a wrapper, one a line, or
in batches of an Event Hub; rows of a Log Analytics workspace alike), what a record proves (`azure_events`).

What it cannot know: which single message an error of Service Bus was about and where a count of messages came from (both are
counted by the service), which action of a workflow is a delivery and which a step, what Event Grid delivered without an error,
and the type or acknowledgement of a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import azure_events, engine_records, json_records
from pipelines.sources.events import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_RESOURCE = re.compile(rb'(?<!\\)"_?[rR]esourceId"\s*:\s*"/')
_TELLING = re.compile(rb'(?<!\\)"(?:[cC]ategory|[tT]ype|[mM]etricName)"\s*:')


class Azure:
    """Records of diagnostic settings."""

    kind = "azure"
    suffixes = (".json", ".jsonl")
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Near the beginning are a resource's path and a category, or the name of a metric."""
        start = head.start.lstrip()[:1]
        return start in {b"{", b"["} and all(pattern.search(head.start) for pattern in (_RESOURCE, _TELLING))

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """All records of a source load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of records."""
        source = files[0].source
        engine_records.prepare(session, source)
        for chunk in json_records.chunks(session, files):
            session.flush()
            with lent(session.db, chunk=chunk), planning.briefly(session.db, len(chunk)):
                errors = engine_records.reduced_errors(session, source, azure_events.ERROR_TEXTS)
                session.db.execute(
                    azure_events.RECORDS, {"source": source.name, "trace": source.authorities.get("trace")}
                )
                session.db.execute(azure_events.RETRIES)
            zone = engine_records.zone_for(session, source, files, azure_events.ZONELESS)
            with lent(session.db, error_facts=errors), planning.briefly(session.db, len(chunk)):
                session.db.execute(azure_events.EVENTS, {"source": source.name, "zone": zone})
            engine_records.close_chunk(session)
