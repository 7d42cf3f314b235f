"""OpenHIM: transactions and tasks as its REST interface or mongoexport write them, a snapshot source.

Here: which files are OpenHIM's, and the order of work. Not here: records in the bytes (`json_records`), what a transaction
proves (`openhim_events`).

What it cannot know: states between two exports; when a transaction that a crash left behind really ended; steps that the
export's representation leaves out; who sent a transaction again, where the tasks are not exported too; what a channel is
called. The answer of a mediator may carry that mediator's clock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import engine_records, json_records, openhim_events
from pipelines.sources.events import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session


def _key(*names: bytes) -> re.Pattern[bytes]:
    """One of these keys, not inside a text."""
    return re.compile(rb'(?<!\\)"(?:' + b"|".join(names) + rb')"\s*:')


_TRANSACTION = (
    _key(b"_id"),
    _key(b"request"),
    _key(b"channelID", b"clientID", b"canRerun", b"autoRetry", b"orchestrations"),
)
_TASK = (_key(b"_id"), _key(b"tid"), _key(b"tstatus", b"remainingTransactions", b"totalTransactions", b"batchSize"))


class OpenHim:
    """OpenHIM transactions and tasks."""

    kind = "openhim"
    suffixes = (".json", ".ndjson")
    promised: Mapping[str, Sequence[str]] = {"raw.interface_event": tuple(COLUMNS)}

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """Near the beginning are the keys of a transaction, or those of a task."""
        start = head.start.lstrip()[:1]
        return start in {b"{", b"["} and any(
            all(key.search(head.start) for key in keys) for keys in (_TRANSACTION, _TASK)
        )

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """Transactions and tasks load alike."""
        return None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass of DuckDB a chunk of records."""
        source = files[0].source
        engine_records.prepare(session, source)
        for chunk in json_records.chunks(session, files):
            session.flush()
            with lent(session.db, chunk=chunk), planning.briefly(session.db, len(chunk)):
                errors = engine_records.reduced_errors(session, source, openhim_events.ERROR_TEXTS)
                session.db.execute(
                    openhim_events.RECORDS, {"source": source.name, "trace": source.authorities.get("trace")}
                )
                session.db.execute(openhim_events.STEPS, {"source": source.name})
            zone = engine_records.zone_for(session, source, files, openhim_events.ZONELESS)
            with lent(session.db, error_facts=errors), planning.briefly(session.db, len(chunk)):
                session.db.execute(openhim_events.EVENTS, {"source": source.name, "zone": zone})
            session.db.execute(openhim_events.FINDINGS, {"zone": zone})
            engine_records.close_chunk(session)
