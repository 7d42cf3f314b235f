"""The registered path on the page: how many cases kept to it, what the others did, and which steps came within their window."""

import streamlit as st

from dashboard import conformance
from dashboard.bottlenecks import duration
from dashboard.conformance import Conformance
from dashboard.parts import markup
from models import wording

LISTED = 8
BELOW = 0.9
"""A step that comes in time less often than this stands out."""


def draw_path(found: Conformance) -> None:
    """How many cases kept to the path, and what the others did, the most usual first."""
    if found.on_path is None:
        markup.empty(
            "No path can be compared.", "Name the steps of this workflow in registry.toml, or choose a longer period."
        )
        return
    markup.sentence(conformance.said(found))
    if not found.deviations:
        return
    markup.table(
        "What cases did instead of keeping to the path",
        ("What happened instead", "Cases", "Share of all"),
        [
            (
                conformance.deviation(row),
                wording.number(row["cases"]),
                wording.percent(row["cases"] / (found.decided + found.undecided)),
            )
            for row in found.deviations[:LISTED]
        ],
        numeric=("Cases", "Share of all"),
    )


def draw_rules(found: Conformance) -> None:
    """Each step that must happen within a window: how often it did, and how many that wait are late by now."""
    if not found.rules:
        markup.empty("No step has a window.", "Give steps of this workflow window_minutes in registry.toml.")
        return
    markup.table(
        "Steps that must happen within a window",
        ("Step", "Window", "Within", "Of", "Late, still waiting", "Answers for it"),
        [
            (
                row["activity"],
                duration(row["target_seconds"]),
                _share(conformance.within(row)),
                wording.number(row["count"]),
                wording.number(row["open_late_count"]),
                row["owner"] or "nobody",
            )
            for row in found.rules
        ],
        numeric=("Window", "Within", "Of", "Late, still waiting"),
    )
    if found.hidden:
        st.caption(f"{found.hidden} rows of too few cases are hidden.")


def _share(share: float | None) -> markup.Cell:
    if share is None:
        return wording.NONE
    return ("priority_high", wording.percent(share), "concern") if share < BELOW else wording.percent(share)
