"""Hours lost on the page: the three causes with their evidence, their reasons, the facilities beside each other."""

import streamlit as st

from dashboard import charts, pain
from dashboard.here import Here
from dashboard.pain import CAUSES, Pain, Row
from dashboard.parts import markup
from dashboard.parts.picture import draw_picture
from models import wording


def draw_causes(found: Pain) -> None:
    """The three causes: hours, share, how sure, on what evidence; or what it would take to measure them."""
    markup.table(
        "Hours lost by cause",
        ("Cause", "Hours lost", "95 % interval", "Share", "Evidence"),
        [_cause_cells(found, cause) for cause in sorted(CAUSES, key=lambda each: -_hours(found.causes.get(each)))],
        numeric=("Hours lost", "Share"),
    )


def _hours(row: Row | None) -> float:
    return (row["lost_hours"] or 0.0) if row else -1.0


def _cause_cells(found: Pain, cause: str) -> tuple[object, ...]:
    title, meaning = CAUSES[cause]
    label = markup.Lines(title.removeprefix("the ").capitalize(), (meaning,))
    row, missing = found.causes.get(cause), pain.measured(found, cause)
    if row is None or missing:
        return label, None, None, None, missing
    interval = pain.interval(row["lost_low"], row["lost_high"])
    return label, pain.hours(row["lost_hours"]), interval, wording.percent(row["share"]), pain.evidence(row)


def draw_behind(here: Here, found: Pain) -> None:
    """Links to the measures that count the same waits, each with how ready it is."""
    measures = pain.behind(here, found)
    if not measures:
        return
    st.caption("The measures that count the same waits as a whole, and whether their inputs are complete:")
    with st.container(horizontal=True, key="behind"):
        for reading, state in measures:
            here.link_to_kpi(reading.kpi, f"{reading.kpi.short_title}: {state}")


def draw_reasons(found: Pain) -> None:
    """Hours lost by reason, one bar each."""
    bars = [row | {"part": row["name"], "value": row["lost_hours"]} for row in found.reasons]
    draw_picture(
        charts.bars(bars, None, lambda row: pain.hours(row["lost_hours"]), pain.said),
        key="reasons",
        alt="Hours lost by reason, the costliest first.",
        heads=("Reason", "Cause", "Hours lost", "95 % interval", "Share", "Evidence"),
        rows=[
            (
                row["name"],
                CAUSES[row["cause"]][0],
                pain.hours(row["lost_hours"]),
                pain.interval(row["lost_low"], row["lost_high"]),
                wording.percent(row["share"]),
                pain.evidence(row),
            )
            for row in found.reasons
        ],
        numeric=("Hours lost", "Share"),
    )


def draw_facilities(here: Here, found: Pain) -> None:
    """The same shares by facility."""
    markup.table(
        "Hours lost by facility and cause",
        (
            "Facility",
            "Hours lost",
            *(title.removeprefix("the ").capitalize() for title, _ in CAUSES.values()),
            "Cannot be told",
        ),
        [
            (
                place["facility"],
                pain.hours(place["lost_hours"]),
                *(pain.share(causes.get(cause)) for cause in CAUSES),
                pain.hours((causes.get("unknown") or {}).get("lost_hours")),
            )
            for place, causes in found.facilities
        ],
        numeric=("Hours lost", "Workflow", "Integration", "Record", "Cannot be told"),
    )
    if any(cause.get("suppressed") for _, causes in found.facilities for cause in causes.values()):
        few = wording.suppressed(here.suppress_below)
        st.caption(f"Hidden: {few} patients, or it would give such a number away.")
