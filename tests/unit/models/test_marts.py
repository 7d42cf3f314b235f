"""The clinical marts, each rule on the smallest hospital that shows it."""

import pytest

DAY = "2026-01-05T"
HANDOFF = [{"system": "https://wardflow.example/task-code", "code": "handoff"}]


def task(code):
    return [{"system": "https://wardflow.example/task-code", "code": code}]


def order(hospital, key, kind="lab", at="10:00", **columns):
    code = {"admission": "32485007", "discharge": "58000006"}.get(kind, "718-7")
    hospital.deliver(
        "fhir_service_request",
        **{
            "order_key": key,
            "encounter_key": "e1",
            "placer_keys": [f"placer of {key}"],
            "status": "completed",
            "category_codes": ["108252007"] if kind == "lab" else None,
            "codes": [{"system": "s", "code": code}],
            "authored_on": f"{DAY}{at}:00-05:00",
            "location_id": "ed",
        }
        | columns,
    )


@pytest.fixture
def emergency(hospital):
    hospital.emergency_department()
    return hospital


def at(time):
    return f"{DAY}{time}:00-05:00"


def test_a_visit_runs_from_its_first_emergency_stay_to_the_end_of_its_last(emergency, clock):
    emergency.visit(
        "e1",
        ("waiting", at("10:00"), at("10:30")),
        ("room 1", at("10:30"), at("13:00")),
        begin=at("09:50"),
        end=at("13:10"),
    )
    row = emergency.one("marts.ed_attendance")
    assert [clock(row[name]) for name in ("arrived_at", "roomed_at", "departed_at")] == ["10:00", "10:30", "13:00"]
    assert (row["minutes_in_department"], row["is_departure_known"], row["is_open"]) == (180, True, False)
    assert (row["facility"], row["unit"]) == ("Northfield", "Ed")


def test_a_visit_without_any_stay_begins_with_the_encounter_and_its_departure_is_unknown(emergency, clock):
    emergency.visit("e1", begin=at("09:50"), end=at("13:10"))
    row = emergency.one("marts.ed_attendance")
    assert (clock(row["arrived_at"]), row["departed_at"], row["is_departure_known"]) == ("09:50", None, False)
    assert row["departure_hour"].hour == 13  # counted on the day the encounter was closed


@pytest.mark.parametrize("place", ["fast track", "attic"], ids=["never sent", "sent without a type"])
def test_one_stay_at_a_place_of_unknown_type_makes_the_departure_unknown(emergency, place):
    emergency.location("attic", physical="area")
    emergency.visit("e1", ("waiting", at("10:00"), at("10:30")), (place, at("10:30"), at("13:00")), end=at("13:00"))
    row = emergency.one("marts.ed_attendance")
    assert (row["is_departure_known"], row["minutes_in_department"]) == (False, None)
    assert row["departure_hour"].hour == 13


def test_a_stay_without_an_end_makes_the_departure_unknown(emergency):
    emergency.visit("e1", ("waiting", at("10:00"), at("10:30")), ("room 1", at("10:30"), None), end=at("13:00"))
    assert emergency.one("marts.ed_attendance")["is_departure_known"] is False


def test_an_open_visit_has_neither_departure_nor_a_day_of_departure(emergency):
    emergency.visit("e1", ("waiting", at("10:00"), at("10:30")), status="in-progress")
    row = emergency.one("marts.ed_attendance")
    assert (row["is_open"], row["departed_at"], row["departure_date"], row["is_boarding"]) == (True, None, None, False)


def test_a_visit_closed_without_an_end_is_closed_and_belongs_to_no_day(emergency):
    emergency.visit("e1", status="finished", begin=at("10:00"))
    row = emergency.one("marts.ed_attendance")
    assert (row["is_open"], row["departure_date"]) == (False, None)


def test_planned_and_cancelled_visits_are_none(emergency):
    emergency.visit("e1", status="planned")
    emergency.visit("e2", status="cancelled")
    assert emergency.build("marts.ed_attendance") == []


