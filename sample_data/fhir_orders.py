"""FHIR R4 resources of orders, specimens, reports, observations and tasks. Places, people and encounters: `fhir`."""

from typing import Any, NamedTuple

from sample_data.clock import instant, local_date
from sample_data.facility import Facility
from sample_data.fhir import SERVER, SNOMED, Resource, meta, person_reference, place_reference
from sample_data.fhir_imaging import procedure_code
from sample_data.people import CONCLUSIONS, NOTES
from sample_data.records import Order, Task
from sample_data.shapes import EASTBROOK, WESTHAVEN

TASK_CODE = "https://wardflow.example/task-code"
FULFIL = "fulfill"
"""The one kind of task here that has a code of FHIR's own."""
_FHIR_TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
_ROLES = {
    "handoff": (SNOMED, "224535009"),
    "bed-request": ("https://wardflow.example/role", "bed-manager"),
    "critical-result-ack": (SNOMED, "309343006"),
    "critical-result-escalation": (SNOMED, "224535009"),
    "registration-review": ("https://wardflow.example/role", "registration-clerk"),
    "order-clarification": ("https://wardflow.example/role", "order-clerk"),
}
"""In what role a task is done: a nurse of the receiving ward, the bed management, a physician, a clerk."""
_LOINC = "http://loinc.org"
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_CATEGORIES = {"lab": ("108252007", "Laboratory procedure"), "imaging": ("363679005", "Imaging")}
_DECISIONS = {"admission": ("32485007", "Hospital admission"), "discharge": ("58000006", "Patient discharge")}


class Test(NamedTuple):
    """A laboratory test: LOINC code, name, unit, reference range and how long the analyser takes (minutes)."""

    code: str
    name: str
    unit: str
    low: float
    high: float
    minutes: float


