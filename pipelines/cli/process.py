"""`wardflow process`: where work gets stuck, in a workflow of the published snapshot or in any event log.

Here: the command and its words. Not here: the mining (`models.process`), reading a CSV file (`pipelines.event_log`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.aggregates.periods import last_monday
from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table
from pipelines.cli.roles import role_of, role_option, snapshot_as

if TYPE_CHECKING:
    from models.process import Process
    from pipelines.event_log import EventLog

SHOWN_EDGES, SHOWN_VARIANTS = 15, 10
HOUR = 3600


@click.command()
@click.argument("workflow", required=False)
@click.option("--facility", metavar="NAME", help="Of one facility.  [default: all]")
@click.option(
    "--weeks",
    type=click.Choice(["4", "13", "26"]),
    help="Cases that began in the last whole weeks before the data cut.  [default: all]",
)
@click.option(
    "--csv",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
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
@role_option
@home_options
def process(workflow: str | None, path: Path | None, as_format: str, **asked: Any) -> None:  # noqa: ANN401 -- click checks each
    """Show the steps of a process, how long the waits between them take, and on which paths cases go.

    WORKFLOW is ed-to-bed, order-to-acknowledged-result, discharge, message-delivery or the key of a process of a process engine,
    read from the current snapshot; or name any event log with --csv.

    Waits are ranked by the time lost beyond their target, and by their sum where no target is given. Equal times are
    ordered by --order, by default the file's row; the order of the rows decides nothing else.

    \b
    Example: wardflow process ed-to-bed --weeks 13
             wardflow process --csv log.csv --case patient --activity step --at time
             wardflow process --csv log.csv --case case --activity step --at time --lifecycle kind --format json
    """
    if (workflow is None) == (path is None):
        raise WrongUse("Name a WORKFLOW of the snapshot, or an event log with --csv FILE: one of the two.")
    if workflow is not None:
        weeks = asked["weeks"] and int(asked["weeks"])
        say_document(published(workflow, asked["facility"], weeks), as_format)
    elif path is not None:
        say_document(
            _mined(path, **{name: asked[name] for name in asked if name not in ("weeks", "facility")}), as_format
        )


def _mined(path: Path, *, case: str, activity: str, occurred_at: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 -- as above
    """What an event log says, as JSON; what was left out of it goes to standard error, one line a rule."""
    import duckdb

    from models.process import mine
    from pipelines import event_log

    for option, column in (("case", case), ("activity", activity), ("at", occurred_at)):
        if column is None:
            raise WrongUse(f"--csv needs --{option}: which column is it? See the file's header.")
    columns = event_log.Columns(case, activity, occurred_at, asked["order"], asked["lifecycle"])
    with duckdb.connect() as db:
        log = event_log.read(db, path, columns, _zone(asked["zone"]))
        found = mine(
            db,
            event_log.EVENTS,
            ties=asked["ties"],
            ends=asked["ends"],
            unfinished=log.unfinished,
            targets={(start, end): minutes * 60 for start, end, minutes in asked["targets"]},
            most_variants=asked["variants"],
        )
    for bad in log.bad:
        click.echo(
            f"wardflow: {path}, line {bad.line}: {bad.rule}; {_counted(bad.count)} left out. {bad.cure}", err=True
        )
    for name in asked["ends"]:
        if not any(each.name == name for each in found.activities):
            click.echo(f"wardflow: no event of {path} is {name!r}, so no case ends with it.", err=True)
    return document(found) | _account(log)


def _zone(name: str | None) -> str | None:
    from zoneinfo import ZoneInfo

    try:
        return name and ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as error:
        raise WrongUse(f"--zone {name!r} is no time zone. Write it like Europe/Berlin.") from error


def _counted(count: int) -> str:
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


def say_document(found: dict[str, Any], as_format: str) -> None:
    """Print a process as JSON or as text."""
    if as_format == "json":
        print_json(found)
        return
    if found["cases"] is None:
        click.echo("So few cases that their numbers are hidden. Ask for all facilities or a longer time.")
        return
    open_cases = "" if found["open_cases"] is None else f", {found['open_cases']:,} open"
    click.echo(f"{found['cases']:,} cases{open_cases}, {found['events']:,} events, {found['variants']:,} variants")
    spent = found["throughput_seconds"]
    click.echo(f"First to last step: half within {_time(spent['median'])}, nine of ten within {_time(spent['p90'])}")
    if found["happy_share"] is not None:
        click.echo(f"Most usual path ({found['happy_share']:.0%} of cases): {' > '.join(found['happy_path'])}")
    decided = (found.get("on_path_cases") or 0) + (found.get("off_path_cases") or 0)
    if decided:
        click.echo(f"Registered path: {found['on_path_cases'] / decided:.0%} of {decided:,} cases kept to it")
    click.echo(f"Rework: a step recurs in {found['rework_cases']:,} cases")
    for note in found.get("notes", ()):
        click.echo(f"Note: {note}")
    click.echo()
    edges = [each for each in found["edges"] if each["count"] is not None]
    print_table(
        ["from", "to", "count", "median", "p90", "hours waited", "in queue", "hours lost"],
        [_edge_row(each) for each in edges[:SHOWN_EDGES]],
        right=frozenset({2, 3, 4, 5, 6, 7}),
    )
    if len(edges) > SHOWN_EDGES:
        click.echo(f"{len(edges) - SHOWN_EDGES:,} more edges: --format json lists them all.")
    if len(edges) < len(found["edges"]):
        click.echo(f"{len(found['edges']) - len(edges):,} edges of few cases are hidden.")
    click.echo()
    print_table(
        ["cases", "path"],
        [
            [each["count"], " > ".join(each["path"] or ["other paths"])]
            for each in found["top_variants"][:SHOWN_VARIANTS]
            if each["count"] is not None
        ],
        right=frozenset({0}),
    )


def _edge_row(edge: dict[str, Any]) -> list[object]:
    lost, queue = edge["lost_seconds"], edge["queue_total_seconds"]
    return [
        edge["from"],
        edge["to"],
        edge["count"],
        _time(edge["wait_median_seconds"]),
        _time(edge["wait_p90_seconds"]),
        f"{edge['wait_total_seconds'] / HOUR:,.1f}",
        None if queue is None else f"{queue / HOUR:,.1f}",
        None if lost is None else f"{lost / HOUR:,.1f}",
    ]


def _time(seconds: float | None) -> str:
    """A duration as people say it."""
    from models import wording

    return EMPTY if seconds is None else wording.duration(seconds / 60)


def published(workflow: str, facility: str | None, weeks: int | None) -> dict[str, Any]:
    """A workflow as the current snapshot tells it: the published edges, paths and totals, in the shape of `document`.

    Raises:
        WrongUse: no such workflow, or no such facility in it.
    """
    from models.errors import did_you_mean

    snapshot = snapshot_as(role_of(call_of()))
    query = "select * from told where workflow = $workflow and facility is not distinct from $facility and "
    query += (
        "grain = 'all'" if weeks is None else "grain = 'window' and period_end - period = $days and period_end = $end"
    )
    end = last_monday(snapshot.as_of)
    asked = {"workflow": workflow, "facility": facility}
    span = {} if weeks is None else {"days": weeks * 7, "end": end}

    def rows(table: str) -> list[dict[str, Any]]:
        return snapshot.rows(query, asked | span, told=table)

    known = snapshot.rows("select distinct workflow, facility from told", told="process_summary")
    if workflow not in (names := sorted({row["workflow"] for row in known})):
        raise WrongUse(f"The snapshot holds no workflow {workflow!r}.{did_you_mean(workflow, names)}")
    if facility is not None and facility not in (places := sorted({row["facility"] for row in known} - {None})):
        raise WrongUse(f"The snapshot holds no facility {facility!r}.{did_you_mean(facility, places)}")
    summaries = rows("process_summary")
    if not summaries:
        raise WrongUse(f"No case of {workflow} began in these weeks. Leave --weeks out to see all.")
    (total,) = summaries
    paths = sorted(rows("process_variant"), key=lambda row: (-(row["cases"] or 0), row["path"] or []))
    edges = sorted(rows("process_edge"), key=_most_lost_first)
    happy = next((row for row in paths if row["path"] and row["cases"]), None)
    return {
        "workflow": workflow,
        "facility": facility,
        "as_of": snapshot.as_of.isoformat(),
        "snapshot": snapshot.manifest.id,
        **{name: total[name] for name in _TOTALS if name in total},
        "edges": [
            {"from": row["activity"], "to": row["next_activity"], **{n: v for n, v in row.items() if n not in _PLACE}}
            for row in edges
        ],
        "top_variants": [
            {"path": row["path"], "count": row["cases"], "suppressed": row["suppressed"]} for row in paths
        ],
        "throughput_seconds": {name: total[f"throughput_{name}_seconds"] for name in ("median", "p90", "mean")},
        "happy_path": happy["path"] if happy else [],
        "happy_share": happy["cases"] / total["cases"] if happy and total["cases"] else None,
        "deviations": [_without_place(row) for row in sorted(rows("process_deviation"), key=_most_cases_first)],
        "rules": [_without_place(row) for row in sorted(rows("process_rule"), key=lambda row: row["step_no"])],
    }


_TOTALS = (
    *("cases", "events", "variants", "open_cases", "rework_cases"),
    *("on_path_cases", "off_path_cases", "unknown_path_cases", "suppressed"),
)
_PLACE = ("workflow", "facility", "grain", "period", "period_end", "activity", "next_activity")


def _without_place(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name == "activity" or name not in _PLACE}


def _most_cases_first(row: dict[str, Any]) -> tuple[int, str, str]:
    return -(row["cases"] or 0), row["kind"], row["activity"]


def _most_lost_first(row: dict[str, Any]) -> tuple[float, float, str, str]:
    return (-(row["lost_seconds"] or 0), -(row["wait_total_seconds"] or 0), row["activity"], row["next_activity"])
