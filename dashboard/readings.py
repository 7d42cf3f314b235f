"""What the pages say about a KPI at one place and time: published rows put together, never computed anew.

A `Reading` holds everything that a card, a headline or a KPI page shows. The only arithmetic is the difference to the
window before and a count of readings.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from dashboard import data
from dashboard.access import Person
from dashboard.data import Row
from dashboard.filters import View
from models.kpi import Kpi
from models.kpis import KPIS
from models.publication import FailedExpectation, Manifest

Look = Literal["value", "withheld", "suppressed", "none"]


@dataclass(frozen=True)
class Reading:
    """One KPI at one place over one window. `value` is null unless `look` is "value"."""

    kpi: Kpi
    start: date
    end: date
    as_of: datetime
    look: Look = "none"
    value: float | None = None
    numerator: float | None = None
    denominator: int | None = None
    open_cases: int | None = None
    previous: float | None = None
    state: str = "ready"
    why: tuple[str, ...] = ()
    resolution_minutes: float | None = None
    target: float | None = None
    target_source: str = "declared"
    owner: str = ""
    last_decision: str | None = None
    variation: str = "none"
    assurance: str = "none"
    warnings: tuple[str, ...] = ()
    weeks: tuple[Row, ...] = field(default=(), repr=False)
    since: date | None = None

    @property
    def counted_from(self) -> date:
        """The first day that is counted: the window's, or the day the data begin where that is later."""
        return max(self.start, self.since or self.start)

    @property
    def change(self) -> float | None:
        """The difference to the equal window before; null when either is not known."""
        return None if self.value is None or self.previous is None else self.value - self.previous

    @property
    def misses(self) -> bool:
        """Worse than its target over this window; false where either is not known."""
        return self.look == "value" and is_beyond(self.kpi.improves, self.value, self.target)

    @property
    def needs_attention(self) -> bool:
        """Getting worse, or missing its target: over this window, or for certain."""
        return self.look == "value" and (self.variation == "concern" or self.assurance == "fail" or self.misses)


def is_beyond(improves: str, value: float | None, target: float | None) -> bool:
    """Whether a value is on the wrong side of its target."""
    if value is None or target is None or improves == "neither":
        return False
    return value < target if improves == "up" else value > target


def whole_weeks(found: Manifest, weeks: int) -> tuple[date, date]:
    """The last whole weeks before the data cut: the first day and the first day after, local."""
    today = found.as_of.astimezone(ZoneInfo(found.zone)).date()
    end = today - timedelta(days=today.weekday())
    return end - timedelta(weeks=weeks), end


def in_window(found: Manifest, view: View) -> dict[str, object]:
    """Which published rows are of the view's window, for `data.rows`."""
    start, end = whole_weeks(found, view.weeks)
    return {"grain": "window", "period": start, "period_end": end}


def places(found: Manifest, person: Person, kpi: Kpi | None = None) -> dict[str, tuple[str, ...]]:
    """Facilities and their units, as the published values name them. Channels are no units of a hospital, but of a `kpi` of interfaces."""
    of_channels = kpi is not None and kpi.family == "interfaces"
    known: dict[str, set[str]] = {}
    for row in data.rows(found, person, "kpi_value", {"grain": "all"}):
        if row["facility"] is not None and KPIS.get(row["kpi"]) is not None:
            units = known.setdefault(row["facility"], set())
            if row["unit"] is not None and (of_channels or KPIS[row["kpi"]].family != "interfaces"):
                units.add(row["unit"])
    return {facility: tuple(sorted(units)) for facility, units in sorted(known.items()) if units}


def readings(found: Manifest, person: Person, view: View) -> dict[str, Reading]:
    """Every KPI's reading for the view, in the order of the registry."""
    start, end = whole_weeks(found, view.weeks)
    here: dict[str, object] = {"facility": view.facility, "unit": view.unit}
    span = end - start
    values = data.rows(found, person, "kpi_value", {"grain": "window", **here})
    now = {row["kpi"]: row for row in values if (row["period"], row["period_end"]) == (start, end)}
    before = {row["kpi"]: row for row in values if (row["period"], row["period_end"]) == (start - span, start)}
    states = {
        row["kpi"]: row
        for row in data.rows(found, person, "readiness", {"facility": view.facility, "grain": "window"})
        if (row["period"], row["period_end"]) == (start, end)
    }
    begins = {row["kpi"]: row["period"] for row in data.rows(found, person, "kpi_value", {"grain": "all", **here})}
    counts = {
        (row["kpi"], row["period"]): row["denominator"]
        for row in data.rows(found, person, "kpi_value", {"grain": "week", **here})
    }
    weeks: dict[str, list[Row]] = {}
    for row in data.rows(found, person, "kpi_signal", here, order=("kpi", "week")):
        if row["kpi"] in KPIS:
            series = weeks.setdefault(row["kpi"], [])
            meaning = _meaning(KPIS[row["kpi"]], row, series[-1] if series else None)
            more = {"meaning": meaning, "denominator": counts.get((row["kpi"], row["week"]))}
            series.append(possible(row) | more)
    return {
        kpi.id: replace(
            _reading(found, kpi, view, now.get(kpi.id), states.get(kpi.id), weeks.get(kpi.id, [])),
            previous=_previous(before.get(kpi.id), begins.get(kpi.id)),
            since=begins.get(kpi.id),
        )
        for kpi in KPIS.values()
    }


