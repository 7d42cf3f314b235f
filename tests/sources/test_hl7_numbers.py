"""Numbers in HL7 messages: who gave them out, which repetition counts, and what they join in an export."""

import pytest

from pipelines import keys
from pipelines.settings import SourceSettings
from pipelines.sources import hl7_envelope
from pipelines.sources.hl7_numbers import Assigners, Chosen
from tests.sources.conftest import SETTINGS
from tests.sources.test_engine_logs import KEY, connector, events, message
from tests.sources.test_references import built, encounter, patient

MRN, VISIT, PLACER, FILLER = (f"urn:lark:{kind}" for kind in ("mrn", "visit", "placer", "filler"))
LAB = SourceSettings.model_validate(
    {
        "name": "lab",
        "kind": "mirth",
        "authorities": {"mrn": MRN, "visit": VISIT},
        "assigners": {"mrn": {"NGH": "urn:north", "SGH": "urn:south", "1.2.9": "urn:nine"}, "placer": {"CPOE": PLACER}},
    }
)


def er7(*segments: str, kind="ORM^O01", declared="|^~\\&") -> str:
    return "\r".join([f"MSH{declared}|EHR|L|LIS|L|20260104085959||{kind}|CTL7|P|2.5", *segments])


def chosen(pid3: str, declared="|^~\\&"):
    return Assigners(LAB).choose("mrn", hl7_envelope.read(er7(f"PID|1||{pid3}", declared=declared)).mrn)


@pytest.mark.parametrize(
    ("pid3", "number", "authority"),
    [
        ("123", "123", MRN),
        ("123^^^NGH^MR", "123", "urn:north"),
        ("123^^^SGH^MR", "123", "urn:south"),
        ("123^^^NGH&1.2.3&ISO^MR", "123", "urn:north"),
        ("123^^^&1.2.9&ISO^MR", "123", "urn:nine"),
        ("123^^^ELSE&1.2.3&ISO^MR", "123", "urn:oid:1.2.3"),
        ("123^^^&0F0E0D0C-0000-4000-8000-000000000001&UUID", "123", "urn:uuid:0f0e0d0c-0000-4000-8000-000000000001"),
        ("123^^^&https://fhir.nhs.uk/Id/nhs-number&URI", "123", "https://fhir.nhs.uk/Id/nhs-number"),
        (' 123 ^^^""^MR', "123", MRN),
    ],
)
def test_a_number_belongs_to_whom_the_message_names_and_else_to_whom_the_settings_name(pid3, number, authority):
    assert chosen(pid3) == Chosen(number, authority)


@pytest.mark.parametrize("name", ["ELSE", "ELSE&lab.example&DNS", "&lab.example&DNS"])
def test_a_name_that_nobody_explains_is_an_authority_of_its_own_in_this_source_alone(name):
    assert chosen(f"123^^^{name}^MR") == Chosen("123", f"lab/{'ELSE' if 'ELSE' in name else 'lab.example'}", True)


@pytest.mark.parametrize(
    ("pid3", "number"),
    [
        ("9^^^EMPI^MR~123^^^NGH^XX", "123"),  # an authority that the settings name comes first
        ("9^^^NGH^PI~123^^^SGH^MR~8^^^NGH^MR", "123"),  # then a medical record number
        ("9^^^EMPI^XX~123^^^EMPI", "123"),  # then one without a type, or another that FHIR reads as one
        ("123^^^EMPI^XX~9^^^ELSE^XX", "123"),  # then the first
        ("^^^NGH^MR~123^^^NGH", "123"),
        ("999-51-3333^^^NGH^SS~123", "123"),
        ("999-51-3333^^^USSSA~123^^^EMPI^XX", "123"),
    ],
)
def test_of_several_repetitions_one_counts_by_a_stated_rule(pid3, number):
    assert chosen(pid3).value == number


@pytest.mark.parametrize(
    "pid3", ["", '""', '""^^^NGH^MR', "999-51-3333^^^SSA^SS", "D4^^^NY^DL", "1^^^&2.16.840.1.113883.4.1"]
)
def test_no_number_and_no_number_of_a_persons_papers_is_taken(pid3):
    assert chosen(pid3) is None


def test_the_delimiters_are_those_that_the_message_declares():
    assert chosen("9:::EMPI:MR;123:::NGH+1.2.3+ISO:MR", declared="|:;\\+") == Chosen("123", "urn:north")


@pytest.mark.parametrize(
    ("segments", "kind", "found"),
    [
        (["ORC|NW|P5^CPOE|F7"], "placer", Chosen("P5", PLACER)),
        (["ORC|NW|P5^X^1.2.3^ISO"], "placer", Chosen("P5", "urn:oid:1.2.3")),
        (["ORC|NW||F7", "OBR|1|P5|F8"], "placer", Chosen("P5", "lab")),
        (["ORC|NW||F7", "OBR|1|P5|F8"], "filler", Chosen("F7", "lab")),
        (["OBR|1||F8^RIS"], "filler", Chosen("F8", "lab/RIS", True)),
        (["PV1|1|" + "|" * 16 + "|V9^^^^VN"], "visit", Chosen("V9", VISIT)),
        (["PV1|1|" + "|" * 16 + "|A1^^^NGH^AN~V9^^^NGH^VN"], "visit", Chosen("V9", "lab/NGH", True)),
    ],
)
def test_visits_and_orders_are_named_likewise(segments, kind, found):
    assert Assigners(LAB).choose(kind, getattr(hl7_envelope.read(er7(*segments)), kind)) == found


