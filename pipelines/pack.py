"""The board pack and the report of a pilot: one printable HTML file each, made from published aggregates alone.

Nothing in it can name anybody (small numbers are hidden before they are published), so every role may make it. No script,
no picture from outside, no font to load: it reads the same in ten years. Here: which rows, in which order. Not here: the
values, the small drawings (`drawing`), the form of the page (`pack_page`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from models import wording
from models.kpis import FAMILIES, KPIS
from pipelines import drawing
from pipelines.pack_page import Raw, facts, page, paragraph, section, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from models.kpi import Kpi
    from pipelines.snapshot_reader import Snapshot

WEEKS = 13
VARIATION = {
    "concern": "concern",
    "improvement": "improving",
    "common_cause": "steady",
    "neutral_high": "higher",
    "neutral_low": "lower",
}
ASSURANCE = {"pass": "meets target", "fail": "misses target", "hit_or_miss": "hit or miss"}

Row = dict[str, Any]


def board_pack(snapshot: Snapshot) -> str:
    """Overview, every family with its facilities, pilots, data quality and definitions, as one HTML document."""
    found = snapshot.manifest
    start, end = _window(snapshot)
    values = _values(snapshot, start, end)
    signals = _signals(snapshot)
    states = _states(snapshot, start, end)
    parts = [
        paragraph(
            f"Data to {wording.local_time(snapshot.as_of)}. Numbers are of the {WEEKS} whole weeks from "
            f"{wording.day(start)} to {wording.day(end - timedelta(days=1))}; changes are against the {WEEKS} weeks before. "
            f"{_checks(snapshot)}"
        ),
        section("Overview", _overview(snapshot, values, signals, states)),
    ]
    for family, heading in FAMILIES.items():
        members = [kpi for kpi in KPIS.values() if kpi.family == family]
        if members:
            parts.append(section(heading, _family(snapshot, members, values, states)))
    parts.append(section("Pilots", _pilots(snapshot)))
    parts.append(section("Can the data be trusted?", _trust(snapshot, states)))
    parts.append(section("Definitions", _definitions(snapshot)))
    site = str(found.settings.get("site") or found.home_name)
    return page(site, "Board pack", "".join(parts), f"Snapshot {found.id}, Wardflow {found.code_version}")


def pilot_report(snapshot: Snapshot, row: Row, weeks: Sequence[Row], said: Sequence[str]) -> str:
    """A pilot's result in words, its chart, its plan, and what the authors must still write themselves."""
    found = snapshot.manifest
    kpi = KPIS.get(row["kpi"] or "")
    mine = [week for week in weeks if week["is_pilot"]]
    others: dict[str, list[Row]] = {}
    for week in weeks:
        if not week["is_pilot"]:
            others.setdefault(week["place"], []).append(week)
    alt = f"Weekly values of {kpi.title if kpi else row['kpi']}; limits from the weeks before the first day."
    chart = drawing.series(mine, alt, width=640, height=200, first_day=row["starts_on"], others=list(others.values()))
    plan = [
        ("Measure", kpi.title if kpi else str(row["kpi"])),
        ("How it is counted", kpi.definition if kpi else wording.NONE),
        ("Where", ", ".join(part for part in (row["facility"], row["unit"]) if part) or "all facilities"),
        ("First day", wording.day(row["starts_on"]) if row["starts_on"] else wording.NONE),
        ("Registered by", row["registered_by"]),
        ("Why", row["reason"]),
        ("Design", row["design"]),
        ("Completeness and accuracy of the data", _checks(snapshot)),
    ]
    own = ("Problem", "What is known already", "The intervention, so that it can be repeated", "The team", "Context",
           "Unintended consequences and costs", "Interpretation and limits", "Ethics")  # fmt: skip
    parts = [
        section("What was found", "".join(paragraph(line) for line in said)),
        section("Week by week", chart + paragraph(_caption(kpi, mine, others))),
        section("What was planned", facts(plan)),
        section("To be written by you", facts([(name, "…") for name in own])),
    ]
    site = str(found.settings.get("site") or found.home_name)
    return page(site, f"Pilot {row['pilot']}", "".join(parts), f"Snapshot {found.id}, Wardflow {found.code_version}")


