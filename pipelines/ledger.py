"""The account of every delivered file and every line in it: its tables and its report.

Here: what was read, what became of each line, and the assertion that the two agree. Not here: how a format is read
(`sources`), how files come in (`intake`), what a row means (`models`).

For every file: lines read = loaded + unchanged + superseded + ignored + quarantined. A record of a log that spans lines
(a Mirth message, a CSV record with line breaks) counts as one line, placed at its first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipelines.accounts import COUNTS, FileAccount, IngestReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

TABLES = {
    "account.file": """
        create table if not exists account.file (
            file_id integer not null, source varchar not null, path varchar not null, sha256 varchar not null,
            bytes bigint not null, kind varchar not null, resource_type varchar, exported_at timestamptz,
            ingested_at timestamptz not null, lines_read bigint not null, loaded bigint not null,
            unchanged bigint not null, superseded bigint not null, ignored bigint not null, quarantined bigint not null,
            reading varchar,
            check (lines_read = loaded + unchanged + superseded + ignored + quarantined)
        )""",
    "account.quarantine": """
        create table if not exists account.quarantine (
            file_id integer not null, line bigint not null, byte_offset bigint, rule varchar not null, cure varchar not
            null, line_hash varchar
        )""",
    "account.finding": """
        create table if not exists account.finding (file_id integer not null, rule varchar not null, n bigint not
        null)""",
    "account.validation": """
        create table if not exists account.validation (
            file_id integer not null, resource_type varchar not null, scope varchar not null, lines bigint not null,
            checked bigint not null, failed bigint not null, as_r5 bigint not null,
            check (failed <= checked and checked <= lines)
        )""",
    "account.validation_failure": """
        create table if not exists account.validation_failure (
            file_id integer not null, resource_type varchar not null, scope varchar not null, rule varchar not null,
            path varchar not null, n bigint not null
        )""",
    "account.element": """
        create table if not exists account.element (
            file_id integer not null, resource_type varchar not null, path varchar not null, release varchar,
            lines bigint not null, looked_at bigint not null, check (lines <= looked_at)
        )""",
    "account.batch": """
        create view if not exists account.batch as
        select
            source,
            kind,
            regexp_replace(path, '/[^/]*$', '') as batch,
            max(exported_at) as exported_at,
            min(ingested_at) as ingested_at,
            count(*) as files,
            sum(bytes)::bigint as bytes
        from account.file
        group by all""",
    "account.site_key": """
        create table if not exists account.site_key (fingerprint varchar not null)""",
}

UPGRADES = ("alter table account.file add column if not exists reading varchar",)
"""What brings an account up to date that was made before readings were booked."""


def account(db: duckdb.DuckDBPyConnection) -> IngestReport:
    """The account of everything that this warehouse ever took in, in order of intake."""
    return report_of(db, "select file_id from account.file", {})


def report_of(db: duckdb.DuckDBPyConnection, chosen: str, parameters: Mapping[str, object]) -> IngestReport:
    """The account of the files whose ids the query `chosen` selects."""
    reasons = _counts(
        db,
        f"select file_id, rule, count(*) from account.quarantine where file_id in ({chosen}) group by all",
        parameters,
    )
    findings = _counts(
        db,
        f"select file_id, rule, sum(n)::bigint from account.finding where file_id in ({chosen}) group by all",
        parameters,
    )
    rows = db.execute(
        f"""
        select file_id, path, source, kind, resource_type, {", ".join(COUNTS)}
        from account.file where file_id in ({chosen}) order by file_id
        """,
        dict(parameters),
    ).fetchall()
    return IngestReport(
        tuple(FileAccount(*row[1:], reasons=reasons[row[0]], findings=findings[row[0]]) for row in rows)
    )


def _counts(db: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows: Sequence[tuple[int, str, int]] = db.execute(f"{query} order by all", dict(parameters)).fetchall()
    for file_id, rule, n in rows:
        found[file_id][rule] = n
    return found
