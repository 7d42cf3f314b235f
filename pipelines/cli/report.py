"""What a run did, in words and as JSON: shared by `wardflow run` and `wardflow demo`. Not here: running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from models.publication import Manifest
    from pipelines.accounts import IngestReport
    from pipelines.refresh import RefreshResult


def refresh_document(result: RefreshResult) -> dict[str, Any]:
    """A run as JSON."""
    manifest, ingested = result.manifest, result.ingested
    return {
        "succeeded": result.succeeded,
        "failure": result.failure,
        "blocked_by": list(result.blocked_by),
        "seconds": round(result.seconds, 1),
        "ingested": None
        if ingested is None
        else {"files": len(ingested.files), "totals": ingested.totals, "balanced": ingested.balanced},
        "snapshot": None if manifest is None else manifest.id,
        "as_of": None if manifest is None else manifest.as_of.isoformat(),
        "files_written": list(result.written),
    }


def say_refresh(result: RefreshResult) -> None:
    """A run in a few calm lines. A failure is not said here: it becomes the command's one line of error."""
    if result.ingested is not None:
        click.echo(ingest_sentence(result.ingested))
    if result.manifest is not None and result.succeeded:
        new = f"{len(result.written)} new files" if result.written else "nothing had changed"
        click.echo(f"Published  snapshot {result.manifest.id} ({new})")
        click.echo(checks_sentence(result.manifest))
    click.echo(f"Took       {result.seconds:.1f} s")


def ingest_sentence(report: IngestReport) -> str:
    """The account in one line."""
    totals = report.totals
    kept = ", ".join(
        f"{totals[name]:,} {name}" for name in ("loaded", "unchanged", "superseded", "ignored", "quarantined")
    )
    verdict = "balanced" if report.balanced else "NOT BALANCED"
    return f"Ingested   {len(report.files):,} files, {totals['lines_read']:,} lines: {kept}; {verdict}"


def checks_sentence(manifest: Manifest) -> str:
    """How many checks passed, in one line, and the data cut."""
    failed = len(manifest.checks.failed)
    worst = f"{failed} failed (`wardflow status` names them)" if failed else "none failed"
    return f"Checks     {manifest.checks.passed:,} passed, {worst}"
