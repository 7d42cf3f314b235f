"""FHIR R4 resources of places, people and encounters, as a hospital exports them. Orders and tasks: `fhir_orders`.

Each function renders the state an object has now into a dictionary ready for JSON. Meaning travels in codes and
times; names, addresses and sentences ride along as they do in real exports.
"""

from html import escape
from typing import Any

from sample_data.clock import instant, instant_ms
from sample_data.facility import Facility
from sample_data.people import CITY, NOTES, POSTCODE, REASONS, STATE, Person
from sample_data.records import Encounter
from sample_data.shapes import EASTBROOK

Resource = dict[str, Any]

SERVER = "https://fhir.tworivers.example/r4"
"""The address of the server that exports."""
GROUP = "org-group"
HSLOC = "https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SNOMED = "http://snomed.info/sct"
LEFT = "21541000119102"
ADMIT_SOURCE = "http://terminology.hl7.org/CodeSystem/admit-source"
ARRIVAL_MODE = "https://wardflow.example/arrival-mode"
_ORGANIZATION_TYPE = "http://terminology.hl7.org/CodeSystem/organization-type"
_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_DISPOSITIONS = {LEFT: SNOMED, "home": "http://terminology.hl7.org/CodeSystem/discharge-disposition"}


def meta(updated: int) -> Resource:
    """Version and lastUpdated; the version is the instant, as servers that keep history by time do."""
    return {"versionId": str(updated), "lastUpdated": instant_ms(updated)}


def person_reference(person: Person, facility: Facility) -> Resource:
    """Reference to a Patient, with the name as display."""
    return {"reference": f"Patient/{patient_id(person, facility)}", "display": person.text}


def patient_id(person: Person, facility: Facility) -> str:
    """Logical id of a person's Patient resource."""
    return f"pat-{facility.code}-{person.number:06d}"


def place_reference(facility: Facility, place: str) -> Resource:
    """Reference to a Location; the second hospital's server only knows how to ask for one by its identifier."""
    if facility.index == EASTBROOK:
        return {"reference": f"Location?identifier={_places(facility)}|{place}"}
    return {"reference": f"Location/{place}"}


def _places(facility: Facility) -> str:
    """Who gives out the hospital's own codes of places."""
    return f"urn:sim:{facility.slug}:place"


def organizations(facilities: tuple[Facility, ...], updated: int) -> list[Resource]:
    """The hospital group, its facilities and of each the department that manages the wards."""
    group = {
        "resourceType": "Organization",
        "id": GROUP,
        "meta": meta(updated),
        "active": True,
        "name": "Two Rivers Health",
    }
    return (
        [group]
        + [
            {
                "resourceType": "Organization",
                "id": facility.organization,
                "meta": meta(updated),
                "active": True,
                "name": facility.name,
                "partOf": {"reference": f"Organization/{GROUP}"},
            }
            for facility in facilities
        ]
        + [
            {
                "resourceType": "Organization",
                "id": facility.nursing,
                "meta": meta(updated),
                "active": True,
                "type": [{"coding": [{"system": _ORGANIZATION_TYPE, "code": "dept"}]}],
                "name": "Nursing",
                "partOf": {"reference": f"Organization/{facility.organization}"},
            }
            for facility in facilities
        ]
    )


def _location(
    facility: Facility,
    updated: int,
    place: str,
    name: str,
    physical: str,
    codes: tuple[tuple[str, str], ...],
    part_of: str | None,
    manager: str | None = None,
) -> Resource:
    resource: Resource = {
        "resourceType": "Location",
        "id": place,
        "meta": meta(updated),
        "status": "active",
        "name": name,
        "mode": "instance",
        "physicalType": {"coding": [{"system": _PHYSICAL, "code": physical}]},
        "managingOrganization": {"reference": f"Organization/{manager or facility.organization}"},
    }
    if facility.index == EASTBROOK:
        resource["identifier"] = [{"system": _places(facility), "value": place}]
    if codes:
        resource["type"] = [{"coding": [{"system": system, "code": code}]} for system, code in codes]
    if part_of:
        resource["partOf"] = {"reference": f"Location/{part_of}"}
    return resource


def locations(facility: Facility, updated: int) -> list[Resource]:
    """Every place of a facility that exports explain: emergency department, wards and beds, laboratory."""
    ed, emergency = facility.place("ed"), (HSLOC, "1108-0")
    rows = [
        _location(facility, updated, ed, f"{facility.name} Emergency Department", "area", (emergency,), None),
        _location(facility, updated, facility.place("ed", "waiting"), "ED Waiting Room", "area", (emergency,), ed),
        _location(facility, updated, facility.place("ed", "triage"), "ED Triage", "area", (emergency,), ed),
        _location(facility, updated, facility.place("lab"), "Clinical Laboratory", "area", ((ROLE, "HLAB"),), None),
    ]
    room_codes = (emergency, (HSLOC, "1209-6"))
    rows += [
        _location(facility, updated, facility.place("ed", f"{n:02d}"), f"ED Room {n}", "ro", room_codes, ed)
        for n in range(1, facility.rooms + 1)
    ]
    for ward in facility.wards:
        place, manager = facility.place(ward.code), facility.nursing
        rows.append(_location(facility, updated, place, ward.name, "wa", ((ROLE, "HU"),), None, manager))
        for n in range(1, ward.beds + 1):
            bed = facility.place(ward.code, f"{n:02d}")
            rows.append(_location(facility, updated, bed, f"{ward.name} Bed {n}", "bd", (), place, manager))
    return rows


