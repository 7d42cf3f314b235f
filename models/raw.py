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
    "fhir_organization": "organization_id varchar, identifier_keys varchar[], name varchar, part_of_ref varchar",
    "fhir_location": f"location_id varchar, identifier_keys varchar[], name varchar, status varchar, types {_CODING}[], "
    "physical_type_code varchar, part_of_ref varchar, organization_ref varchar",
    "fhir_patient": "patient_key varchar, mrn_keys varchar[], replaced_by_keys varchar[], replaces_keys varchar[], "
    "birth_year integer, sex varchar",
    "fhir_encounter": "encounter_key varchar, patient_key varchar, visit_keys varchar[], part_of_key varchar, "
    "status varchar, class_code varchar, type_codes varchar[], service_type_code varchar, profiles varchar[], "
    "priority_code varchar, period_start varchar, period_end varchar, "
    f"locations struct(location_id varchar, {_SPELL})[], status_history struct({_SPELL})[], "
    "admit_source_code varchar, discharge_disposition_codes varchar[], organization_id varchar",
    "fhir_service_request": "order_key varchar, patient_key varchar, encounter_key varchar, placer_keys varchar[], "
    f"status varchar, intent varchar, category_codes varchar[], codes {_CODING}[], priority varchar, "
    "authored_on varchar, location_id varchar",
    "fhir_specimen": "specimen_key varchar, patient_key varchar, order_keys varchar[], collected varchar, "
    "received_time varchar",
    "fhir_diagnostic_report": "report_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "status varchar, effective varchar, issued varchar",
    "fhir_imaging_study": "imaging_study_key varchar, patient_key varchar, encounter_key varchar, "
    "order_keys varchar[], status varchar, modality_codes varchar[], started varchar",
    "fhir_observation": "observation_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "status varchar, interpretation_codes varchar[], issued varchar",
    "fhir_task": "task_key varchar, patient_key varchar, encounter_key varchar, order_keys varchar[], "
    "focus_type varchar, focus_key varchar, focus_location_id varchar, part_of_keys varchar[], status varchar, "
    f"business_status_code varchar, codes {_CODING}[], priority varchar, authored_on varchar, last_modified varchar, "
    "execution_start varchar, execution_end varchar, due varchar, location_id varchar, owner_key varchar",
    "fhir_provenance": f"provenance_key varchar, task_keys varchar[], codes {_CODING}[], agent_types varchar[], "
    "recorded varchar",
}
_OTHER = {
    "interface_event": "event_uid varchar, source varchar, source_kind varchar, native_type varchar, "
    "occurred_at timestamptz, time_basis varchar, time_precision varchar, time_ambiguous boolean, clock_id varchar, "
    "event_type varchar, flow_id varchar, flow_name varchar, node_id varchar, node_name varchar, node_role varchar, "
    "direction varchar, message_uid varchar, incarnation varchar, parent_message_uid varchar, "
    "root_message_uid varchar, replay_of_uid varchar, correlation_key varchar, msg_standard varchar, "
    "msg_type varchar, msg_trigger varchar, mrn_key varchar, prior_mrn_key varchar, visit_key varchar, placer_key varchar, "
    "attempt_no integer, attempts_exact boolean, ack_code varchar, ack_level varchar, error_class varchar, "
    "error_code varchar, error_template varchar, error_fingerprint varchar, sent_at timestamptz, msg_shape varchar, "
    "actor_key varchar, actor_role varchar, file_id integer, "
    "line bigint, quality_flags varchar[]",
    "registry_interface": "flow varchar, source varchar, facility varchar, owner varchar, protocol varchar, "
    "data_domain varchar, criticality varchar, max_silence_minutes integer, kind varchar",
    "registry_workflow": "id varchar, title varchar, step_no integer, step varchar, owner varchar, "
    "window_minutes double, exception varchar",
    "visit_rule": "source varchar, rule_no integer, class_codes varchar[], type_codes varchar[], "
    "service_type_codes varchar[], profiles varchar[], has_parent boolean, place varchar, visit_kind varchar",
    "decision": "decision_id varchar, decided_at timestamptz, actor varchar, action varchar, subject_kind varchar, "
    "subject varchar, facility varchar, value varchar, why varchar, file_id integer, line bigint",
}

RAW_TABLES: Mapping[str, str] = {
    name: f"create table raw.{name} ({columns})"
    for name, columns in ({name: f"{columns}, {_PROVENANCE}" for name, columns in _FHIR.items()} | _OTHER).items()
}
"""The statement that makes each raw table, by its name without the schema."""
