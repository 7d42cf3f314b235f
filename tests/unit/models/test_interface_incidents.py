"""What makes an incident, flow by flow: a hand-written log each, and what is told of it."""

import pytest

COLUMNS = "source, event_uid, message_uid, root_message_uid, flow_id, flow_name, node_id, node_name, node_role, clock_id, attempts_exact"


def told(hospital, clock, **wanted):
    """Kind, beginning, detection and end of every incident, in order, as local wall time."""
    rows = sorted(hospital.build("marts.interface_incident"), key=lambda row: (row["started_at"], row["kind"]))
    return [
        (row["kind"], clock(row["started_at"]), clock(row["detected_at"]), clock(row["restored_at"]))
        for row in rows
        if all(row[name] == value for name, value in wanted.items())
    ]


def many(hospital, moments, *steps, flow="ADT", node="LIS"):
    """A message at each instant of a query's column `moment`, and its steps: event and milliseconds after it."""
    for event_type, after in steps:
        at_source = event_type == "received"
        hospital.db.execute(
            f"insert into raw.interface_event ({COLUMNS}, event_type, attempt_no, occurred_at, file_id, line) "
            "select 'engine', $flow || moment || $event, $flow || moment, $flow || moment, $flow, $flow, $node, $node, $role, "
            "'engine', true, $event, case when $event = 'attempt_started' then 1 end, moment + $after * interval 1 millisecond, "
            f"1, 1 from ({moments})",
            {
                "flow": flow,
                "node": "" if at_source else node,
                "role": "source" if at_source else "destination",
                "event": event_type,
                "after": after,
            },
        )


def every(minutes, begin, end):
    """A query for an instant every so many minutes, end not included."""
    return f"select unnest(range(timestamptz '{begin}', timestamptz '{end}', interval {minutes} minute)) as moment"


DELIVERED = (("received", 0), ("routed", 10), ("attempt_started", 20), ("delivered", 120))
REFUSED = (("received", 0), ("routed", 10), ("attempt_started", 20), ("nack_received", 120), ("dead_lettered", 120))
SLOW = (("received", 0), ("routed", 10), ("attempt_started", 20), ("delivered", 1220))


def limit(hospital, minutes, flow="ADT"):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, max_silence_minutes) values "
        "($flow, 'engine', 'Northfield', $minutes)",
        {"flow": flow, "minutes": minutes},
    )


def test_a_registered_flow_is_silent_from_its_last_message_and_known_to_be_at_its_limit(hospital, clock):
    limit(hospital, 60)
    for at in ("10:00:00", "13:00:00", "13:30:00", "15:00:00", "15:10:00"):
        hospital.event(at, "received", at)
    assert told(hospital, clock) == [
        ("silent", "10:00", "11:00", "13:00"),
        ("silent", "13:30", "14:30", "15:00"),
    ]


def test_a_silence_that_has_not_ended_is_open(hospital, clock):
    limit(hospital, 60)
    hospital.event("m1", "received", "10:00:00")
    hospital.event("m2", "received", "12:30:00", flow="OTHER")
    assert told(hospital, clock) == [("silent", "10:00", "11:00", None)]
    (row,) = hospital.build("marts.interface_incident")
    assert (row["is_open"], row["messages_affected"]) == (True, None)  # nothing is known of what should have come


def test_a_planned_downtime_is_no_silence_and_no_outage(hospital, clock):
    limit(hospital, 60)
    hospital.db.execute(
        "insert into raw.registry_downtime (source, starts_at, ends_at) values "
        "('engine', timestamptz '2026-01-05 09:55-05:00', timestamptz '2026-01-05 13:00-05:00')"
    )
    for at in ("09:50:00", "13:30:00"):
        hospital.event(at, "received", at)
    failing(hospital, range(0, 60, 2))
    assert told(hospital, clock) == []


WEEKS = ("2025-11-03", "2026-01-05")


def test_an_unregistered_flow_is_silent_when_more_is_missing_than_its_weeks_have_taught(hospital, clock):
    # four an hour for nine weeks; nothing from 08:00 to 13:00, when 20 were due
    many(hospital, every(15, *WEEKS), ("received", 0))
    many(hospital, every(15, "2026-01-05", "2026-01-05 08:01"), ("received", 0))
    many(hospital, every(15, "2026-01-05 13:00", "2026-01-05 18:00"), ("received", 0))
    many(hospital, every(30, "2026-01-05", "2026-01-05 18:00"), ("received", 0), flow="OTHER")
    # twelve missing are known at 11:00; the longest usual lull is one message
    assert told(hospital, clock, channel="ADT") == [("silent", "08:00", "11:00", "13:00")]
    (row,) = hospital.build("marts.interface_incident")
    assert (row["seen"], row["expected"], row["messages_affected"]) == (0, 20, 20)


