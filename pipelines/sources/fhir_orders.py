"""What is kept of orders, specimens, reports and results: states, codes and times, never a value that is not a code.

Here: projections that `fhir_projection` joins. An element that is not named here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_elements import (
    BASED_ON,
    CODING,
    CODINGS_TYPE,
    ENCOUNTER,
    IDENTIFIERS,
    PATIENT,
    PERIOD,
    REFERENCE,
    STATUS,
    SUBJECT,
    TYPED_IDENTIFIERS,
    VERSION_ID,
    VISIT,
    Column,
    Projection,
    all_codes,
    code,
    keys,
    own_key,
    time,
)

_ORDER_NUMBERS = f"""list_concat(identifiers('placer', r.identifier, ['PLAC']),
    identifiers('filler', {TYPED_IDENTIFIERS}, ['FILL', 'ACSN']), identifiers('accession', {TYPED_IDENTIFIERS}, ['ACSN']))"""
"""The placer's numbers, the filler's and the accession's under their own kinds; of an identifier without a type nobody says that it
is one of these. Many fillers give the accession number as theirs, so it is known as both."""

ORDERS: tuple[Projection, ...] = (
    Projection(
        resource="ServiceRequest",
        kind="order",
        elements={
            "identifier": IDENTIFIERS,
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": '"VARCHAR"',
            "intent": '"VARCHAR"',
            "category": f"[{CODING}]",
            "code": '{"coding":[{"system":"VARCHAR","code":"VARCHAR"}],"concept":' + CODING + "}",
            "priority": '"VARCHAR"',
            "authoredOn": '"VARCHAR"',
            "locationReference": f"[{REFERENCE}]",
        },
        columns=(
            own_key("ServiceRequest", "order"),
            PATIENT,
            ENCOUNTER,
            Column("placer_keys", "varchar[]", _ORDER_NUMBERS),
            code("status", "r.status", codes.REQUEST_STATUS),
            code("intent", "r.intent", codes.REQUEST_INTENT),
            Column("category_codes", "varchar[]", all_codes("r.category")),
            Column("codes", CODINGS_TYPE, "codings(coalesce(r.code.coding, r.code.concept.coding))"),
            code("priority", "r.priority", codes.PRIORITY),
            time("authored_on", "r.authoredOn"),
            Column("location_id", "varchar", "place_of(r.locationReference[1], 'Location')"),
            VERSION_ID,
        ),
        required=(STATUS, ("intent", "r.intent"), ("subject", "r.subject")),
        times=("r.authoredOn",),
        references=(SUBJECT, VISIT, ("r.locationReference[1]", "Location")),
    ),
    Projection(
        resource="Specimen",
        kind="specimen",
        elements={
            "subject": REFERENCE,
            "request": f"[{REFERENCE}]",
            "collection": f'{{"collectedDateTime":"VARCHAR","collectedPeriod":{PERIOD}}}',
            "receivedTime": '"VARCHAR"',
        },
        columns=(
            own_key("Specimen", "specimen"),
            PATIENT,
            Column("order_keys", "varchar[]", keys("order", "r.request", "ServiceRequest")),
            time("collected", 'coalesce(r.collection.collectedDateTime, r.collection.collectedPeriod."start")'),
            time("received_time", "r.receivedTime"),
        ),
        times=('coalesce(r.collection.collectedDateTime, r.collection.collectedPeriod."start")', "r.receivedTime"),
        references=(SUBJECT,),
    ),
    Projection(
        resource="DiagnosticReport",
        kind="report",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "basedOn": f"[{REFERENCE}]",
            "status": '"VARCHAR"',
            "effectiveDateTime": '"VARCHAR"',
            "effectivePeriod": PERIOD,
            "issued": '"VARCHAR"',
        },
        columns=(
            Column("report_key", "varchar", "keyed('report', getvariable('authority'), r.id)"),
            PATIENT,
            ENCOUNTER,
            BASED_ON,
            code("status", "r.status", codes.REPORT_STATUS),
            time("effective", 'coalesce(r.effectiveDateTime, r.effectivePeriod."start")'),
            time("issued", "r.issued"),
        ),
        required=(STATUS,),
        times=('coalesce(r.effectiveDateTime, r.effectivePeriod."start")', "r.issued"),
        references=(SUBJECT, VISIT),
    ),
    Projection(
        resource="Observation",
        kind="observation",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "basedOn": f"[{REFERENCE}]",
            "status": '"VARCHAR"',
            "interpretation": f"[{CODING}]",
            "issued": '"VARCHAR"',
            "code": CODING,
            "valueCodeableConcept": CODING,
            "effectiveDateTime": '"VARCHAR"',
            "effectivePeriod": PERIOD,
        },
        columns=(
            own_key("Observation", "observation"),
            PATIENT,
            ENCOUNTER,
            BASED_ON,
            code("status", "r.status", codes.OBSERVATION_STATUS),
            Column("interpretation_codes", "varchar[]", all_codes("r.interpretation")),
            time("issued", "r.issued"),
            Column("codes", CODINGS_TYPE, "codings(r.code.coding)"),  # ECAT's decision to admit, A10, B5, C4
            Column("value_codes", CODINGS_TYPE, "codings(r.valueCodeableConcept.coding)"),
            time("effective", 'coalesce(r.effectiveDateTime, r.effectivePeriod."start")'),
        ),
        required=(STATUS,),
        times=("r.issued", 'coalesce(r.effectiveDateTime, r.effectivePeriod."start")'),
        references=(SUBJECT, VISIT),
    ),
)
