"""The queue of what did not happen (see snapshot.py: seven messages given up, one lost, a critical result that nobody answered)."""

from datetime import UTC, datetime

from models.journal import Decision
from tests.dashboard.conftest import words


def decide(home, action, key, value=None):
    entry = Decision(
        decided_at=datetime(2026, 4, 13, 5, tzinfo=UTC),
        actor="amy",
        action=action,
        subject_kind="exception",
        subject=key,
        why="telephoned",
        value=value,
    )
    path = home / "decisions" / "journal.ndjson"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as journal:
        journal.write(entry.to_line() + "\n")


def test_leadership_sees_how_many_and_no_case(homes, visit):
    said = words(visit(homes["sample"], "exceptions", role="leadership", purpose="a test"))
    assert "At least 8 things have not happened that should have." in said
    assert "The oldest: message given up, 2 d." in said
    assert "fewer than 5" in said
    assert "The role leadership sees totals only." in said
    assert "critical result neither" not in said


def test_the_queue_opens_for_a_purpose_and_says_what_where_since_when_and_whose(homes, visit):
    assert "critical result neither" not in words(visit(homes["sample"], "exceptions"))
    said = words(visit(homes["sample"], "exceptions", purpose="a test"))
    for part in ("critical result neither acknowledged nor escalated", "Northfield General, Emergency", "nobody"):
        assert part in said
    assert "Integration lead" in said
    assert "handoff not accepted" not in said  # it was, late


def test_what_was_assigned_says_to_whom_and_what_was_resolved_leaves_the_queue(home, visit):
    decide(home, "assign", "e1", "Dr. Amari")
    for n in ("2", "21", "22", "23", "24", "25", "26"):
        decide(home, "resolve", f"e{n}")
    said = words(visit(home, "exceptions", purpose="a test"))
    assert "assigned to Dr. Amari" in said
    assert "given up by the engine" not in said


def test_what_was_resolved_a_moment_ago_is_in_neither_headline_table_nor_queue(home, visit):
    decide(home, "resolve", "e2")  # the oldest of seven, of Saturday 0:00; the next is of 1:00
    said = words(visit(home, "exceptions", purpose="a test"))
    assert "At least 7 things have not happened that should have." in said
    assert ">6</td>" in said
    assert said.count("given up by the engine") == 6
    assert "The oldest: message given up, 1 d 23 h." in said
    assert "fewer than 5" in said  # critical results go on being hidden
    totals = words(visit(home, "exceptions", role="leadership"))
    assert "At least 8 things have not happened that should have." in totals
    assert "Decisions since the last run are not counted yet." in totals


def test_one_exception_opens_with_its_line_its_journey_and_the_form(homes, visit):
    app = visit(homes["sample"], "exceptions", purpose="a test", find="e2")
    said = words(app)
    assert "Open the journey" in said
    assert "Open the message" in said
    (action,) = [box for box in app.selectbox if box.label == "Decision"]
    assert action.options == ["Assign", "Acknowledge", "Resolve", "Annotate"]


def test_where_nothing_is_open_the_page_says_so(homes, visit):
    assert "Nothing that should have happened is open." in words(visit(homes["empty"], "exceptions"))