def test_what_is_missing_while_nothing_came_from_the_log_at_all_is_a_gap_of_the_log(hospital, clock):
    for flow in ("ADT", "ORDERS"):
        many(hospital, every(15, *WEEKS), ("received", 0), flow=flow)
        many(hospital, every(15, "2026-01-05", "2026-01-05 08:01"), ("received", 0), flow=flow)
        many(hospital, every(15, "2026-01-05 13:00", "2026-01-05 18:00"), ("received", 0), flow=flow)
    assert told(hospital, clock) == []


def test_a_holiday_is_as_quiet_as_a_sunday(hospital, clock):
    # no message on a Sunday; Monday 5 January is a holiday
    weekdays = f"select moment from ({every(15, *WEEKS)}) where extract(isodow from moment::timestamp) < 7"
    many(hospital, weekdays, ("received", 0))
    many(hospital, every(15, "2026-01-06", "2026-01-06 12:00"), ("received", 0))
    many(hospital, every(60, "2025-11-03", "2026-01-06 12:00"), ("received", 0), flow="OTHER")
    assert [kind for kind, *_ in told(hospital, clock)] == ["silent"]
    hospital.db.execute("insert into raw.registry_holiday values (date '2026-01-05')")
    assert told(hospital, clock) == []


def test_a_flow_of_a_few_weeks_has_taught_nothing_and_only_its_registered_limit_speaks(hospital, clock):
    many(hospital, every(15, "2025-12-22", "2026-01-05 08:01"), ("received", 0))
    many(hospital, every(30, "2025-12-22", "2026-01-05 18:00"), ("received", 0), flow="OTHER")
    assert told(hospital, clock) == []
    limit(hospital, 120)
    assert told(hospital, clock) == [("silent", "08:00", "10:00", None)]


def failing(hospital, minutes, uid="m1", begin=10):
    """A message that is tried at these minutes after ten, in vain."""
    hospital.event(uid, "received", f"{begin}:00:00")
    for number, minute in enumerate(minutes, 1):
        at = f"{begin + minute // 60}:{minute % 60:02}"
        hospital.event(uid, "attempt_started", f"{at}:10", node="LIS", attempt_no=number, attempts_exact=True)
        hospital.event(uid, "attempt_failed", f"{at}:12", node="LIS", attempts_exact=True)


def test_nothing_gets_through_from_the_first_failure_to_the_next_success(hospital, clock):
    failing(hospital, range(0, 30, 2))
    hospital.event("m1", "delivered", "10:31:00", node="LIS")
    # evidence of three slots and ten minutes: known with the failure at 10:14
    assert told(hospital, clock) == [("outage", "10:00", "10:14", "10:31")]
    (row,) = hospital.build("marts.interface_incident")
    assert (row["destination"], row["seen"], row["messages_affected"]) == ("LIS", 15, 1)


def test_an_outage_that_has_not_ended_is_open(hospital, clock):
    failing(hospital, range(0, 30, 2))
    assert told(hospital, clock) == [("outage", "10:00", "10:14", None)]


def test_a_hiccup_of_some_minutes_is_no_incident(hospital, clock):
    failing(hospital, range(8))
    hospital.event("m1", "delivered", "10:09:00", node="LIS")
    assert told(hospital, clock) == []


def test_tries_without_a_pause_of_which_some_get_through_are_a_storm(hospital, clock):
    for minute in range(0, 30, 3):
        for second in range(0, 40, 2):
            at = f"10:{minute:02}:{second:02}"
            hospital.event(f"m{minute}", "attempt_failed", at, node="LIS", attempts_exact=True)
        hospital.event(f"m{minute}", "delivered", f"10:{minute:02}:50", node="LIS")
    many(hospital, every(2, "2026-01-05 10:31", "2026-01-05 11:31"), ("delivered", 0))
    # twenty tries a message; twenty minutes later so many got through that it is over
    assert told(hospital, clock) == [("retry_storm", "10:00", "10:12", "10:27")]
    assert hospital.one("marts.interface_incident")["seen"] == 20


def test_refusals_are_a_burst_where_few_are_usual(hospital, clock):
    many(hospital, every(30, "2025-12-20", "2026-01-05 10:00"), *DELIVERED)
    many(hospital, every(5, "2026-01-05 10:00", "2026-01-05 11:00"), *REFUSED)
    many(hospital, every(10, "2026-01-05 11:00", "2026-01-05 16:00"), *DELIVERED)
    (row,) = hospital.build("marts.interface_incident")
    assert (row["kind"], row["seen"], row["messages_affected"]) == ("error_burst", 1.0, 12)
    assert [clock(row[name]) for name in ("started_at", "restored_at")] == ["10:00", "11:00"]


def test_refusals_of_a_flow_that_is_a_few_days_old_are_not_judged(hospital, clock):
    many(hospital, every(30, "2026-01-02", "2026-01-05 10:00"), *DELIVERED)
    many(hospital, every(5, "2026-01-05 10:00", "2026-01-05 11:00"), *REFUSED)
    assert told(hospital, clock) == []


