"""Incidents: what happened to the feeds, newest first, and one of them as a picture of what was seen against what is usual."""

from collections.abc import Callable

import streamlit as st

from dashboard import channels, charts, words
from dashboard.channels import Row
from dashboard.here import Here
from dashboard.parts import markup
from models import wording

MOST, MOST_PICTURES = 8, 3
Axis = Callable[[float | None], str]
MEASURES: dict[str, tuple[str, str, Axis]] = {
    "silent": ("received", "expected", wording.number),
    "outage": ("delivered", "failed tries", wording.number),
    "retry_storm": ("delivered", "failed tries", wording.number),
    "error_burst": ("delivered", "failed tries", wording.number),
    "backlog": ("delivered", "came", wording.number),
    "latency_shift": ("answers, median", "usual", wording.milliseconds),
}
"""What the two lines of each kind's picture are called, and how their numbers are said."""


def draw_incidents(here: Here, rows: list[Row]) -> None:
    """What the data show of these channels in the period, whether or not anybody noticed: the newest first."""
    found = channels.incidents(here, rows)
    if not found:
        st.caption("No incident in this period: no feed silent, no outage, no storm of retries, no other format.")
        return
    markup.table_in_parts(
        "What happened to the feeds, newest first",
        ("Began", "Detected", "Over", "Flow", "What", "Messages affected", "Data late for"),
        [
            (
                words.short_time(here.found, row["started_at"]),
                words.short_time(here.found, row["detected_at"]) if row["detected_at"] else wording.NONE,
                words.short_time(here.found, row["restored_at"]) if row["restored_at"] else "still open",
                f"{_flow(row)} ({row['source']})",
                _what(row),
                wording.number(row["messages_affected"]),
                "; ".join(row["cost"]) or wording.NONE,
            )
            for row in found
        ],
        numeric=("Messages affected",),
        rest="incidents",
        at_once=MOST,
        key="incidents",
    )


def draw_courses(here: Here, rows: list[Row]) -> None:
    """The newest incidents of these channels, each as a small picture: what was seen, and what it is held against."""
    for row in [row for row in channels.incidents(here, rows) if row["kind"] in MEASURES][:MOST_PICTURES]:
        steps = channels.course(here, row)
        if steps:
            _draw_course(row, steps)


def _draw_course(row: Row, steps: list[Row]) -> None:
    seen, against, axis = MEASURES[row["kind"]]

    def said(step: Row) -> str:
        return f"{step['period']:%a %H:%M}: {seen} {axis(step['seen'])}, {against} {axis(step['against'])}"

    name = f"{wording.INCIDENTS[row['kind']].capitalize()}, {_flow(row)}: {row['said']}"
    st.caption(f"{name}. Each point is {wording.duration(steps[0]['step_minutes'])}; shaded while it lasted.")
    lines = (("seen", seen, "strong"), ("against", against, "usual"))
    st.plotly_chart(
        charts.course(steps, lines, said, axis, (steps[0]["started"], steps[0]["ended"])),
        width="stretch",
        config=charts.CONFIG,
        key=f"course-{row['incident_id']}",
        alt=f"{name}. {seen.capitalize()} and {against} in {len(steps)} steps around it.",
    )


def _what(row: Row) -> str:
    """The kind and what is said of it; a silence says so itself."""
    kind = wording.INCIDENTS[row["kind"]]
    said = row["said"] if row["said"].startswith(kind) else f"{kind}: {row['said']}"
    return said[0].upper() + said[1:]


def _flow(row: Row) -> str:
    return f"{row['channel']} to {row['destination']}" if row["destination"] else row["channel"]
