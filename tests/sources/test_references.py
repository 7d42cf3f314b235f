"""References: what each form points to, under whose authority, and what is flagged where it cannot be told."""

import json

import pytest

from models.catalog import build_order, upstream
from pipelines import keys, warehouse
from pipelines.build import build
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.fhir_references import references

KEY = b"a site key for tests only"
MRN = "urn:lark:mrn"


def encounter(**more) -> dict:
    return {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "EMER"}, **more}


def patient(ident="p1", *identifiers) -> dict:
    return {
        "resourceType": "Patient",
        "id": ident,
        "identifier": [{"system": system, "value": value} for system, value in identifiers],
    }


def keyed(kind, authority, value):
    return keys.keyed(KEY, kind, authority, value)


def found(site):
    return site.rows("select patient_key, flags from raw.fhir_encounter")


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"Patient?identifier={MRN}|778812"},
        {"reference": f"Patient?identifier={MRN}%7C778812"},
        {"reference": "Patient?identifier=urn%3Alark%3Amrn%7C778812&active=true"},
        {"reference": f"https://ehr.example/fhir/Patient?active=true&identifier={MRN}|778812"},
        {"identifier": {"system": MRN, "value": "778812"}},
        {"identifier": {"system": MRN, "value": " 778812 ", "type": {"coding": [{"code": "MR"}]}}, "type": "Patient"},
        {"reference": "#who"},
    ],
)
def test_a_person_named_only_by_a_record_number_has_the_key_of_that_number(site, put, subject):
    contained = [{"resourceType": "Patient", "id": "who", "identifier": [{"system": MRN, "value": "778812"}]}]
    site.ingest(put("Encounter.ndjson", encounter(subject=subject, contained=contained)))
    site.ingest(put("Patient.ndjson", patient("p1", (MRN, "778812"))))
    assert [key for key, _ in found(site)] == [keyed("mrn", MRN, "778812")]
    assert site.rows("select mrn_keys from raw.fhir_patient") == [([keyed("mrn", MRN, "778812")],)]


@pytest.mark.parametrize(
    ("asked", "system", "value"),
    [
        (f"{MRN}|1+23", MRN, "1 23"),
        (f"{MRN}|1%2B23", MRN, "1+23"),
        (f"{MRN}|7\\,8", MRN, "7,8"),
        (f"{MRN}%7C7%5C%2C8", MRN, "7,8"),
        (r"urn:a\|b|7\$8\\9", "urn:a|b", r"7$8\9"),
    ],
)
def test_what_a_question_escapes_belongs_to_the_number(site, put, asked, system, value):
    site.ingest(put("Encounter.ndjson", encounter(subject={"reference": f"Patient?identifier={asked}"})))
    assert [key for key, _ in found(site)] == [keyed("mrn", system, value)]


@pytest.mark.parametrize(
    ("subject", "flag"),
    [
        ({"reference": f"Patient?identifier={MRN}|7,{MRN}|8"}, "conditional_reference"),
        ({"reference": f"Patient?identifier={MRN}|7%2C{MRN}|8"}, "conditional_reference"),
        ({"reference": "Patient?name=Quillon"}, "conditional_reference"),
        ({"reference": "Patient?identifier=%FF|%ZZ%7"}, "conditional_reference"),
        ({"reference": "Patient?identifier=http://hl7.org/fhir/sid/us-ssn|999-51-3333"}, "conditional_reference"),
        ({"reference": f"Group?identifier={MRN}|7"}, "conditional_reference"),
        ({"reference": "#nobody"}, "contained_reference"),
        ({"reference": "#device"}, "contained_reference"),
        ({"identifier": {"system": MRN, "value": "7"}, "type": "Group"}, "logical_reference"),
    ],
)
def test_what_names_nobody_in_particular_is_no_key_and_is_flagged(site, put, subject, flag):
    contained = [{"resourceType": "Device", "id": "device", "identifier": [{"system": MRN, "value": "7"}]}]
    site.ingest(put("Encounter.ndjson", encounter(subject=subject, contained=contained)))
    ((key, flags),) = found(site)
    assert (key, flags) == (None, [flag])
    assert site.rows("select rule, n from account.finding") == [(flag, 1)]
    assert "Quillon" not in site.everything()


def exported_by(server: str, **more) -> str:
    return json.dumps(
        {
            "transactionTime": "2026-01-05T00:00:00Z",
            "request": f"{server}/$export?_type=Encounter",
            "output": [],
            **more,
        }
    )


