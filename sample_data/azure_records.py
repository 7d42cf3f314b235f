"""Records as the services of Azure log them, and the three shapes in which a hospital gets them.

Here: a record of each category, its row in a Log Analytics workspace, and files of a storage account, an Event Hub and a workspace.
Not here: which records there are of a message (`azure_roads`).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from sample_data.clock import HOUR
from sample_data.engine_course import Message

Record = tuple[int, dict[str, Any]]
"""When it was written, and what it says."""
Times = tuple[int, int]
_PROVIDERS = "/SUBSCRIPTIONS/00000000-0000-0000-0000-00000000C0DE/RESOURCEGROUPS/WARDVILLE/PROVIDERS/MICROSOFT."
_TABLES = {
    "WorkflowRuntime": "LogicAppWorkflowRuntime",
    "GatewayLogs": "ApiManagementGatewayLogs",
    "DiagnosticErrorLogs": "AZMSDiagnosticErrorLogs",
    "DeliveryFailures": "AegDeliveryFailureLogs",
    "FunctionAppLogs": "FunctionAppLogs",
}
"""By category, the table that a workspace keeps it in."""
_COLUMNS = {"Time": "TimeGenerated", "EventTimestamp": "TimeGenerated", "ResourceId": "_ResourceId"}


def id_of(text: str) -> str:
    """A trace's or run's id, the same in every run."""
    return uuid5(NAMESPACE_URL, f"urn:sim:roads:{text}").hex


def zulu(at: int) -> str:
    """UTC with seven decimals, as Azure writes it."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}0000Z"


def _record(at: int, category: str, resource: str, **more: Any) -> Record:  # noqa: ANN401 -- JSON
    return at, {"time": zulu(at), "resourceId": _PROVIDERS + resource.upper(), "category": category, **more}


def run(
    step: str,
    message: Message,
    run_id: str,
    times: tuple[int, int | None],
    status: str,
    *,
    origin: str = "",
    action: str = "",
    tried: Iterable[Times] = (),
) -> Record:
    """Logic Apps: a run, or an action of it, that started or ended; `tried` are the attempts that it took."""
    begin, end = times
    resource = {"workflowName": message.channel, "runId": run_id, "originRunId": origin or run_id}
    correlation = {"clientTrackingId": message.control_id}
    properties: dict[str, Any] = {"startTime": zulu(begin), "status": status}
    if action:
        resource["actionName"] = action
        correlation["actionTrackingId"] = id_of(f"{run_id}:{action}")
    if end is not None:
        properties["endTime"] = zulu(end)
    history = [{"startTime": zulu(start), "endTime": zulu(over), "code": "BadGateway"} for start, over in tried]
    if len(history) > 1:
        properties["retryHistory"] = history
    return _record(
        begin if end is None else end,
        "WorkflowRuntime",
        f"logic/workflows/{message.channel}",
        operationName=f"Microsoft.Logic/workflows/workflow{step}",
        properties=properties | {"resource": resource, "correlation": correlation},
    )


def request(
    name: str, api: str, backend: str, times: Times, codes: tuple[int, int | None], reason: str | None
) -> Record:
    """API Management: one request through the gateway, with what it answered and what the backend did, if it did."""
    properties: dict[str, Any] = {"apiId": api, "backendId": backend, "responseCode": codes[0], "method": "POST"}
    properties["url"] = f"https://wardville.example/{api}?patient={name}"
    if codes[1] is not None:
        properties["backendResponseCode"] = codes[1]
    if reason:
        properties["lastError"] = {"reason": reason, "message": f"{reason} at {backend}"}
    begin, end = times
    return _record(
        begin,
        "GatewayLogs",
        "apimanagement/service/wardville",
        durationMs=end - begin,
        correlationId=str(UUID(id_of(name))),
        properties=properties,
    )


def bus_errors(queue: str, minute: int, error: str, count: int) -> Record:
    """Service Bus: the equal errors of a minute, its time in American."""
    at, record = _record(minute, "DiagnosticErrorLogs", "servicebus/namespaces/wardville", EntityName=queue)
    del record["time"]
    when = f"{datetime.fromtimestamp(minute / 1000, UTC):%-m/%-d/%Y %-I:%M:%S %p} +00:00"
    return at, record | {"EventTimestamp": when, "EntityType": "Queue", "ErrorCount": count, "ErrorMessage": error}


