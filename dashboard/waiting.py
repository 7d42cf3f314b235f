"""Why work waits, and who hands over to whom, in words. Published rows in, rows and sentences out.

Not here: what each reason is (`models.waiting`), drawing (`dashboard.parts.waiting`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import data
from dashboard.bottlenecks import Workflow, hours
from dashboard.here import Here
from models import wording
from models.doers import doer
from models.waiting import REASONS

Row = dict[str, Any]

MEANING = {
    "batching": "until the last was there of what was begun together",
    "contention": "all hands busy, or places taken, with what came earlier",
    "prioritisation": "all hands busy, or places taken, with something that came later among it",
    "unavailability": "nobody does such work at these hours",
    "extraneous": "hands and places were free, or nobody wrote down what they did",
}


@dataclass(frozen=True)
class Waiting:
    """The steps of a workflow of which the reasons are known, and those of which they are not, the longest wait first; the handovers
    between roles.

    Each step has its `doer`.
    """

    steps: list[Row]
    handovers: list[Row]
    unknown: list[Row]
    hidden: int

    @property
    def unknown_seconds(self) -> float:
        """What was waited for steps of which nobody recorded who does them or when they began."""
        return sum(step["wait_seconds"] for step in self.unknown)


def read(here: Here, found: Workflow) -> Waiting:
    """The published rows of the place and window."""
    waiting, handover = (
        data.rows(here.found, here.person, f"process_{table}", found.where) for table in ("waiting", "handover")
    )
    known = {row["activity"] for row in waiting}
    steps = sorted((row for row in waiting if not row["suppressed"]), key=lambda row: -row["wait_seconds"])
    shown = [row for row in handover if not row["suppressed"]]
    unknown = Counter[str]()
    for edge in found.edges:
        if edge["next_activity"] not in known:
            unknown[edge["next_activity"]] += edge["wait_total_seconds"]
    return Waiting(
        [step | {"doer": doer(found.id, step["activity"])} for step in steps],
        sorted(shown, key=lambda row: (-row["count"], row["owner"], row["next_owner"])),
        [
            {"activity": activity, "wait_seconds": seconds, "doer": doer(found.id, activity)}
            for activity, seconds in sorted(unknown.items(), key=lambda step: -step[1])
        ],
        len(waiting) - len(steps) + len(handover) - len(shown),
    )


def parts(step: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Each reason with its seconds, in the order in which a wait is cut."""
    return [(reason, step[f"{reason}_seconds"]) for reason in REASONS]


def said(step: Mapping[str, Any]) -> str:
    """The reason that explains most, of how much, in one sentence."""
    whole = step["wait_seconds"]
    if not whole:
        return f"Nobody waited for {step['activity']}."
    reason, seconds = max(parts(step), key=lambda part: part[1])
    still = f"; {wording.number(step['still_waiting'])} still wait" if step["still_waiting"] else ""
    return (
        f"Of {hours(whole)} before {step['activity']}, {wording.share(seconds / whole)} were {reason}: "
        f"{MEANING[reason]}{still}."
    )


def in_all(steps: Sequence[Row]) -> list[tuple[str, float, float]]:
    """Each reason with its seconds of all steps and its share of all waiting, in the order in which a wait is cut."""
    whole = sum(step["wait_seconds"] for step in steps)
    sums = [(reason, sum(step[f"{reason}_seconds"] for step in steps)) for reason in REASONS]
    return [(reason, seconds, seconds / whole if whole else 0.0) for reason, seconds in sums]


def roles(handovers: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Who hands over and who takes over, the busiest first."""
    gives, takes = dict[str, int](), dict[str, int]()
    for row in handovers:
        gives[row["owner"]] = gives.get(row["owner"], 0) + row["count"]
        takes[row["next_owner"]] = takes.get(row["next_owner"], 0) + row["count"]
    return sorted(gives, key=lambda role: (-gives[role], role)), sorted(takes, key=lambda role: (-takes[role], role))


def recorded(handovers: Sequence[Row]) -> str:
    """Of which share of the handovers the tasks themselves name both roles."""
    whole = sum(row["count"] for row in handovers)
    return wording.share(sum(row.get("recorded_count") or 0 for row in handovers) / whole) if whole else wording.NONE
