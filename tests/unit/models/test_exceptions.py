"""What did not happen: each kind of exception on the smallest hospital that shows it. The data cut is 31 January, 12:00."""

import pytest


def at(time, day=5):
    return f"2026-01-{day:02d}T{time}:00-05:00"


def task(hospital, key, kind, made, **columns):
    hospital.deliver(
        "fhir_task",
        **{
            "task_key": key,
            "codes": [{"system": "https://wardflow.example/task-code", "code": kind}],
            "status": "requested",
            "authored_on": made,
        }
        | columns,
    )


def step(hospital, workflow, number, name, owner="", window=None):
    hospital.db.execute(
        "insert into raw.registry_workflow (id, step_no, step, owner, window_minutes) values ($1, $2, $3, $4, $5)",
        [workflow, number, name, owner, window],
    )


@pytest.fixture
def ward(hospital):
    hospital.emergency_department()
    return hospital


def decided(hospital, key, when, **columns):
    """An emergency visit with a decision to admit."""
    hospital.visit(key, ("room 1", at("08:00"), None), status="in-progress")
    hospital.deliver(
        "fhir_service_request",
        **{"order_key": f"admit {key}", "encounter_key": key, "status": "active", "intent": "order"}
        | {"codes": [{"system": "http://snomed.info/sct", "code": "32485007"}], "authored_on": when}
        | columns,
    )


def test_a_decision_without_a_bed_request_in_its_window_lacks_its_task(ward, clock):
    step(ward, "ed-to-bed", 1, "bed requested", "Bed office", 10)
    for key, when in (("in time", "10:00"), ("late", "11:00"), ("never", "12:00")):
        decided(ward, key, at(when))
    task(ward, "t1", "bed-request", at("10:10"), encounter_key="in time")
    task(ward, "t2", "bed-request", at("11:11"), encounter_key="late")
    found = {row["encounter_key"]: row for row in ward.build("marts.task_trigger")}
    assert {key: (row["is_missing"], row["is_open"]) for key, row in found.items()} == {
        "in time": (False, False),
        "late": (True, False),
        "never": (True, True),
    }
    assert (clock(found["never"]["task_by_at"]), found["never"]["owner"]) == ("12:10", "Bed office")


def test_a_trigger_whose_time_is_not_over_lacks_nothing_yet(ward):
    decided(ward, "first", at("10:00"))
    task(ward, "t1", "bed-request", at("10:00"), encounter_key="first")
    decided(ward, "now", at("11:30", day=31))  # the hospital's sixty minutes end after the data cut
    row = next(row for row in ward.build("marts.task_trigger") if row["encounter_key"] == "now")
    assert (row["is_missing"], row["is_settled"], row["is_open"]) == (False, False, True)


def test_where_no_such_task_is_ever_made_none_is_missing(ward):
    decided(ward, "e1", at("10:00"))
    assert ward.build("marts.task_trigger") == []


def test_a_bed_is_cleaned_before_the_next_patient_or_its_cleaning_is_missing(ward, clock):
    step(ward, "discharge", 1, "cleaning requested", "Ward clerk", 15)
    for key, begin, end in (("e1", "01:00", "10:00"), ("e2", "12:00", "14:00"), ("e3", "16:00", None)):
        stay = ("bed 1", at(begin), end and at(end))
        ward.visit(key, stay, class_code="IMP", status="finished" if end else "in-progress")
    task(ward, "t1", "bed-clean", at("10:10"), focus_type="Location", focus_location_id="bed 1", status="completed")
    first, second = ward.build("marts.task_trigger")
    assert (first["encounter_key"], first["is_missing"], clock(first["task_at"])) == ("e1", False, "10:10")
    assert (second["encounter_key"], second["is_missing"], second["task_at"]) == ("e2", True, None)


def test_a_bed_that_the_same_patient_keeps_was_not_left(ward):
    ward.visit("e1", ("bed 1", at("01:00"), at("10:00")), class_code="OBSENC")
    ward.visit("e2", ("bed 1", at("10:00"), at("15:00")), class_code="IMP")
    task(ward, "t1", "bed-clean", at("15:00"), focus_type="Location", focus_location_id="bed 1", status="completed")
    assert [row["encounter_key"] for row in ward.build("marts.task_trigger")] == ["e2"]


