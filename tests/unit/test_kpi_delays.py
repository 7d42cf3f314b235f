"""Where the time of a KPI's cases went: which moments belong to which wait, that none counts twice, periods, what is hidden."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kpi import Count, Exclusion, Kpi, Quantile, Share
from pipelines.aggregates import time_shares
from pipelines.aggregates.kpi_delays import kpi_delays
from pipelines.aggregates.periods import Window

ALL = Window("all")
TUESDAY = date(2026, 4, 14)
CUT = datetime(2026, 4, 15, 0, 0, tzinfo=ZoneInfo("UTC"))
STAY = Kpi(
    id="stay", title="Stay", short_title="Stay", definition="", source="", version="1", family="emergency", matters_to="patients",
    mart="visit", case="encounter_key", measure=Quantile(column="minutes"), begins="arrived_at", unit="minutes", improves="down",
    clock="departure", dimensions=("facility", "unit"), owner="", action="", open_when="is_open",
    exclusions=(Exclusion("a test", nw.col("is_test")),),
)  # fmt: skip


def at(time):
    hour, minute = (int(part) for part in time.split(":"))
    return datetime(2026, 4, 14, hour, minute, tzinfo=UTC)


@pytest.fixture
def warehouse():
    with duckdb.connect() as db:
        db.execute("""set timezone = 'UTC'; create schema marts;
            create table marts.wait (wait_key varchar, wait_kind varchar, is_within boolean, encounter_key varchar, order_key varchar);
            create table marts.wait_part (wait_key varchar, part varchar, source varchar, channel varchar, destination varchar,
                from_at timestamptz, until_at timestamptz, is_across_clocks boolean, is_estimated boolean,
                minutes double, minutes_uncertain double);
            create table marts.lab_order (order_key varchar, encounter_key varchar, facility varchar, priority varchar,
                collected_at timestamptz, verified_at timestamptz, is_verified boolean, is_verified_time_known boolean);
            create table marts.visit (encounter_key varchar, patient_key varchar, facility varchar, unit varchar, arrived_at timestamptz,
                minutes double, is_open boolean, is_test boolean, departure_date date)""")
        yield db


def visit(db, key, start="10:00", end="12:00", *, facility="North", patient=None, is_test=False):
    """A visit that ended, or is open where `end` is None."""
    minutes = None if end is None else (at(end) - at(start)).total_seconds() / 60
    left = None if end is None else TUESDAY
    row = [key, patient or key, facility, "Emergency", at(start), minutes, end is None, is_test, left]
    db.execute("insert into marts.visit values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def wait(db, visit_key, subject, *stretches, kind="order_to_result", order=None, is_within=False):
    """A wait of a visit: (part, channel, from, until) each."""
    key = f"{kind}:{subject}"
    db.execute("insert into marts.wait values (?, ?, ?, ?, ?)", [key, kind, is_within, visit_key, order])
    for part, channel, start, end in stretches:
        lasts = (at(end) - at(start)).total_seconds() / 60
        row = [key, part, channel and "engine", channel, at(start), at(end), part == "people", part == "source", lasts]
        db.execute("insert into marts.wait_part values (?, ?, ?, ?, null, ?, ?, ?, ?, ?, 0)", row)


def pieces(db, kpi=STAY):
    """Minutes by part."""
    time_shares.lay(db)
    time_shares.cut(db, kpi, nw.from_native(db.table(f"marts.{kpi.mart}")), as_of=CUT)
    found = dict(db.execute("select part, round(sum(minutes), 6) from part_piece group by part").fetchall())
    time_shares.clear(db)
    return found


def published(db, *windows, below=5, hidden=(), kpis=(STAY,), **where):
    values = pl.DataFrame(
        [("stay", *cell, True) for cell in hidden] + [("stay", None, None, "all", TUESDAY, date(2026, 4, 15), False)],
        schema={"kpi": pl.String, "facility": pl.String, "unit": pl.String, "grain": pl.String, "period": pl.Date,
                "period_end": pl.Date, "suppressed": pl.Boolean}, orient="row",
    )  # fmt: skip
    found = kpi_delays(db, windows, {"visit": CUT}, values, below, kpis).to_dicts()
    return [row for row in found if all(row[name] == value for name, value in where.items())]


def test_a_result_that_is_dated_to_the_day_was_awaited_for_as_long_as_it_takes_as_a_rule(warehouse):
    visit(warehouse, "v", "10:00", "12:00")
    others = [("o1", "10:00", "10:20"), ("o2", "10:00", "10:30"), ("o3", "10:00", "10:40")]
    for key, collected, verified in others:
        row = [key, "North", "routine", at(collected), at(verified)]
        warehouse.execute("insert into marts.lab_order values (?, 'elsewhere', ?, ?, ?, ?, true, true)", row)
    row = ["o4", "North", "routine", at("10:10")]
    warehouse.execute("insert into marts.lab_order values (?, 'v', ?, ?, ?, null, true, false)", row)
    assert pieces(warehouse) == {"people": 30, "care": 90}  # from 10:10 on, the median of 20, 30 and 40 min
    time_shares.lay(warehouse)
    ((unsure,),) = warehouse.execute("select uncertain * 30 from awaited").fetchall()
    assert unsure == pytest.approx((38 - 22) / 2)  # half of what lies between the quick and the slow tenth


def test_what_lies_outside_the_case_does_not_count_and_what_nothing_was_awaited_in_is_left_over(warehouse):
    visit(warehouse, "v", "10:00", "12:00")
    wait(warehouse, "v", "o", ("queue", "LAB-OUT", "9:30", "10:20"), ("people", None, "10:20", "11:00"), order="o")
    assert pieces(warehouse) == {"queue": 20, "people": 40, "care": 60}


def test_a_moment_in_which_two_results_are_awaited_is_shared_and_counts_once(warehouse):
    visit(warehouse, "v", "10:00", "12:00")
    wait(warehouse, "v", "o1", ("queue", "LAB-OUT", "10:00", "11:00"), order="o1")
    wait(warehouse, "v", "o2", ("people", None, "10:30", "11:30"), order="o2")
    # 10:00 to 10:30 the first alone, to 11:00 half each, to 11:30 the second alone, then nothing
    assert pieces(warehouse) == {"queue": 45, "people": 45, "care": 30}


def test_the_wait_that_the_case_itself_is_goes_before_those_of_its_orders_and_one_that_lies_within_comes_last(
    warehouse,
):
    visit(warehouse, "v", "10:00", "12:00")
    wait(warehouse, "v", "v", ("unacknowledged", "ADT", "11:00", "12:00"), kind="boarding")
    wait(warehouse, "v", "o", ("queue", "LAB-OUT", "10:30", "11:30"), order="o")
    wait(warehouse, "v", "h", ("people", None, "10:00", "11:45"), kind="handoff_to_acceptance", is_within=True)
    assert pieces(warehouse) == {"people": 30, "queue": 30, "unacknowledged": 60}


def test_an_order_is_held_up_by_its_own_messages_only_and_a_handoff_by_nothing_but_itself(warehouse):
    visit(warehouse, "o", "10:00", "11:00")
    wait(warehouse, "visit", "o", ("retry", "LAB-OUT", "10:00", "10:15"), ("people", None, "10:15", "11:00"), order="o")
    wait(warehouse, "visit", "other", ("queue", "RADIOLOGY", "10:00", "11:00"), order="other")
    wait(warehouse, "visit", "h", ("people", None, "10:00", "11:00"), kind="handoff_to_acceptance", is_within=True)
    warehouse.execute(
        "alter table marts.visit add column order_key varchar; update marts.visit set order_key = encounter_key"
    )
    warehouse.execute(
        "alter table marts.visit add column handoff_key varchar; update marts.visit set handoff_key = 'h'"
    )
    of_order, of_handoff = (Kpi(**(vars(STAY) | {"case": case})) for case in ("order_key", "handoff_key"))
    assert pieces(warehouse, of_order) == {"retry": 15, "people": 45}
    assert pieces(warehouse, of_handoff) == {"people": 60}


def test_an_open_case_counts_with_what_it_has_taken_on_the_day_of_the_data_cut(warehouse):
    visit(warehouse, "v", "22:00", None, is_test=True)  # left out until it ends, and open
    visit(warehouse, "gone", "10:00", "12:00", is_test=True)  # left out
    wait(warehouse, "v", "o", ("people", None, "23:00", "23:30"), order="o")
    (whole,) = published(warehouse, ALL, below=0, grain="day", facility=None, split="all")
    assert (whole["period"], whole["cases"], whole["open_cases"], whole["minutes"]) == (date(2026, 4, 15), 1, 1, 120)
    parts = published(warehouse, ALL, below=0, grain="all", facility=None, split="part")
    assert {row["part"]: row["minutes"] for row in parts} == {"people": 30, "care": 90}


def test_the_share_of_a_channel_on_a_tuesday_in_a_unit_can_be_read_off(warehouse):
    for number in range(6):
        visit(warehouse, f"v{number}", "10:00", "11:40")
        wait(warehouse, f"v{number}", f"o{number}", ("source", "LAB-OUT", "10:00", "10:41"), ("people", None, "10:41", "11:11"),
             order=f"o{number}")  # fmt: skip
    rows = published(warehouse, ALL, facility="North", unit=None, grain="day", period=TUESDAY)
    (whole,) = (row for row in rows if row["split"] == "all")
    assert (whole["cases"], whole["patients"], whole["minutes"]) == (6, 6, 600)
    assert (whole["minutes_estimated"], whole["minutes_across_clocks"]) == (6 * 41, 6 * 30)
    told = {
        row["channel"] or row["part"] or row["wait_kind"]: row["minutes"] / 600 for row in rows if row["split"] != "all"
    }
    assert told == pytest.approx(
        {"LAB-OUT": 0.41, "source": 0.41, "people": 0.3, "care": 0.29, "order_to_result": 0.71, None: 0.29}
    )
    of_unit = {row["grain"] for row in published(warehouse, ALL, unit="Emergency", facility="North", split="all")}
    assert of_unit == {"week", "all"}  # a unit's days hold too few people


def test_a_part_and_a_hop_say_how_many_patients_they_held_up(warehouse):
    for number in range(
        8
    ):  # eight visits of six patients, of which three visits of two patients were held up in LAB-OUT
        visit(warehouse, f"v{number}", patient=f"patient {min(number, 5)}")
    for number in (4, 5, 6):
        wait(warehouse, f"v{number}", f"o{number}", ("queue", "LAB-OUT", "10:00", "10:30"), order=f"o{number}")
    rows = published(warehouse, ALL, facility=None, grain="all")
    told = {
        row["channel"] or row["part"] or row["split"]: (row["cases"], row["patients"])
        for row in rows
        if row["split"] != "kind"
    }
    assert told == {"all": (8, 6), "queue": (3, 2), "LAB-OUT": (3, 2), "care": (8, 6)}


def test_cases_that_name_no_patient_are_of_an_unknown_number_not_of_none(warehouse):
    visit(warehouse, "v")
    warehouse.execute("update marts.visit set patient_key = null")
    rows = published(warehouse, ALL, below=0, facility=None, grain="all")
    assert {(row["cases"], row["patients"]) for row in rows} == {(1, None)}


def test_what_the_value_hides_and_what_is_of_too_few_patients_is_hidden_with_all_its_parts(warehouse):
    for number in range(20):
        visit(warehouse, f"v{number}", facility="North")
        visit(
            warehouse, f"e{number}", facility="East", patient=f"patient {number // 10}"
        )  # twenty visits of two patients
    rows = published(warehouse, ALL, grain="all", unit=None)
    assert {row["suppressed"] for row in rows if row["facility"] == "East"} == {True}
    assert {row["minutes"] for row in rows if row["suppressed"]} == {None}
    cell = (None, None, "day", TUESDAY, date(2026, 4, 15))
    shown, gone = (published(warehouse, ALL, grain="day", facility=None, hidden=each) for each in ((), (cell,)))
    assert {row["suppressed"] for row in gone} == {True}
    assert len(shown) == len(gone)


def test_a_measure_of_the_same_time_has_the_same_parts_and_one_not_about_people_is_never_hidden(warehouse):
    visit(warehouse, "v")
    within = Kpi(**(vars(STAY) | {"id": "within", "measure": Share(nw.col("minutes") <= 60, within="minutes")}))
    beds = Kpi(**(vars(STAY) | {"id": "beds", "about_people": False}))
    rows = published(warehouse, ALL, kpis=(STAY, within, beds), grain="all", facility=None, split="part")
    assert {row["kpi"]: row["minutes"] for row in rows} == {"stay": None, "within": None, "beds": 120}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.booleans(), st.integers(-60, 200), st.integers(1, 120)), max_size=6))
def test_whatever_was_awaited_the_parts_add_up_to_the_case(waits):
    with duckdb.connect() as db:
        db.execute("""set timezone = 'UTC'; create schema marts;
            create table marts.wait (wait_key varchar, wait_kind varchar, is_within boolean, encounter_key varchar, order_key varchar);
            create table marts.wait_part (wait_key varchar, part varchar, source varchar, channel varchar, destination varchar,
                from_at timestamptz, until_at timestamptz, is_across_clocks boolean, is_estimated boolean,
                minutes double, minutes_uncertain double);
            create table marts.lab_order (order_key varchar, encounter_key varchar, facility varchar, priority varchar,
                collected_at timestamptz, verified_at timestamptz, is_verified boolean, is_verified_time_known boolean);
            create table marts.visit as select 'v' as encounter_key, 'p' as patient_key, 'North' as facility, 'ED' as unit,
                timestamptz '2026-04-14 10:00Z' as arrived_at, 120.0::double as minutes, false as is_open, false as is_test,
                date '2026-04-14' as departure_date""")
        covered = set()
        for number, (own, is_within, start, lasts) in enumerate(waits):
            key = f"kind:{'v' if own else number}"
            begin = at("10:00") + timedelta(minutes=start)
            db.execute("insert into marts.wait values (?, ?, ?, 'v', null)", [f"{number}{key}", "boarding", is_within])
            db.execute(
                "insert into marts.wait_part values (?, 'queue', null, null, null, ?, ?, false, false, ?, 0)",
                [f"{number}{key}", begin, begin + timedelta(minutes=lasts), lasts],
            )
            covered |= set(range(max(start, 0), min(start + lasts, 120)))
        found = pieces(db)
        assert found.get("queue", 0) == pytest.approx(len(covered), abs=1e-4)
        assert found.get("care", 0) == pytest.approx(120 - len(covered), abs=1e-4)


def test_a_count_has_no_time_to_tell_apart():
    assert (
        Kpi(**(vars(STAY) | {"measure": Count(), "begins": None})).counts_no_time
        == "It counts how often, not how long."
    )
