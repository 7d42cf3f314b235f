"""Who may see what, for which purpose, and what is written down about it."""

import json

import pytest

from dashboard import data
from dashboard.access import AccessError, Person, is_loopback, local_person, logged_in_person
from dashboard.serve import check_address, main
from models.errors import BadJournalEntry
from models.journal import Access
from tests.dashboard.conftest import words
from tests.dashboard.snapshot import CASE

LEADER, INFORMATICIAN, ENGINEER = (Person("a", role, role) for role in ("leadership", "informatics", "engineer"))

EVERYWHERE = "0.0.0.0"  # noqa: S104 — the address that must be refused


@pytest.fixture
def found(home, monkeypatch):
    monkeypatch.setenv("WARDFLOW_HOME", str(home))
    return data.snapshot()


def log(home):
    path = home / "access" / "access.ndjson"
    return [Access.from_line(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_leadership_opens_no_case_and_nothing_is_written(found, home):
    with pytest.raises(data.Forbidden, match="leadership does not open cases"):
        data.open_cases(found, LEADER, "ed_attendance", "all", "curiosity")
    assert log(home) == []


def test_informatics_opens_cases_but_no_files(found):
    assert data.open_cases(found, INFORMATICIAN, "ed_attendance", "all", "a review")
    with pytest.raises(data.Forbidden, match="informatics does not open lineage"):
        data.open_cases(found, INFORMATICIAN, "file", "all", "a review")


def test_an_engineer_opens_files_and_lines(found):
    opening = data.open_cases(found, ENGINEER, "quarantine", "all", "data quality")
    assert [row["rule"] for row in data.opened_rows(opening, found, "quarantine")] == ["not_json"]


def test_cases_are_never_read_as_if_they_were_totals(found):
    with pytest.raises(data.Forbidden, match="opens for a purpose"):
        data.rows(found, ENGINEER, "ed_attendance")


def test_an_opening_is_good_for_its_own_table_only(found):
    opening = data.open_cases(found, ENGINEER, "ed_attendance", "all", "a review")
    with pytest.raises(data.Forbidden, match="for a purpose of its own"):
        data.opened_rows(opening, found, "journey_event")


def test_without_a_purpose_nothing_opens(found, home):
    with pytest.raises(BadJournalEntry, match="purpose is empty"):
        data.open_cases(found, ENGINEER, "ed_attendance", "all", "  ")
    assert log(home) == []


def test_an_opening_is_logged_with_who_what_when_why_and_the_way(found, home):
    data.open_cases(found, INFORMATICIAN, "ed_attendance", "facility=all", "a review")
    (entry,) = log(home)
    assert (entry.actor, entry.role, entry.what) == ("a", "informatics", "ed_attendance: facility=all")
    assert (entry.purpose, entry.way, entry.snapshot) == ("a review", "dashboard", found.id)
    assert entry.opened_at.tzinfo is not None


def test_the_page_asks_for_a_purpose_before_it_shows_a_case(home, visit):
    app = visit(home, "kpi", kpi="ed_boarding_ed2")
    assert "Case 20ffee00" not in words(app)
    app.selectbox(key=next(box.key for box in app.selectbox if box.label == "Purpose")).select("Incident review")
    app.button[-1].click() if not app.get("form_submit_button") else None
    submit = next(button for button in app.button if button.label == "Open and record")
    app = submit.click().run()
    assert "**Case 20ffee00**" in words(app)
    assert {entry.what.split(":")[0] for entry in log(home)} == {"ed_attendance", "file"}
    assert {entry.purpose for entry in log(home)} == {"Incident review"}


def test_drawing_the_same_cases_again_is_one_line_in_the_log(home, visit):
    app = visit(home, "case", case=CASE, purpose="a test")
    before = len(log(home))
    assert not app.run().exception
    assert len(log(home)) == before > 0


@pytest.mark.parametrize("page", ["kpi", "case"])
def test_leadership_is_told_that_cases_are_for_other_roles(home, visit, page):
    app = visit(home, page, role="leadership", kpi="ed_boarding_ed2", case=CASE, purpose="a test")
    assert "The role leadership sees totals only." in words(app)
    assert "Case 20ffee00" not in words(app)
    assert log(home) == []


def test_only_engineers_see_file_names_in_a_journey(home, visit):
    assert "Encounter.ndjson" in words(visit(home, "case", case=CASE, purpose="a test"))
    assert "Encounter.ndjson" not in words(visit(home, "case", role="informatics", case=CASE, purpose="a test"))


def test_looking_as_a_lesser_role_hides_what_it_may_not_see(home, visit):
    app = visit(home, "data_quality", purpose="a test")
    assert "Encounter.ndjson" in words(app)
    app.selectbox(key="view-as").select("leadership").run()
    assert not app.exception
    assert "The role leadership does not see files." in words(app)


def test_nobody_looks_as_a_higher_role():
    assert INFORMATICIAN.viewing_as("engineer").role == "informatics"
    assert ENGINEER.viewing_as("leadership").role == "leadership"


def test_the_environment_decides_the_loopback_role_over_the_settings(monkeypatch):
    monkeypatch.setenv("WARDFLOW_ROLE", "leadership")
    assert local_person({"loopback_role": "engineer"}).role == "leadership"
    monkeypatch.delenv("WARDFLOW_ROLE")
    assert local_person({"loopback_role": "informatics"}).role == "informatics"
    with pytest.raises(AccessError, match="'king' does not exist"):
        local_person({"loopback_role": "king"})


def test_a_logged_in_person_has_the_role_of_the_settings_or_none():
    access = {"roles": {"Mary@x.example": "informatics", "b@x.example": "king"}}
    assert logged_in_person("mary@X.example", access).role == "informatics"
    with pytest.raises(AccessError, match=r"c@x\.example has no role here"):
        logged_in_person("c@x.example", access)
    with pytest.raises(AccessError, match="'king', which does not exist"):
        logged_in_person("b@x.example", access)


@pytest.mark.parametrize(("address", "loops"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True),
    (EVERYWHERE, False), ("", False), (None, False), ("10.0.0.4", False), ("hospital.example", False)])  # fmt: skip
def test_loopback_is_what_only_this_machine_reaches(address, loops):
    assert is_loopback(address) is loops


AUTH = {"redirect_uri": "r", "cookie_secret": "c", "client_id": "i", "client_secret": "s", "server_metadata_url": "m"}


def test_an_open_address_needs_a_complete_log_in():
    check_address("127.0.0.1", {})
    check_address(EVERYWHERE, {"auth": AUTH})
    check_address(EVERYWHERE, {"auth": {"redirect_uri": "r", "cookie_secret": "c", "hospital": AUTH}})
    with pytest.raises(AccessError, match=r"does not listen on 0\.0\.0\.0 without a log-in"):
        check_address(EVERYWHERE, {})
    with pytest.raises(AccessError, match="lacks cookie_secret"):
        check_address(EVERYWHERE, {"auth": {k: v for k, v in AUTH.items() if k != "cookie_secret"}})
    with pytest.raises(AccessError, match="client_id, client_secret, server_metadata_url"):
        check_address(EVERYWHERE, {"auth": {"redirect_uri": "r", "cookie_secret": "c"}})


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    assert main(["--home", str(tmp_path / "h"), "--address", EVERYWHERE]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    (tmp_path / "h.secrets.toml").write_text("auth = [")
    assert main(["--home", str(tmp_path / "h"), "--address", EVERYWHERE]) == 2
    assert "is not TOML" in capsys.readouterr().err


def test_the_app_itself_refuses_an_open_address_without_a_log_in(home, visit):
    from streamlit import config

    config.set_option("server.address", EVERYWHERE)
    app = visit(home)
    assert "There is nothing to show." in words(app)
    assert "Boarding" not in words(app)


def test_a_decision_goes_to_the_journal_and_shows_at_once(home, visit):
    app = visit(home, "kpi", kpi="ed_boarding_ed2", facility="Northfield General")
    app.text_input(key=next(t.key for t in app.text_input if t.label == "Why")).input("Two porters were away.")
    app = next(button for button in app.button if button.label == "Record").click().run()
    assert not app.exception
    (line,) = (home / "decisions" / "journal.ndjson").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["action"], entry["subject"], entry["facility"]) == (
        "annotate",
        "ed_boarding_ed2",
        "Northfield General",
    )
    assert "Two porters were away." in words(app.run())


def test_a_decision_without_a_reason_is_refused_beside_the_form(home, visit):
    app = visit(home, "kpi", kpi="ed_boarding_ed2")
    app = next(button for button in app.button if button.label == "Record").click().run()
    assert "why is empty" in words(app)
    assert not (home / "decisions" / "journal.ndjson").exists()
