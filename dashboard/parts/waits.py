"""The picture of waits: one bar a step and place, with its words and its table."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard import charts
from dashboard.parts import markup
from dashboard.parts.picture import draw_picture
from models import wording


def draw_waits(steps: Sequence[Mapping[str, Any]]) -> None:
    """The steps of `flow.wait_steps`, or why there are none."""
    if not steps:
        markup.empty("No wait is known here.", "Choose another unit or a longer period.")
        return
    draw_picture(
        charts.waits([dict(step) for step in steps], lambda s: s["said"], wording.duration),
        key="waits",
        alt="Waits, step by step and place by place; orange where the target is missed.",
        heads=("Wait", "Where", "How long", "Target", "Counted"),
        rows=[(s["step"], s["place"], wording.duration(s["value"]), s["target"], s["of"]) for s in steps],
        numeric=("How long",),
    )
