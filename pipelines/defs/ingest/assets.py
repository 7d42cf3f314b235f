"""The raw tables, filled by one step: what is due is read once, whichever tables a job selected."""

from collections.abc import Iterator

import dagster as dg

from pipelines import due
from pipelines.defs.resources import Warehouse
from pipelines.errors import TooManyAbsent

ENGINE_LOGS = (
    dg.AssetKey(["raw", "interface_event"]),
    dg.AssetKey(["raw", "counter_sample"]),
    dg.AssetKey(["raw", "process_activity"]),
    dg.AssetKey(["raw", "process_record"]),
)

_ACCOUNT = "One row per delivered file and what became of its lines."
_RAW = "Allow-listed columns as delivered, every version, with file and line."


def _specs() -> list[dg.AssetSpec]:
    """The account and every raw table; in a function, because Dagster takes specs of a module for assets of their
    own.
    """
    tables = {"account.file": _ACCOUNT, **dict.fromkeys(due.raw_tables(), _RAW)}
    return [
        dg.AssetSpec(table.split("."), group_name="raw", kinds={"duckdb"}, description=what)
        for table, what in tables.items()
    ]


@dg.multi_asset(
    name="ingest",
    specs=_specs(),
    can_subset=True,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
    description="Reads delivered files, the registry and the decision journal; loading twice is harmless.",
)
def ingest(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult]:
    """Everything that is due; a job that selects only the engine logs of the raw tables leaves FHIR exports to the
    nightly one.
    """
    selected = context.selected_asset_keys
    with_fhir = any(key.path[-1].startswith("fhir_") for key in selected)
    try:
        report = due.take_in(
            warehouse.db,
            warehouse.settings,
            with_fhir=with_fhir,
            sources=warehouse.sources,
            say=warehouse.say,
        )
    except TooManyAbsent as error:  # a person has to decide: trying again changes nothing
        raise dg.Failure(str(error), allow_retries=False) from error
    warehouse.ingested = report
    warehouse.contents.clear()
    for key in sorted(selected):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": due.row_count(warehouse.db, ".".join(key.path)),
                "files_read": len(report.files),
                **report.totals,
            },
        )
