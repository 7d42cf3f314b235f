"""What the decision journal says of an exception."""

from datetime import UTC, datetime

import pytest

from models.exceptions import KINDS, standing
from models.kpis import KPIS

NOON = datetime(2026, 4, 13, 12, tzinfo=UTC)


def decided(action, hour, actor="amy", value=None, why="telephoned"):
    return {"action": action, "decided_at": NOON.replace(hour=hour), "actor": actor, "value": value, "why": why}


@pytest.mark.parametrize(
    ("decisions", "state", "said", "owner"),
    [
        ((), "open", "open", None),
        ((("annotate", 13),), "open", "open", None),
        ((("assign", 13, "amy", "bob"),), "assigned", "assigned to bob", "bob"),
        ((("acknowledge", 13),), "acknowledged", "acknowledged by amy", None),
        ((("assign", 13, "amy", "bob"), ("acknowledge", 14, "bob")), "acknowledged", "acknowledged by bob", "bob"),
        (
            (("resolve", 14), ("assign", 13, "amy", "bob")),
            "resolved",
            "resolved by amy on Mon 13 Apr 2026: telephoned",
            "bob",
        ),
        ((("resolve", 13), ("assign", 14, "amy", "bob")), "assigned", "assigned to bob", "bob"),  # taken up again
        ((("resolve", 11),), "open", "open", None),  # of an earlier fact: this one is new
    ],
)
def test_the_last_decision_since_it_was_noticed_says_where_it_stands(decisions, state, said, owner):
    found = standing(NOON, [decided(*each) for each in decisions])
    assert (found.state, found.said, found.owner) == (state, said, owner)
    assert found.is_in_queue == (state != "resolved")


def test_every_kind_has_a_heading_and_a_kpi_of_its_own():
    assert len({kind.title for kind in KINDS.values()}) == len({kind.kpi for kind in KINDS.values()}) == len(KINDS)
    assert {kind.kpi for kind in KINDS.values()} <= KPIS.keys()
