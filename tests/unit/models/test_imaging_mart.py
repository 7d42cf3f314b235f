"""The imaging mart, each rule on the smallest hospital that shows it."""

import pytest

CUT = 26 * 24 * 60 + 120  # minutes from 5 January 10:00 to the data cut, 31 January 12:00


def at(time):
    return f"2026-01-05T{time}:00-05:00"


@pytest.fixture
def ordered(hospital):
    """An emergency department that ordered one examination at ten."""
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00"), None), status="in-progress")
    hospital.deliver(
        "fhir_service_request",
        order_key="o1",
        encounter_key="e1",
        status="active",
        priority="stat",
        category_codes=["363679005"],
        authored_on=at("10:00"),
        location_id="ed",
    )
    return hospital


def study(hospital, started, status="available", modality="CT"):
    hospital.deliver(
        "fhir_imaging_study",
        imaging_study_key="s1",
        order_keys=["o1"],
        status=status,
        modality_codes=[modality],
        started=started,
    )


def report(hospital, status, issued, key="r1"):
    hospital.deliver("fhir_diagnostic_report", report_key=key, order_keys=["o1"], status=status, issued=issued)


def minutes(row):
    return [row[name] for name in ("minutes_to_exam", "minutes_exam_to_report", "minutes_to_final")]


def test_the_legs_of_an_examination_add_up(ordered, clock):
    study(ordered, at("10:30"))
    report(ordered, "final", at("11:45"))
    row = ordered.one("marts.imaging_order")
    assert minutes(row) == [30, 75, 30 + 75]
    assert (row["facility"], row["unit"], row["modality"]) == ("Northfield", "Ed", "CT")
    assert (row["is_open"], row["is_waiting_for_exam"], row["is_waiting_for_report"]) == (False, False, False)
    assert [clock(row[name]) for name in ("examined_at", "final_at")] == ["10:30", "11:45"]


def test_a_preliminary_report_does_not_end_the_wait(ordered):
    study(ordered, at("10:30"))
    report(ordered, "preliminary", at("10:50"))
    row = ordered.one("marts.imaging_order")
    assert minutes(row) == [30, CUT - 30, CUT]
    assert (row["is_read"], row["is_final"], row["is_waiting_for_report"]) == (True, False, True)


def test_an_order_without_a_study_waits_for_its_examination(ordered):
    row = ordered.one("marts.imaging_order")
    assert minutes(row) == [CUT, None, CUT]
    assert (row["is_waiting_for_exam"], row["is_open"], row["modality"]) == (True, True, "Unknown")


@pytest.mark.parametrize(
    ("started", "status", "examined", "known"),
    [
        (None, "registered", False, True),  # booked, not begun
        (None, "available", True, False),  # pictures, but since when?
        ("2026-01-05", "available", True, False),
        (at("10:30"), "registered", True, True),
        (at("10:30"), "cancelled", False, True),
    ],
)
def test_an_examination_has_begun_when_it_has_a_time_or_pictures(ordered, started, status, examined, known):
    study(ordered, started, status)
    row = ordered.one("marts.imaging_order")
    assert (row["is_examined"], row["is_exam_time_known"]) == (examined, known)


def test_a_final_report_proves_an_examination_at_an_unknown_time(ordered):
    report(ordered, "final", "2026-01-05")
    row = ordered.one("marts.imaging_order")
    assert (row["is_examined"], row["is_exam_time_known"], row["is_final_time_known"]) == (True, False, False)
    assert minutes(row) == [None, None, None]


def test_a_laboratory_order_is_no_examination(hospital):
    hospital.deliver("fhir_service_request", order_key="o1", category_codes=["108252007"], authored_on=at("10:00"))
    assert hospital.build("marts.imaging_order") == []
