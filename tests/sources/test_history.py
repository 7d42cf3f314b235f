"""Successive exports, example by example: what was seen when, what is gone, what waits for the rest of its export."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines import ledger, warehouse
from pipelines.absence import Gap
from pipelines.errors import TooManyAbsent
from pipelines.settings import load

ASK = "https://ehr/$export"
EVERYTHING = f"{ASK}?_outputFormat=ndjson"


def day(n: int) -> str:
    return f"2026-01-{n:02}T00:00:00-05:00"


@pytest.fixture
def export(put):
    """Writes the export of one day of January, `export(5, Encounter=[...])`, and returns its folder; `more` is of the manifest."""

    def write(n: int, folder: str | None = None, more: dict | None = None, **files: list[dict]) -> Path:
        place = folder or f"{n:02}"
        named = [{"type": kind, "url": f"https://ehr/{kind}.ndjson", "count": len(of)} for kind, of in files.items()]
        for kind, resources in files.items():
            put(f"{place}/{kind}.ndjson", *({"resourceType": kind} | each for each in resources))
        page = {"transactionTime": day(n), "request": EVERYTHING, "output": named} | (more or {})
        return put(f"{place}/manifest.json", json.dumps(page)).parent

    return write


def spells(site) -> list:
    return site.rows(
        "select status, day(seen_from), day(seen_to) from raw.fhir_encounter where not is_deleted order by all"
    )


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


def alive(site) -> list:
    site.build("staging.encounter")
    return [status for (status,) in site.rows("select status from staging.encounter order by 1")]


def test_what_a_complete_export_does_not_show_any_more_is_gone_and_the_manifest_is_the_evidence(site, export):
    site.ingest(export(3, Encounter=[ARRIVED, OTHER]))
    site.ingest(export(5, Encounter=[FINISHED]))
    assert alive(site) == ["finished"]
    evidence = "select flags, day(seen_to), path like '%05/manifest.json' from raw.fhir_encounter join account.file using (file_id)"
    assert site.rows(f"{evidence} where is_deleted") == [(["absent"], 5, True)]


@pytest.mark.parametrize(
    "more",
    [
        {"request": f"{ASK}?_since=2026-01-03T00:00:00Z"},
        {"request": f"{ASK}?_type=Encounter&_until=2026-01-04T00:00:00Z"},
        {"request": f"{ASK}?_typeFilter=Encounter%3Fstatus%3Dfinished"},
        {"request": f"{ASK}?_elements=id"},
        {"request": "https://ehr/Group/7/$export"},
        {"request": None},
        {"request": ASK},
        {"request": "the lady in room 4"},
        {"error": [{"type": "OperationOutcome", "url": "https://ehr/error.ndjson"}]},
        {"outcome": [{"url": "https://ehr/outcome.ndjson", "countSeverity": [{"severity": "error", "count": 1}]}]},
        {"output": [{"type": "Encounter", "url": "https://ehr/Encounter.ndjson", "count": 9}]},
        {
            "output": [
                {"type": "Encounter", "url": f"https://ehr/{name}.ndjson"} for name in ("Encounter", "Encounter.2")
            ]
        },
        {
            "output": [
                {"type": "Encounter", "url": "https://ehr/Encounter.ndjson", "continuesInFile": "https://ehr/E2.ndjson"}
            ]
        },
        {"link": [{"relation": "next", "url": "https://ehr/manifest?page=2"}]},
        {"link": [{"relation": "next", "url": "#pending"}]},
        {"transactionTime": day(2)},
        {"transactionTime": "today"},
    ],
    ids=str,
)
def test_an_export_that_is_partial_faulty_incomplete_or_older_deletes_nothing(site, export, more):
    site.ingest(export(3, Encounter=[ARRIVED, OTHER]))
    site.ingest(export(5, more=more, Encounter=[ARRIVED]))
    assert site.rows("select count(*) from raw.fhir_encounter where is_deleted") == [(0,)]


@pytest.mark.parametrize(
    "spoiled", ["{spoiled\n", '{"resourceType":"Encounter","id":"e2","meta":{"tag":[{"code":"SUBSETTED"}]}}\n']
)
def test_a_file_with_a_line_that_could_not_be_read_or_is_only_part_of_a_resource_deletes_nothing(
    site, export, put, spoiled
):
    site.ingest(export(3, Encounter=[ARRIVED, OTHER]))
    put("05/Encounter.ndjson", {"resourceType": "Encounter"} | ARRIVED, spoiled)
    site.ingest(put("05/manifest.json", json.dumps({"transactionTime": day(5), "request": EVERYTHING, "output": [
        {"type": "Encounter", "url": "https://ehr/Encounter.ndjson", "count": 2}]})).parent)  # fmt: skip
    assert alive(site) == ["arrived", "planned"]


def test_a_type_that_an_export_does_not_show_at_all_is_not_deleted(site, export):
    site.ingest(export(3, Encounter=[ARRIVED], Task=[{"id": "t1"}]))
    site.ingest(export(4, Encounter=[ARRIVED]))
    site.ingest(export(5, Encounter=[ARRIVED], Task=[]))
    assert site.rows("select count(*) from raw.fhir_task where is_deleted") == [(0,)]


def test_a_server_that_reports_no_deletions_is_caught_by_its_next_whole_export(site, export):
    """As the server sekmet-fhir behaves: after a DELETE an export with `_since` has no `deleted`, and shows nothing of it."""
    site.ingest(export(3, Encounter=[ARRIVED, OTHER], Patient=[{"id": "p1"}, {"id": "p2"}]))
    since = {"request": f"{ASK}?_since={day(3)}", "deleted": []}
    site.ingest(export(4, more=since, Encounter=[FINISHED]))
    assert alive(site) == ["finished", "planned"]
    site.ingest(export(5, Encounter=[FINISHED], Patient=[{"id": "p1"}]))
    assert alive(site) == ["finished"]
    assert site.rows("select count(*) from raw.fhir_patient where is_deleted") == [(1,)]


def test_what_was_gone_and_is_shown_again_is_alive_again(site, export):
    for n, shown in ((3, [ARRIVED, OTHER]), (4, [OTHER]), (5, [ARRIVED, OTHER])):
        site.ingest(export(n, Encounter=shown))
    assert alive(site) == ["arrived", "planned"]


def test_an_export_that_lacks_too_much_stops_loudly_loads_what_it_brought_and_has_a_cure(site, export):
    known = [{"id": f"e{n}", "status": "planned"} for n in range(10)]
    site.ingest(export(3, Encounter=known))
    later = export(5, Encounter=[FINISHED])
    with pytest.raises(TooManyAbsent) as stopped:
        site.ingest(later)
    said = "Source 'ehr': its export of 2026-01-05 00:00 lacks 9 of 10 known Encounter resources, more than max_absent_share = 0.02 allows."
    assert str(stopped.value).startswith(said)
    assert (stopped.value.exit_code, "\n" in str(stopped.value)) == (1, False)
    assert alive(site) == ["finished"] + ["planned"] * 9
    assert ledger.account(site.db).balanced
    site.home.settings_path.write_text('[[sources]]\nname = "ehr"\nkind = "fhir"\nmax_absent_share = 1\n')
    site.settings = load(site.home)
    site.ingest(later)
    assert alive(site) == ["finished"]


def test_what_a_request_sent_by_post_left_out_is_not_deleted_and_counted_until_the_settings_say_that_it_asked_for_all(
    site, export
):
    places = [{"id": f"w{n}"} for n in range(10)]
    gone = "select count(*) from raw.fhir_location where is_deleted"
    site.ingest(export(3, more={"request": ASK}, Location=places))
    later = export(5, more={"request": ASK}, Location=places[4:])
    assert [file.findings for file in site.ingest(later).files if file.kind == "manifest"] == [
        {"absence_not_applied": 10 - 6}
    ]
    assert site.rows(gone) == [(0,)]
    site.home.settings_path.write_text('[[sources]]\nname = "ehr"\nkind = "fhir"\nfull_exports = true\n')
    site.settings = load(site.home)
    site.ingest(later)
    assert site.rows(gone) == [(4,)]
    assert site.rows("from account.finding") == []


@pytest.mark.parametrize(
    ("absent", "known", "share", "is_believed"),
    [
        (3, 6, 0.02, True),
        (4, 6, 0.02, False),
        (5, 10, 0.02, True),
        (6, 12, 0.02, False),
        (6, 300, 0.02, True),
        (1, 300, 0, False),
        (6, 6, 1, True),
    ],
)
def test_few_may_be_gone_whatever_share_that_is_up_to_half_and_where_no_share_may_be_none(
    absent, known, share, is_believed
):
    assert Gap("Location", datetime(2026, 1, 5, tzinfo=UTC), absent, known).is_believed(share) == is_believed


@pytest.mark.parametrize(("stated", "found"), [("true", ["arrived"]), ("false", ["arrived", "planned"])])
def test_where_a_manifest_names_no_request_the_settings_say_whether_exports_are_whole(new_site, export, stated, found):
    site = new_site(f'[[sources]]\nname = "ehr"\nkind = "fhir"\nfull_exports = {stated}\n')
    newest = {"request": None, "manifestType": "bulk-export", "outcome": [], "extension": [{"url": "x"}]}
    site.ingest(export(3, more=newest, Encounter=[ARRIVED, OTHER]))
    site.ingest(export(5, more=newest, Encounter=[ARRIVED]))
    assert alive(site) == found


def test_sources_that_show_parts_of_one_server_delete_nothing_by_absence(new_site, export):
    site = new_site("".join(f'[[sources]]\nname = "{name}"\nkind = "fhir"\nauthority = "ehr"\n' for name in "ab"))
    site.ingest(export(3, Encounter=[ARRIVED, OTHER]), source="a")
    site.ingest(export(5, Encounter=[ARRIVED]), source="a")
    assert alive(site) == ["arrived", "planned"]


def test_a_group_deletes_by_absence_where_the_source_delivers_nothing_but_that_group(site, export):
    of_group = {"request": "https://ehr/Group/7/$export?_type=Encounter"}
    site.ingest(export(3, more=of_group, Encounter=[ARRIVED, OTHER]))
    site.ingest(export(5, more=of_group, Encounter=[ARRIVED]))
    assert alive(site) == ["arrived"]


def state(site) -> tuple:
    columns = "level, types, is_full, problems, files_named, files_here, is_complete, is_verified"
    return site.rows(f"select {columns} from account.export")[0]


TWO = [{"id": "e1"}, {"id": "e2"}]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"request": f"{ASK}?_type=Encounter,Task"}, ("system", ["Encounter", "Task"], True, 0, 1, 1, True, True)),
        ({"request": f"{ASK}?_type=Task&_type=Encounter"}, ("system", ["Task", "Encounter"], True, 0, 1, 1, True, True)),
        ({"request": "https://ehr/Patient/$export?_since=x"}, ("Patient", None, False, 0, 1, 1, True, True)),
        ({"outputOrganizedBy": "Patient", "output": [{"url": "https://ehr/Encounter.ndjson"}]},
         ("system", None, True, 0, 1, 1, True, True)),
        ({"output": [{"type": "Encounter", "url": "https://ehr/files/8f3a", "count": 2}]},
         ("system", None, True, 0, 1, 1, True, True)),
        ({"output": [{"type": "Encounter", "url": "https://ehr/files/8f3a", "count": 3}]},
         ("system", None, True, 0, 1, 1, True, False)),
        ({"request": None, "outcome": [{"url": "https://ehr/o", "countSeverity": [{"severity": "information", "count": 2}]}],
          "deleted": [{"url": "https://ehr/gone.ndjson"}], "extension": [{"url": "x"}]},
         (None, None, None, 0, 2, 1, False, False)),
        ({"error": [{"type": "OperationOutcome", "url": "https://ehr/e", "count": 0}]},
         ("system", None, True, 0, 1, 1, True, True)),
        ({"output": [{"type": "Encounter", "url": "https://ehr/Encounter.ndjson"}, {"type": "Task", "url": "x", "count": 0},
                     {"type": "Device", "url": "https://ehr/Device.ndjson", "count": 7}]},
         ("system", None, True, 0, 2, 2, True, True)),
    ],
)  # fmt: skip
def test_manifests_of_every_version_say_what_was_asked_for_and_what_should_have_come(site, export, more, found):
    site.ingest(export(5, more=more, Encounter=TWO))
    assert state(site) == found


def test_the_pages_of_one_manifest_are_one_export(site, export, put):
    first = export(5, more={"link": [{"relation": "next", "url": "https://ehr/m?page=2"}]}, Encounter=TWO)
    site.ingest(first)
    assert state(site)[-4:] == (1, 1, False, False)
    put("05/Task.ndjson", {"resourceType": "Task", "id": "t1"})
    page = {
        "transactionTime": day(5),
        "request": EVERYTHING,
        "output": [{"type": "Task", "url": "https://ehr/Task.ndjson", "count": 1}],
    }
    put("05/manifest-2.json", json.dumps(page))
    site.ingest(first)
    assert state(site)[-4:] == (2, 2, True, True)


TASKS = [
    {"type": "Encounter", "url": "https://ehr/Encounter.ndjson"},
    {"type": "Task", "url": "https://ehr/Task.ndjson", "count": 1},
]


def test_an_encounter_counts_only_when_every_file_of_its_export_has_come_and_until_then_as_it_was_before(
    site, export, put
):
    site.ingest(export(3, Encounter=[ARRIVED]))
    folder = export(5, more={"output": TASKS}, Encounter=[FINISHED, OTHER])
    site.ingest(folder / "Encounter.ndjson")
    assert alive(site) == ["arrived"]
    assert site.rows("from account.completion") == [("ehr", 2, 1, 1, 2)]
    site.ingest(put("05/Task.ndjson", {"resourceType": "Task", "id": "t1"}))
    assert alive(site) == ["finished", "planned"]
    assert site.rows("from account.completion") == [("ehr", 2, 0, 0, 0)]


def test_an_encounter_that_a_whole_export_showed_too_does_not_wait(site, export):
    for order in ((3, 5), (5, 3)):
        for n in order:
            site.ingest(export(n, more={"output": TASKS} if n == 5 else {}, Encounter=[ARRIVED]))
        assert alive(site) == ["arrived"]


def test_a_folder_without_a_manifest_is_whole(site, put):
    site.ingest(put("x/Encounter.ndjson", {"resourceType": "Encounter"} | ARRIVED).parent)
    assert alive(site) == ["arrived"]
    assert site.rows("from account.completion") == []


def test_a_warehouse_that_kept_one_export_time_is_brought_up_to_date_when_it_is_opened(site, export):
    site.ingest(export(3, Encounter=[ARRIVED]))
    site.db.execute("alter table raw.fhir_encounter drop column seen_to")
    site.db.execute("alter table raw.fhir_encounter rename column seen_from to exported_at")
    warehouse.prepare(site.db)
    site.ingest(export(5, Encounter=[ARRIVED]))
    assert spells(site) == [("arrived", 3, 5)]
