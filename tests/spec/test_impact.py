"""Did a pilot work: small wards whose days can be counted by hand, on two engines."""

from dataclasses import replace
from datetime import date, timedelta

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from models.errors import BadJournalEntry
from models.impact import Plan, compare, elsewhere, guardrail, whole_weeks
from models.kpi import CompletionTime, Count, Kpi, Mean, OpenAt, Quantile, Rate, Share

GO_LIVE = date(2026, 3, 2)  # a Monday
FIRST, LAST = GO_LIVE - timedelta(weeks=8), GO_LIVE + timedelta(weeks=8, days=2)

WAIT = Kpi(
    id="wait", title="Wait", short_title="Wait", definition="-", source="-", version="1", family="beds",
    matters_to="patients", mart="wait", case="k", measure=Quantile(column="minutes"), begins="began_at", unit="minutes", improves="down",
    clock="end", dimensions=("facility", "unit"), owner="-", action="-",
)  # fmt: skip
PLAN = Plan(name="shorter", kpi="wait", starts_on=GO_LIVE, facility="Northfield", unit="4 North", expected=-30)


def ward(before: float, after: float, *, facility: str = "Northfield", unit: str = "4 North", each_day: int = 5):
    """Every day so many patients; the middle one waits `before` minutes until the first day and `after` from then on.

    Patients of one day wait 20, 10, 0 minutes less and 10, 20 more; every second day is 4 minutes slower.
    """
    rows = []
    for number in range((LAST - FIRST).days):
        day = FIRST + timedelta(days=number)
        middle = (after if day >= GO_LIVE else before) + 4 * (number % 2)
        for i in range(each_day):
            minutes = middle + 10 * (i % 5) - 20
            rows.append({"k": f"{unit}{number}-{i}", "facility": facility, "unit": unit, "end_date": day, "minutes": minutes,
                         "is_done": True, "is_late": minutes > 100, "exposure": 2.0})  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture
def found(on_engine):
    def run(kpi, frame, plan=PLAN, others=None):
        return compare(plan, kpi, on_engine(frame), others, first_day=FIRST, as_of=LAST)

    return run


def test_a_ward_that_became_thirty_minutes_faster_improved(found):
    # the middle one of five waits 120 or 124 before and 90 or 94 after: the medians are 122 and 92
    result = found(WAIT, ward(120, 90))
    assert (result.found.before, result.found.after, result.found.effect) == (122, 92, -30)
    assert (result.weeks.before, result.weeks.after) == (8, 8)
    assert result.cases == (8 * 7 * 5, 8 * 7 * 5)
    assert result.verdict == "improved"
    assert result.found.low <= -30 <= result.found.high < 0
    assert result.found.p_value < 0.01


def test_a_ward_that_became_slower_is_worse(found):
    assert found(WAIT, ward(90, 120)).verdict == "worse"


def test_where_higher_is_better_a_rise_is_an_improvement(found):
    up = replace(WAIT, improves="up")
    assert found(up, ward(90, 120)).verdict == "improved"
    assert found(up, ward(120, 90)).verdict == "worse"


def test_no_change_rules_the_hoped_for_effect_out(found):
    result = found(WAIT, ward(100, 100))
    assert result.verdict == "not_improved"
    assert "hoped-for −30 min is not" in result.why[0]
    assert result.more_weeks is None


def test_without_a_hoped_for_effect_nobody_can_tell(found):
    result = found(WAIT, ward(100, 100), replace(PLAN, expected=None))
    assert (result.verdict, result.more_weeks) == ("cannot_tell", None)


def test_an_interval_that_holds_both_says_how_many_more_weeks_it_takes(found):
    # hoping for 2 minutes where days differ by 4: what can be seen is larger than what is hoped for
    result = found(WAIT, ward(100, 100), replace(PLAN, expected=-2))
    assert result.verdict == "cannot_tell"
    assert result.detectable > 2
    assert result.more_weeks > 0
    easy = found(WAIT, ward(100, 100), replace(PLAN, expected=-0.0))
    assert easy.more_weeks is None


