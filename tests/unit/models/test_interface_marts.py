"""The interface marts: what became of a message, decided by its events."""

from datetime import datetime
from zoneinfo import ZoneInfo

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


def test_what_two_clocks_stamped_and_what_runs_backwards_is_flagged_apart(hospital):
    lis(hospital, ("routed", "10:00:01"), ("attempt_started", "10:00:02"), ("delivered", "10:00:03", {"clock": "lis"}))
    lis(hospital, ("routed", "09:59:01"), ("attempt_started", "09:59:02"), ("delivered", "09:59:03"), uid="m2")
    lis(hospital, ("routed", "10:00:01"), ("attempt_started", "10:00:02"), ("delivered", "10:00:03"), uid="m3")
    found = {row["message_key"]: row for row in hospital.build("marts.message_delivery")}
    assert {
        key: (row["is_cross_clock"], row["is_interval_negative"], row["hop_latency_ms"], row["end_to_end_ms"])
        for key, row in found.items()
    } == {"m1": (True, False, None, None), "m2": (False, True, 2000, None), "m3": (False, False, 2000, 3000)}


@pytest.mark.parametrize(
    ("last", "at", "state", "is_held", "is_stuck"),
    [
        ("held", "10:00:00", "held", True, True),
        ("queued", "10:00:00", "queued", False, True),
        ("queued", "10:00:01", "queued", False, False),
        ("failed", "10:00:00", "failed", False, False),
    ],
)
def test_what_waits_and_is_left_alone_for_an_hour_is_stuck(hospital, last, at, state, is_held, is_stuck):
    hospital.set(as_of=datetime(2026, 1, 5, 11, tzinfo=ZoneInfo("America/New_York")))
    hospital.event("m1", "received", "09:59:00")
    hospital.event("m1", last, at, node="LIS")
    row = delivery(hospital)
    assert (row["is_held"], row["is_stuck"], row["is_open"]) == (is_held, is_stuck, last != "failed")
    message = hospital.one("marts.message")
    assert (message["state"], message["is_stuck"]) == (state, is_stuck)


def test_a_message_has_its_own_times_upstream_and_end_to_end(hospital):
    lis(hospital, ("routed", "10:00:01"), ("delivered", "10:00:03"))
    hospital.event("m1", "ack_sent", "10:00:00.250")
    times = ("upstream_ack_ms", "end_to_end_ms")
    assert [hospital.one("marts.message")[name] for name in times] == [250, 3000]
    hospital.event("m1", "routed", "10:00:01", node="BED")
    assert [hospital.one("marts.message")[name] for name in times] == [250, None]
    hospital.event("m1", "delivered", "10:00:04", node="BED")
    assert [hospital.one("marts.message")[name] for name in times] == [250, 4000]
    hospital.event("m2", "received", "10:00:00")
    hospital.event("m2", "ack_sent", "10:00:01", clock="lis")
    found = {row["message_key"]: row for row in hospital.build("marts.message")}
    assert found["m2"]["upstream_ack_ms"] is None


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


@pytest.mark.parametrize(("days", "drifted"), [(4, [False, True]), (3, [False, False])])
def test_a_format_of_fewer_than_a_quarter_of_the_days_is_drift(hospital, days, drifted):
    for day in range(days + 1):
        shape = "2.6:MSH" if day == days else "2.5:MSH"
        at = f"2026-01-{day + 5:02}T10:00:00-05:00"
        hospital.event(f"m{day}", "received", "10:00:00", msg_type="ORU", msg_shape=shape, occurred_at=at)
    hospital.event("unlogged", "received", "10:00:00", msg_type="ORU")
    found = {row["message_key"]: row for row in hospital.build("marts.message")}
    assert [found["m0"]["is_drifted"], found[f"m{days}"]["is_drifted"]] == drifted
    assert [found[name]["is_shape_known"] for name in ("m0", "unlogged")] == [True, False]


def test_what_a_person_did_by_hand_names_a_role_and_a_destination(hospital):
    lis(hospital, ("dead_lettered", "10:00:03"), ("replayed", "10:30:00", {"actor_role": "service desk"}))
    hospital.event("m2", "replayed", "11:00:00", replay_of_uid="m1")
    assert sorted(
        (row["kind"], row["role"], row["destination"], row["unit"], row["message_key"])
        for row in hospital.build("marts.intervention")
    ) == [("replayed", "Unknown", "Unknown", "ADT", "m1"), ("replayed", "service desk", "LIS", "ADT", "m1")]


def test_a_message_asked_to_be_sent_again_and_sent_is_one_intervention(hospital):
    lis(hospital, ("dead_lettered", "10:00:03"))
    hospital.event("m1", "replay_requested", "10:20:00")
    assert [row["kind"] for row in hospital.build("marts.intervention")] == ["replay_requested"]
    hospital.event("m2", "replayed", "10:30:00", replay_of_uid="m1")
    hospital.event("m1", "replay_requested", "12:00:00")
    assert [row["kind"] for row in hospital.build("marts.intervention")] == ["replayed", "replay_requested"]


