"""The run, from a person's or a scheduler's side: the Dagster job in this process, or Dagster's own web server and
daemon.

Here: starting, waiting, saying what came of it in plain words. Not here: what a run does (`defs`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import alerts
from pipelines.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from models.publication import Manifest
    from pipelines.accounts import IngestReport
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
STOP_SECONDS = 20
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log is for its web server; a person at a terminal sees progress and one line."""
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class RefreshResult:
    """What a run did. `failure` is one line, null when it succeeded; `manifest` is the current snapshot either way.

    `blocked_by` are the structural checks that stopped the publication, each as "table: expectation".
    """

    succeeded: bool
    failure: str | None
    blocked_by: tuple[str, ...]
    ingested: IngestReport | None
    manifest: Manifest | None
    written: tuple[str, ...]
    seconds: float


def refresh(
    home: Home,
    *,
    sources: Sequence[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
    job: str = "refresh",
) -> RefreshResult:
    """Run everything due in this process: ingest what is new, build, check, publish. Idempotent.

    `sources` limits what is ingested; `progress` is told each step's name and the share of the run that is done (0 to
    1). A run that fails is a result, not an exception, and has been sent to the alert sinks.

    Raises:
        HomeBusy: another writer holds the home for too long.
        PipelineError: the settings or the site key are not usable, so that nothing was started.
    """
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    os.environ["WARDFLOW_HOME"] = str(home.path.resolve())
    import dagster as dg

    from models.kpis import KPIS
    from pipelines import snapshot
    from pipelines.definitions import defs
    from pipelines.defs.resources import opened

    started = time.monotonic()
    job_definition = defs().resolve_job_def(job)
    selected = job_definition.asset_layer.selected_asset_keys
    steps = len(job_definition.graph.node_defs) + len(KPIS) + sum(key.path[0] == "published" for key in selected)
    done = 0

    def say(step: str) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(step, min(done / steps, 1.0))

    home.create()
    with opened(home, say) as warehouse, dg.DagsterInstance.ephemeral() as instance:
        warehouse.sources = sources
        outcome = job_definition.execute_in_process(
            instance=instance,
            resources={"warehouse": warehouse},
            run_config=_SILENT,
            raise_on_error=False,
        )
        failed = [event.step_key or "" for event in outcome.all_events if event.is_step_failure]
        why = _why(outcome.all_events)
        blocked = tuple(f"{each.table}: {each.expectation}" for each in warehouse.structural_failures)
        if not outcome.success:
            alerts.send(warehouse.settings, home, alerts.of_failed_run(job, failed, why))
        publication = warehouse.publication
        return RefreshResult(
            succeeded=outcome.success,
            failure=None if outcome.success else _one_line(blocked, failed, why),
            blocked_by=blocked,
            ingested=warehouse.ingested,
            manifest=publication.manifest if publication else snapshot.current(home.published),
            written=publication.written if publication else (),
            seconds=time.monotonic() - started,
        )


def _one_line(blocked: Sequence[str], failed: Sequence[str], why: str) -> str:
    if blocked:
        more = f" and {len(blocked) - 1} more" if len(blocked) > 1 else ""
        return (
            f"Not published: a structural check failed ({blocked[0]}{more}). "
            "Readers keep the last good snapshot; correct the source and run again."
        )
    return f"The step {failed[0] if failed else 'run'} failed: {why or 'see logs'} Readers keep the last good snapshot."


def _why(events: Sequence[Any]) -> str:
    """The first failed step's own error, as one line without a traceback."""
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error and error.cause:
                error = error.cause
            if error:
                return " ".join(error.message.strip().splitlines()[0].split())
    return ""


def prepare_dagster_home(home: Home) -> Path:
    """DAGSTER_HOME inside the home, with telemetry off and one run at a time; its databases are made before two
    programs could make them at once.
    """
    import dagster as dg

    home.create()
    folder = home.dagster_home.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    (folder / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.get_runs_count()
    return folder


@contextmanager
def scheduler(home: Home, port: int, *, address: str = "127.0.0.1") -> Iterator[Mapping[str, subprocess.Popen[bytes]]]:
    """Dagster's web server and daemon, running; both are ended on leaving. Their output goes to the home's `logs/`."""
    folder = prepare_dagster_home(home)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "WARDFLOW_HOME": str(home.path.resolve()),
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
                    [str(word) for word in command], env=environment, cwd=folder, stdout=log, stderr=log
                )
        yield running
    finally:
        for process in running.values():
            process.send_signal(signal.SIGINT)
        for process in running.values():
            _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def schedule(home: Home, port: int = 3000, *, address: str = "127.0.0.1") -> None:
    """Serve Dagster's web server and daemon until Ctrl+C or SIGTERM.

    Raises:
        PipelineError: one of the two ended by itself.
    """

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
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
        signal.signal(signal.SIGTERM, before)
