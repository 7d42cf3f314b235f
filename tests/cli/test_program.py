"""The program itself: how fast it answers, what its help promises, and that nothing but the answer is printed."""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from pipelines.cli import main
from tests.cli.conftest import Wardflow


def _examples():
    """Every example of every command's help, as words after `wardflow`."""

    def walk(command):
        yield command
        if isinstance(command, click.Group):
            for child in command.commands.values():
                yield from walk(child)

    for command in walk(main):
        for line in (command.help or "").splitlines():
            found = re.match(r"\s*(?:Example: +)?wardflow ((?!kpi\b$).+)$", line)
            if found and ("Example:" in line or line.startswith("         ")):
                yield found.group(1).strip()


EXAMPLES = sorted(set(_examples()))
READING = [each for each in EXAMPLES if each.split()[0] in {"status", "readiness", "interfaces", "ledger", "kpi"}]


def test_there_are_examples():
    assert len(EXAMPLES) >= 17


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example, tmp_path, monkeypatch):
    """Parsed exactly as typed, where the files that it names are; `$(…)` stands for a key."""
    words = shlex.split(re.sub(r"\$\(.*?\)", "0" * 32, example.partition(" > ")[0]))
    monkeypatch.chdir(tmp_path)
    for name in (word for word in words if word.endswith((".csv", ".toml"))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    command: click.Command = main
    path = ["wardflow"]
    while isinstance(command, click.Group):
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    with command.make_context(" ".join(path), words):
        pass


@pytest.mark.parametrize("example", READING)
def test_every_reading_example_runs(wardflow, example):
    words = shlex.split(re.sub(r" --home \S+", "", example))
    result = wardflow(*words)
    assert result.exit_code == 0, result.stderr


def test_help_loads_nothing_heavy():
    heavy = {"dagster", "duckdb", "polars", "narwhals", "streamlit", "great_expectations", "pandas", "pydantic"}
    program = f"import sys, pipelines.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_answers_in_half_a_second():
    """Processor time, the best of three, because the machine that runs the tests does other things too."""

    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "pipelines.cli", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize(
    "words", [("kpi", "list"), ("status",), ("kpi", "value", "ed_arrivals"), ("ledger",), ("doctor",)]
)
def test_json_is_one_document_and_standard_error_stays_silent(demo_home, words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARDFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *words, "--home", str(demo_home), "--format", "json"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    assert done.stderr == ""


def test_text_is_for_people_and_says_the_data_cut(wardflow):
    out = wardflow("kpi", "value", "ed_length_of_stay", "--by", "facility").stdout
    assert "data to Thu 23 Oct 2025 00:00" in out
    assert re.search(r"Northfield General +\d h \d\d", out)
    assert "{" not in out


def test_the_demo_reports_its_stages_and_where_to_look(demo_home: Path):
    report = (demo_home.parent / "demo.txt").read_text(encoding="utf-8")
    for word in ("Simulated", "Ingested", "balanced", "Stages", "Checks", "Published", "Took", "wardflow"):
        assert word in report
    assert "\r" not in report


def test_a_second_run_changes_nothing(demo_home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARDFLOW_")}
    before = (demo_home / "published" / "current.json").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "run", "--home", str(demo_home), "--format", "json"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["succeeded"] is True
    assert found["ingested"]["totals"]["loaded"] == 0
    assert found["files_written"] == []
    assert (demo_home / "published" / "current.json").read_text(encoding="utf-8") == before


def test_init_says_where_things_are_and_repeats_harmlessly(tmp_path):
    wardflow = Wardflow(tmp_path / "home")
    first, second = wardflow("init"), wardflow("init")
    assert first.exit_code == second.exit_code == 0
    key = tmp_path / "home.key"
    assert str(key) in first.stdout
    assert key.stat().st_mode & 0o777 == 0o600
    assert "nothing was overwritten" in second.stdout


def test_the_home_may_stand_before_or_after_the_command(demo_home):
    from click.testing import CliRunner

    before = CliRunner().invoke(main, ["--home", str(demo_home), "status", "--format", "json"])
    after = CliRunner().invoke(main, ["status", "--home", str(demo_home), "--format", "json"])
    assert before.exit_code == after.exit_code == 0
    assert before.stdout == after.stdout


def test_the_version_is_the_packages():
    from importlib.metadata import version

    assert version("wardflow") in Wardflow(Path("x"))("--version").stdout


def test_the_dashboard_serves_until_it_is_stopped_and_leaves_nothing_behind(demo_home):
    import socket
    import urllib.request

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "dashboard", "--home", str(demo_home), "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as answer:
                    assert answer.status == 200
                    break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail("the dashboard did not answer")
    finally:
        server.terminate()
        assert server.wait(20) in {0, -15}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
