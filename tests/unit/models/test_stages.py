"""The stages of news on its way, from happened to acted on: what each time is taken from, and why one is not known."""

from models.waits import STAGES, UNKNOWN
from tests.unit.models.conftest import NEW_YORK
from tests.unit.models.test_waits import at, message, order, specimen


def stages(hospital, kind="order_to_collection"):
    """Stage, time, clock and why it is not known, in order."""
    rows = sorted(hospital.build("marts.wait_stage"), key=lambda row: row["stage_no"])
    return [
        (row["stage"], local(row["occurred_at"]), row["clock_id"], row["unknown_because"])
        for row in rows
        if row["wait_key"].startswith(f"{kind}:")
    ]


def local(instant):
    return instant and instant.astimezone(NEW_YORK).strftime("%H:%M:%S")


def ward(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00:00"), at("12:00:00")))
    hospital.db.execute("insert into raw.registry_record values ('results', 'LIS'), ('orders', 'EHR')")


def stored(hospital, time, version=None):
    """When the server stored the only version of the order that was delivered."""
    update = "update raw.fhir_service_request set last_updated = $time, version_id = $version"
    hospital.db.execute(update, {"time": at(time), "version": version})


def task(hospital, code, **columns):
    """A completed task of the visit."""
    codes = [{"system": "https://wardflow.example/task-code", "code": code}]
    of = {"task_key": "t1", "patient_key": "patient of e1", "encounter_key": "e1"}
    hospital.deliver("fhir_task", status="completed", codes=codes, **of, **columns)


def test_an_order_has_every_stage_that_some_system_tells(hospital):
    """Ordered at 10:00, stored by the source 20 s later, written down in the message after 50 s, and so on."""
    ward(hospital)
    order(hospital, "10:00:00")
    stored(hospital, "10:00:20", version="1")
    specimen(hospital, "11:00:00")
    way = (("routed", "10:01:01"), ("attempt_started", "10:01:02"), ("delivered", "10:01:03"))
    message(hospital, "m1", "10:01:00", *way, sent_at=at("10:00:50"), ack_code="AA")
    assert stages(hospital) == [
        ("happened", "10:00:00", "ehr", None),
        ("recorded", "10:00:20", "ehr", None),
        ("sent", "10:00:50", "sender", None),
        ("hop", "10:01:00", "engine", None),  # ORDERS had it
        ("hop", "10:01:01", "engine", None),  # on its way to LIS
        ("delivered", "10:01:03", "engine", None),
        ("visible", "10:01:03", "engine", None),  # its application had taken it in
        ("acknowledged", None, None, "not_told"),
        ("acted", "11:00:00", "ehr", None),
    ]


def test_a_version_written_when_the_order_was_done_does_not_say_when_it_was_recorded(hospital):
    ward(hospital)
    order(hospital, "10:00:00")
    stored(hospital, "11:00:05", version="3")
    specimen(hospital, "11:00:00")
    found = {stage: why for stage, _, _, why in stages(hospital)}
    assert (found["recorded"], found["sent"], found["delivered"]) == ("later_version", "no_message", "no_message")


def test_a_system_had_stored_what_it_sent_where_the_exports_bring_later_versions_only(hospital):
    ward(hospital)
    order(hospital, "10:00:00")
    stored(hospital, "11:00:05", version="3")
    specimen(hospital, "11:00:00")
    message(hospital, "m1", "10:01:00", ("delivered", "10:01:03"), sent_at=at("10:00:50"))
    rows = {
        row["stage"]: row for row in hospital.build("marts.wait_stage") if row["wait_key"] == "order_to_collection:o1"
    }
    recorded = rows["recorded"]
    assert (local(recorded["occurred_at"]), recorded["is_bound"]) == ("10:00:50", True)
    assert (recorded["basis"], recorded["clock_id"], recorded["message_key"]) == ("msh_7", "sender", "m1")


def test_without_the_date_of_the_message_the_order_was_stored_when_the_engine_had_it(hospital):
    ward(hospital)
    order(hospital, "10:00:00")
    message(hospital, "m1", "10:01:00", ("delivered", "10:01:03"))
    rows = {
        row["stage"]: row for row in hospital.build("marts.wait_stage") if row["wait_key"] == "order_to_collection:o1"
    }
    recorded = rows["recorded"]
    assert (local(recorded["occurred_at"]), recorded["basis"]) == ("10:01:00", "engine_log")


def test_an_order_is_visible_once_the_application_has_taken_it_in_and_nobody_acted_before(hospital):
    ward(hospital)
    answers = [("AA", "10:05:00"), ("CA", "10:05:00"), (None, "10:05:00"), ("AA", "11:05:00")]
    for number, (answer, delivered) in enumerate(answers):
        order(hospital, "10:00:00", key=f"o{number}")
        specimen(hospital, "11:00:00", key=f"o{number}")
        message(hospital, f"m{number}", "10:01:00", ("delivered", delivered), key=f"o{number}", ack_code=answer)
    rows = {row["wait_key"]: row for row in hospital.build("marts.wait_stage") if row["stage"] == "visible"}
    mine = [rows[f"order_to_collection:o{number}"] for number in range(len(answers))]
    assert [(local(row["occurred_at"]), row["unknown_because"]) for row in mine] == [
        ("10:05:00", None),
        (None, "only_stored"),
        (None, "no_answer_kept"),
        (None, "told_otherwise"),  # the sample was there before the message
    ]


def test_a_visit_that_waits_to_leave_was_recorded_when_its_discharge_order_was_stored(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("bed 1", at("09:00:00"), at("11:00:00")), class_code="IMP", end=at("11:00:00"))
    hospital.deliver(
        "fhir_service_request", order_key="d1", encounter_key="e1", patient_key="p", status="completed", intent="order",
        codes=[{"system": "http://snomed.info/sct", "code": "58000006"}], authored_on=at("09:30:00"), last_updated=at("09:30:02"),
    )  # fmt: skip
    found = {stage: (time, why) for stage, time, _, why in stages(hospital, "discharge_to_departure")}
    assert found["recorded"] == ("09:30:02", None)
    assert found["visible"] == (None, "not_told")


def test_a_version_that_need_not_be_the_first_is_a_bound(hospital):
    ward(hospital)
    order(hospital, "10:00:00")
    stored(hospital, "10:00:20")
    specimen(hospital, "11:00:00")
    rows = [row for row in hospital.build("marts.wait_stage") if row["wait_key"] == "order_to_collection:o1"]
    bounds = {row["stage"]: row["is_bound"] for row in rows}
    assert (bounds["happened"], bounds["recorded"], bounds["sent"]) == (False, True, None)


def test_a_critical_result_is_visible_when_its_task_was_made_and_acknowledged_when_that_was_done(hospital):
    ward(hospital)
    order(hospital, "09:00:00")
    hospital.deliver(
        "fhir_observation", observation_key="b1", encounter_key="e1", patient_key="patient of e1", order_keys=["o1"], status="final",
        interpretation_codes=["HH"], issued=at("10:00:00"), last_updated=at("10:00:01"),
    )  # fmt: skip
    focus = {"focus_type": "Observation", "focus_key": "b1"}
    task(hospital, "critical-result-ack", authored_on=at("10:04:00"), execution_end=at("10:30:00"), **focus)
    told = {stage: (time, why) for stage, time, _, why in stages(hospital, "result_to_acknowledgement")}
    assert told["recorded"] == ("10:00:01", None)
    assert told["visible"] == ("10:04:00", None)
    assert told["acknowledged"] == told["acted"] == ("10:30:00", None)


def test_a_handoff_has_no_message_and_so_no_stage_of_one(hospital):
    ward(hospital)
    done = {"execution_start": at("10:09:00"), "execution_end": at("10:20:00")}
    task(hospital, "handoff", authored_on=at("10:00:00"), **done)
    found = {stage: why for stage, _, _, why in stages(hospital, "handoff_to_acceptance")}
    assert list(found) == ["happened", "recorded", "visible", "acknowledged", "acted"]
    assert found["recorded"] == found["visible"] == "no_version"


def test_every_stage_and_every_reason_has_words(hospital):
    ward(hospital)
    order(hospital, "10:00:00")
    specimen(hospital, "11:00:00")
    rows = hospital.build("marts.wait_stage")
    assert {row["stage"] for row in rows} <= STAGES.keys()
    assert {row["unknown_because"] for row in rows} - {None} <= UNKNOWN.keys()
    assert all((row["occurred_at"] is None) == (row["unknown_because"] is not None) for row in rows)