def test_answers_that_become_slow_and_stay_so_are_a_shift(hospital, clock):
    many(hospital, every(30, "2025-12-20", "2026-01-05 10:00"), *DELIVERED)
    many(hospital, every(5, "2026-01-05 10:00", "2026-01-05 14:00"), *SLOW)
    many(hospital, every(10, "2026-01-05 14:00", "2026-01-05 18:00"), *DELIVERED)
    (row,) = hospital.build("marts.interface_incident")
    # 100 ms is usual; nine slow ones in a row are enough, the ninth came at 10:40
    assert (row["kind"], row["seen"], row["expected"], row["messages_affected"]) == ("latency_shift", 1200, 100, 48)
    assert [clock(row[name]) for name in ("started_at", "detected_at", "restored_at")] == ["10:00", "10:40", "14:00"]


def test_messages_that_wait_while_others_get_through_are_a_backlog(hospital, clock):
    many(hospital, every(30, "2025-12-20", "2026-01-05 10:00"), *DELIVERED)
    for number in range(8):
        received = f"10:0{number}:00"
        hospital.event(f"w{number}", "received", received)
        hospital.event(f"w{number}", "routed", received, node="LIS")
        hospital.event(f"w{number}", "delivered", f"10:{40 + number}:00", node="LIS")
    many(hospital, every(5, "2026-01-05 10:00", "2026-01-05 12:00"), *DELIVERED)
    # the fifth of them came at 10:04 and is overdue at 10:24; the fourth left is delivered at 10:43
    assert told(hospital, clock) == [("backlog", "10:00", "10:24", "10:43")]
    assert [row["seen"] for row in hospital.build("marts.interface_incident")] == [8]


def test_messages_that_wait_while_nothing_gets_through_are_an_outage_also_in_a_log_without_attempts(hospital, clock):
    for number in range(8):
        hospital.event(f"w{number}", "routed", f"10:0{number}:00", node="LIS")
        hospital.event(f"w{number}", "delivered", f"11:00:0{number}", node="LIS")
    assert told(hospital, clock) == [("outage", "10:00", "10:24", "11:00")]


def test_the_queue_behind_an_outage_is_not_told_again(hospital, clock):
    failing(hospital, range(0, 58, 2))
    for number in range(8):
        hospital.event(f"w{number}", "routed", f"10:1{number}:00", node="LIS")
        hospital.event(f"w{number}", "delivered", f"11:00:0{number}", node="LIS")
    assert told(hospital, clock) == [("outage", "10:00", "10:14", "11:00")]
    assert hospital.one("marts.interface_incident")["messages_affected"] == 9


def test_an_outage_begins_with_the_queue_before_it_although_the_first_try_failed_long_after(hospital, clock):
    for number in range(8):
        hospital.event(f"w{number}", "routed", f"10:0{number}:00", node="LIS")
        hospital.event(f"w{number}", "delivered", f"12:00:0{number}", node="LIS")
    failing(hospital, range(45, 115, 2))
    # the queue alone is known at 10:24, and 45 minutes lie before the first failure
    assert told(hospital, clock) == [("outage", "10:00", "10:24", "12:00")]
    assert hospital.one("marts.interface_incident")["messages_affected"] == 9


@pytest.mark.parametrize("quiet", [3, 6])
def test_drift_with_quiet_hours_in_between_is_one_incident(hospital, quiet):
    for day in range(6, 12):
        at = f"2026-01-{day:02}T10:00:00-05:00"
        hospital.event(f"old{day}", "received", "", occurred_at=at, msg_shape="2.5:MSH")
    hospital.event("new1", "received", "10:00:00", msg_shape="2.6:MSH")
    hospital.event("new2", "received", f"{10 + quiet}:00:00", msg_shape="2.6:MSH")
    found = hospital.build("marts.interface_incident")
    assert {row["kind"] for row in found} == {"schema_drift"}
    assert len(found) == (1 if quiet <= 4 else 2)
    assert sum(row["messages_affected"] for row in found) == 2


def test_the_course_of_an_incident_is_what_was_seen_against_what_it_is_held_against(hospital):
    failing(hospital, range(0, 60, 2))
    hospital.event("m1", "delivered", "11:00:00", node="LIS")
    course = hospital.build("marts.incident_course")
    # an hour with half an hour on either side, in 36 steps of four minutes
    assert ([row["step"] for row in course], {row["step_minutes"] for row in course}) == (list(range(36)), {4.0})
    assert (sum(row["against"] for row in course), sum(row["seen"] for row in course)) == (30, 1)


def test_the_course_of_a_silence_shows_what_should_have_come(hospital):
    many(hospital, every(15, *WEEKS), ("received", 0))
    many(hospital, every(15, "2026-01-05", "2026-01-05 08:01"), ("received", 0))
    many(hospital, every(15, "2026-01-05 13:00", "2026-01-05 18:00"), ("received", 0))
    many(hospital, every(30, "2026-01-05", "2026-01-05 18:00"), ("received", 0), flow="OTHER")
    course = hospital.build("marts.incident_course")
    # 36 steps of 17 minutes around a silence from 08:00 to 13:00, four messages an hour due in them; eleven came on either side
    assert round(sum(row["against"] for row in course)) == 41
    assert sum(row["seen"] for row in course) == 22
