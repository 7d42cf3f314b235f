"""A chart with its words: alternative text, the mode bar off, and the table behind one click."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard import charts
from dashboard.parts import markup


def draw_picture(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[Any]],
    numeric: Sequence[str] = (),
    choose: bool = False,
) -> list[Any]:
    """Draw the figure and its table. With `choose`, the custom data of the points that were clicked is returned."""
    if choose:
        state = st.plotly_chart(
            figure, width="stretch", config=charts.CONFIG, key=key, alt=alt, on_select="rerun", selection_mode="points"
        )
        chosen = [point.get("customdata") for point in state["selection"]["points"]]
    else:
        st.plotly_chart(figure, width="stretch", config=charts.CONFIG, key=key, alt=alt)
        chosen = []
    with st.expander("The same as a table", icon=":material/table:"):
        markup.table(alt, heads, rows, numeric=numeric)
    return chosen
