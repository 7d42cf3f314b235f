"""Every type of resource that is read: one example in R4, in R5 where its shape moved, and the row that both become."""

import json

import pytest

from pipelines import keys
from pipelines.sources.fhir_elements import PROVENANCE
from pipelines.sources.fhir_projection import PROJECTIONS
from tests.sources.conftest import Site, make_home

KEY = b"a site key for tests only"
T1, T2, T3 = "2026-01-04T10:00:00-05:00", "2026-01-04T11:00:00-05:00", "2026-01-04T12:00:00-05:00"
PATIENT = {"subject": {"reference": "Patient/p1"}, "encounter": {"reference": "Encounter/e1"}}
ORDERED = {"basedOn": [{"reference": "ServiceRequest/o1"}]}
P, E, ORD = "patient p1", "encounter e1", "order o1"


def concept(code, system="urn:codes"):
    return {"coding": [{"system": system, "code": code, "display": "words"}], "text": "words"}


def coded(code):
    return [{"system": "urn:codes", "code": code}]


def period(start, end):
    return {"start": start, "end": end}


EXAMPLES = [
    ("Location", {"status": "active", "physicalType": concept("bd"), "operationalStatus": {"code": "O"}},
     {"status": "active", "form": concept("bd"), "operationalStatus": {"code": "O"}},
     {"location_id": "x", "status": "active", "physical_type_code": "bd", "operational_status_code": "O"}),
    ("Practitioner", {"active": True, "name": [{"family": "words"}], "identifier": [{"system": "urn:npi", "value": "7"}]}, None,
     {"practitioner_key": "practitioner x", "is_active": True,
      "identifier_keys": [keys.keyed(KEY, "practitioner identifier", "urn:npi", "7")]}),
    ("ImagingStudy", {**PATIENT, **ORDERED, "status": "available", "modality": [{"code": "CT"}], "started": T1},
     {**PATIENT, **ORDERED, "status": "available", "modality": [concept("CT")], "started": T1},
     {"imaging_study_key": "imaging_study x", "patient_key": P, "encounter_key": E, "order_keys": [ORD],
      "status": "available", "modality_codes": ["CT"], "started": T1}),
    ("Observation", {**PATIENT, "status": "final", "code": concept("28568-4"), "valueCodeableConcept": concept("434081000124108"),
      "effectiveDateTime": T1, "note": [{"text": "words"}], "valueString": "words"}, None,
     {"observation_key": "observation x", "patient_key": P, "encounter_key": E, "status": "final",
      "codes": coded("28568-4"), "value_codes": coded("434081000124108"), "effective": T1}),
    ("Condition", {**PATIENT, "clinicalStatus": concept("active"), "verificationStatus": concept("confirmed"),
      "category": [concept("encounter-diagnosis")], "code": concept("10349009"), "onsetDateTime": "2025-12-24",
      "abatementDateTime": T2, "recordedDate": T1, "note": [{"text": "words"}]}, None,
     {"condition_key": "condition x", "patient_key": P, "encounter_key": E, "clinical_status_code": "active",
      "verification_status_code": "confirmed", "category_codes": ["encounter-diagnosis"], "codes": coded("10349009"),
      "onset": "2025-12-24", "abatement": T2, "recorded_date": T1}),
    ("Procedure", {**PATIENT, **ORDERED, "status": "completed", "code": concept("1"), "performedPeriod": period(T1, T2)},
     {**PATIENT, **ORDERED, "status": "completed", "code": concept("1"), "occurrencePeriod": period(T1, T2)},
     {"procedure_key": "procedure x", "patient_key": P, "encounter_key": E, "order_keys": [ORD], "status": "completed",
      "codes": coded("1"), "performed_start": T1, "performed_end": T2}),
    ("MedicationRequest", {**PATIENT, "status": "active", "intent": "order", "category": [concept("discharge")],
      "priority": "stat", "authoredOn": T1, "medicationCodeableConcept": concept("drug")},
     {**PATIENT, "status": "active", "intent": "order", "category": [concept("discharge")],
      "priority": "stat", "authoredOn": T1, "medication": {"concept": concept("drug")}},
     {"medication_request_key": "medication_request x", "patient_key": P, "encounter_key": E, "status": "active",
      "intent": "order", "category_codes": ["discharge"], "priority": "stat", "authored_on": T1}),
    ("MedicationAdministration", {"subject": {"reference": "Patient/p1"}, "context": {"reference": "Encounter/e1"},
      "request": {"reference": "MedicationRequest/m1"}, "status": "completed", "effectivePeriod": period(T1, T2)},
     {**PATIENT, "request": {"reference": "MedicationRequest/m1"}, "status": "completed", "occurencePeriod": period(T1, T2)},
     {"medication_administration_key": "medication_administration x", "patient_key": P, "encounter_key": E,
      "medication_request_key": "medication_request m1", "status": "completed", "given_start": T1, "given_end": T2}),
    ("MedicationStatement", {"subject": {"reference": "Patient/p1"}, "context": {"reference": "Encounter/e1"},
      "status": "active", "dateAsserted": T1},
     {**PATIENT, "status": "recorded", "dateAsserted": T1},
     {"medication_statement_key": "medication_statement x", "patient_key": P, "encounter_key": E, "date_asserted": T1}),
    ("MedicationDispense", {"subject": {"reference": "Patient/p1"}, "context": {"reference": "Encounter/e1"},
      "authorizingPrescription": [{"reference": "MedicationRequest/m1"}], "status": "completed",
      "whenPrepared": T1, "whenHandedOver": T2}, None,
     {"medication_dispense_key": "medication_dispense x", "patient_key": P, "encounter_key": E,
      "medication_request_key": "medication_request m1", "status": "completed", "prepared": T1, "handed_over": T2}),
    ("Appointment", {**ORDERED, "slot": [{"reference": "Slot/s1"}], "status": "cancelled", "created": T1, "start": T2, "end": T3,
      "participant": [{"actor": {"reference": "Location/l1"}}, {"actor": {"reference": "Patient/p1"}}],
      "appointmentType": concept("FOLLOWUP"), "serviceType": [concept("57")], "cancelationReason": concept("pat"),
      "comment": "words"},
     {**ORDERED, "slot": [{"reference": "Slot/s1"}], "status": "cancelled", "created": T1, "start": T2, "end": T3,
      "participant": [{"actor": {"reference": "Location/l1"}}, {"actor": {"reference": "Patient/p1"}}],
      "appointmentType": concept("FOLLOWUP"), "serviceType": [{"concept": concept("57")}],
      "cancellationReason": concept("pat"), "class": [concept("AMB")]},
     {"appointment_key": "appointment x", "patient_key": P, "order_keys": [ORD], "slot_keys": ["slot s1"],
      "location_id": "l1", "status": "cancelled", "appointment_type_code": "FOLLOWUP", "service_type_codes": ["57"],
      "cancellation_reason_codes": ["pat"], "created": T1, "planned_start": T2, "planned_end": T3}),
    ("Slot", {"schedule": {"reference": "Schedule/c1"}, "status": "free", "start": T1, "end": T2, "overbooked": False}, None,
     {"slot_key": "slot x", "schedule_key": "schedule c1", "status": "free", "planned_start": T1, "planned_end": T2,
      "is_overbooked": False}),
    ("Schedule", {"active": True, "specialty": [concept("394802001")], "planningHorizon": period("2026-01-01", "2026-02-01"),
      "actor": [{"reference": "Practitioner/d1"}, {"reference": "Location/l1"}]}, None,
     {"schedule_key": "schedule x", "is_active": True, "specialty_codes": ["394802001"], "location_id": "l1",
      "horizon_start": "2026-01-01", "horizon_end": "2026-02-01"}),
    ("Communication", {**PATIENT, **ORDERED, "about": [{"reference": "Observation/b1"}, {"reference": "Task/t1"}],
      "inResponseTo": [{"reference": "Communication/c0"}], "status": "completed", "statusReason": concept("done"),
      "category": [concept("alert")], "medium": [concept("PHONE")], "priority": "stat", "sent": T1, "received": T2,
      "payload": [{"contentString": "words"}]}, None,
     {"communication_key": "communication x", "patient_key": P, "encounter_key": E, "order_keys": [ORD],
      "observation_keys": ["observation b1"], "task_keys": ["task t1"], "appointment_keys": [], "report_keys": [],
      "in_response_to_keys": ["communication c0"], "status": "completed", "status_reason_code": "done",
      "category_codes": ["alert"], "medium_codes": ["PHONE"], "priority": "stat", "sent": T1, "received": T2}),
    ("CommunicationRequest", {**PATIENT, "about": [{"reference": "Appointment/a1"}], "status": "active", "authoredOn": T1,
      "occurrenceDateTime": T2, "category": [concept("reminder")], "medium": [concept("SMSWRIT")]}, None,
     {"communication_request_key": "communication_request x", "patient_key": P, "encounter_key": E, "order_keys": [],
      "observation_keys": [], "task_keys": [], "appointment_keys": ["appointment a1"], "report_keys": [],
      "status": "active", "category_codes": ["reminder"], "medium_codes": ["SMSWRIT"], "authored_on": T1, "due": T2}),
    ("ImmunizationRecommendation", {"patient": {"reference": "Patient/p1"}, "date": "2026-01-04", "recommendation": [
      {"forecastStatus": concept("due"), "dateCriterion": [{"code": concept("30980-7"), "value": "2026-02-01"}]}]}, None,
     {"immunization_recommendation_key": "immunization_recommendation x", "patient_key": P, "date": "2026-01-04",
      "due_dates": [{"forecast_code": "due", "date_code": "30980-7", "date": "2026-02-01"}]}),
    ("Flag", {**PATIENT, "status": "active", "category": [concept("safety")], "code": concept("1"), "period": period(T1, T2)}, None,
     {"flag_key": "flag x", "patient_key": P, "encounter_key": E, "status": "active", "category_codes": ["safety"],
      "codes": coded("1"), "period_start": T1, "period_end": T2}),
    ("AuditEvent", {"type": {"system": "urn:codes", "code": "rest", "display": "words"}, "subtype": [{"code": "read"}],
      "action": "R", "recorded": T1, "outcome": "0", "outcomeDesc": "words", "purposeOfEvent": [concept("BTG")],
      "agent": [
          {"type": concept("IRCP"), "who": {"reference": "Practitioner/d1", "display": "words"}, "requestor": True,
           "role": [concept("doctor")], "purposeOfUse": [concept("ETREAT")], "network": {"address": "words"}},
          {"type": concept("110153"), "who": {"reference": "Device/v1"}, "requestor": False, "name": "words"}],
      "source": {"site": "words words", "observer": {"reference": "Device/v1"}},
      "entity": [{"what": {"reference": "Patient/p1"}, "query": "d29yZHM=", "name": "words", "description": "words"},
                 {"what": {"reference": "ServiceRequest/o1"}, "detail": [{"type": "words", "valueString": "words"}]},
                 {"what": {"identifier": {"value": "76d1"}}, "type": {"code": "XrequestId"}}]}, None,
     {"audit_event_key": "audit_event x", "patient_key": P, "order_keys": [ORD], "practitioner_keys": ["practitioner d1"],
      "user_hashes": ["user Practitioner/d1"], "role_codes": ["IRCP", "doctor"], "system_hash": "system Device/v1",
      "type_code": "rest", "subtype_codes": ["read"], "action": "R", "outcome": "0", "purpose_codes": ["BTG", "ETREAT"],
      "request_hashes": ["control 76d1"], "recorded": T1}),
    ("DetectedIssue", {"patient": {"reference": "Patient/p1"}, "status": "final", "severity": "high", "code": concept("DRG"),
      "identifiedDateTime": T1, "implicated": [{"reference": "MedicationRequest/m1"}],
      "mitigation": [{"action": concept("EMAUTH"), "date": T2, "author": {"display": "words"}}], "detail": "words"},
     {"subject": {"reference": "Patient/p1"}, "status": "final", "severity": "high", "code": concept("DRG"),
      "identifiedDateTime": T1, "implicated": [{"reference": "MedicationRequest/m1"}],
      "mitigation": [{"action": concept("EMAUTH"), "date": T2}]},
     {"detected_issue_key": "detected_issue x", "patient_key": P, "status": "final", "severity": "high",
      "codes": coded("DRG"), "identified": T1, "order_keys": [], "medication_request_keys": ["medication_request m1"],
      "mitigations": [{"codes": coded("EMAUTH"), "date": T2}]}),
    ("GuidanceResponse", {**PATIENT, "status": "success", "moduleCanonical": "https://rules.example/sepsis",
      "occurrenceDateTime": T1, "reasonCode": [concept("1")], "result": {"reference": "RequestGroup/g1"}},
     {**PATIENT, "status": "success", "moduleCanonical": "https://rules.example/sepsis",
      "occurrenceDateTime": T1, "reason": [{"concept": concept("1")}], "result": {"reference": "RequestOrchestration/g1"}},
     {"guidance_response_key": "guidance_response x", "patient_key": P, "encounter_key": E, "status": "success",
      "module": "https://rules.example/sepsis", "occurred": T1, "has_reason": True, "request_group_key": "request_group g1"}),
    ("RequestGroup", {**PATIENT, "status": "active", "intent": "proposal", "authoredOn": T1},
     {**PATIENT, "resourceType": "RequestOrchestration", "status": "active", "intent": "proposal", "authoredOn": T1},
     {"request_group_key": "request_group x", "patient_key": P, "encounter_key": E, "status": "active",
      "intent": "proposal", "authored_on": T1}),
    ("DocumentReference", {"subject": {"reference": "Patient/p1"}, "status": "current", "docStatus": "final",
      "type": concept("18842-5"), "category": [concept("note")], "date": T1, "authenticator": {"reference": "Practitioner/d1"},
      "context": {"encounter": [{"reference": "Encounter/e1"}], "related": [{"reference": "ServiceRequest/o1"}]},
      "content": [{"attachment": {"title": "words", "data": "d29yZHM="}}]},
     {"subject": {"reference": "Patient/p1"}, "status": "current", "docStatus": "final",
      "type": concept("18842-5"), "category": [concept("note")], "date": T1, **ORDERED,
      "context": [{"reference": "Encounter/e1"}], "attester": [{"mode": concept("legal")}]},
     {"document_reference_key": "document_reference x", "patient_key": P, "encounter_keys": [E], "order_keys": [ORD],
      "status": "current", "doc_status": "final", "type_codes": coded("18842-5"), "category_codes": ["note"], "date": T1,
      "is_authenticated": True}),
    ("Composition", {**PATIENT, "status": "final", "type": concept("18842-5"), "category": [concept("note")], "date": T1,
      "title": "words", "attester": [{"mode": "legal", "time": T2, "party": {"display": "words"}}]},
     {"subject": [PATIENT["subject"]], "encounter": PATIENT["encounter"], "status": "final", "type": concept("18842-5"),
      "category": [concept("note")], "date": T1, "attester": [{"mode": concept("legal"), "time": T2}]},
     {"composition_key": "composition x", "patient_key": P, "encounter_key": E, "status": "final",
      "type_codes": coded("18842-5"), "category_codes": ["note"], "date": T1,
      "attestations": [{"mode": "legal", "time": T2}]}),
    ("Consent", {"patient": {"reference": "Patient/p1"}, "status": "active", "scope": concept("treatment"),
      "category": [concept("59284-0")], "dateTime": T1, "provision": {"type": "permit", "period": period(T1, T2)}},
     {"subject": {"reference": "Patient/p1"}, "status": "active", "scope": concept("treatment"),
      "category": [concept("59284-0")], "date": T1, "decision": "permit", "period": period(T1, T2), "provision": [{}]},
     {"consent_key": "consent x", "patient_key": P, "status": "active", "scope_codes": coded("treatment"),
      "category_codes": ["59284-0"], "consented": T1, "decision": "permit", "valid_start": T1, "valid_end": T2}),
    ("QuestionnaireResponse", {**PATIENT, **ORDERED, "status": "completed", "questionnaire": "https://forms.example/intake",
      "authored": T1, "item": [{"text": "words", "answer": [{"valueString": "words"}]}]}, None,
     {"questionnaire_response_key": "questionnaire_response x", "patient_key": P, "encounter_key": E, "order_keys": [ORD],
      "status": "completed", "questionnaire": "https://forms.example/intake", "authored": T1}),
    ("List", {**PATIENT, "status": "current", "mode": "snapshot", "code": concept("10160-0"), "date": T1,
      "entry": [{"item": {"reference": "MedicationStatement/s1"}}, {"item": {"reference": "MedicationRequest/m1"}}]},
     {"subject": [PATIENT["subject"]], "encounter": PATIENT["encounter"], "status": "current", "mode": "snapshot",
      "code": concept("10160-0"), "date": T1,
      "entry": [{"item": {"reference": "MedicationStatement/s1"}}, {"item": {"reference": "MedicationRequest/m1"}}]},
     {"list_key": "list x", "patient_key": P, "encounter_key": E, "status": "current", "mode": "snapshot",
      "codes": coded("10160-0"), "date": T1, "medication_statement_keys": ["medication_statement s1"],
      "medication_request_keys": ["medication_request m1"]}),
    ("MeasureReport", {"subject": {"reference": "Patient/p1"}, "status": "complete", "type": "individual",
      "measure": "https://measures.example/cms130", "date": T1, "period": period("2026-01-01", "2026-12-31"),
      "group": [{"population": [{"code": concept("numerator"), "count": 0}, {"code": concept("denominator"), "count": 1}]}]}, None,
     {"measure_report_key": "measure_report x", "patient_key": P, "status": "complete", "report_type": "individual",
      "measure": "https://measures.example/cms130", "date": T1, "period_start": "2026-01-01", "period_end": "2026-12-31",
      "populations": [{"code": "numerator", "count": 0}, {"code": "denominator", "count": 1}]}),
    ("Claim", {"patient": {"reference": "Patient/p1"}, "status": "active", "type": concept("institutional"),
      "use": "preauthorization", "created": "2026-01-04", "priority": concept("stat"), "referral": {"reference": "ServiceRequest/o1"},
      "billablePeriod": period("2026-01-04", "2026-01-05"), "insurance": [{"coverage": {"reference": "Coverage/v1"}}],
      "item": [{"encounter": [{"reference": "Encounter/e1"}]}],
      "diagnosis": [{"diagnosisReference": {"reference": "Condition/d1"}, "type": [concept("principal")]}]},
     {"patient": {"reference": "Patient/p1"}, "status": "active", "type": concept("institutional"),
      "use": "preauthorization", "created": "2026-01-04", "priority": concept("stat"), "referral": {"reference": "ServiceRequest/o1"},
      "billablePeriod": period("2026-01-04", "2026-01-05"), "insurance": [{"coverage": {"reference": "Coverage/v1"}}],
      "encounter": [{"reference": "Encounter/e1"}],
      "diagnosis": [{"diagnosisReference": {"reference": "Condition/d1"}, "type": [concept("principal")]}]},
     {"claim_key": "claim x", "patient_key": P, "encounter_keys": [E], "order_key": ORD, "coverage_keys": ["coverage v1"],
      "status": "active", "type_codes": coded("institutional"), "use_code": "preauthorization", "priority_code": "stat",
      "created": "2026-01-04", "billable_start": "2026-01-04", "billable_end": "2026-01-05",
      "diagnoses": [{"condition_key": "condition d1", "codes": None, "type_codes": ["principal"]}]}),
    ("ClaimResponse", {"patient": {"reference": "Patient/p1"}, "status": "active", "type": concept("institutional"),
      "use": "preauthorization", "created": T1, "request": {"reference": "Claim/c1"}, "outcome": "complete",
      "preAuthPeriod": period(T1, T2), "disposition": "words", "item": [{"adjudication": [
        {"category": concept("submitted"), "reason": concept("CO-197"), "extension": [{"url": "urn:reviewAction", "extension": [
          {"url": "number", "valueString": "words"},
          {"url": "http://x.example/extension-reviewActionCode", "valueCodeableConcept": concept("A3")}]}]}]}]}, None,
     {"claim_response_key": "claim_response x", "patient_key": P, "claim_key": "claim c1", "status": "active",
      "type_codes": coded("institutional"), "use_code": "preauthorization", "created": T1, "outcome": "complete",
      "authorised_start": T1, "authorised_end": T2, "adjudication_codes": ["submitted"], "reason_codes": ["CO-197"],
      "review_action_codes": ["A3"]}),
    ("ExplanationOfBenefit", {"patient": {"reference": "Patient/p1"}, "status": "active", "type": concept("institutional"),
      "use": "claim", "created": T1, "claim": {"reference": "Claim/c1"}, "claimResponse": {"reference": "ClaimResponse/r1"},
      "outcome": "complete", "billablePeriod": period("2026-01-04", "2026-01-05"),
      "adjudication": [{"category": concept("denied")}]}, None,
     {"explanation_of_benefit_key": "explanation_of_benefit x", "patient_key": P, "claim_key": "claim c1",
      "claim_response_key": "claim_response r1", "status": "active", "type_codes": coded("institutional"), "use_code": "claim",
      "created": T1, "outcome": "complete", "billable_start": "2026-01-04", "billable_end": "2026-01-05",
      "adjudication_codes": ["denied"], "reason_codes": [], "review_action_codes": []}),
    ("Coverage", {"status": "active", "type": concept("349"), "beneficiary": {"reference": "Patient/p1"},
      "period": period("2026-01-01", "2026-12-31"), "subscriberId": "words"}, None,
     {"coverage_key": "coverage x", "patient_key": P, "status": "active", "type_codes": coded("349"),
      "valid_start": "2026-01-01", "valid_end": "2026-12-31"}),
    ("CoverageEligibilityRequest", {"patient": {"reference": "Patient/p1"}, "status": "active", "purpose": ["validation"],
      "created": T1, "servicedDate": "2026-01-05"}, None,
     {"coverage_eligibility_request_key": "coverage_eligibility_request x", "patient_key": P, "status": "active",
      "purposes": ["validation"], "created": T1, "serviced": "2026-01-05"}),
    ("CoverageEligibilityResponse", {"patient": {"reference": "Patient/p1"}, "status": "active", "created": T1,
      "request": {"reference": "CoverageEligibilityRequest/q1"}, "outcome": "error", "disposition": "words",
      "insurance": [{"inforce": True}], "error": [{"code": concept("a001")}]}, None,
     {"coverage_eligibility_response_key": "coverage_eligibility_response x", "patient_key": P,
      "coverage_eligibility_request_key": "coverage_eligibility_request q1", "status": "active", "created": T1,
      "outcome": "error", "is_in_force": True, "error_codes": ["a001"]}),
]  # fmt: skip