TESTS = (
    Test("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12.0, 17.0, 9),
    Test("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.5, 5.1, 16),
    Test("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 135, 145, 16),
    Test("10839-9", "Troponin I.cardiac [Mass/volume] in Serum or Plasma", "ng/mL", 0.0, 0.04, 19),
    Test("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 140, 14),
    Test("2524-7", "Lactate [Moles/volume] in Serum or Plasma", "mmol/L", 0.5, 2.0, 12),
    Test("6301-6", "INR in Platelet poor plasma by Coagulation assay", "{INR}", 0.9, 1.2, 22),
    Test("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.6, 1.3, 16),
)


def _common(facility: Facility, order: Order, kind: str, ident: str, updated: int) -> Resource:
    return {
        "resourceType": kind,
        "id": ident,
        "meta": meta(updated),
        "subject": person_reference(order.person, facility),
    }


def _code(order: Order) -> Resource:
    if order.kind == "lab":
        test = TESTS[order.test]
        return {"coding": [{"system": _LOINC, "code": test.code, "display": test.name}]}
    if order.kind == "imaging":
        return procedure_code(order)
    code, display = _DECISIONS[order.kind]
    return {"coding": [{"system": SNOMED, "code": code, "display": display}]}


def _address(facility: Facility, order: Order) -> str:
    """The order's encounter: of the third hospital's server by its full address, now and then by one of its versions."""
    if facility.index != WESTHAVEN:
        return f"Encounter/{order.encounter.id}"
    version = "/_history/1" if order.words % 10 == 0 else ""
    return f"{SERVER}/Encounter/{order.encounter.id}{version}"


def service_request(facility: Facility, order: Order, updated: int, *, undated: bool = False) -> Resource:
    """A laboratory or imaging order, an admit decision or a discharge order. `undated` leaves out when it was updated."""
    resource = _common(facility, order, "ServiceRequest", order.id, updated) | {
        "identifier": [{"system": f"urn:sim:{facility.slug}:placer", "value": order.placer}],
        "status": order.status,
        "intent": "order",
        "priority": order.priority,
        "code": _code(order),
        "encounter": {"reference": _address(facility, order)},
        "authoredOn": instant(order.ordered),
        "requester": {"reference": f"Practitioner/{order.doctor}"},
        "locationReference": [place_reference(facility, order.place)],
    }
    if facility.index == EASTBROOK:
        number = f"urn:sim:{facility.slug}:mrn|{order.person.mrn}"
        resource["subject"] = {"reference": f"Patient?identifier={number}"}
    if order.kind in _CATEGORIES:
        code, display = _CATEGORIES[order.kind]
        resource["category"] = [{"coding": [{"system": SNOMED, "code": code, "display": display}]}]
    if undated:
        del resource["meta"]
    if order.words % 7 == 0:
        resource["note"] = [{"text": NOTES[order.words % len(NOTES)]}]
    return resource


def specimen(facility: Facility, order: Order, updated: int, *, has_rack: bool = False) -> Resource:
    """The sample of an order, from collection on. `has_rack` adds an element that only this laboratory's vendor knows."""
    resource = _common(facility, order, "Specimen", order.part("sp"), updated) | {
        "status": "available",
        "request": [{"reference": f"ServiceRequest/{order.id}"}],
        "collection": {"collectedDateTime": instant(order.collected or order.ordered)},
    }
    if order.received is not None:
        resource["receivedTime"] = instant(order.received)
    if has_rack:
        resource["analyzerRack"] = f"R{order.words % 40:02d}"
    return resource


def diagnostic_report(facility: Facility, order: Order, updated: int, *, date_only: bool = False) -> Resource:
    """The report, registered when the sample is received, final when verified. `date_only` leaves out the clock."""
    resource = _common(facility, order, "DiagnosticReport", order.part("dr"), updated) | {
        "basedOn": [{"reference": f"ServiceRequest/{order.id}"}],
        "status": "registered",
        "code": _code(order),
        "encounter": {"reference": f"Encounter/{order.encounter.id}"},
        "effectiveDateTime": instant(order.collected or order.ordered),
        "specimen": [{"reference": f"Specimen/{order.part('sp')}"}],
    }
    if order.verified is not None:
        resource["status"] = "final"
        resource["issued"] = local_date(order.verified).isoformat() if date_only else instant(order.verified)
        resource["result"] = [{"reference": f"Observation/{order.part('ob')}"}]
        if order.words % 9 == 0:
            resource["conclusion"] = CONCLUSIONS[order.words % len(CONCLUSIONS)]
    return resource


def observation(facility: Facility, order: Order, updated: int, *, names_specimen: bool = True) -> Resource:
    """The one result of a report."""
    test = TESTS[order.test]
    resource = _common(facility, order, "Observation", order.part("ob"), updated) | {
        "basedOn": [{"reference": f"ServiceRequest/{order.id}"}],
        "status": "final",
        "code": _code(order),
        "encounter": {"reference": f"Encounter/{order.encounter.id}"},
        "effectiveDateTime": instant(order.collected or order.ordered),
        "issued": instant(order.verified or order.ordered),
        "valueQuantity": {
            "value": order.amount,
            "unit": test.unit,
            "system": "http://unitsofmeasure.org",
            "code": test.unit,
        },
        "interpretation": [{"coding": [{"system": _INTERPRETATION, "code": order.interpretation}]}],
    }
    if names_specimen:
        resource["specimen"] = {"reference": f"Specimen/{order.part('sp')}"}
    return resource


def task(facility: Facility, todo: Task, updated: int) -> Resource:
    """Work someone owes: an acknowledgement, an escalation, a handoff, a bed request or a bed to clean."""
    resource: Resource = {
        "resourceType": "Task",
        "id": todo.id,
        "meta": meta(updated),
        "status": todo.status,
        "intent": "order",
        "code": {"coding": [{"system": _FHIR_TASK_CODE if todo.kind == FULFIL else TASK_CODE, "code": todo.kind}]},
        "authoredOn": instant(todo.authored),
        "lastModified": instant(todo.modified),
        "owner": {"reference": todo.owner if "/" in todo.owner else f"Practitioner/{todo.owner}"},
    }
    references: dict[str, Any] = {
        "encounter": todo.encounter and f"Encounter/{todo.encounter.id}",
        "focus": todo.focus,
        "location": todo.place and f"Location/{todo.place}",
    }
    resource |= {name: {"reference": to} for name, to in references.items() if to}
    if todo.kind in _ROLES:
        system, code = _ROLES[todo.kind]
        resource["performerType"] = [{"coding": [{"system": system, "code": code}]}]
    if todo.person:
        resource["for"] = person_reference(todo.person, facility)
    if todo.based_on:
        resource["basedOn"] = [{"reference": todo.based_on}]
    if todo.priority:
        resource["priority"] = todo.priority
    if todo.part_of:
        resource["partOf"] = [{"reference": f"Task/{todo.part_of}"}]
    if todo.business_status:
        resource["businessStatus"] = {
            "coding": [{"system": "https://wardflow.example/task-status", "code": todo.business_status}]
        }
    if todo.due is not None:
        resource["restriction"] = {"period": {"end": instant(todo.due)}}
    period = {name: instant(at) for name, at in (("start", todo.started), ("end", todo.ended)) if at is not None}
    if period:
        resource["executionPeriod"] = period
    return resource
