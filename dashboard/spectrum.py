"""One wait week by week, what it would take at its best quartile week, and its cases one by one. Published rows in, words out.

Not here: which week that is (`models.spectrum`), drawing (`dashboard.spectrum_chart`, `dashboard.parts.spectrum`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dashboard import data
from dashboard.bottlenecks import HOUR, Workflow, duration, hours
from dashboard.here import Here
from models import wording

Row = dict[str, Any]

MOST_LINES = 300
LINE_DAYS = 7
QUARTERS = ("quickest quarter", "second quarter", "third quarter", "slowest quarter")


@dataclass(frozen=True)
class Line:
    """One case between two steps: when the first was done, when the second, and in which quarter of the lines its wait is, from 0."""

    began_at: datetime
    ended_at: datetime
    quarter: int


def weeks(here: Here, found: Workflow, edge: Mapping[str, Any]) -> list[Row]:
    """The weeks of the wait in the window, the oldest first; weeks of too few cases are not in it."""
    where = {name: found.where[name] for name in ("workflow", "facility")}
    where |= {name: edge[name] for name in ("activity", "next_activity")}
    rows = data.rows(here.found, here.person, "process_week", where, order=("week",))
    start, end = found.where["period"], found.where["period_end"]
    return [row for row in rows if isinstance(start, date) and isinstance(end, date) and start <= row["week"] < end]


def what_if(found: Workflow, edge: Mapping[str, Any]) -> str | None:
    """What all waits would have taken at the level of the best quartile week; None where too few weeks can be compared."""
    if edge.get("best_week") is None or edge["saved_seconds"] is None:
        return None
    level = f"{duration(edge['best_week_mean_seconds'])} a case"
    when = f"its best quartile week (the {wording.week(edge['best_week'])}: {level} on average)"
    if not edge["saved_seconds"]:
        return f"As it is, the wait takes no longer than in {when}."
    share = wording.share(edge["saved_seconds"] / edge["wait_total_seconds"])
    return (
        f"Had every week been like {when}, the {wording.number(edge['count'])} waits would have taken {hours(edge['saved_seconds'])} "
        f"less: {share} of {wording.number(edge['wait_total_seconds'] / HOUR)} {found.unit}."
    )


def days_shown(end: date) -> tuple[date, ...]:
    """The last days before `end`: the lines of more days could not be told apart."""
    return tuple(end - timedelta(days=back) for back in range(LINE_DAYS, 0, -1))


def lines(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Cases as lines, the oldest first; equal waits are in the same quarter."""
    waits = sorted(row["wait_minutes"] for row in rows)
    bounds = [waits[max(0, -(-len(waits) * part // 4) - 1)] for part in (1, 2, 3)] if waits else []
    found = [
        Line(
            row["occurred_at"],
            row["occurred_at"] + timedelta(minutes=row["wait_minutes"]),
            sum(row["wait_minutes"] > bound for bound in bounds),
        )
        for row in rows
    ]
    return sorted(found, key=lambda line: (line.began_at, line.ended_at))
