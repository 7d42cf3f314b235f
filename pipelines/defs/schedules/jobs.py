"""The two jobs, and when they run by themselves, in the hospital's own time zone.

All steps of a run share one process: DuckDB has one writer, and one open connection is cheaper than sixty.
"""

import os
from pathlib import Path

import dagster as dg

from models.catalog import WHO_IS_WHO, tables, upstream
from pipelines import settings as configuration
from pipelines.aggregates import flow_history
from pipelines.defs.ingest.assets import ENGINE_LOGS
from pipelines.defs.resources import HOME_VARIABLE

_REGISTRY = (
    "registry_alias",
    "registry_criterion",
    "registry_downtime",
    "registry_holiday",
    "registry_interface",
    "registry_option",
    "registry_record",
    "registry_system",
    "registry_workflow",
)
_HOURLY = {
    "raw.interface_event",
    "raw.counter_sample",
    "raw.process_activity",
    "raw.process_record",
    "raw.decision",
    *(f"raw.{name}" for name in _REGISTRY),
}
_CLINICAL = [
    table.full_name.split(".")
    for table in tables()
    if table.full_name in WHO_IS_WHO or not upstream(table.full_name, without=WHO_IS_WHO) & _HOURLY
]
"""Tables that keep the nightly run's state, also where an hour's log brings a merge of two patients."""
_PEOPLE = dg.AssetSelection.assets(["raw", "decision"], *(["raw", name] for name in _REGISTRY), ["account", "file"])

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Everything due: ingest what is new, build, check, publish. `wardflow run` runs this job too.",
)
refresh_interfaces = dg.define_asset_job(
    "refresh_interfaces",
    selection=(dg.AssetSelection.assets(*ENGINE_LOGS).downstream() | _PEOPLE.downstream())
    - dg.AssetSelection.assets(*_CLINICAL),
    executor_def=dg.in_process_executor,
    description="Engine logs, what is made from them, and the snapshot; clinical tables keep the nightly run's state.",
)


_PAGE = set[str]().union(*(upstream(name) for name in flow_history.read_by_the_page()))
_LEFT_TO_THE_HOUR = [
    table.full_name.split(".") for table in tables() if table.layer == "marts" and table.full_name not in _PAGE
]
follow_logs = dg.define_asset_job(
    "follow_logs",
    selection=(dg.AssetSelection.assets(*ENGINE_LOGS).downstream() | _PEOPLE.downstream())
    - dg.AssetSelection.assets(*_CLINICAL, *_LEFT_TO_THE_HOUR),
    executor_def=dg.in_process_executor,
    description="Engine logs that grew, and what the Interfaces pages show of flows; single messages, journeys, waits and workflows "
    "follow in the hour.",
)


def hospital_zone() -> str:
    """The time zone of the home that WARDFLOW_HOME names; UTC while there is none, so that the code location always
    loads.
    """
    home = os.environ.get(HOME_VARIABLE)
    return configuration.load(Path(home)).zone if home else "UTC"


nightly = dg.ScheduleDefinition(
    name="nightly",
    job=refresh,
    cron_schedule="30 4 * * *",
    execution_timezone=hospital_zone(),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="After the night's export has come.",
)
hourly = dg.ScheduleDefinition(
    name="hourly",
    job=refresh_interfaces,
    cron_schedule="5 * * * *",
    execution_timezone=hospital_zone(),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Interfaces fail by the hour, not by the day.",
)
