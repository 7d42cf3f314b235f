"""The interface marts: what became of a message, decided by its events."""

import pytest


def lis(hospital, *events, uid="m1", **columns):
    """Events at destination LIS after the message was received at 10:00."""
    hospital.event(uid, "received", "10:00:00", msg_type="ADT", msg_trigger="A01", **columns)
    for event_type, when, *more in events:
        hospital.event(uid, event_type, when, node="LIS", **(more[0] if more else {}))


def delivery(hospital):
    return hospital.one("marts.message_delivery")


def test_a_delivery_ends_with_its_last_event(hospital):
    lis(hospital, ("routed", "10:00:01"), ("attempt_started", "10:00:02"), ("delivered", "10:00:02.250"))
    row = delivery(hospital)
    assert (row["state"], row["ack_latency_ms"], row["hop_latency_ms"], row["attempts"]) == ("delivered", 250, 1250, 1)


@pytest.mark.parametrize(
    ("last", "state", "is_failed"),
    [
        ("failed", "failed", True),
        ("dead_lettered", "dead_lettered", True),
        ("discarded", "failed", True),
        ("expired", "failed", True),
        ("queued", "queued", False),
        ("nack_received", "queued", False),
        ("held", "queued", False),
    ],
)
def test_every_last_event_has_a_state(hospital, last, state, is_failed):
    lis(hospital, ("attempt_started", "10:00:02"), (last, "10:00:03"))
    row = delivery(hospital)
    assert (row["state"], row["is_failed"], row["is_settled"]) == (state, is_failed, state != "queued")


def test_events_of_one_instant_are_ordered_by_rank(hospital):
    lis(hospital, ("dead_lettered", "10:00:03"), ("attempt_failed", "10:00:03"), ("queued", "10:00:03"))
    assert delivery(hospital)["state"] == "dead_lettered"


def test_what_the_receiving_host_logs_later_by_its_own_clock_does_not_reopen_a_delivery(hospital):
    lis(
        hospital,
        ("attempt_started", "10:00:02"),
        ("delivered", "10:00:03"),
        ("received", "10:00:04", {"clock": "lis"}),
    )
    row = delivery(hospital)
    assert (row["state"], row["is_latency_known"], row["ack_latency_ms"]) == ("delivered", True, 1000)


def test_times_of_two_clocks_are_never_subtracted(hospital):
    lis(hospital, ("routed", "10:00:01"), ("attempt_started", "10:00:02"), ("delivered", "10:00:03", {"clock": "lis"}))
    row = delivery(hospital)
    assert (row["is_delivered"], row["is_latency_known"], row["ack_latency_ms"], row["hop_latency_ms"]) == (
        True,
        False,
        None,
        None,
    )


def test_latency_counts_from_the_last_attempt(hospital):
    lis(
        hospital,
        ("attempt_started", "10:00:02"),
        ("attempt_failed", "10:00:05"),
        ("attempt_started", "10:01:00", {"attempt_no": 2}),
        ("delivered", "10:01:00.100"),
    )
    row = delivery(hospital)
    assert (row["ack_latency_ms"], row["attempts"], row["attempts_exact"]) == (100, 2, True)


def test_a_log_that_keeps_only_the_last_attempt_says_how_many_there_were(hospital):
    lis(
        hospital, ("attempt_started", "10:01:00", {"attempt_no": 4, "attempts_exact": False}), ("delivered", "10:01:01")
    )
    row = delivery(hospital)
    assert (row["attempts"], row["attempts_exact"]) == (4, False)


def test_the_queue_is_left_at_the_last_attempt_of_the_engines_own(hospital, clock):
    lis(
        hospital,
        ("routed", "10:00:01"),
        ("attempt_started", "10:00:01"),
        ("attempt_failed", "10:00:05"),
        ("attempt_started", "10:01:01"),
        ("dead_lettered", "10:01:02"),
        ("replayed", "12:00:00"),
        ("attempt_started", "12:00:00"),
        ("delivered", "12:00:01"),
    )
    row = delivery(hospital)
    assert (row["state"], row["attempts"], row["is_failed"], row["is_first_attempt_failed"]) == (
        "delivered", 3, False, True,
    )  # fmt: skip
    assert (row["is_queue_wait_over"], row["queue_elapsed_ms"], row["hop_elapsed_ms"]) == (True, 60_000, 7_200_000)
    assert (clock(row["given_up_at"]), clock(row["resolved_at"]), clock(row["settled_at"])) == (
        "10:01", "12:00", "10:01",
    )  # fmt: skip
    assert (row["is_given_up"], row["is_unresolved"], row["is_resolved_in_a_day"]) == (True, False, True)


