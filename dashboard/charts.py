"""Figures: a table in, a Plotly figure out. No Streamlit, no queries, no KPI arithmetic.

Colours are named by their place in `chartCategoricalColors` of .streamlit/config.toml: Streamlit swaps them for the
theme's colours when it draws, so one figure is right in light and in dark.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import plotly.graph_objects as go

Row = dict[str, Any]

IMPROVING, CONCERNING, ORDINARY, NEUTRAL, SECOND = "#000001", "#000002", "#000003", "#000004", "#000005"
LINE, BAND, TEXT, TARGET, STRONG = "#000006", "#000007", "#000008", "#000009", "#000010"

MEANING = {
    "concern": CONCERNING,
    "improvement": IMPROVING,
    "neutral_high": NEUTRAL,
    "neutral_low": NEUTRAL,
}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showAxisDragHandles": False}
MISSED = "⊗"
"""Beside the number of a bar that misses its target: its colour does not say it alone."""
MOST_TICKS = 5
_WEEK = timedelta(days=7)
_ROUND = tuple(unit * 10.0**n for n in range(-5, 8) for unit in (1, 2, 5))
_ROUND_TIMES = (
    *(each / 60 for each in (1, 2, 5, 10, 20, 30)),
    *(1, 2, 5, 10, 20, 30, 60, 120, 240, 360, 720, 1440, 2880),
    *(1440 * each for each in (5, 10, 20, 50, 100, 200, 500, 1000)),
)
"""Steps between two ticks, the times in minutes: what people count in."""
DATES = [
    {"dtickrange": [None, 24 * 3_600_000 - 1], "value": "%H:%M\n%a %-d %b"},
    {"dtickrange": [24 * 3_600_000, None], "value": "%a %-d %b"},
]
"""How an axis of instants is said, as the pages say days and times."""


def spark(weeks: Sequence[Row], target: float | None, said: Callable[[Row], str]) -> go.Figure:
    """A sparkline of weekly values: limits as a quiet band, target dotted, the newest point the strongest."""
    figure = _series(weeks, said, width=1.4, size=3.5, last=8)
    rising = [w["value"] for w in weeks if w["value"] is not None]
    # the target is drawn only where it does not flatten the series: it is said in words beside the chart anyway
    near = target if target is not None and rising and _near(target, weeks) else None
    if near is not None:
        figure.add_hline(y=near, line={"color": TARGET, "width": 1, "dash": "dot"})
    low, high = _extent(weeks, near)
    span = [weeks[0]["week"] - timedelta(days=2), weeks[-1]["week"] + timedelta(days=5)] if weeks else None
    figure.update_xaxes(visible=False, fixedrange=True, range=span)
    figure.update_yaxes(visible=False, fixedrange=True, range=[low, high])
    return plain(figure, height=64, margin={"l": 0, "r": 0, "t": 2, "b": 2})


def trend(
    weeks: Sequence[Row],
    target: tuple[float, str] | None,
    said: Callable[[Row], str],
    axis: Callable[[float], str],
    notes: Sequence[tuple[date, str]] = (),
    others: Mapping[str, Sequence[Row]] | None = None,
    *,
    is_time: bool = False,
) -> go.Figure:
    """Weekly values with limits, mean, target (labelled at its end) and decisions as thin lines with a word.

    `others` are other places' values, drawn as thin lines and named where they are pointed at. `is_time`: values are minutes.
    """
    figure = _series(weeks, said, width=2, size=6, last=11)
    beside = others or {}
    low, high = _extent([*weeks, *(w for each in beside.values() for w in each)], target[0] if target else None)
    for name, series in beside.items():
        figure.add_scatter(
            x=[w["week"].isoformat() for w in series], y=[w["value"] for w in series], mode="lines",
            line={"color": LINE, "width": 1, "dash": "dash"}, hovertext=name, hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    marks = [(target[0], f"<b>{target[1]}</b>", TARGET)] if target else []
    for name, word in (("mean", "mean"), ("upper", "upper limit"), ("lower", "lower limit")):
        y = weeks[-1].get(name) if weeks else None
        if y is not None and all(abs(y - other) > (high - low) * 0.055 for other, _, _ in marks):
            marks.append((y, word, TEXT))  # a label that would lie on another is left out: its line stays
    for y, word, colour in marks:
        label(figure, y, word, colour)
    if target:
        figure.add_hline(y=target[0], line={"color": TARGET, "width": 1.5, "dash": "dot"})
    for number, (when, word) in enumerate(notes):
        figure.add_vline(x=when.isoformat(), line={"color": TEXT, "width": 1})
        figure.add_annotation(
            x=when.isoformat(), y=1, yref="paper", text=word, showarrow=False, xanchor="left", yanchor="top",
            xshift=4, yshift=-14 * (number % 3), font={"size": 12, "color": TEXT},
        )  # fmt: skip
    on_periods(figure, [w["week"] for w in weeks])
    figure.update_yaxes(fixedrange=True, range=[low, high], **ticks(low, high, axis, is_time=is_time))
    return plain(figure, height=330, margin={"l": 8, "r": 96, "t": 16, "b": 8})


def bars(
    parts: Sequence[Row],
    target: tuple[float, str] | None,
    label: Callable[[Row], str],
    said: Callable[[Row], str],
) -> go.Figure:
    """Horizontal bars from zero, each labelled with its number; the ones beyond the target carry the colour."""
    shown = [p for p in reversed(parts) if p["value"] is not None]
    figure = go.Figure(
        go.Bar(
            x=[p["value"] for p in shown],
            y=[p.get("name", p["part"]) for p in shown],
            orientation="h",
            text=[f"{label(p)}{f'  {MISSED}' if p.get('is_beyond') else ''}" for p in shown],
            textposition="outside",
            cliponaxis=False,
            textfont={"color": STRONG, "size": 13},
            marker={"color": [CONCERNING if p.get("is_beyond") else ORDINARY for p in shown]},
            width=0.62,
            customdata=[[p["part"]] for p in shown],
            hovertext=[said(p) for p in shown],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    top = max([p["value"] for p in shown] + ([target[0]] if target else []), default=1) or 1
    if target:
        figure.add_vline(x=target[0], line={"color": TARGET, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=target[0], y=1, yref="paper", yanchor="bottom", text=f"<b>{target[1]}</b>", showarrow=False,
            font={"size": 12, "color": TARGET},
        )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, top * 1.28])
    figure.update_yaxes(fixedrange=True, showgrid=False, tickfont={"size": 13, "color": TEXT}, automargin=True)
    return plain(figure, height=46 + 34 * max(len(shown), 1), margin={"l": 8, "r": 8, "t": 22, "b": 4})


def came_and_went(weeks: Sequence[Row], said: Callable[[Row], str]) -> go.Figure:
    """Two lines from zero: what came in and what was finished by week, each labelled at its end."""
    figure = go.Figure()
    x = [w["week"].isoformat() for w in weeks]
    for field, colour, dash in (("opened", ORDINARY, "dot"), ("closed", STRONG, "solid")):
        figure.add_scatter(
            x=x, y=[w[field] for w in weeks], mode="lines", line={"color": colour, "width": 2, "dash": dash},
            hovertext=[said(w) for w in weeks], hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    top = max(max(w["opened"], w["closed"]) for w in weeks) or 1
    ends = [("came in (dotted)", weeks[-1]["opened"]), ("finished", weeks[-1]["closed"])]
    ends.sort(key=lambda end: end[1])
    room = top * 0.09  # labels never lie on each other
    low, high = ends[0][1], max(ends[1][1], ends[0][1] + room)
    for (word, _), y in zip(ends, (low, high), strict=True):
        label(figure, y, word, TEXT)
    on_periods(figure, [w["week"] for w in weeks])
    figure.update_yaxes(fixedrange=True, range=[0, top * 1.15], **ticks(0, top, lambda v: f"{round(v):,}"))
    return plain(figure, height=240, margin={"l": 8, "r": 112, "t": 8, "b": 8})


def history(
    rows: Sequence[Row],
    lines: Sequence[tuple[str, str, str]],
    said: Callable[[Row], str],
    axis: Callable[[float], str],
    lacking: Sequence[date] = (),
) -> go.Figure:
    """Lines from zero over days or weeks, each labelled at its end: (field, word, strong, quiet or usual).

    A period of `lacking` is shaded, and a line breaks where a value is not known.
    """
    figure = go.Figure()
    x = [row["period"].isoformat() for row in rows]
    step = rows[1]["period"] - rows[0]["period"] if len(rows) > 1 else _WEEK
    for when in lacking:
        figure.add_vrect(
            x0=(when - step / 2).isoformat(),
            x1=(when + step / 2).isoformat(),
            fillcolor=BAND,
            line_width=0,
            layer="below",
        )
    looks = {"strong": (STRONG, "solid"), "quiet": (ORDINARY, "solid"), "usual": (NEUTRAL, "dot")}
    for field, _, look in lines:
        colour, dash = looks[look]
        figure.add_scatter(
            x=x, y=[row[field] for row in rows], mode="lines+markers", connectgaps=False, marker={"size": 4, "color": colour},
            line={"color": colour, "width": 1.6, "dash": dash}, hovertext=[said(row) for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    top = max((row[field] for row in rows for field, _, _ in lines if row[field] is not None), default=0) or 1
    ends = [
        (last, word, looks[look][0])
        for field, word, look in lines
        if (last := next((row[field] for row in reversed(rows) if row[field] is not None), None)) is not None
    ]
    low = -top
    for y, word, colour in sorted(ends, key=lambda end: end[0]):
        low = max(y, low + top * 0.13)  # labels never lie on each other
        label(figure, low, word, colour)
    on_periods(figure, [row["period"] for row in rows])
    figure.update_yaxes(fixedrange=True, range=[-top * 0.03, top * 1.2], **ticks(0, top, axis))
    return plain(figure, height=170, margin={"l": 8, "r": 84, "t": 4, "b": 4})


def course(
    steps: Sequence[Row],
    lines: Sequence[tuple[str, str, str]],
    said: Callable[[Row], str],
    axis: Callable[[float], str],
    span: tuple[datetime, datetime],
) -> go.Figure:
    """Lines over the hours or days around an incident, shaded while it lasted; what each says as in `history`."""
    figure = history(steps, lines, said, axis)
    figure.add_vrect(x0=span[0].isoformat(), x1=span[1].isoformat(), fillcolor=BAND, line_width=0, layer="below")
    named = [row["period"] for row in steps][:: max(1, -(-len(steps) // 4))]  # as many as a phone has room for
    texts = [f"{each:%a %H:%M}" for each in named]
    figure.update_xaxes(tickvals=[each.isoformat() for each in named], ticktext=texts, tickangle=0)
    return figure


def waits(steps: Sequence[Row], said: Callable[[Row], str], axis: Callable[[float], str]) -> go.Figure:
    """The waits of a visit, step by step: one bar a step and place, grouped by step, from zero; a missed target is marked."""
    figure = go.Figure()
    short = _short_names([step["place"] for step in steps])
    for number, place in enumerate(
        [*dict.fromkeys(step["place"] for step in steps)][::-1]
    ):  # the last drawn stands on top
        mine = [s for s in reversed(steps) if s["place"] == place and s["value"] is not None]
        figure.add_bar(
            name=place,
            x=[s["value"] for s in mine],
            y=[_folded(s["step"]) for s in mine],
            orientation="h",
            text=[f"{axis(s['value'])}  {short[place]}{f'  {MISSED}' if s.get('is_beyond') else ''}" for s in mine],
            textposition="outside",
            cliponaxis=False,
            textfont={"color": STRONG, "size": 12.5},
            marker={"color": [CONCERNING if s.get("is_beyond") else (ORDINARY, LINE)[number % 2] for s in mine]},
            hovertext=[said(s) for s in mine],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    top = max((s["value"] for s in steps if s["value"] is not None), default=1) or 1
    count = len(dict.fromkeys(s["step"] for s in steps))
    places = len(dict.fromkeys(s["place"] for s in steps))
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, top * 1.6])
    figure.update_yaxes(fixedrange=True, showgrid=False, tickfont={"size": 13, "color": TEXT}, automargin=True)
    figure.update_layout(bargap=0.3, bargroupgap=0.12)
    return plain(figure, height=24 + (24 + 22 * places) * max(count, 1), margin={"l": 8, "r": 8, "t": 4, "b": 4})


def _short_names(places: Sequence[str]) -> dict[str, str]:
    """The first word of each place, where that still tells them apart; direct labels must fit on a phone."""
    firsts = {place: place.split()[0] for place in places}
    return firsts if len(set(firsts.values())) == len(firsts) else {place: place for place in places}


def _folded(text: str, width: int = 16) -> str:
    """A label on lines of about `width` characters, for the narrow room beside bars."""
    return "<br>".join(textwrap.wrap(text, width))


def lanes(events: Sequence[Row], names: dict[str, str], said: Callable[[Row], str]) -> go.Figure:
    """A journey as one lane for each kind of event: a mark where something happened, a line for as long as it took."""
    figure = go.Figure()
    for (kind, name), colour in zip(names.items(), (ORDINARY, IMPROVING, NEUTRAL), strict=False):
        mine = [e for e in events if e["kind"] == kind]
        spans = [e for e in mine if e["until_at"] is not None]
        figure.add_scatter(
            x=[at for e in spans for at in (e["occurred_at"], e["until_at"], None)],
            y=[name] * (3 * len(spans)), mode="lines", line={"width": 10, "color": colour}, opacity=0.35, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=[e["occurred_at"] for e in mine],
            y=[name] * len(mine),
            mode="markers",
            marker={"size": 9, "color": colour, "symbol": "line-ns", "line": {"width": 2, "color": colour}},
            hovertext=[said(e) for e in mine],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_xaxes(
        fixedrange=True, showgrid=False, ticks="outside", tickcolor=LINE, nticks=5, tickangle=0, tickformatstops=DATES
    )
    figure.update_yaxes(
        fixedrange=True, showgrid=False, automargin=True, categoryorder="array", categoryarray=[*names.values()][::-1],
        tickfont={"size": 13, "color": TEXT},
    )  # fmt: skip
    return plain(figure, height=150, margin={"l": 8, "r": 16, "t": 4, "b": 8})


def _series(weeks: Sequence[Row], said: Callable[[Row], str], *, width: float, size: float, last: float) -> go.Figure:
    """The band of the limits, then the line, then the points; a week without a value is a gap."""
    weeks = _with_gaps(weeks)
    x = [w["week"].isoformat() for w in weeks]
    figure = go.Figure()
    if any(w.get("upper") is not None for w in weeks):
        for field, fill in (("lower", None), ("upper", "tonexty")):
            figure.add_scatter(
                x=x, y=[w.get(field) for w in weeks], mode="lines", line={"width": 0, "color": BAND},
                fill=fill, fillcolor=BAND, hoverinfo="skip",
            )  # fmt: skip
        figure.add_scatter(
            x=x, y=[w.get("mean") for w in weeks], mode="lines", line={"width": 1, "color": LINE}, hoverinfo="skip"
        )
    newest = max((n for n, w in enumerate(weeks) if w["value"] is not None), default=-1)
    colours = [MEANING.get(w.get("meaning") or "", ORDINARY) for w in weeks]
    if newest >= 0 and colours[newest] == ORDINARY:
        colours[newest] = STRONG
    figure.add_scatter(
        x=x,
        y=[w["value"] for w in weeks],
        mode="lines+markers",
        connectgaps=False,
        line={"color": LINE, "width": width},
        marker={"size": [last if n == newest else size for n in range(len(weeks))], "color": colours, "opacity": 1},
        hovertext=[said(w) if w["value"] is not None else "" for w in weeks],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    return figure


def _with_gaps(weeks: Sequence[Row]) -> list[Row]:
    """The weeks with an empty one for every Monday that is missing, so that the line breaks there."""
    filled: list[Row] = []
    for row in weeks:
        while filled and filled[-1]["week"] + _WEEK < row["week"]:
            filled.append({**filled[-1], "week": filled[-1]["week"] + _WEEK, "value": None, "meaning": None})
        filled.append(row)
    return filled


def _extent(weeks: Sequence[Row], target: float | None) -> tuple[float, float]:
    """A range that holds every value and both limits, with air; so the band never hides behind a run-away trend."""
    seen = [w[f] for w in weeks for f in ("value", "lower", "upper") if w.get(f) is not None]
    seen += [target] if target is not None else []
    if not seen:
        return 0.0, 1.0
    low, high = min(seen), max(seen)
    air = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - air, high + air


def _near(target: float, weeks: Sequence[Row]) -> bool:
    low, high = _extent(weeks, None)
    return low - (high - low) <= target <= high + (high - low)


def label(figure: go.Figure, y: float, text: str, colour: str) -> None:
    """A word right of the picture at the height of what it names."""
    figure.add_annotation(
        x=1, xref="paper", y=y, text=text, showarrow=False, xanchor="left", xshift=8, font={"size": 12, "color": colour}
    )


def on_periods(figure: go.Figure, periods: Sequence[date]) -> None:
    """An axis of days or weeks with ticks on some of them, as many as a phone has room for: a tick between two weeks names none."""
    named = periods[:: max(1, -(-len(periods) // 7))]
    figure.update_xaxes(
        fixedrange=True, showgrid=False, ticks="outside", tickcolor=LINE, tickvals=[day.isoformat() for day in named],
        ticktext=[f"{day.day} {day:%b}" for day in named],
    )  # fmt: skip


def ticks(low: float, high: float, axis: Callable[[float], str], *, is_time: bool = False) -> dict[str, Any]:
    """Round ticks, five at most, said as people say them; `is_time`: the values are minutes."""
    step = (
        next((each for each in (_ROUND_TIMES if is_time else _ROUND) if (high - low) / each < MOST_TICKS), high - low)
        or 1
    )
    at = [step * n for n in range(-int(-low // step), int(high // step) + 1)]
    return {"tickvals": at, "ticktext": [axis(v) for v in at], "showgrid": False, "zeroline": False}


def plain(figure: go.Figure, *, height: int, margin: dict[str, int]) -> go.Figure:
    """The figure with this project's look: no legend, no background, nothing to drag."""
    return figure.update_layout(
        height=height,
        margin=margin,
        showlegend=False,
        dragmode=False,
        hovermode="closest",
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left", "namelength": -1},
        font={"color": TEXT},
    )