@pytest.mark.parametrize(
    ("request_of", "reference", "joins", "flags"),
    [
        ("https://ehr.example/fhir", "https://ehr.example/fhir/Patient/p1", True, []),
        ("https://ehr.example/fhir/Group/7", "http://ehr.example/fhir/Patient/p1", True, []),
        ("https://ehr.example/fhir/Patient", "https://ehr.example/fhir/Patient/p1/_history/3", True, []),
        ("https://ehr.example/fhir", "https://other.example/fhir/Patient/p1", False, ["foreign_reference"]),
        ("https://ehr.example/fhir", "https://ehr.example/fhir/Group/p1", False, ["subject_is_no_patient"]),
        (None, "https://other.example/fhir/Patient/p1", True, ["unchecked_base"]),
    ],
)
def test_an_absolute_reference_joins_only_the_server_that_exported(site, put, request_of, reference, joins, flags):
    if request_of:
        put("x/manifest.json", exported_by(request_of))
    site.ingest(put("x/Encounter.ndjson", encounter(subject={"reference": reference})))
    assert found(site) == [(keyed("patient", "ehr", "p1") if joins else None, flags)]


def test_a_configured_base_says_which_server_is_ours(new_site, put):
    site = new_site('[[sources]]\nname = "ehr"\nkind = "fhir"\nbase = "https://ehr.example/fhir/"\n')
    site.ingest(put("Encounter.ndjson", encounter(subject={"reference": "https://ehr.example/fhir/Patient/p1"})))
    assert found(site) == [(keyed("patient", "ehr", "p1"), [])]


def test_a_place_asked_for_by_its_identifier_has_the_key_that_the_place_has(site, put):
    place = {"reference": "Location?identifier=urn:places%7CW4"}
    site.ingest(put("Encounter.ndjson", encounter(location=[{"location": place}])))
    site.ingest(
        put(
            "Location.ndjson",
            {"resourceType": "Location", "id": "w4", "identifier": [{"system": "urn:places", "value": "W4"}]},
        )
    )
    key = keyed("location identifier", "urn:places", "W4")
    assert site.rows("select locations[1].location_id, flags from raw.fhir_encounter") == [
        (key, ["conditional_reference"])
    ]
    assert site.rows("select location_id, identifier_keys from raw.fhir_location") == [("w4", [key])]


def test_of_a_patients_links_only_the_merging_ones_are_kept_each_way(site, put):
    links = [
        {"type": kind, "other": {"reference": f"Patient/{kind}"}}
        for kind in ("replaced-by", "replaces", "refer", "seealso")
    ]
    site.ingest(put("Patient.ndjson", {**patient("p1"), "link": [*links, {"type": "replaced-by"}]}))
    assert site.rows("select replaced_by_keys, replaces_keys from raw.fhir_patient") == [
        ([keyed("patient", "ehr", "replaced-by")], [keyed("patient", "ehr", "replaces")])
    ]


TWO = """
[[sources]]
name = "north"
kind = "fhir"

[[sources]]
name = "south"
kind = "fhir"
authorities = { visit = "urn:south:visits" }
"""


def test_the_same_numbers_at_two_hospitals_never_join(new_site, put):
    site = new_site(TWO)
    for hospital in ("north", "south"):
        path = put(f"{hospital}/Patient.ndjson", {**patient("123"), "identifier": [{"value": "123"}]})
        site.ingest(path, source=hospital)
        visit = encounter(subject={"reference": "Patient/123"}, identifier=[{"system": " ", "value": "123"}])
        site.ingest(put(f"{hospital}/Encounter.ndjson", visit), source=hospital)
    for column in ("patient_key", "mrn_keys[1]"):
        assert site.rows(f"select count(distinct {column}) from raw.fhir_patient") == [(2,)]
    for column in ("encounter_key", "patient_key", "visit_keys[1]"):
        assert site.rows(f"select count(distinct {column}) from raw.fhir_encounter") == [(2,)]
    assert set(site.rows("select source, visit_keys[1] from raw.fhir_encounter")) == {
        ("north", keyed("visit", "north", "123")),
        ("south", keyed("visit", "urn:south:visits", "123")),
    }


def test_two_record_number_systems_of_one_hospital_never_join_and_a_shared_one_does(site, put):
    site.ingest(put("Patient.ndjson", patient("a", ("urn:one", "123")), patient("b", ("urn:two", "123"), (MRN, "9"))))
    assert site.rows("select count(distinct key) from (select unnest(mrn_keys) as key from raw.fhir_patient)") == [(3,)]
    assert site.rows(
        f"select count(*) from raw.fhir_patient where list_contains(mrn_keys, '{keyed('mrn', MRN, '9')}')"
    ) == [(1,)]


def test_a_warehouse_made_before_a_column_was_read_gets_it_when_it_is_opened(new_site, put):
    site = new_site(in_file=True)
    site.db.execute("alter table raw.fhir_location drop column identifier_keys")
    site.db.close()
    with warehouse.connect(site.settings) as site.db:
        site.ingest(put("Location.ndjson", {"resourceType": "Location", "id": "w4"}))
        assert site.rows("select location_id, identifier_keys from raw.fhir_location") == [("w4", None)]


