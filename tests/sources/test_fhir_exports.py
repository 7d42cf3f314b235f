"""FHIR bulk exports, rule by rule: small files, and what becomes of each line."""

import json
import re

import pytest

from models import times
from pipelines import keys
from pipelines.sources.fhir_elements import ELEMENT_MACROS
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.fhir_rules import flags as flags_of
from pipelines.sources.findings import FINDINGS

KEY = b"a site key for tests only"


def encounter(ident="e1", *, updated="2026-01-04T12:00:00-05:00", version="1", **more) -> dict:
    meta = {"versionId": version, **({"lastUpdated": updated} if updated else {})}
    return {
        "resourceType": "Encounter",
        "id": ident,
        "meta": meta,
        "status": "finished",
        "class": {"code": "EMER"},
        **more,
    }


def manifest(time="2026-01-05T00:00:00-05:00", **counts) -> str:
    output = [{"type": name, "url": f"https://ehr.example/x/{name}.ndjson", "count": n} for name, n in counts.items()]
    return json.dumps(
        {"transactionTime": time, "requiresAccessToken": False, "output": output, "deleted": [], "error": []}
    )


def counts(report) -> dict:
    return {name: n for name, n in report.totals.items() if n}


def reasons(site) -> list:
    return site.rows("select line, rule from account.quarantine order by line")


def test_only_lines_without_json_type_or_id_are_kept_out_each_with_its_line(site, put):
    path = put(
        "Encounter.ndjson",
        encounter(),
        '{"resourceType": "Encounter", \n',
        '{"id": "e9"}\n',
        '{"resourceType": "Encounter", "id": ""}\n',
        b'{"resourceType": "Encounter", "id": "\xff"}\n',
        "17\n",
        encounter("e2"),
        '{"resourceType": "Encou',
    )
    assert counts(site.ingest(path)) == {"lines_read": 8, "loaded": 2, "quarantined": 6}
    assert reasons(site) == [
        (2, "unparseable"),
        (3, "untyped"),
        (4, "no_id"),
        (5, "not_utf8"),
        (6, "untyped"),
        (8, "truncated"),
    ]
    assert site.rows("select count(*) from account.quarantine where cure = '' or length(line_hash) <> 32") == [(0,)]


def test_only_a_json_string_says_what_a_line_is_and_which_resource(site, put):
    lines = {
        '{"resourceType": ["Encounter"], "id": "e1"}': "untyped",
        '{"resourceType": {"code": "Encounter"}, "id": "e1"}': "untyped",
        '{"resourceType": true, "id": "e1"}': "untyped",
        '{"resourceType": 5, "id": "e1"}': "untyped",
        '{"resourceType": null, "id": "e1"}': "untyped",
        '{"resourceType": " ", "id": "e1"}': "untyped",
        '{"resourceType": "Encounter", "id": {"value": "e1"}}': "no_id",
        '{"resourceType": "Encounter", "id": ["e1"]}': "no_id",
        '{"resourceType": "Encounter", "id": 5}': "no_id",
        '{"id": -1.5e3, "resourceType": "Encounter"}': "no_id",
        '{"resourceType": "Encounter", "id": true}': "no_id",
        '{"resourceType": "Encounter", "id": null}': "no_id",
        '{"resourceType": "Encounter", "id": " \\t"}': "no_id",
        '{"resourceType":"Encounter","id":" "}': "no_id",
    }
    said = (
        '{"resourceType":"Encounter","id":"5"}',
        '{"id": "7", "resourceType": "Encounter"}',
        '{"id": "true", "resourceType": "Encounter"}',
    )
    report = site.ingest(put("Encounter.ndjson", *(f"{line}\n" for line in (*said, *lines))))
    assert counts(report) == {"lines_read": 17, "loaded": 3, "quarantined": 14}
    assert [rule for _, rule in reasons(site)] == list(lines.values())


def test_a_line_among_deletions_that_names_no_type_is_kept_out(site, put):
    bundle = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Encounter/e1"}}]}
    path = put("Bundle.ndjson", bundle, '{"resourceType": ["Bundle"]}\n', '{"resourceType": {}}\n')
    assert counts(site.ingest(path)) == {"lines_read": 3, "loaded": 1, "quarantined": 2}
    assert reasons(site) == [(2, "untyped"), (3, "untyped")]


def test_a_quarantined_line_is_found_again_by_its_byte_offset(site, put):
    path = put("Encounter.ndjson", b"\xef\xbb\xbf", encounter(), "\r\n", "{spoiled\r", encounter("e2"))
    site.ingest(path)
    ((line, offset),) = site.rows("select line, byte_offset from account.quarantine")
    assert path.read_bytes()[offset:].startswith(b"{spoiled")
    assert line == 3