def asked(hospital, event_type, when, uid=None, **columns):
    """What a person asked the engine for, as its own event log has it: for the channel where it names no message."""
    columns = {"node_role": "system", "root_message_uid": uid, "clock_id": "engine:events"} | columns
    hospital.event(uid, event_type, when, **columns)


def by_hand(hospital, *columns):
    return [tuple(row[name] for name in columns) for row in hospital.build("marts.intervention")]


@pytest.mark.parametrize(
    ("before", "kind", "after", "is_confirmed"),
    [
        ("09:57:00", "flow_stopped", "10:05:01", True),
        ("09:57:00", "flow_stopped", "10:02:00", False),  # messages still came in
        ("09:54:59", "flow_stopped", "10:05:01", False),  # none had come in before either
        ("09:54:59", "flow_started", "10:04:59", True),
        ("09:57:00", "flow_started", "10:02:00", False),  # it had not been stopped
        ("09:54:59", "flow_started", "10:05:01", False),
        ("09:57:00", "deleted", "10:02:00", False),
        ("09:57:00", "manual_override", "10:02:00", False),
    ],
)
def test_what_was_asked_for_is_confirmed_by_an_effect_within_five_minutes(hospital, before, kind, after, is_confirmed):
    hospital.event("m1", "received", before)
    asked(hospital, kind, "10:00:00", actor_key="k")
    hospital.event("m2", "received", after)
    assert by_hand(hospital, "kind", "is_confirmed", "is_of_message", "channel") == [
        (kind, is_confirmed, not kind.startswith("flow"), "ADT")
    ]


def test_a_log_that_ends_does_not_show_that_a_channel_stopped(hospital):
    hospital.event("m1", "received", "09:57:00")
    asked(hospital, "flow_stopped", "10:00:00")
    assert by_hand(hospital, "is_confirmed") == [(False,)]


def test_messages_asked_for_without_saying_which_are_those_sent_again_on_the_channel_soon_after(hospital):
    for uid, flow in (("m1", "ADT"), ("m2", "ADT"), ("m3", "LAB")):
        hospital.event(uid, "received", "09:00:00", flow=flow)
    asked(hospital, "replay_requested", "10:00:00")
    asked(hospital, "replay_requested", "10:00:00", flow="LAB")
    hospital.event("m1", "replayed", "10:00:30")
    hospital.event("m2", "replayed", "10:04:59")
    hospital.event("m3", "replayed", "10:05:01", flow="LAB")
    assert sorted(by_hand(hospital, "channel", "kind", "is_confirmed")) == [
        ("ADT", "replayed", True),
        ("ADT", "replayed", True),
        ("LAB", "replay_requested", False),
        ("LAB", "replayed", True),
    ]


def test_what_the_engine_did_by_itself_is_nobodys_work_and_a_channel_without_a_name_gets_the_one_of_its_messages(
    hospital,
):
    hospital.event("m1", "received", "09:00:00")
    asked(hospital, "flow_started", "10:00:00", actor_role="system")
    asked(hospital, "flow_stopped", "10:00:00", flow_name=None)
    asked(hospital, "flow_stopped", "10:00:00", flow="", flow_name=None)
    assert by_hand(hospital, "kind", "channel") == [("flow_stopped", "ADT"), ("flow_stopped", "Unknown")]


def test_a_replay_recovers_when_every_delivery_of_it_arrives(hospital):
    lis(hospital, ("failed", "10:00:03"))
    again = {"replay_of_uid": "m1", "root_message_uid": "m1"}
    hospital.event("m9", "replayed", "10:30:00", **again)
    hospital.event("m9", "routed", "10:30:00", node="LIS", **again)
    outcome = ("is_replay_settled", "is_replay_open", "is_recovered", "minutes_to_recover")
    assert by_hand(hospital, *outcome) == [(False, True, False, None)]
    hospital.event("m9", "delivered", "10:30:03", node="LIS", **again)
    assert by_hand(hospital, *outcome) == [(True, False, True, 30)]
    hospital.event("m9", "failed", "10:30:04", node="BED", **again)
    assert by_hand(hospital, *outcome) == [(True, False, False, None)]


def test_each_of_two_replays_has_its_own_outcome(hospital):
    lis(
        hospital,
        ("dead_lettered", "10:00:00"),
        ("replayed", "10:10:00"),
        ("dead_lettered", "10:11:00"),
        ("replayed", "10:20:00"),
        ("delivered", "10:21:00"),
    )
    assert by_hand(hospital, "is_replay_settled", "is_recovered", "minutes_to_recover") == [
        (True, False, None),
        (True, True, 21),
    ]


@pytest.mark.parametrize("clock", ["engine", "lis"])
def test_recovery_is_not_measured_between_two_clocks_nor_without_a_failure(hospital, clock):
    lis(hospital, ("failed", "10:00:00") if clock == "lis" else ("delivered", "10:00:00"))
    hospital.event("m1", "replayed", "10:10:00", node="LIS")
    hospital.event("m1", "delivered", "10:11:00", node="LIS", clock=clock)
    assert by_hand(hospital, "is_recovered", "is_recovery_known", "minutes_to_recover") == [(True, False, None)]


