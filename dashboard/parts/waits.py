"""The picture of waits: one bar a step and place, with its words and its table."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import charts
from dashboard.parts import markup
from dashboard.parts.picture import draw_picture
from models import wording


def draw_waits(steps: Sequence[Mapping[str, Any]]) -> None:
    """The steps of `flow.wait_steps`, or why there are none."""
    if not steps:
        markup.empty("No wait is known here.", "Choose another unit or a longer period.")
        return
    st.caption(
        f"Half of them took no longer; where 90 % is said, nine of ten. {charts.MISSED} and orange: beyond its target, "
        "which the table names."
    )
    draw_picture(
        charts.waits([dict(step) for step in steps], lambda s: s["said"], wording.duration),
        key="waits",
        alt="Waits, step by step and place by place; marked where the target is missed.",
        heads=("Wait", "Where", "How long", "Target", "Counted"),
        rows=[(s["step"], s["place"], wording.duration(s["value"]), s["target"], s["of"]) for s in steps],
        numeric=("How long",),
    )
