"""The warehouse's memory of what the checks found, so that an hourly run publishes with the nightly run's verdicts.

Here: `account.verdict`, one row per rule, replaced table by table. Not here: running the checks (`data_quality`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.run import Outcome, Verdict
from pipelines.transaction import transaction

if TYPE_CHECKING:
    import duckdb

TABLE = """
    create table if not exists account.verdict (
        "table" varchar not null, expectation varchar not null, "column" varchar, why varchar not null,
        severity varchar not null, passed boolean not null, unexpected_share double, kpis varchar[] not null
    )"""
_COLUMNS = '"table", expectation, "column", why, severity, passed, unexpected_share, kpis'


def remember(db: duckdb.DuckDBPyConnection, table: str, verdict: Verdict) -> None:
    """Replace what is known of one table."""
    db.execute(TABLE)
    with transaction(db):
        db.execute('delete from account.verdict where "table" = $table', {"table": table})
        for o in verdict.outcomes:
            db.execute(
                f"insert into account.verdict ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)",
                [o.table, o.expectation, o.column, o.why, o.severity, o.passed, o.unexpected_share, list(o.kpis)],
            )


def recall(db: duckdb.DuckDBPyConnection) -> Verdict:
    """Every table's last verdict."""
    db.execute(TABLE)
    rows = db.execute(f'select {_COLUMNS} from account.verdict order by "table", expectation').fetchall()
    return Verdict(
        tuple(
            Outcome(
                table=table,
                expectation=expectation,
                column=column,
                why=why,
                severity=severity,
                passed=passed,
                unexpected_share=share,
                kpis=tuple(kpis),
            )
            for table, expectation, column, why, severity, passed, share, kpis in rows
        )
    )
