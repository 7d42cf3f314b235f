"""How one element is read: a list of one entry, which has a short way of its own, means what it means in a longer list."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import keys
from pipelines.sources.fhir_projection import MACROS

CODES = st.none() | st.sampled_from(["", "final", "<", "H", "two words", "x" * 65, "a|b", "é"])
SYSTEMS = st.none() | st.sampled_from(["", "http://loinc.org", "urn:oid:1.2", "no uri", "urn:" + "x" * 251, "urn:a b"])
CODINGS = st.none() | st.fixed_dictionaries({"system": SYSTEMS, "code": CODES})
REFERENCES = st.none() | st.sampled_from(
    [
        "",
        "Patient/1",
        "Patient/a b",
        "Patient/1/_history/2",
        "Group/1",
        "urn:uuid:7",
        "https://a.example/fhir/Patient/1",
    ]
)
IDENTIFIERS = st.fixed_dictionaries(
    {
        "system": st.none()
        | st.sampled_from(["", " urn:a ", "http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"]),
        "value": st.none() | st.sampled_from(["", "1", " 1 "]),
        "codes": st.none() | st.lists(st.sampled_from(["MR", "SS", "PI"]), max_size=2),
    }
)


@pytest.fixture(scope="module")
def sql():
    db = duckdb.connect()
    keys.install(db, b"a site key of the tests")
    for macro in MACROS:
        db.execute(macro)
    for name, value in {
        "authority": "'urn:here'",
        "authorities": "map(['mrn'], ['urn:mrn'])",
        "bases": "[]::varchar[]",
    }.items():
        db.execute(f"set variable {name} = {value}")
    yield db
    db.close()


def both_ways(sql, made, entry, type_of_entry, beside):
    """What is made of a list of this entry alone, and of one with an entry beside it that means nothing."""
    return sql.execute(
        f"select {made} from (select unnest([[$entry::{type_of_entry}], [$entry, $beside::{type_of_entry}]]) as x)"
        " cross join (select null::struct(contained struct(resourceType varchar, id varchar, identifier struct(system varchar,"
        ' "value" varchar, "type" struct(coding struct(code varchar)[]))[])[]) as r)',
        {"entry": entry, "beside": beside},
    ).fetchall()


@pytest.mark.parametrize("macro", ["codings(x)", "codes_of(x)", "first_code_of(x)"])
@given(coding=CODINGS)
def test_one_coding_is_read_as_among_others(sql, macro, coding):
    alone, among = both_ways(sql, macro, coding, "struct(system varchar, code varchar)", {"system": None, "code": None})
    assert alone == among


@given(concept=st.none() | st.fixed_dictionaries({"coding": st.none() | st.lists(CODINGS, max_size=2)}))
def test_one_concept_is_read_as_among_others(sql, concept):
    shape = "struct(coding struct(system varchar, code varchar)[])"
    alone, among = both_ways(sql, "codes_of(all_codings(x))", concept, shape, {"coding": None})
    assert alone == among


_IDENTIFIER = 'struct(system varchar, "value" varchar, "type" struct(coding struct(code varchar)[]))'


@given(reference=REFERENCES)
def test_one_reference_is_read_as_among_others(sql, reference):
    shape = f'struct(reference varchar, "type" varchar, identifier {_IDENTIFIER})'
    alone, among = both_ways(
        sql,
        "keys_of('patient', x, 'Patient')",
        {"reference": reference, "type": None, "identifier": None},
        shape,
        {"reference": None, "type": None, "identifier": None},
    )
    assert alone == among


@given(identifier=IDENTIFIERS)
def test_one_identifier_is_read_as_among_others(sql, identifier):
    codes = identifier["codes"]
    entry = {
        "system": identifier["system"],
        "value": identifier["value"],
        "type": None if codes is None else {"coding": [{"code": code} for code in codes]},
    }
    beside = {"system": None, "value": None, "type": None}
    alone, among = both_ways(sql, "identifiers('mrn', x, ['MR', 'PI', 'PT'])", entry, _IDENTIFIER, beside)
    assert alone == among