def test_blank_lines_headers_and_types_that_nobody_asked_for_are_ignored(site, put):
    practitioner = {"resourceType": "PractitionerRole", "id": "d1"}
    path = put(
        "mixed.ndjson",
        {"resourceType": "Parameters"},
        "\n",
        "   \r\n",
        practitioner,
        encounter(),
        {"resourceType": "Patient", "id": "p"},
    )
    assert counts(site.ingest(path)) == {"lines_read": 6, "loaded": 2, "ignored": 4}
    assert site.rows("select count(*) from raw.fhir_patient") == [(1,)]


def test_every_version_is_kept_once_in_any_order(site, put):
    first = put(
        "a/Encounter.ndjson", encounter(version="1"), encounter(version="2", updated="2026-01-04T13:00:00-05:00")
    )
    later = put(
        "b/Encounter.ndjson", encounter(version="2", updated="2026-01-04T13:00:00-05:00"), encounter(version="1"), "\n"
    )
    assert counts(site.ingest(later)) == {"lines_read": 3, "loaded": 2, "ignored": 1}
    assert counts(site.ingest(first)) == {"lines_read": 2, "unchanged": 2}


def test_a_change_outside_the_kept_elements_and_without_a_new_version_is_no_version(site, put):
    site.ingest(put("a/Encounter.ndjson", encounter(reasonCode=[{"text": "one"}])))
    assert counts(site.ingest(put("b/Encounter.ndjson", encounter(reasonCode=[{"text": "two"}])))) == {
        "lines_read": 1,
        "unchanged": 1,
    }


def test_a_subsetted_copy_never_replaces_a_resource(site, put):
    subset = encounter(version="9")
    subset["meta"]["tag"] = [{"code": "SUBSETTED"}]
    assert counts(site.ingest(put("Encounter.ndjson", encounter(), subset))) == {
        "lines_read": 2,
        "loaded": 1,
        "superseded": 1,
    }


@pytest.mark.parametrize(
    ("reference", "ident"),
    [
        ("Patient/123", "123"),
        ("https://ehr.example/fhir/Patient/123", "123"),
        ("Patient/123/_history/4", "123"),
        ("urn:uuid:040dc7b1-27f9-43a3-82c9-b1a514db3071", "040dc7b1-27f9-43a3-82c9-b1a514db3071"),
        ("#contained", None),
        ("Group/123", None),
        ("the lady in room 4", None),
    ],
)
def test_a_reference_is_the_key_of_the_id_it_points_to(site, put, reference, ident):
    site.ingest(put("Encounter.ndjson", encounter(subject={"reference": reference})))
    ((found,),) = site.rows("select patient_key from raw.fhir_encounter")
    assert found == (ident and keys.keyed(KEY, "patient", "ehr", ident))


def test_keys_of_a_resource_and_of_references_to_it_are_equal(site, fixtures):
    site.ingest(fixtures / "fhir")
    joined = """
        select count(*) from raw.fhir_task as task
        join raw.fhir_observation as observation on observation.observation_key = task.focus_key
        join raw.fhir_service_request as request on list_contains(task.order_keys, request.order_key)
        join raw.fhir_encounter as encounter on encounter.encounter_key = task.encounter_key
        join raw.fhir_patient as patient on patient.patient_key = encounter.patient_key"""
    assert site.rows(joined) == [(1,)]


