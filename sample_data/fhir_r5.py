"""FHIR R5 Encounters: what a server exports after its upgrade, where R4 keeps a status history in the Encounter itself.

Each function renders the same state as `fhir.encounter`. In R5 an Encounter is in progress from the arrival on, the
subject's status says what a patient waits for, and what it was before stands in resources of their own.
"""

from sample_data.facility import Facility
from sample_data.fhir import Resource, encounter, meta
from sample_data.records import Encounter

_SUBJECT_STATUS = "http://terminology.hl7.org/CodeSystem/encounter-subject-status"
_STATUSES = {
    "arrived": ("in-progress", "arrived"),
    "triaged": ("in-progress", "triaged"),
    "in-progress": ("in-progress", "receiving-care"),
    "finished": ("completed", "departed"),
}
"""R4's status as R5's, and the subject's."""


def _states(status: str) -> Resource:
    state, subject = _STATUSES[status]
    return {"status": state, "subjectStatus": {"coding": [{"system": _SUBJECT_STATUS, "code": subject}]}}


def encounter_r5(facility: Facility, visit: Encounter, updated: int) -> Resource:
    """The Encounter as R5 shapes it."""
    older = encounter(facility, visit, updated)
    renamed = {"period": "actualPeriod", "hospitalization": "admission"}
    reshaped = {"status", "class", "statusHistory", "participant", "reasonCode"}
    resource = {renamed.get(name, name): value for name, value in older.items() if name not in reshaped}
    resource |= {"class": [{"coding": [older["class"]]}], **_states(visit.status)}
    if "participant" in older:
        resource["participant"] = [{"actor": each["individual"]} for each in older["participant"]]
    if "reasonCode" in older:
        resource["reason"] = [{"value": [{"concept": each} for each in older["reasonCode"]]}]
    return resource


def history_id(visit: Encounter, place: int) -> str:
    """Logical id of an Encounter's state at a place of its history."""
    return f"eh-{visit.id[4:]}-{place}"


def encounter_history(facility: Facility, visit: Encounter, place: int, updated: int) -> Resource:
    """One state that an Encounter had or has."""
    older = encounter(facility, visit, updated)
    state = older["statusHistory"][place]
    return {
        "resourceType": "EncounterHistory",
        "id": history_id(visit, place),
        "meta": meta(updated),
        "encounter": {"reference": f"Encounter/{visit.id}"},
        "class": {"coding": [older["class"]]},
        "subject": older["subject"],
        "actualPeriod": state["period"],
        **_states(state["status"]),
    }
