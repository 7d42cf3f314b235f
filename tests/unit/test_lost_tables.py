"""The published hours lost and the reach of channels, counted by hand: by facility and cause, measured or not, small numbers hidden."""

from datetime import date

import duckdb
import pytest

from pipelines.aggregates.lost_tables import lost_total
from pipelines.aggregates.periods import Window
from pipelines.aggregates.reach_tables import channel_reach

WEEK = Window("window", date(2026, 4, 6), date(2026, 4, 13))


@pytest.fixture
def warehouse():
    with duckdb.connect() as db:
        db.execute("""
            set timezone = 'UTC'; create schema marts; create schema staging;
            create table marts.lost_time (lost_key varchar, patient_key varchar, encounter_key varchar, facility varchar, cause varchar,
                reason varchar, wait_kind varchar, workflow varchar, activity varchar, source varchar, channel varchar, minutes double,
                minutes_waited double, is_estimated boolean, lost_date date);
            create table marts.result_opening (order_key varchar, patient_key varchar, encounter_key varchar, facility varchar,
                opener varchar, minutes_late double, minutes_lost double, lost_date date);
            create table marts.wait (wait_key varchar, wait_kind varchar, patient_key varchar, encounter_key varchar, is_within boolean,
                begin_date date);
            create table marts.wait_part (wait_key varchar, part varchar, source varchar, channel varchar);
            create table marts.message_delivery (message_key varchar, source varchar, channel varchar, msg_type varchar,
                destination varchar, received_date date);
            create table staging.registry_step (workflow varchar, activity varchar, owner varchar, window_minutes double,
                is_record boolean);
            insert into staging.registry_step values ('discharge', 'bed clean', 'Facilities', 60, false);
            create table staging.registry_interface (source varchar, channel varchar, owner varchar);
            insert into staging.registry_interface values ('mirth', 'ORDERS', 'Integration lead');
            create table staging.registry_record (domain varchar, system varchar);
            insert into staging.registry_record values ('results', 'LIS'), ('beds', 'BED-MGMT');
        """)
        yield db


def lose(db, facility, cause, minutes, patients, *, day=6, **item):
    """So many patients who each lost so many minutes on a day of April 2026."""
    for number in range(patients):
        row = {"workflow": None, "activity": None, "source": None, "channel": None} | item
        db.execute(
            "insert into marts.lost_time values ($key, $who, null, $facility, $cause, 'queue', null, $workflow, $activity, $source, "
            "$channel, $minutes, $minutes, false, $day)",
            row | {"key": f"{facility} {cause} {item} {day} {number}", "who": f"{facility} {number}", "facility": facility,
                   "cause": cause, "minutes": minutes, "day": date(2026, 4, day)},
        )  # fmt: skip


def one(table, **where):
    wanted = dict.fromkeys(("facility", "cause", "reason", "channel", "activity")) | where
    (row,) = (row for row in table.to_dicts() if all(row[name] == value for name, value in wanted.items()))
    return row


CLEAN = {"workflow": "discharge", "activity": "bed clean"}
ORDERS = {"source": "mirth", "channel": "ORDERS"}


def test_hours_are_told_by_facility_and_cause_with_their_share_and_owner(warehouse):
    lose(warehouse, "North", "workflow", 60, 6, **CLEAN)
    lose(warehouse, "North", "integration", 20, 6, **ORDERS)
    lose(warehouse, "East", "workflow", 120, 5, **CLEAN)
    found = lost_total(warehouse, [WEEK], 5)
    north = one(found, facility="North", cause="integration")
    assert (north["lost_hours"], north["share"], north["patients"]) == (2, 0.25, 6)  # 2 of 6 + 2
    assert one(found)["lost_hours"] == 6 + 2 + 10
    step = one(found, cause="workflow", activity="bed clean")
    assert (step["lost_hours"], step["owner"], step["patients"]) == (16, "Facilities", 11)
    assert one(found, facility="North", cause="integration", channel="ORDERS")["owner"] == "Integration lead"


