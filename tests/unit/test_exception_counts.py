"""How many exceptions stand open: one count for what is published and for who looks before the next run."""

from datetime import UTC, date, datetime

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pytest

from models.exception_counts import open_counts
from models.exceptions import resolved
from models.journal import Decision, with_pending
from pipelines.aggregates.exception_tables import exception_counts

TODAY = date(2026, 4, 13)
NOON = datetime(2026, 4, 12, 12, tzinfo=UTC)


def exceptions(*places, kind="message_undelivered"):
    """Open ones of a kind, n at each facility, each an hour younger than the one before; and one that happened after all."""
    found = [(f"{name}{i}", name) for name, n in places for i in range(n)]
    rows = [
        {"exception_key": key, "kind": kind, "facility": name, "noticed_at": NOON, "repeated_at": None, "owner": None, "is_open": True,
         "minutes_open": 600.0 - 60 * i}
        for i, (key, name) in enumerate(found)
    ]  # fmt: skip
    return [*rows, rows[0] | {"exception_key": "late", "is_open": False, "minutes_open": 9_999.0}]


def resolve(key):
    return Decision(
        decided_at=NOON.replace(hour=13), actor="amy", action="resolve", subject_kind="exception", subject=key, why="sent again"
    )  # fmt: skip


def counted(rows, *keys, threshold=5):
    """As a page counts that reads the journal at once: facility → waiting, the oldest in minutes."""
    left = resolved(rows, with_pending([], [resolve(key).to_line() for key in keys]))
    found = open_counts(nw.from_native(pl.LazyFrame(rows)), left, TODAY, threshold)
    return {row["facility"]: (row["waiting"], row["oldest_minutes"]) for row in found}


def published(rows, *keys, threshold=5):
    """As a run counts that took the journal in."""
    taken = pl.DataFrame([vars(resolve(key)) for key in keys] or [vars(resolve("none"))]).head(len(keys))
    with duckdb.connect() as db:
        for schema in ("marts", "staging"):
            db.execute(f"create schema {schema}")
        for name, frame in (("marts.work_exception", pl.DataFrame(rows)), ("staging.decision", taken)):
            db.register("delivered", frame)
            db.execute(f"create table {name} as select * from delivered")
        found = exception_counts(db, TODAY, threshold)
    return {row["facility"]: (row["waiting"], row["oldest_minutes"]) for row in found.to_dicts()}


@pytest.mark.parametrize("count", [counted, published])
def test_what_was_resolved_is_not_counted_at_once_and_after_the_next_run(count):
    rows = exceptions(("North", 3), ("West", 2))
    assert count(rows) == {None: (5, 600.0), "North": (3, 600.0), "West": (2, 420.0)}
    assert count(rows, "North0", "West1") == {None: (3, 540.0), "North": (2, 540.0), "West": (1, 420.0)}
    assert count(rows, "West0", "West1") == {None: (3, 600.0), "North": (3, 600.0), "West": (0, None)}


@pytest.mark.parametrize("count", [counted, published])
def test_a_number_of_people_that_a_decision_makes_small_is_hidden_and_so_is_what_would_tell_it(count):
    rows = exceptions(("North", 5), ("South", 6), ("West", 7), kind="critical_unanswered")
    assert [n for n, _ in count(rows).values()] == [18, 5, 6, 7]
    found = count(rows, "North0")
    assert found["North"] == (None, None)  # 4 are fewer than 5
    assert [found[place][0] for place in (None, "South", "West")].count(None) >= 1  # or 17 - 6 - 7 = 4 would tell


def test_what_was_taken_up_again_counts_again():
    rows = exceptions(("North", 2))
    again = {
        "subject_kind": "exception",
        "subject": "North0",
        "action": "assign",
        "value": "bob",
        "actor": "amy",
        "why": "again",
    }
    told = [vars(resolve("North0")), again | {"decided_at": NOON.replace(hour=14)}]
    assert resolved(rows, told[:1]) == {"North0"}
    assert resolved(rows, told) == set()
