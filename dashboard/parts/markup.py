"""HTML for what Streamlit has no element for: verdict chips, and tables that turn into cards on a narrow screen.

Everything that comes from data is escaped here. Colours are classes of style.css, which takes them from the theme.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from models import wording

_UNITS = re.compile(r"(?<=\d) (?=(?:h|min|s|d|ms|%|pts)\b|%)|(?<=h) (?=\d\d\b)|(?<=[≤≥]) (?=\d)|(?<=target) (?=[≤≥])")

Cell = str | tuple[str, str, str]  # text, or (icon, word, tone)
AT_ONCE = 10
"""So many rows of a long table stand on the page, the others behind a click."""
BESIDE = 28
"""As many letters stand beside their name on a narrow screen; a longer text stands below it, from the left."""
SHORT = 14
"""Two numbers whose names are no longer stand side by side on a narrow screen."""


@dataclass(frozen=True)
class Bars:
    """A cell of a table: one small bar a value, the newest last and strongest; `said` is what a screen reader says."""

    values: tuple[float, ...]
    said: str


@dataclass(frozen=True)
class Lines:
    """A cell of several lines: what matters first, the rest smaller under it."""

    first: str
    rest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Swatch:
    """A cell of a legend: how it looks in the picture (a class of style.css), its name, what it means."""

    look: str
    name: str
    meaning: str


@dataclass(frozen=True)
class Hours:
    """A cell with one bar an hour before what is usual then: (messages, lowest usual, usual, highest usual), None where not known.

    An hour without a bar and without a mark at its foot is one that the log knows nothing of.
    """

    hours: tuple[tuple[float | None, float | None, float | None, float | None], ...]
    said: str


def chip(icon: str, word: str, tone: str) -> str:
    """An icon and a word in one of the tones quiet, improve, concern, neutral."""
    return (
        f'<span class="wf-chip wf-{escape(tone)}"><span class="wf-icon" aria-hidden="true">{escape(icon)}</span>'
        f"{escape(word)}</span>"
    )


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], *, numeric: Sequence[str] = (), key: str = ""
) -> None:
    """Draw a table with a caption for screen readers; on a narrow screen every row is a card with named lines.

    `numeric` names the heads whose cells are numbers: they stand right.
    """
    head = "".join(f'<th scope="col"{_side(h, None, numeric)}>{escape(h)}</th>' for h in heads)
    halves = _halves(heads, numeric)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{escape(h)}"{_side(h, c, numeric, halves)}>{cell_html(c)}</td>'
            for h, c in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    st.html(
        f'<div class="wf-scroll" id="{escape(key)}"><table class="wf-table"><caption class="wf-only-read">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def table_in_parts(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    rest: str,
    numeric: Sequence[str] = (),
    at_once: int = AT_ONCE,
    alone: str = "",
    key: str = "",
) -> None:
    """A table of the first rows; the others behind one click that says how many more there are of what (`alone`: where none is first)."""
    first, others = rows[:at_once], rows[at_once:]
    if first:
        table(caption, heads, first, numeric=numeric, key=key)
    if others:
        with st.expander(
            f"{len(others)} more {rest}" if first else f"{len(others)} {alone}", icon=":material/expand_more:"
        ):
            table(f"{caption}, the others" if first else caption, heads, others, numeric=numeric)


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """A list of names and values."""
    st.html(
        '<dl class="wf-facts">'
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
        + "</dl>"
    )


def unbroken(text: str) -> str:
    """The text with its numbers and units, and its signs and numbers, kept on one line."""
    return _UNITS.sub("\u00a0", text)


def in_time(events: Sequence[Mapping[str, Any]], item: Callable[[Any], str], look: str = "") -> None:
    """A list of events in order, each as its `item`, with a line for each new day; `look` is one more class of style.css."""
    items, day = [], None
    for event in events:
        if event["occurred_at"].date() != day:
            day = event["occurred_at"].date()
            items.append(f'<li class="wf-day">{escape(wording.day(day))}</li>')
        items.append(item(event))
    st.html(f'<ol class="{" ".join(filter(None, ("wf-journey", look)))}">{"".join(items)}</ol>')


def source_line(event: Mapping[str, Any], files: Mapping[int, str]) -> str:
    """The file and line that an event was read from; empty for a role that may see no files, which gets no `files`."""
    if not files or event["file_id"] is None:
        return ""
    return f"{files.get(event['file_id'], 'file ' + str(event['file_id']))}:{event['line']}"


def legend(entries: Sequence[tuple[str, str]]) -> None:
    """What the colours of a picture stand for: looks (classes of style.css) with their words, each entry unbroken where there is room."""
    listed = "".join(
        f'<span><span class="wf-swatch wf-{escape(look)}" aria-hidden="true"></span>{escape(word)}</span>'
        for look, word in entries
    )
    st.html(f'<p class="wf-legend wf-entries">{listed}</p>')


def headline(lead: str, rest: str) -> None:
    """The one sentence that answers the page's question."""
    st.html(f'<p class="wf-headline"><strong>{escape(unbroken(lead))}</strong> {escape(unbroken(rest))}</p>')


