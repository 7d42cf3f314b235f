"""What was lost, to what: hand-written orders, messages and steps, and the hours that each cause took."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.resampling import drawn_sums, middle_95


def at(time):
    return f"2026-01-05T{time}-05:00"


@pytest.fixture
def ordered(hospital):
    """Orders of one patient; the laboratory is the record of results, a sample may take 30 minutes and a delivery 5."""
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", at("09:00:00"), at("13:00:00")))
    hospital.db.execute("insert into raw.registry_record values ('results', 'LIS')")
    step(hospital, "order-to-acknowledged-result", 1, "sample collected", 30)
    step(hospital, "message-delivery", 1, "delivered", 5)
    return hospital


def step(hospital, workflow, number, name, minutes, *, is_record=False):
    hospital.db.execute(
        "insert into raw.registry_workflow (id, step_no, step, window_minutes, is_record) values ($id, $no, $name, $minutes, $record)",
        {"id": workflow, "no": number, "name": name, "minutes": minutes, "record": is_record},
    )


def order(hospital, key, ordered_at, collected_at):
    hospital.deliver(
        "fhir_service_request", order_key=key, encounter_key="e1", patient_key="patient of e1", placer_keys=[f"placer of {key}"],
        status="active", intent="order", category_codes=["108252007"], priority="routine", authored_on=at(ordered_at), location_id="room 1",
    )  # fmt: skip
    hospital.deliver(
        "fhir_specimen",
        specimen_key=f"s of {key}",
        patient_key="patient of e1",
        order_keys=[key],
        collected=at(collected_at),
    )
    hospital.deliver(
        "fhir_diagnostic_report", report_key=f"r of {key}", encounter_key="e1", order_keys=[key], status="final", issued=at(collected_at)
    )  # fmt: skip


def message(hospital, key, received, *steps):
    about = {"msg_type": "ORM", "msg_trigger": "O01", "placer_key": f"placer of {key}", "flow": "ORDERS"}
    hospital.event(key, "received", received, **about)
    for event_type, time, *error in steps:
        classed = {"error_class": error[0]} if error else {}
        hospital.event(key, event_type, time, node="LIS", **(about | classed))


def told_at_once(hospital, key, time):
    message(hospital, key, time, ("delivered", time))


def lost(hospital):
    """Minutes by cause and reason."""
    found = {}
    for row in hospital.build("marts.lost_time"):
        name = (row["cause"], row["reason"])
        found[name] = round(found.get(name, 0) + row["minutes"], 6)
    return found


def test_what_a_step_takes_beyond_its_window_is_the_workflow_s(ordered):
    order(ordered, "o1", "10:00:00", "10:50:00")
    told_at_once(ordered, "o1", "10:00:00")
    assert lost(ordered) == {("workflow", "queue"): 20}  # 50 - 30


def test_what_the_interface_took_is_its_own_beyond_the_window_of_a_delivery(ordered):
    order(ordered, "o1", "10:00:00", "11:30:00")
    message(ordered, "o1", "10:00:00", ("routed", "10:00:00"), ("delivered", "10:45:00"))
    # on its way for 45, of which 5 are allowed; the step took 90 - 40 = 50 without it, 20 beyond its 30
    assert lost(ordered) == {("integration", "late"): 40, ("workflow", "queue"): 20}


def test_people_who_were_as_fast_as_they_may_be_lost_nothing_when_the_message_was_late(ordered):
    order(ordered, "o1", "10:00:00", "11:00:00")
    message(ordered, "o1", "10:00:00", ("routed", "10:00:00"), ("delivered", "10:45:00"))
    assert lost(ordered) == {("integration", "late"): 40}


def test_a_message_that_was_refused_is_data_wrong_and_one_that_nobody_had_is_missing(ordered):
    order(ordered, "o1", "10:00:00", "11:00:00")
    message(
        ordered, "o1", "10:00:00", ("routed", "10:00:00"), ("attempt_started", "10:00:00"), ("nack_received", "10:10:00", "nack"),
        ("attempt_started", "10:40:00"), ("dead_lettered", "10:42:00"), ("replayed", "10:50:00"), ("delivered", "10:50:00"),
    )  # fmt: skip
    found = lost(ordered)
    assert found[("integration", "wrong")] + found[("integration", "missing")] == 45  # 50 - 5
    assert found[("integration", "missing")] == 8  # 10:42 to 10:50


def test_a_wait_whose_message_no_log_has_is_not_known_and_in_no_cause(ordered):
    order(ordered, "o1", "10:00:00", "10:50:00")
    assert lost(ordered) == {("unknown", "unknown"): 20}


def test_a_minute_lost_to_two_things_is_shared_between_them(ordered):
    order(ordered, "o1", "10:00:00", "11:00:00")  # lost from 10:30 to 11:00
    order(ordered, "o2", "10:20:00", "11:20:00")  # lost from 10:50 to 11:20
    told_at_once(ordered, "o1", "10:00:00")
    told_at_once(ordered, "o2", "10:20:00")
    rows = {row["lost_key"].split(":")[1]: row for row in ordered.build("marts.lost_time")}
    assert {key: (row["minutes_waited"], round(row["minutes"], 6)) for key, row in rows.items()} == {
        "o1": (30, 25),  # 20 alone and half of 10
        "o2": (30, 25),
    }


def test_a_step_that_the_registry_calls_one_of_the_record_is_the_record_s(ordered):
    ordered.db.execute("update raw.registry_workflow set is_record = true where step = 'sample collected'")
    order(ordered, "o1", "10:00:00", "10:50:00")
    told_at_once(ordered, "o1", "10:00:00")
    assert lost(ordered) == {("record", "documentation"): 20}


def opened(hospital, key, time, who="u1"):
    hospital.deliver(
        "fhir_audit_event", audit_event_key=f"{key} {time}", action="R", outcome="0", recorded=at(time),
        report_keys=[f"r of {key}"], user_hashes=[who],
    )  # fmt: skip


def test_a_result_is_opened_late_beyond_an_hour_and_loses_what_nothing_else_takes(ordered):
    order(ordered, "o1", "09:30:00", "10:00:00")  # there at 10:00
    order(ordered, "o2", "10:40:00", "11:20:00")  # its sample is late from 11:10 to 11:20
    told_at_once(ordered, "o2", "10:40:00")
    opened(ordered, "o1", "09:50:00")  # before there was a result
    opened(ordered, "o1", "11:30:00", "u2")
    opened(ordered, "o1", "12:30:00")
    opened(ordered, "o2", "12:00:00")
    found = {row["order_key"]: row for row in ordered.build("marts.result_opening")}
    assert {key: (row["opener"], row["minutes_late"], row["minutes_lost"]) for key, row in found.items()} == {
        "o1": ("u2", 30, 20),  # 11:00 to 11:30, without 11:10 to 11:20
        "o2": ("u1", 0, 0),
    }


def test_a_result_is_there_when_the_last_of_two_engines_has_delivered_it(ordered):
    order(ordered, "o1", "09:30:00", "10:00:00")
    about = {"msg_type": "ORU", "placer_key": "placer of o1", "control_key": "LIS 1"}
    ordered.event("m1", "received", "10:00:10", **about)
    ordered.event("m1", "delivered", "10:00:11", node="HUB", **about)
    behind = {"source": "hub", "flow": "IN", **about}
    ordered.event("h1", "received", "10:00:12", **behind)
    ordered.event("h1", "delivered", "10:40:00", node="EHR", **behind)
    opened(ordered, "o1", "12:00:00")
    (row,) = ordered.build("marts.result_opening")
    assert row["minutes_late"] == 20  # an hour after 10:40, not after 10:00:11


def test_sums_of_days_drawn_again_hold_what_every_day_gives():
    steady, once = drawn_sums([dict.fromkeys(range(28), 2.0), {3: 56.0}], 28)
    assert middle_95(steady) == (56.0, 56.0)  # 28 days of 2, whichever are drawn
    assert middle_95(once)[0] == 0.0  # one day of 28 is left out of more than one draw in three
    assert middle_95([]) is None
    assert drawn_sums([{}], 0) == [[]]


@settings(max_examples=20)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=10), st.floats(0.5, 2))
def test_the_sums_do_not_depend_on_the_unit(amounts, factor):
    series = dict(enumerate(amounts))
    scaled = {day: amount * factor for day, amount in series.items()}
    plain, other = drawn_sums([series, scaled], len(amounts))
    assert other == pytest.approx([each * factor for each in plain])