def test_boarding_runs_from_the_first_decision_that_still_stands(emergency, clock):
    emergency.visit(
        "e1", ("room 1", at("10:00"), at("16:00")), end=at("16:00"), discharge_disposition_codes=["admitted"]
    )
    order(emergency, "revoked", "admission", at="10:30", status="revoked")
    order(emergency, "second", "admission", at="13:00")
    order(emergency, "first", "admission", at="12:00", status="active")
    row = emergency.one("marts.ed_attendance")
    assert (clock(row["decision_at"]), row["boarding_minutes"], row["is_admitted"]) == ("12:00", 240, True)


def test_an_inpatient_stay_proves_admission_too(emergency):
    emergency.visit("e1", ("room 1", at("10:00"), at("16:00")), end=at("16:00"))
    emergency.visit("e2", ("bed 1", at("16:10"), None), class_code="IMP", status="in-progress", part_of_key="e1")
    assert emergency.one("marts.ed_attendance")["is_admitted"] is True


def test_whoever_is_still_here_after_the_decision_is_boarding(emergency):
    emergency.visit("e1", ("room 1", at("10:00"), None), status="in-progress")
    order(emergency, "o1", "admission")
    assert emergency.one("marts.ed_attendance")["is_boarding"] is True


def test_leaving_without_being_seen_is_a_disposition(emergency):
    emergency.visit("e1", discharge_disposition_codes=["21541000119102"])
    emergency.visit("e2", discharge_disposition_codes=["home"])
    found = {row["encounter_key"]: row["left_before_seen"] for row in emergency.build("marts.ed_attendance")}
    assert found == {"e1": True, "e2": False}


def test_triage_and_first_contact_come_from_the_status_history(emergency, clock):
    history = [
        {"status": status, "start": at(time), "end": None}
        for status, time in (("triaged", "10:10"), ("in-progress", "10:40"), ("in-progress", "11:00"))
    ]
    emergency.visit("e1", status_history=history)
    row = emergency.one("marts.ed_attendance")
    assert (clock(row["triaged_at"]), clock(row["first_contact_at"])) == ("10:10", "10:40")


def test_an_inpatient_stay_with_its_bed_request_and_discharge_order(emergency, clock):
    emergency.visit("e1", ("room 1", at("08:00"), at("12:00")), end=at("12:00"))
    emergency.visit("e2", ("bed 1", at("12:10"), at("18:30")), class_code="IMP", part_of_key="e1", end=at("18:40"))
    emergency.deliver(
        "fhir_task",
        task_key="t1",
        codes=task("bed-request"),
        encounter_key="e1",
        authored_on=at("09:00"),
        execution_start=at("11:00"),
        status="completed",
    )
    emergency.deliver(
        "fhir_task",
        task_key="t2",
        codes=task("bed-request"),
        encounter_key="e1",
        authored_on=at("08:30"),
        status="cancelled",
    )
    order(emergency, "o1", "discharge", at="16:30", encounter_key="e2")
    row = emergency.one("marts.inpatient_stay")
    assert [clock(row[name]) for name in ("bed_requested_at", "bed_assigned_at", "admitted_at", "discharge_ordered_at", "departed_at")] == [
        "09:00", "11:00", "12:10", "16:30", "18:30",
    ]  # fmt: skip
    assert (row["minutes_order_to_departure"], row["unit"], row["ed_encounter_key"]) == (120, "4 North", "e1")
    assert (row["minutes_to_departure"], row["minutes_of_stay"], row["left_before_noon"]) == (120, 6 * 60 + 20, False)


def test_who_is_still_here_after_the_discharge_order_waits_until_the_data_cut(emergency):
    emergency.visit("e2", ("bed 1", at("12:10"), None), class_code="IMP", status="in-progress")
    order(emergency, "o1", "discharge", at="16:30", encounter_key="e2")
    row = emergency.one("marts.inpatient_stay")
    assert row["minutes_to_departure"] == (25 * 24 + 19.5) * 60  # from 5 January 16:30 to 31 January 12:00
    assert (row["is_waiting_to_leave"], row["is_departed"], row["left_before_noon"]) == (True, False, None)


@pytest.mark.parametrize(("left", "before"), [("11:59", True), ("12:00", False)])
def test_noon_itself_is_not_before_noon(emergency, left, before):
    emergency.visit("e2", ("bed 1", at("08:00"), at(left)), class_code="IMP", end=at(left))
    assert emergency.one("marts.inpatient_stay")["left_before_noon"] is before