def _caption(kpi: Kpi | None, mine: Sequence[Row], others: Mapping[str, Sequence[Row]]) -> str:
    """What the chart shows, with the numbers that its lines stand at."""
    if not mine or kpi is None:
        return "No weekly value is published."
    last = mine[-1]
    said = f"Weeks from {wording.day(mine[0]['week'])} to {wording.day(last['week'])}, the last {wording.value(last['value'], kpi.unit)}."
    if last["mean"] is not None:
        limits = " to ".join(wording.value(last[name], kpi.unit) for name in ("lower", "upper"))
        said += (
            f" Before the first day (dotted) the mean was {wording.value(last['mean'], kpi.unit)}, the limits {limits}."
        )
    return said + (f" Thin: {', '.join(others)}." if others else "")


def _window(snapshot: Snapshot) -> tuple[date, date]:
    today = snapshot.as_of.date()
    end = today - timedelta(days=today.weekday())
    return end - timedelta(weeks=WEEKS), end


def _values(snapshot: Snapshot, start: date, end: date) -> Mapping[tuple[str, str | None], Row]:
    """The window's row by KPI and facility, with `change` to the window before, if the data reach back."""
    query = """
        with whole as (select * from kpi_value where unit is null),
        first as (select kpi, min(period) as begins from whole where grain = 'all' group by kpi)
        select now.*, case when first.begins <= before.period then now.value - before.value end as change
        from whole as now
        left join first on first.kpi = now.kpi
        left join whole as before
            on before.kpi = now.kpi and before.facility is not distinct from now.facility and before.grain = 'window'
            and before.period_end = $start and before.period = $start - (now.period_end - now.period)::integer
        where now.grain = 'window' and now.period = $start and now.period_end = $end
    """
    rows = snapshot.rows(query, {"start": start, "end": end}, kpi_value="kpi_value")
    return {(row["kpi"], row["facility"]): row for row in rows}


def _signals(snapshot: Snapshot) -> Mapping[str, list[Row]]:
    query = "select * from signals where facility is null and unit is null order by kpi, week"
    found: dict[str, list[Row]] = {}
    for row in snapshot.rows(query, signals="kpi_signal"):
        found.setdefault(row["kpi"], []).append(row)
    return found


def _states(snapshot: Snapshot, start: date, end: date) -> Mapping[tuple[str, str | None], Row]:
    query = "select * from ready where grain = 'window' and period = $start and period_end = $end"
    rows = snapshot.rows(query, {"start": start, "end": end}, ready="readiness")
    return {(row["kpi"], row["facility"]): row for row in rows}


def _overview(
    snapshot: Snapshot,
    values: Mapping[tuple[str, str | None], Row],
    signals: Mapping[str, list[Row]],
    states: Mapping[tuple[str, str | None], Row],
) -> str:
    rows = []
    for kpi in (each for each in KPIS.values() if each.on_overview):
        row, weeks = values.get((kpi.id, None)), signals.get(kpi.id, [])
        last = weeks[-1] if weeks else {}
        state = states.get((kpi.id, None), {}).get("state")
        rows.append((
            kpi.short_title,
            _said(snapshot, kpi, row, state),
            wording.NONE if row is None or state == "withheld" else wording.change(row["change"], kpi.unit),
            _target(snapshot, kpi),
            VARIATION.get(last.get("variation") or "", "too few weeks"),
            ASSURANCE.get(last.get("assurance") or "", wording.NONE),
            Raw(drawing.series(weeks, f"{kpi.title}, {len(weeks)} weeks") if state != "withheld" else ""),
        ))  # fmt: skip
    return table(("Measure", "Now", "Change", "Target", "Changing?", "Good enough?", "26 weeks"), rows, (1, 2, 3))


