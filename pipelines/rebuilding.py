"""Which tables and verdicts still hold: a table is built again, and checked again, only when something that it depends on changed.

Here: what each table was made from and what it holds, as digests. Not here: building (`build`), checking (`data_quality`),
which KPIs still stand (`standing`). A run after which little is new is cheap by this, and one that only read interface
logs checks what they changed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines import build, snapshot
from pipelines.code import code_digest
from pipelines.sources.fhir_references import behind_views

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import datetime

    import duckdb

    from models.catalog import Table
    from pipelines.settings import Settings

TABLES = {
    "account.built": """
        create table if not exists account.built (
            table_name varchar not null, inputs varchar not null, rows bigint not null, content varchar not null, as_of timestamptz
        )"""
}
UPGRADES = ("alter table account.built add column if not exists as_of timestamptz",)
"""One row per table of staging and marts: a digest of what it was made from and one of what it holds; of a mart, until when it was
known when a run last looked at it.
"""


def build_if_changed(
    db: duckdb.DuckDBPyConnection, settings: Settings, table: Table, contents: MutableMapping[str, str]
) -> int:
    """Build the table unless it was made from the very same already; how many rows it has.

    `contents` keeps the digests of raw tables for as long as these do not change: the caller starts each run with none.
    """
    bound = build.bound(db, settings, table)
    reads = {name: _content(db, name, contents) for name in sorted(behind_views(table.reads))}
    inputs = digest(code_digest(), table.query, bound, reads, settings.resolved())
    known = db.execute(
        "select rows from account.built where table_name = $name and inputs = $inputs",
        {"name": table.full_name, "inputs": inputs},
    ).fetchall()
    as_of = (bound.get("as_of") or build.data_cut(db, settings, [table.full_name])) if table.layer == "marts" else None
    if known and _exists(db, table.full_name):
        db.execute(
            "update account.built set as_of = $as_of where table_name = $name and as_of is distinct from $as_of",
            {"name": table.full_name, "as_of": as_of},
        )
        return known[0][0]
    db.execute("delete from account.built where table_name = $name", {"name": table.full_name})
    rows = build.build(db, settings, table)
    content = inputs if table.is_view else snapshot.fingerprint(db, table.full_name)[1]  # a view is what it is made of
    db.execute("insert into account.built values ($1, $2, $3, $4, $5)", [table.full_name, inputs, rows, content, as_of])
    return rows


def content_of(db: duckdb.DuckDBPyConnection, name: str) -> tuple[int, str] | None:
    """How many rows a built table has, and the digest of what it holds; null where it was built by other means."""
    found = db.execute("select rows, content from account.built where table_name = $name", {"name": name}).fetchall()
    return found[0] if found else None


def known_until(db: duckdb.DuckDBPyConnection, settings: Settings, name: str) -> datetime:
    """Until when a built table is known, in the hospital's zone: a run that left it out did not make it newer.

    Raises:
        PipelineError: nothing was ever ingested.
    """
    found = db.execute("select as_of from account.built where table_name = $name", {"name": name}).fetchall()
    if found and found[0][0] is not None:
        return found[0][0].astimezone(ZoneInfo(settings.zone))
    return build.data_cut(db, settings, [name])


def _content(db: duckdb.DuckDBPyConnection, name: str, contents: MutableMapping[str, str]) -> str:
    known = content_of(db, name)
    if known is not None:
        return known[1]
    if name not in contents:
        contents[name] = snapshot.fingerprint(db, name)[1] if _exists(db, name) else ""
    return contents[name]


def _exists(db: duckdb.DuckDBPyConnection, name: str) -> bool:
    layer, _, table = name.partition(".")
    query = "select 1 from information_schema.tables where table_schema = $layer and table_name = $table"
    return bool(db.execute(query, {"layer": layer, "table": table}).fetchall())


def digest(*parts: object) -> str:
    """Changes when any part does."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()
