"""Azure's diagnostic settings, rule by rule: what a record of each service proves."""

import json
from pathlib import Path

import pytest

from pipelines.errors import ZoneNeeded

SAMPLES = Path(__file__).parents[3] / "shared/data/middleware"
BEGAN, ENDED = "2026-01-04T14:00:01.4336305Z", "2026-01-04T14:00:03.4773148Z"
RESOURCE = "/SUBSCRIPTIONS/A/RESOURCEGROUPS/B/PROVIDERS/"


def logic(step="workflowActionCompleted", status="Succeeded", run="run1", action="Send", **more) -> dict:
    resource = {
        "workflowName": "adt",
        "runId": run,
        **({"actionName": action} if "Action" in step else {}),
        **more.pop("resource", {}),
    }
    properties = {
        "startTime": BEGAN,
        "endTime": ENDED,
        "status": status,
        "resource": resource,
        "correlation": {"actionTrackingId": action},
        **more,
    }
    return {
        "time": ENDED,
        "resourceId": f"{RESOURCE}MICROSOFT.LOGIC/WORKFLOWS/ADT",
        "category": "WorkflowRuntime",
        "operationName": f"Microsoft.Logic/workflows/{step}",
        "properties": properties,
    }


def record(category: str, provider: str, **more) -> dict:
    return {"time": BEGAN, "resourceId": f"{RESOURCE}{provider}", "category": category, **more}


def proven(site, what="event_type, node_role", where="true") -> list:
    return site.rows(f"select {what} from raw.interface_event where {where} order by occurred_at, event_type")


def listed(*records: dict) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


SHAPES = {
    "blob": listed,
    "wrapper": lambda *records: json.dumps({"records": list(records)}),
    "wrapper over lines": lambda *records: json.dumps({"records": list(records)}, indent=2),
    "batch": lambda *records: json.dumps([{"records": [one]} for one in records]),
    "batch by line": lambda *records: "".join(json.dumps({"records": [one]}) + "\n" for one in records),
    "array": lambda *records: json.dumps(list(records)),
}


def test_every_shape_of_diagnostic_settings_holds_the_same_records(site, put):
    records = [logic("workflowRunStarted", "Running"), logic(), logic("workflowRunCompleted")]
    for name, write in SHAPES.items():
        totals = site.ingest(put(f"{name}.json", write(*records))).totals
        assert (totals["lines_read"], totals["loaded"]) == (3, 3 if name == "blob" else 0), name
    assert [event for event, _ in proven(site)] == ["attempt_started", "received", "delivered", "transformed"]


def test_a_workspace_tells_the_same_in_other_columns(site, put):
    tried = [
        {"startTime": BEGAN, "endTime": "2026-01-04T14:00:02Z"},
        {"startTime": "2026-01-04T14:00:02.5Z", "endTime": ENDED},
    ]
    one = logic(status="Failed", retryHistory=tried, error={"message": "connection refused"})
    site.ingest(put("a.json", listed(one)))
    events = proven(site, "event_type, error_class, error_template")
    named = {
        "TimeGenerated": ENDED,
        "OperationName": one["operationName"],
        "_ResourceId": "/subscriptions/a/providers/b/adt",
    }
    in_a_table = named | {
        "Type": "LogicAppWorkflowRuntime",
        "StartTime": BEGAN,
        "EndTime": ENDED,
        "Status": "Failed",
        "Error": "connection refused",
        "RunId": "run1",
        "WorkflowName": "adt",
        "ActionName": "Send",
        "ActionTrackingId": "Send",
        "RetryHistory": json.dumps(tried),
    }
    in_the_old_table = named | {
        "Type": "AzureDiagnostics",
        "Category": "WorkflowRuntime",
        "retryHistory_s": json.dumps(tried),
        "startTime_t": BEGAN,
        "endTime_t": ENDED,
        "status_s": "Failed",
        "error_message_s": "connection refused",
        "resource_runId_s": "run1",
        "resource_workflowName_s": "adt",
        "resource_actionName_s": "Send",
        "correlation_actionTrackingId_s": "Send",
    }
    for n, row in enumerate((in_a_table, in_the_old_table)):
        assert site.ingest(put(f"{n}.json", listed(row))).totals["unchanged"] == 1
        other = listed(row).replace("run1", f"other{n}")
        assert site.ingest(put(f"other{n}.json", other)).totals["loaded"] == 1
        where = f"file_id = (select file_id from account.file where path like '%other{n}.json')"
        assert proven(site, "event_type, error_class, error_template", where) == events