def test_a_message_sent_again_as_a_new_one_is_the_same_delivery(hospital, clock):
    lis(hospital, ("routed", "10:00:01"), ("attempt_started", "10:00:02", {"attempt_no": 2}), ("failed", "10:00:03"))
    again = {"replay_of_uid": "m1", "root_message_uid": "m1"}
    hospital.event("m9", "received", "11:00:00", **again)
    hospital.event("m9", "routed", "11:00:00", node="LIS", **again)
    hospital.event("m9", "attempt_started", "11:00:00", node="LIS", **again)
    hospital.event("m9", "delivered", "11:00:01", node="LIS", **again)
    row = delivery(hospital)
    # two attempts of the engine's and one of the person who sent it again
    assert (row["delivery_key"], row["state"], row["attempts"], clock(row["resolved_at"])) == (
        "m1:LIS", "delivered", 3, "11:00",
    )  # fmt: skip
    assert hospital.one("marts.message")["state"] == "delivered"


def test_a_dead_letter_thrown_away_is_resolved_and_still_failed(hospital):
    lis(hospital, ("routed", "10:00:00"), ("dead_lettered", "10:00:03"), ("discarded", "10:30:00"))
    row = delivery(hospital)
    assert (row["state"], row["is_failed"], row["is_unresolved"]) == ("failed", True, False)
    assert (row["hop_elapsed_ms"], row["is_delivered"]) == (30 * 60_000, False)
    # never attempted by a log that says so: nothing is known of its wait
    assert (row["is_queue_wait_known"], row["queue_elapsed_ms"]) == (False, None)


def test_what_still_waits_has_waited_until_the_data_cut(hospital):
    lis(hospital, ("routed", "10:00:00"), ("queued", "10:00:00"))
    row = delivery(hospital)
    # from 10 o'clock on the 5th to noon on the 31st
    assert row["queue_elapsed_ms"] == row["hop_elapsed_ms"] == (26 * 24 + 2) * 3_600_000
    assert (row["is_open"], row["is_queue_wait_over"], row["settled_at"]) == (True, False, None)


def test_a_log_that_does_not_say_when_it_routed_knows_no_hop_and_no_wait(hospital, clock):
    lis(hospital, ("attempt_started", "10:00:02"), ("delivered", "10:00:03"))
    row = delivery(hospital)
    assert (row["is_hop_known"], row["is_queue_wait_known"], clock(row["entered_at"])) == (False, False, "10:00")


def test_the_error_shown_is_the_last_one(hospital):
    lis(
        hospital,
        ("attempt_failed", "10:00:02", {"error_class": "connect", "error_template": "refused"}),
        ("nack_received", "10:00:04", {"error_class": "nack", "error_template": "unknown patient"}),
        ("failed", "10:00:04"),
    )
    row = delivery(hospital)
    assert (row["error_class"], row["error_template"]) == ("nack", "unknown patient")


def test_a_destination_whose_filter_did_not_want_the_message_is_no_delivery(hospital):
    lis(hospital, ("routed", "10:00:01"), ("filtered", "10:00:02"))
    assert hospital.build("marts.message_delivery") == []


def hop(hospital, destination, kind="channel"):
    """ROUTER receives m1 and hands it on as m2 in ADT-OUT, which delivers it to LIS."""
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, kind) values ('ROUTER', 'engine', 'Northfield', $kind)",
        {"kind": kind},
    )
    child = {"flow": "ADT-OUT", "root_message_uid": "m1", "parent_message_uid": "m1"}
    hospital.event("m1", "received", "10:00:00", flow="ROUTER", visit_key="visit of e1")
    hospital.event("m1", "routed", "10:00:00.1", node=destination, flow="ROUTER")
    hospital.event("m1", "delivered", "10:00:00.2", node=destination, flow="ROUTER")
    hospital.event("m2", "received", "10:00:00.2", **child)
    hospital.event("m2", "routed", "10:00:00.3", node="LIS", **child)
    hospital.event("m2", "dead_lettered", "10:00:01", node="LIS", **child)


