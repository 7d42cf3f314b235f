"""`wardflow ingest` and `wardflow ledger`: files in, and the account of every line. Not here: reading any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import CheckFailed, call_of, format_option, home_options
from pipelines.cli.output import print_json, print_table, progress
from pipelines.cli.report import ingest_sentence
from pipelines.cli.roles import role_of, role_option, snapshot_as

if TYPE_CHECKING:
    from pipelines.accounts import FileAccount, IngestReport, Progress

COUNTS = ("lines_read", "loaded", "unchanged", "superseded", "ignored", "quarantined")
SHOWN_FILES = 40


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--source", metavar="NAME", help="The configured source that all these files came from.")
@click.option("--zone", metavar="IANA", help="Time zone of times that carry no offset, where the source does not say.")
@format_option
@home_options
def ingest(paths: tuple[Path, ...], source: str | None, zone: str | None, as_format: str) -> None:
    """Take in files or folders, and account for every line.

    A path may be a FHIR bulk export's folder (with or without manifest.json), a single file, an engine's log, or an archive of
    these; what each is, is told from its content. Files are read in place and never changed. The same content again changes
    nothing. Quarantined lines are reported and leave the exit code 0; exit code 1 when no path held anything readable.

    \b
    Example: wardflow ingest /mnt/exports/2026-04-13 --source ehr
             wardflow ingest engine.ndjson --zone Europe/London --format json
    """
    from pipelines import warehouse
    from pipelines.intake import ingest_paths

    call = call_of()
    home, settings = call.home(), call.settings()
    with home.lock(say=_say), warehouse.connect(settings) as db, progress("wardflow ingest") as advance:

        def on_progress(now: Progress) -> None:
            advance(now.label, now.bytes_done / now.bytes_total if now.bytes_total else 1.0)

        report = ingest_paths(db, settings, paths, source=source, zone=zone, progress=on_progress)
    if as_format == "json":
        print_json(report.to_json())
    else:
        _say_files(report, only_new=True)
    _fail_if_wrong(report)


@click.command()
@format_option
@role_option
@home_options
def ledger(as_format: str) -> None:
    """Show the account: what became of every line of every file ever taken in.

    For every file: lines read = loaded + unchanged + superseded + ignored + quarantined. File names and reasons are for the
    engineer role; other roles see the totals by source of the current snapshot. Exit code 1 when it does not balance.

    \b
    Example: wardflow ledger --format json
    """
    call = call_of()
    if role_of(call) != "engineer":
        _totals_only(as_format)
        return
    report = _account()
    if as_format == "json":
        print_json(report.to_json())
    else:
        _say_files(report, only_new=False)
    if not report.balanced:
        raise CheckFailed(
            "The account does not balance. Nothing will be published; restore the warehouse or ingest into a new home."
        )


def _account() -> IngestReport:
    from pipelines import warehouse
    from pipelines.accounts import IngestReport
    from pipelines.ledger import account

    call = call_of()
    home, settings = call.home(), call.settings()
    if not home.warehouse_path.exists():
        return IngestReport()
    with home.lock(say=_say), warehouse.connect(settings, read_only=True) as db:
        return account(db)


def _totals_only(as_format: str) -> None:
    """The account by source, from the published aggregates: what every role may see."""
    call = call_of()
    snapshot = snapshot_as(role_of(call))
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in COUNTS)
    by_source = snapshot.rows(f"select source, {sums} from total group by source order by source", total="ledger_total")
    totals = {name: sum(row[name] for row in by_source) for name in COUNTS}
    balanced = all(row["lines_read"] == sum(row[name] for name in COUNTS[1:]) for row in by_source)
    if as_format == "json":
        print_json({"files": [], "sources": by_source, "totals": totals, "balanced": balanced})
    else:
        print_table(
            ["source", *COUNTS],
            [[row["source"], *(row[name] for name in COUNTS)] for row in by_source],
            right=frozenset(range(1, 7)),
        )


def _say_files(report: IngestReport, *, only_new: bool) -> None:
    """A table of files, a few reasons, and the totals; many files that say nothing new are one line."""
    from pipelines.sources.findings import OF_FILES

    files = list(report.files)
    quiet = [file for file in files if only_new and not (file.loaded or file.quarantined)]
    shown = [file for file in files if not (only_new and not (file.loaded or file.quarantined))]
    rows = [_row(file) for file in shown[:SHOWN_FILES]]
    if rows:
        print_table(["file", "source", *COUNTS], rows, right=frozenset(range(2, 8)))
    if len(shown) > SHOWN_FILES:
        click.echo(f"… and {len(shown) - SHOWN_FILES:,} more files (--format json lists them all)")
    if quiet:
        click.echo(f"{len(quiet):,} files held nothing new")
    for file in files:
        for reason, n in file.reasons.items():
            click.echo(f"Quarantined in {file.path}: {n:,} × {reason}. {_cure(reason)}")
        for finding, n in file.findings.items():
            if meaning := OF_FILES.get(finding):
                click.echo(f"Found in {file.path}: {n:,} × {finding}. {meaning}")
    for left in report.unrecognised:
        click.echo(f"Left alone {left.path}: {left.why}")
    click.echo(ingest_sentence(report))


def _row(file: FileAccount) -> list[Any]:
    return [file.path, file.source, *(getattr(file, name) for name in COUNTS)]


def _cure(rule: str) -> str:
    from pipelines.sources.source import CURES

    return CURES.get(rule, "")


def _fail_if_wrong(report: IngestReport) -> None:
    if not report.balanced:
        raise CheckFailed("The account does not balance; nothing of the unbalanced files was kept. Ingest them again.")
    if not report.files:
        left = report.unrecognised[0] if report.unrecognised else None
        why = f"{left.path}: {left.why}" if left else "the paths hold no file"
        raise CheckFailed(f"Nothing was taken in: {why} Name files or folders of a FHIR export or an engine's log.")


def _say(line: str) -> None:
    click.echo(line, err=True)
