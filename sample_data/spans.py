"""Spans as OpenTelemetry's exporter writes them. Not here: which there are of a message (`roads`)."""

from typing import Any

from sample_data.azure_records import id_of


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
