"""The run, from a person's side: the Dagster job in this process.

Here: starting, waiting, saying what came of it in plain words. Not here: what a run does (`defs`); Dagster's own web server
and daemon (`scheduler`).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines import alerts, same_server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.publication import Manifest
    from pipelines.accounts import IngestReport
    from pipelines.home import Home

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log is for its web server; a person at a terminal sees progress and one line."""


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


def get_ready(home: Home) -> None:
    """Load what a run of everything will need, which takes seconds: for whoever has to wait for something else anyway."""
    _tell_dagster(home)
    from data_quality.run import load_library
    from pipelines.definitions import defs

    load_library()
    defs()


def _tell_dagster(home: Home) -> None:
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    os.environ["WARDFLOW_HOME"] = str(home.path.resolve())


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
    _tell_dagster(home)
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
        cure = (same_server.told(warehouse.db) if blocked else None) or "Correct the source and run again."
        if not outcome.success:
            alerts.send(warehouse.settings, home, alerts.of_failed_run(job, failed, cure if blocked else why))
        publication = warehouse.publication
        return RefreshResult(
            succeeded=outcome.success,
            failure=None if outcome.success else _one_line(blocked, failed, why, cure),
            blocked_by=blocked,
            ingested=warehouse.ingested,
            manifest=publication.manifest if publication else snapshot.current(home.published),
            written=publication.written if publication else (),
            seconds=time.monotonic() - started,
        )


def _one_line(blocked: Sequence[str], failed: Sequence[str], why: str, cure: str) -> str:
    if blocked:
        more = f" and {len(blocked) - 1} more" if len(blocked) > 1 else ""
        return (
            f"Not published: a structural check failed ({blocked[0]}{more}). "
            f"Readers keep the last good snapshot. {cure}"
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