def test_waits_for_a_room_and_for_a_clinician_begin_at_the_door(emergency):
    seen = [{"status": "in-progress", "start": at("10:40"), "end": None}]
    emergency.visit(
        "e1",
        ("waiting", at("10:00"), at("10:30")),
        ("room 1", at("10:30"), at("13:00")),
        end=at("13:00"),
        status_history=seen,
    )
    row = emergency.one("marts.ed_attendance")
    assert (row["minutes_to_room"], row["minutes_to_provider"], row["is_room_known"]) == (30, 40, True)
    assert (row["is_waiting_for_room"], row["is_waiting_for_provider"]) == (False, False)


def test_a_place_of_unknown_type_makes_the_room_unknown(emergency):
    emergency.visit(
        "e1", ("waiting", at("10:00"), at("10:30")), ("fast track", at("10:30"), None), status="in-progress"
    )
    row = emergency.one("marts.ed_attendance")
    assert (row["minutes_to_room"], row["is_room_known"], row["is_waiting_for_room"]) == (None, False, False)
    assert row["is_waiting_for_provider"] is True


def bed_clean(hospital, **columns):
    hospital.deliver(
        "fhir_task",
        **{
            "task_key": "t1",
            "codes": task("bed-clean"),
            "authored_on": at("10:00"),
            "location_id": "4 north",
            "focus_location_id": "bed 1",
            "status": "requested",
        }
        | columns,
    )


def test_a_bed_is_requested_begun_and_clean(emergency, clock):
    bed_clean(emergency, status="completed", execution_start=at("10:20"), execution_end=at("10:50"))
    row = emergency.one("marts.bed_clean")
    assert [clock(row[name]) for name in ("requested_at", "started_at", "cleaned_at")] == ["10:00", "10:20", "10:50"]
    assert (row["minutes_to_start"], row["minutes_cleaning"], row["minutes_to_clean"]) == (20, 30, 50)
    assert (row["facility"], row["unit"], row["bed_id"]) == ("Northfield", "4 North", "bed 1")
    assert row["priority"] == "routine"
    assert (row["is_started"], row["is_cleaned"], row["is_open"]) == (True, True, False)


def test_a_bed_nobody_has_begun_waits_until_the_data_cut(emergency):
    bed_clean(emergency, priority="stat")
    row = emergency.one("marts.bed_clean")
    waited = (26 * 24 + 2) * 60  # from 5 January 10:00 to 31 January 12:00
    assert (row["minutes_to_start"], row["minutes_cleaning"], row["minutes_to_clean"]) == (waited, None, waited)
    assert (row["is_waiting"], row["is_open"], row["cleaned_date"], row["priority"]) == (True, True, None, "stat")


def test_a_request_cancelled_before_anyone_began_is_none_and_a_failed_one_ends_unclean(emergency):
    bed_clean(emergency, status="cancelled")
    bed_clean(emergency, task_key="t2", status="failed", execution_start=at("10:20"), last_modified=at("10:45"))
    row = emergency.one("marts.bed_clean")
    assert (row["bed_clean_key"], row["is_cleaned"], row["is_open"], row["minutes_to_clean"]) == (
        "t2",
        False,
        False,
        45,
    )


def test_an_order_is_verified_by_its_first_final_report(emergency, clock):
    order(emergency, "o1", at="10:00", priority="stat")
    emergency.deliver(
        "fhir_specimen", specimen_key="s1", order_keys=["o1"], collected=at("10:10"), received_time=at("10:20")
    )
    for key, status, issued in (("r1", "preliminary", "10:30"), ("r2", "final", "11:00"), ("r3", "amended", "12:00")):
        emergency.deliver("fhir_diagnostic_report", report_key=key, order_keys=["o1"], status=status, issued=at(issued))
    row = emergency.one("marts.lab_order")
    assert [clock(row[name]) for name in ("ordered_at", "collected_at", "received_at", "verified_at")] == [
        "10:00",
        "10:10",
        "10:20",
        "11:00",
    ]
    assert (row["minutes_to_verified"], row["is_verified"], row["is_open"], row["unit"]) == (60, True, False, "Ed")


