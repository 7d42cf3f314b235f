"""Two pilots with known answers, from delivered files to their rows: one that shortens a wait, one that does nothing."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from models.journal import Decision
from sample_data.planted import IDLE_PILOT_MINUTES, PILOT_MINUTES
from sample_data.simulate import simulate

from .conftest import counted, make_home

DAYS = 64  # four whole weeks on each side of the first day, and those after followed for two days
SEED = 11  # of twenty idle pilots a 95 % interval finds one changed by chance; in this run, as in the demo, none is


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    out = tmp_path_factory.mktemp("pilots")
    simulate(out, days=DAYS, seed=SEED)
    home = make_home(
        out, tmp_path_factory.mktemp("pilots_home") / "home", folders=("fhir",)
    )  # no message is asked about
    lines = home.decisions_path.read_text().splitlines()
    planned = next(json.loads(line) for line in lines if json.loads(line)["subject"] == "discharge-by-noon")
    plans = {
        "nothing-changed": json.loads(planned["value"]) | {"unit": "5 South"},
        "no-such-measure": json.loads(planned["value"]) | {"kpi": "discharge_by_moonlight"},
        "no-plan": {},
    }
    for name, plan in plans.items():
        entry = Decision(
            decided_at=datetime(2026, 1, 1, tzinfo=UTC), actor="tests", action="pilot", subject_kind="pilot", subject=name,
            facility=planned["facility"], value=json.dumps(plan), why="A plan to be judged.",
        )  # fmt: skip
        lines.append(entry.to_line())
    home.decisions_path.write_text("\n".join(lines) + "\n")
    found = counted(home)
    rows = {row["pilot"]: row for row in found["pilot_result"].iter_rows(named=True)}
    return rows, found["pilot_week"], found["kpi_value"]


def test_the_pilot_that_shortens_the_wait_improved_and_its_interval_holds_the_truth(evaluated):
    row = evaluated[0]["discharge-by-noon"]
    assert row["verdict"] == "improved"
    assert row["effect_low"] <= -PILOT_MINUTES <= row["effect_high"] < 0
    assert row["net_low"] <= -PILOT_MINUTES <= row["net_high"]
    assert row["weeks_after"] == 4
    assert row["cases_before"] % 10 == 0
    assert [rail["kpi"] for rail in json.loads(row["guardrails"])] == ["inpatient_length_of_stay"]


def test_the_ward_where_nothing_changed_did_not_improve_and_its_interval_holds_zero(evaluated):
    row = evaluated[0]["nothing-changed"]
    assert row["verdict"] in ("not_improved", "cannot_tell")
    assert row["effect_low"] <= 0 <= row["effect_high"]


def test_the_planted_pilot_without_effect_is_not_called_an_improvement(evaluated):
    row = evaluated[0]["discharge-lounge"]
    assert row["verdict"] in ("not_improved", "cannot_tell")
    assert row["effect_low"] <= IDLE_PILOT_MINUTES <= row["effect_high"]


def test_a_plan_that_cannot_be_judged_says_why(evaluated):
    assert "does not know" in evaluated[0]["no-such-measure"]["why"][0]
    assert "needs kpi and starts_on" in evaluated[0]["no-plan"]["why"][0]


def test_weekly_values_have_limits_from_the_weeks_before_and_agree_with_the_measure(evaluated):
    rows, weeks, values = evaluated
    mine = weeks.filter((pl.col("pilot") == "discharge-by-noon") & pl.col("is_pilot"))
    measured = values.filter(
        (pl.col("kpi") == "discharge_order_to_departure") & (pl.col("grain") == "week") & pl.col("value").is_not_null()
        & (pl.col("facility") == "Northfield General") & (pl.col("unit") == "4 North") & pl.col("is_complete")
    )  # fmt: skip
    shown = dict(zip(mine["week"], mine["value"], strict=True))
    assert len(shown) >= 8
    assert dict(zip(measured["period"], measured["value"], strict=True)).items() <= shown.items()
    before = mine.filter(pl.col("week").dt.offset_by("7d") <= rows["discharge-by-noon"]["starts_on"])
    assert mine["mean"].unique().to_list() == pytest.approx([before["value"].mean()])
    # Eastbrook has a pilot of its own on the same measure, so it is no comparison
    others = weeks.filter((pl.col("pilot") == "discharge-by-noon") & ~pl.col("is_pilot"))
    assert set(others["place"]) == {"Westhaven Regional"}
