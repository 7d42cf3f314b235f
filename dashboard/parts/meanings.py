"""The dictionary as lists: measures by family with what they count, tables with what a row is, the columns of one."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import dictionary
from dashboard.dictionary import Entry
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording
from models.kpi import Kpi
from models.kpis import FAMILIES

AT_ONCE = 20


def draw_kpis(here: Here, kpis: Sequence[Kpi]) -> None:
    """Each family's measures; the name opens the measure."""
    for family, heading in FAMILIES.items():
        members = [kpi for kpi in kpis if kpi.family == family]
        if members:
            st.subheader(heading, anchor=False)
            draw_rows(
                family,
                ("Measure", "What it counts", "Owner", "From"),
                [ListedRow(_measure(here, kpi), (kpi.definition, kpi.owner, kpi.table)) for kpi in members],
                (4, 1.3, 1.2),
            )


def draw_tables(here: Here, tables: Sequence[Entry]) -> None:
    """The tables page by page; the name opens its columns."""
    if tables:
        st.subheader("Tables", anchor=False)
        pages = -(-len(tables) // AT_ONCE)
        page = st.pagination(pages, key="page-tables") if pages > 1 else 1
        draw_rows(
            "table",
            ("Table", "What a row is", "Columns", "Rows published"),
            [ListedRow(_table(here, entry), _cells(here, entry)) for entry in tables[(page - 1) * AT_ONCE :][:AT_ONCE]],
            (4, 0.8, 1.1),
        )


def draw_table(here: Here, entry: Entry) -> None:
    """One table: what a row is, who may open it, and its columns."""
    rows = dictionary.rows_of(here.found, entry)
    markup.headline(f"{entry.name}.", entry.says)
    st.caption(
        "Not published: it stays in the warehouse." if rows is None else f"{wording.number(rows)} rows are published."
    )
    markup.table(
        f"The columns of {entry.name}",
        ("Column", "Type", "Meaning"),
        [[part or None for part in each] for each in entry.columns],
    )


def _cells(here: Here, entry: Entry) -> tuple[str, str, str]:
    return entry.says, wording.number(len(entry.columns)), wording.number(dictionary.rows_of(here.found, entry))


def _measure(here: Here, kpi: Kpi) -> Callable[[], None]:
    return lambda: here.link_to_kpi(kpi)


def _table(here: Here, entry: Entry) -> Callable[[], None]:
    view = here.view.scope.to(table=entry.name)
    return lambda: here.link("dictionary", entry.name, view, icon="", help="")
