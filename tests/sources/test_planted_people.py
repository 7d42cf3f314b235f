"""Names, addresses, telephone numbers and notes in every text of every type that is read, and every byte that is written."""

import gzip
import json
import logging
from itertools import cycle

import pytest

from models.catalog import build_order
from pipelines import visit_rules
from pipelines.build import build
from pipelines.sources.fhir_definitions import elements, model
from pipelines.sources.fhir_projection import PROJECTIONS
from tests.sources.conftest import SETTINGS

NEEDLES = ("Fairweather", "Quillonbury", "Larkspur", "555-0142", "anaemic", "RmFpcndlYXRoZXI")
SENTENCE = (
    "Ring Ottoline Fairweather, 12 Larkspur Mews, Quillonbury, on 555-0142: her parrot is anaemic, RmFpcndlYXRoZXI="
)
TIME = "2026-01-04T10:00:00-05:00"
DEEP, SHALLOW = 4, 1
"""How far elements are filled that Wardflow reads, and those that it does not."""
PERSON = {"resourceType": "Patient", "id": "p", "name": [{"family": SENTENCE}], "telecom": [{"value": SENTENCE}]}
ASIDES = {
    "text": {"status": "generated", "div": f"<div>{SENTENCE}</div>"},
    "contained": [PERSON],
    "extension": [{"url": SENTENCE, "valueString": SENTENCE, "valueHumanName": {"text": SENTENCE}}],
    "modifierExtension": [{"url": SENTENCE, "valueAddress": {"line": [SENTENCE]}}],
    SENTENCE: {SENTENCE: SENTENCE},
}
"""What stands beside a resource's own elements, with a key that no FHIR release knows."""
KEPT = {("Location", "name"), ("Organization", "name")}
"""Names of places are kept, because people read them."""


def maximal(of, *, is_wild, read=(), depth=0, deepest=DEEP):
    """A value for every element of a model; `read` are those filled deeply. `is_wild`: also codes, times, ids and references
    are sentences.
    """
    made = {}
    for name, element in elements(of).items():
        field = next((each for key, each in of.model_fields.items() if (each.alias or key) == name), None)
        if name in ASIDES or name.startswith("_") or name == "resourceType" or field is None:
            continue
        if element.holds is not None:
            end = deepest if depth or name in read else SHALLOW
            value = maximal(element.holds, is_wild=is_wild, depth=depth + 1, deepest=end) if depth < end else None
        else:
            value = SENTENCE if is_wild else primitive(name, field)
        if value not in (None, {}):
            made[name] = [value] if element.repeats else value
    return made


def primitive(name, field):
    """Something right where FHIR wants a code, a time, a number or a reference; else the sentence."""
    kind = str(field.annotation) + str(field.metadata)
    known = (field.json_schema_extra or {}).get("enum_values")
    if known:
        return known[0]
    if name == "reference":
        return "Patient/p1"
    for word, value in (
        ("Time", TIME),
        ("Instant", TIME),
        ("Date", "2026-01-04"),
        ("bool", True),
        ("int", 1),
        ("Decimal", 1),
    ):
        if word in kind:
            return value
    return {"code": "final", "id": "x1", "status": "final"}.get(name, SENTENCE)


def resources():
    for resource, projection in PROJECTIONS.items():
        for release in ("R4B", "R5"):
            of = model(resource, release)
            for number, is_wild in enumerate((False, True) if of else ()):
                made = maximal(of, is_wild=is_wild, read={*projection.elements, *projection.newer})
                made |= {"name": "4 North"} if (resource, "name") in KEPT else {}
                ident = SENTENCE if is_wild else f"{resource}-{release}-{number}"
                yield {"resourceType": resource, **made, **ASIDES, "id": ident}


@pytest.fixture(scope="module")
def lines():
    return [json.dumps(resource).encode() for resource in resources()]


def test_the_planted_resources_are_of_every_type_and_full_of_people(lines):
    assert {json.loads(line)["resourceType"] for line in lines} == set(PROJECTIONS)
    assert all(line.count(b"Fairweather") > 10 for line in lines)
    assert sum(map(len, lines)) > 200_000


def test_nothing_of_anybody_is_written_whatever_the_state_of_the_file(lines, new_site, put, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    site = new_site(SETTINGS + "\n", in_file=True)
    whole = b"\n".join(lines)
    damaged = b"\n".join(
        line[:-9] + bytes([bite]) + line[-8:] for line, bite in zip(lines, cycle(b'\xff}"\\x,'), strict=False)
    )
    strange = lines[0] + b'\n{"resourceType": "%b"}\n"%b"\n[["%b"]]\n%b\n' % ((SENTENCE.encode(),) * 4)
    first = site.ingest(put("whole/records.ndjson", whole))
    put("rest/cut.ndjson", whole[: -len(lines[-1]) // 2])
    put("rest/damaged.ndjson", damaged)
    put("rest/strange.ndjson", strange)
    rest = site.ingest(put("rest/zipped.ndjson.gz", gzip.compress(whole)[:-2000]).parent)
    assert first.totals["loaded"] >= len(PROJECTIONS)
    assert {"truncated", "unparseable", "not_utf8", "damaged_archive"} <= {
        rule for file in rest.files for rule in file.reasons
    }
    assert sum("strange" in file.path for file in rest.files) == 1
    visit_rules.take_in(site.db, site.settings.visits)
    for table in build_order():
        build(site.db, site.settings, table)
    told = "\n".join(
        [site.everything(), caplog.text, *capfd.readouterr(), json.dumps([first.to_json(), rest.to_json()])]
    )
    site.db.execute("checkpoint")
    written = {path.name: path.read_bytes() for path in site.home.path.rglob("*") if path.is_file()}
    assert any(len(content) > 100_000 for content in written.values())
    for needle in NEEDLES:
        assert needle.lower() not in told.lower(), needle
        assert not [name for name, content in written.items() if needle.lower().encode() in content.lower()], needle
