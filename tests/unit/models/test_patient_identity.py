"""Who is who: statements that two patient keys are one person, what they mean together, and how they are taken back."""

import pytest


def patient(hospital, key, *, day, replaced_by=(), replaces=(), mrn=(), **more):
    hospital.deliver(
        "fhir_patient",
        patient_key=key,
        replaced_by_keys=list(replaced_by),
        replaces_keys=list(replaces),
        mrn_keys=list(mrn),
        last_updated=f"2026-01-{day:02}T08:00:00-05:00",
        **more,
    )


def merge(hospital, prior, kept, *, at="10:00:00", trigger="A40"):
    hospital.event(
        f"{trigger} {prior} {kept} {at}", "received", at, msg_trigger=trigger, mrn_key=kept, prior_mrn_key=prior
    )


def survivors(hospital):
    return {row["patient_key"]: row["surviving_key"] for row in hospital.build("marts.patient_identity")}


def test_a_patient_who_was_never_merged_stands_for_himself(hospital):
    patient(hospital, "a", day=1)
    row = hospital.one("marts.patient_identity")
    assert (row["surviving_key"], row["is_merged"], row["since_at"], row["basis"]) == ("a", False, None, None)


def test_a_link_that_appears_merges_from_that_version_on_and_leads_to_its_line(hospital, clock):
    patient(hospital, "a", day=1, file_id=1, line=10)
    patient(hospital, "a", day=3, file_id=2, line=11, replaced_by=["b"])
    patient(hospital, "a", day=4, file_id=3, line=12, replaced_by=["b"])
    patient(hospital, "b", day=1)
    (row,) = [row for row in hospital.build("marts.patient_identity") if row["patient_key"] == "a"]
    assert (row["surviving_key"], row["basis"], row["file_id"], row["line"]) == ("b", "Patient.link", 2, 11)
    assert (row["since_at"].day, clock(row["since_at"])) == (3, "08:00")


def test_the_survivor_may_be_the_one_who_says_it(hospital):
    patient(hospital, "b", day=2, replaces=["a"])
    assert survivors(hospital) == {"a": "b", "b": "b"}


def test_a_link_that_disappears_gives_both_back(hospital):
    patient(hospital, "a", day=1, replaced_by=["b"])
    patient(hospital, "a", day=2)
    patient(hospital, "b", day=1)
    assert survivors(hospital) == {"a": "a", "b": "b"}
    assert [row["is_merge"] for row in hospital.build("staging.patient_merge")] == [True, False]


def test_without_update_times_a_link_is_taken_back_by_the_export_that_shows_the_old_version_again(hospital):
    first, second, third = (f"2026-01-0{day}T00:00:00-05:00" for day in (1, 2, 3))
    hospital.deliver("fhir_patient", patient_key="a", seen_from=first, seen_to=third)
    hospital.deliver("fhir_patient", patient_key="a", seen_from=second, seen_to=second, replaced_by_keys=["b"])
    rows = hospital.build("staging.patient_merge")
    assert sorted((row["said_at"].day, row["is_merge"]) for row in rows) == [(2, True), (3, False)]
    assert survivors(hospital) == {"a": "a"}


def test_a_merged_record_that_is_deleted_afterwards_stays_merged(hospital):
    patient(hospital, "a", day=1, replaced_by=["b"])
    hospital.deliver("fhir_patient", patient_key="a", is_deleted=True, seen_to="2026-01-09T00:00:00-05:00")
    assert survivors(hospital)["a"] == "b"


def test_a_chain_of_merges_ends_at_its_last(hospital):
    patient(hospital, "a", day=1, replaced_by=["b"])
    patient(hospital, "b", day=5, replaced_by=["c"])
    rows = {row["patient_key"]: row for row in hospital.build("marts.patient_identity")}
    assert {key: row["surviving_key"] for key, row in rows.items()} == {"a": "c", "b": "c", "c": "c"}
    assert rows["a"]["since_at"].day == 5  # known to be c only when b was
    assert (rows["c"]["is_delivered"], rows["a"]["is_delivered"]) == (False, True)


def test_taking_back_the_second_of_two_merges_leaves_the_first(hospital):
    patient(hospital, "a", day=1, replaced_by=["b"])
    patient(hospital, "b", day=2, replaced_by=["c"])
    patient(hospital, "b", day=3)
    patient(hospital, "c", day=1)
    assert survivors(hospital) == {"a": "b", "b": "b", "c": "c"}


def test_of_two_merges_of_one_record_the_later_holds(hospital):
    patient(hospital, "a", day=1, replaced_by=["b"])
    patient(hospital, "a", day=2, replaced_by=["c"])
    assert survivors(hospital)["a"] == "c"


@pytest.mark.parametrize("outside", [False, True])
def test_in_a_circle_the_oldest_merge_gives_way_and_all_are_one_person(hospital, outside):
    patient(hospital, "a", day=1, replaced_by=["b"])
    patient(hospital, "b", day=2, replaced_by=["c"])
    patient(hospital, "c", day=3, replaced_by=["a"])
    if outside:
        patient(hospital, "d", day=4, replaced_by=["b"])
    rows = hospital.build("marts.patient_identity")
    assert {row["surviving_key"] for row in rows} == {"a"}
    assert {row["patient_key"]: row["is_circular"] for row in rows if row["is_merged"]} == dict.fromkeys(
        ("b", "c", *("d" * outside)), True
    )


