"""Where the time of waits went, as it is published: sums by part and hop, windows, what is hidden."""

from datetime import date

import duckdb
import polars as pl
import pytest

from pipelines.aggregates.part_sums import NUMBERS, hidden
from pipelines.aggregates.periods import Window
from pipelines.aggregates.wait_tables import wait_tables

ALL = Window("all")
TUESDAY = date(2026, 4, 14)


@pytest.fixture
def warehouse():
    with duckdb.connect() as db:
        db.execute("""create schema marts; create table marts.wait (wait_key varchar, wait_kind varchar, patient_key varchar,
            facility varchar, unit varchar, is_open boolean, begin_date date, begin_week date, minutes double)""")
        db.execute("""create table marts.wait_part (wait_key varchar, part varchar, source varchar, channel varchar, destination varchar,
            minutes double, is_across_clocks boolean, is_estimated boolean, minutes_uncertain double)""")
        yield db


def wait(
    db,
    number,
    facility,
    *parts,
    patient=None,
    unit="Emergency",
    kind="order_to_result",
    day=TUESDAY,
    is_open=False,
):
    """A wait with its parts: (name, channel, destination, minutes, and those that may well belong elsewhere)."""
    key = f"{facility} {day} {number}"
    minutes = sum(part[3] for part in parts)
    db.execute(
        "insert into marts.wait values (?, ?, ?, ?, ?, ?, ?, date_trunc('week', ?::date), ?)",
        [key, kind, patient or key, facility, unit, is_open, day, day, minutes],
    )
    for name, channel, destination, took, *unsure in parts:
        db.execute(
            "insert into marts.wait_part values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [key, name, channel and "engine", channel, destination, took, name == "people", bool(unsure), sum(unsure)],
        )


def rows(db, *windows, below=5, **where):
    found = wait_tables(db, windows, below)["delay_part"].to_dicts()
    return [row for row in found if all(row[name] == value for name, value in where.items())]


def one(db, *windows, **where):
    (row,) = rows(db, *windows, **where)
    return row


QUEUED = (("queue", "LAB-OUT", "EHR", 20.0), ("retry", "LAB-OUT", "EHR", 21.0), ("people", None, None, 59.0))
PROMPT = (("people", None, None, 41.0),)


def test_the_share_of_a_hop_and_of_people_on_a_tuesday_can_be_read_off(warehouse):
    for number in range(6):
        wait(warehouse, number, "North", *QUEUED)
    tuesday = {"grain": "day", "period": TUESDAY, "facility": "North"}
    whole = one(warehouse, **tuesday, split="all")
    hop = one(warehouse, **tuesday, split="hop")
    people = one(warehouse, **tuesday, split="part", part="people")
    assert (whole["waits"], whole["patients"], whole["minutes"]) == (6, 6, 6 * 100)
    assert (hop["channel"], hop["destination"], hop["minutes"] / whole["minutes"]) == ("LAB-OUT", "EHR", 0.41)
    assert (people["minutes"] / whole["minutes"], people["minutes_across_clocks"]) == (0.59, 6 * 59)


def test_the_parts_add_up_to_the_whole_and_a_wait_is_counted_once_in_each(warehouse):
    for number in range(5):
        wait(warehouse, number, "North", *QUEUED, ("queue", "ROUTER", "LAB-OUT", 3.0), is_open=number == 0)
    for number in range(5):
        wait(warehouse, number, "East", *PROMPT, unit="Ward 2")
    found = rows(warehouse, ALL, grain="all", facility=None)
    whole, *_ = (row for row in found if row["split"] == "all")
    parts = {row["part"]: row for row in found if row["split"] == "part"}
    assert (whole["waits"], whole["open_waits"], whole["minutes"]) == (10, 1, 5 * 103 + 5 * 41)
    assert sum(row["minutes"] for row in parts.values()) == whole["minutes"]
    assert (parts["queue"]["waits"], parts["queue"]["minutes"]) == (5, 5 * 23)  # two hops of a wait are one queue
    assert parts["people"]["waits"] == 10
    assert [row["minutes"] for row in found if row["channel"] == "ROUTER"] == [5 * 3]


def test_one_patient_with_two_waits_is_one_patient(warehouse):
    for number in range(10):
        wait(warehouse, number, "North", *PROMPT, patient=f"patient {number // 2}")
    assert one(warehouse, ALL, grain="all", unit="Emergency", split="all")["patients"] == 5


