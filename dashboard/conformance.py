"""What the registered path of a workflow and its windows say of its cases, in words. Published rows in, rows and sentences out.

Not here: when a case is on the path or a step in time (`models.conformance`), drawing (`dashboard.parts.conformance`).
"""

from dataclasses import dataclass
from typing import Any

from dashboard import data
from dashboard.bottlenecks import Workflow
from dashboard.here import Here
from models import wording
from models.conformance import KINDS

Row = dict[str, Any]


@dataclass(frozen=True)
class Conformance:
    """One workflow of the place in the window: its cases on and off the path, what the latter did, its steps against their windows.

    `on_path` is None where no path is registered or the numbers are hidden.
    """

    on_path: int | None
    off_path: int
    undecided: int
    unknown: int
    deviations: list[Row]
    rules: list[Row]
    hidden: int

    @property
    def decided(self) -> int:
        """Cases of which it is known whether they kept to the path."""
        return (self.on_path or 0) + self.off_path


def read(here: Here, found: Workflow) -> Conformance:
    """The published rows; the usual deviations first, rules in the order of the path."""
    deviations, rules = (
        data.rows(here.found, here.person, f"process_{table}", found.where) for table in ("deviation", "rule")
    )
    total = found.total or {}
    on_path, off_path = total.get("on_path_cases"), total.get("off_path_cases") or 0
    unknown = total.get("unknown_path_cases") or 0
    shown = [row for row in deviations if not row["suppressed"]]
    shown.sort(key=lambda row: (-row["cases"], row["kind"], row["activity"]))
    return Conformance(
        on_path,
        off_path,
        (total.get("cases") or 0) - (on_path or 0) - off_path - unknown,
        unknown,
        shown,
        sorted((row for row in rules if not row["suppressed"]), key=lambda row: row["step_no"]),
        len(deviations) - len(shown) + sum(row["suppressed"] for row in rules),
    )


def said(found: Conformance) -> str:
    """Which share of the cases kept to the path, of how many, and what open cases can still change."""
    if not found.decided:
        return "Of no case is it known yet whether it keeps to the path."
    share = (found.on_path or 0) / found.decided
    lead = f"**{wording.percent(share)}** of {wording.number(found.decided)} cases kept to the registered path."
    if found.unknown:
        lead += f" Of {wording.number(found.unknown)} more it is not known: a step was sent without its time or place."
    if not found.undecided:
        return lead
    whole = found.decided + found.undecided
    low, high = (wording.percent(((found.on_path or 0) + more) / whole) for more in (0, found.undecided))
    still = f"{wording.number(found.undecided)} open {'case' if found.undecided == 1 else 'cases'} may still"
    return (
        f"{lead} {still}: in the end it is {low}."
        if low == high
        else f"{lead} {still}: in the end it is between {low} and {high}."
    )


def deviation(row: Row) -> str:
    """What a case did instead, in words."""
    return f"{row['activity']}: {KINDS[row['kind']]}"


def within(row: Row) -> float | None:
    """Of the waits for a step that are judged, the share within its window."""
    return row["within_count"] / row["count"] if row["count"] else None
