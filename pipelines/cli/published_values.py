"""What leadership reads instead of cases: the published aggregates of a KPI, where small numbers were hidden when they were made.

Here: finding the published cells that answer a selection. Not here: computing or hiding anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.cli.edge import WrongUse
from pipelines.cli.output import ready_for_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from models.kpi import Kpi, Selection
    from pipelines.snapshot_reader import Snapshot

DIMENSIONS = ("facility", "unit")
GRAINS = ("day", "week", "month")
NUMBERS = ("value", "numerator", "denominator", "open_cases")


def heading(snapshot: Snapshot, found: Kpi, as_of: datetime) -> dict[str, Any]:
    """What every answer about a KPI opens with."""
    return {
        "kpi": found.id,
        "title": found.title,
        "unit": found.unit,
        "as_of": as_of.isoformat(),
        "snapshot": snapshot.manifest.id,
    }


def ordered(row: dict[str, Any], by: Sequence[str]) -> dict[str, Any]:
    """A row with its breakdown first, then period and numbers, as the contract lists them."""
    names = (*by, "period", *NUMBERS, "suppressed")
    return {name: row[name] for name in names}


def value(snapshot: Snapshot, found: Kpi, selection: Selection) -> dict[str, Any]:
    """A value from the aggregates.

    Raises:
        WrongUse: the selection is none that aggregates are published for.
    """
    places = _places(found, selection)
    cells = _cells(snapshot, found, selection, places)
    span = "all" if selection.start is None and selection.end is None else "window"
    facility = places.get("facility") if len(places) == 1 and "facility" in places else None
    verdict = _readiness(snapshot, found, selection, span, facility)
    return {
        **heading(snapshot, found, snapshot.as_of_table("kpi_value")),
        "readiness": {"state": verdict["state"], "why": verdict["why"]},
        "resolution_minutes": verdict.get("resolution_minutes"),
        "exclusions": _exclusions(snapshot, found, selection, span, places),
        "rows": [ordered(ready_for_json(cell), selection.by) for cell in cells],
    }


def _places(found: Kpi, selection: Selection) -> dict[str, object]:
    """The one facility or unit that was asked for.

    Raises:
        UnknownDimension: the KPI has no such dimension.
        WrongUse: no aggregates are published for it.
    """
    from models.errors import UnknownDimension

    for name in (*selection.by, *selection.where):
        if name not in found.dimensions:
            raise UnknownDimension(name, found.id, found.dimensions)
        if name not in DIMENSIONS:
            raise WrongUse(
                f"Role leadership reads published aggregates, which are by facility and unit, not by {name!r}. Ask informatics."
            )
    if selection.grain is not None and selection.grain not in GRAINS:
        raise WrongUse(
            f"Role leadership reads published aggregates, which are by {', '.join(GRAINS)}, not by {selection.grain}. Choose one of those."
        )
    for name, wanted in selection.where.items():
        if len(wanted) > 1 and name not in selection.by:
            raise WrongUse(
                f"Published aggregates cannot be added up over several values of {name!r}. Ask for one, or add --by {name}."
            )
    return {name: wanted[0] for name, wanted in selection.where.items() if name not in selection.by}


def _cells(snapshot: Snapshot, found: Kpi, selection: Selection, places: dict[str, object]) -> list[dict[str, Any]]:
    grouped = {*selection.by, *places}
    conditions = ["kpi = $kpi"]
    conditions += [f"{name} is {'not ' if name in grouped else ''}null" for name in DIMENSIONS]
    parameters: dict[str, object] = {"kpi": found.id}
    for name in DIMENSIONS:
        if name in selection.where:
            conditions.append(f"{name} in (select unnest($of_{name}::varchar[]))")
            parameters[f"of_{name}"] = list(selection.where[name])
    if selection.grain:
        conditions.append(
            "grain = $grain and ($start is null or period >= $start) and ($end is null or period_end <= $end)"
        )
        parameters |= {"grain": selection.grain, "start": selection.start, "end": selection.end}
    elif selection.start is None and selection.end is None:
        conditions.append("grain = 'all'")
    else:
        conditions.append("grain = 'window' and period = $start and period_end = $end")
        parameters |= {"start": selection.start, "end": selection.end}
    order = ", ".join([*selection.by, "period"])
    query = f"select * from cell where {' and '.join(conditions)} order by {order}"
    cells = snapshot.rows(query, parameters, cell="kpi_value")
    if not cells and not selection.grain:
        _refuse_window(snapshot, selection)
    if not selection.grain:
        cells = [cell | {"period": selection.start} for cell in cells]
    return cells


def _refuse_window(snapshot: Snapshot, selection: Selection) -> None:
    if selection.start is None and selection.end is None:
        return
    windows = snapshot.rows(
        "select distinct period, period_end from cell where grain = 'window' order by all", cell="kpi_value"
    )
    if any((row["period"], row["period_end"]) == (selection.start, selection.end) for row in windows):
        return
    known = "; ".join(f"--from {row['period']} --to {row['period_end']}" for row in windows)
    raise WrongUse(
        f"No aggregate is published for --from {selection.start} --to {selection.end}. Published are: {known}. Or add a --grain."
    )


def _readiness(snapshot: Snapshot, found: Kpi, selection: Selection, span: str, facility: object) -> dict[str, Any]:
    """The published verdict on these days; of other days than a window's, the one on all time."""
    query = """
        select * from verdict
        where kpi = $kpi and facility is not distinct from $facility
            and (grain = 'all' or ($span = 'window' and grain = 'window' and period = $start and period_end = $end))
        order by grain = 'all' limit 1
    """
    parameters = {"kpi": found.id, "facility": facility, "span": span, "start": selection.start, "end": selection.end}
    rows = snapshot.rows(query, parameters, verdict="readiness")
    return rows[0] if rows else {"state": "withheld", "why": ["There are no data for this selection."]}


def _exclusions(
    snapshot: Snapshot, found: Kpi, selection: Selection, span: str, places: dict[str, object]
) -> list[dict[str, Any]]:
    """The published counts for these days; of other days than a window's, none, because they were not counted."""
    query = """
        select rule, n from left_out
        where kpi = $kpi and facility is not distinct from $facility and unit is not distinct from $unit
            and ((grain = 'all' and $span = 'all') or (grain = 'window' and $span = 'window' and period = $start and period_end = $end))
    """
    parameters = {
        "kpi": found.id,
        "facility": places.get("facility"),
        "unit": places.get("unit"),
        "span": span,
        "start": selection.start,
        "end": selection.end,
    }
    counted = {row["rule"]: row["n"] for row in snapshot.rows(query, parameters, left_out="kpi_exclusion")}
    return [{"rule": each.rule, "n": counted[each.rule]} for each in found.exclusions if each.rule in counted]
