"""`wardflow export --xes` and `--ocel`: what another tool reads is what was published, and nobody's name."""

import json
from collections import Counter
from datetime import datetime
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

XES = "{http://www.xes-standard.org/}"


def _edges(traces):
    return Counter(pair for steps in traces for pair in pairwise(steps))


def _published(wardflow, workflow):
    """Edges as `wardflow process` tells them, where they are not hidden."""
    edges = wardflow.json("process", workflow)["edges"]
    return {(edge["from"], edge["to"]): edge["count"] for edge in edges if edge["count"] is not None}


def _strings(element):
    return {each.get("key"): each.get("value") for each in element.findall(f"{XES}string")}


def test_xes_holds_every_case_and_its_steps_in_order(wardflow, tmp_path):
    file = tmp_path / "door-to-bed.xes"
    said = wardflow.json("export", "--xes", str(file), "--workflow", "ed-to-bed", "--purpose", "test")
    log = ET.parse(file).getroot()  # noqa: S314 -- our own file
    traces = log.findall(f"{XES}trace")
    told = wardflow.json("process", "ed-to-bed")
    assert len(traces) == said["traces"] == told["cases"]
    events = [[_strings(event) for event in trace.findall(f"{XES}event")] for trace in traces]
    assert sum(len(each) for each in events) == said["events"] == told["events"]
    found = _edges([[event["concept:name"] for event in steps] for steps in events])
    shown = _published(wardflow, "ed-to-bed")
    assert {edge: found[edge] for edge in shown} == shown
    times = [[datetime.fromisoformat(each.get("value")) for each in trace.iter(f"{XES}date")] for trace in traces]
    assert all(steps == sorted(steps) for steps in times)


def test_xes_tells_begins_where_they_are_known(wardflow, tmp_path):
    file = tmp_path / "messages.xes"
    wardflow.json("export", "--xes", str(file), "--workflow", "message-delivery", "--purpose", "test")
    log = ET.parse(file).getroot()  # noqa: S314 -- our own file
    kinds = Counter(_strings(event)["lifecycle:transition"] for event in log.iter(f"{XES}event"))
    assert kinds["complete"] == wardflow.json("process", "message-delivery")["events"]
    assert 0 < kinds["start"] < kinds["complete"]


def test_ocel_relates_every_event_to_objects_that_exist(wardflow, tmp_path):
    file = tmp_path / "all.json"
    said = wardflow.json("export", "--ocel", str(file), "--purpose", "test")
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (len(document["objects"]), len(document["events"])) == (said["objects"], said["events"])
    kinds = {each["id"]: each["type"] for each in document["objects"]}
    assert len(kinds) == len(document["objects"])
    assert set(kinds.values()) == {each["name"] for each in document["objectTypes"]}
    assert {event["type"] for event in document["events"]} == {each["name"] for each in document["eventTypes"]}
    assert len({event["id"] for event in document["events"]}) == len(document["events"])
    related = [each for event in document["events"] for each in event["relationships"]]
    assert all(each["objectId"] in kinds for each in related)
    workflows = ("ed-to-bed", "order-to-acknowledged-result", "discharge", "message-delivery")
    assert len(document["events"]) == sum(wardflow.json("process", each)["events"] for each in workflows)


@pytest.mark.parametrize("form", ["--xes", "--ocel"])
def test_steps_are_cases_and_open_for_a_purpose_only(wardflow, tmp_path, form):
    file = tmp_path / "steps"
    code, line = wardflow.error("export", form, str(file), "--role", "leadership")
    assert (code, "cannot open cases" in line, file.exists()) == (2, True, False)
    code, line = wardflow.error("export", form, str(file), "--role", "informatics")
    assert (code, "needs a purpose" in line) == (2, True)
    code, line = wardflow.error("export", form, str(file), "--workflow", "ed-to-bet", "--purpose", "test")
    assert (code, "Did you mean 'ed-to-bed'?" in line) == (2, True)
    file.write_text("kept")
    code, line = wardflow.error("export", form, str(file), "--purpose", "test")
    assert (code, "never overwrites" in line, file.read_text()) == (2, True, "kept")
    log = (wardflow.home / "access" / "access.ndjson").read_text(encoding="utf-8")
    assert "to steps" not in log  # nothing opened, nothing logged
