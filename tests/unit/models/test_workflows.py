"""The steps of the four workflows, each on the smallest hospital that shows it."""

import pytest

from models.process import mine

DAY = "2026-01-05T"


def at(time):
    return f"{DAY}{time}:00-05:00"


def task(code):
    return [{"system": "https://wardflow.example/task-code", "code": code}]


def order(hospital, key, *, code="718-7", **columns):
    categories = ["108252007"] if code == "718-7" else None
    codes = [{"system": "s", "code": code}]
    given = {
        "order_key": key,
        "encounter_key": "e1",
        "status": "completed",
        "category_codes": categories,
        "codes": codes,
    }
    hospital.deliver("fhir_service_request", **given | columns)


@pytest.fixture
def emergency(hospital):
    hospital.emergency_department()
    hospital.db.execute(
        "insert into raw.registry_workflow (id, step_no, step, owner, window_minutes) values "
        "('ed-to-bed', 1, 'bed assigned', 'Flow coordinator', 60), ('ed-to-bed', 2, 'in the bed', null, null)"
    )
    return hospital


def steps(hospital, workflow, clock):
    rows = [row for row in hospital.build("marts.workflow_event") if row["workflow"] == workflow]
    rows.sort(key=lambda row: (row["case_key"], row["step_no"]))
    return [(row["step_no"], clock(row["occurred_at"]), row["activity"]) for row in rows], rows


def test_an_admission_runs_from_the_door_to_the_bed(emergency, clock):
    emergency.visit(
        "e1",
        ("waiting", at("08:00"), at("08:20")),
        ("room 1", at("08:20"), at("12:00")),
        end=at("12:00"),
        status_history=[
            {"status": "triaged", "start": at("08:10"), "end": at("08:30")},
            {"status": "in-progress", "start": at("08:30"), "end": at("12:00")},
        ],
    )
    order(emergency, "a1", code="32485007", authored_on=at("10:00"))
    emergency.deliver(
        "fhir_task", task_key="b1", encounter_key="e1", codes=task("bed-request"), status="completed",
        authored_on=at("10:05"), execution_start=at("11:30"),
    )  # fmt: skip
    emergency.deliver(
        "fhir_task", task_key="h1", encounter_key="e1", codes=task("handoff"), status="completed",
        authored_on=at("11:35"), execution_start=at("11:50"), location_id="4 north",
    )  # fmt: skip
    emergency.visit("e2", ("bed 1", at("12:00"), None), class_code="IMP", status="in-progress", part_of_key="e1")
    found, rows = steps(emergency, "ed-to-bed", clock)
    assert found == [
        (1, "08:00", "arrived"),
        (2, "08:10", "triaged"),
        (3, "08:20", "in a room"),
        (4, "08:30", "seen by a clinician"),
        (5, "10:00", "decision to admit"),
        (6, "10:05", "bed requested"),
        (7, "11:30", "bed assigned"),
        (8, "11:35", "handoff offered"),
        (9, "11:50", "handoff accepted"),
        (10, "12:00", "left the department"),
        (11, "12:00", "in the bed"),  # the same minute: by rank, not by name
    ]
    waited = rows[5]
    assert (waited["next_activity"], waited["next_owner"]) == ("bed assigned", "Flow coordinator")
    assert (waited["wait_minutes"], waited["window_minutes"], waited["lost_minutes"]) == (85, 60, 85 - 60)
    assert (rows[0]["window_minutes"], rows[0]["lost_minutes"], rows[-1]["wait_minutes"]) == (None, None, None)
    assert {(row["facility"], row["unit"], row["is_case_open"], str(row["case_date"])) for row in rows} == {
        ("Northfield", "Ed", False, "2026-01-05")
    }


def test_a_visit_without_a_decision_to_admit_is_no_case_and_a_boarder_is_an_open_one(emergency, clock):
    emergency.visit("e0", ("waiting", at("08:00"), at("09:00")), end=at("09:00"))
    emergency.visit("e1", ("room 1", at("08:00"), None), status="in-progress")
    order(emergency, "a1", code="32485007", authored_on=at("10:00"))
    found, rows = steps(emergency, "ed-to-bed", clock)
    assert found == [(1, "08:00", "arrived"), (2, "08:00", "in a room"), (3, "10:00", "decision to admit")]
    assert all(row["is_case_open"] and row["case_key"] == "e1" for row in rows)


