"""What came in, what was finished and how old the rest is, on handoffs that can be counted by hand."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw

from models.kpi import Exclusion
from models.kpis import find_kpi
from models.throughput import ages, came_and_went

AS_OF = datetime(2026, 4, 13, tzinfo=ZoneInfo("America/New_York"))
OPEN = find_kpi("handoffs_open")

HANDOFFS = """
handoff_key | unit    | offer_at         | closing_at
h1          | 4 North | 2026-03-30T10:00 | 2026-04-06T10:10
h2          | 4 North | 2026-04-06T10:00 | 2026-04-06T10:50
h3          | 5 South | 2026-04-05T23:59 | -
h4          | 5 South | 2026-04-12T23:30 | -
h5          | 5 South | 2026-04-12T23:00 | -
"""


def test_a_week_counts_what_came_in_and_what_was_finished_in_it(spec):
    # week of 30 March: h1 and h3 came; week of 6 April: h2 h4 h5 came, h1 and h2 were answered
    assert came_and_went(OPEN, OPEN.measure, spec.mart(HANDOFFS), (), "week") == [
        {"period": date(2026, 3, 30), "opened": 2, "closed": 0},
        {"period": date(2026, 4, 6), "opened": 3, "closed": 2},
    ]


def test_parts_add_up_to_the_whole(spec):
    rows = came_and_went(OPEN, OPEN.measure, spec.mart(HANDOFFS), ("unit",), "week")
    assert [(r["unit"], r["period"].day, r["opened"], r["closed"]) for r in rows] == [
        ("4 North", 30, 1, 0),
        ("4 North", 6, 1, 2),
        ("5 South", 30, 1, 0),
        ("5 South", 6, 2, 0),
    ]


def test_an_age_of_exactly_an_hour_is_in_the_band_that_begins_there(spec):
    # at Monday 00:00: h4 waits 30 min, h5 exactly 60 min, h3 since Sunday 5 April 23:59 = 7 d and 1 min
    (row,) = ages(OPEN, OPEN.measure, spec.mart(HANDOFFS), (), AS_OF)
    assert row == {
        "oldest_minutes": 7 * 24 * 60 + 1,
        "under 1 h": 1,
        "1 to 4 h": 1,
        "4 to 24 h": 0,
        "1 to 7 days": 0,
        "over 7 days": 1,
    }


def test_a_place_where_nothing_waits_has_no_ages(spec):
    assert [row["unit"] for row in ages(OPEN, OPEN.measure, spec.mart(HANDOFFS), ("unit",), AS_OF)] == ["5 South"]
    answered = HANDOFFS.splitlines()
    assert ages(OPEN, OPEN.measure, spec.mart("\n".join(answered[:4])), (), AS_OF) == []


def test_what_the_kpi_leaves_out_is_neither_counted_nor_aged(spec):
    without = replace(OPEN, exclusions=(Exclusion("5 South", nw.col("unit") == "5 South"),))
    assert ages(without, OPEN.measure, spec.mart(HANDOFFS), (), AS_OF) == []
    assert [r["opened"] for r in came_and_went(without, OPEN.measure, spec.mart(HANDOFFS), (), "week")] == [1, 1]
