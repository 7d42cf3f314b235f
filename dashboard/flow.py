"""The waits of a visit from its published readings: which steps, at which places, which one is the longest."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard import readings, words
from dashboard.here import Here
from dashboard.readings import Reading, is_beyond
from models import wording
from models.kpis import KPIS

WAITS = {  # KPI → what a person waits for
    "ed_length_of_stay": "To leave the department",
    "ed_door_to_room": "For a room",
    "ed_door_to_provider": "For a clinician",
    "lab_turnaround": "For a lab result, 90 % by",
    "ed_boarding_ed2": "For a bed, once decided",
    "handoff_acceptance_time": "For a ward to accept",
}


def wait_steps(here: Here, waits: Mapping[str, str] = WAITS) -> list[dict[str, Any]]:
    """One row a wait (KPI → its words) and place: the chosen place's parts where there are facilities, else the place itself."""
    if here.view.facility is None and here.places:
        scopes = {name: here.view.to(facility=name) for name in here.places}
    else:
        scopes = {here.view.unit or here.view.facility or "All facilities": here.view}
    found = {place: readings.readings(here.found, here.person, view) for place, view in scopes.items()}
    return [
        {
            "step": step,
            "place": place,
            "value": reading.value,
            "target": words.target(reading),
            "is_beyond": reading.misses,
            "ratio": reading.value / reading.target if reading.value and reading.target else 0.0,
            "of": words.denominator(reading),
            "said": f"{step}, {place}: {wording.duration(reading.value)} {words.denominator(reading)}, {words.target(reading)}",
        }
        for kpi_id, step in waits.items()
        for place, each in found.items()
        if (reading := each[kpi_id]).look == "value"
    ]


def worst_wait(found: Mapping[str, Reading], steps: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The headline: how long a visit takes, and the wait that is furthest beyond its target."""
    stay = found["ed_length_of_stay"]
    known = [found[k] for k in WAITS if found[k].look == "value"]
    if not known:
        return "No wait is known here.", "Can I trust the data? says what is missing."
    if stay.look == "value":
        lead = f"Half of the visits take longer than {wording.duration(stay.value)}."
    else:
        lead = "The time in the department is not known here."
    late = [step for step in steps if step["is_beyond"]]
    if not late:
        return lead, "Every wait is within its target, at every place."
    worst = max(late, key=lambda step: step["ratio"])
    wait = worst["step"][0].lower() + worst["step"][1:].removesuffix(", 90 % by")
    took = f"{wording.duration(worst['value'])} ({worst['target']})"
    return lead, f"Furthest beyond its target is the wait {wait} at {worst['place']}: {took}."


def with_verdict(kpi_id: str, rows: list[dict[str, Any]], target: float | None) -> list[dict[str, Any]]:
    """Breakdown rows with `is_beyond`, for the chart."""
    return [row | {"is_beyond": is_beyond(KPIS[kpi_id].improves, row["value"], target)} for row in rows]
