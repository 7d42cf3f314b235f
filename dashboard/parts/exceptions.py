"""The exception queue as it is drawn: kinds with their counts, the open ones as a list, and one of them opened to decide about."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import exceptions, words
from dashboard.data import Opening, Row
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.cases import source_files
from dashboard.parts.deciding import draw_deciding, draw_decisions
from dashboard.parts.head import draw_not_found
from dashboard.parts.rows import ListedRow, draw_rows
from models import wording
from models.exceptions import KINDS

AT_ONCE = 15
STATES = {  # of the journal → icon, tone
    "open": ("radio_button_unchecked", "concern"),
    "assigned": ("person", "neutral"),
    "acknowledged": ("visibility", "neutral"),
}


def draw_counts(here: Here, rows: Sequence[Row]) -> None:
    """How many of each kind are open and how old the oldest is."""
    hidden = wording.suppressed(here.suppress_below)
    markup.table(
        "What did not happen, by kind",
        ("What did not happen", "Open", "The oldest is late by"),
        [
            (
                row["title"],
                hidden if row["suppressed"] else wording.number(row["waiting"]),
                wording.NONE if row["suppressed"] else wording.duration(row["oldest_minutes"]),
            )
            for row in rows
        ],
        numeric=("Open",),
        key="kinds",
    )


def draw_opened(here: Here, opened: Opening, kinds: Sequence[str]) -> None:
    """The queue, narrowed to a kind where one is chosen, below the exception that the view names."""
    kind = st.selectbox(
        "Kind",
        [None, *kinds],
        format_func=lambda each: KINDS[each].title if each else "All kinds",
        key="exception-kind",
    )
    rows = exceptions.queue(here, opened, kind)
    one = next((row for row in rows if row["exception_key"] == here.view.find), None)
    draw_not_found(
        here.view.find,
        one,
        "an exception",
        "all that wait are listed; it was resolved, happened after all, or is of another kind or place",
    )
    if one:
        draw_one(here, one)
    if rows:
        draw_queue(here, rows)
    else:
        markup.empty("Nothing waits for anybody.", "All of this kind and place was resolved, or happened after all.")


def draw_queue(here: Here, rows: Sequence[Row]) -> None:
    """The open ones page by page; each opens to be decided about."""
    pages = -(-len(rows) // AT_ONCE)
    page = st.pagination(pages, key="page-exceptions") if pages > 1 else 1
    draw_rows(
        "exception",
        ("What", "Where", "Late by", "Owner", "State"),
        [
            ListedRow(lambda row=row: _link(here, row), _cells(here, row))
            for row in rows[(page - 1) * AT_ONCE :][:AT_ONCE]
        ],
        (2.4, 1.1, 1.1, 0.9),
    )


def draw_one(here: Here, row: Row) -> None:
    """One exception: what proves it, where it leads, and the forms to assign, acknowledge or resolve it."""
    key = row["exception_key"]
    files = source_files(here, f"exception {key}", [row])
    facts = [
        ("What did not happen", row["what"]),
        ("Where", exceptions.where(row)),
        ("Due by", words.local(here.found, row["expected_at"])),
        ("Since then", wording.duration(row["minutes_open"])),
        ("Owner", exceptions.owner(row)),
        ("State", row["standing"].said),
        ("Number", key),
    ]
    if files and row["file_id"] is not None:
        facts.append(("Source file and line", f"{files.get(row['file_id'], row['file_id'])}:{row['line']}"))
    markup.facts(facts)
    with st.container(horizontal=True, vertical_alignment="center"):
        if row["encounter_key"]:
            here.link(
                "case", "Open the journey", here.view.scope.to_case(row["encounter_key"]), icon=":material/route:"
            )
        if row["message_key"]:
            here.link(
                "message", "Open the message", here.view.scope.to_message(row["message_key"]), icon=":material/mail:"
            )
        draw_deciding(here, "exception", key)
    draw_decisions(here, "exception", key)


def _link(here: Here, row: Row) -> None:
    view = here.view.to(facility=here.view.facility, unit=here.view.unit, find=row["exception_key"])
    here.link("exceptions", f"**{KINDS[row['kind']].title}**", view, icon="", help="")


def _cells(here: Here, row: Row) -> list[Any]:
    icon, tone = STATES[row["standing"].state]
    due = markup.Lines(
        wording.duration(row["minutes_open"]), (f"since {words.short_time(here.found, row['expected_at'])}",)
    )
    return [
        markup.Lines(exceptions.where(row), (row["what"],)),
        due,
        exceptions.owner(row),
        (icon, row["standing"].said, tone),
    ]
