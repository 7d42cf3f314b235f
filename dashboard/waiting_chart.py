"""The reasons of waits as a figure: one bar a step, cut into five. See `charts` for the colours."""

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dashboard.charts import LINE, NEUTRAL, ORDINARY, SECOND, STRONG, TEXT, Row, plain
from models import wording
from models.waiting import REASONS

COLOURS = dict(zip(REASONS, (NEUTRAL, STRONG, SECOND, ORDINARY, LINE), strict=True))
"""None of them is good or bad: none has the colour of concern or of improvement."""
NARROW = 0.09
"""A part of a bar that is a smaller share of it has no words in it."""


def reasons(
    steps: Sequence[Row],
    parts: Callable[[Row], list[tuple[str, float]]],
    said: Callable[[Row, str, float], str],
) -> go.Figure:
    """Bars of equal length, so that shares can be compared; each part that is wide enough says its reason and share."""
    figure = go.Figure()
    shown = [step for step in reversed(steps) if step["wait_seconds"]]
    for place, reason in enumerate(REASONS):
        seconds = [parts(step)[place][1] for step in shown]
        shares = [each / step["wait_seconds"] for each, step in zip(seconds, shown, strict=True)]
        figure.add_bar(
            x=shares,
            y=[step["activity"] for step in shown],
            orientation="h",
            marker={"color": COLOURS[reason]},
            hovertext=[said(step, reason, each) for step, each in zip(shown, seconds, strict=True)],
            hovertemplate="%{hovertext}<extra></extra>",
            width=0.5,
        )
        before = [sum(each for _, each in parts(step)[:place]) / step["wait_seconds"] for step in shown]
        for step, start, share in zip(shown, before, shares, strict=True):
            if share >= NARROW:
                is_last = (
                    start > 0 and start + share > 1 - NARROW
                )  # its words end where it ends: they never leave the picture
                figure.add_annotation(
                    x=start + share if is_last else start, y=step["activity"], yshift=28, showarrow=False,
                    xanchor="right" if is_last else "left",
                    text=f"{reason} {wording.share(share)}", font={"size": 12, "color": TEXT},
                )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, 1])
    figure.update_yaxes(fixedrange=True, showgrid=False, tickfont={"size": 13, "color": STRONG}, automargin=True)
    return plain(figure, height=40 + 72 * max(len(shown), 1), margin={"l": 8, "r": 8, "t": 24, "b": 4}).update_layout(
        barmode="stack"
    )
