"""The pieces of the data-quality page that everybody may see: readiness, checks, freshness, the account of lines."""

import html
import json
from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import data, words
from dashboard.here import Here
from dashboard.parts import markup
from dashboard.parts.rows import ListedRow, draw_rows
from dashboard.readings import Reading
from models import wording

COUNTS = ("lines_read", "loaded", "unchanged", "superseded", "ignored", "quarantined")


def headline(here: Here, found: Sequence[Reading]) -> tuple[str, str]:
    """How many numbers are ready, and how many lines of how many were held back."""
    ready = sum(r.state == "ready" for r in found)
    totals = _totals(here)
    held = f"{wording.number(totals['quarantined'])} of {wording.number(totals['lines_read'])} lines are quarantined"
    balanced = totals["lines_read"] == sum(totals[name] for name in COUNTS[1:])
    account = "the account of lines balances" if balanced else "the account of lines does not balance"
    return f"{ready} of {len(found)} numbers are ready.", f"{held}; {account}."


def draw_readiness(here: Here, found: Sequence[Reading]) -> None:
    """One line a KPI that is withheld or biased, why, and how complete what it needs is; the ready ones behind one click."""
    order = {"withheld": 0, "biased": 1}
    doubtful = sorted((r for r in found if r.state != "ready"), key=lambda r: order.get(r.state, 0))
    ready = [r for r in found if r.state == "ready"]
    if doubtful:
        _draw_states(here, "doubtful", doubtful)
    if ready:
        with st.expander(f"The {len(ready)} numbers that are ready", icon=":material/check_circle:"):
            _draw_states(here, "ready", ready)


def _draw_states(here: Here, name: str, readings: Sequence[Reading]) -> None:
    rows = [
        ListedRow(
            _link(here, reading),
            (
                words.STATES[reading.state],
                " ".join(reading.why) or "Everything it needs is complete enough.",
                _completeness(here, reading),
            ),
        )
        for reading in readings
    ]
    draw_rows(name, ("Number", "State", "Why", "Known of what it needs"), rows, (1, 4, 2.2))


def draw_freshness(here: Here) -> None:
    """One row a source: its data cut, its last file, how often one is expected, late or not."""
    if not here.found.sources:
        markup.empty("No source is configured.", "Name the systems that deliver files in wardflow.toml.")
        return
    state: dict[bool, markup.Cell] = {
        True: ("schedule", "late", "concern"),
        False: ("check_circle", "fresh", "improve"),
    }
    markup.table(
        "Freshness of each source",
        ("Source", "State", "Data to", "Last file taken in", "Expected every"),
        [
            (
                source.source,
                state[source.is_late],
                words.local(here.found, source.as_of),
                words.local(here.found, source.last_file_at),
                wording.hours(source.expected_every_hours * 60) if source.expected_every_hours else wording.NONE,
            )
            for source in here.found.sources
        ],
    )


def draw_completion(here: Here) -> None:
    """By source: exports of which a file is missing, and how many encounters wait for the rest."""
    found = data.rows(here.found, here.person, "completion", order=("source",))
    if not found:
        markup.empty(
            "No export came with a manifest.", "Keep the manifest.json beside the files: it says what should have come."
        )
        return
    for row in found:
        if row["incomplete_exports"]:
            chip = markup.chip("schedule", "waiting", "concern")
            said = wording.waiting(row["source"], row["encounters_waiting"], row["files_missing"])
        else:
            chip = markup.chip("check_circle", "whole", "improve")
            said = f"all {wording.number(row['exports'])} exports of {row['source']} came whole."
        st.html(f'<p class="wf-verdict">{chip} {html.escape(said)}</p>')


def draw_checks(here: Here) -> None:
    """The failed checks with what they mean; the passed ones behind one click."""
    found = data.rows(here.found, here.person, "check_result", order=("passed", "table", "expectation"))
    failed = [row for row in found if not row["passed"]]
    if failed:
        markup.table(
            "Checks that failed",
            ("Table", "Column", "Why it matters", "Rows against it", "Numbers concerned"),
            [
                (
                    row["table"],
                    row["column"],
                    row["why"],
                    wording.percent(row["unexpected_share"]),
                    ", ".join(words.kpi_title(k) for k in row["kpis"] or ()) or wording.NONE,
                )
                for row in failed
            ],
            numeric=("Rows against it",),
        )
    elif found:
        st.html(
            f'<p class="wf-verdict">{markup.chip("check_circle", f"all {len(found)} checks passed", "improve")}</p>'
        )
    else:
        markup.empty("No check has run yet.", "Run `wardflow run`: it checks before it publishes.")
    passed = [row for row in found if row["passed"]]
    if passed:
        with st.expander(f"The {len(passed)} checks that passed", icon=":material/check_circle:"):
            markup.table(
                "Checks that passed",
                ("Table", "Column", "Check", "Why it matters"),
                [(row["table"], row["column"], row["expectation"], row["why"]) for row in passed],
            )


def draw_ledger(here: Here) -> None:
    """The account of lines by source: read = loaded + unchanged + superseded + ignored + quarantined; by type behind one click."""
    rows = data.rows(here.found, here.person, "ledger_total", order=("source", "resource_type"))
    if not rows:
        markup.empty("No file was taken in yet.", "Run `wardflow ingest` with the hospital's files.")
        return
    heads = ("Files", "Read", "Loaded", "Unchanged", "Superseded", "Ignored", "Quarantined")
    sources = list(dict.fromkeys(row["source"] for row in rows))
    markup.table(
        "What became of every line, by source",
        ("Source", *heads),
        [
            *((source, *_counted([row for row in rows if row["source"] == source])) for source in sources),
            ("All", *_counted(rows)),
        ],
        numeric=heads,
    )
    with st.expander("By type of resource", icon=":material/expand_more:"):
        markup.table(
            "What became of every line, by source and type",
            ("Source", "Type", *heads),
            [(row["source"], row["resource_type"] or row["kind"], *_counted([row])) for row in rows],
            numeric=heads,
        )


def _counted(rows: Sequence[data.Row]) -> list[str]:
    return [wording.number(sum(row[name] for row in rows)) for name in ("files", *COUNTS)]


def _totals(here: Here) -> dict[str, int]:
    rows = data.rows(here.found, here.person, "ledger_total")
    return {name: sum(row[name] for row in rows) for name in COUNTS}


def _completeness(here: Here, reading: Reading) -> str:
    """How much of what a KPI requires is known, `departure 97.8 %`; a dash when it requires nothing."""
    where = {"kpi": reading.kpi.id, "facility": here.view.facility, "period": reading.start, "period_end": reading.end}
    said = [
        f"{_column(each['column'])} {wording.percent(each['completeness'])}"
        for row in data.rows(here.found, here.person, "readiness", where)
        for each in json.loads(row["inputs"] or "[]")
        if each.get("completeness") is not None
    ]
    return ", ".join(dict.fromkeys(said)) or wording.NONE


def _column(name: str) -> str:
    """`is_departure_known` → `departure`."""
    return name.removeprefix("is_").removesuffix("_known").replace("_", " ")


def _link(here: Here, reading: Reading) -> Callable[[], None]:
    return lambda: here.link_to_kpi(reading.kpi)
