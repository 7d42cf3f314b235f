"""A run of the interfaces while engines write their logs."""

import json
import os
import time

import dagster as dg

from pipelines import settings as configuration
from pipelines.defs.resources import current_home
from pipelines.defs.schedules.jobs import follow_logs
from pipelines.due import fingerprint, growing, logs_taken_in
from pipelines.scheduler import STARTED_VARIABLE
from pipelines.sources import discover

LOOK_EVERY_SECONDS = 10
_UNDER_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dg.sensor(
    job=follow_logs,
    minimum_interval_seconds=LOOK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the paths of engine logs; starts as soon as one has grown, at most every `follow_seconds`.",
)
def growing_logs(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A log never stops changing, so nobody waits for that: the record in which it ends is left for the next run. One run
    follows the other; what changed meanwhile is for the next. What a run could not take in is asked for once in each life of
    the scheduler, until it changes again.
    """
    settings = configuration.load(current_home())
    if not settings.follow_seconds:
        return dg.SkipReason("follow_seconds is 0: logs are read hourly.")
    state = json.loads(context.cursor or "{}")
    life = os.environ.get(STARTED_VARIABLE, "")
    found = fingerprint(settings, growing(discover(settings)))
    if found == logs_taken_in(settings) or state.get("asked") == found + life:
        return dg.SkipReason("Nothing new.")
    if time.time() - state.get("at", 0) < settings.follow_seconds:
        return dg.SkipReason("The last run began less than follow_seconds ago.")
    if context.instance.get_runs_count(dg.RunsFilter(statuses=_UNDER_WAY)):
        return dg.SkipReason("A run is under way.")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{found}{life}")],
        cursor=json.dumps({"asked": found + life, "at": time.time()}),
    )
