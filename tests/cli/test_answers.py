"""What `--format json` answers, field by field: the contract with whatever scripts `wardflow`."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from models.exceptions import KINDS
from models.kpi import Selection, evaluate
from models.kpis import KPIS
from models.wording import INCIDENTS
from pipelines.snapshot_reader import Snapshot
from tests.cli.conftest import Wardflow
from tests.exported import lines_at

COUNTS = ("lines_read", "loaded", "unchanged", "superseded", "ignored", "quarantined")
KPI_IDS = [*KPIS]


def _has_offset(instant: str) -> bool:
    return datetime.fromisoformat(instant).tzinfo is not None


def test_kpi_list_has_every_kpi_with_its_catalogue_entry(wardflow):
    found = wardflow.json("kpi", "list")
    assert [each["id"] for each in found] == KPI_IDS
    for each in found:
        assert set(each) >= {
            "id",
            "title",
            "family",
            "mart",
            "unit",
            "improves",
            "source",
            "version",
            "owner",
            "target",
            "dimensions",
        }
        assert isinstance(each["dimensions"], list)


def test_the_catalogue_needs_no_home(tmp_path):
    from tests.cli.conftest import Wardflow

    assert [each["id"] for each in Wardflow(tmp_path / "nowhere").json("kpi", "list")] == KPI_IDS


@pytest.mark.parametrize("kpi_id", KPI_IDS)
def test_kpi_show_says_definition_source_requirements_and_exclusions(wardflow, kpi_id):
    found = wardflow.json("kpi", "show", kpi_id)
    assert found["id"] == kpi_id
    assert set(found) >= {"definition", "source", "version", "requires", "exclusions", "target", "owner", "caveats"}


@pytest.mark.parametrize("kpi_id", KPI_IDS)
def test_kpi_value_has_rows_readiness_and_exclusions(wardflow, kpi_id):
    found = wardflow.json("kpi", "value", kpi_id, "--by", "facility", "--grain", "week")
    assert found["kpi"] == kpi_id
    assert _has_offset(found["as_of"])
    assert found["readiness"]["state"] in {"ready", "biased", "withheld"}
    assert isinstance(found["readiness"]["why"], list)
    assert all(set(each) == {"rule", "n"} for each in found["exclusions"])
    assert found["rows"]
    for row in found["rows"]:
        assert list(row) == ["facility", "period", "value", "numerator", "denominator", "open_cases", "suppressed"]
        assert date.fromisoformat(row["period"]).weekday() == 0
        assert row["suppressed"] is False


@pytest.mark.parametrize("role", ["engineer", "leadership"])
def test_kpi_value_says_how_exactly_its_times_are_known(wardflow, role):
    assert (
        wardflow.json("kpi", "value", "task_completion_time", "--role", role)["resolution_minutes"] == 0
    )  # all recorded
    assert wardflow.json("kpi", "value", "lab_turnaround", "--role", role)["resolution_minutes"] is None


@pytest.mark.parametrize("role", ["engineer", "leadership"])
@pytest.mark.parametrize("kpi_id", KPI_IDS)
def test_kpi_value_equals_the_known_answer(wardflow, kpi_id, role):
    """Whole weeks by facility, against truth.json; leadership's numbers are the same ones, read from the aggregates."""
    truth = json.loads((wardflow.home / "truth.json").read_text(encoding="utf-8"))
    expected = {
        (cell["facility"], cell["period"]): cell["observable"]
        for cell in truth["kpis"][kpi_id]
        if cell["grain"] == "week" and cell["facility"]
    }
    answer = wardflow.json(
        "kpi", "value", kpi_id, "--by", "facility", "--grain", "week", "--from", truth["start"][:10], "--role", role
    )
    found = {(row["facility"], row["period"]): row for row in answer["rows"]}
    assert expected
    for cell, known in expected.items():
        row = found.get(cell)
        if row is None:  # a place where there never was one
            assert known["denominator"] == 0, cell
            continue
        if row["suppressed"]:
            assert (row["value"], row["denominator"]) == (None, None)
            continue
        assert row["value"] == pytest.approx(known["value"], abs=1e-5), cell
        assert row["denominator"] == known["denominator"], cell


