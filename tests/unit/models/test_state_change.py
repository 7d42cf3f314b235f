"""The ledger of transitions: what each change of state is proven by, and how exactly its time is known."""

import itertools

import pytest


def at(day, hour=0):
    return f"2026-01-{day:02}T{hour:02}:00:00-05:00"


def order(hospital, status, first, last=None, *, written=None, authored="2026-01-03T08:00:00-05:00", **more):
    hospital.deliver(
        "fhir_service_request", order_key="o1", status=status, authored_on=authored, last_updated=written,
        seen_from=at(first), seen_to=at(last or first), **more,
    )  # fmt: skip


def ledger(hospital, clock):
    """Each change: from, to, the day and local time of both bounds, hours between, basis, collapsed."""

    def said(instant):
        return instant and f"{instant.day} {clock(instant)}"

    rows = hospital.build("marts.state_change")
    return [
        (row["from_status"], row["to_status"], said(row["not_before"]), said(row["not_after"]), row["basis"])
        for row in sorted(rows, key=lambda row: (row["not_after"], row["to_status"]))
    ]


def test_the_first_state_of_an_order_is_recorded_and_its_end_lies_between_two_exports(hospital, clock):
    order(hospital, "active", 4, 5)
    order(hospital, "completed", 7)
    assert ledger(hospital, clock) == [
        (None, "active", "3 08:00", "3 08:00", "recorded"),
        ("active", "completed", "5 00:00", "7 00:00", "between_exports"),
    ]
    widths = {row["to_status"]: row["resolution_minutes"] for row in hospital.build("marts.state_change")}
    assert widths == {"active": 0, "completed": 2 * 24 * 60}


def test_the_time_of_a_version_narrows_the_interval(hospital, clock):
    order(hospital, "active", 4, written=at(3, 9))
    order(hospital, "completed", 5, written=at(4, 10))
    assert ledger(hospital, clock)[1] == ("active", "completed", "4 00:00", "4 10:00", "between_versions")


@pytest.mark.parametrize(
    "order_of_loading", list(itertools.permutations([(3, "active"), (5, "on-hold"), (8, "active")]))
)
def test_a_state_that_comes_back_is_two_changes_in_whatever_order_the_exports_came(hospital, clock, order_of_loading):
    seen = {}
    for file_id, (day, status) in enumerate(order_of_loading):
        seen.setdefault(status, []).append((day, file_id))
    for status, days in seen.items():
        order(hospital, status, min(days)[0], max(days)[0], file_id=min(file for _, file in days), authored=None)
    assert ledger(hospital, clock) == [
        (None, "active", None, "3 00:00", "between_exports"),
        ("active", "on-hold", "3 00:00", "5 00:00", "between_exports"),
        ("on-hold", "active", "5 00:00", "8 00:00", "between_exports"),
    ]


def test_an_export_that_still_shows_a_replaced_version_proves_nothing(hospital, clock):
    order(hospital, "active", 4, 6, written=at(3, 9))
    order(hospital, "completed", 5, written=at(4, 10))
    assert [change[1] for change in ledger(hospital, clock)] == ["active", "completed"]


def test_a_task_says_itself_when_it_was_begun_and_completed(hospital, clock):
    times = {"authored_on": at(3, 8), "execution_start": at(3, 9), "execution_end": at(3, 11)}
    hospital.deliver("fhir_task", task_key="t1", status="completed", exported_at=at(4), **times)
    (row,) = hospital.build("marts.state_change")
    assert (row["to_status"], clock(row["happened_at"]), row["basis"], row["is_collapsed"]) == (
        "completed",
        "11:00",
        "recorded",
        False,
    )


def test_states_that_were_never_seen_are_said_to_be_collapsed(hospital):
    hospital.deliver("fhir_task", task_key="t1", status="requested", exported_at=at(4))
    hospital.deliver("fhir_task", task_key="t1", status="completed", exported_at=at(5))
    hospital.deliver("fhir_task", task_key="t2", status="in-progress", exported_at=at(4))
    hospital.deliver("fhir_task", task_key="t2", status="completed", exported_at=at(5))
    found = {
        row["resource_key"]: row["is_collapsed"]
        for row in hospital.build("marts.state_change")
        if row["to_status"] == "completed"
    }
    assert found == {"t1": True, "t2": False}


