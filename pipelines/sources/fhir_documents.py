"""What is kept of notes, consents, answered forms, lists and measure reports: that they exist, when and in which state; never content.

Here: projections that `fhir_projection` joins; a comment names the measures that need each. An element that is not named
here is never read: no title, no text, no attachment, no answer.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_columns import WORD, address, code_list, codings, key, key_list
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
    one_of,
    own_key,
    time,
)

_FIRST_SUBJECT = Column(
    "patient_key",
    "varchar",
    "coalesce(key_of('patient', r.subject, 'Patient'), key_of('patient', n.subject[1], 'Patient'))",
)
"""R4 has one subject, R5 a list."""
_SUBJECTS = {"subject": f"[{REFERENCE}]"}
_ATTESTED = '[{"mode":%s,"time":"VARCHAR"}]'
_ATTESTATIONS = 'struct(mode varchar, "time" varchar)[]'

DOCUMENTS: tuple[Projection, ...] = (
    Projection(  # D1 to D3, D6, D7, E3 consultant's report, A15 template ready
        resource="DocumentReference",
        kind="document_reference",
        elements={
            "subject": REFERENCE,
            "status": WORD,
            "docStatus": WORD,
            "type": CODING,
            "category": f"[{CODING}]",
            "date": WORD,
            "authenticator": REFERENCE,
            "context": f'{{"encounter":[{REFERENCE}],"related":[{REFERENCE}]}}',
        },
        newer={
            "context": f"[{REFERENCE}]",
            "basedOn": f"[{REFERENCE}]",
            "attester": _ATTESTED % CODING,
        },
        newer_when="coalesce(r.context.encounter, r.context.related) is null",
        columns=(
            own_key("DocumentReference", "document_reference"),
            PATIENT,
            key_list("coalesce(r.context.encounter, n.context)", "Encounter"),
            key_list("coalesce(r.context.related, n.basedOn)", "ServiceRequest"),
            code("status", "r.status", codes.DOCUMENT_STATUS),
            code("doc_status", "r.docStatus", codes.COMPOSITION_STATUS),
            codings("type_codes", "type"),
            code_list("category_codes", "category"),
            time("date", "r.date"),
            Column("is_authenticated", "boolean", "r.authenticator.reference is not null or len(n.attester) > 0"),
            time("attested", "list_max(list_transform(n.attester, lambda a: moment(a.time)))"),
        ),
        required=(STATUS,),
        times=("r.date",),
        references=(SUBJECT,),
    ),
    Projection(  # D1 to D3, D6, D7
        resource="Composition",
        kind="composition",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": WORD,
            "type": CODING,
            "category": f"[{CODING}]",
            "date": WORD,
            "attester": _ATTESTED % WORD,
        },
        newer={**_SUBJECTS, "attester": _ATTESTED % CODING},
        newer_when="r.subject.reference is null",
        columns=(
            own_key("Composition", "composition"),
            _FIRST_SUBJECT,
            ENCOUNTER,
            code("status", "r.status", codes.COMPOSITION_STATUS),
            codings("type_codes", "type"),
            code_list("category_codes", "category"),
            time("date", "r.date"),
            Column(
                "attestations",
                _ATTESTATIONS,
                f"""if(n.subject is null, list_transform(r.attester, lambda a: struct_pack(
                    mode := {one_of("a.mode", codes.ATTESTATION)}, "time" := moment(a.time))),
                list_transform(n.attester, lambda a: struct_pack(
                    mode := {one_of("a.mode.coding[1].code", codes.ATTESTATION)}, "time" := moment(a.time))))""",
            ),
        ),
        required=(STATUS, ("type", 'r."type"'), ("date", "r.date")),
        times=("r.date",),
        references=(SUBJECT, VISIT),
    ),
    Projection(  # D5 missing consent, F29 transfers that consent blocks
        resource="Consent",
        kind="consent",
        elements={
            "patient": REFERENCE,
            "subject": REFERENCE,
            "status": WORD,
            "scope": CODING,
            "category": f"[{CODING}]",
            "dateTime": WORD,
            "date": WORD,
            "provision": f'{{"type":"VARCHAR","period":{PERIOD}}}',
            "decision": WORD,
            "period": PERIOD,
        },
        columns=(
            own_key("Consent", "consent"),
            Column("patient_key", "varchar", "key_of('patient', coalesce(r.patient, r.subject), 'Patient')"),
            code("status", "r.status", codes.CONSENT_STATUS),
            codings("scope_codes", "scope"),
            code_list("category_codes", "category"),
            time("consented", "coalesce(r.dateTime, r.date)"),
            code("decision", 'coalesce(r.decision, r.provision."type")', codes.CONSENT_DECISION),
            time("valid_start", 'coalesce(r.period."start", r.provision.period."start")'),
            time("valid_end", 'coalesce(r.period."end", r.provision.period."end")'),
        ),
        required=(STATUS,),
        days=("coalesce(r.dateTime, r.date)", 'r.period."start"', 'r.period."end"'),
        references=(("coalesce(r.patient, r.subject)", "Patient|Practitioner|Group"),),
        spans=(
            ('r.period."start"', 'r.period."end"'),
            ('r.provision.period."start"', 'r.provision.period."end"'),
        ),
    ),
    Projection(  # A18 pre-registration, A20 intake to booked, A25 surveys returned, D9 repeated questions
        resource="QuestionnaireResponse",
        kind="questionnaire_response",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "basedOn": f"[{REFERENCE}]",
            "status": WORD,
            "questionnaire": WORD,
            "authored": WORD,
        },
        columns=(
            own_key("QuestionnaireResponse", "questionnaire_response"),
            PATIENT,
            ENCOUNTER,
            BASED_ON,
            code("status", "r.status", codes.RESPONSE_STATUS),
            address("questionnaire", "questionnaire"),
            time("authored", "r.authored"),
        ),
        required=(STATUS,),
        times=("r.authored",),
        references=(("r.subject", "[A-Z][A-Za-z]+"), VISIT),
    ),
    Projection(  # C8 medication reconciliation
        resource="List",
        kind="list",
        elements={
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "status": WORD,
            "mode": WORD,
            "code": CODING,
            "date": WORD,
            "entry": f'[{{"item":{REFERENCE}}}]',
        },
        newer=_SUBJECTS,
        newer_when="r.subject.reference is null",
        columns=(
            own_key("List", "list"),
            _FIRST_SUBJECT,
            ENCOUNTER,
            code("status", "r.status", codes.LIST_STATUS),
            code("mode", "r.mode", codes.LIST_MODE),
            codings("codes", "code"),
            time("date", "r.date"),
            key_list("list_transform(r.entry, lambda e: e.item)", "MedicationStatement"),
            key_list("list_transform(r.entry, lambda e: e.item)", "MedicationRequest"),
        ),
        required=(STATUS, ("mode", "r.mode")),
        times=("r.date",),
        references=(SUBJECT, VISIT),
    ),
    Projection(  # E10 care gaps
        resource="MeasureReport",
        kind="measure_report",
        elements={
            "subject": REFERENCE,
            "status": WORD,
            "type": WORD,
            "measure": WORD,
            "date": WORD,
            "period": PERIOD,
            "group": f'[{{"population":[{{"code":{CODING},"count":"BIGINT"}}]}}]',
        },
        columns=(
            own_key("MeasureReport", "measure_report"),
            key("subject", "Patient"),
            code("status", "r.status", codes.MEASURE_STATUS),
            code("report_type", 'r."type"', codes.MEASURE_TYPE),
            address("measure", "measure"),
            time("date", "r.date"),
            time("period_start", 'r.period."start"'),
            time("period_end", 'r.period."end"'),
            Column(
                "populations",
                'struct(code varchar, "count" bigint)[]',
                """list_transform(flatten(list_transform(r."group", lambda g: g.population)), lambda p: struct_pack(
                    code := word(p.code.coding[1].code), "count" := p."count"))""",
            ),
        ),
        required=(STATUS, ("type", 'r."type"'), ("period", "r.period")),
        days=("r.date", 'r.period."start"', 'r.period."end"'),
        references=(
            ("r.subject", "Patient|Practitioner|PractitionerRole|Organization|Group|Device|Location|RelatedPerson"),
        ),
        spans=(('r.period."start"', 'r.period."end"'),),
    ),
)
