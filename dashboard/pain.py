"""Hours lost in words: by cause and reason, by facility, by the hop or step that took them. Published rows in, rows and sentences out.

Here: which rows are shown, how they are said. Not here: what counts as lost and how sure it is (done when it was published),
drawing (`parts.pain`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import data, readings
from dashboard.here import Here
from dashboard.readings import Reading
from models import wording
from models.waits import WAIT_KINDS

Row = dict[str, Any]

CAUSES = {  # cause → name, what it is
    "workflow": ("workflow", "a step took longer than its window although the news was there"),
    "integration": ("integration", "the news of what had to be done was late, wrong or missing"),
    "record": (
        "the record",
        "a step of documentation took longer than its window, or a result was there and nobody opened it",
    ),
}
REASONS = {
    "late": "data late",
    "wrong": "data wrong",
    "missing": "data missing",
    "queue": "waiting for a step",
    "handoff": "handoffs",
    "rework": "rework",
    "documentation": "documentation",
    "access": "results opened late",
}
MINUTES = 60
OF_WORKFLOW = {
    "ed-to-bed": ("ed_length_of_stay", "ed_boarding_ed2", "handoff_acceptance_time"),
    "order-to-acknowledged-result": ("lab_turnaround", "critical_acknowledgement_time"),
    "discharge": ("discharge_order_to_departure", "bed_turnaround"),
}
"""The measures of the same steps."""
NEEDS = {
    "integration": "Deliver the logs of the engines that carry orders, results and bed requests.",
    "workflow": "Give the steps of workflows window_minutes in registry.toml.",
    "record": "Mark the steps of documentation with is_record in registry.toml, and give them window_minutes; deliver AuditEvents that "
    "say which result was read.",
}
"""What it takes to measure a cause."""


@dataclass(frozen=True)
class Pain:
    """What was lost at a place in the window. `total` is None where nothing is published or too few patients lost any."""

    total: Row | None
    causes: dict[str, Row]
    reasons: list[Row]
    steps: list[Row]
    facilities: list[tuple[Row, dict[str, Row]]]
    hidden_steps: int

    @property
    def unknown(self) -> Row | None:
        """Beyond the windows, without a message in any log; None where there is none."""
        return self.causes.get("unknown")


def read(here: Here) -> Pain:
    """The published rows of the view's window, the costliest first."""
    rows = data.rows(here.found, here.person, "lost_total", readings.in_window(here.found, here.view))
    mine = [row for row in rows if row["facility"] == here.view.facility]
    total = next((row for row in mine if row["breakdown"] == "all" and not row["suppressed"]), None)
    steps = [row for row in mine if row["breakdown"] == "step" and row["cause"] in CAUSES]
    places = [row for row in rows if row["breakdown"] == "all" and row["facility"]]
    return Pain(
        total,
        _by_cause(mine),
        _costliest([row for row in mine if row["breakdown"] == "reason"]),
        _costliest(steps),
        [
            (place, _by_cause([row for row in rows if row["facility"] == place["facility"]]))
            for place in sorted(places, key=lambda row: -(row["lost_hours"] or 0))
            if here.view.facility in (None, place["facility"])
        ],
        sum(row["suppressed"] for row in steps),
    )


def _by_cause(rows: Sequence[Row]) -> dict[str, Row]:
    return {row["cause"]: row for row in rows if row["breakdown"] == "cause"}


def _costliest(rows: Sequence[Row]) -> list[Row]:
    shown = [row | {"name": name(row)} for row in rows if not row["suppressed"] and row["lost_hours"]]
    return sorted(shown, key=lambda row: (-row["lost_hours"], row["name"]))


def name(row: Row) -> str:
    """What took the hours, in words."""
    if row["breakdown"] == "reason":
        return REASONS[row["reason"]]
    return row["activity"] or f"{row['channel']} ({row['source']})"


def headline(found: Pain) -> tuple[str, str]:
    """How the hours lost divide between the causes, and what took most of them."""
    if found.total is None or not found.total["lost_hours"]:
        return (
            "No lost hour can be told here.",
            "Nothing was lost beyond a window, too few patients were, or none is registered.",
        )
    shares = [
        (cause, row)
        for cause, row in sorted(found.causes.items(), key=lambda item: -(item[1]["lost_hours"] or 0))
        if cause in CAUSES and row["share"] is not None
    ]
    said = [
        f"{CAUSES[cause][0]} {'' if number else 'took '}{wording.percent(row['share'])}"
        for number, (cause, row) in enumerate(shares)
    ]
    lead = f"Of {wording.number(found.total['lost_hours'])} patient-hours lost, {_listed(said)}."
    worst = (
        f"Most of them: {found.steps[0]['name']}, {hours(found.steps[0]['lost_hours'])} of "
        f"{wording.number(found.steps[0]['patients'])} patients."
        if found.steps
        else ""
    )
    unknown = found.unknown
    aside = (
        f"Another {hours(unknown['lost_hours'])} cannot be told: a message should have carried the news, and no log has it."
        if unknown and unknown["lost_hours"]
        else ""
    )
    return lead, " ".join(part for part in (worst, aside) if part)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def hours(amount: float | None) -> str:
    """Hours as people say them."""
    return wording.hours(None if amount is None else amount * MINUTES)


def interval(low: float | None, high: float | None) -> str:
    """The ends of an interval of hours."""
    return wording.NONE if low is None or high is None else f"{hours(low).removesuffix(' h')} to {hours(high)}"


def measured(found: Pain, cause: str) -> str:
    """How a cause stands in words where it has no number: not measured and what it would take, or hidden; empty where it has one."""
    row = found.causes.get(cause)
    if row is None:
        return f"not measured. {NEEDS[cause]}"
    return "hidden: too few patients" if row["suppressed"] else ""


def share(row: Row | None) -> str:
    """A cause's share of a place; hidden where it, or what it would give away, is of too few patients."""
    if row is None:
        return "not measured"
    return "hidden" if row["suppressed"] or row["share"] is None else wording.percent(row["share"])


def evidence(row: Row) -> str:
    """How much of a number is measured: patients, stretches, what rests on what is usual."""
    parts = [f"{wording.number(row['patients'])} patients", f"{wording.number(row['stretches'])} waits"]
    if row["estimated_hours"]:
        parts.append(f"{hours(row['estimated_hours'])} by what is usual")
    return ", ".join(parts)


def behind(here: Here, found: Pain) -> list[tuple[Reading, str]]:
    """The measures that count the same waits as a whole, each with how ready it is at the place."""
    kinds = {kind for row in found.causes.values() for kind in row["wait_kinds"] or ()}
    workflows = {row["workflow"] for row in found.steps if row["workflow"]}
    ids = {WAIT_KINDS[kind].kpi for kind in kinds if kind in WAIT_KINDS}
    ids |= {kpi for workflow in workflows for kpi in OF_WORKFLOW.get(workflow, ())}
    known = readings.readings(here.found, here.person, here.view.to(unit=None))
    return [(reading, reading.state) for ident, reading in known.items() if ident in ids]


def said(row: Row) -> str:
    """One bar in a sentence."""
    return (
        f"{row['name']}: {hours(row['lost_hours'])} ({interval(row['lost_low'], row['lost_high'])}), "
        f"{wording.percent(row['share'])} of what was lost, {evidence(row)}"
    )