def test_an_order_runs_to_its_result_and_a_critical_one_to_its_acknowledgement(emergency, clock):
    emergency.visit("e1", ("waiting", at("08:00"), at("12:00")), end=at("12:00"))
    order(emergency, "o1", authored_on=at("08:30"))
    order(emergency, "o2", authored_on=at("08:30"), status="revoked")
    emergency.deliver(
        "fhir_specimen", specimen_key="s1", order_keys=["o1"], collected=at("08:40"), received_time=at("08:50")
    )
    emergency.deliver("fhir_diagnostic_report", report_key="r1", order_keys=["o1"], status="final", issued=at("09:30"))
    emergency.deliver(
        "fhir_observation", observation_key="v1", order_keys=["o1"], status="final", interpretation_codes=["HH"],
        issued=at("09:30"), encounter_key="e1",
    )  # fmt: skip
    emergency.deliver(
        "fhir_task", task_key="k1", focus_type="Observation", focus_key="v1", codes=task("critical-result-ack"),
        status="completed", authored_on=at("09:30"), execution_start=at("09:30"), execution_end=at("09:45"),
    )  # fmt: skip
    found, rows = steps(emergency, "order-to-acknowledged-result", clock)
    assert found == [
        (1, "08:30", "ordered"),
        (2, "08:40", "sample collected"),
        (3, "08:50", "sample in the laboratory"),
        (4, "09:30", "result verified"),
        (5, "09:30", "critical result shown"),
        (6, "09:45", "critical result acknowledged"),
    ]
    assert not rows[0]["is_case_open"]


def test_a_discharge_runs_from_its_order_to_the_clean_bed(emergency, clock):
    emergency.visit("e0", ("bed 1", at("06:00"), at("07:00")), class_code="IMP", end=at("07:00"))  # was there before
    emergency.visit("e1", ("bed 1", at("08:00"), at("15:00")), class_code="IMP", end=at("15:00"))
    order(emergency, "d1", code="58000006", authored_on=at("12:00"))
    cleaning = {"codes": task("bed-clean"), "focus_location_id": "bed 1", "location_id": "4 north"}
    emergency.deliver(
        "fhir_task", task_key="c1", status="completed", authored_on=at("15:10"), execution_start=at("16:00"),
        execution_end=at("16:30"), **cleaning,
    )  # fmt: skip
    found, rows = steps(emergency, "discharge", clock)
    assert found == [
        (1, "12:00", "discharge ordered"),
        (2, "15:00", "left the ward"),
        (3, "15:10", "cleaning requested"),
        (4, "16:30", "bed clean"),
    ]
    assert (clock(rows[3]["started_at"]), rows[3]["is_case_open"]) == ("16:00", False)


def test_a_message_that_was_tried_twice_goes_round_and_is_served_by_its_last_attempt(hospital, clock):
    hospital.event("m1", "received", "10:00:00")
    for event_type, time in (
        ("routed", "10:00:01"),
        ("attempt_started", "10:00:02"),
        ("attempt_failed", "10:00:03"),
        ("attempt_started", "10:05:00"),
        ("delivered", "10:06:00"),
    ):
        hospital.event("m1", event_type, time, node="1", node_name="LIS")
    found, rows = steps(hospital, "message-delivery", clock)
    assert [activity for _, _, activity in found] == ["received", "routed", "attempt failed", "delivered"]
    assert (clock(rows[-1]["started_at"]), clock(rows[-1]["occurred_at"])) == ("10:05", "10:06")
    assert rows[0]["is_case_open"] is False


def test_a_message_that_is_never_delivered_ends_failed(hospital, clock):
    hospital.event("m1", "received", "10:00:00")
    for event_type, time in (("routed", "10:00:01"), ("attempt_started", "10:00:02"), ("dead_lettered", "10:00:03")):
        hospital.event("m1", event_type, time, node="1", node_name="LIS")
    found, _ = steps(hospital, "message-delivery", clock)
    assert [activity for _, _, activity in found] == ["received", "routed", "dead-lettered"]


