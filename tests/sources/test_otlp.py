"""OpenTelemetry, rule by rule: what a span or a log record proves."""

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[3] / "shared/data/middleware"
BEGAN = 1544712660300000000  # 2018-12-13 14:51:00.3 UTC; more digits than a floating point number holds


def attributes(**named) -> list:
    return [
        {
            "key": name.replace("__", "."),
            "value": {"intValue": value} if isinstance(value, int) else {"stringValue": value},
        }
        for name, value in named.items()
    ]


def span(
    n=1, kind: int | str = 2, start: int | str = BEGAN, end: int | str = BEGAN + 5_000_000, trace=1, **more
) -> dict:
    named = {name: more.pop(name) for name in list(more) if "__" in name}
    made = {"traceId": f"{trace:032x}", "spanId": f"{n:016x}", "kind": kind, "name": "POST", "startTimeUnixNano": start}
    return made | {"endTimeUnixNano": end, "attributes": attributes(**named)} | more


def document(*spans: dict, service="adt", host="h1", inside="scopeSpans") -> dict:
    resource = {"attributes": attributes(service__name=service, host__name=host)}
    return {"resourceSpans": [{"resource": resource, inside: [{"spans": list(spans)}]}]}


def logs(*records: dict) -> dict:
    resource = {"attributes": attributes(service__name="adt")}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": list(records)}]}]}


def proven(site, what="event_type, node_role, node_name") -> list:
    return site.rows(f"select {what} from raw.interface_event order by occurred_at, event_type")


ERROR = {"status": {"code": 2}}
PROVEN = [
    (span(kind=2), ["received", "ack_sent"]),
    (span(kind="SPAN_KIND_SERVER", **ERROR), ["received", "nack_sent"]),
    (span(kind=2, http__response__status_code=422), ["received", "nack_sent"]),
    (span(kind=3), ["attempt_started", "delivered"]),
    (span(kind=3, http__status_code="503"), ["attempt_started", "failed"]),
    (span(kind=3, status={"code": "STATUS_CODE_ERROR"}), ["attempt_started", "failed"]),
    (span(kind=4), ["attempt_started", "delivered"]),
    (span(kind=5), ["received"]),
    (span(kind=5, **ERROR), ["received", "failed"]),
    (span(kind=1), []),
    (span(kind=1, **ERROR), ["failed"]),
    (span(kind=3, messaging__operation__type="receive"), []),
    (span(kind=3, messaging__operation__type="settle"), []),
    (span(kind=2, end=0), ["received"]),
]


def test_the_kind_of_a_span_and_how_it_ended_prove_what_happened(site, put):
    named = [one | {"traceId": f"{n:032x}"} for n, (one, _) in enumerate(PROVEN, 1)]
    site.ingest(put("a.jsonl", *map(document, named)))
    for n, (one, events) in enumerate(PROVEN, 1):
        found = site.rows(
            f"select event_type from raw.interface_event where message_uid = 'otel-lark:{n:032x}' order by occurred_at"
        )
        assert [event for (event,) in found] == events, one
    assert site.rows("select sum(loaded), sum(ignored) from account.file") == [(11, 3)]


