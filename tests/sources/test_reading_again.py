"""Known files and a release that reads more of them: they are read again, as if that release had been there when they came."""

from dataclasses import replace

import pytest

from pipelines.sources import readings
from pipelines.sources.fhir_projection import PROJECTIONS
from tests.sources.test_engine_logs import record

VISIT = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"code": "EMER"},
    "priority": {"coding": [{"code": "EM"}]},
}
CONDITION = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"}}
EXPORTS = ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")


def exported(put, number: int, *lines, name="Encounter.ndjson"):
    manifest = {
        "transactionTime": EXPORTS[number],
        "request": "https://ehr.example/$export?_since=x",
        "output": [{"type": "Encounter", "url": name}],
    }
    put(f"{number}/manifest.json", manifest)
    return put(f"{number}/{name}", *lines).parent


def counts(report) -> dict:
    return {name: n for name, n in report.totals.items() if n}


@pytest.fixture
def reduced(monkeypatch):
    """A former release, which read no Condition and of an Encounter neither the class nor the priority."""
    full = dict(PROJECTIONS)
    former = replace(
        full["Encounter"],
        elements={name: shape for name, shape in full["Encounter"].elements.items() if name != "priority"},
        columns=tuple(column for column in full["Encounter"].columns if column.name != "priority_code"),
    )
    with monkeypatch.context() as patch:
        patch.setitem(PROJECTIONS, "Encounter", former)
        patch.delitem(PROJECTIONS, "Condition")
        yield patch


def visits(site):
    return site.rows(
        "select priority_code, seen_from::date::varchar, seen_to::date::varchar, line from raw.fhir_encounter order by all"
    )


def test_elements_that_are_read_now_fill_the_versions_that_are_known(site, put, reduced):
    folders = [exported(put, number, VISIT) for number in (0, 1)]
    exports = [site.ingest(folder) for folder in folders]
    assert [each.totals["loaded"] for each in exports] == [1, 0]
    assert visits(site) == [(None, "2026-01-04", "2026-01-05", 1)]
    before = site.rows("select file_id, path, ingested_at from account.file order by all")
    reduced.undo()
    again = site.ingest(folders[0])
    assert (again.totals["loaded"], again.totals["unchanged"]) == (0, 1)
    assert visits(site) == [("EM", "2026-01-04", "2026-01-05", 1)]
    assert site.rows("select file_id, path, ingested_at from account.file order by all") == before
    state = site.content()
    assert counts(site.ingest(*folders)) == counts(site.ingest(*folders))
    assert site.content()["raw.fhir_encounter"] == state["raw.fhir_encounter"]


def test_types_that_are_read_now_are_loaded_from_known_files_and_the_rest_stays(site, put, reduced):
    path = put(
        "mixed.ndjson", {"resourceType": "Patient", "id": "p1"}, CONDITION, {"resourceType": "Binary", "id": "b"}
    )
    alone, other = (
        put("Condition.ndjson", CONDITION | {"id": "c2"}),
        put("Patient.ndjson", {"resourceType": "Patient", "id": "p2"}),
    )
    assert counts(site.ingest(path, alone, other)) == {"lines_read": 5, "loaded": 2, "ignored": 3}
    reduced.undo()
    again = {file.path.rpartition("/")[2]: file for file in site.ingest(path, alone, other).files}
    assert (again["mixed.ndjson"].loaded, again["mixed.ndjson"].unchanged, again["mixed.ndjson"].ignored) == (1, 1, 1)
    assert (again["Condition.ndjson"].loaded, again["Condition.ndjson"].ignored) == (1, 0)
    assert (again["Patient.ndjson"].loaded, again["Patient.ndjson"].unchanged) == (0, 1)
    assert site.rows("select count(*), (select count(*) from raw.fhir_patient) from raw.fhir_condition") == [(2, 2)]


def test_the_warehouse_is_then_the_one_that_the_new_release_would_have_made(new_site, put, reduced):
    site, fresh = new_site(), new_site()
    late = VISIT | {"status": "cancelled", "priority": {"coding": [{"code": "UR"}]}}
    files = [
        exported(put, 0, VISIT, '{"resourceType":', CONDITION),
        exported(put, 1, VISIT, late, VISIT | {"meta": {"tag": [{"code": "SUBSETTED"}]}}),
        put(
            "deleted.ndjson",
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"request": {"method": "DELETE", "url": "Condition/c1"}}],
            },
        ),
        put("engine.ndjson", record()),
    ]
    for path in files:
        site.ingest(path)
    reduced.undo()
    site.ingest(*files)
    for path in files:
        fresh.ingest(path)
    ours, wanted = site.content(), fresh.content()
    for table in wanted:
        assert ours[table] == wanted[table], table


def test_a_file_that_is_gone_keeps_what_was_read_of_it(site, put, reduced):
    folder = exported(put, 0, VISIT)
    site.ingest(folder)
    reduced.undo()
    (folder / "Encounter.ndjson").unlink()
    site.ingest(folder)
    assert visits(site) == [(None, "2026-01-04", "2026-01-04", 1)]


def test_a_file_is_read_again_only_for_what_it_holds(monkeypatch):
    def reading(kind, **more):
        file = type("File", (), {"kind": "fhir", "resource_type": kind, "blank_lines": 0, "is_mixed": False} | more)
        return readings.reading_of(file, 10, more.get("ignored", 0))

    held = {
        "Encounter": reading("Encounter"),
        "Patient": reading("Patient"),
        "nothing": reading("Binary", ignored=10),
        "deletions": reading("Bundle"),
        "some": reading("Patient", ignored=3),
        "several": reading("Patient", is_mixed=True),
        "a log": readings.reading_of(type("File", (), {"kind": "mirth"}), 1, 0),
    }
    assert set(held.values()) <= readings.current("fhir") | readings.current("mirth")
    narrowed = replace(PROJECTIONS["Encounter"], columns=PROJECTIONS["Encounter"].columns[:-1])
    monkeypatch.setitem(PROJECTIONS, "Encounter", narrowed)
    stale = {name for name, each in held.items() if each not in readings.current("fhir") | readings.current("mirth")}
    assert stale == {"Encounter", "some", "several"}
    monkeypatch.delitem(PROJECTIONS, "Consent")
    stale = {name for name, each in held.items() if each not in readings.current("fhir") | readings.current("mirth")}
    assert stale == {"Encounter", "some", "several", "nothing", "deletions"}


def test_an_account_made_before_readings_were_booked_has_read_again_what_is_read_otherwise_now(site, put, fixtures):
    visit, log = put("Encounter.ndjson", VISIT), put("engine.ndjson", record())
    trail = put("trail.xml", (fixtures / "atna" / "messages.xml").read_bytes())
    site.ingest(visit, log, trail)
    site.db.execute("update account.file set reading = null")
    site.ingest(visit, log, trail)
    assert site.rows("select kind, reading is not null from account.file order by all") == [
        ("atna", False),
        ("fhir", True),
        ("ndjson-log", True),
    ]