def test_an_encounter_with_a_status_history_is_exact_and_one_without_is_not(hospital, clock):
    hospital.organization()
    spells = [
        {"status": "arrived", "start": at(3, 8), "end": at(3, 9)},
        {"status": "in-progress", "start": at(3, 9), "end": at(3, 15)},
    ]
    hospital.visit("e1", status="finished", status_history=spells)
    assert ledger(hospital, clock) == [
        (None, "arrived", "3 08:00", "3 08:00", "recorded"),
        ("arrived", "in-progress", "3 09:00", "3 09:00", "recorded"),
        ("in-progress", "finished", "3 15:00", "3 15:00", "recorded"),
    ]
    assert {row["facility"] for row in hospital.build("marts.state_change")} == {"Northfield"}
    hospital.visit("e2", status="in-progress", exported_at=at(4))
    hospital.visit("e2", status="finished", exported_at=at(5))
    assert ledger(hospital, clock)[-1] == ("in-progress", "finished", "4 00:00", "5 00:00", "between_exports")


def test_an_appointment_is_booked_when_it_was_made_and_cancelled_when_it_says_so(hospital, clock):
    made = {"appointment_key": "a1", "created": at(3, 8)}
    hospital.deliver("fhir_appointment", status="booked", exported_at=at(4), **made)
    hospital.deliver("fhir_appointment", status="cancelled", cancelled=at(5, 10), exported_at=at(6), **made)
    assert ledger(hospital, clock) == [
        (None, "booked", "3 08:00", "3 08:00", "recorded"),
        ("booked", "cancelled", "5 10:00", "5 10:00", "recorded"),
    ]


def told(
    hospital,
    recorded,
    *,
    version=None,
    activity=None,
    system="http://hl7.org/fhir/request-status",
    kind="ServiceRequest",
    key="o1",
):
    """A Provenance of an order, which may name one of its versions and the state into which it came."""
    hospital.deliver(
        "fhir_provenance", provenance_key=f"p {recorded} {activity}", recorded=recorded,
        codes=[{"system": system, "code": activity}] if activity else None,
        targets=[{"resource_type": kind, "resource_key": key, "version_id": version}],
    )  # fmt: skip


COMPLETED = ("active", "completed")


@pytest.mark.parametrize(
    ("provenance", "found"),
    [
        # seen active on the 5th and completed on the 7th
        ({"version": "2"}, ("5 00:00", "6 10:00", "between_versions")),  # by then this version was there
        ({"version": "9"}, ("5 00:00", "7 00:00", "between_exports")),  # of a version that was never sent
        ({}, ("5 00:00", "7 00:00", "between_exports")),  # of what changed it says nothing
        ({"activity": "completed"}, ("6 10:00", "6 10:00", "recorded")),
        ({"activity": "on-hold"}, ("5 00:00", "7 00:00", "between_exports")),  # a state that was never seen
        ({"activity": "completed", "system": "urn:ours"}, ("5 00:00", "7 00:00", "between_exports")),
        ({"activity": "completed", "key": "o2"}, ("5 00:00", "7 00:00", "between_exports")),
    ],
)
def test_a_provenance_of_the_version_narrows_the_interval_and_one_of_the_state_closes_it(
    hospital, clock, provenance, found
):
    order(hospital, "active", 4, 5, version_id="1")
    order(hospital, "completed", 7, version_id="2")
    told(hospital, at(6, 10), **provenance)
    assert ledger(hospital, clock)[1] == (*COMPLETED, *found)


@pytest.mark.parametrize("recorded", [at(4, 23), at(7, 1)])
def test_a_provenance_that_contradicts_the_exports_proves_nothing(hospital, clock, recorded):
    order(hospital, "active", 4, 5)
    order(hospital, "completed", 7)
    told(hospital, recorded, activity="completed")
    assert ledger(hospital, clock)[1] == (*COMPLETED, "5 00:00", "7 00:00", "between_exports")


def test_of_a_task_that_was_completed_twice_the_last_time_counts(hospital, clock):
    for n, status in ((4, "requested"), (6, "completed")):
        hospital.deliver("fhir_task", task_key="t1", status=status, authored_on=at(3, 8), exported_at=at(n))
    system = "https://wardflow.example/task-activity"
    for hour, activity in ((1, "complete"), (2, "reopen"), (3, "complete")):
        told(hospital, at(5, hour), activity=activity, system=system, kind="Task", key="t1")
    assert ledger(hospital, clock)[1] == ("requested", "completed", "5 03:00", "5 03:00", "recorded")
    assert hospital.one("marts.task_progress")["closed_within_minutes"] == 0


def test_a_deleted_provenance_proves_nothing(hospital, clock):
    order(hospital, "active", 4, 5)
    order(hospital, "completed", 7)
    told(hospital, at(6, 10), activity="completed")
    gone = {"provenance_key": f"p {at(6, 10)} completed", "is_deleted": True}
    hospital.deliver("fhir_provenance", **gone, exported_at="2026-02-01T00:00:00-05:00")
    assert ledger(hospital, clock)[1] == (*COMPLETED, "5 00:00", "7 00:00", "between_exports")
