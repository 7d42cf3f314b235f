"""The shape of a real hospital's de-identified export, imitated: years ahead, no lastUpdated, inpatients of class EMER, an emergency
visit that overlaps the hospital stay it is part of, stays outside the period, changes of bed, a ward called Unknown, a lounge."""

import pytest

from models.catalog import build_order
from pipelines import visit_rules
from pipelines.build import build, data_cut

from .conftest import SETTINGS

RULES = """
[[sources.visits]]
kind = "inpatient"
classes = ["EMER", "OBSENC"]
place = "inpatient"
"""
REAL = SETTINGS.replace('kind = "fhir"\n', f'kind = "fhir"\n{RULES}', 1)


def place(ident, kind=None, physical="wa"):
    typed = {"type": [{"coding": [{"code": kind}]}]} if kind else {}
    return {
        "resourceType": "Location",
        "id": ident,
        "name": ident.title(),
        "physicalType": {"coding": [{"code": physical}]},
        "managingOrganization": {"reference": "Organization/larkhill"},
        **typed,
    }


PLACES = (
    place("emergency", "1108-0", "area"),
    place("medicine"),
    place("surgery"),
    place("unknown"),
    place("discharge-lounge", "1110-6", "area"),
)


def visit(ident, code, period, *stays, **more):
    return {
        "resourceType": "Encounter",
        "id": ident,
        "status": "finished",
        "class": {"code": code},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": f"2150-{period[0]}", "end": f"2150-{period[1]}"},
        "location": [
            {"location": {"reference": f"Location/{where}"}, "period": {"start": f"2150-{begin}", "end": f"2150-{end}"}}
            for where, begin, end in stays
        ],
        **more,
    }


HOSPITAL_STAY = visit(
    "h1",
    "EMER",
    ("06-01T13:00:00-04:00", "06-03T15:00:00-04:00"),
    ("emergency", "06-01T10:00:00-04:00", "06-01T14:00:00-04:00"),
    ("medicine", "06-01T14:00:00-04:00", "06-02T08:00:00-04:00"),
    ("medicine", "06-02T08:00:00-04:00", "06-02T20:00:00-04:00"),
    ("unknown", "06-02T20:00:00-04:00", "06-02T21:00:00-04:00"),
    ("surgery", "06-02T21:00:00-04:00", "06-03T14:00:00-04:00"),
    ("discharge-lounge", "06-03T14:00:00-04:00", "06-03T15:30:00-04:00"),
)
EMERGENCY_VISIT = visit(
    "ed1",
    "EMER",
    ("06-01T10:00:00-04:00", "06-01T14:00:00-04:00"),
    ("emergency", "06-01T10:00:00-04:00", "06-01T14:00:00-04:00"),
    partOf={"reference": "Encounter/h1"},
)
INTENSIVE_CARE = visit(
    "icu1",
    "ACUTE",
    ("06-02T21:00:00-04:00", "06-03T14:00:00-04:00"),
    ("surgery", "06-02T21:00:00-04:00", "06-03T14:00:00-04:00"),
    partOf={"reference": "Encounter/h1"},
)


@pytest.fixture
def real(new_site, put):
    site = new_site(REAL)
    site.ingest(
        put("Organization.ndjson", {"resourceType": "Organization", "id": "larkhill", "name": "Larkhill"}),
        put("Location.ndjson", *PLACES),
        put("Encounter.ndjson", HOSPITAL_STAY, EMERGENCY_VISIT, INTENSIVE_CARE),
        source="ehr",
    )
    return built(site)


def built(site):
    visit_rules.take_in(site.db, site.settings.visits)
    for table in build_order():
        build(site.db, site.settings, table)
    return site


def test_the_data_cut_is_the_last_thing_that_happened_and_not_today(real):
    cut = data_cut(real.db, real.settings, ["marts.unit_stay"])
    assert cut.isoformat() == "2150-06-03T15:30:00-04:00"
    assert real.rows("select distinct unnest(flags) from raw.fhir_encounter") == []


def test_one_emergency_visit_one_hospital_stay_and_boarding_once(real):
    assert real.rows(
        "select minutes_in_department, boarding_minutes, is_admitted, facility from marts.ed_attendance"
    ) == [(240, 60, True, "Larkhill")]
    assert real.rows("select minutes_of_stay, transfers, unit from marts.inpatient_stay") == [(48 * 60, 2, "Surgery")]


def test_nobody_is_counted_twice_and_nothing_is_clipped(real):
    assert real.rows("select unit, date_diff('minute', began_at, ended_at) from marts.unit_stay order by began_at") == [
        ("Emergency", 240),
        ("Medicine", 30 * 60),
        ("Unknown", 60),
        ("Surgery", 17 * 60),
        ("Discharge-Lounge", 90),
    ]
    hours = real.rows("select unit, round(sum(occupied_bed_hours), 6) from marts.unit_hour group by unit order by unit")
    assert hours == [("Medicine", 30), ("Surgery", 17), ("Unknown", 1)]


def test_places_of_an_export_that_cannot_return_them_come_in_a_file_of_their_own(new_site, put):
    text = REAL + '\n[[sources]]\nname = "places"\nkind = "fhir"\nauthority = "ehr"\n'
    site = new_site(text)
    site.ingest(put("export/Encounter.ndjson", HOSPITAL_STAY, EMERGENCY_VISIT), source="ehr")
    assert {unit for (unit,) in built(site).rows("select unit from marts.unit_stay")} == {"Unknown"}
    report = site.ingest(put("places/Location.ndjson", *PLACES), source="places")
    assert report.totals["loaded"] == len(PLACES)
    assert [unit for (unit,) in built(site).rows("select unit from marts.unit_stay order by began_at")] == [
        "Emergency",
        "Medicine",
        "Unknown",
        "Surgery",
        "Discharge-Lounge",
    ]
    site.ingest(put("places2/Location.ndjson", {**PLACES[1], "name": "Medicine 4"}), source="places")
    assert ("Medicine 4",) in built(site).rows("select unit from marts.unit_stay")
