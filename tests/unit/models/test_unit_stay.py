"""Where a person lies: one place at a time, by the stays that were sent and never by the Encounter's period."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

DAY = "2026-01-31T"


def at(time):
    return f"{DAY}{time}:00-05:00"


@pytest.fixture
def wards(hospital):
    """An emergency department, two wards with beds, and a lounge that is no ward; all known since eight in the morning."""
    hospital.emergency_department()
    hospital.location("bed 2", part_of="4 north", physical="bd")
    hospital.location("icu", "HU", physical="wa")
    hospital.location("icu 1", part_of="icu", physical="bd")
    hospital.location("lounge", "1110-6", physical="area")
    hospital.db.execute("update raw.fhir_location set seen_from = '2026-01-31T08:00:00-05:00'")
    return hospital


def lying(hospital, clock):
    rows = sorted(hospital.build("marts.unit_stay"), key=lambda row: (row["began_at"], row["unit"]))
    return [(row["unit"], clock(row["began_at"]), clock(row["ended_at"])) for row in rows]


def bed_hours(hospital):
    found: dict[str, float] = {}
    for row in hospital.build("marts.unit_hour"):
        found[row["unit"]] = found.get(row["unit"], 0) + row["occupied_bed_hours"]
    return {unit: round(hours, 6) for unit, hours in found.items()}


def test_changes_of_bed_on_one_ward_are_one_stay_and_no_transfer(wards, clock):
    wards.visit(
        "e1",
        ("bed 1", at("08:00"), at("09:00")),
        ("bed 2", at("09:00"), at("10:00")),
        ("4 north", at("10:00"), at("11:00")),
        class_code="IMP",
        end=at("11:00"),
    )
    assert lying(wards, clock) == [("4 North", "08:00", "11:00")]
    assert wards.one("marts.unit_stay")["moves"] == 2
    assert wards.one("marts.inpatient_stay")["transfers"] == 0


def test_stays_of_one_ward_that_overlap_count_once(wards, clock):
    wards.visit(
        "e1",
        ("4 north", at("08:00"), at("11:00")),
        ("bed 1", at("08:30"), at("10:00")),
        ("bed 2", at("09:30"), at("10:30")),
        class_code="IMP",
        end=at("11:00"),
    )
    assert lying(wards, clock) == [("4 North", "08:00", "11:00")]
    assert bed_hours(wards) == {"4 North": 3, "Icu": 0}


def test_each_change_of_ward_is_a_transfer_but_coming_from_the_emergency_department_is_none(wards):
    wards.visit(
        "e1",
        ("room 1", at("08:00"), at("08:30")),
        ("bed 1", at("08:30"), at("09:00")),
        ("bed 2", at("09:00"), at("09:30")),
        ("icu 1", at("09:30"), at("10:00")),
        ("bed 1", at("10:00"), at("11:00")),
        ("lounge", at("11:00"), at("11:30")),
        class_code="IMP",
        end=at("11:30"),
    )
    row = wards.one("marts.inpatient_stay")
    assert (row["transfers"], row["unit"], row["minutes_of_stay"]) == (2, "4 North", 150)
    came_from = {(row["unit"], row["came_from"]) for row in wards.build("marts.unit_stay") if row["is_transfer"]}
    assert came_from == {("Icu", "4 North"), ("4 North", "Icu")}


def test_time_away_from_the_ward_is_a_gap_and_no_transfer(wards, clock):
    wards.visit("e1", ("bed 1", at("08:00"), at("09:00")), ("bed 2", at("10:00"), at("11:00")), class_code="IMP")
    assert lying(wards, clock) == [("4 North", "08:00", "09:00"), ("4 North", "10:00", "11:00")]
    assert wards.one("marts.inpatient_stay")["transfers"] == 0


def test_nothing_is_clipped_to_the_encounters_period(wards, clock):
    wards.visit("e1", ("bed 1", at("08:00"), at("11:00")), class_code="IMP", begin=at("09:00"), end=at("10:00"))
    assert lying(wards, clock) == [("4 North", "08:00", "11:00")]
    row = wards.one("marts.inpatient_stay")
    assert [clock(row[name]) for name in ("admitted_at", "departed_at")] == ["08:00", "11:00"]
    assert bed_hours(wards)["4 North"] == 3


def test_who_boards_lies_in_the_emergency_department_until_he_leaves_it(wards, clock):
    wards.visit("ed", ("room 1", at("08:00"), at("10:30")), end=at("10:30"))
    wards.visit(
        "stay",
        ("bed 1", at("09:30"), at("11:30")),
        class_code="IMP",
        part_of_key="ed",
        begin=at("09:30"),
        end=at("11:30"),
    )
    assert lying(wards, clock) == [("Ed", "08:00", "10:30"), ("4 North", "10:30", "11:30")]
    visit, stay = wards.one("marts.ed_attendance"), wards.one("marts.inpatient_stay")
    assert (visit["minutes_in_department"], visit["boarding_minutes"]) == (150, 60)
    assert (stay["minutes_of_stay"], clock(stay["admitted_at"])) == (60, "10:30")
    assert visit["minutes_in_department"] + stay["minutes_of_stay"] == 3.5 * 60  # eight to half past eleven, once
    assert bed_hours(wards)["4 North"] == 1


def test_an_emergency_stay_that_nobody_closed_does_not_hold_a_patient_who_lies_on_a_ward(wards, clock):
    wards.visit("ed", ("room 1", at("08:00"), None), status="in-progress")
    wards.visit("stay", ("bed 1", at("09:00"), None), class_code="IMP", status="in-progress", part_of_key="ed")
    assert lying(wards, clock) == [("Ed", "08:00", "09:00"), ("4 North", "09:00", None)]


def test_the_place_that_began_last_holds_and_an_earlier_one_that_still_runs_holds_again_afterwards(wards, clock):
    wards.visit("stay", ("bed 1", at("08:00"), at("11:00")), class_code="IMP", end=at("11:00"))
    wards.visit("icu", ("icu 1", at("09:00"), at("10:00")), class_code="ACUTE", part_of_key="stay")
    assert lying(wards, clock) == [
        ("4 North", "08:00", "09:00"),
        ("Icu", "09:00", "10:00"),
        ("4 North", "10:00", "11:00"),
    ]
    assert bed_hours(wards) == {"4 North": 2, "Icu": 1}
    assert wards.one("marts.inpatient_stay")["transfers"] == 2


def test_two_visits_of_a_journey_that_both_send_the_same_stay_are_one_patient_in_the_bed(wards):
    wards.visit("e1", ("bed 1", at("09:00"), at("10:00")), class_code="OBSENC", end=at("10:00"))
    wards.visit("e2", ("bed 1", at("09:00"), at("10:00")), class_code="IMP", end=at("10:00"), part_of_key="e1")
    assert bed_hours(wards)["4 North"] == 1


def test_visits_that_do_not_name_each_other_are_not_put_together(wards):
    for key in ("e1", "e2"):
        wards.visit(key, ("bed 1", at("09:00"), at("10:00")), class_code="IMP", end=at("10:00"), patient_key="p")
    assert bed_hours(wards)["4 North"] == 2


def test_a_stay_without_an_end_ends_with_its_visit_or_is_still_running(wards, clock):
    wards.visit("e1", ("bed 1", at("08:00"), None), class_code="IMP", end=at("10:00"))
    wards.visit("e2", ("bed 2", at("09:00"), None), class_code="IMP", status="in-progress")
    wards.visit("e3", ("icu 1", at("09:00"), None), class_code="IMP", begin=at("07:00"), end=at("08:00"))
    assert lying(wards, clock) == [("4 North", "08:00", "10:00"), ("4 North", "09:00", None)]


def test_a_place_that_was_never_sent_is_unknown_and_the_patient_is_not_on_the_ward_meanwhile(wards, clock):
    wards.visit("e1", ("bed 1", at("08:00"), at("11:00")), ("nowhere", at("09:00"), at("10:00")), class_code="IMP")
    assert lying(wards, clock) == [
        ("4 North", "08:00", "09:00"),
        ("Unknown", "09:00", "10:00"),
        ("4 North", "10:00", "11:00"),
    ]


STAYS = st.lists(
    st.tuples(
        st.sampled_from(["room 1", "bed 1", "bed 2", "icu 1", "lounge"]),
        st.integers(0, 180),
        st.integers(1, 120),
        st.sampled_from(["e1", "e2"]),
    ),
    min_size=1,
    max_size=6,
)


def minute(n):
    return f"2026-01-31T{8 + n // 60:02}:{n % 60:02}:00-05:00"


@pytest.fixture(scope="module")
def laws():
    """The hospital of the laws; examples empty it instead of making another."""
    import duckdb

    from models import times
    from models.raw import RAW_TABLES
    from models.visits import default_rules

    from .conftest import Hospital

    with duckdb.connect() as db:
        db.execute("set timezone = 'America/New_York'")
        for layer in ("raw", "staging", "marts"):
            db.execute(f"create schema {layer}")
        for statement in (*times.MACROS, *RAW_TABLES.values()):
            db.execute(statement)
        hospital = Hospital(db)
        for rule in default_rules():
            hospital.rule(**rule)
        hospital.emergency_department()
        hospital.location("bed 2", part_of="4 north", physical="bd")
        hospital.location("icu", "HU", physical="wa")
        hospital.location("icu 1", part_of="icu", physical="bd")
        hospital.location("lounge", "1110-6", physical="area")
        yield hospital


@given(stays=STAYS)
def test_whoever_is_somewhere_is_in_exactly_one_place_and_no_minute_is_lost_or_doubled(laws, stays):
    laws.db.execute("delete from raw.fhir_encounter")
    for key in ("e1", "e2"):
        own = [(place, minute(begin), minute(begin + length)) for place, begin, length, of in stays if of == key]
        laws.visit(key, *own, class_code="IMP", end=minute(300), part_of_key="e1" if key == "e2" else None)
    there = {m for _, begin, length, _ in stays for m in range(begin, begin + length)}
    lain = sorted((row["began_at"], row["ended_at"]) for row in laws.build("marts.unit_stay"))
    assert sum((end - begin).total_seconds() / 60 for begin, end in lain) == len(there)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(lain))
