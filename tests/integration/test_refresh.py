"""The whole run on a small simulated hospital: what it publishes, what stops it, and what it never loses."""

import json
import threading
from datetime import UTC, datetime

import duckdb
import polars as pl

from models.journal import Decision
from models.kpis import KPIS
from models.publication import AUDIENCES, load_current
from pipelines import keys
from pipelines.append import append_line
from pipelines.home import Home
from pipelines.refresh import refresh
from pipelines.settings import load


def warehouse(home):
    return duckdb.connect(str(home.warehouse_path))


def table(home, name):
    manifest = load_current(home.published)
    return pl.read_parquet([home.published / file for file in manifest.table(name).files])


def files_of(manifest):
    return {file for published in manifest.tables.values() for file in published.files}


def states(home, kpi):
    rows = table(home, "readiness").filter((pl.col("kpi") == kpi) & (pl.col("grain") == "all")).iter_rows(named=True)
    return {row["facility"]: row["state"] for row in rows}


def test_every_line_is_accounted_for_and_every_table_published(published_home):
    manifest = load_current(published_home.published)
    ledger = table(published_home, "ledger_total")
    parts = ("loaded", "unchanged", "superseded", "ignored", "quarantined")
    assert ledger["lines_read"].sum() == sum(ledger[part].sum() for part in parts) > 0
    for name, published in manifest.tables.items():
        assert table(published_home, name).height == published.rows, name


def test_audiences_lie_in_folders_of_their_own_with_narrow_permissions(published_home):
    for audience in AUDIENCES:
        folder = published_home.published / audience
        assert folder.stat().st_mode & 0o777 == 0o750
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o640}
    names = {name: published.audience for name, published in load_current(published_home.published).tables.items()}
    assert (names["kpi_value"], names["ed_attendance"], names["file"]) == ("aggregates", "cases", "lineage")


def test_no_person_can_be_named_in_an_aggregate(published_home):
    manifest = load_current(published_home.published)
    for name, published in manifest.tables.items():
        if published.audience == "aggregates":
            columns = table(published_home, name).columns
            assert not [column for column in columns if column.endswith("_key")], name


def test_small_numbers_of_people_are_hidden(published_home):
    threshold = json.loads(load_current(published_home.published).to_json())["settings"]["suppress_below"]
    values = table(published_home, "kpi_value")
    hidden = values.filter("suppressed")
    assert hidden.height > 0
    assert hidden.select("value", "numerator", "denominator", "open_cases").null_count().row(0) == (hidden.height,) * 4
    about_people = [kpi.id for kpi in KPIS.values() if kpi.about_people]
    shown = values.filter(~pl.col("suppressed") & pl.col("kpi").is_in(about_people))
    assert shown.filter((pl.col("denominator") > 0) & (pl.col("denominator") < threshold)).height == 0


def test_a_target_comes_from_the_journal_before_settings_before_the_declaration(published_home):
    manifest = load_current(published_home.published)
    decided = manifest.kpi("critical_result_acknowledged")
    declared = manifest.kpi("lab_turnaround")
    assert decided is not None
    assert declared is not None
    assert (decided.target, decided.target_source) == (0.9, "decision")
    assert "quality meeting" in (decided.last_decision or "")
    assert declared.target_source == "declared"


def test_a_second_run_changes_nothing_and_tells_its_progress(home):
    before = load_current(home.published)
    files = sorted(home.published.rglob("*.parquet"))
    told = []
    result = refresh(home, progress=lambda _step, share: told.append(share))
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1
    assert result.succeeded, result.failure
    assert result.written == ()
    assert load_current(home.published) == before
    assert sorted(home.published.rglob("*.parquet")) == files


def test_the_hourly_job_publishes_new_engine_events_and_reuses_clinical_files(home):
    before, former = load_current(home.published), table(home, "kpi_value")
    (newest,) = sorted((home.landing / "logs" / "engine-eastbrook").iterdir())[-1:]
    event = json.loads(newest.read_text().splitlines()[-1])
    later = event | {"seq": 99_000_001, "msg": "M-LATER", "control_id": "LATER", "event": "RECV"}
    newest.with_name("2025-10-24.ndjson").write_text(json.dumps(later) + "\n")
    told = []
    result = refresh(home, job="refresh_interfaces", progress=lambda step, _share: told.append(step))
    assert result.succeeded, result.failure
    after = load_current(home.published)
    assert after.id != before.id
    assert after.table("message").rows == before.table("message").rows + 1
    assert after.table("ed_attendance").files == before.table("ed_attendance").files
    computed = {step.removeprefix("computing ") for step in told if step.removeprefix("computing ") in KPIS}
    assert "interface_messages" in computed
    assert not [kpi for kpi in computed if KPIS[kpi].about_people]
    kept = {step.removeprefix("keeping ") for step in told} & set(KPIS)
    assert kept | computed == set(KPIS)
    values = table(home, "kpi_value")
    standing = values.filter(pl.col("kpi").is_in(sorted(kept)))
    assert standing.equals(former.filter(pl.col("kpi").is_in(sorted(kept))))
    followed(home, newest, after)


