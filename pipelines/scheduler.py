"""Dagster's own web server and daemon: started with the home as their only store, watched, and ended to the last process.

Here: starting, stopping, and what an earlier end left open. Not here: a run (`refresh`, `defs`).

Dagster starts processes of its own: a code server under each program, and under the daemon's a worker for the run. They
outlive the program that was asked to stop, and they write. Each program therefore leads a process group, and its end is
the end of the whole group: a home whose scheduler has stopped is quiet and can be copied.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelines.home import Home

DAGSTER_YAML = """\
# Made by Wardflow. One run at a time: DuckDB has one writer. Nothing is sent anywhere.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days: {skipped: 2, failure: 30, success: 30}
"""
STARTED_VARIABLE = "DAGSTER_STARTED_BY_WARDFLOW"
"""Tells one life of the scheduler from the next, for what is tried once in each."""
RUN_SECONDS = 60
"""How long a run under way may go on after the scheduler was told to stop. With `END_SECONDS` twice, less than the 90
seconds after which systemd kills.
"""
END_SECONDS = 10
"""How long a process that was told to end at once may take."""
_LOOK_SECONDS = 0.1
_ROOT = Path(__file__).resolve().parents[1]


def prepare_dagster_home(home: Home) -> Path:
    """DAGSTER_HOME inside the home, with telemetry off and one run at a time; its databases are made before two
    programs could make them at once. Runs that an earlier scheduler took with it are booked as failed: Dagster would
    wait for them, and start no other.
    """
    import dagster as dg

    home.create()
    folder = home.dagster_home.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    (folder / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    under_way = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=under_way)):
            instance.report_run_failed(run, "The scheduler ended before this run did. What was written is whole.")
    return folder


@contextmanager
def scheduler(
    home: Home, port: int, *, address: str = "127.0.0.1", run_seconds: float = RUN_SECONDS
) -> Iterator[Mapping[str, subprocess.Popen[bytes]]]:
    """Dagster's web server and daemon, running; their output goes to the home's `logs/`.

    On leaving, both are ended, and so is every process that they started: a run under way may go on for `run_seconds`,
    then it is terminated, which loses nothing. Nobody writes to the home afterwards.
    """
    folder = prepare_dagster_home(home)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "WARDFLOW_HOME": str(home.path.resolve()),
        STARTED_VARIABLE: str(time.time_ns()),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
    }
    programs = Path(sys.executable).parent
    target = ("--module-name", "pipelines.definitions")
    commands = {
        "dagster-daemon": [programs / "dagster-daemon", "run", *target],
        "dagster-webserver": [programs / "dagster-webserver", "--host", address, "--port", str(port), *target],
    }
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (home.logs / f"{name}.log").open("ab") as log:
                running[name] = subprocess.Popen(  # noqa: S603 -- our own programs, no shell
                    [str(word) for word in command],
                    env=environment,
                    cwd=folder,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        yield running
    finally:
        end(list(running.values()), run_seconds)


def end(leaders: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Ask programs to stop, wait `seconds` for them and for every process of their groups, then end what is left.

    Each was started with `start_new_session`. Another Ctrl+C ends the waiting, not the ending.
    """
    try:
        for leader in leaders:
            leader.send_signal(signal.SIGINT)
        _wait(leaders, seconds)
    finally:
        try:
            _send(leaders, signal.SIGTERM)
            _wait(leaders, END_SECONDS)
        finally:
            _send(leaders, signal.SIGKILL)
            _wait(leaders, END_SECONDS)


def _send(leaders: Sequence[subprocess.Popen[bytes]], what: signal.Signals) -> None:
    for leader in leaders:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS: only the dead are
            os.killpg(leader.pid, what)


def _wait(leaders: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(_is_alive(leader) for leader in leaders) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _is_alive(leader: subprocess.Popen[bytes]) -> bool:
    """Whether the program or any process of its group still runs. One that ended and that its new parent never asked
    after (a container's first process often does not) has no group to be found in `/proc`, and writes no more.
    """
    leader.poll()
    try:
        os.killpg(leader.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    stats = list(Path("/proc").glob("[0-9]*/stat"))
    return not stats or any(_is_member(stat, leader.pid) for stat in stats)


def _is_member(stat: Path, group: int) -> bool:
    """Whether a process belongs to the group and has not ended; its name, in brackets, may hold anything."""
    try:
        state, _parent, of_group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended just now
        return False
    return int(of_group) == group and state not in {"Z", "X"}


def schedule(home: Home, port: int = 3000, *, address: str = "127.0.0.1") -> None:
    """Serve Dagster's web server and daemon until Ctrl+C, SIGTERM, or the end of the terminal.

    Raises:
        PipelineError: one of the two ended by itself.
    """

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    for each, handler in before.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(each, stop)
    try:
        with scheduler(home, port, address=address) as running:
            while True:
                for name, process in running.items():
                    if process.poll() is not None:
                        raise PipelineError(
                            f"{name} ended with exit code {process.returncode}. Its reason stands in {home.logs / name}.log."
                        )
                time.sleep(0.5)
    except KeyboardInterrupt:
        return
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
