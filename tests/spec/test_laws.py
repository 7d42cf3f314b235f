"""Laws that hold whatever the data: on both engines where an engine could break them."""

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.kpi import (
    CompletionTime,
    Count,
    Exclusion,
    Mean,
    Quantile,
    Rate,
    Selection,
    Share,
    Span,
    Total,
    cases,
    evaluate,
    evaluate_each,
    exclusion_counts,
    exclusions,
)
from models.kpis import find_kpi
from models.readiness import assess, assess_each

NEW_YORK = ZoneInfo("America/New_York")
AS_OF = datetime(2026, 4, 13, tzinfo=NEW_YORK)
MEASURES = [
    Share(nw.col("is_verified")),
    Rate("falls", "beds"),
    Quantile(column="minutes_to_verified", q=0.75),
    Mean("minutes_to_verified"),
    Total("minutes_to_verified"),
    Count(),
    CompletionTime(duration="minutes_to_verified", finished="is_verified", q=0.6),
]
ROW = st.fixed_dictionaries(
    {
        "facility": st.sampled_from(["North", "South", None]),
        "minutes_to_verified": st.one_of(st.none(), st.integers(0, 6).map(float)),
        "is_verified": st.booleans(),
        "falls": st.integers(0, 3),
        "beds": st.integers(0, 3),
        "order_date": st.sampled_from([date(2026, 1, 5), date(2026, 1, 14), None]),
    }
)
SCHEMA = {
    "facility": pl.String, "minutes_to_verified": pl.Float64, "is_verified": pl.Boolean, "falls": pl.Int64,
    "beds": pl.Int64, "order_date": pl.Date,
}  # fmt: skip
LAW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["polars", "duckdb"])
def engine(request):
    if request.param == "polars":
        yield lambda frame: nw.from_native(frame.lazy())
        return
    with duckdb.connect() as db:
        yield lambda frame: nw.from_native(db.from_arrow(frame.to_arrow()))


def frame(rows):
    found = pl.DataFrame(rows, schema=SCHEMA)
    monday = pl.col("order_date").dt.truncate("1w")
    return found.with_columns(
        order_week=monday, order_key=pl.lit("o"), unit=pl.lit("u"), is_revoked=pl.lit(value=False),
        is_verified_time_known=pl.lit(value=True), is_open=~pl.col("is_verified"), file_id=pl.lit(1), line=pl.lit(1),
    )  # fmt: skip


def kpi(measure):
    return replace(find_kpi("lab_turnaround"), measure=measure, exclusions=(), requires=())


def ask(measure, mart, **asked):
    found = evaluate(kpi(measure), mart, Selection(**asked), as_of=AS_OF).collect("pyarrow").rows(named=True)
    return [{name: round(v, 9) if isinstance(v, float) else v for name, v in row.items()} for row in found]


@LAW
@given(rows=st.lists(ROW, max_size=12), seed=st.randoms(use_true_random=False))
@pytest.mark.parametrize("measure", MEASURES, ids=lambda each: type(each).__name__)
def test_the_order_of_rows_is_irrelevant_and_both_engines_agree(measure, rows, seed):
    shuffled = seed.sample(rows, len(rows))
    with duckdb.connect() as db:
        on_duckdb = nw.from_native(db.from_arrow(frame(shuffled).to_arrow()))
        for asked in ({}, {"by": ("facility",)}, {"grain": "week"}, {"by": ("facility",), "grain": "week"}):
            on_polars = ask(measure, nw.from_native(frame(rows).lazy()), **asked)
            key = lambda row: str([row.get("facility"), row.get("period")])  # noqa: E731 - engines sort nulls differently
            assert sorted(on_polars, key=key) == sorted(ask(measure, on_duckdb, **asked), key=key)


SPANS = [
    Span(grain="week"),
    Span(),
    Span(start=date(2026, 1, 12)),
    Span(end=date(2026, 1, 12)),
    Span(start=date(2026, 1, 12), grain="week"),
    Span(start=date(2030, 1, 1)),
]


def selection(span, **asked):
    return Selection(start=span.start, end=span.end, grain=span.grain, **asked)