def critical(hospital, key, issued, acknowledged=None, escalated=None):
    hospital.deliver(
        "fhir_observation",
        observation_key=key,
        encounter_key="e1",
        interpretation_codes=["HH"],
        issued=issued,
        status="final",
    )
    task(
        hospital, f"a{key}", "critical-result-ack", issued, focus_type="Observation", focus_key=key,
        status="completed" if acknowledged else "requested", execution_end=acknowledged,
    )  # fmt: skip
    if escalated:
        task(hospital, f"e{key}", "critical-result-escalation", escalated, focus_type="Observation", focus_key=key)


def test_a_critical_result_is_unanswered_when_its_hour_passed_without_acknowledgement_or_escalation(ward, clock):
    critical(ward, "acknowledged", at("10:00"), acknowledged=at("11:00"))
    critical(ward, "escalated", at("10:00"), escalated=at("10:45"))
    critical(ward, "late", at("10:00"), acknowledged=at("11:30"), escalated=at("11:10"))
    critical(ward, "never", at("10:00"))
    critical(ward, "fresh", at("11:30", day=31))
    found = {row["observation_key"]: row for row in ward.build("marts.critical_result")}
    assert {key for key, row in found.items() if row["is_unanswered"]} == {"late", "never"}
    assert (clock(found["late"]["answered_at"]), found["never"]["answered_at"]) == ("11:10", None)


def register(hospital, *flows):
    for flow, domain, owner in flows:
        hospital.db.execute(
            "insert into raw.registry_interface (flow, source, facility, data_domain, owner) values ($1, 'engine', 'Northfield', $2, $3)",
            [flow, domain, owner],
        )


def lab(hospital, key, ordered, *, report=None, status="completed", **columns):
    lab_code = [{"system": "http://snomed.info/sct", "code": "108252007"}]
    hospital.deliver(
        "fhir_service_request",
        **{"order_key": key, "encounter_key": "e1", "status": status, "intent": "order", "authored_on": ordered}
        | {"category_codes": ["108252007"], "codes": lab_code, "placer_keys": [f"placer of {key}"]}
        | columns,
    )
    if report:
        hospital.deliver(
            "fhir_diagnostic_report", report_key=f"r {key}", order_keys=[key], status="final", issued=report
        )


def message(hospital, key, kind, when, uid):
    hospital.event(
        uid,
        "received",
        when,
        flow="ORDERS" if kind == "ORM" else "RESULTS",
        msg_type=kind,
        placer_key=f"placer of {key}",
    )


@pytest.fixture
def laboratory(ward):
    """One order a hour; the first and the last have all their messages, o2 none of its order, o3 none of its result."""
    register(ward, ("ORDERS", "orders", "Integration lead"), ("RESULTS", "results", "Laboratory manager"))
    ward.visit("e1", ("room 1", at("08:00"), None), status="in-progress")
    for n in (1, 2, 3, 4):
        lab(ward, f"o{n}", at(f"{9 + n}:00"), report=at(f"{9 + n}:40"), last_updated=at(f"{9 + n}:40"))
        if n != 2:
            message(ward, f"o{n}", "ORM", f"{9 + n}:00:01", f"m{n}")
        if n != 3:
            message(ward, f"o{n}", "ORU", f"{9 + n}:40:01", f"r{n}")
    return ward


def test_an_order_or_result_that_the_engine_never_saw_lacks_its_message(laboratory):
    found = laboratory.build("marts.expected_message")
    assert [(r["order_key"], r["what"], r["owner"]) for r in found if r["is_missing"]] == [
        ("o2", "order", "Integration lead"),
        ("o3", "result", "Laboratory manager"),
    ]
    never = [row for row in laboratory.build("marts.work_exception") if row["kind"] == "message_never_seen"]
    assert [(r["order_key"], r["source"], r["channel"]) for r in never] == [
        ("o2", "engine", "ORDERS"),
        ("o3", "engine", "RESULTS"),
    ]


def test_nothing_is_expected_beyond_the_end_of_the_log_nor_where_it_lacks_numbers(laboratory):
    lab(laboratory, "later", at("20:00"))
    assert "later" not in {row["order_key"] for row in laboratory.build("marts.expected_message")}
    for number, when in ((1, "10:30:00"), (3, "11:30:00")):  # ORDERS:2 is missing, somewhere in that hour
        laboratory.event(f"ORDERS:{number}", "received", when, flow="ORDERS", msg_type="ORM")
    found = {(r["order_key"], r["what"]) for r in laboratory.build("marts.expected_message") if r["is_missing"]}
    assert found == {("o3", "result")}