def test_nanoseconds_are_read_whole_as_text_or_number(site, put):
    site.ingest(put("a.jsonl", document(span(1, start=str(BEGAN + 1_999))), document(span(2, start=BEGAN + 2_001))))
    assert site.rows(
        "select epoch_us(occurred_at) from raw.interface_event where event_type = 'received' order by 1"
    ) == [
        (BEGAN // 1000 + 1,),
        (BEGAN // 1000 + 2,),
    ]


@pytest.mark.parametrize(
    "spoiled", [{"start": 0}, {"start": "soon"}, {"start": 1.5e18}, {"traceId": ""}, {"spanId": "0" * 16}]
)
def test_a_span_without_time_or_ids_is_left_out_and_counted(site, put, spoiled):
    (file,) = site.ingest(put("a.json", json.dumps(document(span(), span(2, **spoiled)), indent=2))).files
    assert (file.loaded, dict(file.findings)) == (1, {"span_not_placed": 1})
    assert site.rows("select count(*) from raw.interface_event") == [(2,)]


def test_a_retry_is_another_span_to_the_same_destination(site, put):
    tries = [
        span(2, 3, BEGAN, BEGAN + 10**6, server__address="lis", **ERROR),
        span(3, 3, BEGAN + 10**9, BEGAN + 2 * 10**9, server__address="lis"),
    ]
    site.ingest(put("a.json", json.dumps(document(span(), *tries))))
    site.db.execute("set variable as_of = timestamptz '2026-01-05'")
    site.build("staging.delivery")
    assert site.rows("select destination, last_event, attempts, attempts_exact from staging.delivery") == [
        ("lis", "delivered", 2, True)
    ]


@pytest.mark.parametrize(
    ("named", "destination"),
    [
        ({"messaging__destination__name": "adt.out", "server__address": "broker"}, "adt.out"),
        ({"server__address": "lis.internal"}, "lis.internal"),
        ({"peer__service": "lis"}, "lis"),
        ({"name": "GET /Patient/Quillon"}, None),
    ],
)
def test_a_destination_is_named_by_what_the_span_says_of_it(site, put, named, destination):
    site.ingest(put("a.json", json.dumps(document(span(kind=3, **named)))))
    found = site.rows("select distinct node_name from raw.interface_event")[0][0]
    assert found == destination if destination else found.startswith("destination ")


def test_a_consumer_that_links_to_one_trace_goes_on_with_its_message(site, put):
    one, two = ({"traceId": f"{n:032X}"} for n in (1, 2))
    site.ingest(
        put("a.json", json.dumps(document(span(4, 5, trace=3, links=[one]), span(5, 5, trace=4, links=[one, two]))))
    )
    assert proven(site, "message_uid, parent_message_uid, root_message_uid") == [
        (f"otel-lark:{3:032x}", f"otel-lark:{1:032x}", f"otel-lark:{1:032x}"),
        (f"otel-lark:{4:032x}", None, f"otel-lark:{4:032x}"),
    ]


def test_each_host_has_its_clock_so_that_no_latency_is_taken_across_two(site, put):
    site.ingest(put("a.jsonl", document(span(1)), document(span(2), host="h2")))
    assert site.rows("select count(distinct clock_id) from raw.interface_event") == [(2,)]


def test_of_logs_the_errors_are_kept_and_equal_ones_stay_apart(site, put):
    error = {
        "timeUnixNano": str(BEGAN),
        "severityNumber": 17,
        "body": {"stringValue": "connection refused"},
        "traceId": f"{1:032x}",
    }
    same = put("a.json", json.dumps(logs(error, error, error | {"severityNumber": 9}, error | {"timeUnixNano": None})))
    (file,) = site.ingest(same).files
    assert dict(file.findings) == {"span_not_placed": 1}
    assert (
        proven(site, "event_type, node_role, error_class, error_template")
        == [("attempt_failed", "system", "connect", "connection refused")] * 2
    )
    assert site.ingest(put("b.jsonl", logs(error, error))).totals["unchanged"] == 1
    assert site.ingest(put("c.json", json.dumps({"resourceMetrics": []}))).totals["ignored"] == 1


def test_the_old_name_of_scope_spans_is_read_too(site, put):
    site.ingest(put("a.json", json.dumps(document(span(), inside="instrumentationLibrarySpans"))))
    assert len(proven(site)) == 2


def test_a_document_that_is_no_export_is_set_aside(site, put):
    path = put(
        "a.jsonl",
        document(span()),
        '{"resourceSpans": [\n',
        "[]\n",
        '{"name": "Quillon"}\n',
        {"resourceSpans": "Quillon"},
    )
    report = site.ingest(path)
    assert (report.totals["loaded"], report.totals["ignored"], report.totals["quarantined"]) == (1, 1, 3)
    assert [rule for (rule,) in site.rows("select rule from account.quarantine order by line")] == [
        "unparseable",
        "untyped",
        "untyped",
    ]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the reference samples are not here")
def test_the_samples_of_the_specification_are_read(site):
    report = site.ingest(SAMPLES / "otlp_trace.json", SAMPLES / "otlp_logs.json")
    assert (report.totals["loaded"], report.totals["ignored"]) == (1, 1)
    assert proven(site, "event_type, flow_id, epoch_us(occurred_at)") == [
        ("received", "my.service", 1544712660000000),
        ("ack_sent", "my.service", 1544712661000000),
    ]
