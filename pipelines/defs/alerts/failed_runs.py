"""A failed run of the daemon becomes an alert; Dagster's own alerting is a paid feature."""

import dagster as dg

from pipelines import alerts
from pipelines import settings as configuration
from pipelines.defs.resources import current_home


@dg.run_failure_sensor(
    name="failed_runs",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Writes to the sinks that wardflow.toml names, and always to logs/alerts.ndjson.",
)
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """One alert per failed run: which job, which step, and whether readers keep the old snapshot."""
    home = current_home()
    failed = [event.step_key or "" for event in context.get_step_failure_events()]
    alert = alerts.of_failed_run(context.dagster_run.job_name, failed)
    alerts.send(configuration.load(home), home, alert)
