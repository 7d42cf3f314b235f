"""The census of elements: what is counted, and which names may be shown."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.fhir_drift import Census
from tests.sources.test_fhir_validation import encounter

ROWS = "select path, release, lines, looked_at from account.element order by all"


def counted(*resources: dict, words: frozenset[str] = frozenset()) -> dict:
    census = Census("Encounter")
    for resource in resources:
        census.look_at(resource)
    return {path: (release, n) for path, release, n in census.rows(words)}


def unknown(*resources: dict, words: frozenset[str] = frozenset()) -> dict:
    return {path: n for path, (release, n) in counted(*resources, words=words).items() if release is None}


def test_each_path_is_counted_once_a_line_with_the_release_that_defines_it():
    stays = [{"location": {"reference": "Location/1"}}, {"location": {"reference": "Location/2"}, "period": {}}]
    assert counted({"resourceType": "Encounter", "location": stays}, {"status": "planned", "subjectStatus": {}}) == {
        "location": ("R4B", 1),
        "location.location": ("R4B", 1),
        "location.location.reference": ("R4B", 1),
        "location.period": ("R4B", 1),
        "resourceType": ("R4B", 1),
        "status": ("R4B", 1),
        "subjectStatus": ("R5", 1),
    }


def test_extensions_contained_resources_and_narrative_are_counted_and_not_opened():
    line = {
        "extension": [{"url": "x", "mother": 1}],
        "contained": [{"maiden": 1}],
        "text": {"div": "Mrs Quillon"},
        "_status": {"id": "x"},
    }
    assert sorted(counted(line)) == ["_status", "_status.id", "contained", "extension", "text"]


def test_a_rare_name_that_fhir_does_not_define_is_counted_and_not_shown():
    assert unknown({"Quillon": 1, "Ignatia": 2}, {"ward": 1}, {"status": "planned"}) == {"?": 2}


def test_a_name_of_known_words_is_shown_when_five_lines_carry_it():
    assert unknown(*[{"locationPeriod": 1}] * 4) == {"?": 4}
    assert unknown(*[{"locationPeriod": 1}] * 5) == {"locationPeriod": 5}


def test_another_name_is_shown_when_twenty_lines_and_a_fifth_of_all_carry_it_or_the_hospital_lists_its_words():
    assert unknown(*[{"triageColour": 1}] * 19) == {"?": 19}
    assert unknown(*[{"triageColour": 1}] * 20) == {"triageColour": 20}
    assert unknown(*[{"triageColour": 1}] * 20, *[{}] * 81) == {"?": 20}
    assert unknown(*[{"triageColour": 1}] * 5, words=frozenset({"triage", "colour"})) == {"triageColour": 5}


def test_a_name_in_another_form_is_never_shown_however_many_lines_carry_it():
    for name in ("Quillon", "IGNATIA", "mrn4711", "Mrs Quillon", "müller", "", "x" * 70):
        assert unknown(*[{name: 1}] * 100) == {"?": 100}


def test_what_lies_inside_an_unknown_element_is_not_looked_at():
    assert unknown(*[{"colour": {"Quillon": 1}, "period": {"colour": [{"Quillon": 1}]}}] * 30) == {
        "colour": 30,
        "period.colour": 30,
    }


def test_lines_with_hidden_names_are_counted_once_each():
    names = ["anna", "berta", "clara"]
    assert unknown(*[dict.fromkeys(names, 1)] * 4) == {"?": 4}


@given(st.lists(st.dictionaries(st.text(), st.integers(), max_size=4), max_size=8))
def test_few_lines_never_show_a_name_of_their_own(resources):
    for path, (release, n) in counted(*resources).items():
        assert release is not None or (path, n <= len(resources)) == ("?", True)


def test_the_census_of_a_file_is_booked_and_a_later_one_beside_it(site, put):
    site.ingest(put("a/Encounter.ndjson", encounter("e1"), {"resourceType": "Encounter", "id": "e2", "Quillon": 1}))
    assert site.rows(ROWS) == [
        ("?", None, 1, 2),
        ("class", "R4B", 1, 2),
        ("class.code", "R4B", 1, 2),
        ("id", "R4B", 2, 2),
        ("period", "R4B", 1, 2),
        ("period.end", "R4B", 1, 2),
        ("period.start", "R4B", 1, 2),
        ("resourceType", "R4B", 2, 2),
        ("status", "R4B", 1, 2),
        ("subject", "R4B", 1, 2),
        ("subject.reference", "R4B", 1, 2),
    ]
    assert "Quillon" not in site.everything()


def test_a_tenth_of_a_file_is_looked_at_but_fifty_lines_at_least_spread_through_it(site, put):
    def lines(n: int):
        return (encounter(f"{n}-{i}", **({"priority": {}} if i < n // 2 else {})) for i in range(n))

    site.ingest(put("long/Encounter.ndjson", *lines(3_000)), put("short/Encounter.ndjson", *lines(80)))
    assert site.rows(
        "select path, lines, looked_at from account.element where path in ('id', 'priority') order by all"
    ) == [
        ("id", 50, 50),
        ("id", 300, 300),
        ("priority", 26, 50),
        ("priority", 151, 300),
    ]


def test_quarantined_lines_and_deletions_are_no_part_of_the_census(site, put):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Encounter/e1"}}],
    }
    site.ingest(
        put("deleted.ndjson", bundle), put("Encounter.ndjson", json.dumps({"resourceType": "Encounter"}) + "\n")
    )
    assert site.rows(ROWS) == []
