"""How a delivered date or time is read: offsets, local times on both nights that change clocks, and what is no instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from models import times

NEW_YORK = "America/New_York"


@pytest.fixture(scope="module")
def db():
    with duckdb.connect() as made:
        made.execute("set timezone = 'America/New_York'")
        for macro in times.MACROS:
            made.execute(macro)
        yield made


@pytest.fixture
def read(db):
    """The instant in UTC as text, and the precision."""

    def of(text, zone=None):
        query = "select instant_in($x, $zone), precision_in($x, $zone), clock_of($x, $zone)"
        ((at, precision, odd),) = db.execute(query, {"x": text, "zone": zone}).fetchall()
        return at and at.astimezone(UTC).isoformat().removesuffix("+00:00"), precision, odd

    return of


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00"),
        ("2026-01-05T10:00:00+00:00", "2026-01-05T10:00:00"),
        ("2026-01-05T10:00:00-05:00", "2026-01-05T15:00:00"),
        ("2026-01-05T10:00:00+05:30", "2026-01-05T04:30:00"),
        ("2026-01-05T10:00:00+0530", "2026-01-05T04:30:00"),
        ("2026-01-05T10:00:00-03:00", "2026-01-05T13:00:00"),
        ("2026-01-05T10:00:00+14:00", "2026-01-04T20:00:00"),
        ("2026-01-05T10:00Z", "2026-01-05T10:00:00"),
        ("2026-01-05T10:00:00.5Z", "2026-01-05T10:00:00.500000"),
        ("2026-01-05T10:00:00.123456789Z", "2026-01-05T10:00:00.123456"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("2016-12-31T18:59:60.25-05:00", "2017-01-01T00:00:00.250000"),
        ("2026-01-05T24:00:00-05:00", "2026-01-06T05:00:00"),
        ("2150-07-05T10:00:00-04:00", "2150-07-05T14:00:00"),
    ],
)
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_an_offset_is_obeyed_whatever_the_sources_zone(read, text, utc, zone):
    assert read(text, zone) == (utc, "instant", None)


@pytest.mark.parametrize("text", ["2026", "2026-01", "2026-01-05"])
@pytest.mark.parametrize("zone", [None, NEW_YORK])
def test_a_year_a_month_or_a_day_is_no_instant(read, text, zone):
    assert read(text, zone) == (None, "day", None)


@pytest.mark.parametrize(
    "text", ["2026-02-30T10:00:00Z", "2026-01-05T25:00:00Z", "2026-01-05T10:60:00Z", "2026-02-30T10:00:00"]
)
def test_an_hour_that_does_not_exist_is_no_instant(read, text):
    assert read(text, NEW_YORK)[0] is None


def test_a_time_without_a_zone_is_an_instant_only_where_the_source_names_one(read):
    assert read("2026-01-05T10:00:00") == (None, "zoneless", None)
    assert read("2026-01-05T10:00:00", NEW_YORK) == ("2026-01-05T15:00:00", "instant", None)
    assert read("2026-07-05T10:00:00", NEW_YORK) == ("2026-07-05T14:00:00", "instant", None)
    assert read("2026-01-05T10:00:00", "Asia/Kolkata") == ("2026-01-05T04:30:00", "instant", None)
    assert read("2016-12-31T23:59:60", "UTC") == ("2017-01-01T00:00:00", "instant", None)
    assert read(None, NEW_YORK) == (None, None, None)


def test_the_hour_that_comes_twice_is_the_first_of_the_two_and_is_said_to_be_ambiguous(read):
    assert read("2025-11-02T00:59:59", NEW_YORK) == ("2025-11-02T04:59:59", "instant", None)
    assert read("2025-11-02T01:30:00", NEW_YORK) == ("2025-11-02T05:30:00", "instant", "ambiguous_time")
    assert read("2025-11-02T02:00:00", NEW_YORK) == ("2025-11-02T07:00:00", "instant", None)


def test_a_time_that_never_comes_is_read_as_if_the_clock_had_not_been_put_forward(read):
    assert read("2026-03-08T01:59:59", NEW_YORK) == ("2026-03-08T06:59:59", "instant", None)
    assert read("2026-03-08T02:30:00", NEW_YORK) == ("2026-03-08T07:30:00", "instant", "missing_time")
    assert read("2026-03-08T03:00:00", NEW_YORK) == ("2026-03-08T07:00:00", "instant", None)


@pytest.mark.parametrize(
    ("begin", "end", "minutes"),
    [
        ("2025-11-02T00:30:00-04:00", "2025-11-02T02:30:00-05:00", 180),
        ("2025-11-02T01:30:00-04:00", "2025-11-02T01:10:00-05:00", 40),
        ("2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00", 60),
        ("2025-11-02T00:30:00", "2025-11-02T02:30:00", 180),
        ("2025-11-01T22:00:00", "2025-11-02T08:00:00", 660),
        ("2026-03-08T01:30:00", "2026-03-08T03:30:00", 60),
        ("2026-03-07T22:00:00", "2026-03-08T08:00:00", 540),
    ],
)
def test_a_stay_over_the_night_that_changes_clocks_is_as_long_as_it_was(hospital, begin, end, minutes):
    hospital.set(zones={"key": ["ehr"], "value": [NEW_YORK]})
    hospital.emergency_department()
    hospital.visit("e1", ("bed 1", begin, end), class_code="IMP", end=end)
    row = hospital.one("marts.inpatient_stay")
    assert row["minutes_of_stay"] == minutes
    local = datetime.fromisoformat(end).replace(tzinfo=None)
    assert (row["departure_date"], row["departure_hour"].hour) == (local.date(), local.hour)


@pytest.mark.parametrize("text", ["2026-01-05", "2026-01", "2026", "2026-01-05T10:00:00"])
def test_what_is_no_instant_is_padded_in_no_mart(hospital, text):
    hospital.emergency_department()
    hospital.visit(
        "e1", ("room 1", text, text), end=text, status_history=[{"status": "in-progress", "start": text, "end": text}]
    )
    hospital.visit("e2", ("bed 1", text, text), class_code="IMP", end=text)
    row = hospital.one("marts.ed_attendance")
    assert [row[name] for name in ("arrived_at", "roomed_at", "first_contact_at", "departed_at", "departure_date")] == [
        None
    ] * 5
    assert (row["minutes_in_department"], row["is_departure_known"], row["is_open"]) == (None, False, False)
    row = hospital.one("marts.inpatient_stay")
    assert [row[name] for name in ("admitted_at", "departed_at", "minutes_of_stay", "departure_date")] == [None] * 4
    assert hospital.build("marts.unit_stay") == []


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Europe/London"])
def test_the_census_counts_the_hours_of_the_local_clock(hospital, zone):
    begin = datetime(2026, 1, 5, 8, tzinfo=ZoneInfo(zone))
    hospital.db.execute(f"set timezone = '{zone}'")
    hospital.set(as_of=begin + timedelta(hours=18))
    hospital.emergency_department()
    hospital.db.execute("update raw.fhir_location set seen_from = $at", {"at": begin})
    hospital.visit(
        "e1", ("bed 1", (begin + timedelta(minutes=75)).isoformat(), None), class_code="IMP", status="in-progress"
    )
    hours = sorted(hospital.build("marts.unit_hour"), key=lambda row: row["began_at"])
    assert len(hours) == 18
    assert [(row["census_hour"].hour, row["census_hour"].minute, row["occupied_bed_hours"]) for row in hours[:3]] == [
        (8, 0, 0),
        (9, 0, pytest.approx(0.75)),
        (10, 0, 1),
    ]
    assert sum(row["midnight_occupied_beds"] for row in hours) == 1
    hospital.db.execute("set timezone = 'America/New_York'")
