"""One message in the logs of two engines: hand-written events, the ids that join them, and the timeline that both make."""

import pytest


def sent(hospital, source, uid, at, *, flow, node, **ids):
    """A message that an engine's log shows: received, tried a second later, delivered another second later. `ids` stand on its receipt."""
    about = {"source": source, "clock": source, "flow": flow}
    hospital.event(uid, "received", f"{at}:00", **about, **ids)
    hospital.event(uid, "attempt_started", f"{at}:01", node=node, **about)
    hospital.event(uid, "delivered", f"{at}:02", node=node, **about)


def passages(hospital):
    rows = sorted(hospital.build("marts.message_passage"), key=lambda row: (row["journey_message_key"], row["place"]))
    return [(row["message_key"], row["from_message_key"], row["from_destination"], row["basis"]) for row in rows]


def test_two_logs_of_one_message_are_one_journey(hospital):
    sent(hospital, "mirth", "m1", "10:00", flow="ORDERS", node="HUB", control_key="EHR 7")
    sent(hospital, "hub", "h1", "10:01", flow="LAB", node="LIS", control_key="EHR 7")
    assert passages(hospital) == [("m1", None, None, None), ("h1", "m1", "HUB", "control_id")]


def test_a_date_of_sending_that_one_engine_cut_to_seconds_is_the_same_date(hospital):
    of = {"control_key": "EHR 7"}
    sent(hospital, "mirth", "m1", "10:00", flow="ORDERS", node="HUB", sent_at="2026-01-05 09:59:58.730-05", **of)
    sent(hospital, "hub", "h1", "10:01", flow="LAB", node="LIS", sent_at="2026-01-05 09:59:58-05", **of)
    assert [row[:2] for row in passages(hospital)] == [("m1", None), ("h1", "m1")]


def test_a_third_engine_has_it_from_the_second(hospital):
    for source, uid, at in (("a", "a1", "10:00"), ("b", "b1", "10:05"), ("c", "c1", "10:09")):
        sent(hospital, source, uid, at, flow=source, node="next", trace_key="4bf9")
    assert [(key, before) for key, before, _, _ in passages(hospital)] == [("a1", None), ("b1", "a1"), ("c1", "b1")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"control_key": "EHR 7"}, {"control_key": "LIS 7"}),  # another sender's 7
        ({"control_key": "EHR 7", "sent_at": "2026-01-05 09:59-05"}, {"control_key": "EHR 7", "sent_at": "2026-01-05 10:01-05"}),
        ({"control_key": "EHR 7"}, {"trace_key": "EHR 7"}),
        ({}, {}),
    ],
    ids=["another sender", "another date of sending", "another kind of id", "no id"],
)  # fmt: skip
def test_what_is_not_the_same_message_joins_nothing(hospital, first, second):
    sent(hospital, "mirth", "m1", "10:00", flow="ORDERS", node="HUB", **first)
    sent(hospital, "hub", "h1", "10:01", flow="LAB", node="LIS", **second)
    assert passages(hospital) == []


def test_an_id_that_names_two_messages_of_a_day_joins_neither_unless_their_dates_tell_them_apart(hospital):
    """A sender whose control id never changes: without MSH-7 nobody knows which is which."""
    for uid, at in (("m1", "10:00"), ("m2", "10:20")):
        sent(
            hospital,
            "mirth",
            uid,
            at,
            flow="ORDERS",
            node="HUB",
            control_key="EHR 1",
            sent_at=f"2026-01-05T{at}:00-05:00",
        )
    sent(hospital, "hub", "h1", "10:21", flow="LAB", node="LIS", control_key="EHR 1")
    assert passages(hospital) == []
    hospital.db.execute("update raw.interface_event set sent_at = '2026-01-05T10:20:00-05:00' where message_uid = 'h1'")
    assert passages(hospital) == [("m2", None, None, None), ("h1", "m2", "HUB", "control_id")]


def test_a_counter_that_began_again_the_next_week_joins_within_its_day_only(hospital):
    sent(hospital, "mirth", "m1", "10:00", flow="ORDERS", node="HUB", control_key="EHR 7")
    sent(hospital, "hub", "h1", "10:01", flow="LAB", node="LIS", control_key="EHR 7")
    for source, uid in (("mirth", "m9"), ("hub", "h9")):
        sent(hospital, source, uid, "11:00", flow="ORDERS", node="HUB", control_key="EHR 7")
        later = "update raw.interface_event set occurred_at = occurred_at + interval 7 day where message_uid = $uid"
        hospital.db.execute(later, {"uid": uid})
    hospital.db.execute(
        "update raw.interface_event set occurred_at = occurred_at + interval 1 minute where message_uid = 'h9'"
    )
    assert [row[:2] for row in passages(hospital) if row[1]] == [("h1", "m1"), ("h9", "m9")]


def test_of_several_destinations_the_one_that_came_in_next_door_handed_it_over(hospital):
    sent(hospital, "mirth", "m1", "10:00", flow="ORDERS", node="ARCHIVE", control_key="EHR 7")
    hospital.event("m1", "attempt_started", "10:05:00", node="HUB", source="mirth", clock="mirth", flow="ORDERS")
    sent(hospital, "hub", "h1", "10:05", flow="LAB", node="LIS", control_key="EHR 7")
    assert passages(hospital)[1] == ("h1", "m1", "HUB", "control_id")


