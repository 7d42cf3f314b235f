"""A list of places with some KPIs each; every place is a link that goes one step down."""

from collections.abc import Callable, Sequence

from dashboard import data, readings, words
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording
from models.kpis import KPIS


def draw_places(here: Here, kpi_ids: Sequence[str]) -> None:
    """One row a facility (or unit of the chosen facility) with the KPIs' values; places without any are left out."""
    where = {"kpi": tuple(kpi_ids), **readings.in_window(here.found, here.view)}
    rows = data.rows(here.found, here.person, "kpi_value", where)
    by = "facility" if here.view.facility is None else "unit"
    shown: dict[str, dict[str, markup.Cell]] = {}
    for row in rows:
        inside = row["unit"] is None if by == "facility" else row["facility"] == here.view.facility
        chosen = here.view.unit is None or row["unit"] == here.view.unit
        if row[by] is not None and inside and chosen:
            kpi = KPIS[row["kpi"]]
            hidden = ("visibility_off", wording.suppressed(here.suppress_below), "quiet")
            shown.setdefault(row[by], {})[row["kpi"]] = (
                hidden if row.get("suppressed") else wording.value(row["value"], kpi.unit)
            )
    if not shown:
        markup.empty("No place has anything to count.", "Choose a longer period or a larger part of the hospital.")
        return
    draw_rows(
        "place",
        (by.capitalize(), *(words.kpi_title(k) for k in kpi_ids)),
        [ListedRow(_link(here, by, place), [shown[place].get(k) for k in kpi_ids]) for place in sorted(shown)],
    )


def _link(here: Here, by: str, place: str) -> Callable[[], None]:
    facility, unit = (place, None) if by == "facility" else (here.view.facility, place)
    return lambda: here.link(
        here.page,
        f"**{words.unit_name(facility if unit else None, place)}**",
        here.view.to(facility=facility, unit=unit),
        icon="",
        help="",
    )
