"""The data-quality page on what was delivered: lines kept out, lines judged in full, findings, elements that came and went."""

from pathlib import Path

from tests.dashboard.conftest import words


def test_quarantined_lines_stand_by_rule_with_their_cure(homes, visit):
    said = words(visit(homes["sample"], "data_quality"))
    assert "no id" in said
    assert "Ask the sender for one." in said


def test_it_says_how_many_lines_were_judged_in_full(homes, visit):
    said = words(visit(homes["sample"], "data_quality"))
    assert "12 of 1,200 readable lines (1.0 %) and 3 of 3 quarantined ones that are JSON" in said
    assert "an element that FHIR does not define" in said


def test_what_failed_is_named_by_its_element(homes, visit):
    assert "class: required, but missing" in words(visit(homes["failed"], "data_quality"))


def test_a_finding_has_its_weeks_and_says_when_it_rises(homes, visit):
    calm, risen = (words(visit(homes[name], "data_quality")) for name in ("sample", "failed"))
    assert "as before" in calm
    assert "rising" not in calm
    assert "rising" in risen
    assert "By week: 2, 2, 2, 40" in risen


def test_elements_that_come_go_or_are_unknown_stand_by_name_and_hidden_names_as_a_question_mark(homes, visit):
    said = words(visit(homes["failed"], "data_quality"))
    assert "1 vanished, 1 new, 2 unknown to FHIR" in said
    for shown in ("Encounter.priority", "Encounter.triageColour", "Encounter.period.?", "new, unknown"):
        assert shown in said
    assert "none is unknown, new or gone" in words(visit(homes["sample"], "data_quality"))


def test_without_data_every_part_says_so(homes, visit):
    said = words(visit(homes["empty"], "data_quality"))
    for empty in (
        "No line is quarantined.",
        "No FHIR line was judged yet.",
        "Nothing looks wrong.",
        "No element was counted yet.",
    ):
        assert empty in said


def test_everybody_sees_counts_of_lines(homes, visit):
    assert "3 of 3 quarantined" in words(visit(homes["sample"], "data_quality", role="leadership"))


def test_an_older_snapshot_without_these_tables_shows_empty_parts(home: Path, visit):
    import json

    manifest = next((home / "published" / "manifests").iterdir())
    document = json.loads(manifest.read_text())
    for name in ("quarantine_total", "validation", "validation_failure", "finding_week", "drift"):
        del document["tables"][name]
    manifest.write_text(json.dumps(document))
    assert "No element was counted yet." in words(visit(home, "data_quality"))


def test_messages_that_belong_to_no_case_say_why(homes, visit):
    said = words(visit(homes["sample"], "data_quality"))
    assert "93.0 %" in said  # of 1,278 messages of the engine 1,188 have a case
    assert "are about two records of a person, not about a visit" in said
    assert "No message was loaded yet." in words(visit(homes["failed"], "data_quality"))
