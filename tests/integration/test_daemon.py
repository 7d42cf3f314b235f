"""Dagster's own web server and daemon: a new export in the watched folder becomes a new snapshot by itself."""

import json
import shutil
import socket
import time
import urllib.request

import pytest

from models.publication import load_current
from pipelines.refresh import prepare_dagster_home, scheduler

PATIENCE_SECONDS = 240


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, running, home):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for name, process in running.items():
            assert process.poll() is None, f"{name} ended: {(home.logs / f'{name}.log').read_text()[-3000:]}"
        if condition():
            return
        time.sleep(0.5)
    pytest.fail(
        f"{what} did not happen in {PATIENCE_SECONDS} s: {(home.logs / 'dagster-daemon.log').read_text()[-3000:]}"
    )


def is_up(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=2) as answer:
            return "dagster_webserver_version" in json.load(answer)
    except OSError:
        return False


def drop_next_day(home):
    """What the hospital's server exports the next midnight: one changed visit, one new manifest."""
    last = max((home.landing / "fhir").iterdir())
    folder = last.with_name("2025-10-24")
    folder.mkdir()
    encounter = json.loads((last / "Encounter.ndjson").read_text().splitlines()[0])
    encounter["meta"] |= {"versionId": "99", "lastUpdated": "2025-10-23T20:00:00-04:00"}
    (folder / "Encounter.ndjson").write_text(json.dumps(encounter) + "\n")
    manifest = json.loads((last / "manifest.json").read_text())
    manifest |= {"transactionTime": "2025-10-24T00:00:00-04:00", "deleted": []}
    manifest["output"] = [{"type": "Encounter", "url": "Encounter.ndjson", "count": 1}]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_telemetry_is_off_and_one_run_at_a_time(tmp_path):
    from pipelines.home import Home

    text = (prepare_dagster_home(Home(tmp_path / "home")) / "dagster.yaml").read_text()
    assert "telemetry:\n  enabled: false" in text
    assert "max_concurrent_runs: 1" in text


def test_a_new_export_is_noticed_ingested_and_published_by_the_daemon(home):
    before = load_current(home.published)
    port = free_port()
    with scheduler(home, port) as running:
        wait_for("The web server", lambda: is_up(port), running, home)
        drop_next_day(home)
        wait_for("A new snapshot", lambda: load_current(home.published).id != before.id, running, home)
    after = load_current(home.published)
    assert after.as_of.isoformat() == "2025-10-24T00:00:00-04:00"
    assert all(process.returncode is not None for process in running.values())
    assert not (home.logs / "alerts.ndjson").exists()
    shutil.rmtree(home.dagster_home)
