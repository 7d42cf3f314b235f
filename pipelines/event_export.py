"""The steps of the workflows as files for other process-mining tools: XES 2.0 (IEEE 1849) and OCEL 2.0 (JSON).

Here: the two forms, written event by event, so that a large hospital needs no memory. Identifiers are the keyed hashes
of the published cases. Not here: who may export (`pipelines.cli.export_events`), what a step is (`marts.workflow_event`).
"""

from __future__ import annotations

import json
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from pipelines.snapshot_reader import Snapshot

OBJECT_TYPES = {
    "ed-to-bed": "encounter",
    "discharge": "encounter",
    "order-to-acknowledged-result": "order",
    "message-delivery": "delivery",
}
"""What kind of thing a case of each workflow is; of any other a process of a process engine."""
PROCESS = "process"

_CHOSEN = "($workflow is null or workflow = $workflow)"
_STEPS = f"""
select workflow, case_key, encounter_key, facility, unit, activity, 'complete' as transition, occurred_at, step_no
from step where {_CHOSEN}
union all
select workflow, case_key, encounter_key, facility, unit, activity, 'start' as transition, started_at, step_no
from step where {_CHOSEN} and started_at is not null and $with_starts
order by workflow, case_key, occurred_at, step_no, transition desc
"""
_OBJECTS = f"""
select distinct workflow, case_key, facility from step where {_CHOSEN}
union
select 'discharge', encounter_key, facility from step
where {_CHOSEN} and encounter_key is not null and workflow in ('order-to-acknowledged-result', 'message-delivery')
order by 1, 2, 3
"""
_EVENT_TYPES = f"select distinct activity from step where {_CHOSEN} order by activity"
_WORKFLOWS = f"select distinct workflow from step where {_CHOSEN}"
_XES_OPENING = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="2.0" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<classifier name="Activity" keys="concept:name"/>
"""


def write_xes(snapshot: Snapshot, workflow: str | None, stream: TextIO) -> dict[str, int]:
    """Write one trace a case; a begin that is known is an event of its own. Returns how many traces and events.

    Raises as `Snapshot.paths`.
    """
    traces = events = 0
    stream.write(_XES_OPENING)
    for (flow, case), steps in groupby(
        _steps(snapshot, workflow, with_starts=True), lambda row: (row["workflow"], row["case_key"])
    ):
        stream.write("<trace>")
        _attributes(stream, {"concept:name": case, "workflow": flow})
        for row in steps:
            stream.write("<event>")
            _attributes(stream, {
                "concept:name": row["activity"],
                "lifecycle:transition": row["transition"],
                "org:group": row["unit"],
                "facility": row["facility"],
            })  # fmt: skip
            stream.write(f'<date key="time:timestamp" value="{_instant(row["occurred_at"])}"/></event>\n')
            events += 1
        stream.write("</trace>\n")
        traces += 1
    stream.write("</log>\n")
    return {"traces": traces, "events": events}


def _attributes(stream: TextIO, pairs: Mapping[str, str | None]) -> None:
    for key, value in pairs.items():
        if value is not None:
            stream.write(f"<string key={quoteattr(key)} value={quoteattr(value)}/>")


def write_ocel(snapshot: Snapshot, workflow: str | None, stream: TextIO) -> dict[str, int]:
    """Write encounters, orders and deliveries as objects and every step as one event of its case and its encounter.

    Returns how many objects and events. Raises as `Snapshot.paths`.
    """
    asked = {"workflow": workflow}
    activities = [row["activity"] for row in snapshot.rows(_EVENT_TYPES, asked, step="workflow_event")]
    flows = {row["workflow"] for row in snapshot.rows(_WORKFLOWS, asked, step="workflow_event")}
    others = [PROCESS] if flows - OBJECT_TYPES.keys() else []
    facility, unit = ({"name": name, "type": "string"} for name in ("facility", "unit"))
    types = [{"name": name, "attributes": [facility]} for name in dict.fromkeys([*OBJECT_TYPES.values(), *others])]
    stream.write(f'{{"objectTypes": {json.dumps(types)},\n"eventTypes": ')
    stream.write(json.dumps([{"name": name, "attributes": [unit]} for name in activities]))
    stream.write(',\n"objects": [')
    objects = _listed(stream, _ocel_objects(snapshot, asked))
    stream.write('],\n"events": [')
    events = _listed(stream, map(_ocel_event, _steps(snapshot, workflow, with_starts=False)))
    stream.write("]}\n")
    return {"objects": objects, "events": events}


def _ocel_objects(snapshot: Snapshot, asked: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Each object once, also when several workflows or facilities tell of it."""
    seen: set[str] = set()
    for row in snapshot.rows(_OBJECTS, asked, step="workflow_event"):
        kind = OBJECT_TYPES.get(row["workflow"], PROCESS)
        ident = _object(kind, row["case_key"])
        if ident not in seen:
            seen.add(ident)
            attribute = {"name": "facility", "time": "1970-01-01T00:00:00Z", "value": row["facility"]}
            yield {"id": ident, "type": kind, "attributes": [attribute]}


def _ocel_event(row: Mapping[str, Any]) -> dict[str, Any]:
    case = _object(OBJECT_TYPES.get(row["workflow"], PROCESS), row["case_key"])
    related = {case: "case"}
    if row["encounter_key"]:
        related.setdefault(_object("encounter", row["encounter_key"]), "encounter")
    return {
        "id": f"{row['workflow']}/{row['case_key']}/{row['step_no']}",
        "type": row["activity"],
        "time": _instant(row["occurred_at"]),
        "attributes": [{"name": "unit", "value": row["unit"]}],
        "relationships": [{"objectId": ident, "qualifier": qualifier} for ident, qualifier in related.items()],
    }


def _object(kind: str, key: str) -> str:
    return f"{kind}/{key}"


def _listed(stream: TextIO, elements: Iterable[dict[str, Any]]) -> int:
    count = 0
    for element in elements:
        stream.write(",\n" if count else "\n")
        stream.write(json.dumps(element))
        count += 1
    return count


def _steps(snapshot: Snapshot, workflow: str | None, *, with_starts: bool) -> Iterator[dict[str, Any]]:
    """The steps case by case, read in batches."""
    asked = {"workflow": workflow, "with_starts": with_starts}
    return snapshot.stream(_STEPS, asked, step="workflow_event")


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