def test_an_order_without_a_report_waits_until_the_data_cut(emergency):
    order(emergency, "o1", at="10:00")
    row = emergency.one("marts.lab_order")
    assert row["minutes_to_verified"] == 26 * 24 * 60 + 120  # from 5 January 10:00 to 31 January 12:00
    assert (row["is_verified"], row["is_open"], row["is_verified_time_known"]) == (False, True, True)


def test_a_report_issued_on_a_day_is_verified_at_an_unknown_time(emergency):
    order(emergency, "o1")
    emergency.deliver("fhir_diagnostic_report", report_key="r1", order_keys=["o1"], status="final", issued="2026-01-05")
    row = emergency.one("marts.lab_order")
    assert (row["is_verified"], row["is_verified_time_known"], row["minutes_to_verified"], row["is_open"]) == (
        True,
        False,
        None,
        False,
    )


def test_a_revoked_order_is_not_open(emergency):
    order(emergency, "o1", status="revoked")
    row = emergency.one("marts.lab_order")
    assert (row["is_revoked"], row["is_open"]) == (True, False)


def specimen(hospital, collected=None, received=None):
    hospital.deliver("fhir_specimen", specimen_key="s1", order_keys=["o1"], collected=collected, received_time=received)


def legs(row):
    return [row[f"minutes_{leg}"] for leg in ("to_collected", "collected_to_received", "received_to_verified")]


def test_the_legs_of_an_order_add_up_to_its_turnaround(emergency):
    order(emergency, "o1", at="10:00")
    specimen(emergency, at("10:10"), at("10:25"))
    emergency.deliver("fhir_diagnostic_report", report_key="r1", order_keys=["o1"], status="final", issued=at("11:00"))
    row = emergency.one("marts.lab_order")
    assert (legs(row), row["minutes_to_verified"]) == ([10, 15, 35], 10 + 15 + 35)


CUT = 26 * 24 * 60 + 120  # minutes from 5 January 10:00 to the data cut, 31 January 12:00


@pytest.mark.parametrize(
    ("collected", "received", "waits", "expected"),
    [
        (None, None, "is_waiting_for_collection", [CUT, None, None]),
        (at("10:10"), None, "is_in_transport", [10, CUT - 10, None]),
        (at("10:10"), at("10:25"), "is_in_laboratory", [10, 15, CUT - 25]),
        ("2026-01-05", at("10:25"), "is_in_laboratory", [None, None, CUT - 25]),
    ],
)
def test_an_open_order_is_in_exactly_one_leg(emergency, collected, received, waits, expected):
    order(emergency, "o1", at="10:00", priority="stat")
    specimen(emergency, collected, received)
    row = emergency.one("marts.lab_order")
    assert legs(row) == expected
    assert [leg for leg in ("is_waiting_for_collection", "is_in_transport", "is_in_laboratory") if row[leg]] == [waits]
    assert row["is_stat_open"] is True
    assert row["is_collected_time_known"] is (collected != "2026-01-05")


def test_a_verified_order_without_a_sample_was_collected_at_an_unknown_time(emergency):
    order(emergency, "o1", at="10:00")
    emergency.deliver("fhir_diagnostic_report", report_key="r1", order_keys=["o1"], status="final", issued=at("11:00"))
    row = emergency.one("marts.lab_order")
    assert (row["is_collected"], row["is_received"]) == (True, True)
    assert (row["is_collected_time_known"], row["is_received_time_known"], legs(row)) == (False, False, [None] * 3)


def critical(hospital, *, issued="10:00", acknowledged=None, flag="HH", status="completed"):
    order(hospital, "o1")
    when = at(issued) if ":" in issued else issued
    hospital.deliver(
        "fhir_observation",
        observation_key="x1",
        order_keys=["o1"],
        status="final",
        interpretation_codes=[flag],
        issued=when,
    )
    done = {"execution_end": at(acknowledged), "status": status} if acknowledged else {"status": "requested"}
    hospital.deliver(
        "fhir_task", task_key="t1", codes=task("critical-result-ack"), focus_key="x1", authored_on=at("10:01"), **done
    )