def in_keys(value):
    """The expected value with `kind id` as the keyed hash that it stands for, in columns of keys."""
    if isinstance(value, list):
        return [in_keys(each) for each in value]
    if isinstance(value, dict):
        return {name: in_keys(each) if name.endswith("_key") else each for name, each in value.items()}
    return (
        keys.keyed(KEY, value.split(" ")[0], "ehr", value.split(" ")[1])
        if isinstance(value, str) and " " in value
        else value
    )


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """A site for each version of FHIR, into which one file with all its examples was taken, and the text of all its tables."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDFLOW_SITE_KEY", KEY.decode())
        for version, place in (("R4", 1), ("R5", 2)):
            folder = tmp_path_factory.mktemp(version)
            site = Site(make_home(folder / "home"))
            (folder / "manifest.json").write_text(
                '{"transactionTime": "2026-01-05T00:00:00-05:00", "output": [], "error": []}'
            )
            resources = [{"resourceType": each[0], "id": "x"} | (each[place] or each[1]) for each in EXAMPLES]
            (folder / "all.ndjson").write_text("\n".join(map(json.dumps, resources)))
            assert site.ingest(folder / "all.ndjson").totals["loaded"] == len(EXAMPLES)
            found[version] = site
    yield found
    for site in found.values():
        site.db.close()


@pytest.mark.parametrize(
    ("version", "resource", "expected"),
    [
        (version, each[0], each[3])
        for each in EXAMPLES
        for version, given in (("R4", each[1]), ("R5", each[2]))
        if given
    ],
)
def test_of_a_resource_these_columns_are_kept(sites, version, resource, expected):
    projection = PROJECTIONS[resource]
    packed = ", ".join(f'"{column.name}" := "{column.name}"' for column in projection.columns)
    ((row, flags),) = sites[version].rows(
        f"select to_json(kept)::varchar, flags from (select struct_pack({packed}) as kept, flags from {projection.table})"
    )
    found = {name: value for name, value in json.loads(row).items() if value not in (None, [])}
    if "status" not in expected:  # the two versions have other words for it
        found.pop("status", None)
    assert found == {name: in_keys(value) for name, value in expected.items() if value != []}
    assert flags == []


def test_no_words_are_kept_of_any(sites):
    assert "words" in json.dumps(EXAMPLES)
    assert not [version for version, site in sites.items() if "words" in site.everything()]


def test_every_type_that_is_read_has_an_example_here_or_in_the_tests_of_its_own():
    elsewhere = {
        "Organization",
        "Patient",
        "Encounter",
        "EncounterHistory",
        "ServiceRequest",
        "Specimen",
        "DiagnosticReport",
    }
    assert set(PROJECTIONS) == {resource for resource, *_ in EXAMPLES} | elsewhere | {
        "Task",
        "Provenance",
        "RequestOrchestration",
    }


def test_every_table_has_the_columns_that_say_where_a_row_came_from(site):
    for projection in PROJECTIONS.values():
        found = {name for (name,) in site.rows(f"select column_name from (describe {projection.table})")}
        assert found >= PROVENANCE.keys()