def test_a_value_without_a_grain_covers_the_days_asked_for(wardflow):
    days = wardflow.json("kpi", "value", "ed_arrivals", "--grain", "day", "--from", "2025-10-14", "--to", "2025-10-17")[
        "rows"
    ]
    (whole,) = wardflow.json("kpi", "value", "ed_arrivals", "--from", "2025-10-14", "--to", "2025-10-17")["rows"]
    assert [row["period"] for row in days] == ["2025-10-14", "2025-10-15", "2025-10-16"]
    assert whole["value"] == sum(row["value"] for row in days)
    assert whole["period"] == "2025-10-14"


def test_where_takes_any_of_several_values(wardflow):
    def arrivals(*where: str) -> float:
        words = [word for each in where for word in ("--where", f"acuity={each}")]
        return wardflow.json("kpi", "value", "ed_arrivals", *words)["rows"][0]["value"]

    assert arrivals("1", "2") == arrivals("1") + arrivals("2")


@pytest.mark.parametrize("kpi_id", KPI_IDS)
def test_kpi_cases_lead_to_file_and_line(wardflow, kpi_id):
    found = wardflow.json("kpi", "cases", kpi_id, "--limit", "5", "--purpose", "test")
    assert found["kpi"] == kpi_id
    unit = next(each["unit"] for each in wardflow.json("kpi", "list") if each["id"] == kpi_id)
    worth = "flag" if unit == "percent" else f"value_{unit}"
    for row in found["rows"]:
        assert set(row) >= {"case_key", worth, "file", "line"}
        if row["file"] is None:  # an hour in which nothing came stands in no file
            assert kpi_id == "silent_feed_minutes"
            continue
        assert 1 <= row["line"] <= len(lines_at(wardflow.home / row["file"]))


@pytest.mark.parametrize(
    "kpi_id", ["ed_length_of_stay", "lab_turnaround", "handoff_missed_rate", "interface_final_failure_rate"]
)
def test_there_are_as_many_cases_as_the_value_is_out_of(wardflow, kpi_id):
    (value,) = wardflow.json("kpi", "value", kpi_id, "--from", "2025-10-13", "--to", "2025-10-20")["rows"]
    cases = wardflow.json("kpi", "cases", kpi_id, "--from", "2025-10-13", "--to", "2025-10-20", "--purpose", "test")
    assert cases["total"] == len(cases["rows"]) == value["denominator"]


def test_readiness_names_every_kpi_and_the_completeness_of_its_inputs(wardflow):
    found = wardflow.json("readiness")
    assert [each["kpi"] for each in found] == KPI_IDS
    for each in found:
        assert each["state"] in {"ready", "biased", "withheld"}
        assert (each["state"] == "ready") == (each["why"] == [])
        assert all(set(given) == {"table", "column", "completeness"} for given in each["inputs"])


def test_interfaces_has_every_channel_with_counts_and_latencies(wardflow):
    found = wardflow.json("interfaces")
    assert {each["flow"] for each in found} >= {"ADT", "ADT-OUT", "ORDERS", "RESULTS", "ROUTER"}
    for each in found:
        for name in ("messages", "failed_first", "failed_final", "retried", "dead_lettered", "queue_depth"):
            assert isinstance(each[name], int), name
        for name in ("oldest_queued_minutes", "ack_p50_ms", "ack_p95_ms", "hop_p50_ms", "hop_p95_ms"):
            assert each[name] is None or isinstance(each[name], float), name
        assert each["last_seen_at"] is None or _has_offset(each["last_seen_at"])
        assert isinstance(each["silent"], bool)
        assert isinstance(each["incidents"], list)
        assert {row["kind"] for row in each["incidents"]} <= {*INCIDENTS, "decision"}
    drifted = [each for each in found if each["drifted"]]
    assert {each["flow"] for each in drifted} == {"RESULTS", "EHR-RESULTS"}  # where results come in, and behind
    assert all("schema_drift" in {row["kind"] for row in each["incidents"]} for each in drifted)
    assert "messages in an unusual format" in wardflow("interfaces").stdout


