"""Who may read what on the command line, and what the access log says afterwards."""

import json

import pytest


def _log(wardflow):
    path = wardflow.home / "access" / "access.ndjson"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.mark.parametrize(
    "words",
    [("kpi", "cases", "ed_arrivals"), ("trace", "0" * 32), ("decide", "annotate", "ed_arrivals", "--why", "x")],
)
def test_leadership_opens_no_case_and_writes_no_decision(wardflow, words):
    before = _log(wardflow)
    code, line = wardflow.error(*words, "--role", "leadership")
    assert code == 2
    assert "needs informatics" in line
    assert _log(wardflow) == before


def test_leadership_reads_aggregates_only(wardflow):
    code, line = wardflow.error("kpi", "value", "lab_turnaround", "--by", "priority", "--role", "leadership")
    assert code == 2
    assert "published aggregates" in line
    code, line = wardflow.error(
        "kpi", "value", "ed_arrivals", "--from", "2025-10-14", "--to", "2025-10-16", "--role", "leadership"
    )
    assert code == 2
    assert "--from" in line
    code, line = wardflow.error("kpi", "value", "ed_arrivals", "--grain", "hour", "--role", "leadership")
    assert code == 2
    assert "not by hour" in line


def test_leadership_gets_small_numbers_hidden(wardflow):
    """Every row that engineers see with 1 to 4 people is hidden from leadership."""
    words = ("kpi", "value", "critical_result_acknowledged", "--by", "facility", "--by", "unit", "--grain", "week")
    shown = {(row["facility"], row["unit"], row["period"]): row for row in wardflow.json(*words)["rows"]}
    board = {
        (row["facility"], row["unit"], row["period"]): row
        for row in wardflow.json(*words, "--role", "leadership")["rows"]
    }
    small = [cell for cell, row in shown.items() if 0 < row["denominator"] < 5]
    assert small
    for cell in small:
        assert board[cell]["suppressed"] is True
        assert [board[cell][name] for name in ("value", "numerator", "denominator", "open_cases")] == [None] * 4


def test_a_window_that_is_published_is_the_same_for_every_role(wardflow):
    words = ("kpi", "value", "ed_length_of_stay", "--by", "facility", "--from", "2025-09-22", "--to", "2025-10-20")
    board, all_rows = wardflow.json(*words, "--role", "leadership"), wardflow.json(*words)
    assert [row["value"] for row in board["rows"]] == pytest.approx(
        [row["value"] for row in all_rows["rows"]], abs=1e-5
    )
    assert board["exclusions"] == all_rows["exclusions"] or board["readiness"]["state"] == "withheld"


def test_informatics_states_a_purpose_and_sees_no_file(wardflow):
    code, line = wardflow.error("kpi", "cases", "ed_arrivals", "--role", "informatics")
    assert code == 2
    assert "--purpose" in line
    (row,) = wardflow.json(
        "kpi", "cases", "ed_arrivals", "--limit", "1", "--role", "informatics", "--purpose", "slow week"
    )["rows"]
    assert (row["file"], row["line"]) == (None, None)
    entry = _log(wardflow)[-1]
    assert (entry["role"], entry["purpose"], entry["way"]) == ("informatics", "slow week", "cli")
    assert entry["what"] == "ed_attendance behind ed_arrivals"


def test_an_engineers_script_is_logged_even_without_a_purpose(wardflow):
    wardflow.json("kpi", "cases", "lab_turnaround", "--limit", "1", "--where", "priority=stat")
    entry = _log(wardflow)[-1]
    assert entry["purpose"].startswith("not stated")
    assert entry["what"] == "lab_order behind lab_turnaround where priority in (stat)"
    assert entry["actor"]
    assert entry["snapshot"]


@pytest.mark.parametrize(
    "typed",
    ["f" * 32, "000123456", "Jane Doe", "' or 1 = 1 --", "k" * 200],
    ids=["hash", "mrn", "name", "sql", "longest"],
)
def test_of_a_key_that_nothing_has_the_log_says_so_without_what_was_typed(wardflow, typed):
    code, line = wardflow.error("trace", typed, "--purpose", "test")
    assert (code, typed in line) == (1, False)
    assert "has this key" in line
    assert _log(wardflow)[-1]["what"] == "trace of a key that nothing has"


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "k" * 201, "one line\nand another", "\udcff\udcfe", "a\u202eb", "a\x00b", "\x1b[2J"],
    ids=["empty", "blank", "too long", "two lines", "no UTF-8", "right to left", "nul", "escape"],
)
def test_what_cannot_be_a_key_is_refused_before_anything_is_opened_and_not_repeated(wardflow, typed):
    before = _log(wardflow)
    code, line = wardflow.error("trace", typed, "--purpose", "test")
    assert code == 2
    assert line == (
        "wardflow: KEY is no key: give one line of 1 to 200 printable characters in UTF-8, "
        "as `wardflow kpi cases` or `wardflow key` prints it."
    )
    assert _log(wardflow) == before


def test_a_wrong_question_is_not_logged_as_an_opened_case(wardflow):
    before = len(_log(wardflow))
    code, _ = wardflow.error("kpi", "cases", "ed_arrivals", "--by", "shoe_size", "--purpose", "test")
    assert code == 2
    assert len(_log(wardflow)) == before


def test_a_role_can_be_narrowed_and_never_widened(wardflow):
    code, line = wardflow.error("kpi", "cases", "ed_arrivals", "--role", "engineer", WARDFLOW_ROLE="leadership")
    assert code == 2
    assert "wider than your role" in line
    assert wardflow("kpi", "value", "ed_arrivals", "--role", "leadership", WARDFLOW_ROLE="engineer").exit_code == 0


def test_the_settings_role_holds_where_the_environment_is_silent(wardflow):
    code, line = wardflow.error("trace", "0" * 32, WARDFLOW_ACCESS__LOOPBACK_ROLE="leadership")
    assert code == 2
    assert "Role leadership cannot open cases" in line


def test_an_unknown_role_is_named(wardflow):
    code, line = wardflow.error("status", WARDFLOW_ROLE="boss")
    assert code == 2
    assert "'boss'" in line


def test_file_names_in_the_ledger_are_for_engineers(wardflow):
    found = wardflow.json("ledger", "--role", "informatics")
    assert found["files"] == []
    assert found["balanced"] is True
    assert found["totals"] == wardflow.json("ledger")["totals"]


def test_export_of_cases_is_logged(wardflow, tmp_path):
    code, _ = wardflow.error("export", "--parquet", str(tmp_path / "x"), "--role", "informatics")
    assert code == 2
    assert not (tmp_path / "x").exists()
    wardflow.json("export", "--parquet", str(tmp_path / "x"), "--role", "informatics", "--purpose", "protocol 4")
    assert _log(wardflow)[-1]["what"] == "export of every table to x"