@settings(LAW, max_examples=8)
@given(rows=st.lists(ROW, max_size=12), by=st.sampled_from([(), ("facility",)]))
@pytest.mark.parametrize("measure", [MEASURES[0], MEASURES[6]], ids=lambda each: type(each).__name__)
def test_several_spans_at_once_give_what_each_gives_by_itself(measure, by, rows, engine):
    mart = engine(frame(rows))
    found = evaluate_each(kpi(measure), mart, by, SPANS, as_of=AS_OF).collect("pyarrow").rows(named=True)
    at_once = [{name: round(v, 9) if isinstance(v, float) else v for name, v in row.items()} for row in found]
    for n, span in enumerate(SPANS):
        alone = ask(measure, mart, by=by, start=span.start, end=span.end, grain=span.grain)
        of_span = [row for row in at_once if row["span"] == n]
        if not of_span and len(alone) == 1:  # everything of a span without rows: nothing was counted
            assert (alone[0]["denominator"], alone[0]["open_cases"], by, span.grain) == (0, 0, (), None)
            continue
        key = lambda row: str([row.get("facility"), row["period"]])  # noqa: E731 - engines sort nulls differently
        labelled = [{"span": n, "period": None} | row for row in alone]
        assert sorted(of_span, key=key) == sorted(labelled, key=key)


@settings(LAW, max_examples=8)
@given(rows=st.lists(ROW, max_size=12))
def test_what_several_spans_leave_out_and_how_ready_they_are_is_what_each_says_by_itself(rows, engine):
    none_fell = Exclusion("nobody fell", nw.col("falls") == 0, unknown="is_verified")
    some_beds = Exclusion("some beds", nw.col("beds") > 1)
    (known,) = find_kpi("lab_turnaround").requires
    judged = replace(
        kpi(CompletionTime(duration="minutes_to_verified", finished="is_verified", q=0.6)),
        exclusions=(none_fell, some_beds),
        requires=(replace(known, column="is_verified", at_least=0.5),),
        resolution="beds",
    )
    mart = engine(frame(rows))
    counted = exclusion_counts(judged, mart, (), SPANS)
    counted_by_place = exclusion_counts(judged, mart, ("facility",), SPANS)
    places = [("North",), ("South",)]
    ready = assess_each(judged, mart, (), [()], SPANS) | assess_each(judged, mart, ("facility",), places, SPANS)
    for n, span in enumerate(SPANS):
        assert [(row["rule"], row["n"]) for row in counted if row["span"] == n] == exclusions(
            judged, mart, selection(span)
        )
        by_place = [row for row in counted_by_place if row["span"] == n]
        for rule, left_out in exclusions(judged, mart, selection(span)):
            assert sum(row["n"] for row in by_place if row["rule"] == rule) == left_out
        assert ready[n, ()] == assess(judged, mart, selection(span))
        for (place,) in places:
            assert ready[n, (place,)] == assess(judged, mart, selection(span, where={"facility": (place,)}))


@LAW
@given(rows=st.lists(ROW, max_size=15))
@pytest.mark.parametrize(
    "measure", [MEASURES[0], MEASURES[1], MEASURES[3], MEASURES[4]], ids=lambda each: type(each).__name__
)
def test_parts_sum_to_the_whole(measure, rows, engine):
    mart = engine(frame(rows))
    (whole,) = ask(measure, mart)
    for asked in ({"by": ("facility",)}, {"grain": "week"}):
        parts = ask(measure, mart, **asked)
        for name in ("numerator", "denominator"):
            assert sum(part[name] for part in parts) == pytest.approx(whole[name])


@LAW
@given(rows=st.lists(ROW, max_size=15), q=st.sampled_from([0.1, 0.5, 0.9, 0.95, 1.0]))
def test_a_completion_time_with_nothing_open_is_the_nearest_rank(rows, q, engine):
    finished = [row | {"is_verified": True} for row in rows]
    measure = CompletionTime(duration="minutes_to_verified", finished="is_verified", q=q)
    ranked = sorted(
        row["minutes_to_verified"]
        for row in finished
        if row["minutes_to_verified"] is not None and row["order_date"] is not None
    )
    expected = ranked[math.ceil(round(q * len(ranked), 9)) - 1] if ranked else None
    assert ask(measure, engine(frame(finished)))[0]["value"] == expected


