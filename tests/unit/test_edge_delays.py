"""Where the time between two steps went: overlaps of a case's steps and of its waits, and edges that are hidden."""

from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from pipelines.aggregates.edge_delays import delay_edges
from pipelines.aggregates.periods import Window

ALL = Window("all")
APRIL = Window("window", date(2026, 4, 1), date(2026, 5, 1))


def at(time):
    hour, minute = (int(part) for part in time.split(":"))
    return datetime(2026, 4, 14, hour, minute, tzinfo=UTC)


@pytest.fixture
def warehouse():
    """A visit decided to be admitted at 10:00 whose bed is assigned at 11:30 and who leaves at 12:00."""
    with duckdb.connect() as db:
        db.execute("""set timezone = 'UTC'; create schema marts; create table marts.workflow_event (workflow varchar, facility varchar,
            case_date date, case_key varchar, activity varchar, next_activity varchar, occurred_at timestamptz, step_no integer)""")
        db.execute(
            "create table marts.process_case (case_key varchar, order_key varchar, encounter_key varchar, match varchar)"
        )
        db.execute(
            "create table marts.wait (wait_key varchar, wait_kind varchar, order_key varchar, encounter_key varchar)"
        )
        db.execute("""create table marts.wait_part (wait_key varchar, part varchar, source varchar, channel varchar,
            destination varchar, from_at timestamptz, until_at timestamptz)""")
        steps = ("arrived", "decided", "10:00"), ("decided", "assigned", "11:30"), ("assigned", "left", "12:00")
        before = "09:00"
        for number, (step, following, time) in enumerate(steps, 1):
            db.execute(
                "insert into marts.workflow_event values ('ed-to-bed', 'North', '2026-04-14', 'e1', ?, ?, ?, ?)",
                [step, following, at(before), number],
            )
            before = time
        db.execute(
            "insert into marts.workflow_event values ('ed-to-bed', 'North', '2026-04-14', 'e1', 'left', null, ?, 4)",
            [at("12:00")],
        )
        for kind in ("boarding", "bed_request_to_assignment"):
            db.execute("insert into marts.wait values (?, ?, null, 'e1')", [kind, kind])
            for part, channel, start, end in (("queue", "ADT", "10:00", "11:00"), ("people", None, "11:00", "12:00")):
                db.execute(
                    "insert into marts.wait_part values (?, ?, ?, ?, ?, ?, ?)",
                    [kind, part, channel and "mirth", channel, channel and "BED-MGMT", at(start), at(end)],
                )
        yield db


def edges(*hidden):
    """Every edge of the visit at North and everywhere, in all time; those named are hidden."""
    names = (("arrived", "decided"), ("decided", "assigned"), ("assigned", "left"))
    return pl.DataFrame(
        [("ed-to-bed", place, *name, window.name, window.start, window.end, name in hidden)
         for name in names for place in ("North", None) for window in (ALL, APRIL)],
        schema={"workflow": pl.String, "facility": pl.String, "activity": pl.String, "next_activity": pl.String, "grain": pl.String,
                "period": pl.Date, "period_end": pl.Date, "suppressed": pl.Boolean},
        orient="row",
    )  # fmt: skip


def told(found, **where):
    rows = [row for row in found.to_dicts() if all(row[name] == value for name, value in where.items())]
    return sorted((row["activity"], row["part"], row["channel"], row["minutes"]) for row in rows)


def test_the_time_between_two_steps_is_shared_out_among_the_stretches_of_the_cases_own_wait(warehouse):
    found = delay_edges(warehouse, [ALL], edges())
    assert told(found, facility="North") == [
        ("assigned", "people", None, 30),  # 11:30 to 12:00
        ("decided", "people", None, 30),  # 11:00 to 11:30
        (
            "decided",
            "queue",
            "ADT",
            60,
        ),  # 10:00 to 11:00; the request for a bed lies inside boarding and does not count again
    ]
    assert told(found, facility=None) == told(found, facility="North")


def test_an_edge_that_is_hidden_is_hidden_here_too_and_a_case_counts_in_its_window(warehouse):
    found = delay_edges(warehouse, [APRIL], edges(("decided", "assigned")))
    assert told(found, facility="North", suppressed=False) == [("assigned", "people", None, 30)]
    assert set(found.filter("suppressed")["minutes"]) == {None}
    assert delay_edges(warehouse, [Window("window", date(2026, 5, 1), date(2026, 6, 1))], edges()).height == 0


def test_an_edge_that_nobody_published_is_not_told(warehouse):
    found = delay_edges(warehouse, [ALL], edges().filter(pl.col("activity") != "decided"))
    assert [row[0] for row in told(found, facility="North", suppressed=False)] == ["assigned"]


def test_the_steps_of_a_process_engines_instance_are_held_against_the_waits_of_the_visit_it_is_about(warehouse):
    warehouse.execute(
        "insert into marts.process_case values ('p1', null, 'e1', 'matched'), ('p2', null, null, 'unmatched')"
    )
    for case in ("p1", "p2"):
        warehouse.execute(
            "insert into marts.workflow_event values ('referral', 'North', '2026-04-14', ?, 'Triage', 'Book', ?, 1), "
            "('referral', 'North', '2026-04-14', ?, 'Book', null, ?, 2)",
            [case, at("10:30"), case, at("11:30")],
        )
    edge = edges().filter(pl.col("activity") == "decided").with_columns(
        workflow=pl.lit("referral"), activity=pl.lit("Triage"), next_activity=pl.lit("Book")
    )  # fmt: skip
    found = delay_edges(warehouse, [ALL], edge)
    # from 10:30 to 11:30: half an hour in the queue, half with people; nothing is known of p2
    assert told(found, workflow="referral", facility="North") == [
        ("Triage", "people", None, 30),
        ("Triage", "queue", "ADT", 30),
    ]
