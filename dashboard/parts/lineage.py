"""For engineers: files as they were delivered, quarantined lines with their rule, and how the tables come from each other."""

import streamlit as st

from dashboard import data, words
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.cases import short_path
from dashboard.parts.opening import further_opening, opening
from models import wording
from models.catalog import tables
from models.kpis import KPIS

AT_ONCE = 20


def draw_lineage(here: Here) -> None:
    """Three lists behind tabs, once the files were opened for a purpose."""
    if here.person.role != "engineer":
        markup.empty(
            f"The role {here.person.role} does not see files.", "An engineer can open files, lines and lineage."
        )
        return
    opened = opening(here, "file", "all files")
    held = further_opening(here, "quarantine", "all lines") if opened else None
    if opened is None or held is None:
        return
    files = data.opened_rows(opened, here.found, "file", order=("-file_id",))
    lines = data.opened_rows(held, here.found, "quarantine", order=("file_id", "line"))
    one, two, three = st.tabs(["Files", f"Quarantined lines ({wording.number(len(lines))})", "How tables are made"])
    with one:
        _files(here, files)
    with two:
        _quarantine(lines, {row["file_id"]: short_path(row["path"]) for row in files})
    with three:
        _lineage()


def _files(here: Here, files: list[data.Row]) -> None:
    if not files:
        markup.empty("No file was taken in yet.", "Run `wardflow ingest` with the hospital's files.")
        return
    pages = -(-len(files) // AT_ONCE)
    page = st.pagination(pages, key="page-files") if pages > 1 else 1
    heads = ("File", "Source", "Data to", "Read", "Loaded", "Unchanged", "Quarantined")
    markup.table(
        "Files as they were delivered, the newest first",
        heads,
        [
            (
                short_path(row["path"]),
                row["source"],
                words.local(here.found, row["exported_at"]),
                *(wording.number(row[n]) for n in ("lines_read", "loaded", "unchanged", "quarantined")),
            )
            for row in files[(page - 1) * AT_ONCE : page * AT_ONCE]
        ],
        numeric=heads[3:],
    )


def _quarantine(lines: list[data.Row], paths: dict[int, str]) -> None:
    if not lines:
        markup.empty("No line is quarantined.", "Every line that was delivered could be read.")
        return
    markup.table(
        "Quarantined lines with the rule that held them back",
        ("File and line", "Rule", "Cure"),
        [(f"{paths.get(r['file_id'], r['file_id'])}:{r['line']}", r["rule"], r["cure"]) for r in lines[:200]],
    )


def _lineage() -> None:
    """Each mart: what it holds, what it is made from, which KPIs are counted in it."""
    counted = {table.name: [k.short_title for k in KPIS.values() if k.mart == table.name] for table in tables()}
    markup.table(
        "How tables are made",
        ("Table", "One row is", "Made from", "Counted for"),
        [
            (
                table.full_name,
                table.grain,
                ", ".join(sorted(table.reads)),
                ", ".join(counted[table.name]) or wording.NONE,
            )
            for table in tables()
            if table.layer == "marts"
        ],
    )
