"""What a place is and belongs to, by the places around it: any depth, gaps, rings, and places that say nothing."""

import pytest

from models.catalog import find_table


@pytest.fixture
def places(hospital):
    hospital.organization()

    def found(*names):
        rows = {row["location_id"]: row for row in hospital.build("marts.location")}
        return [rows[name] for name in names]

    hospital.found = found
    return hospital


def test_a_bed_six_levels_down_belongs_to_its_ward_and_hospital(places):
    places.location("site", physical="si")
    for child, parent, physical in (
        ("tower", "site", "bu"),
        ("wing", "tower", "wi"),
        ("floor", "wing", "lvl"),
        ("icu", "floor", "wa"),
        ("bay", "icu", "area"),
        ("room", "bay", "ro"),
        ("corner", "room", "area"),
        ("bed", "corner", "bd"),
    ):
        places.location(child, part_of=parent, physical=physical, organization=None)
    bed, tower = places.found("bed", "tower")
    assert (bed["unit"], bed["facility"], bed["is_inpatient"], bed["is_bed"]) == ("Icu", "Northfield", True, True)
    assert (tower["unit"], tower["facility"], tower["is_inpatient"]) == ("Tower", "Northfield", False)


def test_a_bed_without_a_type_in_a_room_without_one_is_the_emergency_departments(places):
    places.location("hospital", "HOSP", physical="si")
    places.location("ed", "1108-0", part_of="hospital", physical="area")
    places.location("room", part_of="ed", physical=None, organization=None)
    places.location("bed", part_of="room", physical="bd", organization=None)
    (bed,) = places.found("bed")
    assert (bed["unit"], bed["is_emergency"], bed["is_type_known"]) == ("Ed", True, True)


def test_a_place_without_organization_has_the_one_around_it_and_a_dangling_one_keeps_its_id(places):
    places.location("ward", physical="wa", organization="never sent")
    places.location("bed", part_of="ward", physical="bd", organization=None)
    places.location("alone", physical=None, organization=None)
    assert [row["facility"] for row in places.found("bed", "alone")] == ["never sent", "Unknown"]
    assert [row["is_type_known"] for row in places.found("alone")] == [False]


def test_a_parent_that_was_never_sent_is_said_and_the_place_stands_for_itself(places):
    places.location("bed", part_of="ward of which nobody heard", physical="bd")
    (bed,) = places.found("bed")
    assert (bed["unit"], bed["is_parent_known"], bed["is_inpatient"], bed["is_circular"]) == (
        "Bed",
        False,
        False,
        False,
    )


def test_places_that_are_part_of_each_other_are_answered_and_said(places):
    places.location("a", part_of="b", physical="ro")
    places.location("b", part_of="c", physical="wa")
    places.location("c", part_of="a", physical="bu")
    places.location("self", part_of="self", physical="wa")
    places.location("bed", part_of="a", physical="bd")
    assert [row["unit"] for row in places.found("a", "b", "c", "self", "bed")] == ["B", "B", "B", "Self", "B"]
    assert [row["is_circular"] for row in places.found("a", "b", "c", "self", "bed")] == [True, True, True, True, False]
    assert len(places.build("marts.location")) == 5
    assert "staging.location" in find_table("marts.location").reads


def test_a_bed_that_is_no_longer_used_is_none(places):
    places.location("ward", physical="wa")
    for ident, status in (("bed 1", "active"), ("bed 2", "inactive"), ("bed 3", "suspended"), ("bed 4", None)):
        places.location(ident, part_of="ward", physical="bd", status=status)
    assert [row["is_bed"] for row in places.found("bed 1", "bed 2", "bed 3", "bed 4")] == [True, False, True, True]


def department(hospital, ident, part_of=None, kind="dept"):
    hospital.deliver(
        "fhir_organization", organization_id=ident, name=ident.title(), part_of_ref=part_of, type_codes=[kind]
    )


def test_a_place_that_a_department_manages_belongs_to_the_hospital_around_it(places):
    department(places, "group", kind="prov")
    places.deliver("fhir_organization", organization_id="west", name="Westhaven", part_of_ref="group")
    department(places, "medicine", "west")
    department(places, "ward team", "medicine", kind="team")
    for manager in ("west", "medicine", "ward team"):
        places.location(f"bed of {manager}", physical="bd", organization=manager)
    assert {row["facility"] for row in places.found(*(f"bed of {m}" for m in ("west", "medicine", "ward team")))} == {
        "Westhaven"
    }
    places.visit("e1", ("bed of medicine", "2026-01-05T10:00:00-05:00", None), organization_id="ward team")
    assert places.one("marts.visit")["organization"] == "Westhaven"


def test_departments_in_a_ring_or_without_a_hospital_stand_for_themselves_and_are_counted(places):
    department(places, "a", "b")
    department(places, "b", "a")
    department(places, "lost", "never sent")
    department(places, "alone")
    rows = {row["organization_id"]: row for row in places.build("marts.organization")}
    assert {name: (row["facility"], row["is_circular"], row["is_parent_known"]) for name, row in rows.items()} == {
        "a": ("A", True, True),
        "b": ("B", True, True),
        "lost": ("Lost", False, False),
        "alone": ("Alone", False, True),
        "north": ("Northfield", False, True),
    }
