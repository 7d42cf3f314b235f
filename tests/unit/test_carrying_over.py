"""Decisions follow exceptions and cases to the numbers that they have under a new site key."""

from datetime import UTC, datetime

import duckdb
import pytest

from models.journal import Decision
from pipelines.carrying_over import carried_over

TABLES = {  # exceptions: number, kind, what, file, line; visits: number, file, line
    "former": ([("old1", "no_task", "no bed request", 1, 5), ("old2", "task_bounced", "passed on", 1, 6),
                ("two", "silent_feed", "no message came", 1, 7), ("two more", "silent_feed", "no message came", 1, 7)],
               [("visit old", 1, 9)]),
    "memory": ([("new1", "no_task", "no bed request", 3, 5), ("new2", "task_bounced", "passed on", 3, 6),
                ("three", "silent_feed", "no message came", 3, 7)],
               [("visit new", 3, 9)]),
}  # fmt: skip


@pytest.fixture
def warehouses():
    with duckdb.connect() as db:
        db.execute("attach ':memory:' as former")
        for name, (exceptions, visits) in TABLES.items():
            db.execute(f"use {name}")
            for schema in ("marts", "staging", "account"):
                db.execute(f"create schema {schema}")
            db.execute(
                "create table account.file as select unnest([1, 2, 3]) as file_id, 'landing/a.ndjson' as path, 'fhir' as kind"
            )
            for table, columns in {
                "marts.work_exception": "exception_key varchar, kind varchar, what varchar, file_id int, line int",
                "staging.encounter": "encounter_key varchar, file_id int, line int",
                "staging.order": "order_key varchar, file_id int, line int",
                "staging.task": "task_key varchar, file_id int, line int",
            }.items():
                db.execute(f"create table {table} ({columns})")
            db.executemany("insert into marts.work_exception values (?, ?, ?, ?, ?)", exceptions)
            db.executemany("insert into staging.encounter values (?, ?, ?)", visits)
        db.execute("use memory")
        yield db


def decided(subject, kind="exception", why="telephoned"):
    when = datetime(2026, 1, 5, 10, tzinfo=UTC)
    return Decision(decided_at=when, actor="ann", action="resolve", subject_kind=kind, subject=subject, why=why)


def test_a_decision_is_written_again_under_the_new_number_with_its_time_and_words(warehouses, tmp_path):
    journal = tmp_path / "journal.ndjson"
    told = [decided("old1"), decided("old1"), decided("visit old", "case"), decided("lab_turnaround", "kpi")]
    journal.write_text("".join(f"{each.to_line()}\n" for each in told) + "no entry\n")
    found = carried_over(warehouses, journal)
    assert found.lines == [decided("new1").to_line(), decided("visit new", "case").to_line()]
    assert found.left == 0


def test_what_is_no_longer_there_or_not_one_thing_stays_under_its_former_number(warehouses, tmp_path):
    journal = tmp_path / "journal.ndjson"
    journal.write_text(f"{decided('gone').to_line()}\n{decided('two').to_line()}\n{decided('new2').to_line()}\n")
    assert carried_over(warehouses, journal) == ([], 2)  # new2 is a number of now: it needs nothing
    assert carried_over(warehouses, tmp_path / "none") == ([], 0)