def test_a_social_security_number_is_no_record_number_even_hashed(site, fixtures):
    site.ingest(fixtures / "fhir")
    expected = [keys.keyed(KEY, "mrn", "urn:lark:mrn", "LKM778812")]
    assert site.rows(f"select mrn_keys from raw.fhir_patient where list_contains(mrn_keys, '{expected[0]}')") == [
        (expected,)
    ]


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ({}, []),
        ({"period": {"start": "2026-01-04T12:00:00-05:00", "end": "2026-01-04T11:00:00-05:00"}}, ["end_before_start"]),
        ({"period": {"start": "2026-01-04T12:00:00"}}, ["zoneless_time"]),
        ({"period": {"start": "2026-01-04"}}, ["date_only_time"]),
        ({"period": {"start": "yesterday, says Mrs Quillon"}}, ["unreadable_time"]),
        ({"period": {"start": "2026-02-30T00:00:00Z"}}, ["impossible_time"]),
        ({"period": {"start": "2031-01-04T12:00:00-05:00"}}, ["far_time"]),
        ({"subject": {"reference": "Patient?identifier=x"}}, ["conditional_reference"]),
        ({"subject": {"reference": "Mrs Quillon"}}, ["unresolved_reference"]),
        ({"location": [{"location": {"reference": "Location?x=1"}}]}, ["conditional_reference", "unresolved_location"]),
        ({"subject": {"reference": "Group/123"}}, ["subject_is_no_patient"]),
        ({"subject": {"reference": "Practitioner/7"}}, ["subject_is_no_patient", "wrong_target"]),
        ({"subject": {"reference": "urn:uuid:040dc7b1-27f9-43a3-82c9-b1a514db3071"}}, []),
        ({"status": "asked Mrs Quillon"}, ["unknown_status"]),
        ({"status": "quillon"}, ["unknown_status"]),
        ({"status": None}, ["missing_status"]),
        ({"class": None}, ["missing_class"]),
        ({"class": {"code": "asked Mrs Quillon"}}, ["unreadable_code"]),
        ({"location": [{"location": {"reference": "Location/1"}, "status": "quillon"}]}, ["unknown_location_status"]),
        ({"statusHistory": [{"status": "quillon"}]}, ["unknown_status_history"]),
        ({"id": "x" * 65}, ["over_long_id"]),
        ({"id": "Mrs_Quillon"}, ["malformed_id"]),
    ],
)
def test_what_looks_wrong_is_loaded_with_a_flag_and_counted(site, put, more, flags):
    put("manifest.json", manifest(Encounter=1))
    report = site.ingest(
        put("Encounter.ndjson", encounter(**{"period": {"start": "2026-01-04T10:00:00-05:00"}} | more))
    )
    assert counts(report) == {"lines_read": 1, "loaded": 1}
    assert site.rows("select flags from raw.fhir_encounter") == [(flags,)]
    assert dict(report.files[0].findings) == dict.fromkeys(flags, 1)
    assert "quillon" not in site.everything().lower()


def test_a_line_that_is_no_json_to_the_letter_but_leaves_nothing_in_doubt_is_read_as_it_is_meant(site, put):
    resource = '{"resourceType": "Encounter", "id": "%s", "status": "finished", "class": {"code": "EMER"}%s}\n'
    lines = [resource % each for each in (("e1", ""), ("e2", ', "length": {"value": NaN}'), ("e3", ","))]
    assert counts(site.ingest(put("Encounter.ndjson", *lines))) == {"lines_read": 3, "loaded": 3}
    assert site.rows("select distinct status, flags from raw.fhir_encounter") == [("finished", [])]


NIGHT = "2025-11-02T01"
"""At two o'clock of this night the clocks of New York went back to one."""


IN_ORDER = [
    ("2026-01-04T12:00:00", "2026-01-04T12:00:00"),
    (f"{NIGHT}:50:00", f"{NIGHT}:10:00"),
    ("2026-02-05", "2026-02-05"),
    ("2026-02", "2026"),
    ("2026-02-05T10:00:00Z", "2026-02-04"),
    ("2026-02-05", "2026-02-04T12:00:00Z"),
    ("2026-02-05T10:00:00", "2026-02-05T01:00:00Z"),
    ("2026-02-05T10:00:00", "2026-02-05"),
    ("2026-02-05T10:00:00", "2026-02-30"),
]
EARLY = [
    ("2026-01-04T12:00:00Z", "2026-01-04T11:00:00Z"),
    ("2026-01-04T12:00:00", "2026-01-04T11:00:00"),
    ("2026-02-05", "2026-02-01"),
    ("2026-02", "2026-01"),
    ("2026-02-05T10:00:00Z", "2026-02-01"),
    ("2026-02-05", "2026-02-04T09:00:00Z"),
    ("2026-02-05T10:00:00", "2026-02-04T18:00:00Z"),
]


def test_a_period_that_lacks_offsets_ends_before_it_begins_where_it_does_so_in_every_zone(new_site, put):
    site = new_site('[[sources]]\nname = "ehr"\nkind = "fhir"\nzone = "America/New_York"\n')
    lines = []
    for start, end in IN_ORDER + EARLY:
        period = {"start": start, "end": end}
        stay = {"location": {"reference": "Location/w1"}, "period": period}
        lines += [
            encounter(f"a{len(lines)}", period=period),
            encounter(f"b{len(lines)}", statusHistory=[{"status": "arrived", "period": period}]),
            encounter(f"c{len(lines)}", location=[stay]),
        ]
    site.ingest(put("Encounter.ndjson", *lines))
    found = [
        [flag for flag in flags if flag.endswith("end_before_start")]
        for (flags,) in site.rows("select flags from raw.fhir_encounter order by line")
    ]
    told = [["end_before_start"], ["end_before_start"], ["location_end_before_start"]]
    assert found == [[], [], []] * len(IN_ORDER) + told * len(EARLY)