def test_a_record_merged_into_itself_says_nothing(hospital):
    patient(hospital, "a", day=1, replaced_by=["a"])
    assert survivors(hospital) == {"a": "a"}


def test_a_merge_message_joins_the_patients_that_carry_its_numbers(hospital, clock):
    patient(hospital, "a", day=1, mrn=["m1"])
    patient(hospital, "b", day=1, mrn=["m2"])
    merge(hospital, "m1", "m2")
    rows = {row["patient_key"]: row for row in hospital.build("marts.patient_identity")}
    assert {key: row["surviving_key"] for key, row in rows.items()} == {"a": "b", "b": "b"}
    assert (rows["a"]["basis"], clock(rows["a"]["since_at"])) == ("ADT A40", "10:00")


def test_an_unlinking_message_takes_the_merge_back_whichever_number_comes_first(hospital):
    patient(hospital, "a", day=1, mrn=["m1"])
    patient(hospital, "b", day=1, mrn=["m2"])
    merge(hospital, "m1", "m2")
    merge(hospital, "m2", "m1", at="11:00:00", trigger="A37")
    assert survivors(hospital) == {"a": "a", "b": "b"}


@pytest.mark.parametrize("trigger", ["A08", "A24", "A41", "A43"])
def test_other_messages_merge_nobody(hospital, trigger):
    merge(hospital, "m1", "m2", trigger=trigger)
    assert hospital.build("staging.patient_merge") == []


def test_numbers_that_no_patient_carries_stand_for_themselves(hospital):
    merge(hospital, "m1", "m2")
    assert survivors(hospital) == {"m1": "m2", "m2": "m2"}


def test_a_survivor_who_took_over_the_old_number_is_not_merged_into_himself(hospital):
    patient(hospital, "a", day=1, mrn=["m1"])
    patient(hospital, "b", day=2, mrn=["m2", "m1"])
    merge(hospital, "m1", "m2")
    assert survivors(hospital) == {"a": "b", "b": "b"}


def test_a_number_that_several_patients_carry_merges_nobody(hospital):
    for key in ("b", "c"):
        patient(hospital, key, day=1, mrn=["m2"])
    merge(hospital, "m1", "m2")
    assert survivors(hospital) == {"b": "b", "c": "c"}


def test_a_merge_told_by_every_channel_that_the_message_passes_is_one_statement(hospital):
    for uid in ("hop 1", "hop 2"):
        hospital.event(
            uid, "received", "10:00:00", msg_trigger="A40", mrn_key="m2", prior_mrn_key="m1", root_message_uid="hop 1"
        )
    assert len(hospital.build("staging.patient_merge")) == 1


def test_the_journeys_of_a_merged_patient_are_one_persons_and_the_raw_rows_stay(hospital):
    hospital.emergency_department()
    for key in ("a", "b"):
        hospital.visit(f"visit of {key}", class_code="IMP", patient_key=key, begin="2026-01-05T10:00:00-05:00")
    patient(hospital, "a", day=9, replaced_by=["b"])
    assert {row["patient_key"] for row in hospital.build("marts.inpatient_stay")} == {"b"}
    assert hospital.db.sql("select distinct patient_key from raw.fhir_encounter order by 1").fetchall() == [
        ("a",),
        ("b",),
    ]
    patient(hospital, "a", day=10)
    assert {row["patient_key"] for row in hospital.build("marts.inpatient_stay")} == {"a", "b"}


def test_references_by_identifier_lead_to_the_resource_that_carries_it(hospital):
    hospital.emergency_department()
    patient(hospital, "a", day=1, mrn=["m1"], replaced_by=["b"])
    hospital.deliver("fhir_location", location_id="room 2", name="Room 2", identifier_keys=["l2"], part_of_ref="ed")
    hospital.visit("e1", ("l2", "2026-01-05T10:00:00-05:00", None), patient_key="m1", visit_keys=["v1"])
    hospital.deliver("fhir_service_request", order_key="o1", encounter_key="v1", patient_key="m1", placer_keys=["p1"])
    hospital.deliver("fhir_service_request", order_key="o2", encounter_key="e1", patient_key="b", placer_keys=["p2"])
    hospital.deliver("fhir_specimen", specimen_key="s1", patient_key="nobody", order_keys=["p2", "unknown", "p1"])
    assert hospital.one("staging.encounter")["patient_key"] == "b"
    assert hospital.one("staging.encounter_location")["location_id"] == "room 2"
    assert [(row["encounter_key"], row["patient_key"]) for row in hospital.build("staging.order")] == [("e1", "b")] * 2
    specimen = hospital.one("staging.specimen")
    assert (specimen["patient_key"], specimen["order_keys"]) == ("nobody", ["o2", "unknown", "o1"])


def test_an_identifier_that_two_carry_leads_to_neither_unless_they_are_one_person(hospital):
    for key in ("a", "b"):
        patient(hospital, key, day=1, mrn=["m1"])
    hospital.visit("e1", patient_key="m1")
    assert hospital.one("staging.encounter")["patient_key"] == "m1"
    patient(hospital, "a", day=2, mrn=["m1"], replaced_by=["b"])
    assert hospital.one("staging.encounter")["patient_key"] == "b"