def test_a_wait_belongs_to_the_week_and_window_in_which_it_began(warehouse):
    for number in range(5):
        wait(warehouse, number, "North", *PROMPT)
    for number in range(7):
        wait(warehouse, number, "North", *PROMPT, day=date(2026, 4, 5))
    april = Window("window", date(2026, 4, 13), date(2026, 4, 20))
    counted = {
        (row["grain"], row["period"], row["period_end"]): row["waits"]
        for row in rows(warehouse, ALL, april, facility="North", unit=None, split="all")
    }
    assert counted == {
        ("day", date(2026, 4, 5), date(2026, 4, 6)): 7,
        ("day", TUESDAY, date(2026, 4, 15)): 5,
        ("week", date(2026, 3, 30), date(2026, 4, 6)): 7,
        ("week", date(2026, 4, 13), date(2026, 4, 20)): 5,
        ("window", april.start, april.end): 5,
        ("all", date(2026, 4, 5), date(2026, 4, 15)): 12,
    }


@pytest.mark.parametrize("lasted", [(0.1, 0.2, 0.3005), (0.2, 0.3005, 0.1)])
def test_minutes_come_to_the_same_in_whatever_order_waits_are_delivered(warehouse, lasted):
    """As floating-point numbers the one order comes to 0.6005, the other to a little less, which rounds to 0.6."""
    for number, minutes in enumerate(lasted):
        wait(warehouse, number, "North", ("people", None, None, minutes))
    found = rows(warehouse, ALL, below=1, grain="all", facility="North", unit=None)
    assert {row["split"]: row["minutes"] for row in found} == {"all": 0.601, "part": 0.601}


def test_waits_of_too_few_patients_are_hidden_with_all_their_parts(warehouse):
    for number in range(20):
        wait(warehouse, number, "North", *QUEUED)
    for number in range(9):
        wait(warehouse, number, "East", *QUEUED, patient=f"patient {number // 3}")  # nine waits of three patients
    found = rows(warehouse, ALL, grain="all", unit=None)
    hidden = {(row["facility"], row["suppressed"]) for row in found}
    assert ("East", True) in hidden
    assert ("North", False) not in hidden or (None, False) not in hidden  # else the total less North would be East
    numbers = ("waits", "open_waits", "patients", "minutes", "minutes_across_clocks", "minutes_estimated")
    assert {row[name] for row in found if row["suppressed"] for name in numbers} == {None}


def test_of_two_units_that_are_equal_the_same_one_goes_with_a_small_one_in_whatever_order_they_come():
    block = {
        "subject": "beds",
        "facility": "N",
        "grain": "all",
        "period": TUESDAY,
        "period_end": TUESDAY,
        "split": "all",
    }
    units = [(None, 17), ("a", 3), ("b", 7), ("c", 7)]
    found = pl.DataFrame(
        [block | {"unit": unit} | dict.fromkeys(NUMBERS, 0) | {"cases": n, "patients": n} for unit, n in units]
    )
    for rows in (found, found.reverse()):
        gone = hidden(rows, 5).filter("suppressed")["unit"].to_list()
        assert sorted(gone) == ["a", "b"]


def test_a_day_of_too_few_patients_is_hidden_and_cannot_be_worked_out_from_its_week(warehouse):
    for number in range(9):
        wait(warehouse, number, "North", *PROMPT)
    for number in range(8):
        wait(warehouse, number, "North", *PROMPT, day=date(2026, 4, 15), patient=f"patient {number // 4}")
    assert {row["suppressed"] for row in rows(warehouse, grain="day")} == {True}
    assert {row["suppressed"] for row in rows(warehouse, grain="week")} == {False}


def test_what_a_cell_is_made_of_is_withheld_where_too_much_of_it_may_belong_elsewhere(warehouse):
    for number in range(10):
        wait(warehouse, number, "North", ("people", None, None, 100.0, 5.0))
        wait(warehouse, number, "East", ("people", None, None, 100.0, 5.1))
    found = rows(warehouse, ALL, grain="all", unit=None)
    told = {(row["facility"], row["split"]): (row["minutes"], row["is_withheld"]) for row in found}
    assert (told["North", "all"], told["North", "part"]) == ((1000, False), (1000, False))
    assert (told["East", "all"], told["East", "part"]) == ((1000, True), (None, True))


def test_a_hospital_without_waits_has_an_empty_table(warehouse):
    found = wait_tables(warehouse, [ALL], 5)["delay_part"]
    assert (found.height, "suppressed" in found.columns) == (0, True)
