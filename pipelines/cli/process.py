"""`wardflow process`: where work gets stuck, in a workflow of the published snapshot or in any event log.

Here: the command and its words. Not here: the mining (`models.process`), reading a CSV file (`pipelines.event_log`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import WrongUse, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.process import Process
    from pipelines.event_log import EventLog

SHOWN_EDGES, SHOWN_VARIANTS = 15, 10
HOUR = 3600


@click.command()
@click.option(
    "--csv",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    required=True,
    help="An event log: a header, one event a line.",
)
@click.option("--case", metavar="COL", help="The column that names the case.")
@click.option("--activity", metavar="COL", help="The column that names the step.")
@click.option("--at", "occurred_at", metavar="COL", help="The column that holds the time.")
@click.option(
    "--order", metavar="COL", help="Which of two events at the same time came first.  [default: the file's row]"
)
@click.option("--lifecycle", metavar="COL", help="Tells start from complete; waits are between completed steps.")
@click.option(
    "--ties",
    type=click.Choice(["order", "set"]),
    default="order",
    show_default=True,
    help="Events of a case at one time: in their order, or as one step.",
)
@click.option("--zone", metavar="ZONE", help="The time zone of times without an offset.  [default: taken as written]")
@click.option("--end", "ends", metavar="ACTIVITY", multiple=True, help="A step that finishes a case; others are open.")
@click.option(
    "--target",
    "targets",
    type=(str, str, float),
    metavar="FROM TO MINUTES",
    multiple=True,
    help="How long a wait may take; steps are ranked by what is beyond.",
)
@click.option(
    "--variants", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Variants listed."
)
@format_option
@home_options
def process(
    path: Path,
    ties: Any,  # noqa: ANN401 -- click checks the choice
    zone: str | None,
    ends: tuple[str, ...],
    targets: tuple[tuple[str, str, float], ...],
    variants: int,
    as_format: str,
    **columns: str | None,
) -> None:
    """Show the steps of a process, how long the waits between them take, and on which paths cases go.

    Waits are ranked by the time lost beyond their target, and by their sum where no target is given. Equal times are
    ordered by --order, by default the file's row; the order of the rows decides nothing else.

    \b
    Example: wardflow process --csv log.csv --case patient --activity step --at time
             wardflow process --csv log.csv --case case --activity step --at time --lifecycle kind --format json
    """
    import duckdb

    from models.process import mine
    from pipelines import event_log

    for option in ("case", "activity", "occurred_at"):
        if columns[option] is None:
            raise WrongUse(
                f"--csv needs --{'at' if option == 'occurred_at' else option}: which column is it? See the file's header."
            )
    with duckdb.connect() as db:
        log = event_log.read(db, path, event_log.Columns(**columns), _zone(zone))  # pyright: ignore[reportArgumentType] -- checked above
        found = mine(
            db,
            event_log.EVENTS,
            ties=ties,
            ends=ends,
            unfinished=log.unfinished,
            targets={(start, end): minutes * 60 for start, end, minutes in targets},
            most_variants=variants,
        )
    for bad in log.bad:
        click.echo(f"wardflow: {path}, line {bad.line}: {bad.rule}; {_rows(bad.count)} left out. {bad.cure}", err=True)
    for name in ends:
        if not any(each.name == name for each in found.activities):
            click.echo(f"wardflow: no event of {path} is {name!r}, so no case ends with it.", err=True)
    if as_format == "json":
        print_json(document(found) | _account(log))
    else:
        _print(found, log.notes)


def _zone(name: str | None) -> str | None:
    from zoneinfo import ZoneInfo

    try:
        return name and ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as error:
        raise WrongUse(f"--zone {name!r} is no time zone. Write it like Europe/Berlin.") from error


def _rows(count: int) -> str:
    return "one row" if count == 1 else f"{count:,} rows"


def _account(log: EventLog) -> dict[str, Any]:
    return {"rows": log.rows, "bad_rows": [vars(each) for each in log.bad], "notes": list(log.notes)}


def document(found: Process) -> dict[str, Any]:
    """A process as JSON; edges ranked."""
    return {
        "cases": found.cases,
        "events": found.events,
        "variants": found.variants,
        "open_cases": found.open_cases,
        "edges": [{"from": each.start, "to": each.end, **_rest(each)} for each in found.edges],
        "top_variants": [{"path": list(each.path), "count": each.count} for each in found.top_variants],
        "throughput_seconds": vars(found.throughput),
        "happy_path": list(found.happy_path),
        "happy_share": found.happy_share,
        "rework_cases": found.rework_cases,
        "activities": [vars(each) for each in found.activities],
    }


def _rest(edge: Any) -> dict[str, Any]:  # noqa: ANN401 -- an Edge; the type is imported for checking only
    return {name: value for name, value in vars(edge).items() if name not in ("start", "end")}


def _print(found: Process, notes: Sequence[str]) -> None:
    open_cases = "" if found.open_cases is None else f", {found.open_cases:,} open"
    click.echo(f"{found.cases:,} cases{open_cases}, {found.events:,} events, {found.variants:,} variants")
    spent = found.throughput
    click.echo(f"First to last step: half within {_time(spent.median)}, nine of ten within {_time(spent.p90)}")
    if found.happy_share is not None:
        click.echo(f"Most usual path ({found.happy_share:.0%} of cases): {' > '.join(found.happy_path)}")
    click.echo(f"Rework: a step recurs in {found.rework_cases:,} cases")
    for note in notes:
        click.echo(f"Note: {note}")
    click.echo()
    print_table(
        ["from", "to", "count", "median", "p90", "hours waited", "hours lost"],
        [
            [
                each.start,
                each.end,
                each.count,
                _time(each.wait_median_seconds),
                _time(each.wait_p90_seconds),
                f"{each.wait_total_seconds / HOUR:,.1f}",
                None if each.lost_seconds is None else f"{each.lost_seconds / HOUR:,.1f}",
            ]
            for each in found.edges[:SHOWN_EDGES]
        ],
        right=frozenset({2, 3, 4, 5, 6}),
    )
    if len(found.edges) > SHOWN_EDGES:
        click.echo(f"{len(found.edges) - SHOWN_EDGES:,} more edges: --format json lists them all.")
    click.echo()
    print_table(
        ["cases", "path"],
        [[each.count, " > ".join(each.path)] for each in found.top_variants[:SHOWN_VARIANTS]],
        right=frozenset({0}),
    )


def _time(seconds: float | None) -> str:
    """A duration as people say it."""
    from models import wording

    return EMPTY if seconds is None else wording.duration(seconds / 60)
