# ruff: noqa: E501 - a row of a literal table is one line
"""The handoff KPIs on handoffs that can be counted by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import pytest

from models.errors import ZoneMissing
from models.kpi import Exclusion, Selection, evaluate
from models.kpis import find_kpi

AS_OF = datetime(2026, 4, 13, tzinfo=ZoneInfo("America/New_York"))

HANDOFFS = """
handoff_key | encounter_key | from_unit | unit    | offer_at         | closing_at       | minutes_to_acceptance | is_accepted | is_missed | is_settled | is_open | is_in_time_known | resolution_minutes
h1          | v1            | ED        | 4 North | 2026-04-06T10:00 | 2026-04-06T10:10 | 10                    | yes         | no        | yes        | no      | yes              | 0
h2          | v2            | ED        | 4 North | 2026-04-06T10:00 | 2026-04-06T10:50 | 50                    | yes         | yes       | yes        | no      | yes              | 0
h3          | v3            | ED        | 4 North | 2026-04-06T11:00 | 2026-04-07T11:00 | 1440                  | no          | yes       | yes        | no      | yes              | 0
h4          | v4            | ED        | 5 South | 2026-04-07T23:00 | -                | 7260                  | no          | yes       | yes        | yes     | yes              | -
h5          | v5            | ED        | 5 South | 2026-04-12T23:50 | -                | 10                    | no          | no        | no         | yes     | yes              | -
"""


def test_acceptance_time_is_when_half_of_those_offered_were_accepted(spec):
    # by waiting time: 10 accepted, 10 open (h5), 50 accepted, 1440 and 7260 not:
    # S(10) = 4/5, h5 leaves the risk set, S(50) = 4/5 x 2/3 = 8/15: above one half, so nobody knows yet
    assert spec.value("handoff_acceptance_time", HANDOFFS) == (None, 2, 5, 2)


def test_one_that_was_closed_without_being_accepted_counts_as_waiting(spec):
    # 10 accepted, 50 accepted, 1440 closed: S(10) = 2/3, S(50) = 1/3
    assert spec.value("handoff_acceptance_time", HANDOFFS, where={"unit": ("4 North",)}) == (50, 2, 3, 0)


def test_accepted_late_is_missed_and_the_undecided_are_left_out(spec):
    # missed h2 h3 h4 of the settled h1 h2 h3 h4; h5 may still be accepted in time
    assert spec.value("handoff_missed_rate", HANDOFFS) == (3 / 4, 3, 4, 2)
    assert spec.excluded("handoff_missed_rate", HANDOFFS) == [1, 0]


# Accepted between two exports an hour apart: h2's accept-by time lies in between. h1 and h3 are known either way.
BETWEEN_EXPORTS = """
handoff_key | offer_at         | closing_at       | minutes_to_acceptance | is_accepted | is_missed | is_settled | is_open | is_in_time_known | resolution_minutes
h1          | 2026-04-06T10:00 | 2026-04-06T11:00 | 60                    | yes         | no        | yes        | no      | yes              | 60
h2          | 2026-04-06T10:00 | 2026-04-06T12:00 | 120                   | yes         | yes       | yes        | no      | no               | 60
h3          | 2026-04-06T10:00 | 2026-04-06T14:00 | 240                   | yes         | yes       | yes        | no      | yes              | 60
"""


def test_one_that_only_exports_prove_accepted_around_its_time_is_neither_missed_nor_in_time(spec):
    assert spec.value("handoff_missed_rate", BETWEEN_EXPORTS) == (1 / 2, 1, 2, 0)  # h3 of h1 h3
    assert spec.excluded("handoff_missed_rate", BETWEEN_EXPORTS) == [0, 1]
    verdict = spec.readiness("handoff_missed_rate", BETWEEN_EXPORTS)
    assert (verdict.state, verdict.inputs[0].completeness, verdict.resolution_minutes) == ("biased", 2 / 3, 60)


def test_an_hour_is_too_wide_for_waits_of_hours_and_for_the_backlog_that_they_make(spec):
    for kpi in ("handoff_acceptance_time", "handoffs_open"):  # mean (60 + 120 + 240) / 3 = 140 minutes
        verdict = spec.readiness(kpi, BETWEEN_EXPORTS)
        assert (verdict.state, verdict.resolution_minutes) == ("biased", 60)
        assert verdict.why == (
            "Its times are known to within 1 h 00 on average: of some changes only exports prove when they were.",
        )


def test_open_handoffs_are_those_waiting_at_the_data_cut_with_their_total_age(spec):
    # until Monday 13 April 00:00: h4 since Tuesday 23:00 = 5 d 1 h, h5 since 23:50
    age = (5 * 24 + 1) * 60 + 10
    assert spec.value("handoffs_open", HANDOFFS) == (2, age, 2, 2)


def test_every_day_has_a_backlog_also_days_without_an_event(spec):
    assert [row[:2] for row in spec.rows("handoffs_open", HANDOFFS, grain="day")] == [
        (date(2026, 4, 6), 1),  # h3
        (date(2026, 4, 7), 1),  # h3 closed, h4 offered
        (date(2026, 4, 8), 1),
        (date(2026, 4, 9), 1),
        (date(2026, 4, 10), 1),
        (date(2026, 4, 11), 1),
        (date(2026, 4, 12), 2),  # h5
    ]


def test_a_backlog_by_ward_has_every_period_for_every_ward(spec):
    assert spec.rows("handoffs_open", HANDOFFS, by=("unit",), grain="week") == [
        ("4 North", date(2026, 4, 6), 0, 0, 0, 0),
        ("5 South", date(2026, 4, 6), 2, (5 * 24 + 1) * 60 + 10, 2, 2),
    ]
    assert spec.rows("handoffs_open", HANDOFFS, by=("unit",)) == [
        ("4 North", 0, 0, 0, 0),
        ("5 South", 2, (5 * 24 + 1) * 60 + 10, 2, 2),
    ]


def test_the_backlog_of_a_past_day_counts_what_was_open_then(spec):
    # at the end of 6 April h3 has waited 13 hours
    assert spec.value("handoffs_open", HANDOFFS, end=date(2026, 4, 7)) == (1, 13 * 60, 1, 1)
    assert spec.rows("handoffs_open", HANDOFFS, start=date(2026, 4, 6), end=date(2026, 4, 7), grain="day") == [
        (date(2026, 4, 6), 1, 13 * 60, 1, 1)
    ]
    assert set(spec.cases("handoffs_open", HANDOFFS, end=date(2026, 4, 7))) == {"h3"}
    assert set(spec.cases("handoffs_open", HANDOFFS)) == {"h4", "h5"}


def test_the_backlog_by_the_hour_starts_where_the_first_was_offered(spec):
    found = spec.rows("handoffs_open", HANDOFFS, grain="hour", end=date(2026, 4, 7))
    assert [(row[0].hour, row[1]) for row in found if 9 <= row[0].hour <= 12] == [(9, 0), (10, 0), (11, 1), (12, 1)]


def test_months_end_where_the_next_begins(spec):
    assert spec.rows("handoffs_open", HANDOFFS, start=date(2026, 3, 1), grain="month") == [
        (date(2026, 3, 1), 0, 0, 0, 0),
        (date(2026, 4, 1), 2, (5 * 24 + 1) * 60 + 10, 2, 2),
    ]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), [0, 1, 3, 4]), (date(2025, 11, 2), [0, 1, 2, 3])],
    ids=["the hour skipped in spring does not exist", "the hour repeated in autumn is one"],
)
def test_the_nights_on_which_clocks_change(spec, day, hours):
    table = HANDOFFS.replace("2026-04-06T10:00 | 2026-04-06T10:10", f"{day}T00:30 | {day}T10:10")
    found = spec.rows("handoffs_open", table, grain="hour", start=day, end=day + timedelta(days=1))
    assert [row[0].hour for row in found][:4] == hours
    elapsed = {date(2026, 3, 8): 2.5, date(2025, 11, 2): 3.5}[day]  # from 00:30 to the end of the third hour shown
    assert found[2][2] == elapsed * 60


def test_a_backlog_leaves_out_what_its_exclusions_catch(spec):
    by_ward = replace(find_kpi("handoffs_open"), exclusions=(Exclusion("on 5 South", nw.col("unit") == "5 South"),))
    mart = spec.mart(HANDOFFS)
    (row,) = evaluate(by_ward, mart, Selection(end=date(2026, 4, 9)), as_of=AS_OF).collect("pyarrow").rows(named=True)
    assert row["value"] == 0  # only h4 was open, and it waits on 5 South


def test_no_handoffs_are_no_backlog(spec):
    nothing = "\n".join(HANDOFFS.strip().splitlines()[:1])
    assert spec.value("handoffs_open", nothing) == (0, 0, 0, 0)
    assert spec.rows("handoffs_open", nothing, grain="day") == []
    assert spec.rows("handoffs_open", nothing, by=("unit",)) == []


@pytest.mark.parametrize(
    "as_of", [datetime(2026, 4, 13, tzinfo=UTC), datetime(2026, 4, 13, tzinfo=timezone(timedelta(hours=-4)))]
)
def test_a_data_cut_without_a_named_zone_cannot_end_a_local_day(spec, as_of):
    with pytest.raises(ZoneMissing, match=r"as_of\.astimezone"):
        spec.value("handoffs_open", HANDOFFS, as_of=as_of)
