"""One night in the emergency department and three days on a ward, told by an R4 and by an R5 server: the same visits result."""

import pytest

from models.catalog import build_order, upstream
from pipelines import visit_rules
from pipelines.build import build

DAY = "2026-01-04T"


def at(hour, minute=0):
    return f"{DAY}{hour:02}:{minute:02}:00-05:00"


def period(start, end):
    return {"start": start, "end": end}


def concept(code):
    return {"coding": [{"system": "urn:codes", "code": code}]}


OWNER = {"reference": "Organization/org"}
PLACES = [
    {"resourceType": "Organization", "id": "org", "name": "Larkhill"},
    {"resourceType": "Location", "id": "ed", "name": "ED", "type": [concept("1108-0")], "managingOrganization": OWNER},
    {"resourceType": "Location", "id": "ward", "name": "4 North", "type": [concept("HU")], "managingOrganization": OWNER},
]  # fmt: skip
SHARED = {
    "subject": {"reference": "Patient/p1"},
    "serviceProvider": {"reference": "Organization/org"},
    "priority": concept("2"),
}
ED = {
    **SHARED,
    "location": [
        {"location": {"reference": "Location/ed"}, "status": "completed", "period": period(at(8), at(12, 30))}
    ],
}
WARD = {
    **SHARED,
    "partOf": {"reference": "Encounter/ed"},
    "location": [
        {"location": {"reference": "Location/ward"}, "period": period(at(12, 30), "2026-01-07T10:00:00-05:00")}
    ],
}
STAY = period(at(12), "2026-01-07T10:00:00-05:00")

R4 = [
    {"resourceType": "Encounter", "id": "ed", **ED, "status": "finished", "class": {"code": "EMER"}, "period": period(at(8), at(12, 30)),
     "hospitalization": {"admitSource": concept("emd"), "dischargeDisposition": concept("home")}, "serviceType": concept("14"),
     "statusHistory": [
        {"status": "arrived", "period": period(at(8), at(8, 10))},
        {"status": "triaged", "period": period(at(8, 10), at(9))},
        {"status": "in-progress", "period": period(at(9), at(12, 30))},
     ]},
    {"resourceType": "Encounter", "id": "ward", **WARD, "status": "finished", "class": {"code": "IMP"}, "period": STAY},
]  # fmt: skip


def history(number, status, span, subject_status=None):
    return {
        "resourceType": "EncounterHistory",
        "id": f"h{number}",
        "encounter": {"reference": "Encounter/ed"},
        "status": status,
        "class": concept("EMER"),
        "actualPeriod": span,
        **({"subjectStatus": concept(subject_status)} if subject_status else {}),
    }


R5 = [
    {"resourceType": "Encounter", "id": "ed", **ED, "status": "completed", "class": [concept("EMER")],
     "actualPeriod": period(at(8), at(12, 30)),
     "admission": {"admitSource": concept("emd"), "dischargeDisposition": concept("home")}, "serviceType": [{"concept": concept("14")}],
     "plannedStartDate": at(7)},
    {"resourceType": "Encounter", "id": "ward", **WARD, "status": "discharged", "class": [concept("IMP")], "actualPeriod": STAY},
    history(3, "in-progress", period(at(9), at(12, 30)), "receiving-care"),
    history(1, "in-progress", period(at(8), at(8, 10)), "arrived"),
    history(2, "in-progress", period(at(8, 10), at(9)), "triaged"),
]  # fmt: skip
ORIGIN = {"file_id", "line", "source"}


@pytest.fixture
def told(new_site, put):
    """The rows of a mart, without the lines they come from, after one server's export."""

    def tell(server, export, mart):
        site = new_site()
        put(f"{server}/manifest.json", {"transactionTime": "2026-01-08T00:00:00-05:00", "output": [], "error": []})
        report = site.ingest(put(f"{server}/export.ndjson", *PLACES, *export).parent)
        assert report.totals["loaded"] == len(PLACES) + len(export)
        assert not [file.findings for file in report.files if file.findings]
        visit_rules.take_in(site.db, site.settings.visits)
        for table in build_order():
            if table.full_name in upstream(mart):
                build(site.db, site.settings, table)
        rows = site.db.sql(f"select * from {mart}").pl()
        return rows.drop(ORIGIN & set(rows.columns)).sort(rows.columns[0]).to_dicts()

    return tell


@pytest.mark.parametrize("mart", ["marts.ed_attendance", "marts.inpatient_stay", "staging.encounter_status"])
def test_the_same_visit_in_r4_and_in_r5_gives_the_same_rows(told, mart):
    rows = told("r4", R4, mart)
    assert rows
    assert told("r5", R5, mart) == rows


def test_a_visit_has_the_same_times_in_both(told):
    (visit,) = told("r5", R5, "marts.ed_attendance")
    assert visit["minutes_in_department"] == 4.5 * 60
    assert visit["minutes_to_provider"] == 60
    assert visit["triaged_at"].minute == 10


@pytest.mark.parametrize(
    ("r5", "r4"),
    [
        ("planned", "planned"),
        ("in-progress", "in-progress"),
        ("on-hold", "onleave"),
        ("discharged", "finished"),
        ("completed", "finished"),
        ("cancelled", "cancelled"),
        ("discontinued", "finished"),
        ("unknown", "unknown"),
    ],
)
def test_the_states_of_r5_are_told_in_the_words_of_r4(told, r5, r4):
    export = [R5[0] | {"status": r5}, history(1, r5, period(at(8), at(9)))]
    assert [row["status"] for row in told("r5", export, "staging.encounter")] == [r4]
    assert [row["status"] for row in told("again", export, "staging.encounter_status")] == [r4]


def test_somebody_on_leave_is_in_progress_in_r5_and_the_record_says_so(told):
    export = [R5[0], history(1, "in-progress", period(at(8), at(9)), "on-leave")]
    assert [row["status"] for row in told("r5", export, "staging.encounter_status")] == ["onleave"]


def test_a_history_beside_the_encounters_own_comes_after_it(told):
    export = [R4[0], history(1, "completed", period(at(13), at(14)))]
    rows = told("both", export, "staging.encounter_status")
    assert sorted((row["step_no"], row["status"]) for row in rows) == [
        (1, "arrived"),
        (2, "triaged"),
        (3, "in-progress"),
        (4, "finished"),
    ]
