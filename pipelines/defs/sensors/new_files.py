"""A run as soon as a delivered batch is complete."""

import json
import os

import dagster as dg

from pipelines import settings as configuration
from pipelines.defs.resources import current_home
from pipelines.defs.schedules.jobs import refresh
from pipelines.due import delivered, fingerprint, taken_in
from pipelines.scheduler import STARTED_VARIABLE
from pipelines.sources import discover

LOOK_EVERY_SECONDS = 10


@dg.sensor(
    job=refresh,
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches landing/ and the paths of exports and lists; starts when what is there has stopped changing.",
)
def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Two looks must find the same files before a run starts, so that a transfer in progress is not read half. What no run
    has taken in is asked for once in each life of the scheduler: the run may have ended with the one before.
    """
    state = json.loads(context.cursor or "{}")
    life = os.environ.get(STARTED_VARIABLE, "")
    settings = configuration.load(current_home())
    found = fingerprint(settings, delivered(discover(settings)))
    asked = state.get("done") == found and state.get("life", life) == life
    if asked or found == taken_in(settings):
        return dg.SkipReason("Nothing new.")
    if found != state.get("seen"):
        return dg.SensorResult(
            skip_reason="New files; waiting until they stop changing.", cursor=json.dumps({**state, "seen": found})
        )
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=found + life)],
        cursor=json.dumps({"seen": found, "done": found, "life": life}),
    )
