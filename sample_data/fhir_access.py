"""FHIR R4 resources of access and billing: appointments, coverage, coded diagnoses, claims, and who read what."""

from typing import NamedTuple

from sample_data.clock import instant, local_date
from sample_data.facility import Facility
from sample_data.fhir import Resource, meta, patient_id, person_reference
from sample_data.people import NOTES, Person
from sample_data.records import Booking, Encounter

_TERMS = "http://terminology.hl7.org/CodeSystem/"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
DIAGNOSES = (
    ("R07.9", "Chest pain, unspecified"),
    ("S52.501A", "Fracture of the lower end of the left radius"),
    ("I10", "Essential hypertension"),
    ("J18.9", "Pneumonia, unspecified organism"),
    ("N39.0", "Urinary tract infection"),
)
"""ICD-10-CM."""
CANCELLED, NO_SHOW = "cancelled", "noshow"


class Bill(NamedTuple):
    """What follows a finished encounter: its number within the facility, and when it was coded and claimed."""

    number: int
    encounter: Encounter
    coded: int
    claimed: int | None = None

    def ident(self, kind: str, facility: Facility) -> str:
        """Id of the condition (con) or claim (clm)."""
        return f"{kind}-{facility.code}-{self.number:06d}"


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def appointment(facility: Facility, booking: Booking, updated: int, *, zone_less: bool = False) -> Resource:
    """An outpatient appointment in the state it has now; `zone_less` leaves the offset out of when it was made."""
    created = instant(booking.created)
    resource: Resource = {
        "resourceType": "Appointment",
        "id": booking.id,
        "meta": meta(updated),
        "status": booking.status,
        "start": instant(booking.start),
        "end": instant(booking.end),
        "created": created[:19] if zone_less else created,
        "participant": [
            {"actor": person_reference(booking.person, facility), "status": "accepted"},
            {"actor": {"reference": f"Practitioner/{booking.doctor}"}, "status": "accepted"},
        ],
        "comment": NOTES[booking.person.number % len(NOTES)],
    }
    if booking.status == CANCELLED:
        resource["cancelationReason"] = _concept(f"{_TERMS}appointment-cancellation-reason", "pat")
    return resource


def coverage(facility: Facility, person: Person, updated: int) -> Resource:
    """Who pays for a person's care; the payer is named by its number, not by a resource."""
    return {
        "resourceType": "Coverage",
        "id": coverage_id(facility, person),
        "meta": meta(updated),
        "status": "active",
        "type": _concept(f"{_TERMS}v3-ActCode", "EHCPOL"),
        "subscriberId": person.mrn,
        "beneficiary": person_reference(person, facility),
        "period": {"start": f"{local_date(updated).year}-01-01"},
        "payor": [{"identifier": {"system": "urn:sim:payer", "value": f"PAYER-{person.number % 4}"}}],
    }


def audit_event(ident: str, report: str, who: str, at: int, updated: int) -> Resource:
    """Somebody read a report, as the EHR's audit trail tells it."""
    return {
        "resourceType": "AuditEvent",
        "id": ident,
        "meta": meta(updated),
        "type": {"system": f"{_TERMS}audit-event-type", "code": "rest"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "recorded": instant(at),
        "outcome": "0",
        "agent": [{"who": {"reference": f"Practitioner/{who}"}, "requestor": True}],
        "source": {"observer": {"display": "EHR"}},
        "entity": [{"what": {"reference": f"DiagnosticReport/{report}"}}],
    }


def coverage_id(facility: Facility, person: Person) -> str:
    """Logical id of a person's Coverage."""
    return f"cov-{facility.code}-{person.number:06d}"


def condition(facility: Facility, bill: Bill, updated: int) -> Resource:
    """The diagnosis that a coder gave a finished encounter; its onset is known to the day."""
    code, display = DIAGNOSES[bill.number % len(DIAGNOSES)]
    visit = bill.encounter
    return {
        "resourceType": "Condition",
        "id": bill.ident("con", facility),
        "meta": meta(updated),
        "clinicalStatus": _concept(f"{_TERMS}condition-clinical", "active"),
        "verificationStatus": _concept(f"{_TERMS}condition-ver-status", "confirmed"),
        "category": [_concept(f"{_TERMS}condition-category", "encounter-diagnosis")],
        "code": {"coding": [{"system": _ICD, "code": code, "display": display}]},
        "subject": person_reference(visit.person, facility),
        "encounter": {"reference": f"Encounter/{visit.id}"},
        "onsetDateTime": local_date(visit.begin).isoformat(),
        "recordedDate": instant(bill.coded),
    }


def claim(facility: Facility, bill: Bill, updated: int) -> Resource:
    """The claim for a finished encounter; like many billing systems this one knows the day, not the time."""
    visit = bill.encounter
    return {
        "resourceType": "Claim",
        "id": bill.ident("clm", facility),
        "meta": meta(updated),
        "status": "draft" if bill.claimed is None else "active",
        "type": _concept(f"{_TERMS}claim-type", "institutional"),
        "use": "claim",
        "patient": {"reference": f"Patient/{patient_id(visit.person, facility)}"},
        "billablePeriod": {"start": instant(visit.begin), "end": instant(visit.end or visit.begin)},
        "created": local_date(bill.coded if bill.claimed is None else bill.claimed).isoformat(),
        "provider": {"reference": f"Organization/{facility.organization}"},
        "priority": _concept(f"{_TERMS}processpriority", "normal"),
        "diagnosis": [{"sequence": 1, "diagnosisReference": {"reference": f"Condition/{bill.ident('con', facility)}"}}],
        "insurance": [
            {
                "sequence": 1,
                "focal": True,
                "coverage": {"reference": f"Coverage/{coverage_id(facility, visit.person)}"},
            }
        ],
        "item": [
            {
                "sequence": 1,
                "productOrService": _concept(f"{_TERMS}ex-serviceproduct", "exam"),
                "encounter": [{"reference": f"Encounter/{visit.id}"}],
            }
        ],
    }
