"""Keep, fix, retire or register: what the evidence says of each interface and workflow, and why.

Pure rules over measured numbers, the same for all. Here: the rules and their limits. Not here: where the numbers come from, words, pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["register", "fix", "retire", "keep"]
Why = Literal[
    "unregistered",
    "never_seen",
    "quiet",
    "silent",
    "failing",
    "slow",
    "troubled",
    "lost",
    "lost_share",
    "no_window",
    "no_case",
    "late",
]

QUIET_DAYS = 28.0
"""A channel without a message for so long is one that nobody uses."""
FAILING = 0.01
"""Of deliveries that failed for good: beyond it a channel wants mending."""
TROUBLES_A_WEEK = 0.25
"""More troubles than one in four weeks."""
LOST_A_WEEK = 1.0
"""Patient-hours that a channel may cost in a week."""
LOST_SHARE = 0.2
"""A workflow that takes this share of all hours lost wants mending."""
IN_TIME = 0.9
"""So are those of which a step comes in time less often than this."""


@dataclass(frozen=True)
class Channel:
    """What is measured of one channel in so many weeks. `quiet_days` since its last message, null where it was never seen; `rate` of
    deliveries that failed for good, null without any; `troubles` by kind of incident; `lost_hours` null where hidden.
    """

    is_registered: bool
    quiet_days: float | None
    is_silent: bool
    rate: float | None
    lost_hours: float | None
    weeks: float
    troubles: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Workflow:
    """What is measured of one workflow. `cases` null where hidden; `lost_share` of all hours lost; `in_time` by step, 0 to 1."""

    cases: int | None
    lost_share: float
    in_time: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Judged:
    """The verdict, and the reasons in the order of their weight with what was measured; none of what is kept."""

    verdict: Verdict
    why: tuple[tuple[Why, float, str], ...] = ()


def of_channel(channel: Channel) -> Judged:
    """What is not registered is registered first: nobody answers for it. What nobody uses is retired; what fails, is slow against its own
    weeks, is often in trouble or costs patients hours is fixed; the rest is kept.
    """
    if not channel.is_registered:
        return Judged("register", (("unregistered", 0.0, ""),))
    if channel.quiet_days is None:
        return Judged("retire", (("never_seen", 0.0, ""),))
    if channel.quiet_days > QUIET_DAYS:
        return Judged("retire", (("quiet", channel.quiet_days, ""),))
    found: list[tuple[Why, float, str]] = []
    if channel.is_silent:
        found.append(("silent", channel.quiet_days, ""))
    if channel.rate is not None and channel.rate > FAILING:
        found.append(("failing", channel.rate, ""))
    slow = channel.troubles.get("latency_shift", 0)
    if slow:
        found.append(("slow", float(slow), ""))
    others = sum(channel.troubles.values()) - slow
    if others > TROUBLES_A_WEEK * channel.weeks:
        found.append(("troubled", float(others), ""))
    if (channel.lost_hours or 0) > LOST_A_WEEK * channel.weeks:
        found.append(("lost", channel.lost_hours or 0.0, ""))
    return Judged("fix", tuple(found)) if found else Judged("keep")


def of_workflow(workflow: Workflow) -> Judged:
    """A workflow that no case takes is retired, one without any window registered; one that takes much of what is lost, or of which steps
    come late, is fixed, the latest step first; the rest is kept.
    """
    if workflow.cases == 0:
        return Judged("retire", (("no_case", 0.0, ""),))
    if not workflow.in_time:
        return Judged("register", (("no_window", 0.0, ""),))
    found: list[tuple[Why, float, str]] = []
    if workflow.lost_share >= LOST_SHARE:
        found.append(("lost_share", workflow.lost_share, ""))
    late = sorted((share, step) for step, share in workflow.in_time.items() if share < IN_TIME)
    for share, step in late:
        found.append(("late", share, step))
    return Judged("fix", tuple(found)) if found else Judged("keep")
