"""`wardflow kpi value` and `kpi cases`: a value, and the cases behind it.

Here: options to a `Selection`, and printing. Not here: arithmetic (`models.kpi`), and what leadership reads instead (`published_values`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import published_values
from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.output import local, print_json, print_table, ready_for_json
from pipelines.cli.roles import open_cases, purpose_option, role_of, role_option, snapshot_as

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from models.kpi import Kpi, Selection
    from pipelines.snapshot_reader import Snapshot

GRAINS = ("hour", "day", "week", "month")
SHOWN_CASES = 20


def selection_options(command: Callable[..., None]) -> Callable[..., None]:
    """`--by --where --from --to --grain`, on every command that selects cases; the command gets them as one `selection`."""

    @functools.wraps(command)
    def with_selection(
        *args: Any,  # noqa: ANN401 -- whatever else the command takes
        by: tuple[str, ...],
        where: tuple[str, ...],
        start: datetime | None,
        end: datetime | None,
        grain: str | None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        command(*args, selection=_selection(by, where, start, end, grain), **kwargs)

    day = click.DateTime(["%Y-%m-%d"])
    options = (
        click.option("--by", multiple=True, metavar="DIM", help="Break down by this dimension; may be repeated."),
        click.option(
            "--where",
            multiple=True,
            metavar="DIM=VALUE",
            help="Only these cases; repeat for more values or dimensions.",
        ),
        click.option("--from", "start", type=day, metavar="DATE", help="From this local day on."),
        click.option("--to", "end", type=day, metavar="DATE", help="Before this local day."),
        click.option(
            "--grain",
            type=click.Choice(GRAINS),
            help="One value for each local hour, day, week (from Monday) or month.",
        ),
    )
    decorated: Callable[..., None] = with_selection
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


@click.command()
@click.argument("kpi_id", metavar="ID")
@selection_options
@format_option
@role_option
@home_options
def value(
    kpi_id: str,
    selection: Selection,
    as_format: str,
) -> None:
    """Compute a KPI: its value, what it is out of, what is still open, what was left out, and whether it is ready.

    Leadership reads published aggregates only: by facility and unit, by day, week or month, all time or the published windows,
    small numbers hidden. Other roles may break down by every dimension of the KPI and choose any days.

    \b
    Example: wardflow kpi value ed_length_of_stay --by facility --from 2026-03-02 --to 2026-03-30
             wardflow kpi value lab_turnaround --where priority=stat --grain week --format json
    """
    from models.kpis import find_kpi

    found = find_kpi(kpi_id)
    snapshot = snapshot_as(role_of(call_of()))
    answer = published_values.value if snapshot.role == "leadership" else _computed
    document = answer(snapshot, found, selection)
    if as_format == "json":
        print_json(document)
    else:
        _say_value(document, found, selection, snapshot)


def _computed(snapshot: Snapshot, found: Kpi, selection: Selection) -> dict[str, Any]:
    """A value computed from the published cases."""
    from models.kpi import evaluate, exclusions
    from models.readiness import assess

    mart, as_of = snapshot.frame(found.mart), snapshot.as_of_table(found.mart)
    rows = evaluate(found, mart, selection, as_of=as_of).collect("pyarrow").to_native().to_pylist()
    verdict = assess(found, mart, selection, snapshot.failed_checks(found))
    whole = {} if selection.grain else {"period": selection.start}
    return {
        **published_values.heading(snapshot, found, as_of),
        "readiness": {"state": verdict.state, "why": list(verdict.why)},
        "resolution_minutes": verdict.resolution_minutes,
        "exclusions": [{"rule": rule, "n": n} for rule, n in exclusions(found, mart, selection)],
        "rows": [
            published_values.ordered(ready_for_json(whole | row | {"suppressed": False}), selection.by) for row in rows
        ],
    }


@click.command()
@click.argument("kpi_id", metavar="ID")
@selection_options
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help=f"At most N cases.  [default: all; {SHOWN_CASES} as text]"
)
@purpose_option
@format_option
@role_option
@home_options
def cases(
    kpi_id: str,
    selection: Selection,
    limit: int | None,
    purpose: str | None,
    as_format: str,
) -> None:
    """List the cases behind a value, longest or failed first, each with its source file and line.

    Needs the informatics role and a purpose, which goes into the access log; file and line are for engineers. --by and --grain
    are those of the value: they never change which cases count.

    \b
    Example: wardflow kpi cases lab_turnaround --where unit=ICU --limit 20 --purpose "slow stat orders, 12 March"
    """
    from models.kpis import find_kpi

    found = find_kpi(kpi_id)
    _need_dimensions(found, selection)
    call = call_of()
    role = open_cases(call, what=f"{found.mart} behind {found.id}{_asked(selection)}", purpose=purpose)
    snapshot = snapshot_as(role)
    rows = _cases(snapshot, found, selection)
    shown = rows[: limit or (len(rows) if as_format == "json" else SHOWN_CASES)]
    if as_format == "json":
        print_json(
            {
                **published_values.heading(snapshot, found, snapshot.as_of_table(found.mart)),
                "total": len(rows),
                "rows": shown,
            }
        )
        return
    worth = _worth_name(found)
    print_table(
        ["case", worth, "facility", "unit", "day", "open", "file", "line"],
        [
            [
                each["case_key"],
                _said(each[worth], found),
                each["facility"],
                each["unit"],
                each["day"],
                each["is_open"],
                each["file"],
                each["line"],
            ]
            for each in shown
        ],
    )
    click.echo(f"{len(shown):,} of {len(rows):,} cases" + ("; --limit shows more" if len(shown) < len(rows) else ""))


def _cases(snapshot: Snapshot, found: Kpi, selection: Selection) -> list[dict[str, Any]]:
    """The cases as JSON rows, the ones worth opening first; file and line only where the role may see them."""
    from models.kpi import cases as cases_of

    worth = _worth_name(found)
    rows = cases_of(found, snapshot.frame(found.mart), selection).collect("pyarrow").to_native().to_pylist()
    files = (
        {row["file_id"]: row["path"] for row in snapshot.rows("select file_id, path from delivered", delivered="file")}
        if snapshot.may_open("file")
        else None
    )
    wanted = {"up": False, "down": True, "neither": True}[found.improves]
    rows.sort(key=lambda row: (row["flag"] is not wanted, -(row["value"] or 0.0), row["period"], row["case_key"]))
    return [
        {
            "case_key": row["case_key"],
            worth: row["flag"] if worth == "flag" else 1 if worth == "value_count" else row["value"],
            "facility": row["facility"],
            "unit": row["unit"],
            "day": row["period"],
            "is_open": row["is_open"],
            "journey_key": row["journey_key"],
            "file": files.get(row["file_id"]) if files is not None else None,
            "line": row["line"] if files is not None else None,
        }
        for row in rows
    ]


def _worth_name(found: Kpi) -> str:
    return "flag" if found.unit == "percent" else f"value_{found.unit}"


def _said(worth: Any, found: Kpi) -> str:  # noqa: ANN401 -- a flag or an amount
    from models import wording

    if isinstance(worth, bool):
        return "yes" if worth else "no"
    return wording.value(worth, found.unit)


def _selection(
    by: Sequence[str], where: Sequence[str], start: datetime | None, end: datetime | None, grain: str | None
) -> Selection:
    """What was asked, as the core understands it.

    Raises:
        WrongUse: `--where` without `=`, or an end before its start.
    """
    from models.kpi import Selection

    if start and end and end <= start:
        raise WrongUse(
            f"--to {end:%Y-%m-%d} is not after --from {start:%Y-%m-%d}: no day lies between. --to is exclusive; give a later day."
        )
    filters: dict[str, tuple[object, ...]] = {}
    for each in where:
        name, is_pair, wanted = each.partition("=")
        if not is_pair or not name:
            raise WrongUse(f"--where {each!r} is no DIM=VALUE. Write, for example, --where facility=Northfield.")
        filters[name] = (*filters.get(name, ()), wanted or None)
    return Selection(
        by=tuple(dict.fromkeys(by)),
        where=filters,
        start=start.date() if start else None,
        end=end.date() if end else None,
        grain=grain,  # pyright: ignore[reportArgumentType] -- click.Choice allows no other word
    )


def _need_dimensions(found: Kpi, selection: Selection) -> None:
    """Refuse a wrong dimension before the access log says that cases were opened."""
    from models.errors import UnknownDimension

    for dimension in (*selection.by, *selection.where):
        if dimension not in found.dimensions:
            raise UnknownDimension(dimension, found.id, found.dimensions)


def _asked(selection: Selection) -> str:
    parts = [f"{name} in ({', '.join(str(v) for v in values)})" for name, values in selection.where.items()]
    parts += [f"from {selection.start}"] if selection.start else []
    parts += [f"to {selection.end}"] if selection.end else []
    return f" where {', '.join(parts)}" if parts else ""


def _say_value(document: dict[str, Any], found: Kpi, selection: Selection, snapshot: Snapshot) -> None:
    from models import wording

    click.echo(f"{found.title}, data to {local(document['as_of'], snapshot.zone)}")
    state = document["readiness"]["state"]
    if state != "ready":
        click.echo(f"{state}: {' '.join(document['readiness']['why'])}")
    elif known := wording.known_within(document["resolution_minutes"]):
        click.echo(known)
    names = [*selection.by, *(["period"] if selection.grain else [])]
    threshold = int(snapshot.manifest.settings.get("suppress_below", 0))

    def said(row: dict[str, Any]) -> list[object]:
        keys = [row[name] for name in names]
        if row["suppressed"]:
            return [*keys, f"suppressed ({wording.suppressed(threshold)})", None, None]
        worth = "withheld" if state == "withheld" else wording.value(row["value"], found.unit)
        return [*keys, worth, wording.number(row["denominator"]), wording.number(row["open_cases"])]

    width = len(names)
    print_table(
        [*names, "value", "out of", "still open"],
        [said(row) for row in document["rows"]],
        right=frozenset(range(width, width + 3)),
    )
    for each in document["exclusions"]:
        if each["n"]:
            click.echo(f"Left out: {each['n']:,}, {each['rule']}")
