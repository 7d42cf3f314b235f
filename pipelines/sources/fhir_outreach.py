"""What is kept of messages to people, alerts and recommendations: that, when, about which case, and what became of it.

Here: projections that `fhir_projection` joins; a comment names the measures that need each. What a message or an alert says,
and to whom it went, is not kept. An element that is not named here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_columns import WORD, code_list, codings, concept, key, key_list, time_or_start
from pipelines.sources.fhir_elements import (
    ANY,
    CODING,
    CODINGS_TYPE,
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

_ABOUT_ANYTHING = {
    "subject": REFERENCE,
    "encounter": REFERENCE,
    "basedOn": f"[{REFERENCE}]",
    "about": f"[{REFERENCE}]",
    "category": f"[{CODING}]",
    "medium": f"[{CODING}]",
    "status": WORD,
    "priority": WORD,
}
_TOPICS = "list_concat(coalesce(r.basedOn, []), coalesce(r.about, []))"
_TOPIC_COLUMNS = (
    PATIENT,
    ENCOUNTER,
    *(
        key_list(_TOPICS, wanted)
        for wanted in ("ServiceRequest", "Task", "Appointment", "Observation", "DiagnosticReport")
    ),
    code_list("category_codes", "category"),
    code_list("medium_codes", "medium"),
    code("priority", "r.priority", codes.PRIORITY),
)


def _recommended(resource: str) -> Projection:
    """G5 adoption of what decision support recommends; R5 calls a RequestGroup a RequestOrchestration."""
    return Projection(
        resource=resource,
        kind="request_group",
        stored_as="request_group",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": WORD,
            "intent": WORD,
            "priority": WORD,
            "authoredOn": WORD,
        },
        columns=(
            own_key("RequestGroup", "request_group"),
            PATIENT,
            ENCOUNTER,
            code("status", "r.status", codes.REQUEST_STATUS),
            code("intent", "r.intent", codes.REQUEST_INTENT),
            code("priority", "r.priority", codes.PRIORITY),
            time("authored_on", "r.authoredOn"),
        ),
        required=(STATUS, ("intent", "r.intent")),
        times=("r.authoredOn",),
        references=(SUBJECT, VISIT),
    )


OUTREACH: tuple[Projection, ...] = (
    Projection(  # A12, A16, A17, B5 to B8, B22, E11, H7
        resource="Communication",
        kind="communication",
        elements={
            **_ABOUT_ANYTHING,
            "inResponseTo": f"[{REFERENCE}]",
            "statusReason": CODING,
            "sent": WORD,
            "received": WORD,
        },
        columns=(
            own_key("Communication", "communication"),
            *_TOPIC_COLUMNS,
            key_list("r.inResponseTo", "Communication", "in_response_to_keys"),
            code("status", "r.status", codes.EVENT_STATUS),
            concept("status_reason_code", "statusReason"),
            time("sent", "r.sent"),
            time("received", "r.received"),
        ),
        required=(STATUS,),
        times=("r.sent", "r.received"),
        references=(SUBJECT, VISIT),
        spans=(("r.sent", "r.received"),),
    ),
    Projection(  # A17 reminders asked for, E11 outreach due
        resource="CommunicationRequest",
        kind="communication_request",
        elements={
            **_ABOUT_ANYTHING,
            "authoredOn": WORD,
            "occurrenceDateTime": WORD,
            "occurrencePeriod": PERIOD,
        },
        columns=(
            own_key("CommunicationRequest", "communication_request"),
            *_TOPIC_COLUMNS,
            code("status", "r.status", codes.REQUEST_STATUS),
            time("authored_on", "r.authoredOn"),
            time_or_start("due", "occurrence"),
        ),
        required=(STATUS,),
        times=("r.authoredOn",),
        future_times=('coalesce(r.occurrenceDateTime, r.occurrencePeriod."start")',),
        references=(SUBJECT, VISIT),
    ),
    Projection(  # E11 immunisation reminders: dates only
        resource="ImmunizationRecommendation",
        kind="immunization_recommendation",
        elements={
            "patient": REFERENCE,
            "date": WORD,
            "recommendation": f'[{{"forecastStatus":{CODING},"dateCriterion":[{{"code":{CODING},"value":"VARCHAR"}}]}}]',
        },
        columns=(
            own_key("ImmunizationRecommendation", "immunization_recommendation"),
            key("patient", "Patient"),
            time("date", "r.date"),
            Column(
                "due_dates",
                'struct(forecast_code varchar, date_code varchar, "date" varchar)[]',
                """flatten(list_transform(r.recommendation, lambda i: list_transform(i.dateCriterion, lambda d: struct_pack(
                    forecast_code := word(i.forecastStatus.coding[1].code), date_code := word(d.code.coding[1].code),
                    "date" := moment(d."value")))))""",
            ),
        ),
        required=(("patient", "r.patient"), ("date", "r.date"), ("recommendation", "r.recommendation")),
        days=("r.date",),
        references=(("r.patient", "Patient"),),
    ),
    Projection(  # G1 alert volume
        resource="Flag",
        kind="flag",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": WORD,
            "category": f"[{CODING}]",
            "code": CODING,
            "period": PERIOD,
        },
        columns=(
            own_key("Flag", "flag"),
            PATIENT,
            ENCOUNTER,
            code("status", "r.status", codes.FLAG_STATUS),
            code_list("category_codes", "category"),
            codings("codes", "code"),
            time("period_start", 'r.period."start"'),
            time("period_end", 'r.period."end"'),
        ),
        required=(STATUS, ("subject", "r.subject")),
        days=('r.period."start"', 'r.period."end"'),
        references=(("r.subject", ANY), VISIT),
        spans=(('r.period."start"', 'r.period."end"'),),
    ),
    Projection(  # B15 overrides, G1 to G4 alerts shown, dismissed and acted upon
        resource="DetectedIssue",
        kind="detected_issue",
        elements={
            "patient": REFERENCE,
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": WORD,
            "severity": WORD,
            "code": CODING,
            "identifiedDateTime": WORD,
            "identifiedPeriod": PERIOD,
            "implicated": f"[{REFERENCE}]",
            "mitigation": f'[{{"action":{CODING},"date":"VARCHAR"}}]',
        },
        columns=(
            own_key("DetectedIssue", "detected_issue"),
            Column("patient_key", "varchar", "key_of('patient', coalesce(r.patient, r.subject), 'Patient')"),
            ENCOUNTER,
            code("status", "r.status", codes.ISSUE_STATUS),
            code("severity", "r.severity", codes.SEVERITY),
            codings("codes", "code"),
            time_or_start("identified", "identified"),
            key_list("r.implicated", "ServiceRequest"),
            key_list("r.implicated", "MedicationRequest"),
            Column(
                "mitigations",
                f'struct(codes {CODINGS_TYPE}, "date" varchar)[]',
                'list_transform(r.mitigation, lambda m: struct_pack(codes := codings(m.action.coding), "date" := moment(m."date")))',
            ),
        ),
        required=(STATUS,),
        times=('coalesce(r.identifiedDateTime, r.identifiedPeriod."start")',),
        references=(("coalesce(r.patient, r.subject)", "Patient|Group|Device|Location|Organization"), VISIT),
    ),
    Projection(  # G5 adoption, G8 explained
        resource="GuidanceResponse",
        kind="guidance_response",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": WORD,
            "moduleCanonical": WORD,
            "moduleUri": WORD,
            "occurrenceDateTime": WORD,
            "reasonCode": f"[{CODING}]",
            "reasonReference": f"[{REFERENCE}]",
            "reason": f'[{{"concept":{CODING},"reference":{REFERENCE}}}]',
            "result": REFERENCE,
        },
        columns=(
            own_key("GuidanceResponse", "guidance_response"),
            PATIENT,
            ENCOUNTER,
            code("status", "r.status", codes.GUIDANCE_STATUS),
            Column("module", "varchar", "uri(coalesce(r.moduleCanonical, r.moduleUri))"),
            time("occurred", "r.occurrenceDateTime"),
            Column(
                "has_reason",
                "boolean",
                "coalesce(len(r.reasonCode), 0) + coalesce(len(r.reasonReference), 0) + coalesce(len(r.reason), 0) > 0",
            ),
            Column(
                "request_group_key",
                "varchar",
                "coalesce(key_of('request_group', r.result, 'RequestGroup'), key_of('request_group', r.result, 'RequestOrchestration'))",
            ),
        ),
        required=(STATUS,),
        times=("r.occurrenceDateTime",),
        references=(SUBJECT, VISIT),
    ),
    _recommended("RequestGroup"),
    _recommended("RequestOrchestration"),
)
