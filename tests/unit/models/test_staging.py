"""Staging: the latest version of each resource, typed, and no instant that the hospital did not send."""

from datetime import date

import pytest


def statuses(hospital):
    return {row["encounter_key"]: row["status"] for row in hospital.build("staging.encounter")}


def test_the_latest_version_wins_whatever_the_order_of_arrival(hospital):
    hospital.visit("e1", status="finished", last_updated="2026-01-02T10:00:00-05:00", file_id=1)
    hospital.visit("e1", status="arrived", last_updated="2026-01-01T10:00:00-05:00", file_id=9)
    assert statuses(hospital) == {"e1": "finished"}


def test_a_version_without_an_update_time_is_as_old_as_its_export(hospital):
    hospital.visit("e1", status="arrived", last_updated=None, exported_at="2026-01-01T00:00:00-05:00")
    hospital.visit(
        "e1", status="triaged", last_updated="2026-01-01T12:00:00-05:00", exported_at="2026-01-02T00:00:00-05:00"
    )
    assert statuses(hospital) == {"e1": "triaged"}


def test_equal_update_times_are_decided_by_export_file_and_line(hospital):
    same = {"last_updated": "2026-01-01T12:00:00-05:00", "exported_at": "2026-01-02T00:00:00-05:00"}
    hospital.visit("e1", status="triaged", file_id=2, line=7, **same)
    hospital.visit("e1", status="arrived", file_id=2, line=3, **same)
    hospital.visit("e1", status="planned", file_id=1, line=9, **same)
    assert statuses(hospital) == {"e1": "triaged"}


def test_deleted_and_mistaken_resources_are_gone(hospital):
    hospital.visit("e1", last_updated="2026-01-01T12:00:00-05:00")
    hospital.deliver("fhir_encounter", encounter_key="e1", is_deleted=True, exported_at="2026-02-05T00:00:00-05:00")
    hospital.visit("e2", status="entered-in-error")
    hospital.visit("e3", status=None)
    assert statuses(hospital) == {"e3": None}


def test_a_resource_that_comes_back_after_its_deletion_counts_again(hospital):
    hospital.deliver("fhir_encounter", encounter_key="e1", is_deleted=True, exported_at="2026-01-01T00:00:00-05:00")
    hospital.visit("e1", last_updated="2026-01-02T00:00:00-05:00")
    assert statuses(hospital) == {"e1": "finished"}


def seen(first, last):
    return {"seen_from": f"2026-01-{first:02}T00:00:00-05:00", "seen_to": f"2026-01-{last:02}T00:00:00-05:00"}


def test_without_update_times_the_version_that_was_shown_last_is_the_latest_also_when_it_was_there_before(hospital):
    hospital.visit("e1", status="in-progress", **seen(1, 9))
    hospital.visit("e1", status="onleave", **seen(4, 6))
    assert statuses(hospital) == {"e1": "in-progress"}


@pytest.mark.parametrize(
    ("last_shown", "deleted", "is_there"),
    [(3, 5, False), (5, 5, False), (7, 5, True), (7, None, True), (None, 5, False)],
)
def test_a_deletion_holds_until_something_later_shows_the_resource_alive(hospital, last_shown, deleted, is_there):
    none = {"seen_from": None, "seen_to": None}
    hospital.visit("e1", **(seen(1, last_shown) if last_shown else none))
    hospital.visit("e1", status="arrived", **(seen(1, 2) if last_shown else none))
    tombstone = seen(deleted, deleted) if deleted else none
    hospital.deliver("fhir_encounter", encounter_key="e1", is_deleted=True, **tombstone)
    assert statuses(hospital) == ({"e1": "finished"} if is_there else {})


@pytest.mark.parametrize(
    ("sent", "precision", "local"),
    [
        ("2026-01-05T10:00:00-05:00", "instant", "10:00"),
        ("2026-01-05T15:00:00Z", "instant", "10:00"),
        ("2026-01-05T15:00:00.123Z", "instant", "10:00"),
        ("2026-01-05T10:00:00", "zoneless", None),
        ("2026-01-05", "day", None),
        ("2026", "day", None),
        (None, None, None),
    ],
)
def test_an_instant_needs_a_time_and_a_zone(hospital, clock, sent, precision, local):
    hospital.deliver("fhir_observation", observation_key="o1", issued=sent, status="final")
    row = hospital.one("staging.observation")
    assert (row["issued_precision"], clock(row["issued_at"])) == (precision, local)


@pytest.mark.parametrize(
    ("category", "code", "kind"),
    [
        (["108252007"], "718-7", "lab"),
        (["363679005"], "36643-5", "imaging"),
        (None, "32485007", "admission"),
        (None, "58000006", "discharge"),
        ([], "999", "other"),
    ],
)
def test_orders_are_told_apart_by_their_codes(hospital, category, code, kind):
    hospital.deliver(
        "fhir_service_request", order_key="o1", category_codes=category, codes=[{"system": "s", "code": code}]
    )
    assert hospital.one("staging.order")["order_kind"] == kind


def test_tasks_are_told_apart_by_the_code_in_our_own_system(hospital):
    ours = {"system": "https://wardflow.example/task-code", "code": "handoff"}
    hospital.deliver("fhir_task", task_key="t1", codes=[{"system": "other", "code": "x"}, ours])
    hospital.deliver("fhir_task", task_key="t2", codes=[{"system": "other", "code": "handoff"}])
    assert {row["task_key"]: row["task_kind"] for row in hospital.build("staging.task")} == {
        "t1": "handoff",
        "t2": "other",
    }


