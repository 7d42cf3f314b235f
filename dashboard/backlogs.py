"""What waits: what came in and was finished by week, and how old the rest is, from the published backlog tables.

Adds up published rows; the counting is the pipeline's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import data, readings, words
from dashboard.here import Here
from models import wording
from models.clearing import time_to_clear
from models.kpi import Kpi
from models.throughput import AGE_BANDS

Row = dict[str, Any]


@dataclass(frozen=True)
class Backlog:
    """One kind of open work at one place: its weeks (oldest first) in the chosen window, and its bands of age now."""

    kpi: Kpi
    weeks: tuple[Row, ...]
    bands: tuple[Row, ...]

    @property
    def waiting(self) -> int:
        """How many wait at the data cut."""
        return sum(row["n"] for row in self.bands)

    @property
    def oldest_minutes(self) -> float | None:
        """How long the oldest has waited; null when nothing waits."""
        return max((row["oldest_minutes"] for row in self.bands), default=None)

    @property
    def opened(self) -> int:
        """How many came in over the window."""
        return sum(row["opened"] for row in self.weeks)

    @property
    def closed(self) -> int:
        """How many were finished over the window."""
        return sum(row["closed"] for row in self.weeks)


def backlog(here: Here, kpi: Kpi) -> Backlog | None:
    """The KPI's open work at the place of the view; none where the snapshot holds nothing of it."""
    start, end = readings.whole_weeks(here.found, here.view.weeks)
    where = {"kpi": kpi.id, "facility": here.view.facility, "unit": here.view.unit}
    weeks = data.rows(here.found, here.person, "backlog_week", where, order=("week",))
    bands = data.rows(here.found, here.person, "backlog_age", where)
    place = [band for band, _ in AGE_BANDS]
    bands.sort(key=lambda row: place.index(row["band"]))
    if not weeks and not bands:
        return None
    return Backlog(kpi, tuple(row for row in weeks if start <= row["week"] < end), tuple(bands))


def headline(found: Sequence[Backlog], weeks: int) -> tuple[str, str]:
    """How much waits and how long, then whether as much is finished as comes in."""
    if not found:
        return "No open work is known here.", "Choose another unit, or deliver tasks and handoffs."
    lead = "; ".join(_waiting(each) for each in found)
    work = {each.kpi.mart: each for each in reversed(found)}.values()  # of overdue tasks the open ones speak already
    flows = [
        f"{words.counted(each.kpi, each.opened)} came in and {wording.number(each.closed)} were finished"
        for each in reversed(work)
    ]
    return f"{lead[0].upper()}{lead[1:]}.", f"In the last {weeks} weeks {'; '.join(flows)}."


def clearing(each: Backlog) -> str:
    """When nothing would wait any more, at the rate of the window; empty where nothing waits or no week is known."""
    if not each.waiting or not each.weeks:
        return ""
    days = time_to_clear(waiting=each.waiting, created=each.opened, completed=each.closed, days=7 * len(each.weeks))
    if days is None:
        return (
            f"At the rate of these weeks it does not become less: {wording.number(each.opened)} came in and "
            f"{wording.number(each.closed)} were finished."
        )
    return f"At the rate of these weeks it is cleared in {wording.duration(days * 24 * 60)}."


def _waiting(each: Backlog) -> str:
    name = each.kpi.short_title.lower()
    if not each.waiting:
        return f"{name}: none"
    return f"{name}: {wording.number(each.waiting)}, the oldest for {wording.duration(each.oldest_minutes)}"
