"""The pieces of the data-quality page about what was delivered: lines kept out, lines judged in full, findings, elements.

Counts of lines only, so every role sees them. Which lines they were, an engineer opens in `lineage`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import data, words
from dashboard.here import Here
from dashboard.parts import markup
from models import wording

FAILURES = {  # kind of failure as the models name it → in words
    "missing": "required, but missing",
    "model_field_validation.missing": "required, but missing",
    "extra_forbidden": "an element that FHIR does not define",
    "value_error": "no valid value",
    "datetime_from_date_parsing": "no valid time",
    "date_from_datetime_parsing": "no valid date",
    "unknown_type": "no FHIR resource type",
    "not_read": "cannot be judged",
    "json": "text that is no Unicode",
}
DRIFTED: Mapping[str, markup.Cell] = {  # the first that holds is shown
    "has_vanished": ("do_not_disturb_on", "vanished", "concern"),
    "is_new": ("add_circle", "new", "neutral"),
    "is_unknown": ("help", "unknown", "quiet"),
}


def draw_quarantine(here: Here) -> None:
    """One row a source, type and rule: how many lines were kept out, and what to do about it."""
    rows = data.rows(here.found, here.person, "quarantine_total", order=("source", "-n"))
    if not rows:
        markup.empty("No line is quarantined.", "Every line that was delivered could be read.")
        return
    markup.table(
        "Quarantined lines by source and rule",
        ("Source", "Type", "Rule", "Lines", "Last in the data of", "What to do"),
        [
            (r["source"], r["resource_type"], _worded(r["rule"]), wording.number(r["n"]), _day(here, r), r["cure"])
            for r in rows
        ],
        numeric=("Lines",),
    )


def draw_validation(here: Here) -> None:
    """How many lines FHIR's own definitions were held against, and what failed."""
    rows = data.rows(here.found, here.person, "validation", order=("source", "resource_type", "scope"))
    if not rows:
        markup.empty("No FHIR line was judged yet.", "Run `wardflow ingest` with a FHIR export.")
        return
    sample = _sums([row for row in rows if row["scope"] == "sample"])
    held = _sums([row for row in rows if row["scope"] == "quarantine"])
    kept_out = (
        f" and {wording.number(held['checked'])} of {wording.number(held['lines'])} quarantined ones that are JSON"
        if held["lines"]
        else ""
    )
    st.html(
        f'<p class="wf-status">{wording.number(sample["checked"])} of {wording.number(sample["lines"])} readable lines'
        f" ({_share(sample['checked'], sample['lines'])}){kept_out} were held against FHIR's definitions in full."
        " Lines that fail are loaded all the same. <code>validate_share</code> in wardflow.toml sets how many are judged.</p>"
    )
    failures = data.rows(here.found, here.person, "validation_failure", order=("-n", "source", "resource_type", "path"))
    worst: dict[tuple[str, str, str], data.Row] = {}
    for each in failures:
        worst.setdefault((each["source"], each["resource_type"], each["scope"]), each)
    by_failing = sorted((row for row in rows if row["lines"]), key=lambda row: -row["failed"])
    markup.table_in_parts(
        "Lines judged in full, by source and type",
        ("Source", "Type", "Lines", "Judged", "Failed", "Most often"),
        [
            (
                row["source"],
                row["resource_type"] if row["scope"] == "sample" else f"{row['resource_type']}, quarantined",
                wording.number(row["lines"]),
                f"{wording.number(row['checked'])} ({_share(row['checked'], row['lines'])})",
                wording.number(row["failed"]),
                _failure(worst.get((row["source"], row["resource_type"], row["scope"]))),
            )
            for row in by_failing
        ],
        numeric=("Lines", "Judged", "Failed"),
        at_once=min(markup.AT_ONCE, sum(row["failed"] > 0 for row in rows)),
        rest="types",
        alone="types, none with a failure",
    )


