"""`wardflow pilot`: registered pilots and whether they worked, as published. Not here: the judging (`models.impact`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table, ready_for_json
from pipelines.cli.roles import role_of, role_option, snapshot_as

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot

PLAN = (
    "pilot",
    "kpi",
    "facility",
    "unit",
    "starts_on",
    "expected",
    "registered_at",
    "registered_by",
    "reason",
    "design",
)


@click.group()
def pilot() -> None:
    """Pilots: what was registered before looking, and whether it worked.

    \b
    Example: wardflow pilot list
             wardflow pilot evaluate discharge-by-noon
    """


@pilot.command(name="list")
@format_option
@role_option
@home_options
def list_pilots(as_format: str) -> None:
    """List every registered pilot with its verdict.

    \b
    Example: wardflow pilot list
    """
    rows = _results(snapshot_as(role_of(call_of())))
    if as_format == "json":
        print_json([_plan(row) | {"verdict": row["verdict"]} for row in rows])
        return
    print_table(
        ["pilot", "measure", "where", "from", "verdict"],
        [[row["pilot"], row["kpi"], _where(row), row["starts_on"], _words(row["verdict"])] for row in rows],
    )


@pilot.command()
@click.argument("name")
@format_option
@role_option
@home_options
def show(name: str, as_format: str) -> None:
    """Show the plan of a pilot as it was registered.

    \b
    Example: wardflow pilot show discharge-by-noon
    """
    plan = _plan(_one(snapshot_as(role_of(call_of())), name))
    if as_format == "json":
        print_json(plan)
        return
    for field, value in plan.items():
        click.echo(f"{field.replace('_', ' '):<14} {EMPTY if value is None else value}")


@pilot.command()
@click.argument("name")
@format_option
@role_option
@home_options
def evaluate(name: str, as_format: str) -> None:
    """Say whether a pilot worked: effect, interval, comparison, guardrails and verdict.

    Whole weeks before the first day against whole weeks after, whole days resampled; evaluated at the last publication.

    \b
    Example: wardflow pilot evaluate discharge-by-noon --format json
    """
    snapshot = snapshot_as(role_of(call_of()))
    row = _one(snapshot, name)
    document = _evaluation(snapshot, row)
    if as_format == "json":
        print_json(document)
        return
    for line in _said(row):
        click.echo(line)


@pilot.command()
@click.argument("name")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The HTML file to write.",
)
@role_option
@home_options
def report(name: str, out: Path) -> None:
    """Write a pilot's plan, result and chart as one printable HTML file.

    \b
    Example: wardflow pilot report discharge-by-noon --out discharge-by-noon.html
    """
    from pipelines.pack import pilot_report

    snapshot = snapshot_as(role_of(call_of()))
    row = _one(snapshot, name)
    if out.exists():
        raise WrongUse(f"{out} exists, and a report never overwrites. Name a new file.")
    out.write_text(pilot_report(snapshot, row, _series(snapshot, name), _said(row)), encoding="utf-8")
    click.echo(f"Wrote {out}")


def _results(snapshot: Snapshot) -> list[dict[str, Any]]:
    return snapshot.rows("select * from results order by pilot", results="pilot_result")


def _one(snapshot: Snapshot, name: str) -> dict[str, Any]:
    from models.errors import did_you_mean

    rows = {row["pilot"]: row for row in _results(snapshot)}
    if name not in rows:
        known = did_you_mean(name, rows) if rows else " None is registered: `wardflow decide pilot NAME --kind pilot`."
        raise WrongUse(f"There is no pilot {name!r}.{known}")
    return rows[name]


def _series(snapshot: Snapshot, name: str) -> list[dict[str, Any]]:
    query = "select * exclude (pilot) from weeks where pilot = $name order by is_pilot desc, place, week"
    return snapshot.rows(query, {"name": name}, weeks="pilot_week")


def _plan(row: dict[str, Any]) -> dict[str, Any]:
    return ready_for_json({name: row[name] for name in PLAN})


def _evaluation(snapshot: Snapshot, row: dict[str, Any]) -> dict[str, Any]:
    from models.kpis import KPIS

    found = KPIS.get(row["kpi"] or "")
    return {
        **ready_for_json(row),
        "as_of": snapshot.as_of,
        "place": {"facility": row["facility"], "unit": row["unit"]},
        "unit": found.unit if found else None,
        "why": list(row["why"]),
        "guardrails": json.loads(row["guardrails"]),
        "series": [ready_for_json(each) for each in _series(snapshot, row["pilot"])],
    }


def _said(row: dict[str, Any]) -> list[str]:
    """The result in words, one statement a line."""
    from models import wording
    from models.kpis import KPIS

    found = KPIS.get(row["kpi"] or "")
    lines = [f"{row['pilot']}: {_words(row['verdict'])}", *row["why"]]
    if found is None or row["effect"] is None:
        return lines

    def change(name: str) -> str:
        return wording.change(row[name], found.unit)

    lines.append(
        f"{found.title}, {_where(row)}: {wording.value(row['before'], found.unit)} in {row['weeks_before']} weeks before, "
        f"{wording.value(row['after'], found.unit)} in {row['weeks_after']} weeks from {row['starts_on']} on"
    )
    if row["comparison_effect"] is not None:
        lines.append(
            f"{row['compared_with']} in the same weeks: {change('comparison_effect')} "
            f"(95 % interval {change('comparison_low')} to {change('comparison_high')})"
        )
    if row["net_effect"] is not None:
        lines.append(f"Less their change: {change('net_effect')} ({change('net_low')} to {change('net_high')})")
    if row["minimum_detectable_effect"] is not None:
        least = wording.value(row["minimum_detectable_effect"], found.unit)
        lines.append(f"These weeks would show a change of {least} or more in four of five pilots")
    if row["needs_more_weeks"]:
        lines.append(f"About {row['needs_more_weeks']} more weeks on each side would show the hoped-for change")
    for rail in json.loads(row["guardrails"]):
        title = KPIS[rail["kpi"]].title if rail["kpi"] in KPIS else rail["kpi"]
        lines.append(f"Guardrail {title}: {_words(rail['state'])}")
    return lines


def _where(row: dict[str, Any]) -> str:
    return ", ".join(part for part in (row["facility"], row["unit"]) if part) or "all facilities"


def _words(state: str) -> str:
    return state.replace("_", " ")