def built(site, name):
    """A table of staging or marts, made from what was taken in."""
    for table in build_order():
        if table.full_name in upstream(name):
            build(site.db, site.settings, table)
    return site.db.sql(f"select * from {name}").pl().to_dicts()


def test_a_merge_message_of_the_engine_joins_the_patients_and_visits_of_the_export(site, put):
    site.ingest(put("Patient.ndjson", patient("a", (MRN, "LK1")), patient("b", (MRN, "LK2"))))
    place = {"reference": "Location?identifier=urn:places|W4"}
    by_number = encounter(
        subject={"reference": f"Patient?identifier={MRN}|LK1"},
        identifier=[{"system": "urn:lark:visit", "value": "V9"}],
        location=[{"location": place}],
    )
    site.ingest(put("Encounter.ndjson", by_number))
    site.ingest(
        put(
            "Location.ndjson",
            {"resourceType": "Location", "id": "w4", "identifier": [{"system": "urn:places", "value": "W4"}]},
        )
    )
    told = {"seq": 1, "ts": "2026-01-04T09:00:00-05:00", "host": "eng1", "channel": "ADT", "msg": "M1", "event": "RECV"}
    site.ingest(put("a.ndjson", {**told, "type": "ADT^A40", "mrn": "LK2", "prior_mrn": "LK1", "visit": "V9"}))
    survivor = keyed("patient", "ehr", "b")
    who = {row["patient_key"]: row["surviving_key"] for row in built(site, "marts.patient_identity")}
    assert who == {keyed("patient", "ehr", "a"): survivor, survivor: survivor}
    assert [row["patient_key"] for row in built(site, "staging.encounter")] == [survivor]
    assert [row["location_id"] for row in built(site, "staging.encounter_location")] == ["w4"]
    assert [row["encounter_key"] for row in built(site, "marts.message")] == [keyed("encounter", "ehr", "e1")]


def test_a_provenance_names_the_resources_whose_states_are_followed_by_their_keys_and_versions(site, put):
    order = {
        "resourceType": "ServiceRequest",
        "id": "o1",
        "meta": {"versionId": "3"},
        "status": "active",
        "intent": "order",
    }
    named = (
        "ServiceRequest/o1/_history/3",
        "https://ehr.example/fhir/Encounter/e1/_history/Quillon",
        "Patient/p1",
        "Task?x=Mrs Quillon",
        "#t1",
    )
    told = {
        "resourceType": "Provenance",
        "id": "p1",
        "recorded": "2026-01-05T10:00:00Z",
        "target": [{"reference": reference} for reference in named],
    }
    site.ingest(put("all.ndjson", order, encounter(meta={"versionId": "Quillon"}), told))
    (targets,) = site.rows("select targets from raw.fhir_provenance")[0]
    assert [tuple(target.values()) for target in targets] == [
        ("ServiceRequest", keyed("order", "ehr", "o1"), "3"),
        ("Encounter", keyed("encounter", "ehr", "e1"), None),
    ]
    assert site.rows("select order_key, version_id from raw.fhir_service_request") == [
        (keyed("order", "ehr", "o1"), "3")
    ]
    assert site.rows("select version_id from raw.fhir_encounter") == [(None,)]


def matches(site) -> dict:
    """Of every element and the type that it refers to: how many references lead somewhere, of how many."""
    return {
        (row["resource"], row["element"], row["refers_to"]): (row["matched_count"], row["reference_count"])
        for row in built(site, "marts.reference_match")
    }


NUMBER = {"system": "urn:n", "value": "7"}
OURS, THEIRS = "https://ehr.example/fhir", "https://other.example/fhir"


def named(form: str, kind: str) -> dict:
    """A reference of this form to the resource `x` of this type."""
    return {
        "relative": {"reference": f"{kind}/x"},
        "versioned": {"reference": f"{kind}/x/_history/2"},
        "absolute": {"reference": f"{OURS}/{kind}/x"},
        "foreign": {"reference": f"{THEIRS}/{kind}/x"},
        "urn:uuid": {"reference": "urn:uuid:x"},
        "conditional": {"reference": f"{kind}?identifier=urn:n|7"},
        "searched": {"reference": f"{kind}?name=Quillon"},
        "contained": {"reference": "#c"},
        "nothing": {"reference": "Quillon"},
        "identifier only": {"identifier": NUMBER},
    }[form]