def _family(
    snapshot: Snapshot,
    members: Sequence[Kpi],
    values: Mapping[tuple[str, str | None], Row],
    states: Mapping[tuple[str, str | None], Row],
) -> str:
    ids = {kpi.id for kpi in members}
    facilities = sorted({place for kpi, place in values if place and kpi in ids})
    places = [None, *facilities]
    rows = [
        (
            kpi.short_title,
            *(
                _said(snapshot, kpi, values.get((kpi.id, place)), states.get((kpi.id, place), {}).get("state"))
                for place in places
            ),
            _target(snapshot, kpi),
        )
        for kpi in members
    ]
    heads = ("Measure", "All facilities", *facilities, "Target")
    return table(heads, rows, tuple(range(1, len(heads))))


def _said(snapshot: Snapshot, kpi: Kpi, row: Row | None, state: str | None) -> str:
    """The value, or what stands in its place."""
    if state == "withheld":
        return "withheld"
    if row is None:
        return wording.NONE
    if row["suppressed"]:
        return wording.suppressed(int(snapshot.manifest.settings.get("suppress_below", 5)))
    mark = " (biased)" if state == "biased" else ""
    return wording.value(row["value"], kpi.unit) + mark


def _target(snapshot: Snapshot, kpi: Kpi) -> str:
    settings = snapshot.manifest.kpi(kpi.id)
    target = settings.target if settings else kpi.target
    if target is None:
        return wording.NONE
    return f"{'≥' if kpi.improves == 'up' else '≤'} {wording.value(target, kpi.unit)}"


def _pilots(snapshot: Snapshot) -> str:
    if "pilot_result" not in snapshot.manifest.tables:
        return paragraph("None is registered.")
    rows = snapshot.rows("select * from pilots order by starts_on desc, pilot", pilots="pilot_result")
    if not rows:
        return paragraph("None is registered.")
    said = [
        (
            row["pilot"],
            KPIS[row["kpi"]].short_title if row["kpi"] in KPIS else str(row["kpi"]),
            ", ".join(part for part in (row["facility"], row["unit"]) if part) or "all facilities",
            str(row["verdict"]).replace("_", " "),
            " ".join(row["why"]),
        )
        for row in rows
    ]
    return table(("Pilot", "Measure", "Where", "Verdict", "Why"), said)


def _checks(snapshot: Snapshot) -> str:
    checks = snapshot.manifest.checks
    if not checks.failed:
        return f"All {checks.passed} checks passed."
    return f"{len(checks.failed)} of {checks.passed + len(checks.failed)} checks failed."


def _trust(snapshot: Snapshot, states: Mapping[tuple[str, str | None], Row]) -> str:
    found = snapshot.manifest
    sources = [
        (
            each.source,
            wording.local_time(each.as_of.astimezone(snapshot.zone)) if each.as_of else wording.NONE,
            "late" if each.is_late else "on time",
        )
        for each in found.sources
    ]
    doubtful: dict[tuple[str, str], dict[str, list[str]]] = {}
    for (kpi, place), row in sorted(states.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        if kpi in KPIS and row["state"] != "ready":
            measures = doubtful.setdefault((row["state"], " ".join(row["why"])), {})
            measures.setdefault(KPIS[kpi].short_title, []).append(place or "all facilities")
    parts = [paragraph(_checks(snapshot)), table(("Source", "Data to", "State"), sources)]
    parts += [paragraph(check.why) for check in found.checks.failed]
    if doubtful:
        said = [
            (state, "; ".join(f"{title} ({', '.join(places)})" for title, places in measures.items()), why)
            for (state, why), measures in doubtful.items()
        ]
        parts.append(table(("State", "Measures", "Why"), said))
    else:
        parts.append(paragraph("Every number is ready."))
    return "".join(parts)


def _definitions(snapshot: Snapshot) -> str:
    def owner(kpi: Kpi) -> str:
        settings = snapshot.manifest.kpi(kpi.id)
        return settings.owner if settings else kpi.owner

    rows = [(kpi.short_title, f"{kpi.title}. {kpi.definition}", owner(kpi)) for kpi in KPIS.values()]
    return table(("Measure", "What it counts", "Owner"), rows)
