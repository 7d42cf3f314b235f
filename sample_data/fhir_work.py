"""FHIR R4 Provenance: who changed a task, when, and how."""

from typing import NamedTuple

from sample_data.clock import instant
from sample_data.fhir import Resource, meta

TASK_ACTIVITY = "https://wardflow.example/task-activity"


class Change(NamedTuple):
    """One change of a task: `activity` is create, start, complete, override, escalate or reopen; `who` a reference."""

    id: str
    task: str
    activity: str
    who: str
    at: int


def provenance(change: Change, updated: int) -> Resource:
    """The record of one change."""
    return {
        "resourceType": "Provenance",
        "id": change.id,
        "meta": meta(updated),
        "target": [{"reference": f"Task/{change.task}"}],
        "recorded": instant(change.at),
        "activity": {"coding": [{"system": TASK_ACTIVITY, "code": change.activity}]},
        "agent": [{"who": {"reference": change.who}}],
    }
