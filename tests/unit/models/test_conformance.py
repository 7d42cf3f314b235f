"""Cases beside the path that was registered, counted by hand: what they skipped, repeated, turned round, and which steps were late."""

from datetime import UTC, datetime, timedelta
from itertools import product

import duckdb
import polars as pl
import pytest

from models.catalog import find_table
from models.conformance import KINDS

MORNING = datetime(2026, 4, 13, 8, tzinfo=UTC)
PATH = (
    ("door", "always", None),
    ("triage", "always", 10),
    ("scan", "sometimes", 60),
    ("alarm", "never", 5),
    ("bed", "always", 30),
)


def minutes(number):
    return MORNING + timedelta(minutes=number)


def judged(*cases, cut=600, path=PATH):
    """Judge cases of one day, each a list of (step, minute); a trailing "open" says that the case is not finished."""
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'; create schema marts; create schema staging")
        db.execute("create table staging.delivery (last_event_at timestamptz)")
        db.execute(
            "create table staging.registry_step (workflow varchar, step_no int, activity varchar, expected varchar, window_minutes double)"
        )
        for number, (activity, expected, window) in enumerate(path, 1):
            db.execute(
                "insert into staging.registry_step values ('discharge', ?, ?, ?, ?)",
                [number, activity, expected, window],
            )
        rows = [
            {
                "is_case_open": "open" in case,
                "case_key": str(key),
                "activity": step[0],
                "minute": step[1],
                "place": place,
            }
            for key, case in enumerate(cases)
            for place, step in enumerate(case)
            if step != "open"
        ]
        db.register("told", pl.DataFrame(rows).to_arrow())
        db.execute(
            """create table marts.workflow_event as select 'discharge' as workflow, case_key, null::varchar as encounter_key,
            'North' as facility, '4 North' as unit, is_case_open, true as is_case_known, activity,
            $morning::timestamptz + minute * interval 1 minute as occurred_at, '2026-04-13'::date as case_date,
            row_number() over in_case as step_no, lead(activity) over in_case as next_activity,
            (lead(minute) over in_case - minute)::double as wait_minutes, 1 as file_id, 1 as line
            from told window in_case as (partition by case_key order by minute, place)""",
            {"morning": MORNING},
        )
        for name in ("case_deviation", "workflow_case", "step_wait"):
            table = find_table(f"marts.{name}")
            db.execute(
                f"create table marts.{name} as {table.query}",
                {"clinical_as_of": minutes(cut)} if table.parameters else None,
            )
        (day,) = db.execute(
            "select count(*) filter (where is_on_path), count(*) filter (where is_settled and not is_on_path) from marts.workflow_case"
        ).fetchall()
        deviations = db.execute(
            "select kind, activity, count(*) from marts.case_deviation group by all order by all"
        ).fetchall()
        waits = db.execute(
            """select activity, count(*) filter (where is_settled), count(*) filter (where is_within),
            count(*) filter (where is_settled and is_open), count(*) filter (where not is_settled)
            from marts.step_wait group by all order by all"""
        ).fetchall()
        return day, deviations, {activity: rest for activity, *rest in waits}


@pytest.mark.parametrize(
    ("case", "deviations"),
    [
        ([("door", 0), ("triage", 5), ("bed", 30)], []),
        ([("door", 0), ("triage", 5), ("scan", 20), ("bed", 30)], []),  # a scan is sometimes part of it
        ([("door", 0), ("bed", 30)], [("skipped", "triage", 1)]),
        ([("door", 0), ("triage", 5), ("triage", 9), ("bed", 30)], [("repeated", "triage", 1)]),
        ([("door", 0), ("triage", 5), ("triage", 9), ("triage", 11), ("bed", 30)], [("repeated", "triage", 1)]),  # one case
        ([("door", 0), ("bed", 5), ("triage", 9)], [("out_of_order", "triage", 1)]),
        ([("door", 0), ("triage", 5), ("alarm", 9), ("bed", 30)], [("exception", "alarm", 1)]),
        ([("door", 0), ("triage", 5), ("coffee", 9), ("bed", 30)], [("not_registered", "coffee", 1)]),
        ([("coffee", 0)], [("not_registered", "coffee", 1), ("skipped", "bed", 1), ("skipped", "door", 1), ("skipped", "triage", 1)]),
    ],
)  # fmt: skip
def test_a_finished_case_is_on_the_path_or_what_it_did_instead_is_named(case, deviations):
    day, found, _ = judged(case)
    assert found == deviations
    assert day == ((0, 1) if deviations else (1, 0))
    assert {kind for kind, _, _ in found} <= KINDS.keys()