@LAW
@given(rows=st.lists(ROW, max_size=15), q=st.sampled_from([0.25, 0.5, 0.9]))
def test_a_completion_time_is_the_kaplan_meier_quantile(rows, q, engine):
    measure = CompletionTime(duration="minutes_to_verified", finished="is_verified", q=q)
    counted = [
        (row["minutes_to_verified"], row["is_verified"])
        for row in rows
        if row["minutes_to_verified"] is not None and row["order_date"] is not None
    ]
    waiting, expected = 1.0, None
    for time in sorted({time for time, _ in counted}):
        at_risk = sum(other >= time for other, _ in counted)
        waiting *= 1 - sum(done for other, done in counted if other == time) / at_risk
        if waiting <= 1 - q + 1e-9:
            expected = time
            break
    assert ask(measure, engine(frame(rows)))[0]["value"] == expected


HOURS = st.integers(0, 24 * 60)


@LAW
@given(
    spells=st.lists(
        st.tuples(HOURS, st.one_of(st.none(), st.integers(0, 24 * 20)), st.sampled_from("ab")), max_size=12
    ),
    grain=st.sampled_from(["hour", "day", "week", "month"]),
)
def test_prefix_sums_count_what_a_look_at_every_case_counts(spells, grain, engine):
    start = datetime(2026, 2, 12, 0, 30, tzinfo=NEW_YORK)  # so that the night of 8 March is among them
    cases_ = [
        (start + timedelta(hours=a), None if n is None else start + timedelta(hours=a + n), u) for a, n, u in spells
    ]
    cases_ = [(a, b if b and b < AS_OF else None, u) for a, b, u in cases_ if a < AS_OF]
    columns = {"handoff_key": ["h"] * len(cases_), "facility": [u for *_, u in cases_], "unit": [u for *_, u in cases_]}
    for clock, at in (("offer", 0), ("closing", 1)):
        instants = [case[at] for case in cases_]
        columns |= {
            f"{clock}_epoch": [i and i.timestamp() for i in instants],
            f"{clock}_hour": [i and i.replace(tzinfo=None, fold=0, minute=0) for i in instants],
            f"{clock}_date": [i and i.date() for i in instants],
            f"{clock}_week": [i and i.date() - timedelta(days=i.weekday()) for i in instants],
            f"{clock}_month": [i and i.date().replace(day=1) for i in instants],
        }
    kinds = {
        name: pl.Float64
        if "epoch" in name
        else pl.Datetime
        if "hour" in name
        else pl.Date
        if "_" in name and "key" not in name
        else pl.String
        for name in columns
    }
    mart = engine(pl.DataFrame(columns, schema=kinds))
    spans = [Span(end=date(2026, 4, 10)), *([] if grain == "hour" else [Span(grain=grain)])]
    at_once = evaluate_each(find_kpi("handoffs_open"), mart, ("unit",), spans, as_of=AS_OF).collect("pyarrow")
    alone = [
        {"span": n, "period": None} | row
        for n, span in enumerate(spans)
        for row in evaluate(find_kpi("handoffs_open"), mart, selection(span, by=("unit",)), as_of=AS_OF)
        .collect("pyarrow")
        .rows(named=True)
    ]
    assert [dict(row) for row in at_once.rows(named=True)] == alone
    found = evaluate(find_kpi("handoffs_open"), mart, Selection(by=("unit",), grain=grain), as_of=AS_OF)
    for row in found.collect("pyarrow").rows(named=True):
        begin = (
            row["period"]
            if isinstance(row["period"], datetime)
            else datetime.combine(row["period"], datetime.min.time())
        )
        following = {
            "hour": begin + timedelta(hours=1), "day": begin + timedelta(days=1), "week": begin + timedelta(days=7),
            "month": (begin.replace(day=28) + timedelta(days=4)).replace(day=1),
        }[grain]  # fmt: skip
        end = min(following.replace(tzinfo=NEW_YORK).timestamp(), AS_OF.timestamp())
        waiting = [
            a for a, b, u in cases_ if u == row["unit"] and a.timestamp() < end and (b is None or b.timestamp() >= end)
        ]
        assert row["value"] == len(waiting)
        assert row["numerator"] == pytest.approx(sum(end - a.timestamp() for a in waiting) / 60, abs=1e-3)


@LAW
@given(rows=st.lists(ROW, max_size=12))
@pytest.mark.parametrize("measure", [MEASURES[0], MEASURES[4], MEASURES[1]], ids=lambda each: type(each).__name__)
def test_there_are_as_many_cases_as_rows_counted(measure, rows, engine):
    mart = engine(frame(rows))
    listed = cases(kpi(measure), mart, Selection()).collect("pyarrow").rows(named=True)
    assert len(listed) == sum(row["order_date"] is not None for row in rows)