def test_a_trace_of_an_encounter_crosses_clinical_events_and_messages(wardflow):
    admitted = wardflow.json("kpi", "cases", "ed_boarding_ed2", "--limit", "3", "--purpose", "test")["rows"]
    found = wardflow.json("trace", admitted[0]["case_key"], "--purpose", "test")
    assert found["key"] == admitted[0]["case_key"]
    assert {span["kind"] for span in found["spans"]} == {"clinical", "message", "human"}
    for span in found["spans"]:
        assert set(span) >= {"at", "until", "kind", "where", "what", "source_file", "line"}
        assert _has_offset(span["at"])
        assert span["line"] >= 1
    times = [datetime.fromisoformat(span["at"]) for span in found["spans"]]
    assert times == sorted(times)
    assert isinstance(found["missing"], list)
    kinds = {wait["kind"]: wait for wait in found["waits"]}
    assert "boarding" in kinds
    for wait in found["waits"]:
        assert sum(part["minutes"] for part in wait["parts"]) == pytest.approx(wait["minutes"])
        assert [part["from"] for part in wait["parts"][1:]] == [part["until"] for part in wait["parts"][:-1]]
        assert {part["by"] for part in wait["parts"]} <= {"source", "engine", "rule", "person", "nobody", "unknown"}
        assert (wait["stages"][0]["stage"], wait["stages"][-1]["stage"]) == ("happened", "acted")
        assert all((stage["at"] is None) == (stage["unknown_because"] is not None) for stage in wait["stages"])


def test_a_trace_of_a_message_shows_the_waits_whose_news_it_carried_by_its_key_or_its_control_id(wardflow):
    snapshot = Snapshot(wardflow.home / "published", "engineer")
    (sent,) = snapshot.rows(
        "select message_key, control_key from stage inner join message using (message_key) "
        "where stage = 'delivered' and control_key is not null order by message_key limit 1",
        stage="wait_stage",
        message="message",
    )
    by_key, by_control = (wardflow.json("trace", key, "--purpose", "test") for key in sent.values())
    assert by_key["is"] == by_control["is"] == "message"
    assert by_key["waits"] == by_control["waits"] != []
    assert by_key["steps"] == by_control["steps"] != []
    assert {stage["stage"] for stage in by_key["waits"][0]["stages"]} >= {
        "happened",
        "sent",
        "hop",
        "delivered",
        "acted",
    }


def test_a_person_whose_records_were_merged_is_traced_by_either_key(wardflow):
    snapshot = Snapshot(wardflow.home / "published", "engineer")
    merged = snapshot.rows("select * from person where is_merged", person="patient_identity")
    assert merged, "the simulated hospital merges somebody"
    for person in merged:
        by_old, by_new = (
            wardflow.json("trace", person[name], "--purpose", "test") for name in ("patient_key", "surviving_key")
        )
        assert by_old["is"] == by_new["is"] == "patient"
        assert by_old["spans"] == by_new["spans"] != []


def test_a_trace_of_an_order_holds_that_order_only(wardflow):
    (order,) = wardflow.json("kpi", "cases", "lab_turnaround", "--limit", "1", "--purpose", "test")["rows"]
    found = wardflow.json("trace", order["case_key"], "--purpose", "test")
    assert {span["order_key"] for span in found["spans"]} == {order["case_key"]}
    assert "result verified" in {span["what"] for span in found["spans"]}