def notice(said: str) -> None:
    """A line about what is shown, where that is not what was asked for."""
    st.html(
        f'<p class="wf-notice" role="status"><span class="wf-icon" aria-hidden="true">info</span>{escape(said)}</p>'
    )


def sentence(said: str) -> None:
    """A sentence of a page, with Markdown's bold; its numbers stay with their units."""
    st.markdown(unbroken(said))


def empty(what: str, why: str) -> None:
    """An empty state: what is not there, why, and what to do."""
    st.html(f'<div class="wf-empty"><strong>{escape(what)}</strong><br>{escape(why)}</div>')


def cell_html(cell: Cell | Bars | Lines | Hours | Swatch | None) -> str:
    """A cell as HTML: a chip, bars, hours, lines, a swatch, a text, or the dash of a missing value."""
    if isinstance(cell, Hours):
        return _hours_html(cell)
    if isinstance(cell, Swatch):
        swatch = f'<span class="wf-swatch wf-{escape(cell.look)}" aria-hidden="true"></span>'
        return f'<span class="wf-lines"><span>{swatch}{escape(cell.name)}</span><small>{escape(cell.meaning)}</small></span>'
    if isinstance(cell, Lines):
        rest = "".join(f"<small>{escape(unbroken(line))}</small>" for line in cell.rest)
        return f'<span class="wf-lines"><span>{escape(unbroken(cell.first))}</span>{rest}</span>'
    if isinstance(cell, Bars):
        most = max(cell.values, default=0) or 1
        bars = "".join(f'<span style="height:{max(value / most, 0.04):.0%}"></span>' for value in cell.values)
        return f'<span class="wf-bars" role="img" aria-label="{escape(cell.said)}">{bars}</span>'
    if isinstance(cell, tuple):
        return chip(*cell)
    return escape(wording.NONE if cell is None else unbroken(str(cell)))


def _hours_html(cell: Hours) -> str:
    """A bar an hour before the band of what is usual; heights are shares of the highest of them all."""
    most = max((n for hour in cell.hours for n in (hour[0], hour[3]) if n is not None), default=0) or 1
    drawn: list[str] = []
    for messages, low, usual, high in cell.hours:
        parts: list[str] = []
        if low is not None and usual is not None and high is not None:
            parts.append(
                f'<i class="wf-band" style="bottom:{low / most:.0%};height:{max((high - low) / most, 0.03):.0%}"></i>'
            )
        if messages is not None:
            parts.append(f'<i class="wf-bar" style="height:{max(messages / most, 0.03):.0%}"></i>')
        if parts and usual is not None:
            parts.append(f'<i class="wf-usual" style="bottom:{usual / most:.0%}"></i>')
        drawn.append(f"<span>{''.join(parts)}</span>")
    said = escape(cell.said)
    return f'<span class="wf-hours" role="img" aria-label="{said}" title="{said}">{"".join(drawn)}</span>'


def is_prose(cell: object) -> bool:
    """Whether a cell holds a text too long to stand beside its name on a narrow screen."""
    if isinstance(cell, Swatch):
        return True
    lines = (cell.first, *cell.rest) if isinstance(cell, Lines) else (cell,) if isinstance(cell, str) else ()
    return any(len(line) > BESIDE for line in lines)


def _halves(heads: Sequence[str], numeric: Sequence[str]) -> set[str]:
    """The heads of numbers that stand in pairs on a narrow screen: neighbours with short names, none left over."""
    found: set[str] = set()
    before: str | None = None
    for head in heads:
        is_short = head in numeric and len(head) <= SHORT
        if is_short and before:
            found |= {before, head}
        before = head if is_short and head not in found else None
    return found


def _side(head: str, cell: object, numeric: Sequence[str], halves: Collection[str] = ()) -> str:
    if head in numeric:
        return f' class="wf-number{" wf-half" if head in halves else ""}"'
    return ' class="wf-prose"' if is_prose(cell) else ""
