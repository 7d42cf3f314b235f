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
