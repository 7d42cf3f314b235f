"""Polling of engines while the scheduler runs."""

import dagster as dg

from pipelines import fetch
from pipelines import settings as configuration
from pipelines.defs.resources import current_home
from pipelines.errors import HomeBusy, PipelineError

LOOK_EVERY_SECONDS = 10
_MOST_SECONDS = 40
"""A tick may take a minute; what is left is for the next one."""


@dg.sensor(
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads what is new from engines that wardflow.toml has polled into landing/, where `growing_logs` finds it.",
    job_name="refresh_interfaces",
)
def polled_engines() -> dg.SkipReason:
    """Every source that is due, one after the other. One that does not answer keeps no other waiting, and fails the tick."""
    settings = configuration.load(current_home())
    due = [source for source in fetch.polled(settings) if fetch.is_due(settings, source)]
    told: list[str] = []
    failed: list[PipelineError] = []
    for source in due:
        try:
            found = fetch.fetch(settings, source, seconds=_MOST_SECONDS / len(due))
        except HomeBusy as error:
            told.append(str(error))
        except PipelineError as error:
            failed.append(error)
        else:
            told.append(f"{source.name}: {found.rows} rows.")
    if failed:
        raise dg.Failure(" ".join(map(str, failed)))
    return dg.SkipReason(" ".join(told) or "No source is due.")