def test_a_trace_of_a_message_that_failed_names_the_missing_hop(wardflow):
    failed = next(
        row
        for row in wardflow.json("kpi", "cases", "interface_final_failure_rate", "--purpose", "test")["rows"]
        if row["flag"]
    )
    deliveries = wardflow.json("trace", failed["case_key"], "--purpose", "test")
    assert deliveries["is"] == "message"
    assert deliveries["steps"][0]["event_type"] == "received"
    assert {"attempt_started"} < {step["event_type"] for step in deliveries["steps"]}
    assert all(step["line"] >= 1 and _has_offset(step["at"]) for step in deliveries["steps"])
    assert "attempt_started" in wardflow("trace", failed["case_key"], "--purpose", "test").stdout
    assert [each["where"] for each in deliveries["missing"]]
    assert " to " in deliveries["missing"][0]["where"]
    assert "never acknowledged" in deliveries["missing"][0]["what"]


@pytest.mark.parametrize(("flag", "word"), [("is_across_clocks", "between two clocks"), ("is_estimated", "estimated")])
def test_the_text_of_a_trace_says_of_which_lengths_its_json_has_a_doubt(wardflow, flag, word):
    snapshot = Snapshot(wardflow.home / "published", "engineer")
    (wait, *_) = snapshot.rows(
        f"select coalesce(order_key, encounter_key) as key from wait inner join stretch using (wait_key) where {flag} order by key limit 1",
        wait="wait",
        stretch="wait_part",
    )
    told = wardflow.json("trace", wait["key"], "--purpose", "test")["waits"]
    assert any(part[flag] for each in told for part in each["parts"])
    assert word in wardflow("trace", wait["key"], "--purpose", "test").stdout


@pytest.mark.parametrize(
    ("kind", "names"),
    [("message_lost", ("message_key", "encounter_key")), ("message_never_seen", ("order_key", "encounter_key"))],
)
def test_a_trace_of_a_message_that_never_came_names_who_should_have_had_it_by_every_key(wardflow, kind, names):
    snapshot = Snapshot(wardflow.home / "published", "engineer")
    (missing, *_) = snapshot.rows(
        "select * from exception where kind = $kind and is_open order by expected_at, exception_key",
        {"kind": kind},
        exception="work_exception",
    )
    for name in names:
        found = wardflow.json("trace", missing[name], "--purpose", "test")["missing"]
        told = (f"{missing['channel']} ({missing['source']})", missing["what"])
        assert told in {(each["where"], each["what"]) for each in found}
    assert f"Missing: {told[0]}: {told[1]}" in wardflow("trace", missing[names[0]], "--purpose", "test").stdout


def test_ledger_balances_file_by_file_and_in_total(wardflow):
    found = wardflow.json("ledger")
    assert found["balanced"] is True
    for each in [*found["files"], found["totals"]]:
        assert each["lines_read"] == sum(each[name] for name in COUNTS[1:])
    for each in found["files"]:
        assert set(each) >= {"path", "source", "reasons", *COUNTS}
    for name in COUNTS:
        assert found["totals"][name] == sum(each[name] for each in found["files"])


def test_ingest_reports_quarantine_with_reasons_and_leaves_zero(new_home, tmp_path):
    export = tmp_path / "Patient.ndjson"
    export.write_text(
        '{"resourceType":"Patient","id":"p1"}\n{"resourceType":"Patient"}\n{"resourceType":"Patie', encoding="utf-8"
    )
    found = new_home.json("ingest", str(export))
    (file,) = found["files"]
    assert {name: file[name] for name in COUNTS} == {
        "lines_read": 3, "loaded": 1, "unchanged": 0, "superseded": 0, "ignored": 0, "quarantined": 2
    }  # fmt: skip
    assert sum(file["reasons"].values()) == 2
    assert found["balanced"] is True
    again = new_home.json("ingest", str(export))
    assert again["totals"]["loaded"] == 0
    assert new_home.json("ledger")["totals"]["loaded"] == 1


