"""What kind of visit an Encounter is, by the hospital's rules; how visits that belong together are one stay."""

import pytest

from models.visits import DEFAULTS, KINDS

DAY = "2026-01-05T"


def at(time):
    return f"{DAY}{time}:00-05:00"


@pytest.fixture
def emergency(hospital):
    hospital.emergency_department()
    return hospital


def kinds(hospital):
    return {row["encounter_key"]: row["visit_kind"] for row in hospital.build("marts.visit")}


@pytest.mark.parametrize(("code", "kind"), DEFAULTS.items())
def test_without_a_rule_a_class_means_what_the_standard_says(emergency, code, kind):
    emergency.visit("e1", class_code=code)
    row = emergency.one("marts.visit")
    assert (row["visit_kind"], kind in KINDS) == (kind, True)
    assert row["rule_no"] >= 1000


@pytest.mark.parametrize("code", ["XYZ", None])
def test_a_class_that_nobody_explains_is_unknown_and_in_no_number(emergency, code):
    emergency.visit("e1", ("waiting", at("10:00"), at("11:00")), class_code=code)
    assert kinds(emergency) == {"e1": "unknown"}
    assert emergency.build("marts.ed_attendance") == []
    assert emergency.build("marts.inpatient_stay") == []


def test_the_first_rule_that_holds_decides(emergency):
    emergency.rule(1, source="ehr", class_codes=["EMER"], place="inpatient", visit_kind="inpatient")
    emergency.rule(2, source="ehr", class_codes=["EMER", "URG"], visit_kind="emergency")
    emergency.visit("ward", ("room 1", at("10:00"), at("11:00")), ("bed 1", at("11:00"), at("15:00")))
    emergency.visit("ed", ("room 1", at("10:00"), at("11:00")))
    emergency.visit("urgent", class_code="URG")
    assert kinds(emergency) == {"ward": "inpatient", "ed": "emergency", "urgent": "emergency"}
    assert {row["rule_no"] for row in emergency.build("marts.visit")} == {1, 2}


def test_a_rule_is_its_sources_own(emergency):
    emergency.rule(1, source="other", class_codes=["EMER"], visit_kind="inpatient")
    emergency.visit("e1")
    emergency.visit("e2", source="other")
    assert kinds(emergency) == {"e1": "emergency", "e2": "inpatient"}


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({"type_codes": ["t1", "t2"]}, {"type_codes": ["t0", "t2"]}),
        ({"service_type_codes": ["surg"]}, {"service_type_code": "surg"}),
        ({"profiles": ["http://x/ed"]}, {"profiles": ["http://x/ed|1.0.0"]}),
        ({"has_parent": True}, {"part_of_key": "e0"}),
    ],
)
def test_a_rule_may_ask_for_type_service_profile_or_a_parent(emergency, rule, met):
    emergency.rule(1, class_codes=["AMB"], visit_kind="day_surgery", **rule)
    emergency.visit("e1", class_code="AMB", **met)
    emergency.visit("e2", class_code="AMB")
    assert kinds(emergency) == {"e1": "day_surgery", "e2": "ambulatory"}


def test_a_rule_may_ask_that_there_is_no_parent(emergency):
    emergency.rule(1, class_codes=["EMER"], has_parent=False, visit_kind="observation")
    emergency.visit("e1")
    emergency.visit("e2", part_of_key="e1")
    assert kinds(emergency) == {"e1": "observation", "e2": "emergency"}


def test_a_rule_may_ask_for_a_stay_in_an_emergency_department(emergency):
    emergency.rule(1, place="emergency", visit_kind="emergency")
    emergency.visit("e1", ("room 1", at("10:00"), at("11:00")), class_code="AMB")
    assert kinds(emergency) == {"e1": "emergency"}


def test_an_emergency_visit_that_is_part_of_a_hospital_stay_was_admitted_and_the_stay_knows_it(emergency):
    emergency.visit("hospital", ("bed 1", at("12:00"), at("18:00")), class_code="IMP", end=at("18:00"))
    emergency.visit("ed", ("room 1", at("10:00"), at("12:00")), part_of_key="hospital", end=at("12:00"))
    assert emergency.one("marts.ed_attendance")["is_admitted"]
    assert emergency.one("marts.inpatient_stay")["ed_encounter_key"] == "ed"
    assert {row["journey_key"] for row in emergency.build("marts.visit")} == {"hospital"}


def test_intensive_care_within_a_hospital_stay_is_that_stay(emergency):
    emergency.visit("hospital", ("bed 1", at("12:00"), at("14:00")), class_code="IMP", end=at("19:00"))
    emergency.visit("icu", ("4 north", at("14:00"), at("18:00")), class_code="ACUTE", part_of_key="hospital")
    emergency.visit("step", ("4 north", at("18:00"), at("19:00")), class_code="ACUTE", part_of_key="icu")
    row = emergency.one("marts.inpatient_stay")
    assert (row["encounter_key"], row["minutes_of_stay"]) == ("hospital", 420)
    assert {each["journey_key"] for each in emergency.build("marts.visit")} == {"hospital"}


def test_visits_that_are_part_of_each_other_or_of_themselves_end_nowhere(emergency):
    emergency.visit("a", class_code="IMP", part_of_key="b")
    emergency.visit("b", class_code="IMP", part_of_key="a")
    emergency.visit("c", class_code="IMP", part_of_key="c")
    emergency.visit("d", class_code="IMP", part_of_key="never sent")
    rows = {row["encounter_key"]: row for row in emergency.build("marts.visit")}
    assert {key: row["journey_key"] for key, row in rows.items()} == {"a": "a", "b": "b", "c": "c", "d": "never sent"}
    assert rows["d"]["ed_encounter_key"] == "never sent"
    assert len(emergency.build("marts.inpatient_stay")) == 4


def test_three_visits_in_a_ring_are_three_stays(emergency):
    for key, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        emergency.visit(key, class_code="IMP", part_of_key=parent)
    assert {row["stay_key"] for row in emergency.build("marts.visit")} == {"a", "b", "c"}
    assert len(emergency.build("marts.inpatient_stay")) == 3