def followed(home, newest, before):
    """A line more, as the sensor of growing logs takes it in: flows are newer, and what follows in the hour says until when it is known."""
    event = json.loads(newest.read_text().splitlines()[-1])
    later = event | {
        "seq": 99_000_002,
        "ts": "2025-10-23T09:00:00-04:00",
        "msg": "M-LAST",
        "control_id": "LAST",
        "event": "RECV",
    }
    with newest.with_name("2025-10-24.ndjson").open("a") as log:
        log.write(json.dumps(later) + "\n")
    told = []
    result = refresh(home, job="follow_logs", progress=lambda step, _share: told.append(step))
    assert result.succeeded, result.failure
    after = load_current(home.published)
    assert after.table("message").rows == before.table("message").rows + 1
    assert after.table("interface_hour").as_of == after.as_of > before.as_of
    for name in ("message_event", "workflow_event", "process_edge", "delay_part", "exception_count"):
        assert after.table(name) == before.table(name), name
    assert not {"marts.message_event", "marts.wait", "computing workflows", "computing delays"} & set(told)


def test_a_structural_failure_blocks_and_readers_keep_the_old_snapshot(home):
    before = load_current(home.published)
    with warehouse(home) as db:
        db.execute("insert into raw.interface_event from raw.interface_event limit 1")
    result = refresh(home)
    assert not result.succeeded
    assert result.blocked_by == ("staging.interface_event: event_uid is unique",)
    failure = result.failure or ""
    assert "\n" not in failure
    assert "staging.interface_event: event_uid is unique" in failure
    assert load_current(home.published) == before
    alert = json.loads((home.logs / "alerts.ndjson").read_text().splitlines()[-1])
    assert alert["kind"] == "publication_blocked"


def test_an_account_that_does_not_add_up_blocks(home):
    before = load_current(home.published)
    with warehouse(home) as db:
        db.execute("create table account.loose as from account.file")
        db.execute("drop view account.batch; drop table account.file; alter table account.loose rename to file")
        db.execute("update account.file set lines_read = lines_read + 1 where kind = 'fhir'")
    result = refresh(home)
    assert not result.succeeded
    assert load_current(home.published) == before


def test_a_content_failure_publishes_and_makes_dependent_kpis_biased(home):
    assert set(states(home, "critical_result_acknowledged").values()) == {"ready"}
    with warehouse(home) as db:
        db.execute("update raw.fhir_task set authored_on = '2031-01-01T00:00:00Z' where line % 5 = 0")
    result = refresh(home)
    assert result.succeeded, result.failure
    assert set(states(home, "critical_result_acknowledged").values()) == {"biased"}
    failed = load_current(home.published).checks.failed
    assert ("staging.task", "authored_at is not after the data cut") in {
        (check.table, check.expectation) for check in failed
    }


def test_a_reader_always_sees_one_whole_snapshot_while_it_is_replaced(home):
    """A target decided otherwise changes what tells of it and of the file that it stands in; all other tables are the same files."""
    before, stop, seen, problems = load_current(home.published), threading.Event(), set(), []

    def read():
        while not stop.is_set():
            try:
                manifest = load_current(home.published)
                rows = {name: table_rows(home, manifest, name) for name in ("kpi_value", "ed_attendance", "file")}
                if rows != {name: manifest.table(name).rows for name in rows}:
                    problems.append(f"{manifest.id}: {rows}")
                seen.add(manifest.id)
            except Exception as error:  # noqa: BLE001 -- whatever a reader meets is a failure of this test
                problems.append(repr(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        target = Decision(
            decided_at=datetime(2026, 1, 1, tzinfo=UTC), actor="tests", action="target", subject_kind="kpi",
            subject="lab_turnaround", value="100", why="Another snapshot.",
        )  # fmt: skip
        append_line(home.decisions_path, target.to_line())
        assert refresh(home).succeeded
    finally:
        stop.set()
        reader.join()
    assert problems == []
    assert len(seen) >= 2
    after = load_current(home.published)
    of_the_decision = {"decision", "file", "ledger_total", "source_freshness", "kpi_signal"}
    assert {name for name in before.tables if after.table(name).files != before.table(name).files} == of_the_decision


def table_rows(home, manifest, name):
    return (
        pl.scan_parquet([home.published / file for file in manifest.table(name).files])
        .select(pl.len())
        .collect()
        .item()
    )


def test_an_empty_home_says_what_to_do(tmp_path):
    home = Home(tmp_path / "empty").create()
    keys.create(load(home))
    result = refresh(home)
    assert not result.succeeded
    assert "holds no data yet" in (result.failure or "")
    assert result.manifest is None
