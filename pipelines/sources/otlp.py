"""OpenTelemetry: traces and logs as OTLP/JSON, one export request a document.

Here: which files are OTLP, and the order of work. Not here: documents in the bytes (`json_records`), what a span proves
(`otlp_events`). A document is one record of the account; a span that cannot be placed is a finding.

What it cannot know: what sampling left out, whether a span is a message at all or a health check, the message's type, its
acknowledgement code, and whether a trace repeats an earlier message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import engine_records, json_records, otlp_events
from pipelines.sources.events import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_START = re.compile(rb'\s*\[?\s*\{\s*"resource(?:Spans|Logs|Metrics)"\s*:')


class Otlp:
    """OTLP/JSON documents."""

    kind = "otlp"
    suffixes = (".json", ".jsonl", ".ndjson")
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """The first document begins with `resourceSpans`, `resourceLogs` or `resourceMetrics`."""
        return _START.match(head.start) is not None

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """All documents of a source load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of documents."""
        source = files[0].source
        engine_records.prepare(session, source)
        for chunk in json_records.chunks(session, files):
            session.flush()
            with lent(session.db, chunk=chunk), planning.briefly(session.db, len(chunk)):
                errors = engine_records.reduced_errors(session, source, otlp_events.ERROR_TEXTS)
                shared = {kind: source.authorities.get(kind) for kind in ("control", "trace")}
                session.db.execute(otlp_events.SPANS, {"source": source.name, **shared})
                session.db.execute(otlp_events.RECORDS, {"source": source.name})
            with lent(session.db, error_facts=errors), planning.briefly(session.db, len(chunk)):
                session.db.execute(otlp_events.EVENTS, {"source": source.name})
            session.db.execute(otlp_events.FINDINGS)
            engine_records.close_chunk(session)
