"""What this hospital set for each KPI: the declaration, overridden by its settings, overridden by its decision journal.

Here: which of the three wins, and where it came from. Not here: reading the journal (`decisions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from models.kpis import KPIS
from models.publication import KpiSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import duckdb

    from pipelines.settings import Settings


@dataclass(frozen=True)
class Decided:
    """One entry of the journal about a KPI."""

    decided_at: datetime
    actor: str
    action: str
    subject: str
    facility: str | None
    value: str | None
    why: str

    @property
    def sentence(self) -> str:
        """Who decided what, when and why, on one line."""
        value = f" {self.value}" if self.value else ""
        place = f" for {self.facility}" if self.facility else ""
        return f"{self.decided_at:%Y-%m-%d} {self.actor}: {self.action}{value}{place}. {self.why}"


def decided(db: duckdb.DuckDBPyConnection) -> list[Decided]:
    """The journal's entries about KPIs, oldest first."""
    rows = db.execute(
        """
        select decided_at, actor, action, subject, facility, value, why
        from staging.decision
        where subject_kind = 'kpi'
        order by decided_at, decision_id
        """
    ).fetchall()
    return [Decided(*row) for row in rows]


def kpi_settings(settings: Settings, decisions: Sequence[Decided]) -> tuple[KpiSettings, ...]:
    """Target, its source, owner and last decision of every KPI, for all facilities together."""
    found: list[KpiSettings] = []
    for kpi in KPIS.values():
        target, source = kpi.target, "declared"
        owner = settings.owners.get(kpi.id, kpi.owner)
        if kpi.id in settings.targets:
            target, source = settings.targets[kpi.id], "settings"
        about = [decision for decision in decisions if decision.subject == kpi.id]
        for decision in about:
            if decision.action == "target" and decision.facility is None and decision.value is not None:
                target, source = float(decision.value), "decision"
            elif decision.action == "assign" and decision.facility is None and decision.value:
                owner = decision.value
        found.append(KpiSettings(kpi.id, target, source, owner, about[-1].sentence if about else None))
    return tuple(found)


def facility_targets(decisions: Sequence[Decided]) -> dict[str, dict[str, float]]:
    """Targets decided for one facility only: by KPI, then facility."""
    found: dict[str, dict[str, float]] = {}
    for decision in decisions:
        if decision.action == "target" and decision.facility is not None and decision.value is not None:
            found.setdefault(decision.subject, {})[decision.facility] = float(decision.value)
    return found


def rebased(decisions: Sequence[Decided]) -> Mapping[tuple[str, str | None], date]:
    """The day from which a KPI's limits are computed anew, by KPI and facility (null: all facilities)."""
    days: dict[tuple[str, str | None], date] = {}
    for decision in decisions:
        if decision.action == "rebase" and decision.value:
            days[decision.subject, decision.facility] = date.fromisoformat(decision.value[:10])
    return days
