"""One pilot: its verdict, its chart with the first day and the weeks before as baseline, differences, guardrails and plan."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import charts, pilots, words
from dashboard.filters import View
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.markup import Cell, chip
from dashboard.parts.picture import draw_picture
from dashboard.parts.rows import ListedRow, draw_rows
from dashboard.pilots import Row
from models import wording
from models.kpi import Kpi
from models.kpis import KPIS


def draw_list(here: Here, rows: Sequence[Row]) -> None:
    """One line a pilot; its name opens it."""
    draw_rows(
        "pilot",
        ("Pilot", "Verdict", "Measure", "Where", "From", "Change (95 % interval)"),
        [ListedRow(_link(here, row), _cells(row)) for row in rows],
        (1.35, 1.5, 1.5, 1, 1.8),
    )


def _link(here: Here, row: Row) -> Callable[[], None]:
    view = here.view.scope.to(pilot=row["pilot"])
    return lambda: here.link("pilots", f"**{row['pilot']}**", view, icon="", help="")


def _cells(row: Row) -> list[Cell]:
    kpi = pilots.kpi_of(row)
    return [
        words.VERDICTS[row["verdict"]],
        kpi.short_title if kpi else str(row["kpi"]),
        pilots.place(row),
        wording.day(row["starts_on"]) if row["starts_on"] else wording.NONE,
        pilots.effect(row),
    ]


def draw_pilot(here: Here, row: Row) -> None:
    """Everything that is known of one pilot."""
    kpi = pilots.kpi_of(row)
    st.html(f'<p class="wf-verdict">{chip(*words.VERDICTS[row["verdict"]])}</p>')
    weeks = pilots.weeks(here, row["pilot"])
    if kpi and weeks:
        _chart(here, row, kpi, weeks)
    st.subheader("The change", anchor=False)
    _differences(row)
    power = pilots.power(row)
    if power:
        st.caption(power)
    _guardrails(here, row)
    st.subheader("The plan, as registered", anchor=False)
    markup.facts(pilots.facts(here, row))
    if kpi:
        view = here.view.to(facility=row["facility"], unit=row["unit"])
        here.link(
            "kpi", f"{kpi.short_title} at {pilots.place(row)}", view.to_kpi(kpi.id), icon=":material/chevron_right:"
        )


def _chart(here: Here, row: Row, kpi: Kpi, weeks: list[Row]) -> None:
    st.subheader("Week by week", anchor=False)
    charted = [week | {"meaning": _meaning(kpi, week)} for week in weeks]
    draw_picture(
        charts.trend(
            charted,
            None,
            lambda w: words.weekly(kpi, w),
            lambda v: wording.value(v, kpi.unit),
            [(row["starts_on"], "first day")],
            pilots.others(here, row["pilot"]),
            is_time=kpi.unit == "minutes",
        ),
        key="pilot",
        alt=f"{kpi.title} at {pilots.place(row)}, {len(weeks)} weeks with limits from the weeks before {row['starts_on']}, "
        "and the places it is compared with as thin lines.",
        heads=("Week", "Value", "Lower limit", "Upper limit", "Signal"),
        rows=[
            (
                wording.day(w["week"]),
                wording.value(w["value"], kpi.unit),
                wording.value(w["lower"], kpi.unit),
                wording.value(w["upper"], kpi.unit),
                words.RULES.get(w["rule"] or "", wording.NONE),
            )
            for w in reversed(weeks)
        ],
        numeric=("Value", "Lower limit", "Upper limit"),
    )
    st.caption("The limits are those of the weeks before the first day; thin lines are places that did not take part.")


def _meaning(kpi: Kpi, week: Row) -> str | None:
    if week["rule"] in (None, "common_cause") or kpi.improves == "neither":
        return None
    return "improvement" if (week["value"] > week["mean"]) == (kpi.improves == "up") else "concern"


def _differences(row: Row) -> None:
    if row["effect"] is None:
        markup.empty("No change can be given.", " ".join(row["why"]))
        return
    rows = [("The pilot", pilots.place(row), pilots.effect(row))]
    if row["comparison_effect"] is not None:
        rows.append(("Did not take part", row["compared_with"], pilots.effect(row, "comparison_effect")))
        rows.append(("The pilot less those", "", pilots.effect(row, "net_effect")))
    markup.table(
        "Change from before to after, with 95 % intervals", ("", "Where", "Change (95 % interval)"), rows,
        numeric=("Change (95 % interval)",),
    )  # fmt: skip


def _guardrails(here: Here, row: Row) -> None:
    rails = [rail for rail in pilots.guardrails(row) if rail["kpi"] in KPIS]
    if not rails:
        return
    st.subheader("What must not become worse", anchor=False)
    view = here.view.to(facility=row["facility"], unit=row["unit"])
    draw_rows(
        "rail",
        ("Measure", "State", "Before", "After"),
        [
            ListedRow(
                _rail(here, KPIS[rail["kpi"]], view),
                [
                    words.GUARDRAILS[rail["state"]],
                    *(wording.value(rail[k], KPIS[rail["kpi"]].unit) for k in ("before", "after")),
                ],
            )
            for rail in rails
        ],
    )


def _rail(here: Here, kpi: Kpi, view: View) -> Callable[[], None]:
    return lambda: here.link_to_kpi(kpi, kpi.short_title, view)
