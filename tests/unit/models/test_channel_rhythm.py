"""How long a channel may be without a message: as its own history says it, and what its engine says of its queue."""

import pytest


def gaps(hospital, *minutes, weekday=5, at="10:59:00"):
    """Week after week a message late in an hour, and the next one so many minutes later, in another hour."""
    for week, after in enumerate(minutes):
        day = f"2026-01-{weekday + 7 * week:02}T{at}-05:00"
        (later,) = hospital.db.execute(
            "select $day::timestamptz + $after * interval 1 minute", {"day": day, "after": after}
        ).fetchone()
        hospital.event(f"a{weekday}.{week}", "received", "", occurred_at=day)
        hospital.event(f"b{weekday}.{week}", "received", "", occurred_at=str(later))


def learned(hospital):
    return {
        row["hour_class"]: (
            row["days"],
            row["usual_gap_minutes"],
            row["longest_gap_minutes"],
            row["learned_gap_minutes"],
        )
        for row in hospital.build("marts.channel_rhythm")
    }


def test_the_longest_gap_and_twice_its_distance_from_the_usual_one_is_learned(hospital):
    gaps(hospital, 20, 30, 40, 20)
    # of 20 20 30 40: usual 20, longest 40, learned 40 + 2 x 20
    assert learned(hospital)["Mon-Thu 10"] == (4, 20, 40, 80)


def test_a_feed_that_closes_at_the_same_time_every_friday_is_missed_soon_after_it_should_open(hospital):
    gaps(hospital, 3900, 3900, 3910, 3900, weekday=2, at="17:50:00")
    assert learned(hospital)["Fri 17"] == (4, 3900, 3910, 3930)


def test_three_days_teach_nothing_and_a_busy_feed_has_a_quarter_of_an_hour(hospital):
    gaps(hospital, 1, 1, 1, 2)
    gaps(hospital, 1, 1, 1, weekday=10)
    found = learned(hospital)
    assert found["Mon-Thu 10"] == (4, 1, 2, 15)
    assert found["Sat 10"] == (3, 1, 1, None)


def test_an_outage_on_one_of_twenty_one_days_teaches_nothing(hospital):
    for day in range(5, 27):
        hospital.event(f"a{day}", "received", "", occurred_at=f"2026-01-{day:02}T10:00:00-05:00")
        if day != 12:
            hospital.event(f"b{day}", "received", "", occurred_at=f"2026-01-{day:02}T23:00:00-05:00")
    found = learned(hospital)
    # thirteen hours from ten to eleven at night; on the 12th a day and more
    assert found["any"] == (22, 780, 780, 780)


@pytest.mark.parametrize(("registered", "limit", "basis"), [(90, 90, "registered"), (None, 80, "learned")])
def test_what_is_registered_counts_before_what_was_learned(hospital, registered, limit, basis):
    hospital.db.execute(
        "insert into raw.registry_interface (flow, source, facility, max_silence_minutes) values ('ADT', 'engine', 'Northfield', $1)",
        [registered],
    )
    gaps(hospital, 20, 30, 40, 20)
    hospital.event("last", "received", "", occurred_at="2026-01-28T10:00:00-05:00")
    (row,) = hospital.build("marts.interface_channel")
    assert (row["silence_limit_minutes"], row["silence_basis"]) == (limit, basis)


def test_hours_of_which_little_is_known_go_by_all_hours_and_a_new_channel_by_none(hospital):
    gaps(hospital, 20, 30, 40, 20)
    hospital.event("last", "received", "", occurred_at="2026-01-31T03:00:00-05:00")
    hospital.event("new", "received", "10:00:00", flow="NEW")
    found = {row["channel"]: row for row in hospital.build("marts.interface_channel")}
    assert found["ADT"]["silence_basis"] == "learned"
    assert found["ADT"]["silence_limit_minutes"] > 80
    assert (found["NEW"]["silence_basis"], found["NEW"]["silence_limit_minutes"]) == ("unknown", None)


def test_a_sample_of_a_queue_is_no_message(hospital, clock):
    hospital.event("m1", "received", "10:00:00")
    for at, depth in (("10:05:00", 3), ("10:40:00", 9), ("10:55:00", 4)):
        hospital.event(None, "queue_sample", at, node="LIS", queue_depth=depth)
    hospital.event(None, "queue_sample", "11:05:00", node="LIS")  # without a depth it says nothing
    (row,) = hospital.build("marts.engine_queue_hour")
    assert (row["most_waiting"], row["last_waiting"], row["samples"], clock(row["last_sample_at"])) == (
        9,
        4,
        3,
        "10:55",
    )
    assert row["is_dead_letter"] is False
    (channel,) = hospital.build("marts.interface_channel")
    assert (clock(channel["last_message_at"]), clock(channel["last_seen_at"])) == ("10:00", "11:05")
    hospital.event(None, "queue_sample", "11:10:00", node="DLQ", queue_depth=2, native_type="dead_letter")
    assert [(row["node"], row["is_dead_letter"]) for row in hospital.build("marts.engine_queue_hour")] == [
        ("LIS", False),
        ("DLQ", True),
    ]


def test_the_band_holds_four_of_five_of_the_weeks_around(hospital):
    for week, messages in enumerate((2, 4, 6, 8)):
        for number in range(messages):
            hospital.event(
                f"{week}.{number}", "received", "", occurred_at=f"2026-01-{5 + 7 * week:02}T10:{number:02}:00-05:00"
            )
    first = min(hospital.build("marts.channel_hour"), key=lambda row: row["began_at"])
    # of 4, 6 and 8: the median, and one tenth of the way from the lowest and from the highest: 4 + 0.2 x 2, 8 - 0.2 x 2
    assert (first["expected_messages"], first["expected_low"], first["expected_high"]) == (6, 4.4, 7.6)
