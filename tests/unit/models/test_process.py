"""Process mining by hand: three cases of a ward round; then shuffled rows; and a log judged by pm4py, where it is present."""

import csv
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.process import Activity, Throughput, Variant, mine

DEFAULT = Path(__file__).parents[3].parent / "shared" / "data"
REFERENCE = Path(os.environ.get("WARDFLOW_REFERENCE_DATA", DEFAULT)) / "process"
MIDNIGHT = datetime(2026, 4, 13, tzinfo=UTC)
HOUR = 3600

VISITS = [  # case, activity, minute, tie, minute of the begin
    ("NA", "order", 0, 0, None),
    ("NA", "collect", 60, 0, 50),
    ("NA", "verify", 120, 0, 120),
    ("B", "order", 0, 0, None),
    ("B", "collect", 20, 0, 5),
    ("B", "collect", 40, 0, 30),
    ("B", "verify", 100, 0, None),
    ("C", "order", 0, 0, None),
]


def log(rows):
    """An in-memory DuckDB that holds the events."""
    db = duckdb.connect()
    at = [None if row[4] is None else MIDNIGHT + timedelta(minutes=row[4]) for row in rows]
    table = pa.table(
        {
            "case_key": pa.array([row[0] for row in rows], pa.string()),
            "activity": pa.array([row[1] for row in rows], pa.string()),
            "occurred_at": pa.array([MIDNIGHT + timedelta(minutes=row[2]) for row in rows], pa.timestamp("us", "UTC")),
            "tie": pa.array([row[3] for row in rows], pa.int64()),
            "started_at": pa.array(at, pa.timestamp("us", "UTC")),
        }
    )
    db.register("event", table)
    return db


def mined(rows, **asked):
    with log(rows) as db:
        return mine(db, "event", **asked)


def edge(found, start, end):
    return next(each for each in found.edges if (each.start, each.end) == (start, end))


def test_an_edge_has_its_count_and_its_waits():
    found = edge(mined(VISITS), "collect", "verify")  # 60 minutes in both cases
    assert (found.count, found.wait_median_seconds, found.wait_mean_seconds) == (2, HOUR, HOUR)
    found = edge(mined(VISITS), "order", "collect")  # 60 and 20 minutes
    assert found.wait_median_seconds == (60 + 20) / 2 * 60
    assert found.wait_p90_seconds == pytest.approx((20 + 0.9 * (60 - 20)) * 60)
    assert found.wait_total_seconds == (60 + 20) * 60


def test_a_wait_is_queue_until_somebody_begins_and_then_service():
    found = edge(mined(VISITS), "order", "collect")  # begun after 50 of 60 minutes and after 5 of 20
    assert (found.queue_total_seconds, found.service_total_seconds) == ((50 + 5) * 60, (10 + 15) * 60)
    begun_early = [("A", "order", 30, 0, None), ("A", "collect", 60, 0, 10)]  # begun before the order was complete
    assert edge(mined(begun_early), "order", "collect").queue_total_seconds == 0


def test_without_any_begin_queue_and_service_are_unknown():
    found = edge(mined([("A", "order", 0, 0, None), ("A", "collect", 60, 0, None)]), "order", "collect")
    assert (found.queue_median_seconds, found.queue_total_seconds, found.service_total_seconds) == (None, None, None)


def test_edges_are_ranked_by_the_time_beyond_their_target_and_then_by_their_sum():
    targets = {("collect", "verify"): 45 * 60, ("order", "collect"): 2 * HOUR}
    found = mined(VISITS, targets=targets)
    assert [(each.start, each.end, each.lost_seconds) for each in found.edges] == [
        ("collect", "verify", (15 + 15) * 60),
        ("order", "collect", 0),  # 60 and 20 minutes are within two hours
        ("collect", "collect", None),
    ]
    assert [each.start for each in mined(VISITS).edges] == ["collect", "order", "collect"]  # 120, 80 and 20 minutes


def test_variants_happy_path_and_rework_are_counted():
    found = mined(VISITS)
    assert found.top_variants == (  # all have one case; then by their steps in the order of the alphabet
        Variant(("order",), 1),
        Variant(("order", "collect", "collect", "verify"), 1),
        Variant(("order", "collect", "verify"), 1),
    )
    assert (found.cases, found.events, found.variants, found.rework_cases) == (3, 8, 3, 1)
    found = mined(VISITS, happy_path=("order", "collect", "verify"))
    assert (found.happy_cases, found.happy_share) == (1, 1 / 3)
    assert mined(VISITS, happy_path=("never",)).happy_cases == 0


