"""Who or what each step of a workflow waits for, as far as it is recorded, and which field would tell where it is not: words only.

Here: one entry a step. Not here: the work itself (`models/sql/marts/work_span.sql`), why it waits (`models.waiting`).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Doer:
    """Who or what a step waits for, and the `field` that says it; `who` is null where no field does, then `field` is what would."""

    who: str | None
    field: str


_TRANSPORT = "a Task for the transport, with its owner and executionPeriod"
_DECIDING = "nothing in FHIR says when somebody began to decide"
_CARRIED = "nobody does it: an interface carries it, see where its delay went"

DOERS: Mapping[tuple[str, str], Doer] = {
    ("ed-to-bed", "triaged"): Doer(
        "the department's triage, by the hour of the day",
        "Encounter.location, the stay in which the visit became triaged",
    ),
    ("ed-to-bed", "in a room"): Doer("the department's treatment rooms", "Encounter.location"),
    ("ed-to-bed", "seen by a clinician"): Doer(None, "Encounter.participant.period of the clinician"),
    ("ed-to-bed", "decision to admit"): Doer(None, _DECIDING),
    ("ed-to-bed", "bed requested"): Doer(None, _DECIDING),
    ("ed-to-bed", "bed assigned"): Doer(
        "the beds of the ward it was assigned on, from the assignment until they are clean again",
        "Task.location and executionPeriod, Encounter.location",
    ),
    ("ed-to-bed", "handoff offered"): Doer(None, "Task.executionPeriod of the bed request: when its bed was ready"),
    ("ed-to-bed", "handoff accepted"): Doer("the receiving ward's nurses", "Task.location and executionPeriod"),
    ("ed-to-bed", "left the department"): Doer(None, _TRANSPORT),
    ("ed-to-bed", "in the bed"): Doer(None, _TRANSPORT),
    ("order-to-acknowledged-result", "sample collected"): Doer(
        None, "Specimen.collection.collectedPeriod.start and Specimen.collection.collector"
    ),
    ("order-to-acknowledged-result", "sample in the laboratory"): Doer(None, _TRANSPORT),
    ("order-to-acknowledged-result", "result verified"): Doer(
        None, "Specimen.processing.timePeriod, with Observation.device or Observation.performer"
    ),
    ("order-to-acknowledged-result", "critical result shown"): Doer(None, _CARRIED),
    ("order-to-acknowledged-result", "critical result escalated"): Doer(
        None, "nobody does it: a rule does, when its time has come"
    ),
    ("order-to-acknowledged-result", "critical result acknowledged"): Doer(
        "whoever answers for critical results of the unit", "Task.location and executionPeriod"
    ),
    ("discharge", "left the ward"): Doer(None, "Task.executionPeriod.start of the discharge checklist"),
    ("discharge", "cleaning requested"): Doer(None, _CARRIED),
    ("discharge", "bed clean"): Doer("the facility's cleaners, by the hour of the day", "Task.executionPeriod"),
    ("message-delivery", "routed"): Doer(None, _CARRIED),
    ("message-delivery", "delivered"): Doer(None, _CARRIED),
    ("message-delivery", "attempt failed"): Doer(None, _CARRIED),
    ("message-delivery", "replayed"): Doer(None, "who takes care of dead letters, and when they began"),
    ("message-delivery", "dead-lettered"): Doer(None, _CARRIED),
    ("message-delivery", "failed for good"): Doer(None, _CARRIED),
}
"""By workflow and step; a workflow's first step waits for nobody."""
ROLES: Mapping[str, str] = {
    "106292003": "Nurse",
    "224535009": "Registered nurse",
    "309343006": "Physician",
    "112247003": "Physician",
    "46255001": "Pharmacist",
    "doctor": "Physician",
    "nurse": "Nurse",
    "pharmacist": "Pharmacist",
    "bed-manager": "Bed manager",
    "registration-clerk": "Registration clerk",
    "order-clerk": "Order clerk",
}
"""What a role's code stands for (SNOMED CT, HL7's practitioner roles, Wardflow's own); any other shows as its code."""
OF_A_PROCESS_ENGINE = Doer(None, "when somebody claimed the task: the engine's history says when it was offered")


def doer(workflow: str, step: str) -> Doer:
    """Who or what a step waits for; of a step that is none of Wardflow's own, what is known of process engines."""
    return DOERS.get((workflow, step), OF_A_PROCESS_ENGINE)