def test_status_says_what_is_fresh_and_what_failed(wardflow):
    found = wardflow.json("status")
    assert _has_offset(found["as_of"])
    assert {each["source"] for each in found["sources"]} >= {"ehr", "mirth-northfield", "engine-eastbrook"}
    assert found["checks"]["passed"] > 0
    assert sum(found["kpis"].values()) == len(KPI_IDS)
    assert found["late"] == []
    followed = {each["source"]: each for each in found["followed"]}
    assert followed.keys() == {
        *("mirth-northfield", "engine-northfield", "engine-eastbrook", "engine-westhaven"),
        "processes-westhaven",
    }
    assert all(each["files"] > 0 and each["behind_seconds"] == 0 for each in followed.values())
    incidents = found["incidents"]
    assert {"error_burst", "schema_drift"} <= {
        each["kind"] for each in incidents
    }  # planted on the seventh and eighth of ten days
    assert all(_has_offset(each["started_at"]) for each in incidents)
    said = wardflow("status").stdout
    assert "nothing waits" in said
    assert f"Incidents of the last 7 days ({sum(each['is_open'] for each in incidents)} still open" in said


def test_status_says_which_classes_of_visits_came_and_what_they_count_as(wardflow):
    found = wardflow.json("status")["visits"]
    assert {(each["source"], each["class_code"], each["visit_kind"]) for each in found} >= {
        ("ehr", "EMER", "emergency"),
        ("ehr", "IMP", "inpatient"),
    }
    assert "Visits of ehr by class: EMER emergency " in wardflow("status").stdout
    assert wardflow.json("status", "--role", "leadership")["visits"] == []


def test_drift_names_the_elements_that_the_simulated_hospitals_planted(wardflow):
    found = {
        (each["resource_type"], each["path"]): each["states"] for each in wardflow.json("drift", "--source", "ehr")
    }
    assert found["Specimen", "analyzerRack"] == ["unknown", "new"]
    assert found["Observation", "specimen"] == ["vanished"]
    assert "Observation.specimen" in wardflow("drift").stdout
    assert "Encounter.status" in wardflow("drift", "--all").stdout
    assert wardflow.error("drift", "--source", "nobody")[0] == 2


def test_key_finds_the_case_of_a_logical_id(wardflow):
    (case,) = wardflow.json("kpi", "cases", "ed_length_of_stay", "--limit", "1", "--purpose", "test")["rows"]
    line = (wardflow.home / case["file"]).read_bytes().splitlines()[case["line"] - 1]
    encounter = json.loads(line)["id"]
    assert wardflow.json("key", "encounter", encounter)["key"] == case["case_key"]
    assert wardflow("key", "encounter", encounter, "--authority", "ehr").stdout.strip() == case["case_key"]


def test_the_key_of_an_id_that_several_engines_log_does_not_depend_on_how_it_is_written(wardflow):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    written = (trace, trace.upper(), f"00-{trace}-00f067aa0ba902b7-01", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736")
    assert len({wardflow("key", "trace", each).stdout for each in written}) == 1
    control = wardflow.json("key", "control", "000123", "--authority", "LIS/NORTH")
    assert control["authority"] == "msh:LIS/NORTH"


def test_export_copies_the_tables_of_the_role_and_the_dictionary(wardflow, tmp_path):
    import polars as pl

    everything = wardflow.json("export", "--parquet", str(tmp_path / "all"), "--purpose", "test")
    board = wardflow.json("export", "--parquet", str(tmp_path / "board"), "--role", "leadership")
    assert {each["audience"] for each in everything["tables"]} == {"aggregates", "cases", "lineage"}
    assert {each["audience"] for each in board["tables"]} == {"aggregates"}
    assert (tmp_path / "board" / "DATA_DICTIONARY.md").is_file()
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == sorted(board["files"])
    for each in everything["tables"]:
        path = tmp_path / "all" / f"{each['table']}.parquet"
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        assert rows == each["rows"]


def test_doctor_is_content_with_a_demo(wardflow):
    found = wardflow.json("doctor")
    assert {each["check"] for each in found} >= {
        "python", "versions", "home", "settings", "permissions", "site key", "time zones", "space", "writer", "snapshot", "telemetry"
    }  # fmt: skip
    assert [each for each in found if each["state"] == "wrong"] == []


def test_a_decision_is_appended_and_carries_who_and_why(new_home):
    noted = new_home.json(
        "decide", "target", "lab_turnaround", "--value", "75", "--why", "agreed in March", "--as", "Dr Board"
    )
    (line,) = (new_home.home / "decisions" / "journal.ndjson").read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["action"], entry["subject"], entry["value"], entry["why"], entry["actor"]) == (
        "target", "lab_turnaround", "75", "agreed in March", "Dr Board"
    )  # fmt: skip
    assert len(noted["decision_id"]) == 16


