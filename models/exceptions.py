"""The kinds of exception, and what the decision journal says of one. The exceptions themselves are `marts.work_exception`.

Pure: what each kind is called, whether its number is one of people, and the state that decisions give. Not here: how many stand
open (`exception_counts`). Reading the journal and the queue is the callers' work.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from models.doers import ROLES
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


def standing(
    noticed_at: datetime, decisions: Iterable[Mapping[str, Any]], repeated_at: datetime | None = None
) -> Standing:
    """What the decisions about one exception say of it, in whatever order they are given.

    Decisions older than `noticed_at` were about an earlier fact. Where it happened anew, at `repeated_at`, an older resolution
    does not hold, and it stands as it did before: whom it was assigned to stays.
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
            case "resolve" if repeated_at is None or decision["decided_at"] >= repeated_at:
                when = day(decision["decided_at"])
                found = Standing("resolved", f"resolved by {decision['actor']} on {when}: {decision['why']}", owner)
            case _:
                pass
    return found


def with_standing(
    exceptions: Iterable[Mapping[str, Any]], decisions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The same rows of `work_exception`, each with its `standing` and as `owner` in words whom it was assigned to, else the registry's
    owner or the role; `decisions` may be about anything.
    """
    about: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for decision in decisions:
        if decision["subject_kind"] == "exception":
            about[decision["subject"]].append(decision)
    found: list[dict[str, Any]] = []
    for row in exceptions:
        stands = standing(row["noticed_at"], about[row["exception_key"]], row.get("repeated_at"))
        found.append({**row, "standing": stands, "owner": stands.owner or ROLES.get(row["owner"], row["owner"])})
    return found


def resolved(exceptions: Iterable[Mapping[str, Any]], decisions: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The keys of those that somebody resolved: they are open, and wait for nobody."""
    rows = with_standing(exceptions, decisions)
    return frozenset(row["exception_key"] for row in rows if not row["standing"].is_in_queue)