def test_an_alarm_before_the_door_does_not_put_the_door_out_of_order():
    assert judged([("alarm", 0), ("door", 1), ("triage", 5), ("bed", 30)])[1] == [("exception", "alarm", 1)]


def test_steps_at_one_time_stand_in_their_declared_order():
    assert judged([("door", 0), ("triage", 5), ("bed", 5)])[0] == (1, 0)


@pytest.mark.parametrize(
    ("case", "day", "deviations"),
    [
        ([("door", 0), ("triage", 5), "open"], (0, 0), []),  # still on its way: in neither count
        ([("door", 0), "open"], (0, 0), []),  # triage may still come
        ([("door", 0), ("scan", 5), "open"], (0, 1), [("skipped", "triage", 1)]),  # it has passed it
        ([("door", 0), ("door", 5), "open"], (0, 1), [("repeated", "door", 1)]),
    ],
)
def test_an_open_case_is_off_the_path_only_when_something_shows_it(case, day, deviations):
    found = judged(case)
    assert found[:2] == (day, deviations)


def test_a_step_is_within_its_window_up_to_its_last_instant():
    waits = judged([("door", 0), ("triage", 10), ("bed", 40)], [("door", 0), ("triage", 11), ("bed", 12)])[2]
    assert waits == {"triage": [2, 1, 0, 0], "bed": [2, 2, 0, 0]}  # 10 minutes are within, 11 are not; 30 and 1 are


@pytest.mark.parametrize(
    ("cut", "judgement"),
    [(15, [0, 0, 0, 1]), (40, [0, 0, 0, 1]), (41, [1, 0, 1, 0])],  # the bed is due 30 minutes after triage at 10
)
def test_an_open_case_is_late_once_its_window_has_passed(cut, judgement):
    assert judged([("door", 0), ("triage", 10), "open"], cut=cut)[2]["bed"] == judgement


def test_an_open_case_waits_for_what_always_comes_before_what_sometimes_does():
    assert judged([("door", 0), ("triage", 10), "open"], cut=500)[2] == {"triage": [1, 1, 0, 0], "bed": [1, 0, 1, 0]}
    after = (("door", "always", None), ("scan", "sometimes", 60), ("alarm", "never", 5))
    assert judged([("door", 0), "open"], cut=61, path=after)[2] == {"scan": [1, 0, 1, 0]}
    nothing_left = (("door", "always", None),)
    assert judged([("door", 0), "open"], path=nothing_left)[2] == {}


def test_a_workflow_that_nobody_registered_is_not_judged():
    assert judged([("door", 0)], path=()) == ((0, 0), [], {})


def off_path(steps, is_open):
    """The rule once more, in plain words: what the registered path says of one case."""
    named = {activity: (number, expected) for number, (activity, expected, _) in enumerate(PATH)}
    usual = [step for step in dict.fromkeys(steps) if step in named and named[step][1] != "never"]
    furthest = max((named[step][0] for step in usual), default=-1)
    return (
        any(step not in named or named[step][1] == "never" for step in steps)
        or len(set(steps)) < len(steps)
        or usual != sorted(usual, key=lambda step: named[step][0])
        or any(
            expected == "always" and step not in steps and (not is_open or number < furthest)
            for step, (number, expected) in named.items()
        )
    )


def test_every_case_of_up_to_three_steps_is_on_the_path_off_it_or_still_undecided():
    names = [activity for activity, _, _ in PATH] + ["coffee"]
    told = [(steps, is_open) for n in (1, 2, 3) for steps in product(names, repeat=n) for is_open in (False, True)]
    cases = [
        [*((step, place) for place, step in enumerate(steps)), *(["open"] if is_open else [])]
        for steps, is_open in told
    ]
    off = sum(off_path(*each) for each in told)
    on = sum(not off_path(steps, is_open) and not is_open for steps, is_open in told)
    assert judged(*cases)[0] == (on, off)
    assert on == 1  # door, triage, bed; with the scan it is four steps
    assert len(told) - on - off > 0  # open ones that may still keep to it
