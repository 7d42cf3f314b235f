"""What a flow was called, what its log lacks, and how far the clocks beside it are apart."""

import pytest


def on(day, at="10:00:00"):
    return f"2026-01-{day:02}T{at}-05:00"


def test_a_new_name_is_the_same_channel_and_the_old_one_is_history(hospital):
    for day, name in ((5, "LAB"), (6, "LAB"), (7, "RESULTS"), (8, "LAB"), (9, "RESULTS")):
        hospital.event(f"m{day}", "received", "", occurred_at=on(day), flow="f-1", flow_name=name)
    found = sorted(hospital.build("marts.interface_flow"), key=lambda row: row["valid_from"])
    assert [
        (row["name"], row["channel"], row["valid_from"].day, row["valid_to"] and row["valid_to"].day) for row in found
    ] == [
        ("LAB", "RESULTS", 5, 7),
        ("RESULTS", "RESULTS", 7, 8),
        ("LAB", "RESULTS", 8, 9),
        ("RESULTS", "RESULTS", 9, None),
    ]
    (channel,) = hospital.build("marts.interface_channel")
    assert (channel["channel"], channel["messages"]) == ("RESULTS", 5)


def test_a_clone_with_a_new_id_goes_on_with_the_history_that_the_registry_joins(hospital):
    hospital.db.execute("insert into raw.registry_alias values ('engine', 'f-1', 'f-2'), ('engine', 'f-0', 'f-9')")
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility) values ('f-2', 'engine', 'Northfield')"
    )
    hospital.event("m0", "received", "", occurred_at=on(4), flow="f-0", flow_name="GONE")
    hospital.event("m1", "received", "", occurred_at=on(5), flow="f-1", flow_name="ORDERS")
    hospital.event("m2", "received", "", occurred_at=on(6), flow="f-2", flow_name="ORDERS v2")
    found = {row["flow_id"]: row for row in hospital.build("marts.interface_flow")}
    assert (found["f-1"]["channel"], found["f-1"]["is_alias"], found["f-1"]["valid_to"].day) == ("ORDERS v2", True, 6)
    assert (found["f-2"]["is_alias"], found["f-2"]["valid_to"]) == (False, None)
    assert found["f-0"]["channel"] == "f-9"  # the flow that runs today has not been seen yet
    channels = {row["channel"]: row for row in hospital.build("marts.interface_channel")}
    # registered by its id, which a new name does not change
    assert (channels["ORDERS v2"]["messages"], channels["ORDERS v2"]["is_registered"]) == (2, True)


def test_two_channels_of_one_name_in_two_logs_stay_apart(hospital):
    hospital.event("m1", "received", "10:00:00", flow="f-1", flow_name="ADT")
    hospital.event("m2", "received", "10:00:00", flow="f-2", flow_name="ADT", source="other")
    assert len(hospital.build("marts.interface_channel")) == 2


def gaps(hospital):
    found = sorted(hospital.build("marts.log_gap"), key=lambda row: row["until_at"])
    return [
        (row["from_at"] and row["from_at"].day, row["until_at"].day, row["missing_messages"], row["is_pruned"])
        for row in found
    ]


def test_numbers_that_never_came_are_messages_that_the_log_lacks(hospital):
    for day, number in ((5, 11), (6, 12), (9, 40)):
        hospital.event(f"f-1:{number}", "received", "", occurred_at=on(day), flow="f-1")
    # one to ten before the log begins, 13 to 39 between the 6th and the 9th
    assert gaps(hospital) == [(None, 5, 10, False), (6, 9, 27, False)]


def test_what_the_engine_says_that_it_pruned_is_named_so(hospital):
    for day, number in ((5, 1), (8, 5), (20, 7)):
        hospital.event(f"f-1:{number}", "received", "", occurred_at=on(day), flow="f-1")
    hospital.event(None, "purged", "", occurred_at=on(10), flow="f-1")
    assert gaps(hospital) == [(5, 8, 3, True), (8, 20, 1, False)]


@pytest.mark.parametrize("uid", ["f-1:abc", "6524f1", "f-1"])
def test_an_engine_that_does_not_number_its_messages_has_no_gaps(hospital, uid):
    hospital.event(uid, "received", "10:00:00", flow="f-1")
    assert gaps(hospital) == []


