"""The hourly census of wards: by hand, on both nights that change clocks, and against the census of `models.census`."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from models.census import census
from sample_data.chance import stream

NEW_YORK = ZoneInfo("America/New_York")
CUT = datetime(2026, 1, 31, 12, 0, tzinfo=NEW_YORK)  # the data cut of every hospital in these tests


def ward(hospital, exported="2026-01-31T09:00:00-05:00", beds=2):
    """A ward with beds, first exported at an instant."""
    hospital.organization()
    place = {"types": None, "organization_ref": "north", "exported_at": exported}
    hospital.deliver("fhir_location", location_id="icu", name="ICU", physical_type_code="wa", **place)
    for n in range(1, beds + 1):
        bed = {"location_id": f"bed {n}", "name": f"Bed {n}", "physical_type_code": "bd", "part_of_ref": "icu"}
        hospital.deliver("fhir_location", **bed, **place)


def stay(hospital, key, begin, end, place="bed 1", day="2026-01-31", **columns):
    until = end and f"{day}T{end}:00-05:00"
    status = "finished" if end else "in-progress"
    hospital.visit(
        key, (place, f"{day}T{begin}:00-05:00", until), class_code="IMP", status=status, end=until, **columns
    )


def test_patients_are_counted_by_the_fraction_of_the_hour(hospital):
    ward(hospital)
    stay(hospital, "e1", "08:00", "10:15")
    stay(hospital, "e2", "09:30", None, place="bed 2")
    hours = sorted(hospital.build("marts.unit_hour"), key=lambda row: row["began_at"])
    assert [
        (row["census_hour"].hour, row["occupied_bed_hours"], row["staffed_bed_hours"], row["patients_at_end"])
        for row in hours
    ] == [
        (9, pytest.approx(1 + 30 / 60), 2, 2),
        (10, pytest.approx(15 / 60 + 1), 2, 1),
        (11, pytest.approx(1), 2, 1),
    ]
    assert hours[0]["occupancy"] == pytest.approx(1.5 / 2)
    assert (hours[0]["facility"], hours[0]["unit"], hours[0]["staffed_beds"]) == ("Northfield", "ICU", 2)


def test_hours_begin_with_the_wards_first_export_and_end_with_the_data_cut(hospital):
    ward(hospital, exported="2026-01-31T10:30:00-05:00")
    stay(hospital, "e1", "08:00", None)
    hospital.db.execute(
        "update raw.fhir_location set seen_from = '2026-01-31T11:45:00-05:00' where location_id = 'bed 2'"
    )
    hours = sorted(hospital.build("marts.unit_hour"), key=lambda row: row["began_at"])
    assert [(row["occupied_bed_hours"], row["staffed_bed_hours"]) for row in hours] == [
        (pytest.approx(0.5), pytest.approx(1)),
        (pytest.approx(1), pytest.approx(2)),
    ]


def test_midnight_stands_in_the_hour_that_ends_with_it(hospital):
    ward(hospital, exported="2026-01-30T22:00:00-05:00")
    stay(hospital, "e1", "21:00", None, day="2026-01-30")
    stay(hospital, "e2", "23:10", "23:50", day="2026-01-30", place="bed 2")
    at_night = {row["census_hour"].hour: row for row in hospital.build("marts.unit_hour")}
    assert (at_night[23]["midnight_occupied_beds"], at_night[23]["midnight_staffed_beds"]) == (1, 2)
    assert at_night[23]["census_date"].day == 30
    assert (at_night[22]["midnight_staffed_beds"], at_night[0]["midnight_staffed_beds"]) == (0, 0)


def test_cancelled_stays_and_places_that_are_no_ward_do_not_count(hospital):
    ward(hospital)
    hospital.location("hall", physical="area")
    stay(hospital, "e1", "08:00", None, place="hall")
    hospital.visit("e2", ("bed 1", "2026-01-31T08:00:00-05:00", None), class_code="IMP", status="cancelled")
    assert {row["occupied_bed_hours"] for row in hospital.build("marts.unit_hour")} == {0}


def test_a_ward_without_beds_has_no_occupancy(hospital):
    ward(hospital, beds=0)
    stay(hospital, "e1", "08:00", None, place="icu")
    hours = hospital.build("marts.unit_hour")
    assert {(row["staffed_beds"], row["occupancy"], row["occupied_bed_hours"]) for row in hours} == {(0, None, 1)}


@pytest.mark.parametrize(("night", "hours"), [("2026-03-08", 23), ("2025-11-02", 25)])
def test_a_day_has_as_many_hours_as_its_clock(hospital, night, hours):
    begin = datetime.fromisoformat(night).replace(tzinfo=NEW_YORK)
    ward(hospital, exported=begin.isoformat())
    hospital.set(as_of=begin + timedelta(days=1))
    found = hospital.build("marts.unit_hour")
    assert len(found) == hours
    assert sum(row["midnight_staffed_beds"] for row in found) == 2


def test_it_is_the_census_that_the_core_counts(hospital):
    draw, start = stream(7), CUT - timedelta(days=3)
    ward(hospital, exported=start.isoformat(), beds=3)
    cases = []
    for n in range(40):
        begin = start + timedelta(seconds=draw.randint(-100_000, 250_000))
        end = begin + timedelta(seconds=draw.randint(1, 90_000)) if draw.random() < 0.8 else None
        end = end if end and end < CUT else None
        place = (f"bed {1 + n % 3}", begin.isoformat(), end and end.isoformat())
        hospital.visit(f"e{n}", place, class_code="IMP", status="finished" if end else "in-progress", end=place[2])
        cases.append((begin.timestamp(), end and end.timestamp()))
    ours = sorted(hospital.build("marts.unit_hour"), key=lambda row: row["began_at"])
    rows = pl.LazyFrame(cases, schema={"came": pl.Float64, "went": pl.Float64}, orient="row")
    core = census(nw.from_native(rows), "came", "went", between=(start, CUT)).collect("pyarrow").rows(named=True)
    assert [row["occupied_bed_hours"] for row in ours] == pytest.approx([row["occupancy"] for row in core], abs=1e-9)
    assert [row["patients_at_end"] for row in ours] == [row["open_cases"] for row in core]
    assert len(ours) == 72
