"""Why work waits, on days small enough to draw on paper: one cleaner, two cleaners, a night without any."""

from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.waiting import REASONS, split

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


@pytest.fixture(scope="module")
def db():
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def waits(db, *work, cut=100_000, places=False, listed=None):
    """Minutes of each reason by item; work is (item, enabled, started, ended) in minutes after Monday's midnight, of one team, of
    places as many as are `listed`.
    """
    names = ("enabled_at", "started_at", "ended_at")
    rows = [
        (
            "rooms" if places else "cleaners",
            places,
            listed,
            item,
            *(None if m is None else MIDNIGHT + timedelta(minutes=m) for m in times),
        )
        for item, *times in work
    ]
    instant = pl.Datetime("us", "UTC")
    schema = {"team": pl.String, "is_place": pl.Boolean, "places": pl.Int64, "item": pl.String}
    schema |= dict.fromkeys(names, instant)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    db.register("work", frame.to_arrow())
    split(db, "work", MIDNIGHT + timedelta(minutes=cut))
    columns = ", ".join(f"{name}_us / 6e7" for name in REASONS)
    found = db.execute(f"select item, wait_us / 6e7, {columns} from waiting_part").fetchall()
    for _, wait, *parts in found:
        assert sum(parts) == pytest.approx(wait)
    return {item: {name: m for name, m in zip(REASONS, parts, strict=True) if m} for item, _, *parts in found}


def test_work_waits_for_hands_that_are_busy_with_what_came_before_it(db):
    found = waits(db, ("first", 0, 0, 30), ("second", 10, 30, 60))
    assert found == {"first": {}, "second": {"contention": 20}}


def test_work_that_came_later_and_is_done_first_takes_priority(db):
    found = waits(db, ("first", 0, 0, 20), ("waits", 5, 40, 60), ("later", 10, 20, 40))
    assert found["waits"] == {"contention": 15, "prioritisation": 20}
    assert found["later"] == {"contention": 10}


def test_hands_that_are_free_leave_a_wait_that_nobody_can_explain(db):
    found = waits(db, ("first", 0, 0, 10), ("second", 5, 25, 40))
    assert found["second"] == {"contention": 5, "extraneous": 15}


def test_work_that_is_begun_in_one_go_waited_for_the_last_of_it(db):
    found = waits(db, ("a", 0, 30, 50), ("b", 10, 30, 50), ("c", 25, 30, 50))
    assert found == {
        "a": {"batching": 25, "extraneous": 5},
        "b": {"batching": 15, "extraneous": 5},
        "c": {"extraneous": 5},
    }


def test_two_are_busy_only_when_both_are(db):
    found = waits(db, ("one", 0, 0, 60), ("two", 5, 5, 30), ("three", 10, 30, 50))
    assert found["three"] == {"contention": 20}
    assert waits(db, ("one", 0, 0, 60), ("two", 5, 5, 30), ("three", 10, 40, 50))["three"] == {
        "contention": 20,
        "extraneous": 10,
    }


def test_nobody_comes_in_the_hours_in_which_work_was_there_and_none_was_ever_done(db):
    nights = [(f"night {day}", day * 1440 + 120, day * 1440 + 370, day * 1440 + 380) for day in range(5)]
    found = waits(db, *nights)
    # from two to six nobody ever comes; from six to ten past six somebody might have
    assert list(found.values()) == [{"unavailability": 240, "extraneous": 10}] * 5
    assert all(
        "unavailability" not in parts for parts in waits(db, *nights[:4]).values()
    )  # four hours of a kind are too few


def test_work_that_still_waits_has_waited_until_the_data_cut(db):
    assert waits(db, ("busy", 0, 0, 60), ("open", 10, None, None), cut=50)["open"] == {"contention": 40}


def test_forgotten_work_keeps_nobody_busy_after_a_day(db):
    found = waits(db, ("forgotten", 0, 0, 9999), ("second", 1435, 1450, 1460))
    assert found["second"] == {"contention": 5, "extraneous": 10}


def test_work_whose_end_nobody_wrote_down_keeps_nobody_busy_and_two_clocks_are_no_wait(db):
    assert waits(db, ("a", 0, 0, None), ("b", 5, 15, None), ("two clocks", 9, 8, 10)) == {
        "a": {},
        "b": {"extraneous": 10},
    }


def test_a_ward_that_lists_a_bed_more_than_were_ever_taken_at_once_had_one_free(db):
    beds = [("first", 0, 0, 60), ("second", 0, 0, 90), ("third", 30, 120, 150)]
    assert waits(db, *beds, places=True)["third"] == {"contention": 30, "extraneous": 60}  # two are all that was seen
    assert waits(db, *beds, places=True, listed=3)["third"] == {"extraneous": 90}


def test_places_are_as_many_as_were_ever_taken_at_once_and_stay_taken_for_days(db):
    hours = 60
    rooms = [
        ("a", 0, 0, 50 * hours),  # a person would have been forgotten after a day
        ("b", 0, 0, 30 * hours),
        ("waits for a", 26 * hours, 30 * hours, 40 * hours),
        ("one is free", 41 * hours, 42 * hours, 43 * hours),
    ]
    assert waits(db, *rooms, places=True) == {
        "a": {},
        "b": {},
        "waits for a": {"contention": 4 * hours},
        "one is free": {"extraneous": hours},
    }


minute = st.integers(0, 4000)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(minute, st.integers(0, 900), st.integers(0, 120), st.booleans()), min_size=1, max_size=12))
def test_the_five_reasons_add_up_to_the_wait_and_the_order_of_the_rows_decides_nothing(db, drawn):
    work = [
        (str(n), enabled, None if is_open else enabled + wait, None if is_open else enabled + wait + service)
        for n, (enabled, wait, service, is_open) in enumerate(drawn)
    ]
    found = waits(db, *work, cut=5000)
    assert {item: sum(parts.values()) for item, parts in found.items()} == {
        item: pytest.approx((5000 if started is None else started) - enabled) for item, enabled, started, _ in work
    }
    assert waits(db, *work[::-1], cut=5000) == found
