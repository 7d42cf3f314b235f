"""Wrong usage, wrong configuration, wrong data: one line that names the value, the rule and the cure, and the right exit code."""

import pytest


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("kpi", "value", "ed_arrival"), "Did you mean 'ed_arrivals'?"),
        (("kpi", "value", "ed_arrivals", "--by", "facilty"), "Did you mean 'facility'?"),
        (("kpi", "value", "ed_arrivals", "--where", "facility"), "DIM=VALUE"),
        (("kpi", "value", "ed_arrivals", "--from", "yesterday"), "yesterday"),
        (("kpi", "value", "ed_arrivals", "--from", "2025-10-20", "--to", "2025-10-20"), "exclusive"),
        (("kpi", "value", "ed_arrivals", "--grain", "year"), "year"),
        (("kpi", "cases", "ed_arrivals", "--limit", "0"), "0"),
        (("readiness", "--facility", "Atlantis"), "Northfield General"),
        (("key", "mrn", "123"), "--authority"),
        (("key", "control", "000123"), "MSH-3"),
        (("key", "trace", "1042"), "--authority"),
        (("key", "shoe", "123"), "shoe"),
        (("decide", "target", "lab_turnaround", "--value", "fast", "--why", "x"), "'fast'"),
        (("decide", "target", "lab_turnaround", "--why", "x"), "needs a value"),
        (("decide", "annotate", "nothing", "--why", "x"), "'nothing'"),
        (("decide", "resolve", "nothing", "--kind", "exception", "--why", "x"), "'nothing'"),
        (("nonsense",), "nonsense"),
        (("ingest",), "PATH"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(wardflow, words, says):
    code, line = wardflow.error(*words)
    assert code == 2
    assert says in line


@pytest.mark.parametrize(
    "words", [("status",), ("run",), ("ledger",), ("kpi", "value", "ed_arrivals"), ("ingest", "x"), ("dashboard",)]
)
def test_without_a_home_the_cure_is_named(tmp_path, words):
    from tests.cli.conftest import Wardflow

    code, line = Wardflow(tmp_path / "nowhere").error(*words)
    assert code == 2
    assert "wardflow init" in line
    assert not (tmp_path / "nowhere").exists()


def test_nothing_published_yet(new_home):
    code, line = new_home.error("status")
    assert code == 1
    assert "wardflow run" in line


def test_a_run_without_data_says_so(new_home):
    code, line = new_home.error("run", "--format", "text")
    assert code == 1
    assert "no data yet" in line


def test_a_mistyped_setting_names_file_and_cure(new_home):
    path = new_home.home / "wardflow.toml"
    path.write_text('site = "x"\nsupress_below = 3\n', encoding="utf-8")
    code, line = new_home.error("ledger")
    assert code == 2
    assert "supress_below" in line
    assert "suppress_below" in line


def test_a_lost_key_is_named(new_home):
    (new_home.home.parent / "home.key").unlink()
    code, line = new_home.error("key", "patient", "1", "--authority", "ehr")
    assert code == 2
    assert "site key" in line


def test_a_path_that_is_not_there(new_home, tmp_path):
    code, line = new_home.error("ingest", str(tmp_path / "missing.ndjson"))
    assert code == 1
    assert "missing.ndjson" in line


def test_a_file_that_is_nothing_we_know(new_home, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0 not an export")
    code, line = new_home.error("ingest", str(photo), "--format", "text")
    assert code == 1
    assert "photo.jpg" in line


def test_a_damaged_manifest_is_one_line(new_home):
    published = new_home.home / "published"
    (published / "current.json").write_text('{"snapshot": "x", "manifest": "manifests/x.json"}', encoding="utf-8")
    code, line = new_home.error("status")
    assert code == 1
    assert "wardflow run" in line


def test_debug_shows_the_traceback(wardflow):
    result = wardflow("kpi", "value", "ed_arrival", "--debug")
    assert type(result.exception).__name__ == "UnknownKpi"


def test_an_error_of_another_library_does_not_show_its_message(wardflow, monkeypatch):
    """A database error can quote a value of the data."""
    from pipelines import snapshot_reader

    def fail(*_: object, **__: object):
        raise ValueError("could not convert 'Jane Doe'")

    monkeypatch.setattr(snapshot_reader.Snapshot, "rows", fail)
    code, line = wardflow.error("status")
    assert code == 1
    assert "Jane" not in line
    assert "--debug" in line


def test_a_home_with_something_else_is_no_place_for_a_demo(new_home):
    code, line = new_home.error("demo", "--no-serve", "--days", "1")
    assert code == 2
    assert "something else" in line


def test_another_demo_is_not_mixed_in(wardflow):
    code, line = wardflow.error("demo", "--no-serve", "--days", "11")
    assert code == 2
    assert "another simulation" in line


def test_exports_and_simulations_never_overwrite(wardflow, tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    for words in (("export", "--parquet", str(tmp_path)), ("simulate", str(tmp_path), "--days", "1")):
        code, line = wardflow.error(*words)
        assert code == 2
        assert "not empty" in line


def test_a_port_in_use_is_named(wardflow):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = wardflow("dashboard", "--port", port)
    assert result.exit_code == 2
    assert port in result.stderr
    assert "--port" in result.stderr


def test_doctor_fails_on_a_key_that_others_may_read(new_home):
    key = new_home.home.parent / "home.key"
    key.chmod(0o644)
    result = new_home("doctor")
    assert result.exit_code == 1
    assert "chmod 600" in result.stdout
    assert len(result.stderr.splitlines()) == 1


def test_doctor_fails_on_a_home_that_strangers_may_enter(new_home):
    new_home.home.chmod(0o755)
    result = new_home("doctor")
    assert result.exit_code == 1
    assert "chmod o-rwx" in result.stdout


def test_doctor_names_a_missing_published_file(wardflow, tmp_path):
    import shutil

    from tests.cli.conftest import Wardflow

    home = tmp_path / "copy"
    shutil.copytree(wardflow.home, home, ignore=shutil.ignore_patterns("landing", "warehouse.duckdb"))
    home.chmod(0o750)
    shutil.copyfile(wardflow.home.with_name("home.key"), tmp_path / "copy.key")
    (tmp_path / "copy.key").chmod(0o600)
    next((home / "published" / "cases").glob("lab_order-*.parquet")).unlink()
    result = Wardflow(home)("doctor")
    assert result.exit_code == 1
    assert "lab_order" in result.stdout