OUTCOMES = {
    "Succeeded": ["attempt_started", "delivered"],
    "Failed": ["attempt_started", "failed"],
    "TimedOut": ["attempt_started", "expired"],
    "Cancelled": ["attempt_started", "failed"],
    "Skipped": ["filtered"],
    "Melted": ["attempt_started", "unknown"],
}


def test_the_status_of_an_action_proves_what_became_of_it(site, put):
    site.ingest(put("a.json", listed(*(logic(status=status, action=status) for status in OUTCOMES))))
    for status, events in OUTCOMES.items():
        assert [event for event, _ in proven(site, where=f"node_name = '{status}'")] == events, status
    assert proven(site, "native_type", "event_type = 'unknown'") == [("<redacted>",)]


def test_started_and_completed_prove_one_attempt_and_seven_digits_are_cut_to_microseconds(site, put):
    started = logic("workflowActionStarted", "Running")
    del started["properties"]["endTime"]
    site.ingest(put("a.json", listed(logic())))
    assert site.ingest(put("b.json", listed(started))).totals["unchanged"] == 1
    assert proven(site, "event_type, epoch_us(occurred_at) % 10000000") == [
        ("attempt_started", 1433630),
        ("delivered", 3477314),
    ]


def test_the_history_of_retries_is_one_attempt_each(site, put):
    tries = [
        {"startTime": f"2026-01-04T14:00:0{n}Z", "endTime": f"2026-01-04T14:00:0{n}.5Z", "code": "BadGateway"}
        for n in (1, 2)
    ]
    site.ingest(put("a.json", listed(logic(status="Failed", code="BadGateway", retryHistory=tries))))
    site.db.execute("set variable as_of = timestamptz '2026-01-05'")
    site.build("staging.delivery")
    assert site.rows("select last_event, attempts, attempts_exact, error_class from staging.delivery") == [
        ("failed", 2, True, "connect")
    ]


def test_a_run_that_was_submitted_again_repeats_its_origin(site, put):
    again = logic("workflowRunStarted", "Running", run="run2", resource={"originRunId": "run1"})
    first = logic("workflowRunStarted", "Running", resource={"originRunId": "run1"})
    site.ingest(put("a.json", listed(first, again)))
    ((one,), (two,)) = site.rows(
        "select distinct message_uid from raw.interface_event order by message_uid = root_message_uid desc"
    )
    assert proven(site, "message_uid, replay_of_uid", "event_type = 'replayed'") == [(two, one)]


def test_service_bus_counts_and_belongs_to_no_message(site, put):
    error = {
        "EntityName": "results",
        "ErrorCount": 3,
        "EventTimestamp": "3/27/2024 1:02:29.126 PM +00:00",
        "ErrorMessage": "connection refused",
    }
    audit = {"Time": "1/1/2021 8:40:06 PM +01:00", "Count": 2}
    bus = {"ResourceId": f"{RESOURCE}MICROSOFT.SERVICEBUS/NAMESPACES/BUS"}
    report = site.ingest(
        put(
            "a.json",
            listed(
                {"category": "DiagnosticErrorLogs"} | bus | error,
                {"Category": "RuntimeAuditLogs", "Status": "Failure"} | bus | audit,
                {"Category": "RuntimeAuditLogs", "Status": "Success"} | bus | audit,
            ),
        )
    )
    assert (report.totals["loaded"], report.totals["ignored"]) == (2, 1)
    assert proven(
        site, "flow_id, node_role, message_uid, event_count, error_class, occurred_at at time zone 'UTC'"
    ) == [
        ("BUS", "system", None, 2, "auth", site.rows("select timestamp '2021-01-01 19:40:06'")[0][0]),
        ("results", "system", None, 3, "connect", site.rows("select timestamp '2024-03-27 13:02:29.126'")[0][0]),
    ]


