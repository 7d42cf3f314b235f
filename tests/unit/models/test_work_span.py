"""Who or what a step waited for, as far as it is recorded: triage, rooms and beds by where the patient was, people by their tasks."""

DAY = "2026-01-05T"


def at(time, day=DAY):
    return f"{day}{time}:00-05:00"


def task(hospital, code, **columns):
    codes = [{"system": "https://wardflow.example/task-code", "code": code}]
    hospital.deliver("fhir_task", **{"codes": codes, "status": "completed"} | columns)


def spans(hospital, activity, clock):
    found = [row for row in hospital.build("marts.work_span") if row["activity"] == activity]
    found.sort(key=lambda row: row["enabled_at"])
    return [
        (clock(row["enabled_at"]), clock(row["started_at"]), clock(row["ended_at"]), row["team"], row["is_place"])
        for row in found
    ]


def test_triage_is_the_stay_in_which_a_visit_became_triaged_and_a_room_is_taken_until_it_is_left(hospital, clock):
    hospital.emergency_department()
    hospital.location("triage", "1108-0", part_of="ed")
    hospital.visit(
        "e1",
        ("waiting", at("08:00"), at("08:05")),
        ("triage", at("08:05"), at("08:12")),
        ("waiting", at("08:12"), at("08:30")),
        ("room 1", at("08:30"), at("11:00")),
        end=at("11:00"),
        status_history=[{"status": "triaged", "start": at("08:12"), "end": at("11:00")}],
    )
    hospital.visit("never triaged", ("waiting", at("08:20"), at("09:00")), end=at("09:00"))
    hospital.visit("waits", ("waiting", at("10:00"), None), status="arrived")
    assert spans(hospital, "triaged", clock) == [
        ("08:00", "08:05", "08:12", "triaged Northfield Ed", False),
        ("10:00", None, None, "triaged Northfield Ed", False),
    ]
    assert spans(hospital, "in a room", clock) == [
        ("08:12", "08:30", "11:00", "in a room Northfield Ed", True),
        ("10:00", None, "12:00", "in a room Northfield Ed", True),  # until the data cut
    ]


def test_a_bed_is_taken_from_its_assignment_until_it_is_clean_again(hospital, clock):
    hospital.emergency_department()
    asked = {"patient_key": "p1", "encounter_key": "e1", "location_id": "4 north"}
    task(hospital, "bed-request", task_key="b1", **asked, authored_on=at("08:00"), execution_start=at("09:00"))
    hospital.visit("e2", ("bed 1", at("09:30"), at("15:00")), class_code="IMP", end=at("15:00"), patient_key="p1")
    clean = {"focus_location_id": "bed 1", "location_id": "4 north"}
    task(hospital, "bed-clean", task_key="c0", **clean, authored_on=at("07:00"), execution_end=at("07:40"))
    task(
        hospital,
        "bed-clean",
        task_key="c1",
        **clean,
        authored_on=at("15:10"),
        execution_start=at("15:20"),
        execution_end=at("15:50"),
    )
    task(
        hospital,
        "bed-request",
        task_key="b2",
        **asked | {"patient_key": "p2"},
        authored_on=at("10:00"),
        status="requested",
    )
    task(
        hospital,
        "bed-request",
        task_key="b3",
        **asked | {"patient_key": "p3"},
        authored_on=at("11:00"),
        status="cancelled",
    )
    hospital.location("bed 2", part_of="4 north", physical="bd")
    assert spans(hospital, "bed assigned", clock) == [
        ("08:00", "09:00", "15:50", "bed assigned Northfield 4 North", True),
        ("10:00", None, "12:00", "bed assigned Northfield 4 North", True),
    ]
    beds = {row["places"] for row in hospital.build("marts.work_span") if row["activity"] == "bed assigned"}
    assert beds == {2}  # the ward lists bed 1 and bed 2


def test_a_critical_result_keeps_whoever_answers_for_the_unit_busy(hospital, clock):
    hospital.emergency_department()
    hospital.visit("e1", ("waiting", at("08:00"), at("12:00")), end=at("12:00"))
    hospital.deliver(
        "fhir_service_request", order_key="o1", encounter_key="e1", status="completed", category_codes=["108252007"],
        authored_on=at("08:30"), location_id="ed",
    )  # fmt: skip
    hospital.deliver(
        "fhir_observation", observation_key="v1", order_keys=["o1"], status="final", interpretation_codes=["HH"],
        issued=at("09:30"), encounter_key="e1",
    )  # fmt: skip
    task(
        hospital, "critical-result-ack", task_key="k1", focus_key="v1", authored_on=at("09:31"),
        execution_start=at("09:50"), execution_end=at("09:53"),
    )  # fmt: skip
    assert spans(hospital, "critical result acknowledged", clock) == [
        ("09:31", "09:50", "09:53", "critical result acknowledged Northfield Ed", False)
    ]


def test_the_role_of_a_step_is_what_its_first_task_says(hospital):
    hospital.emergency_department()
    asked = {"encounter_key": "e1", "location_id": "4 north"}
    for key, begun, codes in (("h1", "08:00", None), ("h2", "09:00", ["224535009"]), ("h3", "10:00", ["106292003"])):
        task(hospital, "handoff", task_key=key, **asked, authored_on=at(begun), performer_codes=codes)
    task(hospital, "bed-request", task_key="b1", **asked, authored_on=at("07:00"))
    rows = hospital.build("marts.step_role")
    assert rows == [
        {"workflow": "ed-to-bed", "case_key": "e1", "activity": "handoff accepted", "role_code": "224535009"}
    ]