def test_activities_tell_where_cases_begin_end_and_repeat():
    assert mined(VISITS).activities == (
        Activity("collect", count=3, cases=2, repeated_in=1, starts=0, ends=0),
        Activity("order", count=3, cases=3, repeated_in=0, starts=3, ends=1),
        Activity("verify", count=2, cases=2, repeated_in=0, starts=0, ends=2),
    )


def test_open_cases_are_counted_and_left_out_of_the_throughput():
    assert mined(VISITS).open_cases is None  # nothing tells which case is finished
    found = mined(VISITS, ends=("verify",))
    assert found.open_cases == 1
    assert found.throughput == Throughput(2, median=110 * 60, p90=pytest.approx(118 * 60), mean=110 * 60)
    assert mined(VISITS, unfinished={"NA", "B"}).open_cases == 2
    assert mined(VISITS, ends=("never",)).throughput == Throughput(0, None, None, None)


def test_equal_times_follow_the_declared_tie_and_then_the_name():
    tied = [("A", "b", 0, 1, None), ("A", "c", 0, 2, None), ("A", "a", 0, 2, None)]
    assert mined(tied).top_variants == (Variant(("b", "a", "c"), 1),)
    assert mined(tied, ties="set").top_variants == (Variant(("a + b + c",), 1),)


def test_an_empty_log_has_no_path():
    found = mined([])
    assert (found.cases, found.happy_path, found.happy_share, found.edges, found.top_variants) == (0, (), None, (), ())


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["NA", "B", "C"]),
            st.sampled_from(["order", "collect", "verify"]),
            st.integers(0, 3),
            st.integers(0, 2),
            st.none() | st.integers(0, 3),
        ),
        max_size=12,
    ),
    ties=st.sampled_from(["order", "set"]),
    data=st.data(),
)
def test_the_order_of_the_rows_decides_nothing(rows, ties, data):
    rows = list({row[:4]: row for row in rows}.values())  # rows that differ in their begin alone are one event
    shuffled = data.draw(st.permutations(rows))
    assert mined(rows, ties=ties) == mined(shuffled, ties=ties)


@pytest.mark.skipif(
    not REFERENCE.exists(),
    reason=f"THE EVENT LOG JUDGED BY pm4py IS NOT AT {REFERENCE}: set WARDFLOW_REFERENCE_DATA to compare",
)
def test_the_reference_log_is_judged_as_pm4py_judges_it():
    wanted = json.loads((REFERENCE / "patients_expected.json").read_text())
    with (REFERENCE / "patients.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["registration_type"] == "complete"]
    rows.sort(key=lambda row: (row["time"][-4:], row[".order"]))  # any order but the file's
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    with duckdb.connect() as db:
        db.register("row", table)
        db.execute("""create view event as select patient as case_key, handling as activity, "time"::timestamp as occurred_at,
            ".order"::integer as tie, null::timestamp as started_at from row""")
        found = mine(db, "event")
    assert (found.events, found.cases, found.variants) == (wanted["n_events"], wanted["n_cases"], wanted["n_variants"])
    assert {(each.start, each.end): each.count for each in found.edges} == {
        (start, end): count for start, end, count in wanted["dfg_frequency"]
    }
    for start, end, waits in wanted["edge_wait_numpy"]:
        ours = edge(found, start, end)
        assert (ours.wait_median_seconds, ours.wait_mean_seconds) == pytest.approx((waits["median"], waits["mean"]))
        assert (ours.wait_p90_seconds, ours.wait_total_seconds) == pytest.approx((waits["p90"], waits["total"]))
    assert {each.path: each.count for each in found.top_variants} == {
        tuple(each["trace"]): each["count"] for each in wanted["top_variants"]
    }
    assert {each.name: each.count for each in found.activities} == wanted["activity_counts"]
    assert {each.name: each.starts for each in found.activities if each.starts} == wanted["start_activities"]
    assert {each.name: each.ends for each in found.activities if each.ends} == wanted["end_activities"]
    assert found.rework_cases == wanted["cases_with_any_rework"]
    spans = wanted["throughput_seconds"]
    assert (found.throughput.median, found.throughput.p90, found.throughput.mean) == pytest.approx(
        (spans["median"], spans["p90"], spans["mean"])
    )
