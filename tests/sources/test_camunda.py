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
