"""Tier 2: which lines fhir.resources judges, what it accepts and refuses, and how little of an error is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.fhir_validation import judge, judges
from tests.sources.conftest import SETTINGS

NAME = "Quillon"


def encounter(ident="e1", **more) -> dict:
    return {
        "resourceType": "Encounter",
        "id": ident,
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-01-04T10:00:00-05:00", "end": "2026-01-04T12:00:00-05:00"},
        **more,
    }


def failures(resource, hint="Encounter") -> set:
    return set(judge(json.dumps(resource), hint).failures)


def without(name: str) -> dict:
    return {key: value for key, value in encounter().items() if key != name}


@pytest.mark.parametrize(
    "accepted",
    [
        {"status": "bogus"},
        {"period": {"start": "2026-01-04T10:00:00Z", "end": "2026-01-03T10:00:00Z"}},
        {"subject": {"reference": "the lady in room 4"}},
        {"id": "x" * 65},
        {"extension": [{"url": "https://ehr.example/x", "valueString": "a"}]},
        {"_status": {"extension": [{"url": "https://ehr.example/x", "valueCode": "a"}]}},
    ],
)
def test_what_the_models_accept_is_left_to_the_rules_in_sql(accepted):
    assert failures(encounter(**accepted)) == set()


@pytest.mark.parametrize(
    ("resource", "failure"),
    [
        (without("class"), ("missing", "class")),
        (without("status"), ("model_field_validation.missing", "status")),
        (encounter(period={"start": "2026-02-30T10:00:00Z"}), ("datetime_from_date_parsing", "period.start")),
        (encounter(period={"start": "2026-01-04T10:00:00"}), ("value_error", "period.start")),
        (encounter(colour="red"), ("extra_forbidden", "?")),
        (encounter(subject={NAME: 1}), ("extra_forbidden", "subject.?")),
        (encounter(location=[{}]), ("missing", "location.location")),
        (encounter(extension=[{"url": "u", "valueString": "a", "valueCode": "b"}]), ("value_error", "extension")),
        (encounter(contained=[{"resourceType": NAME}]), ("not_read", "")),
        ({"resourceType": NAME, "id": "1"}, ("unknown_type", "resourceType")),
    ],
)
def test_what_the_models_refuse_is_a_kind_of_error_at_a_path(resource, failure):
    assert failures(resource) == {failure}


def test_a_line_without_a_type_is_judged_as_what_its_file_holds():
    line = {key: value for key, value in encounter().items() if key != "resourceType"}
    assert failures(line) == set()
    assert failures([line]) != set()
    assert failures(17) != set()


@pytest.mark.parametrize(
    "newer",
    [
        {"class": [{"coding": [{"code": "IMP"}]}]},
        {"actualPeriod": {"start": "2026-01-04T10:00:00Z"}, "class": [{"coding": [{"code": "IMP"}]}]},
    ],
)
def test_a_resource_in_the_shape_of_r5_is_judged_by_r5(newer):
    line = {key: value for key, value in encounter(**newer).items() if key != "period"}
    outcome = judge(json.dumps(line), "Encounter")
    assert (outcome.release, outcome.failures) == ("R5", frozenset())


def test_a_type_that_only_r5_has_is_judged_by_r5():
    assert judge('{"resourceType": "EncounterHistory", "id": "h"}', "Encounter").release == "R5"


keys = st.sampled_from(
    [NAME, "period", "class", "contained", "extension", "status", "resourceType", "location", "start"]
)
values = st.recursive(
    st.none() | st.sampled_from([NAME, "Patient", "2026-02-30", 7, True]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=5))
def test_whatever_a_line_holds_it_is_judged_and_nothing_of_it_is_repeated(resource):
    assert NAME not in repr(judge(json.dumps(resource), "Encounter"))


def test_many_lines_are_judged_by_processes_and_none_is_missed():
    texts = [json.dumps(encounter(f"e{i}", **({"period": {"start": "x"}} if i % 7 == 0 else {}))) for i in range(2_800)]
    found = []
    with judges(2) as several:
        several.give(texts, "Encounter", found.append)
        several.finish()
    assert sum(bool(outcome.failures) for outcome in found) == len(found) // 7 == 400


def with_share(share, lines=200) -> str:
    return f"validate_share = {share}\nvalidate_lines = {lines}\n{SETTINGS}"


CHECKED = "select resource_type, scope, lines, checked, failed, as_r5 from account.validation order by all"
FAILED = "select resource_type, scope, rule, path, n from account.validation_failure order by all"


def test_with_a_share_of_one_every_line_is_checked_and_a_failing_one_is_loaded_all_the_same(new_site, put):
    site = new_site(with_share(1))
    newer = {"resourceType": "Encounter", "id": "e4", "status": "planned", "actualPeriod": {}, "class": []}
    report = site.ingest(
        put("Encounter.ndjson", encounter("e1"), encounter("e2", location=[{}]), encounter("e3"), newer)
    )
    assert report.totals["loaded"] == 4
    assert site.rows(CHECKED) == [("Encounter", "sample", 4, 4, 1, 1)]
    assert site.rows(FAILED) == [("Encounter", "sample", "missing", "location.location", 1)]


def test_every_quarantined_line_that_is_json_is_checked_whatever_the_share(new_site, put):
    site = new_site(with_share(0))
    nameless = {key: value for key, value in encounter(colour="red").items() if key != "id"}
    site.ingest(put("Encounter.ndjson", encounter(), "{spoiled\n", nameless, '{"maiden": "Quillon"}\n'))
    assert site.rows(CHECKED) == [("Encounter", "quarantine", 2, 2, 2, 0), ("Encounter", "sample", 1, 0, 0, 0)]
    assert ("Encounter", "quarantine", "extra_forbidden", "?", 2) in site.rows(FAILED)


def test_the_sample_is_of_the_stated_size_spread_and_the_same_each_time(new_site, put):
    path = put("Encounter.ndjson", *(encounter(f"e{i}", location=[{}] if i >= 600 else []) for i in range(1_200)))
    several = [new_site(with_share(0.5, 100)), new_site(with_share(0.5, 100)), new_site(with_share(0.01))]
    for site in several:
        site.ingest(path)
    ((*_, lines, checked, failed, _),) = several[0].rows(CHECKED)
    assert (lines, checked) == (1_200, 100)
    assert failed == 50
    assert several[0].rows(CHECKED) == several[1].rows(CHECKED)
    assert several[2].rows("select checked from account.validation") == [(11,)]


def test_types_in_one_file_are_counted_apart_and_an_invented_type_has_no_name(new_site, put):
    site = new_site(with_share(1))
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1950-02-30"}
    site.ingest(
        put(
            "mixed.ndjson",
            encounter(),
            patient,
            {"resourceType": "Practitioner", "id": "d"},
            {"resourceType": NAME, "id": "d"},
        )
    )
    assert [row[:5] for row in site.rows(CHECKED)] == [
        ("?", "sample", 1, 1, 1),
        ("Encounter", "sample", 1, 1, 0),
        ("Patient", "sample", 1, 1, 1),
        ("Practitioner", "sample", 1, 1, 0),
    ]


def test_bytes_that_are_known_are_not_checked_again(new_site, put):
    site = new_site(with_share(1))
    site.ingest(put("a/Encounter.ndjson", encounter()))
    site.ingest(put("b/Encounter.ndjson", encounter()))
    site.ingest(put("a/Encounter.ndjson", encounter()))
    assert site.rows("select count(*) from account.file") == [(2,)]
    assert site.rows(CHECKED) == [("Encounter", "sample", 1, 1, 0, 0)]
