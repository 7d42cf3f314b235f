"""FHIR R4 Provenance: who changed a task or fulfilled an order, when, and how."""

from typing import NamedTuple

from sample_data.clock import instant
from sample_data.fhir import Resource, meta

TASK_ACTIVITY = "https://wardflow.example/task-activity"
REQUEST_STATUS = "http://hl7.org/fhir/request-status"


class Change(NamedTuple):
    """One change of what `target` refers to; `who` is a reference too. Of a task `activity` is create, start, complete, override,
    escalate or reopen; of an order the state that it came into.
    """

    id: str
    target: str
    activity: str
    who: str
    at: int
    system: str = TASK_ACTIVITY


def provenance(change: Change, updated: int) -> Resource:
    """The record of one change."""
    return {
        "resourceType": "Provenance",
        "id": change.id,
        "meta": meta(updated),
        "target": [{"reference": change.target}],
        "recorded": instant(change.at),
        "activity": {"coding": [{"system": change.system, "code": change.activity}]},
        "agent": [{"who": {"reference": change.who}}],
    }
