"""What the account says over time: elements that are new, gone or unknown, findings that rise, what was judged and kept out."""

import json
from datetime import date, timedelta

import pytest

from pipelines.aggregates import quality_tables
from tests.sources.test_fhir_validation import encounter, with_share

FIRST = date(2026, 1, 5)  # a Monday


@pytest.fixture
def export(put):
    """Writes one export of Encounters with its manifest, `week` weeks after the first."""

    def write(week: int, *resources: dict, days: int = 0):
        day = FIRST + timedelta(weeks=week, days=days)
        said = {"transactionTime": f"{day}T12:00:00-05:00", "output": [], "request": "", "requiresAccessToken": False}
        put(f"{day}/manifest.json", json.dumps(said))
        return put(f"{day}/Encounter.ndjson", *resources).parent

    return write


def encounters(n: int, week: int = 0, **more) -> list[dict]:
    return [encounter(f"w{week}-{i}", **more) for i in range(n)]


def rows(site, name: str, columns: str, condition: str = "true") -> list:
    with quality_tables.made(site.db):
        return site.rows(f"select {columns} from aggregate_{name} where {condition} order by all")


DRIFT = "path, release, lines, looked_at, is_unknown, is_new, has_vanished"


def test_an_element_that_exports_bring_no_more_has_vanished(site, export):
    site.ingest(export(0, *encounters(10, 0, priority={})), export(1, *encounters(10, 1)))
    assert rows(site, "drift", DRIFT, "path in ('priority', 'status')") == [
        ("priority", "R4B", 10, 20, False, False, True),
        ("status", "R4B", 20, 20, False, False, False),
    ]


def test_an_element_that_earlier_exports_lacked_is_new_for_a_while_in_any_order_of_arrival(site, export):
    site.ingest(export(2, *encounters(10, 2, priority={})))
    site.ingest(export(1, *encounters(10, 1)))
    assert rows(site, "drift", DRIFT, "path = 'priority'") == [("priority", "R4B", 10, 20, False, True, False)]
    site.ingest(export(16, *encounters(10, 16, priority={})))
    assert rows(site, "drift", DRIFT, "path = 'priority'") == [("priority", "R4B", 20, 30, False, False, False)]


def test_an_element_of_few_lines_is_neither_new_nor_gone_when_chance_may_hide_it(site, export):
    rare = [*encounters(19, 1), *encounters(1, 2, priority={})]
    site.ingest(export(0, *encounters(40, 0)), export(1, *rare), export(2, *encounters(40, 3)))
    assert rows(site, "drift", DRIFT, "path = 'priority'") == [("priority", "R4B", 1, 100, False, False, False)]


def test_what_goes_with_the_element_around_it_is_said_of_that_one_alone(site, export):
    site.ingest(export(0, *encounters(10, 0, priority={"coding": [{}]})), export(1, *encounters(10, 1)))
    assert rows(site, "drift", "path", "has_vanished") == [("priority",)]


def test_hidden_names_neither_come_nor_go(site, export):
    site.ingest(export(0, *encounters(10, 0)), export(1, *encounters(10, 1, Quillon=1)), export(2, *encounters(10, 2)))
    assert rows(site, "drift", DRIFT, "is_unknown") == [("?", None, 10, 30, True, False, False)]


def test_an_element_that_fhir_does_not_define_is_unknown_and_one_of_r5_is_not(site, export):
    site.ingest(export(0, *encounters(25, colour="red", subjectStatus={})))
    assert rows(site, "drift", DRIFT, "release is distinct from 'R4B'") == [
        ("colour", None, 25, 25, True, False, False),
        ("subjectStatus", "R5", 25, 25, False, False, False),
    ]


def test_a_finding_is_counted_by_week_with_its_meaning_and_weeks_without_it_too(site, export):
    reverse = {"period": {"start": "2026-01-04T12:00:00-05:00", "end": "2026-01-04T11:00:00-05:00"}}
    weeks = [export(week, *encounters(30, week)) for week in range(4)]
    site.ingest(*weeks, export(4, *encounters(18, 4), *encounters(12, 40, **reverse)))
    found = rows(site, "finding_week", "week, n, lines, has_risen, meaning", "rule = 'end_before_start'")
    assert [row[:4] for row in found] == [
        *((FIRST + timedelta(weeks=week), 0, 30, False) for week in range(4)),
        (FIRST + timedelta(weeks=4), 12, 30, True),
    ]
    assert found[0][4].startswith("A period ends before it begins")


def test_a_finding_as_frequent_as_before_has_not_risen(site, export):
    reverse = {"period": {"start": "2026-01-04T12:00:00-05:00", "end": "2026-01-04T11:00:00-05:00"}}
    site.ingest(*(export(week, *encounters(18, week), *encounters(12, week + 40, **reverse)) for week in range(3)))
    assert rows(site, "finding_week", "n, has_risen", "rule = 'end_before_start'") == [(12, False)] * 3


def test_what_was_judged_and_what_was_kept_out_is_summed_over_files(new_site, export):
    site = new_site(with_share(1))
    nameless = {key: value for key, value in encounter().items() if key != "id"}
    site.ingest(export(0, *encounters(3, 0), nameless), export(1, *encounters(2, 1, location=[{}]), nameless))
    assert rows(site, "validation", "source, resource_type, scope, lines, checked, failed, as_r5") == [
        ("ehr", "Encounter", "quarantine", 2, 2, 0, 0),
        ("ehr", "Encounter", "sample", 5, 5, 2, 0),
    ]
    assert rows(site, "validation_failure", "scope, rule, path, n") == [("sample", "missing", "location.location", 2)]
    assert rows(site, "quarantine_total", "source, resource_type, rule, n, files") == [
        ("ehr", "Encounter", "no_id", 2, 2)
    ]


def test_nothing_delivered_is_nothing_to_report(site):
    assert all(rows(site, name, "*") == [] for name in quality_tables.NAMES)
