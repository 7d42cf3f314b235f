"""Pilots as they were evaluated at publication: rows to sentences. No arithmetic: the judging is `models.impact`."""

import json
from typing import Any

from dashboard import data, words
from dashboard.here import Here
from dashboard.readings import possible
from models import wording
from models.kpi import Kpi
from models.kpis import KPIS

Row = dict[str, Any]


def pilots(here: Here) -> list[Row]:
    """Every registered pilot, the newest first."""
    return data.rows(here.found, here.person, "pilot_result", order=("-starts_on", "pilot"))


def weeks(here: Here, pilot: str) -> list[Row]:
    """The weekly values of a pilot's place with its limits, oldest first, as the trend's chart reads them."""
    where = {"pilot": pilot, "is_pilot": True}
    return [possible(row) for row in data.rows(here.found, here.person, "pilot_week", where, order=("week",))]


def others(here: Here, pilot: str) -> dict[str, list[Row]]:
    """The weekly values of the places it is compared with."""
    found: dict[str, list[Row]] = {}
    for row in data.rows(
        here.found, here.person, "pilot_week", {"pilot": pilot, "is_pilot": False}, order=("place", "week")
    ):
        found.setdefault(row["place"], []).append(row)
    return found


def kpi_of(row: Row) -> Kpi | None:
    """The KPI that decides; none where this version does not know it."""
    return KPIS.get(row["kpi"] or "")


def place(row: Row) -> str:
    """Where it runs, in words."""
    return ", ".join(part for part in (row["facility"], row["unit"]) if part) or "all facilities"


def headline(row: Row) -> tuple[str, str]:
    """Whether it worked, and the change with its interval."""
    kpi = kpi_of(row)
    lead = {
        "improved": "Yes: it became better.",
        "not_improved": "No: there is no improvement.",
        "worse": "No: it became worse.",
    }.get(row["verdict"], "Nobody can tell yet.")
    if kpi is None or row["effect"] is None:
        return lead, " ".join(row["why"])
    moved = f"{wording.value(row['before'], kpi.unit)} before, {wording.value(row['after'], kpi.unit)} after"
    return lead, f"{kpi.short_title} at {place(row)}: {moved}. {' '.join(row['why'])}"


def overview(rows: list[Row]) -> tuple[str, str]:
    """How many pilots are registered, and what became of them."""
    one = len(rows) == 1
    lead = f"{len(rows)} pilot{'' if one else 's'} {'is' if one else 'are'} registered."
    counts: dict[str, int] = {}
    for row in rows:
        word = words.VERDICTS[row["verdict"]][1]
        counts[word] = counts.get(word, 0) + 1
    return lead, "; ".join(f"{n} {word}" for word, n in counts.items()) + "."


def effect(row: Row, name: str = "effect") -> str:
    """`−41 min (−48 min to −28 min)`, or a dash."""
    kpi = kpi_of(row)
    prefix = name.removesuffix("_effect") if name != "effect" else "effect"
    if kpi is None or row[name] is None:
        return wording.NONE
    said = wording.change(row[name], kpi.unit)
    if row[f"{prefix}_low"] is None:
        return said
    low, high = wording.change(row[f"{prefix}_low"], kpi.unit), wording.change(row[f"{prefix}_high"], kpi.unit)
    return f"{said} ({low} to {high})"


def facts(here: Here, row: Row) -> list[tuple[str, str]]:
    """The registered plan."""
    kpi = kpi_of(row)
    hoped = wording.NONE if kpi is None or row["expected"] is None else wording.change(row["expected"], kpi.unit)
    return [
        ("Measure", kpi.title if kpi else str(row["kpi"])),
        ("Where", place(row)),
        ("First day", wording.day(row["starts_on"]) if row["starts_on"] else wording.NONE),
        ("Hoped-for change", hoped),
        ("Registered", f"{words.local(here.found, row['registered_at'])} by {row['registered_by']}"),
        ("Why", row["reason"]),
        ("Design", row["design"]),
    ]


def guardrails(row: Row) -> list[Row]:
    """The measures that must not become worse, with what became of each."""
    return json.loads(row["guardrails"] or "[]")


def power(row: Row) -> str:
    """What these weeks could show at all; empty when nothing was estimated."""
    kpi = kpi_of(row)
    if kpi is None or row["minimum_detectable_effect"] is None:
        return ""
    least = wording.value(row["minimum_detectable_effect"], kpi.unit)
    weeks = f"{row['weeks_before']} weeks before and {row['weeks_after']} after"
    said = f"With {weeks}, a change of {least} or more would show in four of five pilots."
    if row["needs_more_weeks"]:
        said += f" About {row['needs_more_weeks']} more weeks on each side would show the hoped-for change."
    return said