KEPT = ("Patient", "Encounter", "ServiceRequest", "Location", "Practitioner")
"""Types whose identifiers are kept."""
BEARERS = {
    "Patient": ("Encounter", "subject", False),
    "Encounter": ("DiagnosticReport", "encounter", False),
    "ServiceRequest": ("Specimen", "request", True),
    "Location": ("Task", "location", False),
    "Practitioner": ("Task", "owner", False),
    "Task": ("Provenance", "target", True),
    "DiagnosticReport": ("Communication", "about", True),
    "Slot": ("Appointment", "slot", True),
}
"""Of each type, a type and element that refers to it, and whether that is a list."""
FORMS = {
    "relative": ("leads", []),
    "versioned": ("leads", []),
    "absolute": ("leads", []),
    "urn:uuid": ("leads", []),
    "conditional": ("leads where identifiers are kept", ["conditional_reference"]),
    "contained": ("leads where identifiers are kept", ["contained_reference"]),
    "identifier only": ("leads where identifiers are kept", ["logical_reference"]),
    "searched": ("names nobody", ["conditional_reference"]),
    "foreign": ("names nobody", ["foreign_reference"]),
    "nothing": ("names nobody", ["unresolved_reference"]),
}
"""What becomes of each form, and the flags of the row that has it."""


def test_a_reference_of_any_form_to_any_type_leads_to_it_or_is_counted(new_site, put):
    site = new_site(f'[[sources]]\nname = "ehr"\nkind = "fhir"\nbase = "{OURS}"\n')
    for kind, (bearer, element, is_list) in BEARERS.items():
        contained = [{"resourceType": kind, "id": "c", "identifier": [NUMBER]}]
        targets = [{"resourceType": kind, "id": "x", "identifier": [NUMBER]}]
        bearers = [
            {"resourceType": bearer, "id": f"{kind}-{number}", "contained": contained}
            | {element: [named(form, kind)] if is_list else named(form, kind)}
            for number, form in enumerate(FORMS)
        ]
        folder = put(f"{kind}.ndjson", *targets, *bearers).parent
    site.ingest(folder)
    found = matches(site)
    fates = [fate for fate, _ in FORMS.values()]
    for kind, (bearer, element, _) in BEARERS.items():
        leading = fates.count("leads") + (fates.count("leads where identifiers are kept") if kind in KEPT else 0)
        spelled = {"about": "basedOn/about"}.get(element, element)
        assert found[bearer, spelled, kind] == (leading, len(FORMS) - fates.count("names nobody")), kind
        table = PROJECTIONS[bearer]
        for number, (_, flags) in enumerate(FORMS.values()):
            ident = keyed(table.kind, "ehr", f"{kind}-{number}")
            told = [
                flag
                for (each,) in site.rows(f"select flags from {table.table} where {table.key} = '{ident}'")
                for flag in each
            ]
            assert [flag for flag in told if flag.endswith("_reference")] == flags, (kind, number)
    assert "Quillon" not in site.everything()


def test_targets_of_several_types_in_one_list_are_counted_by_type(site, put):
    named = ("Task/t", "Task/gone", "Encounter/e1", "Appointment/gone")
    told = {"resourceType": "Provenance", "id": "p", "target": [{"reference": reference} for reference in named]}
    site.ingest(put("all.ndjson", told, encounter(), {"resourceType": "Task", "id": "t"}))
    found = {kind: n for (resource, _, kind), n in matches(site).items() if resource == "Provenance"}
    assert found == {"Task": (1, 2), "Encounter": (1, 1), "Appointment": (0, 1)}


def test_no_column_that_holds_a_reference_is_forgotten():
    listed = {(each.resource, found.keys.strip("[]")) for each in PROJECTIONS.values() for found in references(each)}
    for each in PROJECTIONS.values():
        own = {each.key, "identifier_keys", "mrn_keys", "visit_keys", "placer_keys", "accession_keys"}
        ends = ("_key", "_keys", "_ref", "location_id", "organization_id")
        held = {column.name for column in each.columns if column.name.endswith(ends)} - own
        assert held <= {name for resource, name in listed if resource == each.resource}, each.resource


def test_a_reference_to_what_was_deleted_or_merged_away_is_counted_as_what_it_leads_to(site, put):
    merged = {**patient("a"), "link": [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]}
    site.ingest(put("Patient.ndjson", merged, patient("b")))
    visits = [encounter(subject={"reference": f"Patient/{who}"}) | {"id": f"e{who}"} for who in "abc"]
    site.ingest(put("Encounter.ndjson", *visits))
    order = {"resourceType": "ServiceRequest", "id": "o", "encounter": {"reference": "Encounter/ea"}}
    site.ingest(put("ServiceRequest.ndjson", order, order | {"id": "o2", "encounter": {"reference": "Encounter/eb"}}))
    gone = {"request": {"method": "DELETE", "url": "Encounter/eb"}}
    site.ingest(put("deleted.ndjson", {"resourceType": "Bundle", "type": "transaction", "entry": [gone]}))
    found = matches(site)
    assert found["Encounter", "subject", "Patient"] == (2, 3)
    assert found["ServiceRequest", "encounter", "Encounter"] == (1, 2)