@pytest.mark.parametrize(("acknowledged", "within"), [("10:59", True), ("11:00", True), ("11:01", False)])
def test_acknowledged_exactly_at_the_window_counts_as_within(emergency, acknowledged, within):
    critical(emergency, acknowledged=acknowledged)
    row = emergency.one("marts.critical_result")
    assert (row["acknowledged_in_window"], row["is_window_closed"], row["is_open"]) == (within, True, False)


def test_a_result_nobody_acknowledged_is_open_and_decided_once_its_window_has_passed(emergency):
    critical(emergency)
    row = emergency.one("marts.critical_result")
    assert (row["acknowledged_in_window"], row["is_window_closed"], row["is_open"]) == (False, True, True)


@pytest.mark.parametrize(
    ("issued", "closed"), [("2026-01-31T11:00:00-05:00", True), ("2026-01-31T11:00:01-05:00", False)]
)
def test_a_window_is_closed_at_the_data_cut_but_not_before(emergency, issued, closed):
    critical(emergency)
    emergency.db.execute("update raw.fhir_observation set issued = $issued", {"issued": issued})
    assert emergency.one("marts.critical_result")["is_window_closed"] is closed


def test_a_critical_result_issued_on_a_day_counts_where_it_was_shown(emergency):
    critical(emergency, issued="2026-01-05", acknowledged="10:30")
    row = emergency.one("marts.critical_result")
    assert (row["is_result_time_known"], row["acknowledged_in_window"], row["result_hour"].hour) == (False, False, 10)


def test_only_high_and_low_alarms_are_critical(emergency):
    critical(emergency, flag="H")
    assert emergency.build("marts.critical_result") == []


@pytest.mark.parametrize(
    ("acknowledged", "escalated", "minutes", "flags"),
    [
        ("10:59", "10:45", None, (False, True, False)),  # in the window: none was due
        ("11:30", "10:45", 0, (True, True, False)),  # before the window ended at 11:00
        ("11:30", "11:20", 20, (True, True, False)),
        ("11:30", None, 30, (True, False, False)),  # never: until it was acknowledged
        ("11:30", "11:40", 30, (True, False, False)),  # afterwards is never
        (None, None, CUT - 60, (True, False, True)),
    ],
)
def test_escalation_is_due_when_the_window_closes_unanswered(emergency, acknowledged, escalated, minutes, flags):
    critical(emergency, acknowledged=acknowledged)
    if escalated:
        emergency.deliver(
            "fhir_task",
            task_key="t2",
            codes=task("critical-result-escalation"),
            focus_key="x1",
            authored_on=at(escalated),
            status="completed",
        )
    row = emergency.one("marts.critical_result")
    assert row["minutes_to_escalation"] == minutes
    assert (row["is_escalation_due"], row["is_escalated"], row["is_escalation_open"]) == flags


def test_an_escalation_belongs_to_its_result(emergency, clock):
    critical(emergency, acknowledged="11:30", flag="LL")
    emergency.deliver(
        "fhir_task",
        task_key="t2",
        codes=task("critical-result-escalation"),
        focus_key="x1",
        authored_on=at("10:45"),
        status="completed",
    )
    row = emergency.one("marts.critical_result")
    assert (clock(row["escalated_at"]), row["minutes_to_acknowledgement"], row["encounter_key"]) == ("10:45", 90, "e1")


def handoff(hospital, **columns):
    hospital.visit("e1", ("waiting", at("08:00"), at("09:00")), ("room 1", at("09:00"), at("12:00")), end=at("12:00"))
    hospital.deliver(
        "fhir_task",
        **{
            "task_key": "t1",
            "codes": HANDOFF,
            "encounter_key": "e1",
            "authored_on": at("10:00"),
            "location_id": "4 north",
            "status": "requested",
        }
        | columns,
    )
    return hospital.one("marts.handoff")


