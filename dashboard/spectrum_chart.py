"""A wait as figures: its weeks as a band, its cases as lines from one step to the next. See `charts` for the colours."""

from collections.abc import Callable, Sequence
from datetime import datetime

import plotly.graph_objects as go

from dashboard.charts import (
    BAND,
    CONCERNING,
    IMPROVING,
    LINE,
    ORDINARY,
    STRONG,
    TEXT,
    Row,
    label,
    on_periods,
    plain,
    ticks,
)
from dashboard.spectrum import Line

COLOURS = (IMPROVING, LINE, ORDINARY, CONCERNING)
"""Of the quickest quarter of the lines to the slowest."""


def week_band(weeks: Sequence[Row], said: Callable[[Row], str], axis: Callable[[float], str]) -> go.Figure:
    """Half of each week's waits as a band around their median, from zero, in minutes; each line is named at its end."""
    figure = go.Figure()
    x = [week["week"].isoformat() for week in weeks]
    low, half, high = ([week[f"wait_{part}_seconds"] / 60 for week in weeks] for part in ("p25", "median", "p75"))
    for y, fill in ((high, None), (low, "tonexty")):
        figure.add_scatter(x=x, y=y, mode="lines", line={"width": 0}, fill=fill, fillcolor=BAND, hoverinfo="skip")
    figure.add_scatter(
        x=x, y=half, mode="lines+markers", line={"color": STRONG, "width": 2},
        marker={"size": 5, "color": STRONG}, hovertext=[said(w) for w in weeks], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    top = max(high, default=0) or 1
    room = -top
    for y, word, colour in ((low, "a quarter", TEXT), (half, "half", STRONG), (high, "three quarters", TEXT)):
        room = max(y[-1], room + top * 0.11)  # labels never lie on each other
        label(figure, room, word, colour)
    on_periods(figure, [week["week"] for week in weeks])
    figure.update_yaxes(
        fixedrange=True, range=[-top * 0.03, top * 1.1], **ticks(0, top, lambda v: axis(v * 60), is_time=True)
    )
    return plain(figure, height=220, margin={"l": 8, "r": 96, "t": 8, "b": 8})


def spectrum(lines: Sequence[Line], steps: tuple[str, str], local: Callable[[datetime], datetime]) -> go.Figure:
    """Each case a line from the first step above to the second below, time to the right; coloured by the quarter of its wait."""
    figure = go.Figure()
    for quarter, colour in enumerate(COLOURS):
        mine = [line for line in lines if line.quarter == quarter]
        x = [each for line in mine for each in (local(line.began_at), local(line.ended_at), None)]
        figure.add_scatter(
            x=x, y=[1, 0, None] * len(mine), mode="lines", hoverinfo="skip", line={"color": colour, "width": 1.2},
        )  # fmt: skip
    for y, step in zip((1, 0), steps, strict=True):
        figure.add_annotation(
            x=0, xref="paper", y=y, text=f"<b>{step}</b>", showarrow=False, xanchor="left",
            yanchor="bottom" if y else "top", font={"size": 12, "color": STRONG},
        )  # fmt: skip
    figure.update_xaxes(
        fixedrange=True, showgrid=False, ticks="outside", tickcolor=LINE, nticks=8, tickformat="%a %-d %b"
    )
    figure.update_yaxes(visible=False, fixedrange=True, range=[-0.14, 1.14])
    return plain(figure, height=300, margin={"l": 8, "r": 8, "t": 8, "b": 8})