def _reading(found: Manifest, kpi: Kpi, view: View, now: Row | None, state: Row | None, weeks: list[Row]) -> Reading:
    start, end = whole_weeks(found, view.weeks)
    settings = found.kpi(kpi.id)
    target = settings.target if settings else kpi.target
    own_targets = found.extra.get("facility_targets", {}).get(kpi.id, {})
    readiness = state["state"] if state else "ready"
    look = _look(now, readiness)
    shown = now if now is not None and look == "value" else {}
    last = weeks[-1] if weeks else {}
    return Reading(
        kpi=kpi,
        start=start,
        end=end,
        as_of=_as_of(found, kpi),
        look=look,
        value=shown.get("value"),
        numerator=shown.get("numerator"),
        denominator=now["denominator"] if now is not None and look != "suppressed" else None,
        open_cases=now["open_cases"] if now is not None else None,
        state=readiness,
        why=tuple(state["why"] or ()) if state else (),
        resolution_minutes=state.get("resolution_minutes") if state else None,
        target=own_targets.get(view.facility, target),
        target_source="decision"
        if view.facility in own_targets
        else (settings.target_source if settings else "declared"),
        owner=settings.owner if settings else kpi.owner,
        last_decision=settings.last_decision if settings else None,
        variation=last.get("variation") or "none",
        assurance=last.get("assurance") or "none",
        warnings=tuple(last.get("warnings") or ()),
        weeks=tuple(weeks),
    )


def _previous(before: Row | None, begins: date | None) -> float | None:
    """The value of the window before; null where the data do not reach back over all of it."""
    if before is None or (begins is not None and before["period"] < begins):
        return None
    return before["value"]


def _look(now: Row | None, readiness: str) -> Look:
    if readiness == "withheld":
        return "withheld"
    if now is None:
        return "none"
    if now.get("suppressed"):
        return "suppressed"
    return "none" if now["value"] is None else "value"


def possible(week: Row) -> Row:
    """A week with its lower limit where values can be: no share, time or count of any measure is below nothing."""
    return week | {"lower": None if week.get("lower") is None else max(0.0, week["lower"])}


def _meaning(kpi: Kpi, row: Row, before: Row | None) -> str | None:
    """What one point's rule means for this KPI; null for ordinary variation. A trend goes where its points go."""
    rule, value, mean = row.get("rule"), row.get("value"), row.get("mean")
    if rule in (None, "common_cause") or value is None or mean is None:
        return None
    than = before["value"] if rule == "trend" and before is not None and before["value"] is not None else mean
    high = value > than
    if kpi.improves == "neither":
        return "neutral_high" if high else "neutral_low"
    return "improvement" if high == (kpi.improves == "up") else "concern"


def _as_of(found: Manifest, kpi: Kpi) -> datetime:
    table = found.tables.get(kpi.mart)
    return (table.as_of if table else found.as_of).astimezone(ZoneInfo(found.zone))


def breakdown(found: Manifest, person: Person, kpi: Kpi, view: View) -> list[Row]:
    """The KPI in the window by the next smaller place: by facility, or by unit of the chosen facility; worst first."""
    everywhere = data.rows(found, person, "kpi_value", {"kpi": kpi.id, **in_window(found, view)})
    by = "facility" if view.facility is None else "unit"
    parts = [
        row | {"part": row[by]}
        for row in everywhere
        if row[by] is not None
        and (row["unit"] is None if by == "facility" else row["facility"] == view.facility)
        and (view.unit is None or row["unit"] == view.unit)
    ]
    sign = 1 if kpi.improves == "up" else -1
    return sorted(parts, key=lambda row: (row["value"] is None, sign * (row["value"] or 0), row["part"]))


def exclusions(found: Manifest, person: Person, kpi: Kpi, view: View) -> list[Row]:
    """How many cases each rule left out of the window: rows with `rule` and `n`."""
    start, end = whole_weeks(found, view.weeks)
    where = {"kpi": kpi.id, "facility": view.facility, "unit": view.unit, "grain": "window"}
    counted = {
        row["rule"]: row
        for row in data.rows(found, person, "kpi_exclusion", {**where, "period": start, "period_end": end})
    }
    return [counted[rule.rule] for rule in kpi.exclusions if rule.rule in counted]


def failed_checks(found: Manifest, kpis: Iterable[str] | None = None) -> list[FailedExpectation]:
    """The failed checks, of these KPIs or of all."""
    wanted = None if kpis is None else set(kpis)
    return [check for check in found.checks.failed if wanted is None or wanted & set(check.kpis)]
