"""The private DuckDB file: how a connection to it is made. Not here: what any table holds beyond its name.

DuckDB allows one writer and then no reader at all: hold `Home.lock` while connected; readers use the published
snapshots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from models import times
from pipelines import (
    decisions,
    exports,
    following,
    incident_alerts,
    keys,
    ledger,
    rebuilding,
    registry,
    shared_ids,
    vector_functions,
    verdicts,
    visit_rules,
)
from pipelines.errors import KeyChanged
from pipelines.home import Home
from pipelines.sources import (
    azure_events,
    counter_samples,
    engine_records,
    events,
    fhir_plain,
    fhir_projection,
    hl7_envelope,
    human_touch,
    log_events,
    log_times,
    mirth_events,
    otlp_events,
    process_activities,
    process_records,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.settings import Settings

SCHEMAS = ("account", "raw", "staging", "marts")


def connect(
    settings: Settings, *, path: Path | str | None = None, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection to the home's warehouse (or to `path`, such as ":memory:"), ready for use: the hospital's zone, bounded
    memory, spill folder inside the home, the `keyed` macro, and every raw and account table in place.

    Raises:
        KeyMissing: there is no site key.
        KeyChanged: the warehouse was filled under another key, so nothing would join.
    """
    key = keys.load(settings)
    home = Home(settings.home)
    target = home.warehouse_path if path is None else path
    db = duckdb.connect(str(target), read_only=read_only)
    try:
        home.empty_scratch()
        configure(db, settings, key)
        if not read_only:
            prepare(db)
        _check_key(db, settings, key, read_only=read_only)
    except BaseException:
        db.close()
        raise
    return db


def configure(db: duckdb.DuckDBPyConnection, settings: Settings, key: bytes) -> None:
    """Set zone, memory, threads and macros of this session; nothing is stored in the file."""
    db.execute(f"set timezone = '{settings.zone}'")
    db.execute("set memory_limit = $limit", {"limit": settings.memory_limit})
    db.execute("set temp_directory = $folder", {"folder": str(Home(settings.home).scratch)})
    db.execute(f"set threads = {settings.threads}")
    db.execute("set preserve_insertion_order = false")
    db.execute("set enable_progress_bar = false")
    keys.install(db, key)
    vector_functions.install(db)
    for part in (
        times,
        fhir_projection,
        fhir_plain,
        events,
        hl7_envelope,
        log_times,
        log_events,
        shared_ids,
        engine_records,
        otlp_events,
        azure_events,
        mirth_events,
    ):
        for macro in part.MACROS:
            db.execute(macro)


def prepare(db: duckdb.DuckDBPyConnection) -> None:
    """Make the schemas and the raw and account tables that are missing, and columns that are new. Idempotent."""
    for schema in SCHEMAS:
        db.execute(f"create schema if not exists {schema}")
    for statement in _seen_times(db):  # before the views that read them
        db.execute(statement)
    for part in (
        ledger,
        following,
        rebuilding,
        verdicts,
        incident_alerts,
        fhir_projection,
        exports,
        events,
        human_touch,
        counter_samples,
        process_activities,
        process_records,
        registry,
        visit_rules,
        decisions,
    ):
        for statement in part.TABLES.values():
            db.execute(statement)
    for statement in (
        *ledger.UPGRADES,
        *registry.UPGRADES,
        *events.UPGRADES,
        *rebuilding.UPGRADES,
        *_missing_columns(db),
    ):
        db.execute(statement)


def _seen_times(db: duckdb.DuckDBPyConnection) -> list[str]:
    """What brings a FHIR table up to date that was made when a version kept only the first export that showed it."""
    query = """
        select 'raw.' || table_name from duckdb_columns()
        where schema_name = 'raw' and table_name like 'fhir%' and column_name = 'exported_at'
    """
    return [
        statement
        for (table,) in db.execute(query).fetchall()
        for statement in (
            f"alter table {table} rename column exported_at to seen_from",
            f"alter table {table} add column seen_to timestamptz",
            f"update {table} set seen_to = seen_from",
        )
    ]


def _missing_columns(db: duckdb.DuckDBPyConnection) -> list[str]:
    """What brings a FHIR table up to date that was made before one of its columns was read."""
    known = set(
        db.execute(
            "select 'raw.' || table_name, column_name from duckdb_columns() where schema_name = 'raw'"
        ).fetchall()
    )
    return list(
        dict.fromkeys(  # two types may share a table
            f"alter table {each.table} add column {column.name} {column.type}"
            for each in fhir_projection.PROJECTIONS.values()
            for column in each.columns
            if (each.table, column.name) not in known
        )
    )


def _check_key(db: duckdb.DuckDBPyConnection, settings: Settings, key: bytes, *, read_only: bool) -> None:
    """The warehouse's key is this one; where a rotation was cut off after the warehouse was swapped, the key is swapped too."""
    found = db.execute("select fingerprint from account.site_key").fetchall()
    if not found:
        if not read_only:
            db.execute("insert into account.site_key values ($print)", {"print": keys.fingerprint(key)})
    elif found[0][0] != keys.fingerprint(key):
        following = keys.staged(settings)
        if following is not None and found[0][0] == keys.fingerprint(following):
            if settings.site_key is not None:
                raise KeyChanged(
                    "The warehouse has been rotated to the key in WARDFLOW_NEW_SITE_KEY. Set WARDFLOW_SITE_KEY to that key."
                )
            if not read_only:
                keys.promote(settings)
            keys.install(db, following)
            return
        raise KeyChanged(
            "The site key differs from the one this warehouse was filled with, so nothing new would join what is there. "
            "Restore the former key, or remove warehouse.duckdb and ingest again."
        )