def handed(hospital, uid, when, *, received=True):
    """ROUTER hands the message to ADT-OUT."""
    hospital.event(uid, "received", f"{when}:00", flow="ROUTER")
    hospital.event(uid, "delivered", f"{when}:01", node="ADT-OUT", flow="ROUTER")
    if received:
        child = {"flow": "ADT-OUT", "root_message_uid": uid, "parent_message_uid": uid}
        hospital.event(f"child of {uid}", "received", f"{when}:01", **child)
        hospital.event(f"child of {uid}", "delivered", f"{when}:02", node="LIS", **child)


def test_a_message_that_one_channel_delivered_and_the_next_never_received_is_lost(hospital):
    register(hospital, ("ADT-OUT", "admissions", "Integration lead"))
    handed(hospital, "m1", "10:00")
    handed(hospital, "m2", "10:30", received=False)
    handed(hospital, "m3", "12:00")
    handed(hospital, "m4", "12:30", received=False)  # the log ends within the hour that it may take
    found = hospital.build("marts.handover")
    assert [(r["message_key"], r["is_lost"], r["is_settled"]) for r in found] == [
        ("m1", False, True),
        ("m2", True, True),
        ("m3", False, True),
        ("m4", False, False),
    ]
    assert (found[1]["next_channel"], found[1]["owner"]) == ("ADT-OUT", "Integration lead")


def sent_on(hospital, uid, when, *, received=True, key="", **more):
    """A message that the engine delivered to the hub, and that the hub received a second later."""
    key = key or f"key of {uid}"
    hospital.event(uid, "received", f"{when}:00", msg_type="ADT", control_key=key)
    hospital.event(uid, "delivered", f"{when}:01", node="HUB", msg_type="ADT", control_key=key)
    if received:
        theirs = {"source": "hub", "flow": "IN", "msg_type": "ADT", "control_key": key}
        hospital.event(f"hub {uid}", "received", f"{when}:02", **theirs | more)


def test_a_message_that_one_engine_delivered_and_the_next_never_received_is_lost_while_both_logs_cover_the_hour(
    hospital,
):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, owner) values ('IN', 'hub', 'Northfield', 'Hub team')"
    )
    sent_on(hospital, "m1", "09:00")
    sent_on(hospital, "m2", "09:30", received=False)
    sent_on(hospital, "m3", "10:30", received=False)  # the hub's log has nothing of this hour
    sent_on(hospital, "m4", "11:00", received=False, key="same for all")
    sent_on(hospital, "m5", "11:10", received=False, key="same for all")  # an id that joins nothing
    sent_on(hospital, "m6", "11:20")
    sent_on(hospital, "m7", "12:00")
    sent_on(hospital, "m8", "12:30", received=False)  # the hub's log ends before
    hospital.event("m9", "received", "09:10:00", msg_type="ADT")
    hospital.event("m9", "delivered", "09:10:01", node="HUB", msg_type="ADT")  # without an id
    found = {r["message_key"]: r for r in hospital.build("marts.handover")}
    assert {key: (r["is_lost"], r["next_source"], r["next_channel"]) for key, r in found.items()} == {
        "m1": (False, "hub", "IN"),
        "m2": (True, "hub", "IN"),
        "m6": (False, "hub", "IN"),
        "m7": (False, "hub", "IN"),
    }
    (row,) = (r for r in hospital.build("marts.work_exception") if r["kind"] == "message_lost")
    assert (row["what"], row["owner"], row["channel"]) == (
        *("delivered to the next engine and never received there", "Hub team"),
        "IN",
    )


def test_an_order_and_its_report_must_agree_in_four_hours(ward):
    ward.visit("e1", ("room 1", at("08:00"), None), status="in-progress")
    ward.db.execute("insert into raw.registry_system values ('LIS', '', 'Laboratory manager')")
    ward.db.execute("insert into raw.registry_record values ('results', 'LIS')")
    lab(ward, "agree", at("09:00"), report=at("10:00"), last_updated=at("10:00"))
    lab(ward, "no report", at("09:00"), last_updated=at("10:00"))
    lab(ward, "active", at("09:00"), report=at("10:00"), status="active")
    lab(ward, "revoked", at("09:00"), report=at("10:00"), status="revoked")
    lab(ward, "fresh", at("09:00"), report=at("11:00", day=31), status="active")
    lab(ward, "nothing done", at("09:00"), status="active")
    found = {r["pair_key"]: r for r in ward.build("marts.status_pair")}
    assert {key: (r["is_disagreeing"], r["disagreement"]) for key, r in found.items()} == {
        "agree": (False, None),
        "no report": (True, "order completed, no final report"),
        "active": (True, "order still active, its report is final"),
        "revoked": (True, "order revoked, its report is final"),
        "fresh": (False, "order still active, its report is final"),
    }
    assert found["active"]["owner"] == "Laboratory manager"


