"""Successive exports, example by example: what was seen when, what is gone, what waits for the rest of its export."""

import json
from pathlib import Path

import pytest


def day(n: int) -> str:
    return f"2026-01-{n:02}T00:00:00-05:00"


@pytest.fixture
def export(put):
    """Writes the export of one day of January: `export(5, Encounter=[...])`, and returns its folder."""

    def write(n: int, folder: str | None = None, **files: list[dict]) -> Path:
        place = folder or f"{n:02}"
        named = [{"type": kind, "url": f"https://ehr/{kind}.ndjson", "count": len(of)} for kind, of in files.items()]
        for kind, resources in files.items():
            put(f"{place}/{kind}.ndjson", *({"resourceType": kind} | each for each in resources))
        return put(f"{place}/manifest.json", json.dumps({"transactionTime": day(n), "output": named})).parent

    return write


def spells(site) -> list:
    return site.rows("select status, day(seen_from), day(seen_to) from raw.fhir_encounter order by all")


ARRIVED, FINISHED = {"id": "e1", "status": "arrived"}, {"id": "e1", "status": "finished"}
OTHER = {"id": "e2", "status": "planned"}


def test_a_version_is_seen_from_the_first_to_the_last_export_that_shows_it(site, export):
    for n, shown in ((6, [FINISHED]), (5, [ARRIVED, OTHER]), (3, [ARRIVED]), (7, [FINISHED, OTHER])):
        site.ingest(export(n, Encounter=shown))
    assert spells(site) == [("arrived", 3, 5), ("finished", 6, 7), ("planned", 5, 7)]


def test_a_file_whose_bytes_are_known_is_seen_again_without_being_read(site, export):
    site.ingest(export(3, Encounter=[ARRIVED]))
    report = site.ingest(export(5, Encounter=[ARRIVED]))
    assert report.totals["unchanged"] == 1
    assert spells(site) == [("arrived", 3, 5)]


def test_a_file_whose_bytes_are_known_but_that_brought_only_part_of_them_is_read_again(site, export):
    site.ingest(export(3, Encounter=[ARRIVED]))
    site.ingest(export(4, Encounter=[ARRIVED, OTHER]))
    site.ingest(export(5, Encounter=[ARRIVED, OTHER]))
    assert spells(site) == [("arrived", 3, 5), ("planned", 4, 5)]


def test_the_same_file_of_several_exports_in_one_delivery_is_seen_in_each(site, export):
    export(3, Encounter=[ARRIVED])
    export(4, Encounter=[ARRIVED])
    site.ingest(export(5, Encounter=[ARRIVED]).parent)
    assert spells(site) == [("arrived", 3, 5)]


def test_an_export_that_replaces_the_last_one_in_its_folder_is_seen_again_although_no_byte_of_the_file_changed(
    site, export
):
    site.ingest(export(3, "current", Encounter=[ARRIVED]))
    site.ingest(export(5, "current", Encounter=[ARRIVED]))
    assert spells(site) == [("arrived", 3, 5)]
    account = site.rows("select count(*) from account.file where kind = 'fhir'")
    site.ingest(export(5, "current", Encounter=[ARRIVED]))
    assert site.rows("select count(*) from account.file where kind = 'fhir'") == account == [(2,)]
