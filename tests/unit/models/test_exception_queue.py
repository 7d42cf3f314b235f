"""What the decision journal says of an exception."""

from datetime import UTC, datetime

import pytest

from models.exceptions import KINDS, standing, with_standing
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


@pytest.mark.parametrize(
    ("repeated", "state", "owner"),
    [
        (None, "resolved", "bob"),
        (13, "resolved", "bob"),  # resolved after it had happened anew
        (15, "assigned", "bob"),  # it happened anew: bob has it again
    ],
)
def test_what_was_resolved_comes_back_when_it_happens_anew(repeated, state, owner):
    told = [decided("assign", 13, "amy", "bob"), decided("resolve", 14)]
    found = standing(NOON, told, repeated and NOON.replace(hour=repeated))
    assert (found.state, found.owner) == (state, owner)


@pytest.mark.parametrize(
    ("named", "decisions", "owner"),
    [
        ("Bed office", [], "Bed office"),
        ("309343006", [], "Physician"),  # a role as sent, of SNOMED CT
        ("registration-clerk", [], "Registration clerk"),
        ("a-team-of-theirs", [], "a-team-of-theirs"),
        (None, [], None),
        ("Bed office", [decided("assign", 13, "amy", "bob")], "bob"),
    ],
)
def test_it_is_owned_by_whom_it_was_assigned_to_else_by_whom_the_registry_or_the_task_names(named, decisions, owner):
    row = {"exception_key": "x", "noticed_at": NOON, "repeated_at": None, "owner": named}
    told = [{**each, "subject_kind": "exception", "subject": "x"} for each in decisions]
    told.append(
        {**decided("assign", 14, "eve", "nobody here"), "subject_kind": "case", "subject": "x"}
    )  # of another thing
    (found,) = with_standing([row], told)
    assert found["owner"] == owner


def test_every_kind_has_a_heading_and_a_kpi_of_its_own():
    assert len({kind.title for kind in KINDS.values()}) == len({kind.kpi for kind in KINDS.values()}) == len(KINDS)
    assert {kind.kpi for kind in KINDS.values()} <= KPIS.keys()