def adt(hospital, uid, trigger, when, visit):
    hospital.event(uid, "received", when, msg_type="ADT", msg_trigger=trigger, visit_key=f"visit of {visit}")


def pairs(hospital, pair):
    return {
        r["pair_key"]: (r["disagreement"], r["is_disagreeing"])
        for r in hospital.build("marts.status_pair")
        if r["pair"] == pair
    }


def test_a_visit_and_its_discharge_message_must_agree_in_four_hours(ward):
    register(ward, ("ADT", "encounters", "Integration lead"))
    for key, left in (("told", "10:00"), ("untold", "10:30"), ("before the log", "08:00"), ("at its end", "15:00")):
        ward.visit(key, ("room 1", at("07:00"), at(left)), end=at(left))
    for key in ("goes on", "taken back"):
        ward.visit(key, ("room 1", at("09:00"), None), status="in-progress")
    ward.visit("admitted", ("room 1", at("09:00"), at("11:00")), end=at("11:00"))  # goes on as the next visit
    ward.visit("ward", ("bed 1", at("11:00"), None), class_code="IMP", status="in-progress", part_of_key="admitted")
    adt(ward, "m1", "A03", "10:00:00", "told")
    adt(ward, "m2", "A03", "11:00:00", "goes on")
    adt(ward, "m3", "A03", "12:00:00", "taken back")
    adt(ward, "m4", "A13", "12:05:00", "taken back")
    adt(ward, "m5", "A03", "15:00:00", "told")
    assert pairs(ward, "discharge") == {
        "told": (None, False),
        "untold": ("visit over, no discharge message", True),
        "at its end": ("visit over, no discharge message", False),  # the log ends before its time is over
        "goes on": ("discharge message sent, the visit goes on", True),
    }


def test_a_transfer_message_belongs_to_the_nearest_move_of_its_visit(ward):
    register(ward, ("ADT", "encounters", "Integration lead"))
    ward.location("5 north", "HU", physical="wa")
    ward.location("bed 2", part_of="5 north", physical="bd")
    for key in ("told", "untold"):
        stays = ("bed 1", at("06:00"), at("12:00")), ("bed 2", at("12:00"), None)
        ward.visit(key, *stays, class_code="IMP", status="in-progress")
    ward.visit("stays", ("bed 1", at("06:00"), None), class_code="IMP", status="in-progress")
    adt(ward, "m0", "A02", "11:00:00", "stays")  # five hours after the only move
    adt(ward, "m1", "A02", "12:20:00", "told")
    adt(ward, "m2", "A02", "16:30:00", "told")  # four and a half hours after it: a message of its own
    assert pairs(ward, "move") == {
        "told:2": (None, False),
        "untold:2": ("moved, no transfer message", True),
        "stays:m0": ("transfer message sent, no such move", True),
        "told:m2": ("transfer message sent, no such move", True),
    }


