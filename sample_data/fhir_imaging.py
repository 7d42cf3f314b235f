"""FHIR R4 resources of imaging: the study that an examination makes, and the radiologist's report."""

from typing import NamedTuple

from sample_data.clock import instant
from sample_data.facility import Facility
from sample_data.fhir import Resource, meta, person_reference
from sample_data.people import CONCLUSIONS
from sample_data.records import Order

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
LOINC = "http://loinc.org"


class Modality(NamedTuple):
    """A kind of examination: DICOM modality, LOINC code and name, how long it and its reading take (minutes), and its
    share of orders.
    """

    code: str
    loinc: str
    name: str
    minutes: float
    reading: float
    share: float


MODALITIES = (
    Modality("DX", "36643-5", "XR Chest 2 Views", 9, 4, 0.55),
    Modality("CT", "24627-2", "CT Chest", 16, 11, 0.31),
    Modality("US", "24558-9", "US Abdomen", 22, 6, 0.14),
)


def procedure_code(order: Order) -> Resource:
    """The examination that was ordered."""
    modality = MODALITIES[order.test]
    return {"coding": [{"system": LOINC, "code": modality.loinc, "display": modality.name}]}


def _about(facility: Facility, order: Order, kind: str, ident: str, updated: int) -> Resource:
    return {
        "resourceType": kind,
        "id": ident,
        "meta": meta(updated),
        "subject": person_reference(order.person, facility),
        "encounter": {"reference": f"Encounter/{order.encounter.id}"},
        "basedOn": [{"reference": f"ServiceRequest/{order.id}"}],
    }


def imaging_study(facility: Facility, order: Order, updated: int) -> Resource:
    """The examination: registered when it starts, available when the pictures are there."""
    return _about(facility, order, "ImagingStudy", order.part("is"), updated) | {
        "status": "registered" if order.received is None else "available",
        "modality": [{"system": DICOM, "code": MODALITIES[order.test].code}],
        "started": instant(order.started or order.ordered),
        "numberOfSeries": 2,
    }


def imaging_report(facility: Facility, order: Order, updated: int) -> Resource:
    """The report: preliminary when read, final when signed."""
    issued = order.preliminary if order.verified is None else order.verified
    resource = _about(facility, order, "DiagnosticReport", order.part("dr"), updated) | {
        "status": "preliminary" if order.verified is None else "final",
        "code": procedure_code(order),
        "effectiveDateTime": instant(order.started or order.ordered),
        "issued": instant(issued or order.ordered),
        "imagingStudy": [{"reference": f"ImagingStudy/{order.part('is')}"}],
    }
    if order.words % 3 == 0:
        resource["conclusion"] = CONCLUSIONS[order.words % len(CONCLUSIONS)]
    return resource