def test_unknown_hours_stand_beside_the_others_and_in_no_total(warehouse):
    lose(warehouse, "North", "workflow", 60, 6, **CLEAN)
    lose(warehouse, "North", "unknown", 30, 6, **CLEAN)
    found = lost_total(warehouse, [WEEK], 5)
    assert (one(found, facility="North")["lost_hours"], one(found, facility="North", cause="workflow")["share"]) == (
        6,
        1,
    )
    assert one(found, facility="North", cause="workflow", activity="bed clean")["unknown_hours"] == 3


def test_a_cause_that_is_measured_and_took_nothing_is_zero_and_one_that_is_not_is_absent(warehouse):
    warehouse.execute("insert into marts.wait_part values ('w', 'transport', 'mirth', 'ORDERS')")
    lose(warehouse, "North", "workflow", 60, 6, **CLEAN)
    found = lost_total(warehouse, [WEEK], 5)
    assert one(found, facility="North", cause="integration")["lost_hours"] == 0
    assert "record" not in found["cause"].to_list()


def test_too_few_patients_are_hidden_and_nobody_lost_anything_is_no_row(warehouse):
    lose(warehouse, "North", "workflow", 60, 6, **CLEAN)
    lose(warehouse, "North", "integration", 60, 2, **ORDERS)
    few = one(lost_total(warehouse, [WEEK], 5), facility="North", cause="integration")
    assert (few["suppressed"], few["lost_hours"], few["patients"]) == (True, None, None)
    assert lost_total(warehouse, [Window("all")], 5).height == 0


def test_a_channel_reaches_whom_it_delivers_to_and_the_patients_whose_news_it_carries(warehouse):
    for number in range(6):
        bound = {"m": f"m{number}", "w": f"w{number}", "p": f"p{number}"}
        warehouse.execute(
            "insert into marts.message_delivery values ($m, 'mirth', 'ORDERS', 'ORM', 'LIS', '2026-04-09')",
            {"m": bound["m"]},
        )
        warehouse.execute(
            "insert into marts.wait values ($w, 'order_to_result', $p, null, false, '2026-04-09')",
            {"w": bound["w"], "p": bound["p"]},
        )
        warehouse.execute("insert into marts.wait_part values ($w, 'transport', 'mirth', 'ORDERS')", {"w": bound["w"]})
    (row,) = channel_reach(warehouse, [WEEK], 5).to_dicts()
    assert (row["days"], row["messages"], row["waits"], row["patients"]) == (4, 6, 6, 6)  # Thursday to Sunday
    assert (row["msg_types"], row["destinations"], row["domains"], row["wait_kinds"]) == (
        ["ORM"],
        ["LIS"],
        ["results"],
        ["order_to_result"],
    )
    (few,) = channel_reach(warehouse, [WEEK], 7).to_dicts()
    assert (few["messages"], few["waits"], few["patients"], few["suppressed"]) == (6, None, None, True)


def opened_late(db, facility, minutes, people):
    """So many results of one patient each, each opened so many minutes too late by somebody else, of whom there are `people`."""
    for number in range(6):
        db.execute(
            "insert into marts.result_opening values ($order, $who, null, $facility, $opener, $minutes, $minutes, '2026-04-07')",
            {"order": f"{facility} {number}", "who": f"p {facility} {number}", "facility": facility, "opener": str(number % people)}
            | {"minutes": minutes},
        )  # fmt: skip


def test_results_that_were_opened_late_are_hours_of_the_record_where_enough_people_opened_some(warehouse):
    lose(warehouse, "North", "workflow", 60, 6, **CLEAN)
    lose(warehouse, "East", "workflow", 60, 6, **CLEAN)
    opened_late(warehouse, "North", 20, people=6)
    opened_late(warehouse, "East", 20, people=4)
    found = lost_total(warehouse, [WEEK], 5)
    record = one(found, facility="North", cause="record")
    assert (record["lost_hours"], record["share"], record["patients"]) == (
        2,
        0.25,
        6,
    )  # 6 times 20 minutes, of 2 + 6 hours
    assert one(found, facility="North", cause="record", reason="access")["lost_hours"] == 2
    assert (
        one(found, cause="record", activity="result opened")["lost_hours"] == 2
    )  # nothing of East, where four people opened them
    assert found.filter(facility="East", cause="record").is_empty()  # not measured there
