"""The activity history of Camunda 7 and Operaton: what becomes of it, counted by hand on the fixtures."""

import json

import pytest


def activity(number, ended, **columns):
    return {
        "id": f"Task_triage:{number}", "activityId": "Task_triage", "activityType": "userTask", "processDefinitionKey": "referral",
        "processInstanceId": "p1", "startTime": "2026-01-05T08:00:00.000-0500", "endTime": ended, "canceled": False,
    } | columns  # fmt: skip


def put_page(put, *activities, name="page.json"):
    return put(name, json.dumps(list(activities)))


def steps(site):
    site.build("staging.process_activity")
    return site.rows(
        """select workflow, activity, is_work, is_automatic, is_case_open, ended_at is not null
        from staging.process_activity order by started_at, activity"""
    )


def test_what_was_done_is_work_and_gateways_and_what_was_cancelled_are_none(site, fixtures):
    site.ingest(fixtures / "camunda" / "activities.ndjson")
    assert steps(site) == [
        ("referral", "StartEvent_referral", True, True, False, True),
        ("referral", "Task_triage", True, False, False, True),
        ("referral", "StartEvent_referral", True, True, True, True),  # the second instance waits for its triage
        ("referral", "Task_triage", True, False, True, False),
        ("referral", "Timer_reminder", False, True, True, True),
        ("referral", "Gateway_urgent", False, True, False, True),
        ("referral", "Task_book", True, False, False, True),
        ("referral", "Task_notify", True, True, False, True),
        ("referral", "EndEvent_done", True, True, False, True),
    ]


def test_a_csv_of_the_table_says_the_same_in_the_zone_that_is_named(site, fixtures):
    site.ingest(fixtures / "camunda" / "act-hi-actinst.csv")
    found = site.rows(
        "select activity, started_at at time zone 'UTC', is_canceled from raw.process_activity order by started_at"
    )
    assert [(name, str(begun)[11:16]) for name, begun, _ in found] == [
        ("Task_coding", "12:00"),  # seven in the morning in New York
        ("Task_bill", "12:40"),
        ("Task_check", "12:40"),
    ]


def test_an_activity_that_is_over_is_over_in_whatever_order_the_pages_come(new_site, put):
    for first, second in ((None, "2026-01-05T08:30:00.000-0500"), ("2026-01-05T08:30:00.000-0500", None)):
        site = new_site()
        site.ingest(put_page(put, activity(1, first), name="a.json"))
        site.ingest(put_page(put, activity(1, second), name="b.json"))
        assert steps(site) == [("referral", "Task_triage", True, False, False, True)]


def test_a_process_called_like_a_workflow_of_wardflows_own_is_set_apart(site, put):
    site.ingest(put_page(put, activity(1, None, processDefinitionKey="discharge")))
    assert [row[0] for row in steps(site)] == ["process discharge"]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"startTime": "yesterday"}, "no_time"),
        ({"endTime": "soon"}, "no_time"),
        ({"processDefinitionKey": None}, "no_id"),
        ({"id": None}, "no_id"),
        ({"id": None, "processInstanceId": None}, "untyped"),
    ],
)
def test_an_activity_that_cannot_be_placed_is_kept_out_with_its_rule(site, put, columns, rule):
    report = site.ingest(put_page(put, activity(1, None), activity(2, None, **columns)))
    assert (report.totals["loaded"], report.totals["quarantined"]) == (1, 1)
    assert site.rows("select rule from account.quarantine") == [(rule,)]


def test_a_step_with_a_persons_number_in_its_id_is_a_key(site, put):
    site.ingest(
        put_page(put, activity(1, None, activityId="Call 555-0142"), activity(2, None, activityId="Task_12345678"))
    )
    assert all(name.startswith("step ") for (name,) in site.rows("select activity from raw.process_activity"))


def test_a_process_instance_has_the_visit_that_its_business_key_names_and_one_that_it_called_too(site, fixtures):
    site.ingest(fixtures / "camunda" / "instances.json")
    site.db.execute(
        """insert into raw.fhir_encounter by name select 'ehr' as source, 'e1' as encounter_key, [visit_key] as visit_keys,
        'finished' as status, 1 as file_id, 1 as line, false as is_deleted, '' as version_hash, []::varchar[] as flags
        from raw.process_record where visit_key is not null and outcome = 'completed'"""
    )
    site.build("marts.process_case")
    assert site.rows("select match, encounter_key, count(*) from marts.process_case group by all order by 1, 2") == [
        ("matched", "e1", 2),
        ("unmatched", None, 1),
    ]


def test_without_a_setting_that_says_what_a_business_key_is_nothing_is_made_of_it(site, put):
    keys = {"id": "p1", "businessKey": "LKV5501", "startActivityId": "s", "processDefinitionKey": "referral"}
    row = keys | {"startTime": "2026-01-05T08:00:00.000-0500", "endTime": None, "state": "ACTIVE"}
    apart = site.settings.sources[-1].model_copy(update={"name": "other", "kind": "camunda", "authorities": {}})
    site.settings = site.settings.model_copy(update={"sources": (apart,)})
    site.ingest(put("instances.json", json.dumps([row])))
    assert site.rows("select visit_key, placer_key, encounter_key, has_business_key from raw.process_record") == [
        (None, None, None, True)
    ]
    site.build("marts.process_case")
    assert site.rows("select match from marts.process_case") == [("unread",)]


def test_of_a_persons_task_its_due_time_its_end_and_a_hash_of_the_person_are_kept_and_a_task_of_no_process_is_not_ours(
    site, fixtures
):
    report = site.ingest(fixtures / "camunda" / "act-hi-taskinst.csv")
    assert (report.totals["loaded"], report.totals["ignored"], report.totals["quarantined"]) == (
        3,
        2,
        0,
    )  # and its header
    site.build("staging.process_record")
    found = site.rows(
        """select activity, outcome, assignee_hash is not null, owner_hash is not null, due_at < coalesce(ended_at, due_at)
        from staging.process_record order by started_at, record_key"""
    )
    assert found == [
        ("Task_triage", "completed", True, False, True),  # due at nine, done at half past
        ("Task_triage", None, False, False, False),  # nobody has it
        ("Task_book", "other", True, True, None),  # a reason in somebody's words
    ]


def test_an_incident_is_open_until_it_is_resolved_or_deleted(site, fixtures):
    site.ingest(fixtures / "camunda" / "incidents.json")
    site.build("staging.process_record")
    told = "select incident_type, activity, outcome, ended_at is null from staging.process_record order by started_at"
    assert site.rows(told) == [
        ("failedExternalTask", "Task_triage", None, True),
        ("failedJob", "Task_notify", "resolved", False),
    ]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"createTime": "soon"}, "no_time"),
        ({"incidentType": None}, "no_id"),
        ({"id": None, "processInstanceId": None}, "untyped"),
    ],
)
def test_an_incident_that_cannot_be_placed_is_kept_out_with_its_rule(site, put, fixtures, columns, rule):
    first, second = json.loads((fixtures / "camunda" / "incidents.json").read_text())
    report = site.ingest(put("incidents.json", json.dumps([first, second | columns])))
    assert (report.totals["loaded"], report.totals["quarantined"]) == (1, 1)
    assert site.rows("select rule from account.quarantine") == [(rule,)]
