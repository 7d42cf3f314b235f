"""The census: by hand, against plain counting, and against hillmaker's published hours where they are present.

The folder of reference data is not part of the project; WARDFLOW_REFERENCE_DATA names it.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.census import census, little

DEFAULT = Path(__file__).parents[3].parent / "shared" / "data"
REFERENCE = Path(os.environ.get("WARDFLOW_REFERENCE_DATA", DEFAULT)) / "census"
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
THREE_HOURS = (MIDNIGHT, MIDNIGHT + timedelta(hours=3))


def clock(text):
    hours, minutes = map(int, text.split(":"))
    return MIDNIGHT.timestamp() + (hours * 60 + minutes) * 60


def stays(*rows):
    """Stays as (ward, in, out): `hh:mm` after midnight, `-1:30` is half past ten the evening before."""
    return nw.from_native(
        pl.LazyFrame(
            [(ward, clock(begin), None if end is None else clock(end)) for ward, begin, end in rows],
            schema={"ward": pl.String, "came": pl.Float64, "went": pl.Float64},
            orient="row",
        )
    )


WARD = stays(
    ("A", "-2:00", "0:30"),  # was there before
    ("A", "0:15", "1:45"),
    ("A", "1:00", None),  # still there
    ("B", "0:45", "2:00"),
    ("B", "9:00", None),  # comes later
)


def rows(frame, *columns):
    return [tuple(row[name] for name in columns) for row in frame.collect("pyarrow").rows(named=True)]


def test_each_hour_counts_comings_goings_and_the_time_in_between():
    found = census(WARD, "came", "went", between=THREE_HOURS)
    assert rows(found, "arrivals", "departures", "occupancy", "open_cases") == [
        (2, 1, 30 / 60 + 45 / 60 + 15 / 60, 2),
        (1, 1, 45 / 60 + 60 / 60 + 60 / 60, 2),
        (0, 1, 60 / 60, 1),  # left at two: not there from two on
    ]
    assert rows(found, "bin_start")[1] == (MIDNIGHT + timedelta(hours=1),)


def test_who_is_there_has_been_there_for_so_long():
    found = census(WARD, "came", "went", between=THREE_HOURS, ages=(timedelta(minutes=40), timedelta(minutes=110)))
    assert rows(found, "open_cases", "mean_age_minutes", "open_40_minutes", "open_110_minutes") == [
        (2, (45 + 15) / 2, 1, 0),
        (2, (60 + 75) / 2, 2, 0),
        (1, 120, 1, 1),
    ]


def test_a_group_has_every_hour_also_those_in_which_nobody_is_there():
    found = census(WARD, "came", "went", between=THREE_HOURS, by=("ward",), ages=(timedelta(hours=1),))
    assert rows(found, "ward", "open_cases", "mean_age_minutes", "open_60_minutes") == [
        ("A", 1, 45, 0),
        ("A", 1, 60, 0),  # not longer
        ("A", 1, 120, 1),
        ("B", 1, 15, 0),
        ("B", 1, 75, 1),
        ("B", 0, None, 0),
    ]


def test_a_group_in_which_nobody_grew_that_old_has_none():
    found = census(
        stays(("A", "0:00", "0:10")), "came", "went", between=THREE_HOURS, by=("ward",), ages=(timedelta(hours=9),)
    )
    assert rows(found, "open_540_minutes") == [(0,), (0,), (0,)]


def test_open_stays_count_unless_told_to_ignore_them():
    assert rows(census(WARD, "came", "went", between=THREE_HOURS), "open_cases")[-1] == (1,)
    assert rows(census(WARD, "came", "went", between=THREE_HOURS, ignore_open=True), "open_cases")[-1] == (0,)


def test_nobody_is_a_census_of_zeros():
    assert rows(census(stays(), "came", "went", between=THREE_HOURS), "occupancy", "open_cases") == [(0, 0)] * 3


def test_nothing_is_left_of_those_who_have_gone():
    """Sums of epochs as fractions of seconds leave a rest of milliseconds where nobody is."""
    begin = MIDNIGHT.timestamp()
    rest = [(begin + n * 0.117, begin + n * 0.117 + 0.333) for n in range(20_000)]
    gone = nw.from_native(pl.LazyFrame(rest, schema={"came": pl.Float64, "went": pl.Float64}, orient="row"))
    found = census(gone, "came", "went", between=THREE_HOURS)
    assert rows(found, "open_cases", "occupancy")[-1] == (0, 0)
    law = little(gone, "came", "went", start=MIDNIGHT, end=THREE_HOURS[1])
    assert (law.age_at_end, law.age_at_start, law.gap) == (0, 0, 0)


def test_half_a_bin_at_the_end_is_a_whole_one():
    end = MIDNIGHT + timedelta(minutes=90)
    assert len(rows(census(WARD, "came", "went", between=(MIDNIGHT, end)), "arrivals")) == 2


minutes = st.integers(-300, 500)
intervals = st.lists(st.tuples(minutes, st.integers(0, 400) | st.none()), max_size=25)


@settings(deadline=None, max_examples=60)
@given(intervals)
def test_it_is_what_counting_one_by_one_gives(cases):
    table = nw.from_native(
        pl.LazyFrame(
            {
                "came": [MIDNIGHT.timestamp() + begin * 60 for begin, _ in cases],
                "went": [None if n is None else MIDNIGHT.timestamp() + (begin + n) * 60 for begin, n in cases],
            },
            schema={"came": pl.Float64, "went": pl.Float64},
        )
    )
    found = census(table, "came", "went", between=THREE_HOURS, ages=(timedelta(minutes=50),))
    spans = [(begin, 10**6 if n is None else begin + n) for begin, n in cases]
    for hour, row in enumerate(rows(found, "arrivals", "departures", "occupancy", "open_cases", "open_50_minutes")):
        low, high = 60 * hour, 60 * hour + 60
        ages = [high - begin for begin, end in spans if begin < high <= end]  # just before the hour strikes
        present = sum(max(0, min(end, high) - max(begin, low)) for begin, end in spans)
        assert row == (
            sum(low <= begin < high for begin, _ in spans),
            sum(low <= end < high for _, end in spans),
            pytest.approx(present / 60),
            len(ages),
            sum(age > 50 for age in ages),
        )


@settings(deadline=None, max_examples=60)
@given(intervals)
def test_what_is_held_is_what_left_plus_what_grew(cases):
    table = nw.from_native(
        pl.LazyFrame(
            {
                "came": [MIDNIGHT.timestamp() + begin * 60 for begin, _ in cases],
                "went": [None if n is None else MIDNIGHT.timestamp() + (begin + n) * 60 for begin, n in cases],
            },
            schema={"came": pl.Float64, "went": pl.Float64},
        )
    )
    law = little(table, "came", "went", start=THREE_HOURS[0], end=THREE_HOURS[1])
    spans = [(begin, 10**6 if n is None else begin + n) for begin, n in cases]
    assert law.held == pytest.approx(60 * sum(max(0, min(end, 180) - max(begin, 0)) for begin, end in spans))
    assert law.left_stays == pytest.approx(60 * sum(end - begin for begin, end in spans if 0 <= end < 180))
    assert law.age_at_start == pytest.approx(60 * sum(-begin for begin, end in spans if begin < 0 <= end))
    assert law.age_at_end == pytest.approx(60 * sum(180 - begin for begin, end in spans if begin < 180 <= end))
    assert law.held == pytest.approx(law.left_stays + law.age_at_end - law.age_at_start)


def test_a_ward_in_balance_has_no_gap_and_missing_ends_show():
    balanced = stays(*(("A", f"{hour}:00", f"{hour + 1}:00") for hour in range(10)))
    window = {"start": MIDNIGHT, "end": MIDNIGHT + timedelta(hours=11)}
    assert little(balanced, "came", "went", **window).gap == 0
    half = stays(*(("A", f"{hour}:00", f"{hour + 1}:00" if hour % 2 else None) for hour in range(10)))
    # five ended stays of one hour each; five open ones of 11, 9, 7, 5 and 3 hours
    assert little(half, "came", "went", **window).gap == (11 + 9 + 7 + 5 + 3) / (5 + 11 + 9 + 7 + 5 + 3)
    assert little(stays(), "came", "went", **window).gap is None


@pytest.mark.skipif(
    not REFERENCE.exists(), reason=f"HILLMAKER'S CENSUS IS NOT AT {REFERENCE}: set WARDFLOW_REFERENCE_DATA to compare"
)
def test_every_hour_is_what_hillmaker_counts():
    utc = pl.col("InRoomTS", "OutRoomTS").str.to_datetime(time_zone="UTC").dt.epoch("s")
    units = nw.from_native(pl.scan_csv(REFERENCE / "ssu_2024.csv").with_columns(utc))
    wanted = pl.read_csv(REFERENCE / "hillmaker_hourly_total.csv", try_parse_dates=True)
    first, last = wanted["datetime"][0].replace(tzinfo=UTC), wanted["datetime"][-1].replace(tzinfo=UTC)
    found = census(units, "InRoomTS", "OutRoomTS", between=(first, last + timedelta(hours=1)), ignore_open=True)
    ours = found.collect("polars").to_native()
    for column in ("arrivals", "departures", "occupancy"):
        assert ours[column].to_list() == pytest.approx(wanted[column].to_list(), abs=1e-9, rel=0), column