@pytest.mark.parametrize(("destination", "kind"), [("ADT-OUT", "channel"), ("To the next", "router")])
def test_a_hop_to_the_next_channel_is_no_final_delivery(hospital, destination, kind):
    hop(hospital, destination, kind)
    row = delivery(hospital)
    assert (row["channel"], row["destination"], row["message_key"]) == ("ADT-OUT", "LIS", "m1")
    assert row["received_hour"].hour == 10


def test_a_second_destination_of_the_same_channel_stays_a_delivery(hospital):
    hop(hospital, "ADT-OUT")
    hospital.event("m1", "delivered", "10:00:00.2", node="ARCHIVE", flow="ROUTER")
    assert {row["destination"] for row in hospital.build("marts.message_delivery")} == {"LIS", "ARCHIVE"}


def test_a_message_counts_once_at_the_channel_where_it_came_in(hospital):
    hop(hospital, "ADT-OUT")
    hospital.emergency_department()
    hospital.visit("e1")
    row = hospital.one("marts.message")
    assert (row["channel"], row["facility"], row["state"], row["destinations"]) == (
        "ROUTER",
        "Northfield",
        "dead_lettered",
        1,
    )
    assert row["encounter_key"] == "e1"


@pytest.mark.parametrize(
    ("lis", "bed", "state"),
    [
        ("delivered", "delivered", "delivered"),
        ("delivered", "failed", "partly_failed"),
        ("failed", "queued", "failed"),
        ("delivered", "queued", "queued"),
        ("failed", "dead_lettered", "dead_lettered"),
    ],
)
def test_a_message_is_as_well_as_its_worst_delivery(hospital, lis, bed, state):
    hospital.event("m1", "received", "10:00:00")
    hospital.event("m1", lis, "10:00:01", node="LIS")
    hospital.event("m1", bed, "10:00:01", node="BED")
    assert hospital.one("marts.message")["state"] == state


@pytest.mark.parametrize(
    ("last", "state"), [("transformed", "received"), ("filtered", "filtered"), ("failed", "failed")]
)
def test_a_message_that_went_nowhere_is_what_the_channel_did_with_it(hospital, last, state):
    hospital.event("m1", "received", "10:00:00")
    hospital.event("m1", last, "10:00:01")
    row = hospital.one("marts.message")
    assert (row["state"], row["destinations"], row["facility"]) == (state, 0, "Unregistered")


def test_a_result_message_finds_its_encounter_through_the_order(hospital):
    hospital.emergency_department()
    hospital.deliver("fhir_service_request", order_key="o1", encounter_key="e1", placer_keys=["p1"], status="active")
    hospital.visit("e1")
    lis(hospital, ("routed", "10:00:01"), ("delivered", "10:00:02"), placer_key="p1")
    row = hospital.one("marts.message")
    assert (row["order_key"], row["encounter_key"]) == ("o1", "e1")
    told = [row for row in hospital.build("marts.journey_event") if row["kind"] == "message"]
    assert [(row["case_key"], row["what"], row["place"], row["order_key"]) for row in told] == [
        ("e1", "ADT A01 delivered", "ADT to LIS", "o1")
    ]


def test_channels_seen_and_channels_registered_stand_side_by_side(hospital):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility) values "
        "('ADT', 'engine', 'Northfield'), ('FAX', 'engine', 'Northfield')"
    )
    lis(hospital, ("attempt_started", "10:00:02"), ("attempt_started", "10:01:02"), ("queued", "10:01:03"))
    hospital.event("m2", "received", "11:00:00", flow="TEST")
    found = {row["channel"]: row for row in hospital.build("marts.interface_channel")}
    assert {name: (row["is_registered"], row["is_seen"], row["messages"]) for name, row in found.items()} == {
        "ADT": (True, True, 1),
        "FAX": (True, False, 0),
        "TEST": (False, True, 1),
    }
    assert found["TEST"]["facility"] == "Unregistered"
    assert (found["ADT"]["retried"], found["ADT"]["queue_depth"]) == (1, 1)
