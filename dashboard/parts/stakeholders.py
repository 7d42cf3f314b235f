"""The front page as four columns: what patients wait for, what gets in clinicians' way, what passes through, what carries it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import families
from dashboard.here import Here
from dashboard.parts.card import draw_card, draw_line
from dashboard.readings import Reading


def draw_stakeholders(here: Here, shown: Sequence[Reading]) -> None:
    """One column each, stacked on a narrow screen: the front page's cards first, their other numbers as lines below."""
    columns = families.by_stakeholder(shown)
    grid = st.grid(columns=max(len(columns), 1), min_column_width=218, gap=14)
    for who, (cards, lines) in columns.items():
        name, what = families.STAKEHOLDERS[who]
        with grid.cell(), st.container(key=f"who-{who}"):
            st.html(f'<h2 class="wf-who">{escape(name)} <small>{escape(what)}</small></h2>')
            for reading in cards:
                draw_card(here, reading)
            for reading in lines:
                draw_line(here, reading)
