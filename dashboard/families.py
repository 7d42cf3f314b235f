"""Which readings stand together on a page: by family, and by whom they matter to. Puts in order; computes nothing."""

from collections.abc import Mapping, Sequence

from dashboard.readings import Reading
from models.declaration import Family, Stakeholder
from models.kpi import OpenAt

STAKEHOLDERS: Mapping[Stakeholder, tuple[str, str]] = {  # → who, what of their day the numbers describe
    "patients": ("Patients", "what they wait for"),
    "clinicians": ("Clinicians", "what gets in their way"),
    "operations": ("Operations", "what passes through"),
    "it": ("IT", "what carries the work"),
}


def of(found: Mapping[str, Reading], *families: Family) -> list[Reading]:
    """The readings of these families, in the order of the registry."""
    return [reading for reading in found.values() if reading.kpi.family in families]


def by_stakeholder(shown: Sequence[Reading]) -> dict[Stakeholder, tuple[list[Reading], list[Reading]]]:
    """For each stakeholder the readings of the front page, then their others; a stakeholder without any is left out."""
    parts: dict[Stakeholder, tuple[list[Reading], list[Reading]]] = {
        who: (
            [r for r in shown if r.kpi.matters_to == who and r.kpi.on_overview],
            [r for r in shown if r.kpi.matters_to == who and not r.kpi.on_overview],
        )
        for who in STAKEHOLDERS
    }
    return {who: both for who, both in parts.items() if both[0] or both[1]}


def backlogs(shown: Sequence[Reading]) -> list[Reading]:
    """The readings that say how much work is open at an instant."""
    return [reading for reading in shown if isinstance(reading.kpi.measure, OpenAt)]