def test_the_same_change_elsewhere_takes_the_credit_away(found):
    both = pl.concat([ward(120, 90), ward(120, 90, facility="Eastbrook", unit="Oak")])
    result = found(WAIT, both, others={"facility": ("Eastbrook",)})
    assert result.net.effect == 0
    assert result.verdict == "cannot_tell"
    assert "did not take part changed too" in result.why[1]
    alone = pl.concat([ward(120, 90), ward(120, 120, facility="Eastbrook", unit="Oak")])
    result = found(WAIT, alone, others={"facility": ("Eastbrook",)})
    assert (result.comparison.effect, result.net.effect, result.verdict) == (0, -30, "improved")


def test_a_comparison_of_a_few_cases_is_not_used(found):
    few = ward(120, 120, facility="Eastbrook", unit="Oak").head(10)
    result = found(WAIT, pl.concat([ward(120, 90), few]), others={"facility": ("Eastbrook",)})
    assert (result.comparison, result.net, result.verdict) == (None, None, "improved")


def test_a_completion_time_follows_both_sides_equally_long(found):
    kpi = replace(WAIT, measure=CompletionTime(duration="minutes", finished="is_done", q=0.5))
    # the fourth and fifth of a day are still open; an old one has waited for weeks, a new one for an hour
    old = pl.col("end_date") < GO_LIVE
    is_open = pl.int_range(pl.len()) % 5 >= 3
    frame = ward(120, 90).with_columns(
        is_done=~is_open,
        minutes=pl.when(is_open).then(pl.when(old).then(40_000.0).otherwise(3_000.0)).otherwise(pl.col("minutes")),
    )
    # by 120 minutes three of five are done on 28 slow or quick days (100 110 120) and two (104 114) on the 28 others:
    # 84 + 56 is half of 280, whatever the open ones wait
    result = found(kpi, frame)
    assert (result.found.before, result.found.after, result.weeks.follow_up_days) == (120, 90, 2)


def test_a_slow_measure_is_followed_longer_until_it_can_be_estimated(found):
    kpi = replace(WAIT, measure=CompletionTime(duration="minutes", finished="is_done", q=0.5))
    days = ward(5 * 1440, 4 * 1440)
    result = found(kpi, days)
    assert result.weeks.follow_up_days == 7
    assert result.weeks.after == 7
    assert result.found.effect == -1440
    never = found(kpi, days.with_columns(is_done=pl.lit(value=False)))
    assert never.verdict == "cannot_tell"
    assert "Too few cases were finished" in never.why[0]
    assert never.weeks.follow_up_days == 28


def test_every_kind_of_measure_has_its_own_difference(found):
    frame = ward(120, 90)
    # minutes above 100 before: 110 and 120 … of 100/110/120/130/140: 4 of 5 on even days, all (104 …) on odd ones: 0.9;
    # after 70 … 110 (1 of 5) and 74 … 114 (104 and 114: 2 of 5): 0.3
    assert found(replace(WAIT, measure=Share(nw.col("is_late")), unit="percent"), frame).found.effect == pytest.approx(
        -0.6
    )
    assert found(replace(WAIT, measure=Mean("minutes")), frame).found.effect == pytest.approx(-30)
    assert found(replace(WAIT, measure=Rate("minutes", "exposure")), frame).found.effect == pytest.approx(-15)
    assert found(replace(WAIT, measure=Count(), unit="count"), frame).found.before == 5  # a day


def test_what_is_neither_better_nor_worse_has_no_verdict(found):
    assert "neither direction" in found(replace(WAIT, improves="neither"), ward(120, 90)).why[0]


def test_a_backlog_a_short_run_and_a_small_ward_cannot_be_judged(found):
    assert "backlog" in found(replace(WAIT, measure=OpenAt("end", "end")), ward(1, 1)).why[0]
    late = replace(PLAN, starts_on=LAST - timedelta(days=10))
    assert "and 1 after" in found(WAIT, ward(120, 90), late).why[0]
    assert "fewer than 20 cases" in found(WAIT, ward(120, 90).head(15)).why[0]


