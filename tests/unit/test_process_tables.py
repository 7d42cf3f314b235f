"""The published tables of workflows, counted by hand: waits by facility and window, paths, and small numbers hidden."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest

from models.catalog import find_table
from pipelines.aggregates.periods import Window
from pipelines.aggregates.process_tables import TOLD_APART, process_tables

ALL = Window("all")
APRIL = Window("window", date(2026, 4, 1), date(2026, 5, 1))
STEP = """
insert into told values
($workflow, $facility, $is_open, $day, $case, $step, $day::timestamptz + $minute * interval 1 minute, $rank, null)
"""


@pytest.fixture
def warehouse():
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'; create schema marts; create schema staging")
        db.execute("""create table told (workflow varchar, facility varchar, is_case_open boolean, case_date date,
            case_key varchar, activity varchar, occurred_at timestamptz, activity_rank integer, started_at timestamptz);
            create table staging.delivery (last_event_at timestamptz);
            create table marts.step_role (workflow varchar, case_key varchar, activity varchar, role_code varchar);
            create view marts.workflow_event as select *, null::varchar as encounter_key, 'ED' as unit, true as is_case_known,
            row_number() over in_case as step_no, lead(activity) over in_case as next_activity, 1 as file_id, 1 as line,
            date_diff('microsecond', occurred_at, lead(occurred_at) over in_case) / 6e7 as wait_minutes
            from told window in_case as (partition by workflow, facility, case_key order by occurred_at, activity_rank, activity)""")
        db.execute("""create table staging.registry_step (workflow varchar, step_no integer, activity varchar, owner varchar,
            window_minutes double, expected varchar);
            insert into staging.registry_step values ('ed-to-bed', 1, 'door', null, null, 'always'),
            ('ed-to-bed', 2, 'seen', null, null, 'sometimes'), ('ed-to-bed', 3, 'bed', 'Flow coordinator', 60, 'always')""")
        db.execute("""create table marts.work_span (workflow varchar, activity varchar, facility varchar, team varchar,
            is_place boolean, places bigint, item varchar, enabled_at timestamptz, started_at timestamptz, ended_at timestamptz,
            asked_date date)""")
        yield db


def tables_of(db, windows, threshold, cuts=None):
    """The published tables, after the marts that they count are made of the steps that were told."""
    cuts = cuts or {}
    for name in ("case_deviation", "workflow_case", "step_wait"):
        mart = find_table(f"marts.{name}")
        known = {"clinical_as_of": cuts.get("ed-to-bed")} if mart.parameters else None
        db.execute(f"create or replace table marts.{name} as {mart.query}", known)
    return process_tables(db, windows, threshold, cuts)


def visits(db, facility, waits, *, workflow="ed-to-bed", day="2026-04-13", is_open=False):
    """One case for each wait in minutes, from the door to the bed."""
    for number, wait in enumerate(waits):
        case = {
            "workflow": workflow,
            "facility": facility,
            "is_open": is_open,
            "day": day,
            "case": f"{facility} {day} {number}",
        }
        db.execute(STEP, case | {"step": "door", "minute": 0, "rank": 1})
        db.execute(STEP, case | {"step": "bed", "minute": wait, "rank": 2})


def one(table, **where):
    rows = [row for row in table.to_dicts() if all(row[name] == value for name, value in where.items())]
    (row,) = rows
    return row


def test_an_edge_of_few_cases_cannot_be_had_by_taking_the_others_from_all_events(warehouse):
    # In each facility 10 go from the door to the bed, 8 are seen in between; at North 2, at East 3 are seen twice
    for facility, again in (("North", 2), ("East", 3)):
        for number in range(18):
            steps = ["door", *["seen"] * (0 if number < 10 else 2 if number < 10 + again else 1), "bed"]
            for minute, step in enumerate(steps):
                case = {
                    "workflow": "ed-to-bed",
                    "facility": facility,
                    "is_open": False,
                    "day": "2026-04-13",
                    "case": f"{facility} {number}",
                }
                warehouse.execute(STEP, case | {"step": step, "minute": minute, "rank": 1})
    found = tables_of(warehouse, [ALL], 5)
    hidden = {
        (row["activity"], row["next_activity"])
        for row in found["process_edge"].to_dicts()
        if row["facility"] == "North" and row["suppressed"]
    }
    assert ("seen", "seen") in hidden
    assert len(hidden) > 1  # 46 events less 18 cases less 10 + 8 + 8 moves would be the 2 that were seen twice
    assert one(found["process_summary"], facility="North")["events"] == 10 * 2 + 6 * 3 + 2 * 4


def test_an_edge_is_told_by_facility_and_for_all_with_what_it_lost(warehouse):
    visits(warehouse, "North", [30, 60, 90, 120, 150])
    visits(warehouse, "East", [30] * 5)
    edges = tables_of(warehouse, [ALL], 5)["process_edge"]
    north = one(edges, facility="North")
    assert (north["activity"], north["next_activity"], north["owner"]) == ("door", "bed", "Flow coordinator")
    assert (north["count"], north["cases"], north["wait_median_seconds"]) == (5, 5, 90 * 60)
    assert (north["target_seconds"], north["lost_seconds"]) == (60 * 60, (30 + 60 + 90) * 60)
    both = one(edges, facility=None)
    assert (both["count"], both["wait_total_seconds"], both["lost_seconds"]) == (10, (450 + 150) * 60, 180 * 60)


def test_a_case_counts_in_the_window_it_began_in(warehouse):
    visits(warehouse, "North", [30] * 6)
    visits(warehouse, "North", [90] * 7, day="2026-03-31")
    edges = tables_of(warehouse, [ALL, APRIL], 5)["process_edge"]
    assert one(edges, facility="North", grain="all")["count"] == 13
    april = one(edges, facility="North", grain="window")
    assert (april["count"], april["period"], april["period_end"]) == (6, APRIL.start, APRIL.end)


def test_open_cases_are_counted_and_left_out_of_the_throughput(warehouse):
    visits(warehouse, "North", [30, 60, 90])
    visits(warehouse, "North", [600, 600], day="2026-04-14", is_open=True)
    found = one(tables_of(warehouse, [ALL], 5)["process_summary"], facility="North")
    assert (found["cases"], found["open_cases"], found["throughput_median_seconds"]) == (5, 2, 60 * 60)


def test_small_numbers_are_hidden_and_cannot_be_worked_out_from_the_rest(warehouse):
    visits(warehouse, "North", [30] * 20)
    visits(warehouse, "East", [30] * 4)
    found = tables_of(warehouse, [ALL], 5)
    for table in (each for name, each in found.items() if each.height and name != "process_week"):
        hidden = {row["facility"]: row["suppressed"] for row in table.to_dicts() if row.get("path", True)}
        assert hidden["East"]
        assert hidden["North"] or hidden[None]  # else the total less North would be East
        assert all(row["cases"] is None for row in table.to_dicts() if row["suppressed"])
    east = one(found["process_edge"], facility="East")
    assert (east["activity"], east["count"], east["wait_total_seconds"], east["lost_seconds"]) == (
        "door",
        None,
        None,
        None,
    )


def test_messages_are_no_people(warehouse):
    visits(warehouse, "North", [1], workflow="message-delivery")
    assert one(tables_of(warehouse, [ALL], 5)["process_edge"], facility="North")["count"] == 1


def test_paths_beyond_the_usual_ones_are_one_row(warehouse):
    for number in range(TOLD_APART + 3):  # each of 23 is over half a percent
        case = {
            "workflow": "message-delivery",
            "facility": "North",
            "is_open": False,
            "day": "2026-04-13",
            "case": str(number),
        }
        warehouse.execute(STEP, case | {"step": f"step {number:02}", "minute": 0, "rank": 1})
    rows = tables_of(warehouse, [ALL], 5)["process_variant"].to_dicts()
    mine = [row for row in rows if row["facility"] == "North"]
    assert len(mine) == TOLD_APART + 1
    assert [row["cases"] for row in mine if row["path"] is None] == [3]
    assert ["step 00"] in [row["path"] for row in mine]


def test_cases_keep_to_the_registered_path_or_leave_it_and_steps_come_in_time_or_not(warehouse):
    visits(warehouse, "North", [30, 60, 61, 90, 120])
    visits(warehouse, "East", [10] * 6)
    for case in ("North 2026-04-13 0", "North 2026-04-13 1"):
        again = {"workflow": "ed-to-bed", "facility": "North", "is_open": False, "day": "2026-04-13", "case": case}
        warehouse.execute(STEP, again | {"step": "door", "minute": 5, "rank": 1})
    found = tables_of(warehouse, [ALL], 2, {"ed-to-bed": datetime(2026, 4, 20, tzinfo=UTC)})
    both = one(found["process_summary"], facility=None)
    assert (both["cases"], both["on_path_cases"], both["off_path_cases"]) == (11, 3 + 6, 2)
    again = one(found["process_deviation"], facility="North")
    assert (again["kind"], again["activity"], again["cases"]) == ("repeated", "door", 2)
    rule = one(found["process_rule"], facility="North")
    assert (rule["activity"], rule["owner"], rule["target_seconds"]) == ("bed", "Flow coordinator", 60 * 60)
    assert (rule["count"], rule["within_count"]) == (5, 2)  # 25 and 55 minutes after the second time at the door


def test_an_open_case_is_late_by_what_its_own_kind_of_data_cut_says(warehouse):
    for case in range(3):
        step = {"workflow": "ed-to-bed", "facility": "North", "is_open": True, "day": "2026-04-13", "case": str(case)}
        warehouse.execute(STEP, step | {"step": "door", "minute": case * 60, "rank": 1})
    until = {
        "ed-to-bed": datetime(2026, 4, 13, 2, 30, tzinfo=UTC)
    }  # 150, 90 and 30 minutes after the door; 60 are allowed
    rule = one(tables_of(warehouse, [ALL], 0, until)["process_rule"], facility="North")
    assert (rule["count"], rule["within_count"], rule["open_late_count"], rule["undecided_count"]) == (2, 0, 2, 1)


def four_weeks(db, facility, waits_by_week):
    for week, waits in enumerate(waits_by_week):
        visits(db, facility, waits, day=str(date(2026, 4, 6) + timedelta(weeks=week)))


MONTH = Window("window", date(2026, 4, 6), date(2026, 5, 4))


def test_what_if_every_week_were_like_the_best_quarter_of_them(warehouse):
    four_weeks(warehouse, "North", [[60] * 10, [30] * 9 + [330], [90] * 12, [40] * 10])
    edge = one(tables_of(warehouse, [MONTH], 5)["process_edge"], facility="North")
    assert (edge["best_week"], edge["best_week_mean_seconds"]) == (
        date(2026, 4, 27),
        40 * 60,
    )  # 60, 60 and 90 are the others
    taken = 600 + 600 + 1080 + 400
    assert edge["wait_total_seconds"] == taken * 60
    assert edge["saved_seconds"] == (taken - 42 * 40) * 60


def test_weeks_of_few_waits_are_no_example(warehouse):
    four_weeks(warehouse, "North", [[60] * 10, [1] * 9, [90] * 12, [40] * 10])
    edge = one(tables_of(warehouse, [MONTH], 5)["process_edge"], facility="North")
    assert (edge["best_week"], edge["saved_seconds"]) == (None, None)  # three weeks are too few to compare


def test_a_week_tells_how_long_and_never_how_many_and_small_weeks_tell_nothing(warehouse):
    four_weeks(warehouse, "North", [[10, 20, 30, 40, 50], [1, 2, 3, 4]])
    weeks = tables_of(warehouse, [MONTH], 5)["process_week"]
    assert not {"count", "cases"} & set(weeks.columns)
    north = one(weeks, facility="North")
    assert (north["week"], north["wait_p25_seconds"], north["wait_median_seconds"]) == (
        date(2026, 4, 6),
        20 * 60,
        30 * 60,
    )
    assert weeks.height == 2  # North's and all facilities' first week


CLEANED = """
insert into marts.work_span select 'discharge', 'bed clean', 'North', 'North''s cleaners', false, null, 'clean ' || n, asked,
    asked + interval 20 minute,     asked + interval 50 minute, '2026-04-13'
