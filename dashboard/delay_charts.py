"""Figures of waits by part: bars by day or week, one bar of an edge, a journey's waits in time. A table in, a Plotly figure out.

What interfaces took is one colour in five depths, people are grey, what is not known is hatched: told apart without colour too.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.charts import LINE, NEUTRAL, ORDINARY, STRONG, TEXT, on_periods, plain, ticks
from models import wording
from models.waits import CARE, PARTS, TIME_PARTS

Row = dict[str, Any]

LOOKS: Mapping[str, tuple[str, float, str]] = {  # part → colour, depth, pattern
    "source": (NEUTRAL, 0.3, ""),
    "transport": (NEUTRAL, 0.45, ""),
    "queue": (NEUTRAL, 0.65, ""),
    "retry": (NEUTRAL, 0.85, "/"),
    "unacknowledged": (NEUTRAL, 1.0, ""),
    "people": (ORDINARY, 0.55, ""),
    "unknown": (LINE, 0.9, "x"),
    CARE.id: (LINE, 0.6, ""),
}
UPWARDS = (CARE.id, "people", "unknown", *(part for part in tuple(PARTS)[::-1] if PARTS[part].cause == "interface"))
HOUR = 60
ROW_HEIGHT = 62
WORDS_WIDTH = 58


def by_step(steps: Sequence[Row], said: Callable[[Row], str], axis: Callable[[float], str]) -> go.Figure:
    """A stacked bar for each day or week in hours, people at the foot; a hidden one is a gap. Each opens its period."""
    figure = go.Figure()
    x = [step["period"].isoformat() for step in steps]
    for part in UPWARDS:
        values = [step["parts"].get(part, 0.0) / HOUR for step in steps]
        if any(values):
            figure.add_bar(
                x=x, y=values, name=TIME_PARTS[part].title, marker=_look(part), customdata=[[day] for day in x],
                hovertext=[said(step) for step in steps], hovertemplate="%{hovertext}<extra></extra>",
            )  # fmt: skip
    top = max((step["minutes"] for step in steps), default=0) / HOUR or 1
    on_periods(figure, [step["period"] for step in steps])
    figure.update_yaxes(fixedrange=True, range=[0, top * 1.06], **ticks(0, top, lambda amount: axis(amount * HOUR)))
    figure.update_layout(barmode="stack", bargap=0.18)
    return plain(figure, height=270, margin={"l": 8, "r": 8, "t": 8, "b": 8})


def one_bar(parts: Sequence[Row], said: Callable[[Row], str]) -> go.Figure:
    """One bar of parts from left to right in the order given: rows with `part` and `minutes`."""
    figure = go.Figure()
    for row in parts:
        figure.add_bar(
            x=[row["minutes"]], y=[""], orientation="h", marker=_look(row["part"]), hovertext=[said(row)],
            hovertemplate="%{hovertext}<extra></extra>", width=0.8,
        )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, sum(row["minutes"] for row in parts) or 1])
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_layout(barmode="stack")
    return plain(figure, height=56, margin={"l": 0, "r": 0, "t": 4, "b": 4})


def waterfall(stretches: Sequence[Row], said: Callable[[Row], str], marks: Sequence[Row] = ()) -> go.Figure:
    """A row for each wait from its own begin: rows with `row`, `head`, `part`, `after` and `minutes`; `word` is written under one.

    A stretch too short to be seen is drawn as a thin mark, so that none is lost. `marks` are the stages that the news reached: rows with
    `row`, `after`, `is_across_clocks` (a ring, as nobody knows quite where it belongs) and `said`.
    """
    figure = go.Figure()
    names = list(dict.fromkeys(stretch["row"] for stretch in stretches))
    for part in PARTS:
        mine = [stretch for stretch in stretches if stretch["part"] == part]
        if not mine:
            continue
        look = _look(part)
        figure.add_bar(
            base=[stretch["after"] for stretch in mine],
            x=[stretch["minutes"] for stretch in mine],
            y=[stretch["row"] for stretch in mine],
            orientation="h",
            marker=look | {"line": {"width": 1 if part != "people" else 0, "color": look["color"]}},
            width=0.22,
            hovertext=[said(stretch) for stretch in mine],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    for across, symbol, size in ((False, "line-ns", 11), (True, "circle-open", 7)):
        if some := [mark for mark in marks if mark["is_across_clocks"] is across]:
            figure.add_scatter(
                x=[mark["after"] for mark in some],
                y=[mark["row"] for mark in some],
                mode="markers",
                marker={"symbol": symbol, "size": size, "color": STRONG, "line": {"width": 1, "color": STRONG}},
                hovertext=[mark["said"] for mark in some],
                hovertemplate="%{hovertext}<extra></extra>",
            )
    words = {stretch["row"]: stretch["word"] for stretch in stretches if stretch.get("word")}
    heads = {stretch["row"]: stretch["head"] for stretch in stretches}
    for name in names:
        beside = "<br>".join(textwrap.wrap(words.get(name, ""), WORDS_WIDTH))
        for text, anchor, shift, size in ((heads[name], "bottom", 9, 12.5), (beside, "top", -9, 11.5)):
            if text:
                figure.add_annotation(
                    x=0, xref="paper", y=name, yanchor=anchor, yshift=shift, text=text, showarrow=False, xanchor="left", align="left",
                    font={"size": size, "color": STRONG if anchor == "bottom" else TEXT},
                )  # fmt: skip
    drawn = [each["after"] + each.get("minutes", 0) for each in (*stretches, *marks)]
    low, high = min([0, *(mark["after"] for mark in marks)]), max(drawn, default=0) or 1
    air = (high - low) * 0.01
    figure.update_xaxes(
        fixedrange=True, range=[low - air, high + air], ticks="outside", tickcolor=LINE, tickangle=0,
        **ticks(low, high, wording.duration, is_time=True),
    )  # fmt: skip
    figure.update_yaxes(
        visible=False, fixedrange=True, categoryorder="array", categoryarray=names[::-1], range=[-0.6, len(names) - 0.4]
    )
    figure.update_layout(barmode="overlay")
    return plain(figure, height=40 + ROW_HEIGHT * len(names), margin={"l": 8, "r": 16, "t": 4, "b": 8})


def _look(part: str) -> Row:
    colour, depth, pattern = LOOKS[part]
    look: Row = {"color": colour, "opacity": depth, "line": {"width": 0}}
    if pattern:
        look["pattern"] = {
            "shape": pattern,
            "size": 5,
            "solidity": 0.35,
            "fillmode": "replace" if part == "unknown" else "overlay",
        }
        look["pattern"] |= {"fgcolor": colour if part == "unknown" else STRONG}
    return look
