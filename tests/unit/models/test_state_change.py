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