def test_the_next_step_is_the_one_that_process_mining_finds(emergency):
    emergency.visit("e1", ("room 1", at("08:00"), None), status="in-progress")
    order(emergency, "a1", code="32485007", authored_on=at("08:00"))
    order(emergency, "o1", authored_on=at("08:30"))
    rows = emergency.build("marts.workflow_event")
    emergency.db.execute(
        "create view event as select workflow || case_key as case_key, activity, occurred_at, activity_rank as tie, started_at "
        "from marts.workflow_event"
    )
    found = mine(emergency.db, "event")
    ours = sorted((row["activity"], row["next_activity"]) for row in rows if row["next_activity"])
    assert ours == sorted((edge.start, edge.end) for edge in found.edges for _ in range(edge.count))


def test_a_process_of_a_process_engine_is_a_workflow_of_its_own(hospital, clock):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility) values ('referral', 'bpm', 'Northfield')"
    )
    for key, activity, kind, begun, ended in (
        ("a1", "Start", "startEvent", at("08:00"), at("08:00")),
        ("a2", "Gateway", "exclusiveGateway", at("08:01"), at("08:01")),
        ("a3", "Triage", "userTask", at("08:01"), at("09:00")),
        ("a4", "Notify", "serviceTask", at("09:00"), at("09:02")),
        ("a5", "Book", "userTask", at("09:02"), None),
    ):
        hospital.deliver(
            "process_activity", source="bpm", activity_uid=key, activity_key=key, process_key="p1", process_definition="referral",
            activity=activity, activity_type=kind, started_at=begun, ended_at=ended, is_canceled=False, occurred_at=ended or begun,
        )  # fmt: skip
    found, rows = steps(hospital, "referral", clock)
    assert found == [(1, "08:00", "Start"), (2, "09:00", "Triage"), (3, "09:02", "Notify")]
    assert [clock(row["started_at"]) if row["started_at"] else None for row in rows] == ["08:00", None, "09:00"]
    assert {(row["facility"], row["is_case_open"]) for row in rows} == {("Northfield", True)}


def test_an_instance_about_a_visit_is_part_of_its_journey_and_what_failed_in_it_is_a_step(hospital, clock):
    hospital.emergency_department()
    hospital.visit("e1", ("waiting", at("08:00"), at("12:00")), end=at("12:00"))
    told = {"source": "bpm", "process_key": "p1", "process_definition": "referral", "has_business_key": False}
    hospital.deliver(
        "process_record", kind="instance", record_key="p1", started_at=at("08:00"), occurred_at=at("08:00"),
        **told | {"visit_key": "visit of e1", "has_business_key": True},
    )  # fmt: skip
    hospital.deliver(
        "process_record", kind="incident", record_key="i1", incident_type="failedJob", started_at=at("08:45"), ended_at=at("08:50"),
        occurred_at=at("08:50"), **told,
    )  # fmt: skip
    for key, activity, begun, ended in (
        ("a1", "Triage", at("08:01"), at("08:40")),
        ("a2", "Book", at("08:40"), at("09:00")),
    ):
        hospital.deliver(
            "process_activity", source="bpm", activity_uid=key, activity_key=key, process_key="p1", process_definition="referral",
            activity=activity, activity_type="userTask", started_at=begun, ended_at=ended, is_canceled=False, occurred_at=ended,
        )  # fmt: skip
    found, rows = steps(hospital, "referral", clock)
    assert found == [(1, "08:40", "Triage"), (2, "08:45", "incident: failedJob"), (3, "09:00", "Book")]
    assert {(row["facility"], row["encounter_key"]) for row in rows} == {("Northfield", "e1")}
    (queued,) = hospital.build("marts.work_exception")
    assert (queued["kind"], queued["what"]) == ("process_incident", "a job failed, and nobody has repaired it")
    assert (queued["encounter_key"], queued["facility"], queued["unit"]) == ("e1", "Northfield", "referral")
    assert (clock(queued["expected_at"]), clock(queued["closed_at"])) == ("08:45", "08:50")
    journey = [row for row in hospital.build("marts.journey_event") if row["place"] == "process referral"]
    journey.sort(key=lambda row: row["seq"])
    assert [(clock(row["occurred_at"]), clock(row["until_at"]), row["kind"], row["what"]) for row in journey] == [
        ("08:01", "08:40", "human", "Triage"),
        ("08:40", "09:00", "human", "Book"),
        ("08:45", "08:50", "clinical", "incident: failedJob"),
    ]