@pytest.mark.parametrize("century", [2026, 2426, 1826])
@pytest.mark.parametrize(
    "slip",
    [
        {"meta": {"lastUpdated": "%d-01-04T10:00:00Z"}},
        {"meta": {"lastUpdated": "2026-01-04T10:00:00Z"}, "period": {"start": "%d-01-04T10:00:00Z"}},
    ],
    ids=["last updated", "in its period"],
)
def test_without_a_manifest_a_time_is_far_from_the_others_of_its_folder_in_any_century(site, put, century, slip):
    usual = {"meta": {"lastUpdated": "2026-01-04T10:00:00Z"}, "period": {"start": "2025-12-31T23:00:00Z"}}
    lines = [encounter(f"e{n}", **usual) for n in range(5)] + [encounter("slip", **(usual | slip))]
    text = (
        "\n".join(json.dumps(line) for line in lines)
        .replace("2026-", f"{century}-")
        .replace("2025-", f"{century - 1}-")
    )
    site.ingest(put("Encounter.ndjson", text.replace("%d", str(century + 300)), "\n"))
    assert site.rows(
        "select flags, count(*), count(distinct year(seen_from)), any_value(year(seen_from)) from raw.fhir_encounter group by 1 order by 1"
    ) == [
        ([], 5, 1, century),
        (["far_time"], 1, 1, century),
    ]


def test_every_finding_that_a_line_can_have_is_explained():
    written = " ".join([*map(flags_of, PROJECTIONS.values()), *ELEMENT_MACROS, *times.MACROS])
    raised = set(re.findall(r"then '([a-z]+(?:_[a-z]+)+)'", written))
    assert "far_time" in raised
    assert raised <= FINDINGS.keys()
    assert all(text.endswith(".") for text in FINDINGS.values())


@pytest.mark.parametrize(
    ("resource", "flags"),
    [
        (
            {
                "resourceType": "ServiceRequest",
                "status": "active",
                "intent": "order",
                "subject": {"reference": "Patient/1"},
            },
            [],
        ),
        (
            {"resourceType": "ServiceRequest", "priority": "soon"},
            ["missing_intent", "missing_status", "missing_subject", "unknown_priority"],
        ),
        ({"resourceType": "Observation", "status": "specimen-in-process"}, []),
        ({"resourceType": "Provenance"}, ["missing_agent", "missing_recorded", "missing_target"]),
        ({"resourceType": "Patient", "gender": "f"}, ["unknown_sex"]),
    ],
)
def test_required_elements_and_the_codes_that_fhir_fixes_are_checked_on_every_line(site, put, resource, flags):
    report = site.ingest(put("x.ndjson", {"id": "1"} | resource))
    assert dict(report.files[0].findings) == dict.fromkeys(flags, 1)


@pytest.mark.parametrize(
    ("birth_date", "year"),
    [("1950-07-31", 1950), ("1950-07", 1950), ("1950", 1950), ("31 July 1950", None), (None, None)],
)
def test_of_a_birth_date_only_the_year_enters(site, put, birth_date, year):
    site.ingest(
        put("Patient.ndjson", {"resourceType": "Patient", "id": "1", "gender": "female", "birthDate": birth_date})
    )
    assert site.rows("select birth_year, sex from raw.fhir_patient") == [(year, "female")]
    assert "1950-07" not in site.everything()


def test_a_place_whose_id_is_no_id_is_known_by_its_keyed_hash(site, put):
    site.ingest(
        put("Location.ndjson", {"resourceType": "Location", "id": "Mrs Quillon's", "status": "active"}),
        put("Encounter.ndjson", encounter(location=[{"location": {"reference": "Location/Mrs Quillon's"}}])),
    )
    assert "Quillon" not in site.everything()
    ((place,),) = site.rows("select location_id from raw.fhir_location")
    assert place == keys.keyed(KEY, "location", "ehr", "Mrs Quillon's")


def test_elements_of_an_unexpected_shape_are_null_not_text(site, put):
    odd = {
        "status": {"text": "Mrs Quillon"},
        "class": "Mrs Quillon",
        "period": "Mrs Quillon",
        "location": {"location": "x"},
        "identifier": "x",
    }
    assert counts(site.ingest(put("Encounter.ndjson", encounter(**odd)))) == {"lines_read": 1, "loaded": 1}
    assert "Quillon" not in site.everything()


