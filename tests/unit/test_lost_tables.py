"""The published hours lost and the reach of channels, counted by hand: by facility and cause, measured or not, small numbers hidden."""

from datetime import date
from itertools import product

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.aggregates.lost_tables import hidden, lost_total
from pipelines.aggregates.periods import Window
from pipelines.aggregates.reach_tables import channel_reach
from tests.subtraction import sums, worked_out

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
            create table marts.message (message_key varchar, source varchar, channel varchar, msg_type varchar, received_date date);
            create table marts.handover (message_key varchar, source varchar, channel varchar, next_source varchar,
                next_channel varchar, handed_date date);
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


NAMES = ("facility", "cause", "reason", "source", "channel", "workflow", "activity")
LOSABLE = [
    ("integration", "late", {"source": "mirth", "channel": "ORDERS"}),
    ("integration", "missing", {"source": "mirth", "channel": "ORDERS"}),
    ("integration", "wrong", {"source": "mirth", "channel": "ADT"}),
    ("workflow", "queue", {"workflow": "discharge", "activity": "bed clean"}),
    ("workflow", "rework", {"workflow": "discharge", "activity": "left"}),
    ("workflow", "handoff", {"workflow": "discharge", "activity": "left"}),
    ("record", "documentation", {"workflow": "discharge", "activity": "letter"}),
    ("unknown", "unknown", {"workflow": "discharge", "activity": "bed clean"}),
    ("unknown", "unknown", {"workflow": "discharge", "activity": "left"}),
]
"""Cause, reason, and step or hop."""


def lost_in(losses):
    """What is published of `losses`: by facility and place in `LOSABLE`, how many patients lost how often an hour. Patient 0 is the
    same one in all of a facility's losses, and so are the others.
    """
    stretches = [
        (facility, *LOSABLE[which], f"{facility} {number % patients}", 1 + number / 60)
        for (facility, which), (patients, times) in losses.items()
        for number in range(patients * times)
    ]
    found = {}
    for facility, cause, reason, step, patient, hours in stretches:
        levels = [("cause", {"cause": cause}), ("step", {"cause": cause} | step)]
        if cause != "unknown":
            levels += [("all", {}), ("reason", {"cause": cause, "reason": reason})]
        for place, (level, labels) in product((None, facility), levels):
            row = dict.fromkeys(NAMES) | labels | {"facility": place, "breakdown": level}
            found.setdefault(tuple(row.values()), (row, []))[1].append((patient, hours))
    span = {"grain": "window", "period": WEEK.start, "period_end": WEEK.end}
    rows = [
        row | span | {"lost_hours": sum(hours for _, hours in lost), "stretches": len(lost), "patients": len({who for who, _ in lost}),
                      "share": 0.5, "unknown_hours": 1.0}
        for row, lost in found.values()
    ]  # fmt: skip
    return hidden(rows, 5)


def given_away(rows, column):
    """The hidden rows that can be worked out: facilities add up, reasons and steps to their cause, causes but what is unknown to all."""
    levels = [row | {"step": row["source"] or row["workflow"]} for row in rows]
    found = list(sums(levels, "facility", ("breakdown", *NAMES[1:])))
    for level, above, apart in (("cause", "all", ()), ("reason", "cause", ("cause",)), ("step", "cause", ("cause",))):
        places = [
            place
            for place, row in enumerate(levels)
            if row["breakdown"] in {level, above} and not (level == "cause" and row["cause"] == "unknown")
        ]
        of_level = sums([levels[place] for place in places], level, ("facility", *apart))
        found += [(places[total], [places[part] for part in parts]) for total, parts in of_level]
    return [rows[place] for place in worked_out([row[column] for row in rows], found)]


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


