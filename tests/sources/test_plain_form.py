"""Lines in plain form have a statement of their own: it makes of each what the thorough one makes of it, or leaves it to that.

Every element of every type is given every awkward value in turn, alone in its list and beside another entry.
"""

import json
import re
from copy import deepcopy

import duckdb
import pytest

from models import times
from pipelines import keys, vector_functions
from pipelines.sources import fhir_bulk, fhir_plain
from pipelines.sources.fhir_elements import ANY
from pipelines.sources.fhir_plain import has_plain_form, plain
from pipelines.sources.fhir_projection import MACROS, PROJECTIONS
from pipelines.sources.fhir_staging import gathered, staged

AWKWARD = [
    None,
    "",
    "two words",
    "x" * 65,
    "5",
    5,
    "true",
    {"value": 1},
    ["1"],
    "SUBSETTED",
    "Patient/1",
    "Patient/1/_history/2",
    "Location/" + "x" * 65,
    "Location/aLocation/b",
    "https://a.example/fhir/Patient/1",
    "https://b.example/fhir/Patient/1",
    "Patient?identifier=urn:a|1",
    "#p1",
    "urn:uuid:7",
    "2026-01-05",
    "2026-01-05T08:00:00",
    "2026-01-05T09:00:00+02:00",
    "2026-02-30T08:00:00Z",
    "2026-01-05T08:00:00 Asia/Tokyo",
    "1901-01-05T08:00:00Z",
]
TIME = re.compile(
    r"start|end|on|time|sent|received|created|date|issued|recorded|.*(DateTime|Date|On|Modified|Updated|Time)"
)


def plain_value(name, shape, known):
    """A value of this shape, of which nothing is worth a word."""
    if isinstance(shape, list):
        return [] if name in {"contained", "tag"} else [plain_value(name, shape[0], known)]
    if isinstance(shape, dict):
        return {inner: plain_value(inner, each, known) for inner, each in shape.items() if inner != "identifier"}
    fixed = {"reference": "Location/l-1", "id": "a-1", "system": "urn:a", "versionId": "1", **known}
    return fixed.get(name, "2026-01-05T08:00:00+01:00" if TIME.fullmatch(name) else "a")


def leaves(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))


def with_value(resource, path, value):
    changed = deepcopy(resource)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def resources(projection):
    """A resource in plain form, and that resource with one thing changed."""
    codes = {column.element.removeprefix("r."): column.allowed[0] for column in projection.columns if column.allowed}
    known = {"resourceType": projection.resource, **codes}
    usual = {
        name: plain_value(name, shape, known)
        for name, shape in json.loads(projection.shape).items()
        if name not in {"contained", "identifier"}
    }
    for value, types in projection.references:
        wanted = "Patient" if types == ANY else types.partition("|")[0]
        usual[value.removeprefix("r.").strip('"')] = {"reference": f"{wanted}/p-1"}
    yield usual
    for path in leaves(usual):
        if path:
            yield from (with_value(usual, path, value) for value in AWKWARD)
            *before, last = path
            if isinstance(last, int):
                yield with_value(usual, before, [])
                entry = usual
                for step in path:
                    entry = entry[step]
                yield from (
                    with_value(with_value(usual, before, [entry, entry]), (*before, 1, *inner), value)
                    for inner in leaves(entry)
                    for value in AWKWARD[::2]
                )


@pytest.fixture(scope="module")
def sql():
    db = duckdb.connect(config={"threads": 1})
    keys.install(db, b"a site key of the tests")
    vector_functions.install(db)
    for macro in (*times.MACROS, *MACROS, *fhir_plain.MACROS):
        db.execute(macro)
    for name, value in {
        "authority": "'urn:here'",
        "authorities": "map([]::varchar[], []::varchar[])",
        "bases": "['a.example/fhir']",
        "source_name": "'ehr'",
        "source_zone": "null::varchar",
    }.items():
        db.execute(f"set variable {name} = {value}")
    db.execute(
        "create temp table chunk (file_id integer, line bigint, byte_offset bigint, ends_open boolean, text varchar, is_mine boolean)"
    )
    db.execute("create temp table intake as select 1 as file_id, timestamptz '2026-01-06 00:00:00+00' as exported_at")
    yield db
    db.close()


@pytest.mark.parametrize(
    "name",
    [
        "Encounter",
        "Observation",
        "ServiceRequest",
        "Specimen",
        "Location",
        "Condition",
        "Task",
        "EncounterHistory",
    ],
)
def test_a_line_in_plain_form_is_read_as_the_thorough_statement_reads_it(sql, name):
    projection = PROJECTIONS[name]
    lines = list(dict.fromkeys(json.dumps(each, separators=(",", ":")) for each in resources(projection)))
    sql.execute("delete from chunk")
    sql.execute(
        "insert into chunk select 1, n, n, false, text, true from (select unnest($lines) as text, generate_subscripts($lines, 1) as n)",
        {"lines": lines},
    )
    for table, query in {"short": plain(projection), "thorough": staged(projection)}.items():
        sql.execute(gathered(projection, table))
        sql.execute(f"insert into {table} {query}", {"pass": 1})
    read = "select lines.text, rows.* from {} as rows join chunk as lines using (line)"
    differing = f"({read.format('short')} where verdict = 'candidate') except ({read.format('thorough')})"
    assert sql.execute(differing).fetchall() == []
    assert sql.execute("select verdict from short where line = 1").fetchall() == [("candidate",)]
    assert sql.execute("select count(*) > 100 from short where verdict = 'other'").fetchall() == [(True,)]


def test_most_types_have_a_plain_form_and_a_statement_that_reads_it(sql):
    having = [each for each in PROJECTIONS.values() if has_plain_form(each)]
    assert len(having) > len(PROJECTIONS) / 2
    for each in having:
        sql.execute(gathered(each, "short"))
        sql.execute(f"prepare reading as insert into short {plain(each)}")


def test_a_chunk_that_is_read_by_both_statements_is_loaded_and_accounted_for_as_by_one(new_site, put, monkeypatch):
    of_spell = {"status": "completed", "location": {"reference": "Location/l-1"}}
    plain_one = {
        "resourceType": "Encounter",
        "id": "e-1",
        "status": "finished",
        "class": {"code": "EMER"},
        "subject": {"reference": "Patient/p-1"},
        "location": [of_spell, of_spell],
    }
    path = put(
        "Encounter.ndjson",
        *({**plain_one, "id": f"e-{n}"} for n in range(5)),
        {**plain_one, "id": "e-7", "subject": {"identifier": {"system": "urn:mrn", "value": "1"}}},
        {**plain_one, "id": "e-8", "meta": {"tag": [{"code": "SUBSETTED"}]}},
        {**plain_one, "id": "e-9", "status": "over"},
        {"resourceType": "Patient", "id": "p-1", "gender": "female"},
        {"resourceType": "Account", "id": "a-1"},
        {"resourceType": "Encounter"},
        plain_one,
        "{not JSON\n",
    )
    loaded = []
    for least in (1, 1_000_000):
        monkeypatch.setattr(fhir_bulk, "PLAIN_LINES", least)
        site = new_site()
        site.ingest(path)
        loaded.append(site.content())
    by_both, by_one = loaded
    assert by_both == by_one
    assert len(by_both["raw.fhir_encounter"]) == 7
    assert len(by_both["raw.fhir_patient"]) == 1
    assert len(by_both["account.quarantine"]) == 2
