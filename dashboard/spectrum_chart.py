"""A wait as figures: its weeks as a band, its cases as lines from one step to the next. See `charts` for the colours."""

from collections.abc import Callable, Sequence
from datetime import datetime

import plotly.graph_objects as go

from dashboard.charts import BAND, CONCERNING, IMPROVING, LINE, ORDINARY, STRONG, Row, plain
from dashboard.spectrum import Line

COLOURS = (IMPROVING, LINE, ORDINARY, CONCERNING)
"""Of the quickest quarter of the lines to the slowest."""


def week_band(weeks: Sequence[Row], said: Callable[[Row], str], axis: Callable[[float], str]) -> go.Figure:
    """Half of each week's waits as a band around their median, from zero."""
    figure = go.Figure()
    x = [week["week"].isoformat() for week in weeks]
    figure.add_scatter(x=x, y=[w["wait_p75_seconds"] for w in weeks], mode="lines", line={"width": 0}, hoverinfo="skip")
    figure.add_scatter(
        x=x, y=[w["wait_p25_seconds"] for w in weeks], mode="lines", line={"width": 0}, fill="tonexty", fillcolor=BAND, hoverinfo="skip"
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=[w["wait_median_seconds"] for w in weeks], mode="lines+markers", line={"color": STRONG, "width": 2},
        marker={"size": 5, "color": STRONG}, hovertext=[said(w) for w in weeks], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    top = max((w["wait_p75_seconds"] for w in weeks), default=0) or 1
    marks = [top / 3, 2 * top / 3, top]
    figure.update_xaxes(fixedrange=True, showgrid=False, tickformat="%-d %b", ticks="outside", tickcolor=LINE, nticks=7)
    figure.update_yaxes(
        fixedrange=True, showgrid=False, zeroline=False, range=[0, top * 1.1], tickvals=marks, ticktext=[axis(each) for each in marks]
    )  # fmt: skip
    return plain(figure, height=220, margin={"l": 8, "r": 8, "t": 8, "b": 8})


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