@pytest.mark.parametrize(
    ("mrg1", "number", "authority"),
    [
        ("LK1^^^NGH^MR", "LK1", "urn:north"),
        ("LK1", "LK1", "urn:north"),
        ("5^^^SGH^MR~LK1^^^NGH^PI", "LK1", "urn:north"),
        ("LK1^^^SGH^MR", "LK1", "urn:south"),
    ],
)
def test_the_number_that_gives_way_is_of_the_same_list_as_the_one_that_stays(mrg1, number, authority):
    envelope = hl7_envelope.read(er7("PID|1||LK2^^^NGH^MR", f"MRG|{mrg1}", kind="ADT^A40"))
    stays = Assigners(LAB).choose("mrn", envelope.mrn)
    assert Assigners(LAB).choose("mrn", envelope.prior_mrn, like=stays) == Chosen(number, authority)


def delivered(raw: str, number=1, **meta) -> str:
    return message(connector(0, "TRANSFORMED", raw=raw, meta=meta), number=number)


TWO_HOSPITALS = SETTINGS.replace('L = "urn:lark:mrn"', 'NGH = "urn:north", SGH = "urn:south"')


@pytest.mark.parametrize(
    "meta", [{}, {"CONTROL_ID": "C", "TYPE": "ORM^O01", "MRN": "123", "VISIT": "7", "PLACER": "P"}]
)
def test_equal_numbers_of_two_facilities_in_one_engine_never_join(new_site, put, meta):
    site = new_site(TWO_HOSPITALS)
    visit = "PV1|1|" + "|" * 16 + "|7^^^{0}^VN"
    sent = (er7(f"PID|1||123^^^{each}^MR", visit.format(each), f"ORC|NW|P^{each}") for each in ("NGH", "SGH"))
    site.ingest(put("a.xml", *(delivered(raw, number, **meta) for number, raw in enumerate(sent))))
    for column in ("mrn_key", "visit_key", "placer_key"):
        assert site.rows(f"select count(distinct {column}) from raw.interface_event") == [(2,)]
    assert site.rows("select rule, n from account.finding where rule = 'unmapped_assigner'") == [
        ("unmapped_assigner", 2)
    ]


def test_the_same_number_in_an_export_and_in_a_message_joins_where_the_name_is_mapped(new_site, put):
    site = new_site(TWO_HOSPITALS)
    site.ingest(put("Patient.ndjson", patient("n", ("urn:north", "123")), patient("s", ("urn:south", "123"))))
    site.ingest(put("a.xml", delivered(er7("PID|1||123^^^SGH^MR"))))
    who = "select patient_key from raw.fhir_patient where list_contains(mrn_keys, (select any_value(mrn_key) from raw.interface_event))"
    assert site.rows(who) == [(keys.keyed(KEY, "patient", "ehr", "s"),)]


def test_a_merge_of_one_hospital_leaves_the_other_hospitals_equal_numbers_alone(new_site, put):
    site = new_site(TWO_HOSPITALS)
    people = [patient(f"{name}{number}", (f"urn:{name}", number)) for name in ("north", "south") for number in "12"]
    site.ingest(put("Patient.ndjson", *people))
    merge = er7("PID|1||2^^^SGH^MR~2^^^NGH^PI", "MRG|1^^^NGH^PI~1^^^SGH^MR", kind="ADT^A40")
    site.ingest(put("a.xml", delivered(merge)))
    merged = [row["patient_key"] for row in built(site, "marts.patient_identity") if row["is_merged"]]
    assert merged == [keys.keyed(KEY, "patient", "ehr", "south1")]


def test_an_order_that_a_message_names_by_its_fillers_number_alone_is_found(site, put):
    typed = {"system": "mirth-lark", "value": "F7", "type": {"coding": [{"code": "FILL"}]}}
    order = {"resourceType": "ServiceRequest", "id": "o1", "status": "active", "identifier": [typed]}
    site.ingest(put("Encounter.ndjson", encounter()))
    site.ingest(put("ServiceRequest.ndjson", {**order, "encounter": {"reference": "Encounter/e1"}}))
    site.ingest(put("a.xml", delivered(er7("OBR|1||F7", kind="ORU^R01"))))
    ((found),) = [(row["order_key"], row["encounter_key"]) for row in built(site, "marts.message")]
    assert found == (keys.keyed(KEY, "order", "ehr", "o1"), keys.keyed(KEY, "encounter", "ehr", "e1"))


def test_a_metadata_column_may_hold_the_whole_field(site, put):
    row = delivered(er7("PID|1||9"), CONTROL_ID="C", TYPE="ADT^A08", MRN="123^^^L^MR")
    site.ingest(put("a.xml", row))
    assert events(site, "mrn_key") == [(keys.keyed(KEY, "mrn", MRN, "123"),)]
