"""When a number may be believed, and the sentence that says why not."""

from dataclasses import replace
from datetime import date

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from models.kpi import Selection
from models.kpis import KPIS, find_kpi
from models.readiness import FailedCheck, affected_kpis, assess, depends_on


def mart(kpi_id, rows):
    """A mart of a KPI with every column null but those given."""
    kpi = find_kpi(kpi_id)
    kinds = {name: pl.Boolean for name in kpi.columns if name.startswith(("is_", "left_", "acknowledged_"))}
    kinds |= {name: pl.Date for name in kpi.columns if name.endswith(("_date", "_week", "_month"))}
    kinds |= {name: pl.Float64 for name in kpi.columns if "minutes" in name}
    kinds |= {name: pl.Datetime for name in kpi.columns if name.endswith(("_at", "_hour"))}
    columns = {name: [row.get(name) for row in rows] for name in kpi.columns}
    frame = pl.DataFrame(columns, schema={name: kinds.get(name, pl.String) for name in columns})
    return nw.from_native(frame.lazy())


def orders(known, unknown, revoked=0):
    day = {"order_date": date(2026, 1, 5), "order_key": "o"}
    return (
        [day | {"is_verified_time_known": True, "is_revoked": False}] * known
        + [day | {"is_verified_time_known": False, "is_revoked": False}] * unknown
        + [day | {"is_verified_time_known": False, "is_revoked": True}] * revoked
    )


@pytest.mark.parametrize(("known", "unknown", "state"), [(99, 1, "ready"), (98, 2, "biased"), (0, 5, "biased")])
def test_a_requirement_is_met_at_exactly_its_share(known, unknown, state):
    kpi = find_kpi("lab_turnaround")
    kpi = replace(kpi, requires=(replace(kpi.requires[0], at_least=0.99),))
    verdict = assess(kpi, mart("lab_turnaround", orders(known, unknown)), Selection())
    assert verdict.state == state
    assert verdict.inputs[0].completeness == known / (known + unknown)


def test_rows_left_out_for_another_reason_do_not_count_against_completeness():
    verdict = assess(find_kpi("lab_turnaround"), mart("lab_turnaround", orders(10, 0, revoked=90)), Selection())
    assert (verdict.state, verdict.why) == ("ready", ())


def test_without_any_row_a_duration_is_withheld():
    verdict = assess(find_kpi("lab_turnaround"), mart("lab_turnaround", []), Selection())
    assert (verdict.state, verdict.inputs[0].completeness) == ("withheld", None)
    assert verdict.why == ("There are no data for this selection.",)


@pytest.mark.parametrize(("rows", "state"), [([], "withheld"), ([{"encounter_key": "e1"}], "ready")])
def test_no_arrivals_are_an_answer_where_the_mart_was_filled(rows, state):
    assert assess(find_kpi("ed_arrivals"), mart("ed_arrivals", rows), Selection()).state == state


@pytest.mark.parametrize("effect", ["biased", "withheld"])
def test_a_failed_check_speaks_for_itself(effect):
    check = FailedCheck("marts.lab_order", "minutes_to_verified", "Some orders end before they begin.", effect)
    verdict = assess(find_kpi("lab_turnaround"), mart("lab_turnaround", orders(1, 0)), Selection(), [check, check])
    assert (verdict.state, verdict.why) == (effect, ("Some orders end before they begin.",))


def test_the_worst_reason_decides():
    checks = [
        FailedCheck("marts.lab_order", None, "a", "biased"),
        FailedCheck("marts.lab_order", None, "b", "withheld"),
    ]
    verdict = assess(find_kpi("lab_turnaround"), mart("lab_turnaround", orders(1, 0)), Selection(), checks)
    assert (verdict.state, verdict.why) == ("withheld", ("a", "b"))


def test_a_check_concerns_the_kpis_that_read_the_column_or_are_made_from_the_table():
    of_handoffs = ("waits_without_owner", "cases_on_path_rate", "steps_in_window_rate")
    from_visits = ("trigger_without_task_rate", *of_handoffs)
    assert affected_kpis("marts.ed_attendance", "boarding_minutes") == ("ed_boarding_ed2", *from_visits)
    counted = ("handoff_acceptance_time", "handoff_missed_rate", "handoffs_open")
    assert affected_kpis("marts.handoff", None) == (*counted, *of_handoffs)
    assert "critical_result_acknowledged" in affected_kpis("staging.observation", "issued_at")
    assert "ed_arrivals" not in affected_kpis("staging.observation", "issued_at")
    assert not depends_on(find_kpi("ed_arrivals"), "marts.ed_attendance", "boarding_minutes")


def test_every_requirement_names_a_column_of_its_own_exclusions():
    for kpi in KPIS.values():
        unknown = {exclusion.unknown for exclusion in kpi.exclusions} - {None}
        assert unknown == {requirement.column for requirement in kpi.requires}


def tasks(*known):
    """Completed tasks of 100 minutes each, whose ends are known to within so many minutes; null: still open."""
    return [
        {"task_key": f"t{n}", "creation_date": date(2026, 1, 5), "minutes_to_completion": 100.0,
         "is_completed": width is not None, "resolution_minutes": width}
        for n, width in enumerate(known)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "state", "resolution"),
    [
        ((0.0, 0.0), "ready", 0),
        ((0.0, 20.0), "ready", 10),  # exactly a tenth of the 100 minutes that are measured
        ((0.0, 20.2), "biased", 10.1),
        ((0.0, None), "ready", 0),  # what is open has no end to be known
        ((None,), "ready", None),
    ],
)
def test_times_that_only_exports_prove_bias_a_number_when_they_are_wide_against_it(known, state, resolution):
    verdict = assess(find_kpi("task_completion_time"), mart("task_completion_time", tasks(*known)), Selection())
    assert (verdict.state, verdict.resolution_minutes) == (state, pytest.approx(resolution))
    assert len(verdict.why) == (state == "biased")
    assert all("known to within 10 min" in why for why in verdict.why)


def test_a_number_without_a_resolution_says_nothing_of_it():
    assert (
        assess(find_kpi("lab_turnaround"), mart("lab_turnaround", orders(1, 0)), Selection()).resolution_minutes is None
    )
