"""The asset graph, the jobs and the schedules, as they were agreed."""

import dagster as dg
import pytest

from data_quality.suites import SUITES
from models.catalog import tables
from pipelines.definitions import defs
from pipelines.due import raw_tables
from pipelines.sources.fhir_references import behind_views


@pytest.fixture(scope="module")
def definitions():
    return defs()


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.resolve_asset_graph()


def keys(graph, layer):
    return sorted(key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == layer)


def test_raw_assets_are_the_raw_tables(graph):
    assert keys(graph, "raw") == [name.replace(".", "/") for name in raw_tables()]
    assert keys(graph, "account") == ["account/file"]


def test_every_sql_file_is_an_asset_with_the_parents_that_it_reads(graph):
    built = {table.full_name.replace(".", "/"): behind_views(table.reads) for table in tables()}
    found = {
        key.to_user_string(): frozenset(".".join(parent.path) for parent in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
        if key.path[0] in {"staging", "marts"}
    }
    assert found == built


def test_published_assets_are_these(graph):
    assert keys(graph, "published") == [
        "published/backlog_age",
        "published/backlog_week",
        "published/bed_clean",
        "published/channel_hour",
        "published/channel_reach",
        "published/channel_rhythm",
        "published/check_result",
        "published/clock_skew",
        "published/completion",
        "published/counter_gap",
        "published/criterion",
        "published/critical_result",
        "published/decision",
        "published/delay_edge",
        "published/delay_part",
        "published/drift",
        "published/ed_attendance",
        "published/engine_queue_hour",
        "published/exception_count",
        "published/expected_message",
        "published/export",
        "published/file",
        "published/finding",
        "published/finding_week",
        "published/handoff",
        "published/handover",
        "published/identifier_match",
        "published/imaging_order",
        "published/improvement_option",
        "published/incident_course",
        "published/incident_impact",
        "published/inpatient_stay",
        "published/interface_channel",
        "published/interface_destination",
        "published/interface_error",
        "published/interface_flow",
        "published/interface_history",
        "published/interface_hour",
        "published/interface_incident",
        "published/intervention",
        "published/journey_event",
        "published/kpi_delay",
        "published/kpi_exclusion",
        "published/kpi_signal",
        "published/kpi_value",
        "published/lab_order",
        "published/ledger_total",
        "published/location",
        "published/log_gap",
        "published/lost_time",
        "published/lost_total",
        "published/message",
        "published/message_delivery",
        "published/message_event",
        "published/message_match",
        "published/message_passage",
        "published/order_fulfilment",
        "published/organization",
        "published/patient_identity",
        "published/pilot_result",
        "published/pilot_week",
        "published/process_deviation",
        "published/process_edge",
        "published/process_handover",
        "published/process_incident",
        "published/process_rule",
        "published/process_summary",
        "published/process_variant",
        "published/process_waiting",
        "published/process_week",
        "published/quarantine",
        "published/quarantine_total",
        "published/readiness",
        "published/reference_match",
        "published/source_freshness",
        "published/state_change",
        "published/status_pair",
        "published/step_wait",
        "published/task_progress",
        "published/task_trigger",
        "published/unit_hour",
        "published/unit_stay",
        "published/unowned_wait",
        "published/validation",
        "published/validation_failure",
        "published/visit",
        "published/wait",
        "published/wait_part",
        "published/wait_stage",
        "published/work_exception",
        "published/work_task",
        "published/workflow_case",
        "published/workflow_event",
    ]


def test_publication_waits_for_every_table(graph):
    parents = {parent.to_user_string() for parent in graph.get(dg.AssetKey(["published", "kpi_value"])).parent_keys}
    assert parents == {table.full_name.replace(".", "/") for table in tables()} | {"account/file"}


def test_every_suite_is_a_blocking_check_and_a_check_that_does_not_block(graph):
    found = {
        (key.asset_key.to_user_string(), key.name): graph.get_check_spec(key).blocking for key in graph.asset_check_keys
    }
    expected = {("account/file", "is_balanced"): True}
    for table in SUITES:
        asset = table.replace(".", "/")
        expected |= {(asset, "is_sound"): True, (asset, "is_plausible"): False}
    assert found == expected


def test_the_hourly_job_leaves_clinical_tables_alone(definitions):
    job = definitions.resolve_job_def("refresh_interfaces")
    selected = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    assert {key for key in selected if not key.startswith("published/")} == {
        "account/file",
        "marts/channel_hop",
        "marts/channel_hour",
        "marts/channel_rhythm",
        "marts/clock_skew",
        "marts/counter_gap",
        "marts/counter_span",
        "marts/engine_queue_hour",
        "marts/channel_arrival",
        "marts/channel_lull",
        "marts/channel_pace",
        "marts/channel_silence",
        "marts/delivery_slot",
        "marts/delivery_trouble",
        "marts/delivery_wait",
        "marts/latency_day",
        "marts/interface_channel",
        "marts/interface_flow",
        "marts/incident_course",
        "marts/incident_impact",
        "marts/interface_incident",
        "marts/intervention",
        "marts/journey_event",
        "marts/log_gap",
        "marts/lost_time",
        "marts/message",
        "marts/message_delivery",
        "marts/message_event",
        "marts/identifier_match",
        "marts/message_match",
        "marts/result_opening",
        "marts/message_passage",
        "marts/wait_heard",
        "marts/wait_part",
        "marts/wait_stage",
        "marts/wait_step",
        "marts/workflow_event",
        # what an order, a channel or a step was waiting for, and the queue
        "marts/expected_message",
        "marts/handover",
        "marts/status_pair",
        "marts/task_trigger",
        "raw/registry_system",
        "staging/registry_system",
        "marts/process_incident",
        "marts/unowned_wait",
        "marts/case_deviation",
        "marts/process_case",
        "marts/step_wait",
        "marts/workflow_case",
        "marts/work_exception",
        "raw/counter_sample",
        "raw/decision",
        "raw/interface_event",
        "raw/process_activity",
        "raw/process_record",
        "raw/registry_alias",
        "raw/registry_criterion",
        "raw/registry_downtime",
        "raw/registry_holiday",
        "raw/registry_interface",
        "raw/registry_option",
        "raw/registry_record",
        "raw/registry_workflow",
        "staging/acknowledgement",
        "staging/counter_sample",
        "staging/decision",
        "staging/delivery",
        "staging/flow_channel",
        "staging/interface_event",
        "staging/message",
        "staging/process_activity",
        "staging/process_record",
        "staging/message_origin",
        "staging/queue_sample",
        "staging/registry_criterion",
        "staging/registry_downtime",
        "staging/registry_holiday",
        "staging/registry_interface",
        "staging/registry_option",
        "staging/registry_record",
        "staging/registry_step",
    }


def test_schedules_and_sensors_run_without_being_switched_on(definitions):
    assert {schedule.name: (schedule.cron_schedule, schedule.job_name) for schedule in definitions.schedules} == {
        "nightly": ("30 4 * * *", "refresh"),
        "hourly": ("5 * * * *", "refresh_interfaces"),
    }
    assert {schedule.default_status for schedule in definitions.schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert sorted(sensor.name for sensor in definitions.sensors) == [
        "failed_runs",
        "growing_logs",
        "new_files",
        "polled_engines",
    ]
    assert {sensor.default_status for sensor in definitions.sensors} == {dg.DefaultSensorStatus.RUNNING}


def test_a_log_that_grew_brings_flows_up_to_date_and_leaves_single_messages_and_waits_to_the_hour(definitions):
    def of(job):
        return {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}

    left = of("refresh_interfaces") - of("follow_logs")
    assert of("follow_logs") <= of("refresh_interfaces")
    assert left >= {"marts/message_event", "marts/journey_event", "marts/workflow_event", "marts/wait_part"}
    assert not {name for name in left if not name.startswith("marts/")}
    assert not left & {"marts/interface_channel", "marts/channel_hour", "marts/interface_incident", "marts/message"}