def test_a_wait_goes_through_both_engines_although_only_the_first_knows_the_order(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", "2026-01-05T09:00:00-05:00", "2026-01-05T12:00:00-05:00"))
    hospital.deliver(
        "fhir_service_request", order_key="o1", encounter_key="e1", patient_key="patient of e1", placer_keys=["placer of o1"],
        status="active", intent="order", category_codes=["108252007"], priority="routine", authored_on="2026-01-05T10:00:00-05:00",
        location_id="room 1",
    )  # fmt: skip
    hospital.deliver(
        "fhir_specimen", specimen_key="s1", patient_key="patient of e1", order_keys=["o1"], collected="2026-01-05T11:00:00-05:00"
    )  # fmt: skip
    order = {"msg_type": "ORM", "msg_trigger": "O01", "placer_key": "placer of o1"}
    sent(hospital, "mirth", "m1", "10:01", flow="ORDERS", node="HUB", control_key="EHR 7", **order)
    sent(hospital, "hub", "h1", "10:02", flow="LAB", node="LIS", control_key="EHR 7")
    rows = sorted(hospital.build("marts.wait_part"), key=lambda row: (row["wait_key"], row["part_no"]))
    assert [
        (row["part"], row["source"], row["channel"], row["destination"], round(row["minutes"] * 60))
        for row in rows
        if row["wait_key"].startswith("order_to_collection:")
    ] == [
        ("source", "mirth", "ORDERS", None, 60),
        ("transport", "mirth", "ORDERS", None, 1),
        ("transport", "mirth", "ORDERS", "HUB", 1 + 58),  # tried, delivered to the hub, and then until the hub had it
        ("transport", "hub", "LAB", None, 1),
        ("transport", "hub", "LAB", "LIS", 1),
        ("people", None, None, None, 58 * 60 - 2),
    ]


def test_news_that_was_lost_between_two_engines_has_told_nobody(hospital):
    hospital.emergency_department()
    hospital.visit("e1", ("room 1", "2026-01-05T09:00:00-05:00", "2026-01-05T12:00:00-05:00"))
    hospital.deliver(
        "fhir_service_request", order_key="o1", encounter_key="e1", patient_key="patient of e1", placer_keys=["placer of o1"],
        status="active", intent="order", category_codes=["108252007"], priority="routine", authored_on="2026-01-05T10:00:00-05:00",
        location_id="room 1",
    )  # fmt: skip
    hospital.deliver(
        "fhir_specimen", specimen_key="s1", patient_key="patient of e1", order_keys=["o1"], collected="2026-01-05T11:00:00-05:00"
    )  # fmt: skip
    order = {"msg_type": "ORM", "msg_trigger": "O01", "placer_key": "placer of o1"}
    sent(hospital, "mirth", "m1", "10:01", flow="ORDERS", node="HUB", control_key="EHR 7", **order)
    for uid, minute in (("2", 0), ("3", 30)):  # of others: both logs cover the hour
        about = {"control_key": f"EHR {uid}", "msg_type": "ORM"}
        sent(hospital, "mirth", f"m{uid}", f"10:{minute:02d}", flow="ORDERS", node="HUB", **about)
        sent(hospital, "hub", f"h{uid}", f"10:{minute + 1:02d}", flow="LAB", node="LIS", **about)
    parts = [row for row in hospital.build("marts.wait_part") if row["wait_key"].startswith("order_to_collection:")]
    assert [(row["part"], row["destination"], round(row["minutes"] * 60)) for row in parts] == [
        ("source", None, 60),
        ("transport", None, 1),
        ("transport", "HUB", 59 * 60 - 1),  # until somebody acted: none of it was a wait for people
    ]


def test_each_identifier_says_how_many_messages_it_joins_and_why_not_the_others(hospital):
    hospital.visit("e1", ("room 1", "2026-01-05T09:00:00-05:00", None))
    sent(hospital, "mirth", "m1", "10:00", flow="ORDERS", node="HUB", control_key="EHR 7", visit_key="visit of e1")
    sent(
        hospital, "mirth", "m2", "10:01", flow="ORDERS", node="HUB", control_key="EHR 8", placer_key="p", filler_key="p"
    )
    sent(hospital, "mirth", "m3", "10:02", flow="ORDERS", node="HUB", control_key="EHR 9", visit_key="visit of nobody")
    sent(hospital, "mirth", "m4", "10:03", flow="ORDERS", node="HUB", control_key="EHR 9")
    sent(hospital, "hub", "h1", "10:00", flow="LAB", node="LIS", control_key="EHR 7")
    sent(hospital, "hub", "h9", "10:04", flow="LAB", node="LIS", control_key="EHR 9")
    rows = hospital.build("marts.identifier_match")
    found = {(row["identifier"], row["reason"]): row["messages"] for row in rows if row["source"] == "mirth"}
    assert found == {
        ("visit", None): 1, ("visit", "unknown"): 1, ("visit", "not_carried"): 2, ("placer", "not_carried"): 4,
        ("filler", "unknown"): 1, ("filler", "not_carried"): 3, ("accession", "not_carried"): 4,
        ("control_id", None): 1, ("control_id", "only_here"): 1, ("control_id", "not_the_same"): 2, ("trace", "not_carried"): 4,
    }  # fmt: skip
    assert all(row["share"] == row["messages"] / (4 if row["source"] == "mirth" else 2) for row in rows)
