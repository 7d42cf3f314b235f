"""Reading a known file again because this release reads more of it: as if this release had been there when it came.

Here: taking out what the file had brought, in the transaction that reads it again under its own number, and what must outlive
that: when its versions were seen elsewhere, and when it first came in. Not here: which files are read again (`intake`), how
a release tells that it reads more (`sources.readings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from pipelines.sources.source import Intake

_ACCOUNTS = ("file", "quarantine", "finding", "validation", "validation_failure", "element", "delivered", "followed")
_FHIR = {each.table: each.key for each in PROJECTIONS.values()}


def take_out(db: duckdb.DuckDBPyConnection, files: Sequence[Intake]) -> dict[int, datetime]:
    """Remove the rows and accounts of these files; when each first came in. What else is known of their versions is kept in
    `taken_out` for `put_back`.
    """
    ids = {"ids": [file.file_id for file in files]}
    came = dict(
        db.execute("select file_id, ingested_at from account.file where list_contains($ids, file_id)", ids).fetchall()
    )
    db.execute(
        """create or replace temp table taken_out (
            table_name varchar, key varchar, file_id integer, line bigint, seen_from timestamptz, seen_to timestamptz)"""
    )
    for table, key in _FHIR.items():
        db.execute(
            f"""insert into taken_out
            select '{table}', {key}, file_id, line, seen_from, seen_to from {table} where list_contains($ids, file_id)""",
            ids,
        )
        db.execute(f"delete from {table} where list_contains($ids, file_id)", ids)
    for table in (
        "raw.interface_event",
        "raw.human_touch",
        "raw.counter_sample",
        "raw.process_activity",
        "raw.process_record",
    ):
        db.execute(f"delete from {table} where list_contains($ids, file_id)", ids)
    for name in _ACCOUNTS:
        db.execute(f"delete from account.{name} where list_contains($ids, file_id)", ids)
    return came


def put_back(db: duckdb.DuckDBPyConnection, came: dict[int, datetime]) -> None:
    """Widen what was read again by what was known of it, and let each file have come in when it did."""
    for (table,) in db.execute("select distinct table_name from taken_out order by all").fetchall():
        db.execute(
            f"""
            update {table} as again
            set seen_from = least(again.seen_from, before.seen_from), seen_to = greatest(again.seen_to, before.seen_to)
            from taken_out as before
            where before.table_name = '{table}' and again.file_id = before.file_id and again.line = before.line
                and again.{_FHIR[table]} = before.key
            """
        )
    for file_id, at in came.items():
        db.execute("update account.file set ingested_at = $at where file_id = $id", {"at": at, "id": file_id})
