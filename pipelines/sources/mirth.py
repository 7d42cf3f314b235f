"""Mirth Connect and Open Integration Engine: message XML (REST replies, export files, appended documents) and extracts of its
tables as CSV or Parquet, a snapshot source: the same messages prove the same events by every road. Beside it Mirth's own event log and
samples of its counters.

Here: which road a file came by; of XML, files to documents to rows to events, three kinds of work at once. Not here: finding documents
(`xml_documents`), reading one (`mirth_rows`), extracts (`mirth_extract`), the events that rows prove (`mirth_events`), the event log
(`mirth_audit`), counters (`mirth_counters`).

What it cannot know: the times of any attempt but the last (`attempts_exact` is false after a retry), states between two exports,
who sent a message again (another log has it), and what was removed by hand: a removed message is gone from the next export.
"""

from __future__ import annotations

import gc
import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.sources import counter_samples, engine_records, mirth_audit, mirth_counters, mirth_events, mirth_extract
from pipelines.sources.events import COLUMNS
from pipelines.sources.mirth_rows import RowReader
from pipelines.sources.xml_documents import Document, batches, parse_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_START = re.compile(rb"<message(?:\s[^<>]*)?>\s*<(?:messageId|serverId|channelId|receivedDate|processed)\b")
_EVENT_LOG = "event log"
_COUNTERS = "counters"
_PARSED_AHEAD = 2
_ROWS_AT_ONCE = 20_000

Batch = tuple["Intake", list[Document]]


class Mirth:
    """Mirth message XML, and extracts of its tables."""

    kind = "mirth"
    suffixes = (".xml", ".parquet", "-events.txt")
    promised: Mapping[str, Sequence[str]] = {
        "raw.interface_event": tuple(COLUMNS),
        "raw.counter_sample": tuple(counter_samples.COLUMNS),
    }

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """A message document, an event or the header of an event export, an extract or a sample stands near the file's beginning."""
        return (
            _START.search(head.start) is not None or self.together(head) is not None or mirth_extract.recognises(head)
        )

    def together(self, head: Head) -> str | None:
        """All message exports of a source load alike, and so do all event logs, and all samples of counters."""
        if mirth_counters.recognises(head):
            return _COUNTERS
        is_log = mirth_audit.is_export(head.start) or mirth_audit.is_list(head.start)
        return _EVENT_LOG if is_log and not _START.search(head.start) else None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """The messages first, which tell more of each than an extract does, then the extracts."""
        if files[0].resource_type == _EVENT_LOG:
            mirth_audit.load(session, files)
            return
        if files[0].resource_type == _COUNTERS:
            mirth_counters.load(session, files)
            return
        extracts = [file for file in files if mirth_extract.is_one(file)]
        documents = [file for file in files if file not in extracts]
        if documents:
            _load_documents(session, documents)
        if extracts:
            mirth_extract.load(session, extracts)


def _load_documents(session: Session, files: Sequence[Intake]) -> None:
    """Parse XML ahead in one thread, insert events in another and read rows in this one: lxml and DuckDB let Python go on.

    Only the inserting thread uses the database.
    """
    source = files[0].source
    reader = RowReader(source)
    engine_records.prepare(session, source)
    rows = mirth_events.Rows()
    found = ((each, batch) for each in files for batch in batches(session, each))
    with _no_collection(), ThreadPoolExecutor(1) as parsing, ThreadPoolExecutor(1) as inserting:
        insertion: Future[None] | None = None
        for (file, batch), parsed in _ahead(parsing, found):
            for document, element in zip(batch, parsed.result(), strict=True):
                rule = "unparseable" if element is None else reader.add(rows, file.file_id, document, element)
                if rule is not None:
                    session.quarantine(file, document.line, document.offset, rule, document.content)
            if len(rows.connectors) >= _ROWS_AT_ONCE:
                if insertion is not None:
                    insertion.result()
                insertion = inserting.submit(mirth_events.explode, session, source, rows)
                rows = mirth_events.Rows()
        if insertion is not None:
            insertion.result()
        mirth_events.explode(session, source, rows)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's cycle collector off: walking the hundred thousand rows that live for a moment takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _ahead(parsing: ThreadPoolExecutor, found: Iterator[Batch]) -> Iterator[tuple[Batch, Future]]:
    """Each batch with its elements to come; the next ones are being parsed already."""
    waiting: deque[tuple[Batch, Future]] = deque()
    for batch in found:
        waiting.append((batch, parsing.submit(parse_all, batch[1])))
        if len(waiting) > _PARSED_AHEAD:
            yield waiting.popleft()
    yield from waiting
