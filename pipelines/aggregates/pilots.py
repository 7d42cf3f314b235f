"""Every registered pilot evaluated at publication: two published tables, so that a page needs nothing but files.

Here: reading plans from the decision journal, and the shape of the rows. Not here: how a pilot is judged
(`models.impact`), the chart's rules (`models.spc`). So that no hidden count can be worked out, numbers of cases are rounded
to tens and weekly values carry none: a median says nothing about how many it is of, so a ward's weeks are shown from the
threshold on; a share or a count is shown only where `kpi_value` shows it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from models.errors import BadJournalEntry
from models.impact import DESIGN, Guardrail, Impact, Plan, compare, elsewhere, guardrail
from models.kpi import CompletionTime, Quantile, Selection, evaluate
from models.spc import xmr
from pipelines.aggregates.periods import first_incomplete_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import duckdb

    from pipelines.aggregates.aggregate import Input

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "pilot": pl.String(),
    "kpi": pl.String(),
    "facility": pl.String(),
    "unit": pl.String(),
    "starts_on": pl.Date(),
    "registered_at": pl.Datetime("us", "UTC"),
    "registered_by": pl.String(),
    "reason": pl.String(),
    "design": pl.String(),
    "verdict": pl.String(),
    "why": pl.List(pl.String()),
    "expected": pl.Float64(),
    "weeks_before": pl.Int64(),
    "weeks_after": pl.Int64(),
    "cases_before": pl.Int64(),
    "cases_after": pl.Int64(),
    "before": pl.Float64(),
    "after": pl.Float64(),
    "effect": pl.Float64(),
    "effect_low": pl.Float64(),
    "effect_high": pl.Float64(),
    "p_value": pl.Float64(),
    "compared_with": pl.String(),
    "comparison_effect": pl.Float64(),
    "comparison_low": pl.Float64(),
    "comparison_high": pl.Float64(),
    "net_effect": pl.Float64(),
    "net_low": pl.Float64(),
    "net_high": pl.Float64(),
    "minimum_detectable_effect": pl.Float64(),
    "needs_more_weeks": pl.Int64(),
    "guardrails": pl.String(),
}
WEEK_SCHEMA: dict[str, pl.DataType] = {
    "pilot": pl.String(),
    "place": pl.String(),
    "is_pilot": pl.Boolean(),
    "week": pl.Date(),
    "value": pl.Float64(),
    "mean": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "rule": pl.String(),
}
_ROUND_TO = 10
_FEWEST_POINTS = 2


def pilot_tables(
    db: duckdb.DuckDBPyConnection,
    inputs: Iterable[Input],
    values: pl.DataFrame,
    readiness: pl.DataFrame,
    threshold: int,
) -> dict[str, pl.DataFrame]:
    """`pilot_result`: one row a registered pilot; `pilot_week`: the weekly values of its place, with limits from the
    weeks before, and of the places it is compared with. `threshold` is the smallest number of people that is shown.
    """
    known = {each.kpi.id: each for each in inputs}
    results: list[dict[str, Any]] = []
    weeks: list[dict[str, Any]] = []
    registry = _registered(db)
    for registered in registry:
        fixed = dict.fromkeys(RESULT_SCHEMA) | registered["row"]
        plan = registered["plan"]
        if isinstance(plan, BadJournalEntry):
            results.append(fixed | {"verdict": "cannot_tell", "why": [str(plan)]})
            continue
        fixed |= {"kpi": plan.kpi, "unit": plan.unit, "starts_on": plan.starts_on, "expected": plan.expected}
        if plan.kpi not in known:
            unknown = (
                f"The plan names the measure {plan.kpi!r}, which Wardflow does not know. Register the pilot again."
            )
            results.append(fixed | {"verdict": "cannot_tell", "why": [unknown]})
            continue
        each = known[plan.kpi]
        others = _others(values, plan, [each["plan"] for each in registry])
        results.append(fixed | _result(plan, each, known, others, readiness))
        weeks += _weeks(plan, each, values, others, threshold)
    return {
        "pilot_result": pl.DataFrame(results, schema=RESULT_SCHEMA, orient="row"),
        "pilot_week": pl.DataFrame(weeks, schema=WEEK_SCHEMA, orient="row"),
    }


def _registered(db: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Plans by pilot, in order of their names; of a pilot that was registered twice the last plan counts."""
    rows: list[tuple[str, str | None, str | None, datetime, str, str]] = db.execute(
        """
        select subject, facility, value, decided_at, actor, why
        from staging.decision
        where action = 'pilot' and subject_kind = 'pilot'
        order by decided_at, decision_id
        """
    ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for name, facility, value, decided_at, actor, why in rows:
        row = {"pilot": name, "facility": facility, "registered_at": decided_at, "registered_by": actor, "reason": why}
        try:
            plan: Plan | BadJournalEntry = Plan.from_decision(name, facility, value)
        except BadJournalEntry as error:
            plan = error
        found[name] = {"row": row | {"design": DESIGN, "guardrails": "[]"}, "plan": plan}
    return [found[name] for name in sorted(found)]


def _others(
    values: pl.DataFrame, plan: Plan, plans: Iterable[Plan | BadJournalEntry]
) -> Mapping[str, tuple[object, ...]] | None:
    """Places that did not take part, as the KPI's own published values name them; none where another pilot works on
    the same measure.
    """
    busy = [each for each in plans if isinstance(each, Plan) and each.kpi == plan.kpi and each.name != plan.name]
    places = values.filter((pl.col("kpi") == plan.kpi) & (pl.col("grain") == "all"))
    facilities = [
        name
        for name in places["facility"].drop_nulls().unique().sort().to_list()
        if name not in {each.facility for each in busy}
    ]
    units = [
        name
        for name in places.filter(pl.col("facility") == plan.facility)["unit"].drop_nulls().unique().sort().to_list()
        if name not in {each.unit for each in busy if each.facility == plan.facility}
    ]
    return elsewhere(plan, facilities, units)


def _result(
    plan: Plan,
    each: Input,
    known: Mapping[str, Input],
    others: Mapping[str, tuple[object, ...]] | None,
    readiness: pl.DataFrame,
) -> dict[str, Any]:
    state = readiness.filter(
        (pl.col("kpi") == plan.kpi)
        & (pl.col("grain") == "all")
        & pl.col("facility").eq_missing(pl.lit(plan.facility, dtype=pl.String))
    ).row(0, named=True)
    if state["state"] == "withheld":
        return {"verdict": "cannot_tell", "why": ["The measure is withheld.", *state["why"]]}
    found = compare(plan, each.kpi, each.mart, others, first_day=each.first_day, as_of=each.as_of.date())
    watched = dict.fromkeys((each.kpi.paired_with or "", *plan.guardrails))
    rails = [_guardrail(plan, known[name]) for name in watched if name in known]
    biased = [f"The measure is biased. {why}" for why in state["why"]] if state["state"] == "biased" else []
    return _numbers(found) | {
        "verdict": found.verdict,
        "why": [*found.why, *biased],
        "compared_with": _said(others) if found.comparison else None,
        "guardrails": json.dumps([{"kpi": rail.kpi, "state": rail.state, **asdict(rail.found)} for rail in rails]),
    }


def _guardrail(plan: Plan, each: Input) -> Guardrail:
    return guardrail(plan, each.kpi, each.mart, first_day=each.first_day, as_of=each.as_of.date())


def _numbers(found: Impact) -> dict[str, Any]:
    """The numbers of an impact; null where nothing could be compared."""
    own, other, net, weeks = found.found, found.comparison, found.net, found.weeks
    numbers = {
        "before": own and own.before,
        "after": own and own.after,
        "effect": own and own.effect,
        "effect_low": own and own.low,
        "effect_high": own and own.high,
        "p_value": own and own.p_value,
        "comparison_effect": other and other.effect,
        "comparison_low": other and other.low,
        "comparison_high": other and other.high,
        "net_effect": net and net.effect,
        "net_low": net and net.low,
        "net_high": net and net.high,
        "minimum_detectable_effect": found.detectable,
    }
    return {name: None if number is None else round(number, 6) for name, number in numbers.items()} | {
        "weeks_before": weeks and weeks.before,
        "weeks_after": weeks and weeks.after,
        "cases_before": found.cases[0] // _ROUND_TO * _ROUND_TO if own else None,
        "cases_after": found.cases[1] // _ROUND_TO * _ROUND_TO if own else None,
        "needs_more_weeks": found.more_weeks,
    }


def _said(others: Mapping[str, tuple[object, ...]] | None) -> str:
    places = (others or {}).get("unit") or (others or {}).get("facility") or ()
    return ", ".join(map(str, places))


def _weeks(
    plan: Plan, each: Input, values: pl.DataFrame, others: Mapping[str, tuple[object, ...]] | None, threshold: int
) -> list[dict[str, Any]]:
    mine = _series(each, values, plan.facility, plan.unit, threshold)
    amounts: list[float] = mine["value"].to_list()
    before = sum(end <= plan.starts_on for end in mine["period_end"])
    points = xmr(amounts, each.kpi.improves, fix=before).points if before >= _FEWEST_POINTS else None
    rows: list[dict[str, Any]] = [
        {"pilot": plan.name, "place": plan.unit or plan.facility or "All facilities", "is_pilot": True, "week": week, "value": value,
         "mean": points and points[i].mean, "lower": points and points[i].lower, "upper": points and points[i].upper,
         "rule": points and points[i].rule}
        for i, (week, value) in enumerate(zip(mine["period"], amounts, strict=True))
    ]  # fmt: skip
    for place in (others or {}).get("unit") or (others or {}).get("facility") or ():
        facility, unit = (plan.facility, str(place)) if "unit" in (others or {}) else (str(place), None)
        series = _series(each, values, facility, unit, threshold)
        rows += [
            dict.fromkeys(WEEK_SCHEMA)
            | {"pilot": plan.name, "place": str(place), "is_pilot": False, "week": week, "value": value}
            for week, value in zip(series["period"], series["value"], strict=True)
        ]
    return rows


def _series(each: Input, values: pl.DataFrame, facility: str | None, unit: str | None, threshold: int) -> pl.DataFrame:
    """The whole weeks of one place whose value may be shown: `period`, `period_end`, `value`, oldest first."""
    if not isinstance(each.kpi.measure, CompletionTime | Quantile):
        return _published(values, each.kpi.id, facility, unit)
    place = {name: (value,) for name, value in (("facility", facility), ("unit", unit)) if value}
    found = evaluate(each.kpi, each.mart, Selection(where=place, grain="week"), as_of=each.as_of)
    table: pl.DataFrame = found.collect("polars").to_native()
    end = pl.col("period").dt.offset_by("1w")
    return table.with_columns(pl.col("value").round(6), period_end=end).filter(
        (pl.col("denominator") >= threshold)
        & pl.col("value").is_not_null()
        & (pl.col("period_end") <= first_incomplete_day(each.as_of))
        & (pl.col("period") >= each.first_day)
    )


def _published(values: pl.DataFrame, kpi: str, facility: str | None, unit: str | None) -> pl.DataFrame:
    """The whole weeks of one place whose value is published."""
    text = pl.String
    return values.filter(
        (pl.col("kpi") == kpi)
        & (pl.col("grain") == "week")
        & pl.col("is_complete")
        & pl.col("value").is_not_null()
        & pl.col("facility").eq_missing(pl.lit(facility, dtype=text))
        & pl.col("unit").eq_missing(pl.lit(unit, dtype=text))
    ).sort("period")