def test_a_message_that_repeats_itself_or_goes_round_ends_somewhere(hospital):
    hospital.event("m1", "received", "10:00:00", replay_of_uid="m1")
    hospital.event("m2", "received", "10:00:01", replay_of_uid="m3")
    hospital.event("m3", "received", "10:00:02", replay_of_uid="m2")
    origins = {row["message_uid"]: row["original_uid"] for row in hospital.build("staging.message_origin")}
    assert origins == {"m2": "m3", "m3": "m2"}


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


def feed(hospital, *instants, flow="ADT", **columns):
    """Messages received at these local instants of January."""
    for number, at in enumerate(instants):
        hospital.event(f"{flow}{number}", "received", "", occurred_at=f"2026-01-{at}-05:00", flow=flow, **columns)


def hours(hospital, flow="ADT"):
    found = [row for row in hospital.build("marts.channel_hour") if row["channel"] == flow]
    return sorted(found, key=lambda row: row["began_at"])


def test_a_feed_is_silent_from_its_longest_silence_until_its_next_message(hospital):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, max_silence_minutes) "
        "values ('ADT', 'engine', 'Northfield', 90), ('FAX', 'engine', 'Northfield', 60)"
    )
    feed(hospital, "05T10:00:00", "05T12:15:00", "05T12:30:00")
    found = hours(hospital)
    # silent from 11:30 to 12:15; after 12:30 the log says no more, and nobody knows
    assert [row["silent_minutes"] for row in found] == [0, 30, 15]
    assert [row["messages"] for row in found] == [1, 0, 2]
    assert [row["began_hour"].hour for row in found] == [10, 11, 12]
    # registered and never seen: silent from an hour after the log begins until it ends
    assert [row["silent_minutes"] for row in hours(hospital, "FAX")] == [0, 60, 30]


def test_an_hour_without_a_message_is_silence_where_five_are_usual(hospital):
    usual = [f"{day:02}T10:{minute:02}:00" for day in (5, 12, 26) for minute in (0, 10, 20, 30, 40)]
    feed(hospital, *usual, "19T09:00:00")
    feed(hospital, "05T09:00:00", "26T11:00:00", flow="OTHER")
    at_ten = {row["began_at"].day: row for row in hours(hospital) if row["began_at"].hour == 10}
    assert (at_ten[19]["messages"], at_ten[19]["expected_messages"], at_ten[19]["silent_minutes"]) == (0, 5, 60)
    assert (at_ten[5]["expected_messages"], at_ten[5]["silent_minutes"]) == (5, 0)  # the median of 5, 0 and 5
    # Tuesdays at ten are always quiet
    assert (at_ten[6]["expected_messages"], at_ten[6]["silent_minutes"]) == (0, 0)


def test_with_one_other_week_nothing_is_usual_yet(hospital):
    feed(hospital, "05T10:00:00", "12T10:00:00")
    assert {row["is_baseline_known"] for row in hours(hospital)} == {False}


def test_the_hour_that_the_clock_repeats_is_two_hours(hospital):
    hospital.event("a", "received", "", occurred_at="2025-11-02T01:30:00-04:00")
    hospital.event("b", "received", "", occurred_at="2025-11-02T01:30:00-05:00")
    found = hours(hospital)
    assert [(row["began_hour"].hour, row["messages"]) for row in found] == [(1, 1), (1, 1)]
    assert len({row["channel_hour_key"] for row in found}) == 2


@pytest.mark.parametrize(("tries", "is_storm"), [((5, 5, 5, 1, 1), True), ((9, 9, 1, 1, 1), False), ((9, 9, 9), False)])
def test_a_storm_is_an_hour_in_which_most_deliveries_are_tried_over_and_over(hospital, tries, is_storm):
    for number, attempts in enumerate(tries):
        uid = f"m{number}"
        hospital.event(uid, "received", "10:00:00")
        hospital.event(uid, "attempt_started", "10:00:01", node="LIS", attempt_no=attempts)
        hospital.event(uid, "delivered", "10:00:02", node="LIS")
    (row,) = hours(hospital)
    assert (row["is_storm"], row["attempts"], row["deliveries"]) == (is_storm, sum(tries), len(tries))


def test_drifted_messages_and_those_sent_again_are_told_apart(hospital):
    for day in range(5, 11):
        shape = "2.6:MSH" if day == 10 else "2.5:MSH"
        feed(hospital, f"{day:02}T10:00:00", flow=f"ADT{day}", flow_name="ADT", msg_shape=shape)
    hospital.event("again", "received", "", occurred_at="2026-01-10T10:30:00-05:00", replay_of_uid="ADT100")
    found = {
        (row["began_at"].day, row["messages"], row["drifted_messages"]) for row in hours(hospital) if row["messages"]
    }
    assert found == {(day, 1, int(day == 10)) for day in range(5, 11)}