def test_a_measure_with_nothing_at_risk_is_not_estimable(found):
    nothing = ward(120, 90).with_columns(exposure=pl.lit(0.0))
    result = found(replace(WAIT, measure=Rate("minutes", "exposure")), nothing)
    assert (result.verdict, result.found.effect, result.detectable) == ("cannot_tell", None, None)


def test_days_that_are_rarely_estimable_give_no_interval(found):
    # exposure on a single day before: a third of the redrawn stretches have none
    once = ward(120, 90).with_columns(
        exposure=pl.when((pl.col("end_date") >= GO_LIVE) | (pl.col("end_date") == FIRST)).then(1.0).otherwise(0.0)
    )
    result = found(replace(WAIT, measure=Rate("minutes", "exposure")), once)
    assert result.found.effect is not None
    assert (result.found.low, result.verdict) == (None, "cannot_tell")


def test_a_guardrail_is_kept_harmed_or_unknown(on_engine):
    def state(frame, kpi=WAIT, as_of=LAST):
        return guardrail(PLAN, kpi, on_engine(frame), first_day=FIRST, as_of=as_of).state

    assert state(ward(100, 100)) == "kept"  # becoming 10 minutes worse is ruled out
    assert state(ward(100, 90)) == "kept"
    assert state(ward(100, 130)) == "harmed"
    assert (
        state(ward(10, 10).with_columns(minutes=pl.col("minutes") + 10)) == "cannot_tell"
    )  # 2 of 22 min lie within the spread
    assert state(ward(100, 100), replace(WAIT, improves="neither")) == "cannot_tell"
    assert state(ward(100, 100), replace(WAIT, measure=OpenAt("end", "end"))) == "cannot_tell"
    assert state(ward(130, 100), replace(WAIT, improves="up")) == "harmed"
    assert state(ward(100, 100), as_of=GO_LIVE) == "cannot_tell"  # no week after
    assert state(ward(100, 100).head(15)) == "cannot_tell"  # three days of cases


def test_weeks_are_whole_and_at_most_half_a_year():
    long = whole_weeks(GO_LIVE, GO_LIVE - timedelta(weeks=60), GO_LIVE + timedelta(days=7 * 5 + 1), 2)
    assert (long.before, long.after, long.start) == (26, 4, GO_LIVE - timedelta(weeks=26))
    future = whole_weeks(GO_LIVE, GO_LIVE + timedelta(days=3), GO_LIVE, 2)
    assert (future.before, future.after) == (0, 0)


def test_a_plan_is_read_from_the_journal_or_says_what_it_lacks():
    read = Plan.from_decision(
        "p",
        "Northfield",
        '{"kpi": "wait", "starts_on": "2026-03-02", "unit": "", "expected": -30, "guardrails": ["los"]}',
    )
    assert (read.kpi, read.starts_on, read.unit, read.expected) == ("wait", GO_LIVE, None, -30)
    assert read.guardrails == ("los",)
    assert read.place == {"facility": ("Northfield",)}
    assert Plan.from_decision("p", None, '{"kpi": "wait", "starts_on": "2026-03-02"}').expected is None
    for value in (None, "soon", '{"kpi": "wait"}', '{"kpi": "wait", "starts_on": "Monday"}', "[1]"):
        with pytest.raises(BadJournalEntry, match="needs kpi and starts_on"):
            Plan.from_decision("p", None, value)


def test_a_pilot_is_compared_with_other_facilities_else_with_other_units():
    facilities, units = ("Eastbrook", "Northfield"), ("4 North", "5 South")
    assert elsewhere(PLAN, facilities, units) == {"facility": ("Eastbrook",)}
    assert elsewhere(PLAN, ("Northfield",), units) == {"unit": ("5 South",), "facility": ("Northfield",)}
    assert elsewhere(replace(PLAN, facility=None), facilities, units) == {"unit": ("5 South",)}
    assert elsewhere(replace(PLAN, unit=None), ("Northfield",), units) is None
