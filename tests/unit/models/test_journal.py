"""The decision journal and the access log: one JSON line an entry, and only sound ones."""

import json
from datetime import UTC, datetime

import pytest

from models.errors import BadJournalEntry
from models.journal import Access, Decision, with_pending

WHEN = datetime(2026, 1, 5, 6, 40, tzinfo=UTC)


def decision(**changes):
    return Decision(
        **{
            "decided_at": WHEN,
            "actor": "amy",
            "action": "assign",
            "subject_kind": "kpi",
            "subject": "lab_turnaround",
            "value": "lab team",
            "why": "nobody owned it",
        }
        | changes
    )


def access(**changes):
    return Access(
        **{
            "opened_at": WHEN,
            "actor": "amy",
            "role": "informatics",
            "what": "lab_order",
            "purpose": "slow orders",
            "way": "cli",
        }
        | changes
    )


@pytest.mark.parametrize(
    "entry",
    [decision(), decision(facility="Northfield", action="annotate", value=None), access(), access(snapshot="s1")],
)
def test_an_entry_is_one_line_and_comes_back_as_it_was(entry):
    line = entry.to_line()
    assert "\n" not in line
    assert type(entry).from_line(line) == entry


def test_the_same_entry_has_the_same_id_and_another_one_another():
    assert decision().decision_id == decision().decision_id
    assert decision().decision_id != decision(why="somebody should").decision_id


def test_a_line_may_carry_its_id():
    named = json.loads(decision().to_line()) | {"decision_id": decision().decision_id}
    assert Decision.from_line(json.dumps(named)) == decision()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decided_at": datetime(2026, 1, 5)}, "has no offset"),  # noqa: DTZ001 - the mistake under test
        ({"action": "asign"}, "Did you mean 'assign'"),
        ({"subject_kind": "kpis"}, "Did you mean 'kpi'"),
        ({"actor": " "}, "actor is empty"),
        ({"why": ""}, "why is empty"),
        ({"why": "x" * 2001}, "2001 characters"),
        ({"why": "one\ntwo"}, "Write one line"),
        ({"why": "\udcff\udcfe"}, "why holds bytes that are no UTF-8"),
        ({"value": None}, "needs a value: the person or team"),
        ({"action": "rebase", "value": " "}, "needs a value: the date"),
        ({"action": "target", "value": "soon"}, "Write a number"),
    ],
)
def test_an_unsound_decision_is_refused_with_the_cure(changes, message):
    with pytest.raises(BadJournalEntry, match=message):
        decision(**changes)


def test_a_target_is_a_number():
    assert decision(action="target", value="0.95").value == "0.95"


@pytest.mark.parametrize(
    ("changes", "message"), [({"way": "sql"}, "way cannot be"), ({"purpose": ""}, "purpose is empty")]
)
def test_opening_cases_needs_a_purpose_and_a_known_way(changes, message):
    with pytest.raises(BadJournalEntry, match=message):
        access(**changes)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        ('{"whi": 1}', "Did you mean 'why'"),
        ("{}", "KeyError"),
        ('{"decided_at": "yesterday"}', "ValueError"),
        ('{"decided_at": "2026-01-05T06:40:00+00:00"}', "TypeError"),
    ],
)
def test_a_damaged_line_says_what_is_wrong_but_not_what_it_held(line, message):
    with pytest.raises(BadJournalEntry, match=message):
        Decision.from_line(line)


def test_what_the_journal_has_had_since_the_run_stands_above_what_the_run_took_in():
    first, second, third = (decision(why=why) for why in ("first", "second", "third"))
    taken = [vars(first) | {"decision_id": first.decision_id}]
    lines = [first.to_line(), second.to_line(), "half a li", third.to_line(), third.to_line()]
    found = with_pending(taken, lines)
    assert [(row["why"], row["is_pending"]) for row in found] == [("third", True), ("second", True), ("first", False)]