def draw_findings(here: Here) -> None:
    """One row a finding on loaded rows: its meaning, its newest week, and the weeks before; what rose first."""
    found: dict[tuple[str, str | None, str], list[data.Row]] = defaultdict(list)
    for row in data.rows(here.found, here.person, "finding_week", order=("week",)):
        found[row["source"], row["resource_type"], row["rule"]].append(row)
    if not found:
        markup.empty("Nothing looks wrong.", "No rule found anything in the rows that were loaded.")
        return
    weeks = sorted(found.values(), key=lambda rows: (not rows[-1]["has_risen"], -rows[-1]["n"], rows[-1]["rule"]))
    markup.table_in_parts(
        "Findings on loaded rows",
        ("Finding", "Where", "What it means", "Newest week", "By week", ""),
        [
            (
                _worded(rows[-1]["rule"]),
                " ".join(filter(None, (rows[-1]["source"], rows[-1]["resource_type"]))),
                rows[-1]["meaning"],
                f"{wording.number(rows[-1]['n'])} in {wording.number(rows[-1]['lines'])} rows",
                markup.Bars(
                    tuple(row["n"] / row["lines"] if row["lines"] else 0 for row in rows),
                    f"By week: {', '.join(wording.number(row['n']) for row in rows)}",
                ),
                ("trending_up", "rising", "concern")
                if rows[-1]["has_risen"]
                else ("trending_flat", "as before", "quiet"),
            )
            for rows in weeks
        ],
        rest="findings",
    )


def draw_drift(here: Here) -> None:
    """One row an element that is unknown to FHIR, new or gone: where, on how many lines, first and last seen."""
    rows = data.rows(here.found, here.person, "drift", order=("source", "resource_type", "path"))
    if not rows:
        markup.empty("No element was counted yet.", "Run `wardflow ingest` with a FHIR export.")
        return
    order = list(DRIFTED)
    drifted = sorted((row for row in rows if _states(row)), key=lambda row: order.index(_states(row)[0]))
    said = f"{wording.number(len(rows))} elements were seen, in a sample of each file's lines"
    if not drifted:
        chip = markup.chip("check_circle", "none is unknown, new or gone", "improve")
        st.html(f'<p class="wf-verdict">{chip}</p><p class="wf-status">{said}.</p>')
        return
    counts = {name: sum(bool(row[name]) for row in rows) for name in order}
    st.html(
        f'<p class="wf-status">{said}: {counts["has_vanished"]} vanished, {counts["is_new"]} new, {counts["is_unknown"]}'
        " unknown to FHIR. A name that FHIR does not define and that could be a person's is shown as ?.</p>"
    )
    markup.table_in_parts(
        "Elements that are unknown, new or gone",
        ("Element", "Source", "State", "On lines", "First seen", "Last seen"),
        [
            (
                f"{row['resource_type']}.{row['path']}",
                row["source"],
                _chip(row),
                f"{wording.number(row['lines'])} of {wording.number(row['looked_at'])}",
                words.local(here.found, row["first_seen_at"]),
                words.local(here.found, row["last_seen_at"]),
            )
            for row in drifted
        ],
        numeric=("On lines",),
        rest="elements",
    )


def _states(row: data.Row) -> list[str]:
    return [name for name in DRIFTED if row[name]]


def _chip(row: data.Row) -> markup.Cell:
    icon, _, tone = DRIFTED[_states(row)[0]]
    return icon, ", ".join(DRIFTED[name][1] for name in _states(row)), tone


def _failure(row: data.Row | None) -> str:
    if row is None:
        return wording.NONE
    kind = FAILURES.get(row["rule"], _worded(row["rule"]))
    place = row["path"].removesuffix("?").removesuffix(".")
    return f"{place}: {kind}" if place else kind


def _worded(rule: str) -> str:
    """`end_before_start` → `end before start`."""
    return rule.replace("_", " ")


def _sums(rows: Sequence[data.Row]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("lines", "checked", "failed")}


def _share(part: int, whole: int) -> str:
    return wording.percent(part / whole if whole else None)


def _day(here: Here, row: data.Row) -> str:
    return words.local(here.found, row["last_seen_at"])
