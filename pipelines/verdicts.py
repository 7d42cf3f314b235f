"""The warehouse's memory of what the checks found, so that an hourly run publishes with the nightly run's verdicts.

Here: `account.verdict`, one row per rule, replaced table by table. Not here: running the checks (`data_quality`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.run import Outcome, Verdict
from pipelines.transaction import transaction

if TYPE_CHECKING:
    import duckdb

TABLES = {
    "account.verdict": """
        create table if not exists account.verdict (
            "table" varchar not null, expectation varchar not null, "column" varchar, why varchar not null,
            severity varchar not null, passed boolean not null, unexpected_share double, kpis varchar[] not null
        )""",
    "account.checked": """
        create table if not exists account.checked ("table" varchar not null, "of" varchar not null)""",
}
"""The verdicts, and by table a digest of what was judged."""
_COLUMNS = '"table", expectation, "column", why, severity, passed, unexpected_share, kpis'


def remember(db: duckdb.DuckDBPyConnection, table: str, verdict: Verdict, of: str) -> None:
    """Replace what is known of one table; `of` tells what was judged from what will be judged another time."""
    with transaction(db):
        db.execute('delete from account.verdict where "table" = $table', {"table": table})
        rows = [
            [o.table, o.expectation, o.column, o.why, o.severity, o.passed, o.unexpected_share, list(o.kpis)]
            for o in verdict.outcomes
        ]
        if rows:
            one = "(?, ?, ?, ?, ?, ?, ?, ?)"
            db.execute(
                f"insert into account.verdict ({_COLUMNS}) values {', '.join([one] * len(rows))}",
                [value for row in rows for value in row],
            )
        db.execute('delete from account.checked where "table" = $table', {"table": table})
        db.execute("insert into account.checked values ($table, $of)", {"table": table, "of": of})


def recall_of(db: duckdb.DuckDBPyConnection, table: str, of: str) -> Verdict | None:
    """The last verdict on one table, when it was on just this; else null."""
    known = db.execute(
        'select 1 from account.checked where "table" = $table and "of" = $of', {"table": table, "of": of}
    )
    if not known.fetchall():
        return None
    return Verdict(tuple(each for each in recall(db).outcomes if each.table == table))


def recall(db: duckdb.DuckDBPyConnection) -> Verdict:
    """Every table's last verdict."""
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
