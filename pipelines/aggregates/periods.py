"""The periods that a snapshot holds values of: local days, weeks and months, and windows of whole weeks before the
data cut.

Here: dates only. Not here: what is counted in a period (`models.kpi`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date, datetime

Grain = Literal["day", "week", "month"]
STEPS: dict[Grain, str] = {"day": "1d", "week": "1w", "month": "1mo"}
"""How far a period of each grain is from the next, in Polars' words."""
WINDOW_WEEKS = (4, 13, 26)
SIGNAL_WEEKS = 26


@dataclass(frozen=True)
class Window:
    """Local days from `start` to before `end`; null `start` and `end` mean everything up to the data cut."""

    name: Literal["window", "all"]
    start: date | None = None
    end: date | None = None


def last_monday(as_of: datetime) -> date:
    """The Monday before which every week is whole at the data cut (given in the hospital's zone)."""
    today = as_of.date()
    return today - timedelta(days=today.weekday())


def windows(as_of: datetime) -> tuple[Window, ...]:
    """The last 4, 13 and 26 whole weeks, and the equal window before each, newest first."""
    end = last_monday(as_of)
    found: list[Window] = []
    for weeks in WINDOW_WEEKS:
        start = end - timedelta(weeks=weeks)
        found += [Window("window", start, end), Window("window", start - timedelta(weeks=weeks), start)]
    return tuple(found)


def signal_weeks(as_of: datetime) -> tuple[date, date]:
    """The whole weeks that control charts show: from the first Monday to before the last one."""
    end = last_monday(as_of)
    return end - timedelta(weeks=SIGNAL_WEEKS), end


def first_incomplete_day(as_of: datetime) -> date:
    """The first local day that is not whole at the data cut; a period that ends by then is complete."""
    return as_of.date()
