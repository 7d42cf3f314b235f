"""The map of a process as a Plotly figure: steps from top to bottom, lines between them. See `charts` for the colours."""

import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence

import plotly.graph_objects as go

from dashboard.bottlenecks import LABEL_WIDTH
from dashboard.charts import CONCERNING, LINE, ORDINARY, STRONG, Row, plain


def process_map(
    edges: Sequence[Row],
    rows: Mapping[str, int],
    hot: Collection[str],
    labels: Mapping[str, Sequence[str]],
    said: Callable[[Row], str],
) -> go.Figure:
    """Steps from top to bottom, one a row, each with its `labels` under it; a line from step to step as wide as its
    volume, `hot` ones in the colour of concern: straight to the next row, else as an arc on the left. The arrow of a line names it.
    """
    figure = go.Figure()
    most = max((edge["count"] for edge in edges), default=1)
    for edge in sorted(edges, key=lambda edge: edge["name"] in hot):
        start, end = rows[edge["activity"]], rows[edge["next_activity"]]
        colour = CONCERNING if edge["name"] in hot else LINE
        x, y = _arc(start, end, len(rows))
        middle = len(x) // 2
        width, dash = 1.5 + 7 * (edge["count"] / most) ** 0.5, "solid" if end > start else "dot"
        figure.add_scatter(
            x=x, y=y, mode="lines", hoverinfo="skip", line={"width": width, "color": colour, "dash": dash}
        )
        figure.add_scatter(
            x=[x[middle]], y=[y[middle]], mode="markers", hovertext=[said(edge)], hovertemplate="%{hovertext}<extra></extra>",
            customdata=[[edge["name"]]], marker={"size": 12, "color": colour, "symbol": "triangle-down" if end > start else "triangle-up"},
        )  # fmt: skip
    for step, row in rows.items():
        text = "<br>".join([*(f"<b>{line}</b>" for line in textwrap.wrap(step, LABEL_WIDTH)), *labels[step]])
        figure.add_annotation(
            x=0.035, y=row - 0.16, text=text, showarrow=False, xanchor="left", yanchor="top", align="left",
            font={"size": 12, "color": STRONG},
        )  # fmt: skip
    figure.add_scatter(
        x=[0] * len(rows),
        y=list(rows.values()),
        mode="markers",
        hoverinfo="skip",
        marker={"size": 13, "color": ORDINARY},
    )
    figure.update_xaxes(visible=False, fixedrange=True, range=[-0.3, 1])
    figure.update_yaxes(visible=False, fixedrange=True, range=[len(rows) - 0.3, -0.4])
    tallest = max((len(lines) + len(textwrap.wrap(step, LABEL_WIDTH)) - 1 for step, lines in labels.items()), default=0)
    return plain(figure, height=24 + (30 + 16 * tallest) * max(len(rows), 1), margin={"l": 4, "r": 4, "t": 4, "b": 4})


def _arc(start: int, end: int, rows: int) -> tuple[list[float], list[float]]:
    """Points from one row to another: straight to the next row, else bowed to the left, the further the wider."""
    if end == start + 1:
        return [0, 0, 0], [start, (start + end) / 2, end]
    if end == start:
        return [0, -0.05, -0.06, -0.05, 0], [start - 0.05, start - 0.22, start, start + 0.22, start + 0.05]
    bow = 0.07 + 0.19 * abs(end - start) / max(rows, 2)
    steps = [n / 12 for n in range(13)]
    return [-bow * 4 * t * (1 - t) for t in steps], [start + (end - start) * t for t in steps]
