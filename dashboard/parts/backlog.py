"""One kind of open work as two pictures side by side: what came in and was finished by week, and how old the rest is."""

import streamlit as st

from dashboard import charts, words
from dashboard.backlogs import Backlog, Row, clearing
from dashboard.parts import markup
from dashboard.parts.picture import draw_picture
from models import wording


def draw_backlog(each: Backlog) -> None:
    """Both pictures, each with its table."""
    many = words.COUNTED.get(each.kpi.mart, ("case", "cases"))[1]
    st.subheader(each.kpi.title, anchor=False)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.caption("What came in and what was finished, week by week")
        if each.weeks:
            draw_picture(
                charts.came_and_went(each.weeks, lambda row: _said(row, many)),
                key=f"weeks-{each.kpi.id}",
                alt=f"{many.capitalize()} by week: came in {each.opened:,} and finished {each.closed:,} in {len(each.weeks)} weeks.",
                heads=("Week", "Came in", "Finished"),
                rows=[
                    (wording.day(row["week"]), wording.number(row["opened"]), wording.number(row["closed"]))
                    for row in reversed(each.weeks)
                ],
                numeric=("Came in", "Finished"),
            )
        else:
            markup.empty("Nothing came in or was finished.", "Choose a longer period.")
    with right:
        st.caption("How long those that wait have waited")
        if each.waiting:
            bands = [{"part": row["band"], "value": row["n"]} for row in each.bands]
            draw_picture(
                charts.bars(
                    bands, None, lambda p: wording.number(p["value"]), lambda p: f"{p['part']}: {p['value']:,}"
                ),
                key=f"ages-{each.kpi.id}",
                alt=f"{many.capitalize()} that wait now, by how long: "
                + "; ".join(f"{row['band']} {row['n']:,}" for row in each.bands)
                + ".",
                heads=("Has waited", many.capitalize()),
                rows=[(row["band"], wording.number(row["n"])) for row in each.bands],
                numeric=(many.capitalize(),),
            )
            st.caption(clearing(each))
        else:
            markup.empty("Nothing waits at the data cut.", "What comes next appears with the next publication.")


def _said(row: Row, many: str) -> str:
    return f"{wording.week(row['week'])}: {row['opened']:,} {many} came in, {row['closed']:,} were finished"
