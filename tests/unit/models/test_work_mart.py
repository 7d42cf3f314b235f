"""The mart of queued work, each rule on the smallest hospital that shows it."""

import pytest

CUT = 26 * 24 * 60 + 120  # minutes from 5 January 10:00 to the data cut, 31 January 12:00


def at(time):
    return f"2026-01-05T{time}:00-05:00"


@pytest.fixture
def department(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00"), None), status="in-progress")
    return hospital


def task(hospital, kind="registration-review", **columns):
    hospital.deliver(
        "fhir_task",
        **{
            "task_key": "t1",
            "encounter_key": "e1",
            "codes": [{"system": "https://wardflow.example/task-code", "code": kind}],
            "status": "requested",
            "authored_on": at("10:00"),
            "due": at("14:00"),
            "location_id": "ed",
        }
        | columns,
    )


def changes(hospital, *done):
    """(activity, kind of agent) in order."""
    for n, (activity, agent) in enumerate(done):
        hospital.deliver(
            "fhir_provenance",
            provenance_key=f"p{n}",
            task_keys=["t1"],
            codes=[{"system": "https://wardflow.example/task-activity", "code": activity}],
            agent_types=[agent],
            recorded=at("10:30"),
        )


def test_a_task_completed_by_a_rule_was_touched_by_nobody(department):
    task(department, status="completed", execution_end=at("10:05"))
    changes(department, ("create", "Device"), ("complete", "Device"))
    row = department.one("marts.work_task")
    assert (row["minutes_to_completion"], row["manual_touches"], row["is_automatic"]) == (5, 0, True)
    assert (row["queue"], row["facility"], row["unit"]) == ("registration-review", "Northfield", "Ed")
    assert (row["overdue_at"], row["is_open"]) == (None, False)


def test_people_touch_override_and_open_again(department):
    task(department, status="completed", execution_end=at("13:00"))
    done = ("create", "Practitioner"), ("complete", "Device"), ("override", "Practitioner"), ("escalate", "Device")
    changes(department, *done, ("reopen", "PractitionerRole"), ("complete", "Practitioner"))
    row = department.one("marts.work_task")
    assert row["manual_touches"] == 3  # override, reopen, complete; making it is no touch
    assert [row[f"is_{flag}"] for flag in ("automatic", "overridden", "escalated", "reworked")] == [
        False, True, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "closed", "overdue"),
    [
        ({}, None, "14:00"),
        ({"due": "2026-01-31T12:30:00-05:00"}, None, None),  # after the data cut
        ({"due": None}, None, None),
        ({"status": "completed", "execution_end": at("14:00")}, "14:00", None),  # exactly then is in time
        ({"status": "completed", "execution_end": at("14:01")}, "14:01", "14:00"),
        ({"status": "completed", "last_modified": at("11:00")}, "11:00", None),
        ({"status": "cancelled", "last_modified": at("15:00")}, "15:00", "14:00"),
    ],
)
def test_a_task_is_overdue_from_its_due_time_until_it_is_closed(department, clock, columns, closed, overdue):
    task(department, **columns)
    row = department.one("marts.work_task")
    assert (clock(row["closed_at"]), clock(row["overdue_at"])) == (closed, overdue)
    assert row["is_open"] is (closed is None)
    if closed is None:
        assert row["minutes_to_completion"] == CUT


def test_without_a_record_of_changes_nobody_knows_who_touched_it(department):
    task(department, status="completed", execution_end=at("10:05"))
    row = department.one("marts.work_task")
    assert (row["is_history_known"], row["is_automatic"], row["is_completed"]) == (False, False, True)


def test_a_change_by_an_unknown_agent_or_of_another_kind_is_no_touch(department):
    task(department, status="completed", execution_end=at("10:05"))
    department.deliver(
        "fhir_provenance", provenance_key="p1", task_keys=["t1", "t2"], codes=[{"system": "x", "code": "override"}]
    )
    row = department.one("marts.work_task")
    assert (row["manual_touches"], row["is_overridden"], row["is_history_known"]) == (0, False, True)
    assert {found["task_key"] for found in department.build("staging.provenance")} == {"t1", "t2"}


def test_other_tasks_and_drafts_are_no_queued_work(department):
    task(department, kind="handoff")
    task(department, task_key="t2", status="draft")
    assert department.build("marts.work_task") == []


def test_the_end_of_a_task_is_exact_where_it_is_recorded_and_an_interval_where_only_exports_prove_it(department, clock):
    export = {"4": "2026-01-06T00:00:00-05:00", "5": "2026-01-07T00:00:00-05:00"}
    task(department, task_key="t1", status="completed", execution_end=at("11:00"))
    task(department, task_key="t2", seen_from=export["4"], seen_to=export["4"])
    task(department, task_key="t2", status="completed", seen_from=export["5"], seen_to=export["5"], line=2)
    task(department, task_key="t3", status="cancelled", seen_from=export["4"], seen_to=export["4"])
    task(department, task_key="t4")
    rows = {row["task_key"]: row for row in department.build("marts.work_task")}
    assert {key: row["resolution_minutes"] for key, row in rows.items()} == {
        "t1": 0,
        "t2": 24 * 60,  # open in the export of the 6th, completed in that of the 7th
        "t3": 14 * 60,  # created on the 5th at 10:00, cancelled when first seen, on the 6th at 00:00
        "t4": None,
    }
    assert [
        (key, row["closed_at"].day, clock(row["closed_at"])) for key, row in rows.items() if key in {"t2", "t3"}
    ] == [
        ("t2", 7, "00:00"),
        ("t3", 6, "00:00"),
    ]
