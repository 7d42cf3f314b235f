"""The cases behind a number: opened for a purpose, the ones to look at first on top, each a link to its journey."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

import streamlit as st

from dashboard import data, message, words
from dashboard.data import Row
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.markup import Cell
from dashboard.parts.opening import further_opening, opening
from dashboard.parts.rows import ListedRow, draw_rows
from dashboard.readings import Reading
from models import wording
from models.kpi import Selection

AT_ONCE = 15
MESSAGES = ("message", "message_delivery")
"""Marts whose cases are messages: they open as hops, and from there the journey."""


def draw_cases(here: Here, reading: Reading) -> None:
    """The prompt, or the cases of this number page by page."""
    kpi, view = reading.kpi, here.view
    asked = f"{kpi.id} where {words.place_params(view.facility, view.unit)}, {reading.start} to {reading.end}"
    opened = opening(here, kpi.mart, asked)
    if opened is None:
        return
    where = {k: (v,) for k, v in (("facility", view.facility), ("unit", view.unit)) if v}
    found = data.kpi_cases(opened, here.found, kpi, Selection(where=where, start=reading.start, end=reading.end))
    if not found:
        markup.empty("No case counts here.", "Choose a longer period or a larger part of the hospital.")
        return
    most = f"the first {data.MOST_CASES}" if len(found) == data.MOST_CASES else "all"
    st.caption(f"{most.capitalize()} of {words.counted(kpi, reading.denominator)}; the ones to look at first on top.")
    pages = -(-len(found) // AT_ONCE)
    page = st.pagination(pages, key=f"page-{kpi.id}") if pages > 1 else 1
    shown = found[(page - 1) * AT_ONCE : page * AT_ONCE]
    files = source_files(here, asked, shown)
    heads = ("Case", "Day", "Where", "State" if kpi.unit == "count" else kpi.short_title)
    lines = ("Source file and line",) if files else ()
    draw_rows(
        "case",
        (*heads, *lines),
        [ListedRow(_link(here, reading, case), _cells(reading, case, files)) for case in shown],
        (1, 2.5, 1, 2.5)[: len(heads) + len(lines) - 1],
    )


def _link(here: Here, reading: Reading, case: Row) -> Callable[[], object]:
    key = str(case["case_key"])
    if reading.kpi.mart in MESSAGES:
        hops = here.view.to_kpi(reading.kpi.id).to_message(key)
        return lambda: here.link("message", f"**Message {message.short(key)}**", hops, icon="", help="")
    if not case["journey_key"]:
        return lambda: st.html(f"<span>{escape(key[:18])}</span>")
    view = here.view.to_kpi(reading.kpi.id).to_case(case["journey_key"])
    return lambda: here.link("case", f"**Case {key[:8]}**", view, icon="", help="")


def _cells(reading: Reading, case: Row, files: dict[int, str]) -> list[Cell]:
    found: list[Cell] = [
        wording.day(case["period"]) if case["period"] else wording.NONE,
        f"{case['facility']}, {words.unit_name(case['facility'], case['unit'])}",
        _amount(reading, case),
    ]
    if files:
        found.append(f"{files.get(case['file_id'], 'file ' + str(case['file_id']))}:{case['line']}")
    return found


def _amount(reading: Reading, case: Row) -> Cell:
    if case["is_open"]:
        return ("pending", "still open", "neutral")
    if case["flag"] is None:
        return wording.NONE if case["value"] is None else wording.value(case["value"], reading.kpi.unit)
    good = case["flag"] == (reading.kpi.improves == "up")
    return ("check" if case["flag"] else "remove", "yes" if case["flag"] else "no", "quiet" if good else "concern")


def source_files(here: Here, asked: str, rows: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Paths of the files that `rows` came from, by their number, for those who may see them; the opening is recorded like any other."""
    if not data.may_open(here.found, here.person, "file"):
        return {}
    opened = further_opening(here, "file", asked)
    if opened is None:
        return {}
    wanted = tuple(sorted({row["file_id"] for row in rows if row["file_id"] is not None}))
    found = data.opened_rows(opened, here.found, "file", {"file_id": wanted}, limit=len(wanted))
    return {row["file_id"]: short_path(row["path"]) for row in found}


def short_path(path: str) -> str:
    """The last three parts of a path: enough to find the file in its landing folder."""
    return "/".join(path.split("/")[-3:])