def test_what_one_patient_lost_cannot_be_had_by_taking_the_other_causes_from_all():
    # 20 + 8 + 1 hours of North, 20 + 9 + 9 of East: North's one of the record is not all of North less what is shown
    north = {("North", 3): (20, 1), ("North", 0): (8, 1), ("North", 6): (1, 1)}
    rows = lost_in(north | {("East", 3): (20, 1), ("East", 0): (9, 1), ("East", 6): (9, 1)})
    hidden_causes = {
        row["cause"] for row in rows if row["facility"] == "North" and row["breakdown"] == "cause" and row["suppressed"]
    }
    assert hidden_causes == {"record", "integration"}
    assert (given_away(rows, "lost_hours"), given_away(rows, "stretches")) == ([], [])


def test_unknown_hours_that_are_hidden_stand_beside_no_other_number():
    losses = {("North", 3): (20, 1), ("North", 7): (2, 1), ("East", 3): (20, 1), ("East", 7): (9, 1)}
    rows = [row for row in lost_in(losses) if row["cause"] != "unknown" and row["breakdown"] != "step"]
    assert {(row["facility"], row["unknown_hours"]) for row in rows} == {(None, 1.0), ("North", None), ("East", None)}


def test_a_share_does_not_tell_the_whole_that_is_hidden():
    rows = lost_in({("North", 3): (20, 1), ("East", 3): (4, 1), ("West", 3): (30, 1)})
    whole = {row["facility"]: row["suppressed"] for row in rows if row["breakdown"] == "all"}
    assert whole == {None: False, "North": True, "East": True, "West": False}
    assert {row["facility"] for row in rows if row["share"] is not None} == {None, "West"}


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["North", "East", "West"]), st.integers(0, len(LOSABLE) - 1)),
        st.tuples(st.one_of(st.integers(1, 4), st.integers(5, 30)), st.integers(1, 2)),
        min_size=8,
    )
)
@settings(max_examples=15, deadline=None)
def test_no_hidden_number_can_be_worked_out_from_shown_ones(losses):
    rows = lost_in(losses)
    assert not [row for row in rows if not row["suppressed"] and row["patients"] < 5]
    assert (given_away(rows, "lost_hours"), given_away(rows, "stretches")) == ([], [])


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


def test_with_a_router_stops_whatever_lies_behind_the_channels_that_it_feeds(warehouse):
    # ROUTER hands to ORDERS and to BEDS; BEDS hands to another engine's IN, which hands back to ROUTER; only ORDERS and IN deliver
    warehouse.execute("""
        insert into marts.message values ('m1', 'mirth', 'ROUTER', 'ADT', '2026-04-09'), ('m2', 'mirth', 'ROUTER', 'ORM', '2026-04-10');
        insert into marts.handover values ('m1', 'mirth', 'ROUTER', 'mirth', 'BEDS', '2026-04-09'),
            ('m2', 'mirth', 'ROUTER', 'mirth', 'ORDERS', '2026-04-10'), ('m1', 'mirth', 'BEDS', 'engine', 'IN', '2026-04-09'),
            ('m1', 'engine', 'IN', 'mirth', 'ROUTER', '2026-04-09');
        insert into marts.message_delivery values ('m2', 'mirth', 'ORDERS', 'ORM', 'LIS', '2026-04-10'),
            ('m1', 'engine', 'IN', 'ADT', 'BED-MGMT', '2026-04-09'), ('old', 'mirth', 'ORDERS', 'ORM', 'PHARM', '2026-03-01');
    """)
    found = {row["channel"]: row for row in channel_reach(warehouse, [WEEK], 5).to_dicts()}
    router = found["ROUTER"]
    assert (router["messages"], router["msg_types"], router["days"]) == (2, ["ADT", "ORM"], 4)
    assert (router["destinations"], router["domains"]) == (["BED-MGMT", "LIS"], ["beds", "results"])
    assert found["ORDERS"]["destinations"] == ["LIS"]
    assert found["BEDS"]["messages"] == 1  # nothing came to it first and nothing left it but to IN
    assert found["BEDS"]["destinations"] == found["IN"]["destinations"] == ["BED-MGMT", "LIS"]  # round by ROUTER


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
