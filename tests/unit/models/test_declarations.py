"""The declarations keep the rules of this project, and say all that their arithmetic reads."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from models.catalog import upstream
from models.declaration import Kpi
from models.dictionary import PATH, built_schema, generate, measure_in_words
from models.errors import BadDeclaration, UnknownDimension, UnknownKpi
from models.kpi import Mean, Rate, Selection, Total, cases, evaluate, exclusions
from models.kpis import FAMILIES, KPIS, find_kpi

AS_OF = datetime(2026, 4, 13, tzinfo=ZoneInfo("America/New_York"))
SCHEMA = built_schema()
KINDS = {
    "BIGINT": pl.Int64,
    "BOOLEAN": pl.Boolean,
    "DATE": pl.Date,
    "TIMESTAMP": pl.Datetime,
    "DOUBLE": pl.Float64,
    "VARCHAR": pl.String,
}


def empty(kpi: Kpi, names):
    """An empty mart with these columns in their real types."""
    kinds = dict(SCHEMA[kpi.table])
    return nw.from_native(
        pl.LazyFrame(schema={name: KINDS.get(kinds[name], pl.Datetime("us", "UTC")) for name in names})
    )


def test_the_data_dictionary_is_not_stale():
    assert PATH.read_text(encoding="utf-8") == generate(), "run: python -m models.dictionary"


@pytest.mark.parametrize("kpi", KPIS.values(), ids=KPIS)
def test_a_kpi_reads_only_columns_that_it_names_and_its_mart_has(kpi):
    assert kpi.columns <= {name for name, _ in SCHEMA[kpi.table]}
    mart = empty(kpi, kpi.columns)
    assert len(evaluate(kpi, mart, Selection(by=kpi.dimensions, grain="week"), as_of=AS_OF).collect()) == 0
    assert sum(n for _, n in exclusions(kpi, mart, Selection())) == 0


@pytest.mark.parametrize("kpi", KPIS.values(), ids=KPIS)
def test_the_cases_of_every_kpi_have_the_same_columns(kpi):
    mart = empty(kpi, [name for name, _ in SCHEMA[kpi.table]])
    assert cases(kpi, mart, Selection()).collect_schema().names() == [
        "case_key", "journey_key", "facility", "unit", "period", "value", "flag", "is_open", "file_id", "line",
    ]  # fmt: skip


@pytest.mark.parametrize("kpi", KPIS.values(), ids=KPIS)
def test_every_dimension_is_text_so_that_a_filter_from_a_url_fits(kpi):
    kinds = dict(SCHEMA[kpi.table])
    assert {kinds[name] for name in kpi.dimensions} == {"VARCHAR"}
    assert {"facility", "unit"} <= set(kpi.dimensions)


def test_every_mart_with_cases_leads_back_to_file_and_line():
    for kpi in KPIS.values():
        assert {"facility", "unit", "file_id", "line"} <= {name for name, _ in SCHEMA[kpi.table]}


def test_every_kpi_is_known_by_its_id_and_belongs_to_a_family_with_a_name():
    assert all(kpi.id == key for key, kpi in KPIS.items())
    assert {kpi.family for kpi in KPIS.values()} <= set(FAMILIES)


def test_the_overview_holds_twelve_and_every_stakeholder_finds_something_there():
    shown = [kpi for kpi in KPIS.values() if kpi.on_overview]
    assert len(shown) == 12
    assert {kpi.matters_to for kpi in shown} == {"patients", "clinicians", "operations", "it"}


def test_a_number_that_misleads_alone_names_the_kpi_it_is_read_with():
    assert all(kpi.paired_with in KPIS for kpi in KPIS.values() if kpi.paired_with)


def test_a_mistyped_kpi_says_what_was_meant():
    with pytest.raises(UnknownKpi, match="Did you mean 'lab_turnaround'"):
        find_kpi("lab_turnaroud")
    with pytest.raises(UnknownKpi, match=r"Known: .*critical_result_acknowledged"):
        find_kpi("xyz")


@pytest.mark.parametrize("asked", [{"by": ("arival_mode",)}, {"where": {"arival_mode": ("x",)}}])
def test_a_mistyped_dimension_says_what_was_meant(asked):
    kpi = find_kpi("ed_arrivals")
    with pytest.raises(UnknownDimension, match=r"cannot be broken down by 'arival_mode'. Did you mean 'arrival_mode'"):
        evaluate(kpi, empty(kpi, kpi.columns), Selection(**asked), as_of=AS_OF)


def test_a_short_title_fits_on_a_card():
    with pytest.raises(BadDeclaration, match="Shorten it"):
        replace(find_kpi("ed_arrivals"), short_title="Emergency department arrivals")


def test_a_sum_of_amounts_says_not_how_exactly_its_times_are_known():
    with pytest.raises(BadDeclaration, match="adds up amounts, not cases"):
        replace(find_kpi("occupancy_mean"), resolution="resolution_minutes")


LEDGER_TIMES = {
    "task_completion_time": "resolution_minutes",
    "tasks_open": "resolution_minutes",
    "tasks_overdue": "resolution_minutes",
    "tasks_completed": "resolution_minutes",
    "manual_touches_per_task": "resolution_minutes",
    "task_override_rate": "resolution_minutes",
    "tasks_without_manual_touch": "resolution_minutes",
    "task_rework_rate": "resolution_minutes",
    "handoff_acceptance_time": "resolution_minutes",
    "handoff_missed_rate": "resolution_minutes",
    "handoffs_open": "resolution_minutes",
    "bed_clean_response": "start_resolution_minutes",
    "bed_clean_duration": "cleaning_resolution_minutes",
    "bed_turnaround": "clean_resolution_minutes",
    "critical_result_acknowledged": "resolution_minutes",
    "critical_acknowledgement_time": "resolution_minutes",
    "escalation_latency": "resolution_minutes",
    "order_to_fulfilment": "resolution_minutes",
    "critical_unanswered_rate": "resolution_minutes",
    "ed_door_to_provider": "contact_resolution_minutes",
}
"""The KPIs that can read a time which only successive versions or exports prove, and the column that says how wide."""
RECORDED_TIMES = {
    "tasks_created": "Task.authoredOn",
    "task_bounce_rate": "Task.authoredOn and Provenance.recorded",
    "status_disagreement_rate": "DiagnosticReport.issued; what only exports date is left out",
    "trigger_without_task_rate": "ServiceRequest.authoredOn, Observation.issued, Encounter.location and Task.authoredOn",
    "waits_without_owner": "whatever steps of a workflow say",
    "cases_on_path_rate": "whatever steps of a workflow say",
    "steps_in_window_rate": "whatever steps of a workflow say",
    "ed_arrivals": "Encounter.location and period",
    "ed_length_of_stay": "Encounter.location",
    "ed_left_before_seen": "Encounter.location and period",
    "ed_boarding_ed2": "ServiceRequest.authoredOn and Encounter.location",
    "ed_door_to_room": "Encounter.location",
    "ed_four_hour_performance": "Encounter.location",
}
"""Those whose mart holds such a time and that do not read it, and what they read instead."""


def test_every_kpi_that_can_read_a_time_of_the_ledger_says_how_exactly_it_is_known():
    reading = {kpi.id for kpi in KPIS.values() if "marts.state_change" in upstream(kpi.table)}
    assert reading == LEDGER_TIMES.keys() | RECORDED_TIMES.keys()
    assert {kpi.id: kpi.resolution for kpi in KPIS.values() if kpi.resolution} == LEDGER_TIMES
    for kpi in map(find_kpi, RECORDED_TIMES):
        proven = {
            "first_contact_at",
            "minutes_to_provider",
            "accepted_at",
            "closed_at",
            "closing_date",
            "closing_epoch",
        }
        assert not kpi.columns & proven, kpi.id


def test_measures_that_no_kpi_uses_yet_are_explained_too():
    kpi = find_kpi("ed_arrivals")
    assert measure_in_words(replace(kpi, measure=Rate("falls", "bed_days"))) == "sum of `falls` by sum of `bed_days`"
    assert measure_in_words(replace(kpi, measure=Mean("minutes"))) == "mean of `minutes`"
    assert measure_in_words(replace(kpi, measure=Total("minutes"))) == "sum of `minutes`"
    assert replace(kpi, measure=Rate("falls", "bed_days")).columns >= {"falls", "bed_days"}
    assert "minutes" in replace(kpi, measure=Mean("minutes")).columns


def test_a_measure_of_time_says_when_that_time_begins():
    with pytest.raises(BadDeclaration, match="does not say when it begins"):
        replace(KPIS["ed_length_of_stay"], begins=None)


def test_every_measure_tells_where_its_time_begins_or_why_it_has_none():
    why = {kpi.id: kpi.counts_no_time for kpi in KPIS.values()}
    assert why["ed_four_hour_performance"] is None
    assert why["handoffs_open"] == "It counts what is open at an instant, not how long anything took."
    assert (
        why["occupancy_mean"]
        == why["silent_feed_minutes"]
        == "It adds up amounts by the hour, not the time of any case."
    )
    assert why["occupancy_peak"] == "It is a number of something else than time."
    assert why["task_rework_rate"] == "It is a share of cases and judges no time of theirs."
    assert "the page of interfaces tells it" in why["interface_hop_latency_p95"]
    measured = {kpi.duration for kpi in KPIS.values() if why[kpi.id] is None}
    assert all(column.startswith(("minutes_", "boarding_minutes")) for column in measured)
