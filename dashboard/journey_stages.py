"""The stages that the news of a journey's waits reached: when, what says so, and by whose clock. Rows in, rows out.

Here: words and places in a drawing. Not here: which stage was when (`marts.wait_stage`), the waits' stretches (`journey_waits`), drawing.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dashboard import delays
from models import wording
from models.waits import STAGES, TWO_CLOCKS, UNKNOWN

Row = dict[str, Any]

SAYS = {
    "msh_7": "MSH-7, by the sender's clock",
    "msa_1": "the answer of the receiver's application (AA)",
    "engine_log": "the engine's log",
    "record": "the record",
    "several": "several resources of the record",
}
"""What says when a stage was, by `basis`; others are the element of a resource."""


def reached(stage: Row) -> Row:
    """The stage with what it is called (`name`), `when` in words or why nobody knows, and what says so (`says`)."""
    title, hop = STAGES[stage["stage"]].title, delays.hop(stage) if stage["channel"] else ""
    at = stage["occurred_at"]
    if at is None:
        return stage | {"name": title, "when": "not known", "says": UNKNOWN[stage["unknown_because"]]}
    when = ("no later than " if stage["is_bound"] else "") + f"{at:%a %H:%M:%S}"
    name = f"{title}: {hop}" if stage["stage"] == "hop" else title
    return stage | {"name": name, "when": when, "says": SAYS.get(stage["basis"], stage["basis"])}


def after(wait: Row, instant: datetime) -> float:
    """Minutes from the begin of the wait, or of the one that it lies within and is drawn under."""
    return (instant - (wait["outer"] or wait)["began_at"]).total_seconds() / 60


def marks(waits: Sequence[Row]) -> list[Row]:
    """Every stage whose time is known, with the `row` it stands in, the minutes `after` (see `after`), and its sentence.

    `is_across_clocks`: another clock than the begin's says when it was, so that where it stands may be off by as much as they differ.
    """
    found: list[Row] = []
    for wait in waits:
        own = next((each["clock_id"] for each in wait["stages"] if each["stage"] == "happened"), None)
        for stage in wait["stages"]:
            if stage["occurred_at"] is not None:
                across = own is None or stage["clock_id"] != own
                more = f"; {TWO_CLOCKS}" if across else ""
                said = f"{wait['name']}: {stage['name'].lower()}, {stage['when']} ({stage['says']}{more})"
                place = {"row": wait["name"], "after": after(wait, stage["occurred_at"])}
                found.append(stage | place | {"said": said, "is_across_clocks": across})
    return found


def timeline(waits: Sequence[Row]) -> list[tuple[str, ...]]:
    """A row for each wait, a cell for each of `STAGES`: when it was, of the hops each, or a dash where nobody knows."""
    return [
        (
            wait["name"],
            *(
                "; ".join(_in_cell(each) for each in wait["stages"] if each["stage"] == stage) or wording.NONE
                for stage in STAGES
            ),
        )
        for wait in waits
        if wait["stages"]
    ]


def _in_cell(stage: Row) -> str:
    if stage["occurred_at"] is None:
        return "not known"
    return f"{delays.hop(stage)} {stage['occurred_at']:%H:%M:%S}" if stage["stage"] == "hop" else stage["when"]


def said_by(waits: Sequence[Row]) -> list[tuple[str, str]]:
    """Of each stage what says when it was, and why it is not known of so many waits."""
    told: list[tuple[str, str]] = []
    for stage, each in STAGES.items():
        known = Counter(
            one["says"] for wait in waits for one in wait["stages"] if one["stage"] == stage and one["occurred_at"]
        )
        lacks = Counter(
            one["says"] for wait in waits for one in wait["stages"] if one["stage"] == stage and not one["occurred_at"]
        )
        words = [*known, *(f"not known of {wording.number(n)}: {why}" for why, n in lacks.most_common())]
        if words:
            told.append((each.title, "; ".join(words)))
    return told
