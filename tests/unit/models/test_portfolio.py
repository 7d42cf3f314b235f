"""Keep, fix, retire or register: each rule at its limit."""

from dataclasses import replace

import pytest

from models.portfolio import Channel, Judged, Workflow, of_channel, of_workflow

FINE = Channel(
    is_registered=True, quiet_days=0.1, is_silent=False, rate=0.01, lost_hours=4.0, weeks=4, troubles={"outage": 1}
)


def test_a_channel_at_every_limit_is_kept():
    assert of_channel(FINE) == Judged("keep")
    assert of_channel(replace(FINE, rate=None, lost_hours=None)) == Judged("keep")


@pytest.mark.parametrize(
    ("change", "verdict", "why"),
    [
        ({"is_registered": False, "rate": 0.5}, "register", "unregistered"),
        ({"quiet_days": None}, "retire", "never_seen"),
        ({"quiet_days": 28.5, "is_silent": True}, "retire", "quiet"),
        ({"quiet_days": 28.0, "is_silent": True}, "fix", "silent"),
        ({"rate": 0.011}, "fix", "failing"),
        ({"troubles": {"latency_shift": 1}}, "fix", "slow"),
        ({"troubles": {"outage": 1, "silent": 1}}, "fix", "troubled"),
        ({"lost_hours": 4.1}, "fix", "lost"),
    ],
)
def test_a_channel_beyond_a_limit_says_which(change, verdict, why):
    found = of_channel(replace(FINE, **change))
    assert (found.verdict, [reason for reason, _, _ in found.why]) == (verdict, [why])


def test_a_workflow_is_judged_by_what_it_loses_and_by_its_steps_the_latest_first():
    steps = {"bed assigned": 0.5, "triaged": 0.95, "in the bed": 0.3}
    found = of_workflow(Workflow(cases=40, lost_share=0.2, in_time=steps))
    assert found == Judged("fix", (("lost_share", 0.2, ""), ("late", 0.3, "in the bed"), ("late", 0.5, "bed assigned")))
    assert of_workflow(Workflow(40, 0.19, {"triaged": 0.9})) == Judged("keep")
    assert of_workflow(Workflow(None, 0.0, {"triaged": 0.9})).verdict == "keep"
    assert of_workflow(Workflow(0, 0.0, {"triaged": 1.0})).verdict == "retire"
    assert of_workflow(Workflow(40, 0.0)).verdict == "register"
    assert of_workflow(Workflow(0, 0.0)).verdict == "retire"