def test_a_task_to_fulfil_an_order_must_agree_with_the_order(ward):
    ward.visit("e1", ("room 1", at("08:00"), None), status="in-progress")
    code = [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
    for order, done, status in (
        ("both", "11:00", "completed"),
        ("late", "15:00", "completed"),
        ("task", None, "active"),
    ):
        lab(ward, order, at("09:00"), status=status, **({"last_updated": at("10:00")} if done else {}))
        ended = {"execution_end": at(done or "10:00"), "status": "completed"}
        focus = {"focus_type": "ServiceRequest", "focus_key": order}
        task(ward, f"t {order}", "", at("09:00"), codes=code, **focus, **ended)
    task(ward, "other", "order-clarification", at("09:00"), focus_type="ServiceRequest", focus_key="both")
    assert pairs(ward, "task") == {
        "task:both": (None, False),
        "task:late": ("order completed, its task still active", True),
        "task:task": ("task completed, its order still active", True),
    }


def bounce(hospital, *done, **columns):
    task(hospital, "t1", "registration-review", at("10:00"), encounter_key="e1", **columns)
    for n, activity in enumerate(done):
        hospital.deliver(
            "fhir_provenance",
            provenance_key=f"p{n}",
            task_keys=["t1"],
            codes=[{"system": "https://wardflow.example/task-activity", "code": activity}],
            recorded=at(f"{11 + n}:00"),
        )
    return hospital.one("marts.work_task")


@pytest.mark.parametrize(
    ("done", "bounced"),
    [
        (("create", "assign", "assign"), None),  # passed on once
        (("create", "assign", "assign", "assign"), "14:00"),
        (("complete", "reopen", "complete"), None),  # came back once
        (("complete", "reopen", "complete", "reopen"), "14:00"),
    ],
)
def test_a_task_bounced_when_it_was_passed_on_or_came_back_twice(ward, clock, done, bounced):
    row = bounce(ward, *done)
    assert (row["is_bounced"], clock(row["bounced_at"])) == (bounced is not None, bounced)


def test_a_task_that_bounced_is_owned_by_the_role_that_it_is_meant_for_and_bounces_anew_each_time(ward, clock):
    bounce(ward, "assign", "assign", "assign", "start", "assign", performer_codes=["registration-clerk"])
    (row,) = ward.build("marts.work_exception")
    assert (row["kind"], row["owner"]) == ("task_bounced", "registration-clerk")
    assert (clock(row["expected_at"]), clock(row["repeated_at"])) == ("13:00", "15:00")


def test_cases_wait_for_a_step_that_the_registry_lists_without_an_owner(ward, clock):
    step(ward, "ed-to-bed", 1, "arrived", "Front desk")
    step(ward, "ed-to-bed", 2, "decision to admit", "Physician")
    step(ward, "ed-to-bed", 3, "bed requested")
    decided(ward, "e1", at("10:00"))
    task(ward, "t1", "bed-request", at("10:20"), encounter_key="e1")
    decided(ward, "e2", at("11:00"))
    ward.visit("i1", ("bed 1", at("11:00"), None), class_code="IMP", status="in-progress", part_of_key="e1")
    found = ward.build("marts.unowned_wait")
    assert [
        (r["case_key"], r["activity"], clock(r["began_at"]), clock(r["ended_at"]), r["is_open"]) for r in found
    ] == [
        ("e1", "bed requested", "10:00", "10:20", False),
        ("e2", "bed requested", "11:00", None, True),
    ]
    (row,) = (each for each in ward.build("marts.work_exception") if each["kind"] == "step_without_owner")
    assert (clock(row["noticed_at"]), clock(row["repeated_at"])) == ("10:00", "11:00")  # resolved at 10:30 it came back


def test_the_queue_has_one_row_for_each_of_them_with_owner_place_and_line(laboratory, clock):
    step(laboratory, "ed-to-bed", 1, "handoff accepted", "Nursing director", 30)
    task(laboratory, "h1", "handoff", at("10:00"), encounter_key="e1", location_id="4 north")
    task(laboratory, "h2", "handoff", at("11:50", day=31), encounter_key="e1")
    critical(laboratory, "o1", at("10:00"))
    lab(laboratory, "o9", at("08:00"), report=at("09:00"), status="active")
    laboratory.event("m1", "dead_lettered", "10:05:00", node="LIS", flow="ORDERS")
    bounce(laboratory, "assign", "assign", "assign")
    found = {row["kind"]: row for row in laboratory.build("marts.work_exception")}
    assert set(found) == {
        *("missed_handoff", "critical_unanswered", "message_never_seen", "message_undelivered"),
        *("status_disagreement", "task_bounced"),
    }
    handoff = found["missed_handoff"]
    assert (handoff["task_key"], handoff["unit"], handoff["owner"]) == ("h1", "4 North", "Nursing director")
    assert (clock(handoff["expected_at"]), handoff["what"]) == ("10:30", "handoff not accepted")
    assert handoff["minutes_open"] == (26 * 24 + 1.5) * 60  # until the data cut, 26 days and 1 h 30 later
    assert all(row["is_open"] and row["file_id"] == 1 and row["line"] for row in found.values())


def test_a_feed_that_the_registry_expects_and_no_log_shows_is_silent(hospital, clock):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, owner, max_silence_minutes) "
        "values ('ADT', 'engine', 'Northfield', 'Integration lead', 60), ('ORDERS', 'engine', 'Northfield', 'Laboratory', 90)"
    )
    hospital.event("m1", "received", "10:00:00")
    found = {row["channel"]: row for row in hospital.build("marts.work_exception")}
    row = found["ORDERS"]
    assert (row["kind"], row["owner"], clock(row["expected_at"]), row["is_open"]) == (
        *("silent_feed", "Laboratory", "11:30"),
        True,
    )