def practitioner(facility: Facility, person: Person, updated: int) -> Resource:
    """A clinician; Wardflow has no use for the name."""
    return {
        "resourceType": "Practitioner",
        "id": f"prac-{facility.code}-{person.number:03d}",
        "meta": meta(updated),
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": [person.given], "prefix": ["Dr"]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "work"}],
    }


def patient(facility: Facility, person: Person, updated: int, *, replaced_by: Person | None = None) -> Resource:
    """A patient with everything that identifies one; a record that was merged into another names it."""
    resource: Resource = {
        "resourceType": "Patient",
        "id": patient_id(person, facility),
        "meta": meta(updated),
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(person.text)}, born {person.birth_date}</div>',
        },
        "identifier": [{"use": "usual", "system": f"urn:sim:{facility.slug}:mrn", "value": person.mrn}],
        "active": True,
        "name": [{"use": "official", "text": person.text, "family": person.family, "given": [person.given]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "home"}],
        "gender": person.gender,
        "birthDate": person.birth_date,
        "address": [{"line": [person.street], "city": CITY, "state": STATE, "postalCode": POSTCODE}],
    }
    if replaced_by:
        resource["active"] = False
        other = {"reference": f"Patient/{patient_id(replaced_by, facility)}"}
        resource["link"] = [{"other": other, "type": "replaced-by"}]
    return resource


def _period(begin: int, end: int | None) -> Resource:
    return {"start": instant(begin)} if end is None else {"start": instant(begin), "end": instant(end)}


def encounter(facility: Facility, visit: Encounter, updated: int) -> Resource:
    """An ED visit or an inpatient stay with its status history and location segments, as far as it has come."""
    emergency = visit.kind == "EMER"
    resource: Resource = {
        "resourceType": "Encounter",
        "id": visit.id,
        "meta": meta(updated),
        "identifier": [{"system": f"urn:sim:{facility.slug}:visit", "value": visit.number}],
        "status": visit.status,
        "class": {"system": ACT, "code": visit.kind},
        "subject": person_reference(visit.person, facility),
        "period": _period(visit.begin, visit.end),
        "location": [
            {
                "location": place_reference(facility, segment.place),
                "status": "active" if segment.end is None else "completed",
                "period": _period(segment.begin, segment.end),
            }
            for segment in visit.segments
        ],
        "serviceProvider": {"reference": f"Organization/{facility.organization}", "display": facility.name},
    }
    history = visit.history
    resource["statusHistory"] = [
        {
            "status": status,
            "period": _period(at, history[n + 1][1] if n + 1 < len(history) else at if status == "finished" else None),
        }
        for n, (status, at) in enumerate(history)
    ]
    if visit.acuity:
        resource["priority"] = {"coding": [{"system": "https://wardflow.example/esi", "code": str(visit.acuity)}]}
    if visit.doctor:
        resource["participant"] = [{"individual": {"reference": f"Practitioner/{visit.doctor}"}}]
    system = ARRIVAL_MODE if emergency else ADMIT_SOURCE
    stay: Resource = {"admitSource": {"coding": [{"system": system, "code": visit.mode}]}}
    if visit.disposition:
        system = _DISPOSITIONS.get(visit.disposition, "https://wardflow.example/disposition")
        stay["dischargeDisposition"] = {"coding": [{"system": system, "code": visit.disposition}]}
    resource["hospitalization"] = stay
    if visit.part_of:
        resource["partOf"] = {"reference": f"Encounter/{visit.part_of}"}
    if emergency:
        resource["reasonCode"] = [{"text": REASONS[visit.words % len(REASONS)]}]
        if visit.words % 5 == 0:
            resource["contained"] = [_relative(facility, visit)]
            resource["text"] = {
                "status": "additional",
                "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(NOTES[visit.words % len(NOTES)])}</div>',
            }
    return resource


def _relative(facility: Facility, visit: Encounter) -> Resource:
    """A contained RelatedPerson: the neighbour who came along."""
    person = visit.person
    return {
        "resourceType": "RelatedPerson",
        "id": "next-of-kin",
        "patient": {"reference": f"Patient/{patient_id(person, facility)}"},
        "name": [{"family": person.family, "given": ["Zebulon"]}],
        "telecom": [{"system": "phone", "value": person.phone}],
    }