def test_simulate_reports_its_speed_and_writes_the_answers(tmp_path):
    from tests.cli.conftest import Wardflow

    out = tmp_path / "hospital"
    found = Wardflow(tmp_path).json("simulate", str(out), "--days", "1")
    assert found["resources_per_second"] > 0
    assert found["events_per_second"] > 0
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    start = datetime.fromisoformat(truth["start"]).date()
    assert (datetime.fromisoformat(truth["end"]).date() - start) == timedelta(days=1)
    assert Path(out / "fhir").is_dir()


def test_what_did_not_happen_is_listed_with_its_owner_and_what_was_decided_about_it(wardflow):
    found = wardflow.json("exceptions", "--purpose", "test")
    assert found, "the simulated hospital has messages that nobody resolved"
    for each in found:
        assert _has_offset(each["expected_at"])
        assert (each["state"], each["said"]) == ("open", "open")
        assert each["minutes_open"] >= 0
    kind = found[0]["kind"]
    only = wardflow.json("exceptions", "--kind", kind, "--facility", found[0]["facility"], "--purpose", "test")
    assert {(each["kind"], each["facility"]) for each in only} == {(kind, found[0]["facility"])}
    assert found[0]["exception_key"] in wardflow("exceptions", "--purpose", "test").stdout


def test_the_exceptions_of_a_kind_are_as_many_as_its_kpi_counts(wardflow):
    """All that ever were, in time or late or never: what the KPI's share counts; but for three kinds whose KPI counts something else."""
    snapshot = Snapshot(wardflow.home / "published", "engineer")
    found = {
        row["kind"]: row
        for row in snapshot.rows(
            "select kind, count(*) as every, count(*) filter (is_open) as still from queue group by kind",
            queue="work_exception",
        )
    }
    measured = {}
    for kind, (_, kpi_id, _) in KINDS.items():
        kpi = KPIS[kpi_id]
        (row,) = (
            evaluate(kpi, snapshot.frame(kpi.mart), Selection(), as_of=snapshot.as_of)
            .collect("pyarrow")
            .rows(named=True)
        )
        measured[kind] = row["value" if kind == "message_undelivered" else "numerator"]
    others = {"message_undelivered", "silent_feed", "step_without_owner"}
    expected = {kind: found[kind]["every"] if kind in found else 0 for kind in KINDS if kind not in others}
    assert {kind: n for kind, n in measured.items() if kind not in others} == expected
    assert (
        measured["message_undelivered"] == found["message_undelivered"]["still"]
    )  # the backlog: those given up and still open
    (waits,) = snapshot.rows("select count(*) as n from unowned_wait", unowned_wait="unowned_wait")
    assert (
        measured["step_without_owner"] == waits["n"] > found["step_without_owner"]["every"]
    )  # waits; a step and facility is one row
    assert sum(expected.values()) > 0


def test_what_was_resolved_leaves_the_list_at_once_and_all_tells_by_whom(wardflow, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    for name in ("published", "wardflow.toml"):
        (home / name).symlink_to(wardflow.home / name)
    mine = Wardflow(home)
    before = mine.json("exceptions", "--purpose", "test")
    key = before[0]["exception_key"]
    decided = mine("decide", "resolve", key, "--kind", "exception", "--why", "telephoned", "--as", "amy")
    assert decided.exit_code == 0, decided.stderr
    after = mine.json("exceptions", "--purpose", "test")
    assert [each["exception_key"] for each in after] == [each["exception_key"] for each in before[1:]]
    told = mine.json("exceptions", "--all", "--purpose", "test")
    assert [each["state"] for each in told if each["exception_key"] == key] == ["resolved"]
    assert len(told) == len(before)
