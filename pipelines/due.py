"""What is due to come in: the batches that the settings name, the registry and the decision journal.

Here: which paths one run takes in. Not here: reading them (`intake.ingest_paths`), and the Dagster step around it
(`defs.ingest`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipelines import decisions, exports, intake, registry, visit_rules
from pipelines.accounts import FileAccount, IngestReport
from pipelines.errors import TooManyAbsent
from pipelines.home import Home
from pipelines.sources import (
    counter_samples,
    discover,
    events,
    fhir_projection,
    human_touch,
    process_activities,
    process_records,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import duckdb

    from pipelines.settings import Settings
    from pipelines.sources import Batch

_DELIVERED_WHOLE = frozenset({"fhir", "places", None})
_DELIVERED_MARK, _LOGS_MARK = ".taken-in", ".logs-taken-in"
FOLLOWED_SETTLE_SECONDS = 60
"""How long the unfinished record in which a log ends waits at least where only engine logs are taken in: they are being written."""


def raw_tables() -> list[str]:
    """Every raw table that ingestion fills, sorted."""
    parts = (
        fhir_projection.TABLES,
        exports.TABLES,
        events.TABLES,
        human_touch.TABLES,
        counter_samples.TABLES,
        process_activities.TABLES,
        process_records.TABLES,
        registry.TABLES,
        visit_rules.TABLES,
        decisions.TABLES,
    )
    return sorted(name for part in parts for name in part if name.startswith("raw."))


def row_count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table now."""
    ((rows,),) = db.execute(f"select count(*) from {table}").fetchall()
    return rows


def take_in(
    db: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    with_fhir: bool = True,
    sources: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda _step: None,
) -> IngestReport:
    """Take in every due batch (of the named sources only, when given), the registry, the rules of visits and the journal.

    Raises:
        PipelineError: a path that cannot be read, a log without a zone, an account that does not add up.
        TooManyAbsent: an export lacks too much of what was known; everything due has been taken in.
    """
    say("ingesting")
    batches = discover(settings)
    marks = {_DELIVERED_MARK: fingerprint(settings, delivered(batches))}
    logs = {_LOGS_MARK: fingerprint(settings, growing(batches))}
    take_in_decided(db, settings)
    due = [
        batch
        for batch in batches
        if (with_fhir or is_growing(batch.kind)) and (sources is None or batch.source in sources)
    ]
    files: list[FileAccount] = []
    stopped: TooManyAbsent | None = None
    settle = settings.settle_seconds if with_fhir else max(settings.settle_seconds, FOLLOWED_SETTLE_SECONDS)
    for source in dict.fromkeys(batch.source for batch in due):
        paths = [path for batch in due if batch.source == source for path in batch.paths if path.exists()]
        try:
            found = intake.ingest_paths(db, settings, paths, source=source, settle_seconds=settle)
            files += found.files
        except TooManyAbsent as error:  # all is loaded: the other sources come in before the run stops
            stopped = stopped or error
    is_whole = not any("tail_held_back" in file.findings for file in files)
    for name, mark in ((marks if with_fhir and is_whole else {}) | logs if sources is None else {}).items():
        (settings.home / name).write_text(mark, encoding="utf-8")
    if stopped is not None:
        raise stopped
    return IngestReport(tuple(files))


def take_in_decided(db: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Take in what the hospital's own people wrote: the registry, the rules of visits and the journal of decisions."""
    registry.take_in(db, settings)
    visit_rules.take_in(db, settings.visits)
    if not _journal_is_known(db, settings):
        decisions.take_in(db, settings)


def _journal_is_known(db: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether the journal's very bytes are accounted for: reading them again would only change when they were last read."""
    path = Home(settings.home).decisions_path
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    known = db.execute("select 1 from account.file where kind = 'decisions' and sha256 = $digest", {"digest": digest})
    return bool(known.fetchall())


def is_growing(kind: str | None) -> bool:
    """Whether files of such a source are read while they are written."""
    return kind not in _DELIVERED_WHOLE


def growing(batches: Iterable[Batch]) -> list[Batch]:
    """The engine logs of configured sources: they are read while they are written."""
    return [batch for batch in batches if is_growing(batch.kind)]


def delivered(batches: Iterable[Batch]) -> list[Batch]:
    """What somebody puts there whole, and what lies in `landing/` without a source: it is read once it has stopped changing."""
    return [batch for batch in batches if not is_growing(batch.kind)]


def fingerprint(settings: Settings, batches: Iterable[Batch]) -> str:
    """Changes when a delivered file appears, grows or is replaced; the content is not read."""
    digest = hashlib.sha256()
    home = settings.home
    for path in sorted(path for batch in batches for path in batch.paths):
        for file in _files(path):
            try:
                state = file.stat()
            except FileNotFoundError:  # renamed since the folder was listed, which the next look sees
                continue
            shown = file.relative_to(home) if file.is_relative_to(home) else file
            digest.update(f"{shown}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def taken_in(settings: Settings) -> str:
    """The fingerprint of the delivered files that the last whole ingest found, by whoever ran it; empty before the first."""
    return _marked(settings.home / _DELIVERED_MARK)


def logs_taken_in(settings: Settings) -> str:
    """The fingerprint of the growing logs that the last ingest found, by whoever ran it; empty before the first."""
    return _marked(settings.home / _LOGS_MARK)


def _marked(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(inside for inside in path.rglob("*") if inside.is_file())
