"""Building one staging or mart table inside DuckDB, and the data cut that each table is as of.

Here: binding a query's parameters and running it. Not here: the queries (`models/sql`), the order (Dagster's, from
what they read).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models.catalog import WHO_IS_WHO, Table, upstream
from pipelines.errors import PipelineError
from pipelines.sources import fhir_references

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import duckdb

    from pipelines.settings import Settings

CUTS = {
    "fhir": "select max(exported_at) from account.file where kind = 'fhir' and loaded > 0",
    "engine": "select max(occurred_at) from raw.interface_event",
    "process": "select max(occurred_at) from raw.process_activity",
}
"""When each kind of source was last known to be complete: an export says so; a log is as old as its last event."""

NEWEST = """
    with delivered as (
        select source, unnest(list_concat(
            [period_start, period_end],
            list_transform(locations, lambda stay: stay.start),
            list_transform(locations, lambda stay: stay."end"))) as said
        from raw.fhir_encounter
    ), instant as (
        select instant_in(said, zone_of(source, $zones)) as at
        from delivered
    ), arrived as (
        select max(ingested_at) as at
        from account.file
        where kind = 'fhir' and loaded > 0
    )
    select case when max(instant.at) > any_value(arrived.at) + interval 1 year then max(instant.at)
        else coalesce(least(max(instant.at), any_value(arrived.at)), any_value(arrived.at)) end
    from arrived
    left join instant on true
"""
"""The data cut of exports of which nobody says when they were made: the last thing that happened in them, which for
de-identified data lies decades ahead; else when they arrived.
"""


def build(db: duckdb.DuckDBPyConnection, settings: Settings, table: Table) -> int:
    """Replace the table by what its query finds now, in one statement; how many rows it has. A view is only defined."""
    values = bound(db, settings, table)
    for name in sorted(table.reads & fhir_references.VIEWS.keys()):
        db.execute(fhir_references.VIEWS[name])
    db.execute(f"create schema if not exists {table.layer}")
    form, other = ("view", "table") if table.is_view else ("table", "view")
    if _is(db, other, table):  # in a warehouse of a release that kept it so
        db.execute(f"drop {other} {table.full_name}")
    db.execute(f"create or replace {form} {table.full_name} as {table.query}", values)
    ((rows,),) = db.execute(f"select count(*) from {table.full_name}").fetchall()
    return rows


def bound(db: duckdb.DuckDBPyConnection, settings: Settings, table: Table) -> dict[str, Any]:
    """What the parameters of the table's query stand for now."""
    known: dict[str, Any] = {
        "as_of": lambda: data_cut(db, settings, [table.full_name]),
        "clinical_as_of": lambda: data_cut(db, settings, ["staging.encounter"]),
        "critical_ack_minutes": lambda: settings.windows.critical_ack_minutes,
        "handoff_accept_minutes": lambda: settings.windows.handoff_accept_minutes,
        "message_stuck_minutes": lambda: settings.windows.message_stuck_minutes,
        "result_open_minutes": lambda: settings.windows.result_open_minutes,
        "status_settle_minutes": lambda: settings.windows.status_settle_minutes,
        "task_trigger_minutes": lambda: settings.windows.task_trigger_minutes,
        "zone": lambda: settings.zone,
        "zones": lambda: _zones(settings),
    }
    return {name: known[name]() for name in table.parameters}


def _is(db: duckdb.DuckDBPyConnection, form: str, table: Table) -> bool:
    query = f"select exists(select 1 from duckdb_{form}s() where schema_name = $layer and {form}_name = $name and not temporary)"
    ((found,),) = db.execute(query, {"layer": table.layer, "name": table.name}).fetchall()
    return found


def _zones(settings: Settings) -> dict[str, list[str]]:
    """The zone of each source's times without an offset, as DuckDB binds a map; sources without one are not in it."""
    named = {source.name: source.zone for source in settings.sources if source.zone}
    return {"key": list(named), "value": list(named.values())}


def data_cut(db: duckdb.DuckDBPyConnection, settings: Settings, names: Iterable[str]) -> datetime:
    """Until when the sources behind these tables are known, in the hospital's zone: the newest of the kinds they read.

    Raises:
        PipelineError: nothing was ever ingested.
    """
    kinds = set().union(*(source_kinds(name) for name in names)) or set(CUTS)
    cuts = [cut for kind in sorted(kinds) if (cut := _cut(db, settings, kind)) is not None]
    cuts = cuts or [cut for kind in CUTS if (cut := _cut(db, settings, kind)) is not None]
    if not cuts:
        raise PipelineError(
            f"{settings.home} holds no data yet, so nothing can be computed. "
            "Name sources in wardflow.toml, or use `wardflow ingest PATH`."
        )
    return max(cuts).astimezone(ZoneInfo(settings.zone))


def _cut(db: duckdb.DuckDBPyConnection, settings: Settings, kind: str) -> datetime | None:
    ((cut,),) = db.execute(CUTS[kind]).fetchall()
    if cut is None and kind == "fhir":
        ((cut,),) = db.execute(NEWEST, {"zones": _zones(settings)}).fetchall()
    return cut


@cache
def source_kinds(name: str) -> frozenset[str]:
    """Which kinds of source a table ("layer.name") reads, directly or through other tables: `fhir`, `engine`, `process`.

    Whom a key stands for is not followed: a merge that an engine's log tells makes no other table newer.
    """
    reads = upstream(name, without=WHO_IS_WHO)
    fhir = {"fhir"} if any(read.startswith("raw.fhir_") for read in reads) else set[str]()
    logs = {"engine": "raw.interface_event", "process": "raw.process_activity"}
    return frozenset(fhir | {kind for kind, table in logs.items() if table in reads})
