"""A list whose rows open something: a link and named values beside it. Wide: columns under one head; narrow: cards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard.parts.markup import Cell, Hours, Lines, cell_html, is_prose

HEAD_WIDTH = 196


@dataclass(frozen=True)
class ListedRow:
    """One row: draws its link, and has a cell for each head after the first."""

    link: Callable[[], object]
    cells: Sequence[Cell | Lines | Hours | None]


def draw_rows(key: str, heads: Sequence[str], rows: Sequence[ListedRow], widths: Sequence[float] | None = None) -> None:
    """Draw the head once and then the rows. `widths` are the relative widths of the cells after the link."""
    tracks = " ".join(f"minmax(0,{w}fr)" for w in widths or [1] * (len(heads) - 1))
    with st.container(key=f"rows-{key}", gap=None):
        _draw(key, heads, rows, tracks)


def _draw(key: str, heads: Sequence[str], rows: Sequence[ListedRow], tracks: str) -> None:
    with st.container(horizontal=True, key=f"rowhead-{key}"):
        st.html(f'<span class="wf-name">{escape(heads[0])}</span>', width=HEAD_WIDTH)
        names = "".join(f'<span class="wf-name">{escape(name)}</span>' for name in heads[1:])
        st.html(f'<div class="wf-cells" style="grid-template-columns:{tracks}">{names}</div>')
    for number, row in enumerate(rows):
        with st.container(horizontal=True, key=f"row-{key}-{number}"):
            with st.container(width=HEAD_WIDTH):
                row.link()
            values = "".join(
                f'<span class="wf-cell{" wf-prose" if is_prose(cell) else ""}"><span class="wf-name">{escape(name)}</span> '
                f"<span>{cell_html(cell)}</span></span>"
                for name, cell in zip(heads[1:], row.cells, strict=True)
            )
            st.html(f'<div class="wf-cells" style="grid-template-columns:{tracks}">{values}</div>')
