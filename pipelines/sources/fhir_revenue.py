"""What is kept of coverage, eligibility, prior authorisation and claims: states, codes and times; no amounts, no payer's texts.

Here: projections that `fhir_projection` joins; a comment names the measures that need each. An element that is not named
here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_columns import ORDER, WORD, codings, concept, key, key_list, word_list
from pipelines.sources.fhir_elements import (
    CODING,
    CODINGS_TYPE,
    PERIOD,
    REFERENCE,
    STATUS,
    Column,
    Projection,
    all_codes,
    code,
    own_key,
    time,
)

_PATIENT = key("patient", "Patient")
_HOLDER = ("r.patient", "Patient")
_USE = ("use", "r.use")
_CREATED = ("created", "r.created")
_CONCEPT = {"type": CODING, "use": WORD, "status": WORD, "patient": REFERENCE, "created": WORD}

_ACTION = f'"extension":[{{"url":"VARCHAR","extension":[{{"url":"VARCHAR","valueCodeableConcept":{CODING}}}]}}]'
_ADJUDICATION = f'[{{"category":{CODING},"reason":{CODING},{_ACTION}}}]'
_ADJUDICATED = {"adjudication": _ADJUDICATION, "item": f'[{{"adjudication":{_ADJUDICATION}}}]'}
_ALL_ADJUDICATIONS = (
    "list_concat(coalesce(r.adjudication, []), coalesce(flatten(list_transform(r.item, lambda i: i.adjudication)), []))"
)
_ADJUDICATION_COLUMNS = (
    Column(
        "adjudication_codes",
        "varchar[]",
        f"list_distinct({all_codes(f'list_transform({_ALL_ADJUDICATIONS}, lambda a: a.category)')})",
    ),
    Column(
        "reason_codes",
        "varchar[]",
        f"list_distinct({all_codes(f'list_transform({_ALL_ADJUDICATIONS}, lambda a: a.reason)')})",
    ),
    # Da Vinci's prior authorisation says approved, denied or pended (A1 to A6) in an extension of the adjudication.
    Column(
        "review_action_codes",
        "varchar[]",
        "list_distinct(codes_of(flatten(list_transform(list_filter(flatten(list_transform(flatten(list_transform("
        f"{_ALL_ADJUDICATIONS}, lambda a: a.extension)), lambda e: e.extension)), lambda e: "
        "ends_with(e.url, 'reviewActionCode')), lambda e: e.valueCodeableConcept.coding))))",
    ),
)

REVENUE: tuple[Projection, ...] = (
    Projection(  # E5 prior authorisation, E9 claim readiness, B1 eligibility to billing, ECAT's principal diagnosis
        resource="Claim",
        kind="claim",
        elements={
            **_CONCEPT,
            "billablePeriod": PERIOD,
            "priority": CODING,
            "referral": REFERENCE,
            "encounter": f"[{REFERENCE}]",
            "insurance": f'[{{"coverage":{REFERENCE}}}]',
            "item": f'[{{"encounter":[{REFERENCE}]}}]',
            "diagnosis": f'[{{"diagnosisReference":{REFERENCE},"diagnosisCodeableConcept":{CODING},"type":[{CODING}]}}]',
        },
        columns=(
            own_key("Claim", "claim"),
            _PATIENT,
            key_list(
                "list_concat(coalesce(r.encounter, []), coalesce(flatten(list_transform(r.item, lambda i: i.encounter)), []))",
                "Encounter",
            ),
            key("referral", ORDER),
            key_list("list_transform(r.insurance, lambda i: i.coverage)", "Coverage"),
            code("status", "r.status", codes.FINANCIAL_STATUS),
            codings("type_codes", "type"),
            code("use_code", "r.use", codes.CLAIM_USE),
            concept("priority_code", "priority"),
            time("created", "r.created"),
            time("billable_start", 'r.billablePeriod."start"'),
            time("billable_end", 'r.billablePeriod."end"'),
            Column(
                "diagnoses",
                f"struct(condition_key varchar, codes {CODINGS_TYPE}, type_codes varchar[])[]",
                f"""list_transform(r.diagnosis, lambda d: struct_pack(
                    condition_key := key_of('condition', d.diagnosisReference, 'Condition'),
                    codes := codings(d.diagnosisCodeableConcept.coding), type_codes := {all_codes('d."type"')}))""",
            ),
        ),
        required=(STATUS, _USE, ("type", 'r."type"'), ("patient", "r.patient"), _CREATED),
        days=("r.created", 'r.billablePeriod."start"', 'r.billablePeriod."end"'),
        references=(_HOLDER, ("r.referral", ORDER)),
        spans=(('r.billablePeriod."start"', 'r.billablePeriod."end"'),),
    ),
    Projection(  # E5 turnaround, E6 outcome, E8 denials
        resource="ClaimResponse",
        kind="claim_response",
        elements={
            **_CONCEPT,
            "request": REFERENCE,
            "outcome": WORD,
            "decision": CODING,
            "preAuthPeriod": PERIOD,
            **_ADJUDICATED,
        },
        columns=(
            own_key("ClaimResponse", "claim_response"),
            _PATIENT,
            key("request", "Claim"),
            code("status", "r.status", codes.FINANCIAL_STATUS),
            codings("type_codes", "type"),
            code("use_code", "r.use", codes.CLAIM_USE),
            time("created", "r.created"),
            code("outcome", "r.outcome", codes.OUTCOME),
            concept("decision_code", "decision"),
            time("authorised_start", 'r.preAuthPeriod."start"'),
            time("authorised_end", 'r.preAuthPeriod."end"'),
            *_ADJUDICATION_COLUMNS,
        ),
        required=(STATUS, _USE, ("patient", "r.patient"), _CREATED, ("outcome", "r.outcome")),
        days=("r.created", 'r.preAuthPeriod."start"', 'r.preAuthPeriod."end"'),
        references=(_HOLDER, ("r.request", "Claim")),
        spans=(('r.preAuthPeriod."start"', 'r.preAuthPeriod."end"'),),
    ),
    Projection(  # E8 denials, where the payer's own record is exported
        resource="ExplanationOfBenefit",
        kind="explanation_of_benefit",
        elements={
            **_CONCEPT,
            "claim": REFERENCE,
            "claimResponse": REFERENCE,
            "outcome": WORD,
            "billablePeriod": PERIOD,
            **_ADJUDICATED,
        },
        columns=(
            own_key("ExplanationOfBenefit", "explanation_of_benefit"),
            _PATIENT,
            key("claim", "Claim"),
            key("claimResponse", "ClaimResponse"),
            code("status", "r.status", codes.FINANCIAL_STATUS),
            codings("type_codes", "type"),
            code("use_code", "r.use", codes.CLAIM_USE),
            time("created", "r.created"),
            code("outcome", "r.outcome", codes.OUTCOME),
            time("billable_start", 'r.billablePeriod."start"'),
            time("billable_end", 'r.billablePeriod."end"'),
            *_ADJUDICATION_COLUMNS,
        ),
        required=(STATUS, _USE, ("patient", "r.patient"), _CREATED, ("outcome", "r.outcome")),
        days=("r.created", 'r.billablePeriod."start"', 'r.billablePeriod."end"'),
        references=(_HOLDER, ("r.claim", "Claim"), ("r.claimResponse", "ClaimResponse")),
        spans=(('r.billablePeriod."start"', 'r.billablePeriod."end"'),),
    ),
    Projection(  # ECAT's payer strata, A18 pre-registration, E9 claim readiness
        resource="Coverage",
        kind="coverage",
        elements={
            "status": WORD,
            "type": CODING,
            "beneficiary": REFERENCE,
            "period": PERIOD,
        },
        columns=(
            own_key("Coverage", "coverage"),
            key("beneficiary", "Patient"),
            code("status", "r.status", codes.FINANCIAL_STATUS),
            codings("type_codes", "type"),
            time("valid_start", 'r.period."start"'),
            time("valid_end", 'r.period."end"'),
        ),
        required=(STATUS, ("beneficiary", "r.beneficiary")),
        days=('r.period."start"', 'r.period."end"'),
        references=(("r.beneficiary", "Patient"),),
        spans=(('r.period."start"', 'r.period."end"'),),
    ),
    Projection(  # E7 eligibility checks asked for, A18 before arrival
        resource="CoverageEligibilityRequest",
        kind="coverage_eligibility_request",
        elements={
            "status": WORD,
            "purpose": '["VARCHAR"]',
            "patient": REFERENCE,
            "created": WORD,
            "servicedDate": WORD,
            "servicedPeriod": PERIOD,
        },
        columns=(
            own_key("CoverageEligibilityRequest", "coverage_eligibility_request"),
            _PATIENT,
            code("status", "r.status", codes.FINANCIAL_STATUS),
            word_list("purposes", "purpose"),
            time("created", "r.created"),
            time("serviced", 'coalesce(r.servicedDate, r.servicedPeriod."start")'),
        ),
        required=(STATUS, ("patient", "r.patient"), _CREATED),
        days=("r.created", "r.servicedDate"),
        references=(_HOLDER,),
    ),
    Projection(  # E7: passed, failed, exceptions and latency
        resource="CoverageEligibilityResponse",
        kind="coverage_eligibility_response",
        elements={
            "status": WORD,
            "patient": REFERENCE,
            "created": WORD,
            "request": REFERENCE,
            "outcome": WORD,
            "insurance": '[{"inforce":"BOOLEAN"}]',
            "error": f'[{{"code":{CODING}}}]',
        },
        columns=(
            own_key("CoverageEligibilityResponse", "coverage_eligibility_response"),
            _PATIENT,
            key("request", "CoverageEligibilityRequest"),
            code("status", "r.status", codes.FINANCIAL_STATUS),
            time("created", "r.created"),
            code("outcome", "r.outcome", codes.OUTCOME),
            Column("is_in_force", "boolean", "list_bool_or(list_transform(r.insurance, lambda i: i.inforce))"),
            Column("error_codes", "varchar[]", all_codes("list_transform(r.error, lambda e: e.code)")),
        ),
        required=(STATUS, ("patient", "r.patient"), _CREATED, ("outcome", "r.outcome")),
        days=("r.created",),
        references=(_HOLDER, ("r.request", "CoverageEligibilityRequest")),
    ),
)