def test_a_dead_letter_metric_is_a_sample_of_a_queue_and_other_metrics_are_ignored(site, put):
    metric = {
        "time": BEGAN,
        "resourceId": f"{RESOURCE}MICROSOFT.SERVICEBUS/NAMESPACES/BUS",
        "maximum": 12,
        "average": 11.5,
        "count": 2,
    }
    report = site.ingest(
        put("a.json", listed(metric | {"metricName": "DeadletteredMessages"}, metric | {"metricName": "Cpu"}))
    )
    assert (report.totals["loaded"], report.totals["ignored"]) == (1, 1)
    assert proven(site, "event_type, node_role, node_name, queue_depth, message_uid") == [
        ("queue_sample", "queue", "DeadletteredMessages", 12, None)
    ]


def test_what_event_grid_gave_up_in_a_minute_is_counted_and_is_no_depth(site, put):
    minute = {"time": BEGAN, "resourceId": f"{RESOURCE}MICROSOFT.EVENTGRID/TOPICS/LARK", "maximum": 1}
    counts = {"DeadLetteredCount": 3, "DroppedEventCount": 2, "MatchedEventCount": 9, "DeliveryAttemptFailCount": 5}
    metrics = [minute | {"metricName": name, "total": n} for name, n in counts.items()]
    report = site.ingest(put("a.json", listed(*metrics, minute | {"metricName": "DeadLetteredCount", "total": 0})))
    assert (report.totals["loaded"], report.totals["ignored"]) == (2, 3)
    assert proven(site, "event_type, node_role, event_count, queue_depth, source_kind") == [
        ("dead_lettered", "system", 3, None, "aggregate"),
        ("discarded", "system", 2, None, "aggregate"),
    ]


@pytest.mark.parametrize(
    ("properties", "events"),
    [
        ({"responseCode": 200, "backendResponseCode": 201}, ["attempt_started", "received", "ack_sent", "delivered"]),
        (
            {"responseCode": 400, "backendResponseCode": 422},
            ["attempt_started", "received", "failed", "nack_received", "nack_sent"],
        ),
        (
            {"responseCode": 500, "lastError": {"reason": "Timeout"}},
            ["attempt_started", "received", "failed", "nack_sent"],
        ),
        ({"responseCode": 401}, ["received", "nack_sent"]),
    ],
)
def test_a_request_through_the_gateway(site, put, properties, events):
    one = record(
        "GatewayLogs",
        "MICROSOFT.APIMANAGEMENT/SERVICE/API",
        correlationId="c1",
        durationMs=250,
        properties={"apiId": "fhir", **properties},
    )
    site.ingest(put("a.json", listed(one)))
    assert [event for event, _ in proven(site)] == events
    assert site.rows("select max(epoch_ms(occurred_at)) - min(epoch_ms(occurred_at)) from raw.interface_event") == [
        (250,)
    ]


def test_a_delivery_that_event_grid_failed_is_no_message_because_a_success_would_leave_no_record(site, put):
    text = "Message:outcome=NotFound, latencyInMs=26, id=abc-1, state=Failing, subject=Quillon"
    one = record("DeliveryFailures", "MICROSOFT.EVENTGRID/TOPICS/LARK", eventSubscriptionName="to-lis", message=text)
    site.ingest(put("a.json", listed(one, one | {"category": "PublishFailures", "message": "outcome=Unauthorized"})))
    assert (
        proven(site, "event_type, node_role, node_name, message_uid")
        == [("attempt_failed", "system", "to-lis", None)] * 2
    )


def test_a_function_is_received_and_done_and_its_other_errors_belong_to_it(site, put):
    def line(event, level, **more):
        named = {"functionName": "route", "functionInvocationId": "i1", "eventName": event, "level": level, **more}
        return record("FunctionAppLogs", "MICROSOFT.WEB/SITES/F", properties=named)

    report = site.ingest(
        put(
            "a.json",
            listed(
                line("FunctionStarted", "Information"),
                line("FunctionCompleted", "Information"),
                line("x", "Error"),
                line("y", "Debug"),
            ),
        )
    )
    assert (report.totals["loaded"], report.totals["ignored"]) == (3, 1)
    assert sorted(proven(site, "event_type, node_role, flow_id")) == [
        ("attempt_failed", "system", "route"),
        ("received", "source", "route"),
        ("transformed", "source", "route"),
    ]


