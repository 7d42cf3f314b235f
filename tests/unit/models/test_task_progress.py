"""What the marts make of work that does not say itself when it was taken on, begun and ended: successive exports prove it."""

import pytest


def at(time):
    return f"2026-01-05T{time}:00-05:00"


def seen(hospital, kind, *states, **columns):
    """A Task made at 10:00, of which exports saw these states, `("requested", "10:30")` and so on."""
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00"), None), status="in-progress")
    for status, time in states:
        task = {
            "task_key": "t1",
            "encounter_key": "e1",
            "codes": [{"system": "https://wardflow.example/task-code", "code": kind}],
            "authored_on": at("10:00"),
            "location_id": "4 north",
            "status": status,
        }
        hospital.deliver("fhir_task", **task | columns, exported_at=at(time))


def told(row, clock, *names):
    return [clock(row[name]) if name.endswith("_at") else row[name] for name in names]


@pytest.mark.parametrize(
    ("states", "accepted", "width", "is_missed", "is_known"),
    [
        # accept by 10:30, the hospital's half hour
        ([("requested", "10:10"), ("accepted", "10:25")], "10:25", 15, False, True),
        ([("requested", "10:10"), ("accepted", "11:00")], "11:00", 50, True, False),
        ([("requested", "10:30"), ("accepted", "11:00")], "11:00", 30, True, True),  # at 10:30 it was still open
        ([("requested", "10:40"), ("in-progress", "11:00")], "11:00", 20, True, True),
        ([("completed", "12:00")], "12:00", 120, True, False),  # some time after it was made
    ],
)
def test_a_handoff_was_accepted_between_two_exports(hospital, clock, states, accepted, width, is_missed, is_known):
    seen(hospital, "handoff", *states)
    row = hospital.one("marts.handoff")
    names = ("accepted_at", "resolution_minutes", "is_missed", "is_in_time_known", "is_accepted", "is_open")
    assert told(row, clock, *names) == [accepted, width, is_missed, is_known, True, False]


def test_a_handoff_that_nobody_took_ends_between_two_exports_as_well(hospital, clock):
    seen(hospital, "handoff", ("requested", "10:40"), ("rejected", "11:00"))
    row = hospital.one("marts.handoff")
    assert told(row, clock, "accepted_at", "closed_at", "resolution_minutes", "is_missed") == [None, "11:00", 20, True]


def test_what_a_handoff_says_itself_is_exact(hospital, clock):
    seen(hospital, "handoff", ("requested", "10:10"), ("completed", "12:00"), execution_start=at("10:20"))
    row = hospital.one("marts.handoff")
    assert told(row, clock, "accepted_at", "resolution_minutes", "is_in_time_known") == ["10:20", 0, True]


def test_a_bed_is_begun_and_clean_between_exports(hospital, clock):
    seen(hospital, "bed-clean", ("requested", "10:15"), ("in-progress", "10:30"), ("completed", "11:00"))
    row = hospital.one("marts.bed_clean")
    assert told(row, clock, "started_at", "cleaned_at", "minutes_cleaning") == ["10:30", "11:00", 30]
    widths = [row[f"{leg}_resolution_minutes"] for leg in ("start", "clean", "cleaning")]
    assert widths == [15, 30, 45]


def test_a_bed_that_was_never_seen_under_way_has_no_start(hospital, clock):
    seen(hospital, "bed-clean", ("requested", "10:15"), ("completed", "11:00"))
    row = hospital.one("marts.bed_clean")
    assert told(row, clock, "started_at", "cleaned_at", "minutes_cleaning") == [None, "11:00", None]
    widths = [row[f"{leg}_resolution_minutes"] for leg in ("start", "clean", "cleaning")]
    assert widths == [None, 45, None]


@pytest.mark.parametrize(
    ("states", "acknowledged", "width", "is_known"),
    [
        # issued at 10:00, the window is an hour
        ([("requested", "10:15"), ("completed", "10:45")], "10:45", 30, True),
        ([("requested", "10:15"), ("completed", "11:15")], "11:15", 60, False),
        ([("requested", "11:00"), ("completed", "11:15")], "11:15", 15, True),
    ],
)
def test_a_critical_result_is_acknowledged_between_exports(hospital, clock, states, acknowledged, width, is_known):
    hospital.deliver(
        "fhir_observation", observation_key="x1", status="final", interpretation_codes=["HH"], issued=at("10:00")
    )
    seen(hospital, "critical-result-ack", *states, focus_key="x1")
    row = hospital.one("marts.critical_result")
    assert told(row, clock, "acknowledged_at", "resolution_minutes", "is_in_time_known") == [
        acknowledged,
        width,
        is_known,
    ]


def test_a_visit_without_a_history_is_seen_by_a_clinician_between_exports(hospital, clock):
    hospital.emergency_department()
    for status, time in (("arrived", "10:00"), ("in-progress", "10:30")):
        hospital.visit("e1", ("room 1", at("09:40"), None), status=status, exported_at=at(time))
    row = hospital.one("marts.ed_attendance")
    assert told(row, clock, "first_contact_at", "minutes_to_provider", "contact_resolution_minutes") == [
        "10:30",
        50,
        30,
    ]


def test_a_visit_that_was_under_way_when_it_was_first_seen_says_nothing_of_its_wait(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:40"), None), status="in-progress", exported_at=at("10:30"))
    row = hospital.one("marts.ed_attendance")
    assert (row["minutes_to_provider"], row["contact_resolution_minutes"]) == (None, None)
