"""XmR charts: the rules by hand; and 184 series judged by the NHS R package, read where they are present.

The folder of reference data is not part of the project; WARDFLOW_REFERENCE_DATA names it.
"""

import json
import os
from pathlib import Path

import pytest

from models.errors import BadSeries
from models.spc import xmr

DEFAULT = Path(__file__).parents[3].parent / "shared" / "data"
REFERENCE = Path(os.environ.get("WARDFLOW_REFERENCE_DATA", DEFAULT)) / "spc" / "plotthedots.json"
DIRECTIONS = {"increase": "up", "decrease": "down", "neutral": "neither"}
VARIATIONS = {
    "common_cause": "common_cause",
    "special_cause_improvement": "improvement",
    "special_cause_concern": "concern",
    "special_cause_neutral_high": "neutral_high",
    "special_cause_neutral_low": "neutral_low",
}
ASSURANCES = {"inconsistent": "hit_or_miss", "consistent_pass": "pass", "consistent_fail": "fail", None: "none"}


def rule_of(label):
    names = {"Common": "common_cause", "2 in 3": "two_in_three", "7 Point T": "trend", "7 Points": "shift"}
    return next((rule for start, rule in names.items() if label.startswith(start)), "outside")


@pytest.mark.skipif(
    not REFERENCE.exists(),
    reason=f"THE 184 REFERENCE SERIES OF NHSRplotthedots ARE NOT AT {REFERENCE}: set WARDFLOW_REFERENCE_DATA to compare",
)
def test_every_reference_series_is_judged_as_the_nhs_package_judges_it():
    for name, wanted in json.loads(REFERENCE.read_text()).items():
        given, groups = wanted["input"], wanted["rebase_group"]
        chart = xmr(
            given["y"],
            DIRECTIONS[given["direction"]],
            given["target"],
            rebase_at=[i for i in range(1, len(groups)) if groups[i] != groups[i - 1]],
            fix=given["fix_after_n_points"],
            screen=given["screen_outliers"],
        )
        for ours, theirs in (("mean", "mean"), ("lower", "lpl"), ("upper", "upl")):
            assert [getattr(point, ours) for point in chart.points] == pytest.approx(
                wanted[theirs], rel=1e-9, abs=1e-9
            ), name
        assert [point.rule for point in chart.points] == [rule_of(label) for label in wanted["special_cause_type"]], (
            name
        )
        assert [point.variation for point in chart.points] == [VARIATIONS[kind] for kind in wanted["point_type"]], name
        assert (chart.variation, chart.assurance) == (
            VARIATIONS[wanted["variation_icon"]],
            ASSURANCES[wanted["assurance_type"]],
        ), name


def rules(values, improves="up"):
    return [point.rule for point in xmr(values, improves, screen=False).points]


def test_limits_are_two_point_six_six_mean_moving_ranges_from_the_mean():
    point = xmr([10, 12, 10, 12], "up").points[0]
    assert (point.mean, point.lower, point.upper) == (11, 11 - 2.66 * 2, 11 + 2.66 * 2)


def test_screening_leaves_out_a_moving_range_of_more_than_3_267_means():
    values = [1, 2, 1, 2, 10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]  # ranges: one 8, one 9, the rest 1
    steps = [1, 1, 1, 8, 9, *[1] * 10]
    assert xmr(values, "up").points[0].upper == pytest.approx(sum(values) / 16 + 2.66 * 1)
    assert xmr(values, "up", screen=False).points[0].upper == pytest.approx(sum(values) / 16 + 2.66 * sum(steps) / 15)


def test_a_point_outside_the_limits():
    assert rules([10, 11, 10, 11, 10, 11, 30, 10, 11, 10, 11, 10, 11, 10])[6] == "outside"


def test_seven_on_one_side_are_a_shift_and_a_point_on_the_mean_breaks_it():
    low, high = [1, 2, 1, 2, 1, 2, 1], [9, 8, 9, 8, 9, 8, 9]
    assert "shift" in {rule for point in xmr(low + high, "up", screen=False).points for rule in point.rules}
    middle = [1, 9, 5] * 5
    assert set(rules(middle)) == {"common_cause"}


def test_seven_rising_are_a_trend_and_its_direction_is_what_counts():
    falling = [*[10, 14, 10, 14, 10, 14], *[15, 14.5, 14, 13.5, 13, 12.5, 12], *[12.5, 11]]
    chart = xmr(falling, "up", screen=False)
    trend = [point for point in chart.points if point.rule == "trend"]
    assert len(trend) == 7
    assert {point.variation for point in trend} == {"concern"}


def test_two_of_three_near_a_limit_are_flagged_and_the_third_is_not():
    # mean 10, every moving range 3 on average: limits 10 +/- 7.98, near from 10 +/- 5.32
    values = [10, 13, 10, 7, 10, 13, 15.5, 12.5, 15.5, 12, 9, 6, 3, 4]
    chart = xmr(values, "down", screen=False)
    mean, spread = chart.points[0].mean, chart.points[0].upper - chart.points[0].mean
    near = [i for i, value in enumerate(values) if 2 / 3 * spread < abs(value - mean) <= spread]
    flagged = [i for i, point in enumerate(chart.points) if "two_in_three" in point.rules]
    assert (near, flagged) == ([6, 8, 12, 13], [6, 8, 12, 13])
    assert [chart.points[i].variation for i in (6, 13)] == ["concern", "improvement"]


def test_a_neutral_kpi_is_high_or_low_and_has_no_assurance():
    values = [10, 11, 10, 11, 10, 11, 10, 11, 10, 11, 10, 11, 10, 30]
    chart = xmr(values, "neither", 20)
    assert (chart.variation, chart.assurance) == ("neutral_high", "none")
    assert xmr([-value for value in values], "neither").variation == "neutral_low"


@pytest.mark.parametrize(
    ("improves", "target", "verdict"),
    [
        ("up", 5, "pass"),
        ("up", 17, "fail"),
        ("down", 17, "pass"),
        ("down", 5, "fail"),
        ("up", 11, "hit_or_miss"),
        ("up", None, "none"),
    ],
)
def test_assurance_compares_the_target_with_the_limits(improves, target, verdict):
    assert xmr([10, 12] * 7, improves, target).assurance == verdict


def test_a_target_on_the_limit_is_hit_or_miss():
    upper = xmr([10, 12] * 7, "up").points[-1].upper
    assert xmr([10, 12] * 7, "up", upper).assurance == "hit_or_miss"


def test_few_points_give_trial_limits():
    assert xmr([10, 12] * 6, "up").warnings == (
        "Limits from 12 points are trial limits: below 13 points they still move.",
    )
    assert xmr([10, 12] * 7, "up").warnings == ()


def test_a_rebase_starts_anew_and_a_lone_point_has_no_spread():
    chart = xmr([10, 12, 10, 12, 50], "up", rebase_at=[4])
    assert (chart.points[3].mean, chart.points[4].mean, chart.points[4].upper) == (11, 50, 50)


def test_identical_values_have_limits_on_the_mean():
    assert {point.rule for point in xmr([5] * 20, "up", 5).points} == {"common_cause"}


def test_a_fixed_baseline_does_not_move():
    assert xmr([10, 12, 10, 12, 40, 40], "up", fix=4).points[-1].mean == 11


@pytest.mark.parametrize(("values", "rebase"), [([], ()), ([1], ()), ([1, 2, 3], (3,)), ([1, 2, 3], (0,))])
def test_a_series_that_cannot_be_charted_says_why(values, rebase):
    with pytest.raises(BadSeries, match="Choose"):
        xmr(values, "up", rebase_at=rebase)
