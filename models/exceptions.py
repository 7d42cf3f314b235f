"""The kinds of exception, and what the decision journal says of one. The exceptions themselves are `marts.work_exception`.

Pure: what each kind is called, whether its number is one of people, and the state that decisions give. Reading the journal
and the queue is the callers' work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from models.wording import day

State = Literal["open", "assigned", "acknowledged", "resolved"]


class Kind(NamedTuple):
    """What did not happen, in the words of a list's heading; `kpi` counts it; `about_people`: small numbers of it are hidden."""

    title: str
    kpi: str
    about_people: bool


KINDS: Mapping[str, Kind] = {
    "critical_unanswered": Kind("Critical result unanswered", "critical_unanswered_rate", about_people=True),
    "missed_handoff": Kind("Missed handoff", "handoff_missed_rate", about_people=True),
    "no_task": Kind("Trigger without a task", "trigger_without_task_rate", about_people=True),
    "message_never_seen": Kind("Message never seen", "message_never_seen_rate", about_people=False),
    "message_lost": Kind("Message lost between channels", "handover_lost_rate", about_people=False),
    "message_undelivered": Kind("Message given up", "dead_letters_open", about_people=False),
    "process_incident": Kind("Process that cannot go on", "process_incidents", about_people=False),
    "silent_feed": Kind("Silent feed", "silent_feed_minutes", about_people=False),
    "status_disagreement": Kind("Two records disagree", "status_disagreement_rate", about_people=True),
    "task_bounced": Kind("Task that bounced", "task_bounce_rate", about_people=False),
    "step_without_owner": Kind("Step without an owner", "waits_without_owner", about_people=False),
}
"""Every kind, the ones to look at first on top."""


@dataclass(frozen=True)
class Standing:
    """Where one exception stands: `owner` is who it was last assigned to; `said` is the state in words."""

    state: State
    said: str
    owner: str | None = None

    @property
    def is_in_queue(self) -> bool:
        """Whether somebody still has to look at it."""
        return self.state != "resolved"


def standing(noticed_at: datetime, decisions: Iterable[Mapping[str, Any]]) -> Standing:
    """What the decisions about one exception say of it, in whatever order they are given.

    Decisions older than `noticed_at` were about an earlier fact: a resolved exception comes back when the fact is new.
    """
    told = sorted((d for d in decisions if d["decided_at"] >= noticed_at), key=lambda d: d["decided_at"])
    found, owner = Standing("open", "open"), None
    for decision in told:
        match decision["action"]:
            case "assign":
                owner = decision["value"]
                found = Standing("assigned", f"assigned to {owner}", owner)
            case "acknowledge":
                found = Standing("acknowledged", f"acknowledged by {decision['actor']}", owner)
            case "resolve":
                when = day(decision["decided_at"])
                found = Standing("resolved", f"resolved by {decision['actor']} on {when}: {decision['why']}", owner)
            case _:
                pass
    return found
