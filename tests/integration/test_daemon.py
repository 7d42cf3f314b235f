"""Dagster's own web server and daemon: a new export in the watched folder becomes a new snapshot by itself."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import dagster as dg
import pytest

from models.publication import load_current
from pipelines.home import Home
from pipelines.scheduler import end, prepare_dagster_home, scheduler

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


def log_an_event(home):
    """What an engine appends to the log that it has been writing all day."""
    log = max((home.landing / "logs" / "engine-eastbrook").iterdir())
    event = json.loads(log.read_text().splitlines()[-1])
    changed = {"seq": 99_000_001, "msg": "M-LATER", "control_id": "LATER", "event": "RECV"}
    content = log.read_bytes()
    log.unlink()  # it is a link to what other tests read
    log.write_bytes(content + json.dumps(event | changed).encode() + b"\n")


def messages(home):
    return load_current(home.published).table("message").rows


def test_telemetry_is_off_and_one_run_at_a_time(tmp_path):
    text = (prepare_dagster_home(Home(tmp_path / "home")) / "dagster.yaml").read_text()
    assert "telemetry:\n  enabled: false" in text
    assert "max_concurrent_runs: 1" in text


def processes_of(home):
    """Whoever was started for this home and still runs; one that has ended has no environment any more."""
    mark = f"WARDFLOW_HOME={home.path}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def runs_under_way(home):
    with dg.DagsterInstance.from_config(str(home.dagster_home)) as instance:
        return instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))


def test_a_new_export_is_published_by_the_daemon_also_when_it_was_stopped_amid_the_run(home):
    before = load_current(home.published)
    drop_next_day(home)
    with scheduler(home, free_port(), run_seconds=0) as running:
        wait_for("A run", lambda: runs_under_way(home), running, home)
        assert processes_of(home)
    assert processes_of(home) == []
    assert all(process.returncode is not None for process in running.values())
    assert load_current(home.published).id == before.id
    port = free_port()
    with scheduler(home, port) as running:
        wait_for("The web server", lambda: is_up(port), running, home)
        wait_for("A new snapshot", lambda: load_current(home.published).id != before.id, running, home)
        exported = load_current(home.published)
        log_an_event(home)
        wait_for("The event's snapshot", lambda: messages(home) == exported.table("message").rows + 1, running, home)
    assert processes_of(home) == []
    assert load_current(home.published).table("ed_attendance") == exported.table("ed_attendance")
    assert load_current(home.published).as_of.isoformat() == "2025-10-24T00:00:00-04:00"
    assert not runs_under_way(home)
    shutil.rmtree(home.dagster_home)


def test_a_run_that_was_lost_with_its_scheduler_does_not_keep_others_from_starting(tmp_path):
    home = Home(tmp_path / "home")
    folder = prepare_dagster_home(home)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        lost = instance.create_run_for_job(dg.GraphDefinition("lost").to_job(), status=dg.DagsterRunStatus.STARTED)
    prepare_dagster_home(home)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        run = instance.get_run_by_id(lost.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE


STUBBORN = """
import signal, subprocess, sys, time
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, signal.SIG_IGN)
if sys.argv[1:]:
    subprocess.Popen([sys.executable, "-c", sys.argv[1]])
    print("up", flush=True)
    sys.exit()
time.sleep(600)
"""


def test_ending_a_program_ends_what_it_left_behind_even_what_ignores_every_request(tmp_path, monkeypatch):
    home = Home(tmp_path)
    monkeypatch.setenv("WARDFLOW_HOME", str(home.path))
    monkeypatch.setattr("pipelines.scheduler.END_SECONDS", 1)
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN, STUBBORN], start_new_session=True, stdout=subprocess.PIPE
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == b"up\n"
        leader.wait()
        assert len(processes_of(home)) == 1
        end([leader], 0.1)
        assert processes_of(home) == []