def test_stays_that_were_only_planned_are_no_stays(hospital):
    stays = [
        {"location_id": place, "status": status, "start": "2026-01-05T10:00:00-05:00", "end": None}
        for place, status in (("a", "planned"), ("b", "reserved"), ("c", "active"), ("d", None))
    ]
    hospital.visit("e1", locations=stays)
    found = hospital.build("staging.encounter_location")
    assert [(row["location_id"], row["segment_no"]) for row in found] == [("c", 3), ("d", 4)]


def test_an_identifier_list_becomes_rows(hospital):
    hospital.visit("e1", visit_keys=["v1", "v2", "v1"])
    hospital.visit("e2", visit_keys=None)
    found = {(row["encounter_key"], row["visit_key"]) for row in hospital.build("staging.encounter_identifier")}
    assert found == {("e1", "v1"), ("e1", "v2")}


def test_a_bed_belongs_to_its_ward_and_a_room_to_its_department(hospital):
    hospital.emergency_department()
    hospital.location("attic", physical="area")
    found = {row["name"]: row for row in hospital.build("marts.location")}
    assert {name: row["unit"] for name, row in found.items()} == {
        "Ed": "Ed", "Waiting": "Ed", "Room 1": "Ed", "4 North": "4 North", "Bed 1": "4 North", "Attic": "Attic",
    }  # fmt: skip
    assert {name for name, row in found.items() if row["is_emergency"]} == {"Ed", "Waiting", "Room 1"}
    assert [name for name, row in found.items() if row["is_treatment_room"]] == ["Room 1"]
    assert {name for name, row in found.items() if row["is_inpatient"]} == {"4 North", "Bed 1"}
    assert [name for name, row in found.items() if not row["is_type_known"]] == ["Attic"]


def test_a_place_without_an_organization_takes_its_parents(hospital):
    hospital.organization()
    hospital.location("ward", "HU", physical="wa")
    hospital.location("bed", part_of="ward", organization=None)
    hospital.location("tent", organization=None)
    assert {row["name"]: row["facility"] for row in hospital.build("marts.location")} == {
        "Ward": "Northfield", "Bed": "Northfield", "Tent": "Unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("instant", "hour", "day"),
    [
        ("2025-11-02T00:30:00-04:00", "2025-11-02 00:00", date(2025, 11, 2)),
        ("2025-11-02T01:30:00-04:00", "2025-11-02 01:00", date(2025, 11, 2)),  # the hour that comes twice,
        ("2025-11-02T01:30:00-05:00", "2025-11-02 01:00", date(2025, 11, 2)),  # and again
        ("2025-11-02T23:59:59-05:00", "2025-11-02 23:00", date(2025, 11, 2)),
        ("2026-03-08T01:59:59-05:00", "2026-03-08 01:00", date(2026, 3, 8)),
        ("2026-03-08T03:00:00-04:00", "2026-03-08 03:00", date(2026, 3, 8)),  # the hour from 2 does not exist
        ("2026-03-09T03:59:59Z", "2026-03-08 23:00", date(2026, 3, 8)),
        ("2026-03-09T04:00:00Z", "2026-03-09 00:00", date(2026, 3, 9)),
    ],
)
def test_the_local_calendar_on_both_nights_on_which_clocks_change(hospital, instant, hour, day):
    hospital.emergency_department()
    hospital.visit("e1", ("waiting", instant, None), status="arrived")
    row = hospital.one("marts.ed_attendance")
    assert (f"{row['arrival_hour']:%Y-%m-%d %H:%M}", row["arrival_date"]) == (hour, day)


@pytest.mark.parametrize(
    ("begin", "end", "minutes"),
    [
        ("2025-11-02T00:30:00-04:00", "2025-11-02T03:30:00-05:00", 4 * 60),  # clocks go back: 3 hours on the wall
        ("2026-03-08T00:30:00-05:00", "2026-03-08T03:30:00-04:00", 2 * 60),  # clocks go forward: 3 hours on the wall
    ],
)
def test_durations_are_elapsed_time_on_both_nights(hospital, begin, end, minutes):
    hospital.emergency_department()
    hospital.visit("e1", ("waiting", begin, end), end=end)
    assert hospital.one("marts.ed_attendance")["minutes_in_department"] == minutes


def test_weeks_begin_on_monday_and_months_on_the_first(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("waiting", "2026-02-01T12:00:00-05:00", None), status="arrived")  # a Sunday
    row = hospital.one("marts.ed_attendance")
    assert (row["arrival_week"], row["arrival_month"]) == (date(2026, 1, 26), date(2026, 2, 1))


def test_the_journal_and_the_registry_are_carried_over(hospital):
    hospital.db.execute("insert into raw.decision (decision_id, actor) values ('d1', 'amy')")
    hospital.db.execute("insert into raw.registry_interface (flow, source) values ('ADT', 'engine')")
    assert hospital.one("staging.decision")["actor"] == "amy"
    assert hospital.one("staging.registry_interface")["kind"] == "channel"


def test_a_patient_is_only_a_key_and_medical_record_keys(hospital):
    hospital.deliver("fhir_patient", patient_key="p1", mrn_keys=["m1"])
    hospital.deliver("fhir_patient", patient_key="p1", mrn_keys=["m1", "m2"], line=99)
    found = hospital.build("staging.patient_identifier")
    assert sorted(row["mrn_key"] for row in found) == ["m1", "m2"]
    assert set(found[0]) == {"patient_key", "mrn_key", "source", "file_id", "line"}
