"""What cases wait for, and the parts that a wait is made of: names for people, and who answers for each part.

Here: words and the grouping of parts. Not here: when a wait begins and ends (`models/sql/marts/wait.sql`), where its time went
(`wait_part.sql`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Cause = Literal["interface", "people", "unknown", "care"]
Actor = Literal["source", "engine", "rule", "person", "nobody", "unknown"]


@dataclass(frozen=True)
class WaitKind:
    """A kind of wait. `news` is what the receiver has to hear of; `kpi` counts the same wait, null where none does.

    `is_within`: it is a part of a longer kind, and sums over kinds leave it out. `workflow`: of which it is a wait of a case; those of
    one workflow follow each other.
    """

    id: str
    title: str
    news: str
    answer: str
    kpi: str | None = None
    is_within: bool = False
    workflow: str | None = None


@dataclass(frozen=True)
class Part:
    """A part of a wait: `title` on a chart, `meaning` in its legend, `cause` as it is summed for leadership.

    `actor`: who acts meanwhile, as far as the part alone tells.
    """

    id: str
    title: str
    meaning: str
    cause: Cause
    actor: Actor


@dataclass(frozen=True)
class Stage:
    """A stage of the news on its way: `title` in a timeline, `meaning` in its legend."""

    id: str
    title: str
    meaning: str


STAGES: Mapping[str, Stage] = {
    stage.id: stage
    for stage in (
        Stage("happened", "Happened", "as the record says it"),
        Stage("recorded", "Recorded", "the source system had stored it"),
        Stage("sent", "Sent", "the sender's own date of the message"),
        Stage("hop", "Passed on", "an engine's channel first had it"),
        Stage("delivered", "Delivered", "the receiving system acknowledged the message"),
        Stage("visible", "Visible", "it stood where those see it who have to act"),
        Stage("acknowledged", "Acknowledged", "somebody said that they have it"),
        Stage("acted", "Acted on", "the receiver first acted on it"),
    )
}
"""By id, in the order of the news' way."""

UNKNOWN: Mapping[str, str] = {
    "several_resources": "it is worked out from several resources, of which none says it alone",
    "no_version": "no version of it says when the server stored it",
    "later_version": "only later versions were delivered",
    "earlier_version": "it was stored before, with other news",
    "no_message": "no log has a message about it",
    "not_in_log": "the engine's log does not keep the date of the message (MSH-7)",
    "not_delivered": "no log shows that the receiver had it",
    "no_task": "no task shows it to anybody",
    "told_otherwise": "people acted before the message came, so they were told another way",
    "no_answer_kept": "the engine's log does not keep the receiver's answer (MSA-1)",
    "only_stored": "the receiver only said that it has stored the message",
    "not_told": "no system that delivers says so",
    "no_state": "no version of the task shows it accepted",
    "not_yet": "it has not happened yet",
    "not_recorded": "the record does not say when",
}
"""Why the time of a stage is not known, by `unknown_because`."""

WAIT_KINDS: Mapping[str, WaitKind] = {
    kind.id: kind
    for kind in (
        WaitKind(
            "order_to_result",
            "Laboratory order to verified result",
            "the order",
            "the verified result",
            "lab_turnaround",
            workflow="order-to-acknowledged-result",
        ),
        WaitKind(
            "order_to_collection",
            "Laboratory order to collected sample",
            "the order",
            "the sample",
            "lab_order_to_collection",
            True,
        ),
        WaitKind(
            "result_to_acknowledgement",
            "Critical result to acknowledgement",
            "the result",
            "the acknowledgement",
            "critical_acknowledgement_time",
            workflow="order-to-acknowledged-result",
        ),
        WaitKind(
            "imaging_order_to_report", "Imaging order to final report", "the order", "the report", "imaging_turnaround"
        ),
        WaitKind(
            "imaging_order_to_exam",
            "Imaging order to examination",
            "the order",
            "the examination",
            "imaging_order_to_exam",
            True,
        ),
        WaitKind(
            "boarding",
            "Admit decision to leaving the department",
            "the decision",
            "the bed upstairs",
            "ed_boarding_ed2",
            workflow="ed-to-bed",
        ),
        WaitKind("bed_request_to_assignment", "Bed request to assigned bed", "the request", "the bed", None, True),
        WaitKind(
            "handoff_to_acceptance",
            "Handoff offered to accepted",
            "the offer",
            "the acceptance",
            "handoff_acceptance_time",
            True,
        ),
        WaitKind(
            "discharge_to_departure",
            "Discharge order to leaving the ward",
            "the order",
            "the departure",
            "discharge_order_to_departure",
            workflow="discharge",
        ),
    )
}
"""By id, in the order in which people read them."""

PARTS: Mapping[str, Part] = {
    part.id: part
    for part in (
        Part(
            "source",
            "Before sending",
            "until an engine received the message: the sending system had it",
            "interface",
            "source",
        ),
        Part("transport", "On its way", "in an engine or between two of them, moving", "interface", "engine"),
        Part("queue", "In a queue", "waiting in an engine behind other messages, or parked", "interface", "engine"),
        Part("retry", "Tried again", "failed tries and the pauses between them", "interface", "rule"),
        Part(
            "unacknowledged",
            "Nobody had it",
            "no answer in time, or given up until somebody sent it again",
            "interface",
            "nobody",
        ),
        Part(
            "people",
            "With people",
            "the receiver knew, and people or machines were at work or busy",
            "people",
            "person",
        ),
        Part("unknown", "Not known", "a message should carry the news and no log has one", "unknown", "unknown"),
    )
}
"""By id, in the order of a message's way."""

CARE = Part(
    "care",
    "Nothing awaited",
    "no message and no answer that is followed here was awaited: care and work itself",
    "care",
    "person",
)
"""What is left of a case's time when every wait of it is taken off."""

TIME_PARTS: Mapping[str, Part] = {**PARTS, CARE.id: CARE}
"""The parts of the time of any case."""

MOST_UNCERTAIN = 0.05
"""Of a place's time in a period: where what is estimated may well move a share by more than this, what it is made of is withheld."""

ACTORS: Mapping[Actor, str] = {
    "source": "the sending system",
    "engine": "the engine",
    "rule": "the engine's own rule",
    "person": "people",
    "nobody": "nobody",
    "unknown": "not known",
}
"""Who acted, in words."""


TWO_CLOCKS = "between two clocks"
"""Of a time that was measured from one clock to another: it may be off by as much as they differ."""


def doubts(stretch: Mapping[str, Any]) -> list[str]:
    """Why the length of a stretch, a row of `marts.wait_part`, is less sure than what one clock measured, in words; none mostly."""
    told = {"estimated": stretch["is_estimated"], TWO_CLOCKS: stretch["is_across_clocks"]}
    return [word for word, is_so in told.items() if is_so]


def hand(stretch: Mapping[str, Any], touches: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What a person first did by hand to a message on a stretch's channel, after the stretch began and not after it ended.

    `stretch` is a row of `marts.wait_part`, `touches` are rows of `marts.intervention` about the case's messages. None where the log
    shows nobody.
    """
    own = [
        touch
        for touch in touches
        if stretch["channel"] is not None
        and (touch["source"], touch["channel"]) == (stretch["source"], stretch["channel"])
        and stretch["from_at"] < touch["occurred_at"] <= stretch["until_at"]
    ]
    return min(own, key=lambda touch: touch["occurred_at"], default=None)