from (select n, '2026-04-13'::timestamptz + n * interval 30 minute as asked from range(6) as each(n))
"""


def test_why_work_waits_is_told_by_step_with_what_still_waits(warehouse):
    warehouse.execute(CLEANED)
    warehouse.execute("insert into marts.work_span select * replace ('open' as item, null as started_at, null as ended_at) "
        "from marts.work_span where item = 'clean 0'")  # fmt: skip
    found = tables_of(warehouse, [ALL], 5, {"discharge": datetime(2026, 4, 13, 1, tzinfo=UTC)})["process_waiting"]
    north = one(found, facility="North")
    assert (north["activity"], north["cases"], north["still_waiting"]) == ("bed clean", 7, 1)
    assert north["wait_seconds"] == (6 * 20 + 60) * 60
    reasons = ("batching", "contention", "prioritisation", "unavailability", "extraneous")
    assert sum(north[f"{reason}_seconds"] for reason in reasons) == north["wait_seconds"]
    # one cleaner, who is busy from 00:20 on: each of the five waits for the bed before, the open one for those that came later too
    assert north["contention_seconds"] == (5 * 20 + 30) * 60
    assert north["prioritisation_seconds"] == 10 * 60
    few = tables_of(warehouse, [ALL], 8, {"discharge": datetime(2026, 4, 13, 1, tzinfo=UTC)})["process_waiting"]
    assert one(few, facility="North")["wait_seconds"] is None


def test_a_handover_is_from_one_role_to_another(warehouse):
    warehouse.execute("update staging.registry_step set owner = 'Triage nurse' where activity = 'door'")
    visits(warehouse, "North", [30, 60, 90, 120, 150])
    found = one(tables_of(warehouse, [ALL], 5)["process_handover"], facility="North")
    assert (found["owner"], found["next_owner"], found["count"]) == ("Triage nurse", "Flow coordinator", 5)
    assert (found["wait_median_seconds"], found["wait_total_seconds"]) == (90 * 60, 450 * 60)
    warehouse.execute("update staging.registry_step set owner = 'Triage nurse'")
    assert tables_of(warehouse, [ALL], 5)["process_handover"].height == 0  # it stays with one role


def test_a_role_that_the_task_names_counts_before_who_answers_by_the_registry(warehouse):
    warehouse.execute("update staging.registry_step set owner = 'Triage nurse' where activity = 'door'")
    visits(warehouse, "North", [30] * 10)
    warehouse.execute(
        """insert into marts.step_role select 'ed-to-bed', case_key, activity, case activity when 'bed' then '224535009' else 'x1' end
        from marts.workflow_event where case_key < 'North 2026-04-13 5'"""
    )
    found = (
        tables_of(warehouse, [ALL], 5)["process_handover"]
        .filter(pl.col("facility") == "North")
        .sort("owner")
        .to_dicts()
    )
    assert [(row["owner"], row["next_owner"], row["count"], row["recorded_count"]) for row in found] == [
        ("Triage nurse", "Flow coordinator", 5, 0),
        ("x1", "Registered nurse", 5, 5),  # a code that nobody explains shows as it is
    ]


def test_an_empty_hospital_has_empty_tables(warehouse):
    found = tables_of(warehouse, [ALL, APRIL], 5)
    assert [table.height for table in found.values()] == [0] * 8
    assert all("suppressed" in table.columns for name, table in found.items() if name != "process_week")