def test_the_manifest_says_when_an_export_was_true_and_counts_no_lines(site, put):
    put("x/Encounter.ndjson", encounter())
    report = site.ingest(put("x/manifest.json", manifest(Encounter=3, Task=1)).parent)
    assert counts(report) == {"lines_read": 1, "loaded": 1}
    assert site.rows("select distinct exported_at = '2026-01-05 00:00:00-05' from account.file") == [(True,)]
    assert {rule: n for file in report.files for rule, n in file.findings.items()} == {
        "manifest_count_differs": 2,
        "file_of_manifest_missing": 1,
    }


def test_a_file_given_alone_still_belongs_to_the_export_beside_it(site, put):
    put("x/manifest.json", manifest(Encounter=1))
    site.ingest(put("x/Encounter.ndjson", encounter()))
    assert site.rows("select seen_from = '2026-01-05 00:00:00-05' from raw.fhir_encounter") == [(True,)]


def test_without_a_manifest_an_export_is_as_new_as_its_newest_resource(site, put):
    put(
        "x/Patient.ndjson", {"resourceType": "Patient", "id": "p", "meta": {"lastUpdated": "2026-01-04T18:00:00-05:00"}}
    )
    site.ingest(put("x/Encounter.ndjson", encounter()).parent)
    assert site.rows("select distinct exported_at = '2026-01-04 18:00:00-05' from account.file") == [(True,)]


def test_when_nobody_says_the_time_of_an_export_is_unknown(site, put):
    site.ingest(put("x/Encounter.ndjson", encounter(updated=None)))
    assert site.rows("select seen_from, seen_to, last_updated from raw.fhir_encounter") == [(None, None, None)]


def deletion(*urls) -> dict:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": url}} for url in urls],
    }


def test_a_reported_deletion_becomes_a_tombstone_once(site, put):
    put("x/manifest.json", manifest())
    path = put(
        "x/deleted/Bundle.ndjson",
        deletion("Encounter/e1", "Location/l1"),
        deletion("PractitionerRole/d"),
        deletion("Encounter?x=1"),
    )
    assert counts(site.ingest(path)) == {"lines_read": 3, "loaded": 1, "ignored": 2}
    key = keys.keyed(KEY, "encounter", "ehr", "e1")
    assert site.rows(
        "select encounter_key, is_deleted, seen_to = '2026-01-05 00:00:00-05' from raw.fhir_encounter"
    ) == [(key, True, True)]
    assert site.rows("select location_id from raw.fhir_location where is_deleted") == [("l1",)]
    assert site.rows("select rule, n from account.finding") == [("unresolved_deletion", 1)]


def test_a_deletion_that_names_another_server_or_nothing_deletes_nothing_and_is_counted(site, put):
    asked = {"request": "https://ehr.example/fhir/$export?_since=2026-01-04T00:00:00Z"}
    put("x/manifest.json", json.dumps(json.loads(manifest()) | asked))
    urls = ("https://other.example/fhir/Encounter/e1", None, "https://ehr.example/fhir/Encounter/e2", "Encounter/e3")
    bundle = deletion(*urls)
    bundle["entry"][-1]["request"]["method"] = "delete"
    site.ingest(put("x/deleted/Bundle.ndjson", bundle))
    gone = {keys.keyed(KEY, "encounter", "ehr", ident) for ident in ("e2", "e3")}
    assert {key for (key,) in site.rows("select encounter_key from raw.fhir_encounter where is_deleted")} == gone
    assert site.rows("select rule, n from account.finding where rule like 'unresolved%'") == [
        ("unresolved_deletion", 2)
    ]


def test_the_same_deletion_in_a_later_export_is_a_later_tombstone(site, put):
    for day in ("05", "06"):
        put(f"{day}/manifest.json", manifest(f"2026-01-{day}T00:00:00-05:00"))
        site.ingest(put(f"{day}/deleted/Bundle.ndjson", deletion("Encounter/e1")).parent.parent)
    assert site.rows("select count(*) from raw.fhir_encounter where is_deleted") == [(2,)]


def test_a_line_that_is_too_long_is_quarantined_without_being_held_in_memory(new_site, put):
    site = new_site("max_line_megabytes = 1\n")
    giant = '{"resourceType":"Encounter","id":"big","note":"' + "x" * (3 << 20) + '"}\n'
    assert counts(site.ingest(put("Encounter.ndjson", encounter(), giant, encounter("e2")))) == {
        "lines_read": 3,
        "loaded": 2,
        "quarantined": 1,
    }
    assert reasons(site) == [(2, "too_large")]