def metric(name: str, resource: str, minute: int, total: int, *, samples: int = 1) -> Record:
    """A metric of a minute: the sum of its samples, and the greatest of them, each of which a gauge gives alike."""
    each = total // samples
    said = {"count": samples, "total": total, "minimum": each, "maximum": each, "average": each, "timeGrain": "PT1M"}
    at, record = _record(minute, "", resource, metricName=name, **said)
    del record["category"]
    return at, record


def grid_failure(topic: str, subscription: str, at: int, outcome: str) -> Record:
    """Event Grid: a delivery that failed."""
    return _record(
        at,
        "DeliveryFailures",
        f"eventgrid/topics/{topic}",
        eventSubscriptionName=subscription,
        operationName="Deliver",
        message=f"Message:outcome={outcome}, latencyInMs=26, id={id_of(f'{topic}{at}')}, state=FailingDelivery",
    )


def function_line(name: str, invocation: str, at: int, event: str, *, error: str = "") -> Record:
    """Functions: the host's word about an invocation, or the code's own about an error in it."""
    said = {"functionName": name, "functionInvocationId": str(UUID(invocation)), "category": f"Function.{name}"}
    if error:
        said["exceptionMessage"] = error
    level = "Error" if error else "Information"
    properties = {**said, "eventName": event, "level": level}
    return _record(at, "FunctionAppLogs", f"web/sites/wardville-{name}", level=level, properties=properties)


def insight(table: str, app: str, operation: str, key: str, times: Times, **more: Any) -> Record:  # noqa: ANN401 -- JSON
    """Application Insights: a request, a dependency or an exception of an operation, which no category names."""
    begin, end = times
    said = {
        "Type": table,
        "AppRoleName": app,
        "OperationId": operation,
        "Id": id_of(key)[:16],
        "DurationMs": end - begin,
    }
    at, record = _record(begin, "", f"insights/components/{app}", **said, **more)
    del record["category"]
    return at, record


def table_row(record: dict[str, Any]) -> dict[str, Any]:
    """The same record as a row of its table in a workspace: no nesting, every column with a capital, lists as text."""
    table = (
        "AzureMetrics" if "metricName" in record else _TABLES.get(record.get("category", ""), record.get("Type", ""))
    )
    row: dict[str, Any] = {}
    _flatten(record, row)
    if table == "ApiManagementGatewayLogs":
        row["TotalTime"] = row.pop("DurationMs")
        for name in ("Reason", "Message"):
            if name in row:
                row[f"LastError{name}"] = row.pop(name)
    row["_ResourceId"] = row["_ResourceId"].lower()
    return row | {"Type": table, "TenantId": str(UUID(id_of("tenant")))}


def _flatten(record: dict[str, Any], row: dict[str, Any]) -> None:
    for name, value in record.items():
        column = name[0].upper() + name[1:]
        if isinstance(value, dict):
            _flatten(value, row)
        elif column == "EventTimestamp":
            row["TimeGenerated"] = f"{datetime.strptime(value, '%m/%d/%Y %I:%M:%S %p %z'):%Y-%m-%dT%H:%M:%SZ}"
        else:
            row[_COLUMNS.get(column, column)] = orjson.dumps(value).decode() if isinstance(value, list) else value


def files(records: Iterable[Record]) -> Iterator[tuple[str, bytes]]:
    """The records hour by hour, each hour in the next of the three shapes: name and bytes of every file."""
    hours: dict[int, list[dict[str, Any]]] = {}
    for at, record in sorted(records, key=lambda each: each[0]):
        hours.setdefault(at // HOUR, []).append(record)
    for place, (hour, found) in enumerate(sorted(hours.items())):
        began = datetime.fromtimestamp(hour * HOUR / 1000, UTC)
        if place % 3 == 0:
            yield f"storage/y={began:%Y/m=%m/d=%d/h=%H}/m=00/PT1H.json", _lines(found)
        elif place % 3 == 1:
            yield f"eventhub/{began:%Y%m%dT%H}.json", orjson.dumps({"records": found})
        else:
            yield f"workspace/{began:%Y%m%dT%H}.json", _lines(map(table_row, found))


def _lines(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(record) + b"\n" for record in records)