def test_application_insights_tells_requests_and_dependencies(site, put):
    common = {
        "time": BEGAN,
        "resourceId": f"{RESOURCE}X",
        "AppRoleName": "gate",
        "OperationId": f"{7:032x}",
        "DurationMs": 20,
    }
    site.ingest(
        put(
            "a.json",
            listed(
                common | {"Type": "AppRequests", "Id": "1", "Success": False, "ResultCode": "500"},
                common
                | {
                    "Type": "AppDependencies",
                    "Id": "2",
                    "Target": "lis.internal",
                    "Success": True,
                    "ResultCode": "200",
                },
                common
                | {
                    "Type": "AppDependencies",
                    "Id": "3",
                    "Target": "lis.internal",
                    "Success": False,
                    "ResultCode": "503",
                },
            ),
        )
    )
    assert proven(site, "event_type, node_name, error_class, right(message_uid, 1)") == [
        ("attempt_started", "lis.internal", None, "7"),
        ("attempt_started", "lis.internal", None, "7"),
        ("received", None, None, "7"),
        ("delivered", "lis.internal", None, "7"),
        ("failed", "lis.internal", "connect", "7"),
        ("nack_sent", None, "unknown", "7"),
    ]


@pytest.mark.parametrize("duration", ["-infinity", 1e300, -1, "soon", None])
def test_a_duration_that_is_none_ends_nothing(site, put, duration):
    one = record("GatewayLogs", "MICROSOFT.APIMANAGEMENT/SERVICE/API", correlationId="c1", durationMs=duration)
    site.ingest(put("a.json", listed(one)))
    assert [event for event, _ in proven(site)] == ["received"]


def test_records_without_an_id_are_one_each_and_the_same_when_they_come_again(site, put):
    one = record("DiagnosticErrorLogs", "MICROSOFT.SERVICEBUS/NAMESPACES/BUS", ErrorCount=1)
    assert site.ingest(put("a.json", listed(one, one, one | {"ErrorCount": 2}))).totals["loaded"] == 3
    turned = dict(reversed(one.items()))
    assert site.ingest(put("b.json", SHAPES["wrapper"](one, turned))).totals["unchanged"] == 2


def test_a_time_without_an_offset_needs_a_zone(new_site, put):
    site = new_site("zone = 'America/New_York'\n")
    path = put(
        "a.json",
        listed(record("DiagnosticErrorLogs", "MICROSOFT.SERVICEBUS/NAMESPACES/BUS") | {"time": "2026-01-04T14:00:01"}),
    )
    with pytest.raises(ZoneNeeded, match="line 1: a time has no offset"):
        site.ingest(path)
    site.ingest(path, zone="Europe/Berlin")
    assert proven(site, "time_basis, hour(occurred_at at time zone 'UTC')") == [("site_zone", 13)]


def test_what_is_no_record_costs_one_record(site, put):
    nameless = logic()
    del nameless["properties"]["resource"]["runId"]
    path = put(
        "a.json",
        listed(
            logic(),
            nameless,
            {"resourceId": "/Quillon"},
            logic() | {"time": "soon", "properties": {"resource": {"runId": "r"}}},
        ),
        "{\n",
        "[]\n",
    )
    report = site.ingest(path)
    assert (report.totals["loaded"], report.totals["quarantined"]) == (1, 5)
    assert [rule for (rule,) in site.rows("select rule from account.quarantine order by line")] == [
        "no_id",
        "untyped",
        "no_time",
        "unparseable",
        "untyped",
    ]
    assert site.ingest(put("b.json", listed(record("AutoscaleEvaluations", "X")))).totals["ignored"] == 1


@pytest.mark.skipif(not SAMPLES.exists(), reason="the reference samples are not here")
def test_the_samples_of_the_documentation_are_read(site):
    report = site.ingest(*sorted(SAMPLES.glob("azure_*.json")))
    assert [file.kind for file in report.files] == ["azure"] * 4
    assert report.totals["quarantined"] == 0
    assert report.totals["loaded"] == 5
