"""How numbers are said to a tired person at 06:40."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from models import wording


def test_encounters_that_wait_for_their_export():
    assert wording.waiting("ehr", 1, 2) == "ehr: 1 encounter waits for the rest of its export; files missing: 2"
    assert wording.waiting("ehr", 1200, 1).startswith("ehr: 1,200 encounters wait for the rest of their export")


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ((12, 353, 340, 365), "5 h 53 late in all (5 h 40 to 6 h 05), 12 patients"),
        ((None, 353, None, None), f"5 h 53 late in all, {wording.suppressed(5)} patients"),
        ((12, 20, -5, 45), "no later than usual"),
        ((12, None, None, None), "not known"),
    ],
)
def test_what_an_incident_cost(known, said):
    assert wording.incident_cost("Bed request to assigned bed", *known, 5) == f"Bed request to assigned bed: {said}"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (None, "–"),
        (0, "0 min"),
        (0.5, "30 s"),
        (0.999, "1 min"),
        (58, "58 min"),
        (59.6, "1 h 00"),
        (232, "3 h 52"),
        (0.001, "under 1 s"),
        (1439.6, "1 d"),
        (4560, "3 d 4 h"),
        (-12, "−12 min"),
    ],
)
def test_durations(minutes, said):
    assert wording.duration(minutes) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (None, "–"),
        (0, "0 h"),
        (0.5, "30 s"),
        (45, "45 min"),
        (60, "1.0 h"),
        (90, "1.5 h"),
        (599, "10 h"),
        (60_000, "1,000 h"),
        (-90, "−1.5 h"),
    ],
)
def test_sums_of_hours(minutes, said):
    assert wording.hours(minutes) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (None, "–"),
        (840, "840 ms"),
        (999.6, "1.0 s"),
        (1234, "1.2 s"),
        (59_960, "1 min"),
        (90_000, "2 min"),
        (-5, "−5 ms"),
    ],
)
def test_milliseconds(amount, said):
    assert wording.milliseconds(amount) == said


@pytest.mark.parametrize(
    ("kind", "seen", "expected", "said"),
    [
        ("silent", 0, 42.4, "silent for 3 h 00; about 42 messages did not come"),
        ("silent", 0, None, "silent for 3 h 00"),
        ("outage", 90, None, "nothing got through for 3 h 00"),
        ("retry_storm", 23.4, None, "each message tried 23 times on average"),
        ("error_burst", 0.41, 0.02, "41.0 % of tries failed; up to 2.0 % is usual"),
        ("backlog", 31, 0, "up to 31 messages waited longer than 20 min"),
        ("latency_shift", 1200, 120, "answers took 1.2 s; 120 ms is usual"),
        ("schema_drift", 40, 0, "40 messages in an unusual format"),
    ],
)
def test_incidents_in_words(kind, seen, expected, said):
    assert wording.incident(kind, 180, seen, expected) == said
    assert kind in wording.INCIDENTS


@pytest.mark.parametrize(
    ("amount", "unit", "said"),
    [
        (0.118, "percent", "11.8 %"),
        (0.0017, "percent", "0.17 %"),
        (0.001, "percent", "0.10 %"),
        (0.0, "percent", "0.0 %"),
        (0.00001, "percent", "0.0 %"),
        (0.01, "percent", "1.0 %"),
        (-0.0017, "percent", "−0.17 %"),
        (None, "percent", "–"),
        (1234.4, "count", "1,234"),
        (None, "count", "–"),
        (1.034, "ratio", "1.03"),
        (-1.5, "ratio", "−1.50"),
        (None, "ratio", "–"),
        (58, "minutes", "58 min"),
        (368, "milliseconds", "368 ms"),
        (-3, "count", "−3"),
    ],
)
def test_values_in_their_unit(amount, unit, said):
    assert wording.value(amount, unit) == said


@pytest.mark.parametrize(
    ("difference", "unit", "said"),
    [
        (None, "percent", "–"),
        (0.031, "percent", "+3.1 pts"),
        (-0.031, "percent", "−3.1 pts"),
        (0.0001, "percent", "±0.0 pts"),
        (-12, "minutes", "−12 min"),
        (0, "minutes", "±0 min"),
        (0.3, "count", "±0"),
        (1500, "count", "+1,500"),
    ],
)
def test_changes_have_a_sign_and_shares_change_in_points(difference, unit, said):
    assert wording.change(difference, unit) == said


def test_days_weeks_and_times_have_their_weekday_and_no_leading_zero():
    assert wording.day(date(2026, 5, 4)) == "Mon 4 May 2026"
    assert wording.week(date(2026, 5, 4)) == "week of 4 May"
    assert (
        wording.local_time(datetime(2026, 5, 4, 6, 40, tzinfo=ZoneInfo("America/New_York"))) == "Mon 4 May 2026, 06:40"
    )


def test_a_hidden_number_says_how_small():
    assert wording.suppressed(5) == "fewer than 5"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"), (0.00005, "under 0.01 %"), (0.0042, "0.42 %"), (0.944, "94 %"), (0.9978, "99.8 %"), (0.9998, "over 99.9 %"),
        (1.0, "100 %"), (1.278, "128 %"),
    ],
)  # fmt: skip
def test_a_share_has_decimals_only_where_little_would_look_like_nothing_or_almost_all_like_all(share, said):
    assert wording.share(share) == said


@pytest.mark.parametrize(("minutes", "said"), [(None, ""), (0, ""), (720, "within 12 h 00 on average")])
def test_what_is_known_exactly_needs_no_sentence(minutes, said):
    assert said in wording.known_within(minutes)
    assert bool(wording.known_within(minutes)) is bool(said)


def test_what_happened_to_a_message_is_said_in_words():
    assert [wording.message_step(step) for step in ("received", "queued", "nack_received", "dead_lettered")] == [
        "received",
        "put into the queue",
        "refused by the receiver",
        "dead-lettered",
    ]
    assert wording.message_step("flow_stopped") == "flow stopped"
