"""Records as Azure's diagnostic settings and OpenTelemetry's exporter write them. Not here: which there are of a message (`roads`)."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sample_data.engine_course import Message


def id_of(text: str) -> str:
    """A trace's or run's id, the same in every run."""
    return uuid5(NAMESPACE_URL, f"urn:sim:roads:{text}").hex


def zulu(at: int) -> str:
    """UTC with seven decimals, as Azure writes it."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}0000Z"


def run_record(
    step: str,
    message: Message,
    run: str,
    times: tuple[int, int | None],
    status: str,
    *,
    origin: str = "",
    action: str = "",
) -> dict[str, Any]:
    """A record of the category WorkflowRuntime: a run, or an action of it, that started or ended."""
    begin, end = times
    tracking = {"actionTrackingId": id_of(f"{run}:{action}")} if action else {}
    resource = {"workflowName": message.channel, "runId": run, "originRunId": origin or run}
    record: dict[str, Any] = {
        "time": zulu(begin if end is None else end),
        "category": "WorkflowRuntime",
        "operationName": f"Microsoft.Logic/workflows/workflow{step}",
        "properties": {
            "startTime": zulu(begin),
            "status": status,
            "resource": resource | ({"actionName": action} if action else {}),
            "correlation": {"clientTrackingId": message.control_id} | tracking,
        },
    }
    if end is not None:
        record["properties"]["endTime"] = zulu(end)
    return record


def attribute(key: str, value: str) -> dict[str, Any]:
    """An attribute of a resource or span."""
    return {"key": key, "value": {"stringValue": value}}


def span(trace: str, key: str, kind: int, name: str, times: tuple[int, int], *, has_failed: bool) -> dict[str, Any]:
    """A span of a trace; kind 5 receives, 4 sends."""
    begin, end = (f"{at}000000" for at in times)
    return {
        "traceId": trace,
        "spanId": id_of(f"{trace}:{key}")[:16],
        "name": f"send to {name}",
        "kind": kind,
        "startTimeUnixNano": begin,
        "endTimeUnixNano": end,
        "attributes": [attribute("messaging.destination.name", name)],
        "status": {"code": 2, "message": "connection refused"} if has_failed else {},
    }