@pytest.mark.parametrize(("accepted", "missed"), [("10:30", False), ("10:31", True)])
def test_a_handoff_accepted_late_is_missed(emergency, accepted, missed):
    row = handoff(emergency, status="completed", execution_start=at(accepted), due=at("10:30"))
    assert (row["is_accepted"], row["is_missed"], row["is_settled"], row["is_open"]) == (True, missed, True, False)
    assert (row["unit"], row["from_unit"]) == ("4 North", "Ed")


def test_without_an_accept_by_time_the_hospitals_window_counts(emergency, clock):
    row = handoff(emergency, status="accepted", execution_start=at("10:40"))
    assert (clock(row["accept_by_at"]), row["is_missed"], row["minutes_to_acceptance"]) == ("10:30", True, 40)


@pytest.mark.parametrize("status", ["failed", "cancelled", "rejected"])
def test_a_handoff_closed_without_being_accepted_waited_until_then_and_is_missed(emergency, status):
    row = handoff(emergency, status=status, last_modified=at("10:50"), due=at("10:30"))
    assert (row["minutes_to_acceptance"], row["is_accepted"], row["is_missed"], row["is_open"]) == (
        50,
        False,
        True,
        False,
    )


def test_a_handoff_nobody_answered_waits_until_the_data_cut(emergency):
    row = handoff(emergency, due=at("10:30"))
    assert (row["minutes_to_acceptance"], row["is_open"], row["is_missed"]) == (26 * 24 * 60 + 120, True, True)
    assert row["closing_date"] is None
    assert row["closing_epoch"] is None


def test_a_handoff_that_may_still_be_accepted_in_time_is_not_settled(emergency):
    row = handoff(emergency, due="2026-01-31T12:30:00-05:00")
    assert (row["is_settled"], row["is_missed"]) == (False, False)


def test_the_journey_tells_what_happened_in_order_across_both_encounters(emergency, clock):
    emergency.visit("e1", ("waiting", at("08:00"), at("09:00")), end=at("09:00"))
    emergency.visit("e2", ("bed 1", at("09:10"), None), class_code="IMP", status="in-progress", part_of_key="e1")
    order(emergency, "o1", at="08:30")
    found = sorted(emergency.build("marts.journey_event"), key=lambda row: row["seq"])
    assert [(row["seq"], clock(row["occurred_at"]), row["case_key"], row["what"], row["place"]) for row in found] == [
        (1, "08:00", "e1", "arrived", "Ed"),
        (2, "08:00", "e1", "moved to Waiting", "Waiting"),
        (3, "08:30", "e1", "test ordered", "Ed"),
        (4, "09:00", "e1", "left the emergency department", "Ed"),
        (5, "09:10", "e2", "admitted to the ward", "4 North"),
        (6, "09:10", "e2", "moved to Bed 1", "Bed 1"),
    ]
    assert {row["journey_key"] for row in found} == {"e1"}
    assert all(row["file_id"] == 1 and row["line"] for row in found)


def test_each_event_of_a_journey_names_the_line_that_holds_its_fact(emergency):
    emergency.visit("e1", ("waiting", at("08:00"), at("12:00")), end=at("12:00"))
    order(emergency, "o1", at="08:30")
    emergency.deliver(
        "fhir_specimen",
        file_id=2,
        specimen_key="s1",
        order_keys=["o1"],
        collected=at("08:40"),
        received_time=at("08:50"),
    )
    emergency.deliver(
        "fhir_diagnostic_report", file_id=3, report_key="r1", order_keys=["o1"], status="final", issued=at("09:30")
    )
    critical(emergency, issued="09:30", acknowledged="09:40")
    order(emergency, "d1", kind="admission", at="10:00", file_id=5)
    emergency.deliver(
        "fhir_task",
        file_id=6,
        task_key="b1",
        encounter_key="e1",
        codes=task("bed-request"),
        authored_on=at("10:05"),
        status="completed",
    )
    emergency.visit("e2", ("bed 1", at("12:00"), None), class_code="IMP", status="in-progress", part_of_key="e1")
    found = {row["what"]: row["file_id"] for row in emergency.build("marts.journey_event")}
    assert {
        what: found[what] for what in ("sample collected", "result verified", "decision to admit", "bed requested")
    } == {
        "sample collected": 2,
        "result verified": 3,
        "decision to admit": 5,
        "bed requested": 6,
    }
