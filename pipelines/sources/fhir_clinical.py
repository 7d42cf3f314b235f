"""What is kept of diagnoses, procedures and medication: that, when and where, never in whose words.

Here: projections that `fhir_projection` joins; a comment names the measures that need each. A drug's name is not kept, since
no measure asks which one it was. An element that is not named here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_columns import WORD, code_list, codings, concept, key, time_or_end, time_or_start
from pipelines.sources.fhir_elements import (
    BASED_ON,
    CODING,
    ENCOUNTER,
    PATIENT,
    PERIOD,
    REFERENCE,
    STATUS,
    SUBJECT,
    VISIT,
    Column,
    Projection,
    code,
    own_key,
    time,
)

_ABOUT = {"subject": REFERENCE, "encounter": REFERENCE}
_PLACED = {"subject": REFERENCE, "context": REFERENCE, "encounter": REFERENCE}
"""R4 calls the visit `context`, R5 `encounter`."""
_VISIT = Column("encounter_key", "varchar", "key_of('encounter', coalesce(r.encounter, r.context), 'Encounter')")
_CONTEXT = ("coalesce(r.encounter, r.context)", "Encounter|EpisodeOfCare")

CLINICAL: tuple[Projection, ...] = (
    Projection(  # ECAT's strata (principal mental-health diagnosis), A2 expected stay, E9 coded
        resource="Condition",
        kind="condition",
        elements={
            **_ABOUT,
            "clinicalStatus": CODING,
            "verificationStatus": CODING,
            "category": f"[{CODING}]",
            "code": CODING,
            "onsetDateTime": WORD,
            "onsetPeriod": PERIOD,
            "abatementDateTime": WORD,
            "abatementPeriod": PERIOD,
            "recordedDate": WORD,
        },
        columns=(
            own_key("Condition", "condition"),
            PATIENT,
            ENCOUNTER,
            concept("clinical_status_code", "clinicalStatus"),
            concept("verification_status_code", "verificationStatus"),
            code_list("category_codes", "category"),
            codings("codes", "code"),
            time_or_start("onset", "onset"),
            time_or_end("abatement", "abatement"),
            time("recorded_date", "r.recordedDate"),
        ),
        required=(("subject", "r.subject"),),
        days=("r.onsetDateTime", "r.abatementDateTime", "r.recordedDate"),
        references=(SUBJECT, VISIT),
        spans=(("r.onsetDateTime", "r.abatementDateTime"), ('r.onsetPeriod."start"', 'r.onsetPeriod."end"')),
    ),
    Projection(  # A7 time to treatment, D5 consent before a procedure, G4 acted upon
        resource="Procedure",
        kind="procedure",
        elements={
            **_ABOUT,
            "basedOn": f"[{REFERENCE}]",
            "status": WORD,
            "code": CODING,
            "performedDateTime": WORD,
            "performedPeriod": PERIOD,
            "occurrenceDateTime": WORD,
            "occurrencePeriod": PERIOD,
        },
        columns=(
            own_key("Procedure", "procedure"),
            PATIENT,
            ENCOUNTER,
            BASED_ON,
            code("status", "r.status", codes.EVENT_STATUS),
            codings("codes", "code"),
            time(
                "performed_start",
                'coalesce(r.performedDateTime, r.performedPeriod."start", r.occurrenceDateTime, r.occurrencePeriod."start")',
            ),
            time("performed_end", 'coalesce(r.performedPeriod."end", r.occurrencePeriod."end")'),
        ),
        required=(STATUS, ("subject", "r.subject")),
        times=(
            'coalesce(r.performedDateTime, r.performedPeriod."start", r.occurrenceDateTime, r.occurrencePeriod."start")',
        ),
        references=(SUBJECT, VISIT),
        spans=(
            ('r.performedPeriod."start"', 'r.performedPeriod."end"'),
            ('r.occurrencePeriod."start"', 'r.occurrencePeriod."end"'),
        ),
    ),
    Projection(  # C6 missing orders, C7 order to fulfilment, C8 reconciliation
        resource="MedicationRequest",
        kind="medication_request",
        elements={
            **_ABOUT,
            "status": WORD,
            "intent": WORD,
            "category": f"[{CODING}]",
            "priority": WORD,
            "authoredOn": WORD,
        },
        columns=(
            own_key("MedicationRequest", "medication_request"),
            PATIENT,
            ENCOUNTER,
            code("status", "r.status", codes.MEDICATION_REQUEST_STATUS),
            code("intent", "r.intent", codes.REQUEST_INTENT),
            code_list("category_codes", "category"),
            code("priority", "r.priority", codes.PRIORITY),
            time("authored_on", "r.authoredOn"),
        ),
        required=(STATUS, ("intent", "r.intent"), ("subject", "r.subject")),
        times=("r.authoredOn",),
        references=(SUBJECT, VISIT),
    ),
    Projection(  # A7 time to treatment
        resource="MedicationAdministration",
        kind="medication_administration",
        elements={
            **_PLACED,
            "request": REFERENCE,
            "status": WORD,
            "effectiveDateTime": WORD,
            "effectivePeriod": PERIOD,
            "occurenceDateTime": WORD,  # R5 spells it so
            "occurencePeriod": PERIOD,
        },
        columns=(
            own_key("MedicationAdministration", "medication_administration"),
            PATIENT,
            _VISIT,
            key("request", "MedicationRequest"),
            code("status", "r.status", codes.ADMINISTRATION_STATUS),
            time(
                "given_start",
                'coalesce(r.effectiveDateTime, r.effectivePeriod."start", r.occurenceDateTime, r.occurencePeriod."start")',
            ),
            time("given_end", 'coalesce(r.effectivePeriod."end", r.occurencePeriod."end")'),
        ),
        required=(STATUS, ("subject", "r.subject")),
        times=(
            'coalesce(r.effectiveDateTime, r.effectivePeriod."start", r.occurenceDateTime, r.occurencePeriod."start")',
        ),
        references=(SUBJECT, _CONTEXT, ("r.request", "MedicationRequest")),
        spans=(
            ('r.effectivePeriod."start"', 'r.effectivePeriod."end"'),
            ('r.occurencePeriod."start"', 'r.occurencePeriod."end"'),
        ),
    ),
    Projection(  # C8 medication reconciliation
        resource="MedicationStatement",
        kind="medication_statement",
        elements={**_PLACED, "status": WORD, "dateAsserted": WORD},
        columns=(
            own_key("MedicationStatement", "medication_statement"),
            PATIENT,
            _VISIT,
            code("status", "r.status", codes.MEDICATION_STATEMENT_STATUS),
            time("date_asserted", "r.dateAsserted"),
        ),
        required=(STATUS, ("subject", "r.subject")),
        times=("r.dateAsserted",),
        references=(SUBJECT, _CONTEXT),
    ),
    Projection(  # A11 medications ready at discharge, C7 order to fulfilment
        resource="MedicationDispense",
        kind="medication_dispense",
        elements={
            **_PLACED,
            "authorizingPrescription": f"[{REFERENCE}]",
            "status": WORD,
            "whenPrepared": WORD,
            "whenHandedOver": WORD,
        },
        columns=(
            own_key("MedicationDispense", "medication_dispense"),
            PATIENT,
            _VISIT,
            key("authorizingPrescription[1]", "MedicationRequest"),
            code("status", "r.status", codes.DISPENSE_STATUS),
            time("prepared", "r.whenPrepared"),
            time("handed_over", "r.whenHandedOver"),
        ),
        required=(STATUS,),
        times=("r.whenPrepared", "r.whenHandedOver"),
        references=(SUBJECT, _CONTEXT),
        spans=(("r.whenPrepared", "r.whenHandedOver"),),
    ),
)