def through(hospital, uid, left, came, back, **columns):
    """A message by the engine's clock, then by the laboratory's, then by the engine's again."""
    hospital.event(uid, "attempt_started", left, node="LIS", **columns)
    hospital.event(uid, "received", came, node="LIS", clock="lis1", **columns)
    hospital.event(uid, "delivered", back, node="LIS", **columns)


def test_a_clock_is_ahead_by_half_the_difference_of_the_quickest_ways(hospital):
    through(hospital, "m1", "10:00:00.000", "10:00:00.850", "10:00:00.030")  # out 850, back -820
    through(hospital, "m2", "11:00:00.000", "11:00:00.870", "11:00:00.022")  # out 870, back -848
    row = hospital.one("marts.clock_skew")
    # quickest out 850, quickest back -848: (850 + 848) / 2 ahead, within (850 - 848) / 2
    assert (row["out_floor_ms"], row["back_floor_ms"], row["ahead_ms"], row["within_ms"]) == (850, -848, 849, 1)
    assert (row["messages"], row["other_clock_id"], row["is_both_ways"]) == (2, "lis1", True)


def test_a_message_tried_twice_says_nothing_of_clocks(hospital):
    through(hospital, "m1", "10:00:00", "10:00:05", "10:00:00.1")
    hospital.event("m1", "attempt_started", "09:59:00", node="LIS")
    assert hospital.build("marts.clock_skew") == []


def test_one_way_tells_what_a_clock_is_off_at_least(hospital):
    hospital.event("m1", "received", "10:00:00", sent_at=on(5, "10:00:01.300"), flow="FAST")
    hospital.event("m2", "received", "10:00:00", sent_at=on(5, "09:59:59"), flow="SLOW")
    hospital.event("m3", "received", "10:00:00", sent_at=on(5, "09:00:00"), flow="FAST", parent_message_uid="m1")
    hospital.event("m4", "attempt_started", "10:00:00", node="LIS", flow="OUT")
    hospital.event("m4", "received", "09:59:58", node="LIS", clock="lis1", flow="OUT")
    found = {
        row["other_clock_id"]: (row["ahead_ms"], row["is_both_ways"]) for row in hospital.build("marts.clock_skew")
    }
    assert found == {"sender of FAST": (1300, False), "sender of SLOW": (0, False), "lis1": (-2000, False)}


def steps(hospital):
    return [
        (row["destination"], row["event_type"], row["attempt"], row["since_ms"], row["is_other_clock"])
        for row in sorted(hospital.build("marts.message_event"), key=lambda row: row["event_order"])
    ]


def test_what_happened_to_a_message_stands_in_order_with_the_time_since_the_step_before(hospital):
    hospital.event("m1", "received", "10:00:00")
    hospital.event("m1", "routed", "10:00:01", node="LIS")
    hospital.event("m1", "attempt_started", "10:00:02", node="LIS")
    hospital.event("m1", "attempt_failed", "10:00:02.500", node="LIS")
    hospital.event("m1", "attempt_started", "10:01:00", node="LIS")
    hospital.event("m1", "received", "10:01:01", node="LIS", clock="lis1")
    hospital.event("m1", "delivered", "10:01:02", node="LIS")
    assert steps(hospital) == [
        (None, "received", None, None, None),
        ("LIS", "routed", None, None, None),
        ("LIS", "attempt_started", 1, 1000, False),
        ("LIS", "attempt_failed", 1, 500, False),
        ("LIS", "attempt_started", 2, 57_500, False),
        ("LIS", "received", 2, None, True),
        ("LIS", "delivered", 2, None, True),
    ]


def test_a_log_that_keeps_only_the_last_attempt_says_its_number_and_old_messages_are_left_out(hospital):
    hospital.event("m1", "attempt_started", "10:00:02", node="LIS", attempt_no=4, attempts_exact=False)
    hospital.event("old", "received", "", occurred_at="2025-06-01T10:00:00-05:00")
    (row,) = hospital.build("marts.message_event")
    assert (row["message_key"], row["attempt"], row["is_attempt_exact"]) == ("m1", 4, False)
