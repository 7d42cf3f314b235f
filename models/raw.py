"""The raw tables as the staging queries expect them: column names and DuckDB types, nothing else.

The pipeline owns these tables and may add columns. This is the promise the core relies on: tests build the queries on
empty tables of this shape, and the data dictionary explains them.
"""

from collections.abc import Mapping

_PROVENANCE = """source varchar, file_id integer, line bigint, last_updated timestamptz, seen_from timestamptz,
    seen_to timestamptz, is_deleted boolean, version_hash varchar, flags varchar[]"""
_CODING = "struct(system varchar, code varchar)"
_SPELL = 'status varchar, "start" varchar, "end" varchar'

_FHIR = {
    "fhir_organization": "organization_id varchar, identifier_keys varchar[], name varchar, part_of_ref varchar, type_codes varchar[]",
    "fhir_location": f"location_id varchar, identifier_keys varchar[], name varchar, status varchar, types {_CODING}[], "
    "physical_type_code varchar, operational_status_code varchar, part_of_ref varchar, organization_ref varchar",
    "fhir_patient": "patient_key varchar, mrn_keys varchar[], replaced_by_keys varchar[], replaces_keys varchar[], "
    "birth_year integer, sex varchar",
    "fhir_encounter": "encounter_key varchar, patient_key varchar, visit_keys varchar[], part_of_key varchar, "
    "status varchar, class_code varchar, type_codes varchar[], service_type_code varchar, profiles varchar[], "
    "priority_code varchar, period_start varchar, period_end varchar, "
    f"locations struct(location_id varchar, {_SPELL})[], status_history struct({_SPELL})[], "
    "admit_source_code varchar, discharge_disposition_codes varchar[], organization_id varchar, version_id varchar",
    "fhir_encounter_history": "encounter_history_key varchar, encounter_key varchar, patient_key varchar, status varchar, "
    "class_code varchar, subject_status_code varchar, period_start varchar, period_end varchar",
    "fhir_service_request": "order_key varchar, patient_key varchar, encounter_key varchar, placer_keys varchar[], "
    f"status varchar, intent varchar, category_codes varchar[], codes {_CODING}[], priority varchar, "
    "authored_on varchar, location_id varchar, version_id varchar",
    "fhir_specimen": "specimen_key varchar, patient_key varchar, order_keys varchar[], collected varchar, "
    "received_time varchar",
    "fhir_diagnostic_report": "report_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "status varchar, effective varchar, issued varchar",
    "fhir_imaging_study": "imaging_study_key varchar, patient_key varchar, encounter_key varchar, "
    "order_keys varchar[], accession_keys varchar[], status varchar, modality_codes varchar[], started varchar",
    "fhir_observation": "observation_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    f"status varchar, interpretation_codes varchar[], issued varchar, codes {_CODING}[], value_codes {_CODING}[], "
    "effective varchar",
    "fhir_task": "task_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "focus_type varchar, focus_key varchar, focus_location_id varchar, part_of_keys varchar[], status varchar, "
    f"reason_codes varchar[], business_status_code varchar, codes {_CODING}[], "
    f"priority varchar, authored_on varchar, last_modified varchar, "
    "execution_start varchar, execution_end varchar, due varchar, location_id varchar, owner_key varchar, "
    "performer_codes varchar[], version_id varchar",
    "fhir_provenance": f"provenance_key varchar, task_keys varchar[], codes {_CODING}[], agent_types varchar[], "
    "recorded varchar, targets struct(resource_type varchar, resource_key varchar, version_id varchar)[]",
    "fhir_practitioner": "practitioner_key varchar, identifier_keys varchar[], is_active boolean",
    "fhir_condition": "condition_key varchar, patient_key varchar, encounter_key varchar, clinical_status_code varchar, "
    "verification_status_code varchar, category_codes varchar[], codes struct(system varchar, code "
    "varchar)[], onset varchar, abatement varchar, recorded_date varchar",
    "fhir_procedure": "procedure_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], status "
    f"varchar, codes {_CODING}[], performed_start varchar, performed_end "
    "varchar",
    "fhir_medication_request": "medication_request_key varchar, patient_key varchar, encounter_key varchar, status varchar, intent "
    "varchar, category_codes varchar[], priority varchar, authored_on varchar",
    "fhir_medication_administration": "medication_administration_key varchar, patient_key varchar, encounter_key varchar, "
    "medication_request_key varchar, status varchar, given_start varchar, given_end varchar",
    "fhir_medication_statement": "medication_statement_key varchar, patient_key varchar, encounter_key varchar, status varchar, "
    "date_asserted varchar",
    "fhir_medication_dispense": "medication_dispense_key varchar, patient_key varchar, encounter_key varchar, "
    "medication_request_key varchar, status varchar, prepared varchar, handed_over varchar",
    "fhir_appointment": "appointment_key varchar, patient_key varchar, order_keys varchar[], slot_keys varchar[], "
    "location_id varchar, status varchar, appointment_type_code varchar, service_type_codes varchar[], "
    "cancellation_reason_codes varchar[], cancelled varchar, created varchar, planned_start varchar, "
    "planned_end varchar, version_id varchar",
    "fhir_slot": "slot_key varchar, schedule_key varchar, status varchar, planned_start varchar, planned_end "
    "varchar, is_overbooked boolean",
    "fhir_schedule": "schedule_key varchar, is_active boolean, specialty_codes varchar[], location_id varchar, "
    "horizon_start varchar, horizon_end varchar",
    "fhir_communication": "communication_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "task_keys varchar[], appointment_keys varchar[], observation_keys varchar[], report_keys "
    "varchar[], category_codes varchar[], medium_codes varchar[], priority varchar, in_response_to_keys "
    "varchar[], status varchar, status_reason_code varchar, sent varchar, received varchar",
    "fhir_communication_request": "communication_request_key varchar, patient_key varchar, encounter_key varchar, order_keys "
    "varchar[], task_keys varchar[], appointment_keys varchar[], observation_keys varchar[], "
    "report_keys varchar[], category_codes varchar[], medium_codes varchar[], priority varchar, status "
    "varchar, authored_on varchar, due varchar",
    "fhir_immunization_recommendation": "immunization_recommendation_key varchar, patient_key varchar, date varchar, due_dates "
    'struct(forecast_code varchar, date_code varchar, "date" varchar)[]',
    "fhir_flag": "flag_key varchar, patient_key varchar, encounter_key varchar, status varchar, category_codes "
    f"varchar[], codes {_CODING}[], period_start varchar, period_end varchar",
    "fhir_detected_issue": "detected_issue_key varchar, patient_key varchar, encounter_key varchar, status varchar, severity "
    f"varchar, codes {_CODING}[], identified varchar, order_keys varchar[], "
    "medication_request_keys varchar[], mitigations struct(codes struct(system varchar, code "
    'varchar)[], "date" varchar)[]',
    "fhir_guidance_response": "guidance_response_key varchar, patient_key varchar, encounter_key varchar, status varchar, module "
    "varchar, occurred varchar, has_reason boolean, request_group_key varchar",
    "fhir_request_group": "request_group_key varchar, patient_key varchar, encounter_key varchar, status varchar, intent "
    "varchar, priority varchar, authored_on varchar",
    "fhir_document_reference": "document_reference_key varchar, patient_key varchar, encounter_keys varchar[], order_keys "
    f"varchar[], status varchar, doc_status varchar, type_codes {_CODING}[], "
    "category_codes varchar[], date varchar, is_authenticated boolean, attested varchar",
    "fhir_composition": "composition_key varchar, patient_key varchar, encounter_key varchar, status varchar, type_codes "
    f"{_CODING}[], category_codes varchar[], date varchar, attestations "
    'struct(mode varchar, "time" varchar)[]',
    "fhir_consent": "consent_key varchar, patient_key varchar, status varchar, scope_codes struct(system varchar, code "
    "varchar)[], category_codes varchar[], consented varchar, decision varchar, valid_start varchar, "
    "valid_end varchar",
    "fhir_questionnaire_response": "questionnaire_response_key varchar, patient_key varchar, encounter_key varchar, order_keys "
    "varchar[], status varchar, questionnaire varchar, authored varchar",
    "fhir_list": "list_key varchar, patient_key varchar, encounter_key varchar, status varchar, mode varchar, codes "
    f"{_CODING}[], date varchar, medication_statement_keys varchar[], "
    "medication_request_keys varchar[]",
    "fhir_measure_report": "measure_report_key varchar, patient_key varchar, status varchar, report_type varchar, measure "
    "varchar, date varchar, period_start varchar, period_end varchar, populations struct(code varchar, "
    '"count" bigint)[]',
    "fhir_claim": "claim_key varchar, patient_key varchar, encounter_keys varchar[], order_key varchar, coverage_keys "
    f"varchar[], status varchar, type_codes {_CODING}[], use_code varchar, "
    "priority_code varchar, created varchar, billable_start varchar, billable_end varchar, diagnoses "
    f"struct(condition_key varchar, codes {_CODING}[], type_codes "
    "varchar[])[]",
    "fhir_claim_response": "claim_response_key varchar, patient_key varchar, claim_key varchar, status varchar, type_codes "
    f"{_CODING}[], use_code varchar, created varchar, outcome varchar, "
    "decision_code varchar, authorised_start varchar, authorised_end varchar, adjudication_codes "
    "varchar[], reason_codes varchar[], review_action_codes varchar[]",
    "fhir_explanation_of_benefit": "explanation_of_benefit_key varchar, patient_key varchar, claim_key varchar, claim_response_key "
    f"varchar, status varchar, type_codes {_CODING}[], use_code varchar, "
    "created varchar, outcome varchar, billable_start varchar, billable_end varchar, adjudication_codes "
    "varchar[], reason_codes varchar[], review_action_codes varchar[]",
    "fhir_coverage": "coverage_key varchar, patient_key varchar, status varchar, type_codes struct(system varchar, code "
    "varchar)[], valid_start varchar, valid_end varchar",
    "fhir_coverage_eligibility_request": "coverage_eligibility_request_key varchar, patient_key varchar, status varchar, "
    "purposes varchar[], "
    "created varchar, serviced varchar",
    "fhir_coverage_eligibility_response": "coverage_eligibility_response_key varchar, patient_key varchar, "
    "coverage_eligibility_request_key "
    "varchar, status varchar, created varchar, outcome varchar, is_in_force boolean, error_codes "
    "varchar[]",
    "fhir_audit_event": "audit_event_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "report_keys varchar[], task_keys varchar[], practitioner_keys varchar[], user_hashes varchar[], role_codes varchar[], "
    "system_hash varchar, "
    "type_code varchar, subtype_codes varchar[], action varchar, outcome varchar, purpose_codes varchar[], "
    "request_hashes varchar[], recorded varchar",
}
_OTHER = {
    "interface_event": "event_uid varchar, source varchar, source_kind varchar, native_type varchar, "
    "occurred_at timestamptz, time_basis varchar, time_precision varchar, time_ambiguous boolean, clock_id varchar, "
    "event_type varchar, flow_id varchar, flow_name varchar, node_id varchar, node_name varchar, node_role varchar, "
    "direction varchar, message_uid varchar, incarnation varchar, parent_message_uid varchar, "
    "root_message_uid varchar, replay_of_uid varchar, correlation_key varchar, control_key varchar, trace_key varchar, "
    "msg_standard varchar, msg_type varchar, msg_trigger varchar, mrn_key varchar, prior_mrn_key varchar, visit_key varchar, "
    "placer_key varchar, filler_key varchar, accession_key varchar, attempt_no integer, attempts_exact boolean, "
    "ack_code varchar, ack_level varchar, error_class varchar, "
    "error_code varchar, error_template varchar, error_fingerprint varchar, sent_at timestamptz, msg_shape varchar, "
    "actor_key varchar, actor_role varchar, queue_depth bigint, event_count bigint, file_id integer, "
    "line bigint, quality_flags varchar[]",
    "human_touch": "touch_uid varchar, source varchar, occurred_at timestamptz, time_precision varchar, event_code varchar, "
    "type_codes varchar[], action varchar, outcome varchar, purpose_codes varchar[], user_hashes varchar[], role_codes varchar[], "
    "system_hash varchar, mrn_key varchar, visit_key varchar, object_hashes varchar[], correlation_key varchar, file_id integer, "
    "line bigint",
    "process_activity": "activity_uid varchar, source varchar, activity_key varchar, process_key varchar, process_definition varchar, "
    "activity varchar, activity_type varchar, started_at timestamptz, ended_at timestamptz, is_canceled boolean, occurred_at timestamptz, "
    "file_id integer, line bigint",
    "process_record": "record_uid varchar, source varchar, kind varchar, record_key varchar, process_key varchar, root_key varchar, "
    "process_definition varchar, activity varchar, activity_key varchar, encounter_key varchar, visit_key varchar, placer_key varchar, "
    "has_business_key boolean, assignee_hash varchar, owner_hash varchar, outcome varchar, incident_type varchar, due_at timestamptz, "
    "started_at timestamptz, ended_at timestamptz, occurred_at timestamptz, file_id integer, line bigint",
    "counter_sample": "sample_uid varchar, source varchar, sampled_at timestamptz, flow_id varchar, flow_name varchar, node_id varchar, "
    "server_id varchar, received_count bigint, filtered_count bigint, sent_count bigint, error_count bigint, "
    "received_lifetime_count bigint, filtered_lifetime_count bigint, sent_lifetime_count bigint, error_lifetime_count bigint, "
    "file_id integer, line bigint",
    "reference": "source varchar, resource varchar, element varchar, refers_to varchar, key varchar",
    "resource": "resource varchar, key varchar, is_deleted boolean, seen_to timestamptz, last_updated timestamptz",
    "registry_interface": "flow varchar, source varchar, facility varchar, owner varchar, protocol varchar, "
    "data_domain varchar, criticality varchar, max_silence_minutes integer, kind varchar",
    "registry_record": "domain varchar, system varchar",
    "registry_alias": "source varchar, flow_id varchar, is_now varchar",
    "registry_downtime": "source varchar, flow varchar, starts_at timestamptz, ends_at timestamptz, why varchar",
    "registry_holiday": "holiday_date date",
    "registry_system": "id varchar, name varchar, owner varchar",
    "registry_option": "id varchar, title varchar, owner varchar, effort_days double, saves double, fixes varchar[], "
    "criteria varchar[], scores double[]",
    "registry_criterion": "name varchar, weight double",
    "registry_workflow": "id varchar, title varchar, step_no integer, step varchar, owner varchar, "
    "window_minutes double, exception varchar, expected varchar, is_record boolean",
    "visit_rule": "source varchar, rule_no integer, class_codes varchar[], type_codes varchar[], "
    "service_type_codes varchar[], profiles varchar[], has_parent boolean, place varchar, visit_kind varchar",
    "incomplete_export": "source varchar, exported_at timestamptz, complete_at timestamptz",
    "decision": "decision_id varchar, decided_at timestamptz, actor varchar, action varchar, subject_kind varchar, "
    "subject varchar, facility varchar, value varchar, why varchar, file_id integer, line bigint",
}

RAW_TABLES: Mapping[str, str] = {
    name: f"create table raw.{name} ({columns})"
    for name, columns in ({name: f"{columns}, {_PROVENANCE}" for name, columns in _FHIR.items()} | _OTHER).items()
}
"""The statement that makes each raw table, by its name without the schema."""
