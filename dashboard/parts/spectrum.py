"""One wait on the page: its weeks, what it would take at its best quartile week, and its cases as lines."""

from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import data, spectrum, spectrum_chart
from dashboard.bottlenecks import Row, Workflow, duration
from dashboard.data import Opening
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.picture import draw_picture
from dashboard.readings import whole_weeks
from models import wording


def draw_weeks(here: Here, found: Workflow, edge: Row) -> None:
    """The wait week by week, and what all waits would have taken at the level of its best quartile week."""
    st.subheader("Week by week, and what if every week were like a good one", anchor=False)
    said = spectrum.what_if(found, edge)
    weeks = spectrum.weeks(here, found, edge)
    if said is None and not weeks:
        markup.empty("Too few weeks can be compared.", "Choose a longer period or all facilities.")
        return
    if said:
        markup.sentence(
            f"{said} An arithmetic, not a promise: part of what sets weeks apart is chance, and a week may be good because fewer came."
        )
    if not weeks:
        return
    draw_picture(
        spectrum_chart.week_band(weeks, _said, duration),
        key="weeks",
        alt="Half of the waits of each week lie in the band, half are below the line.",
        heads=("Week", "A quarter within", "Half within", "Three quarters within", "Nine of ten within"),
        rows=[
            (wording.week(week["week"]), *(duration(week[f"wait_{part}_seconds"]) for part in ("p25", "median", "p75", "p90")))
            for week in weeks
        ],
        numeric=("A quarter within", "Half within", "Three quarters within", "Nine of ten within"),
    )  # fmt: skip


def _said(week: Row) -> str:
    quarters = f"between {duration(week['wait_p25_seconds'])} and {duration(week['wait_p75_seconds'])}"
    return (
        f"{wording.week(week['week'])}: half within {duration(week['wait_median_seconds'])}, the middle half {quarters}"
    )


def draw_lines(here: Here, opened: Opening, edge: Row, where: Row) -> None:
    """The cases of the last days as lines from one step to the next: who overtakes, what comes in batches, when all stood still."""
    days = spectrum.days_shown(whole_weeks(here.found, here.view.weeks)[1])
    asked = where | {"case_date": days}
    rows = data.opened_rows(
        opened, here.found, "workflow_event", asked, order=("case_key",), limit=spectrum.MOST_LINES + 1
    )
    if not rows:
        return
    lines = spectrum.lines(rows[: spectrum.MOST_LINES])
    zone = ZoneInfo(here.found.zone)
    st.subheader("Each case a line", anchor=False)
    draw_picture(
        spectrum_chart.spectrum(lines, (edge["activity"], edge["next_activity"]), lambda when: when.astimezone(zone).replace(tzinfo=None)),
        key="spectrum",
        alt="Every case is a line from the first step above to the second below: the flatter, the longer it waited.",
        heads=("Lines", "Shortest", "Longest"),
        rows=[_quarter(lines, quarter) for quarter in range(len(spectrum.QUARTERS))],
        numeric=("Shortest", "Longest"),
    )  # fmt: skip
    which = f"a sample of {spectrum.MOST_LINES}" if len(rows) > spectrum.MOST_LINES else f"all {len(rows)}"
    st.caption(
        f"Cases that began from {wording.day(days[0])} to {wording.day(days[-1])}: {which}. The flatter a line, the longer the wait: blue "
        "is the quickest quarter, orange the slowest. Lines that cross are cases that overtook; lines that meet below came in a batch."
    )


def _quarter(lines: list[spectrum.Line], quarter: int) -> tuple[str, str, str]:
    waits = [(line.ended_at - line.began_at).total_seconds() for line in lines if line.quarter == quarter]
    if not waits:
        return spectrum.QUARTERS[quarter], wording.NONE, wording.NONE
    return spectrum.QUARTERS[quarter], duration(min(waits)), duration(max(waits))
