"""What came in, what was finished and how old the rest is, for every KPI that counts open work: two published tables.

Here: which groups, and the shape of the rows. Not here: the counting (`models.throughput`). Work about people is left out:
these tables have no small-number rule, because tasks, handoffs and messages are not people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.measures import OpenAt
from models.throughput import AGE_BANDS, ages, came_and_went

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.aggregates.aggregate import Input

WEEK_SCHEMA: dict[str, pl.DataType] = {
    "kpi": pl.String(),
    "facility": pl.String(),
    "unit": pl.String(),
    "week": pl.Date(),
    "opened": pl.Int64(),
    "closed": pl.Int64(),
}
AGE_SCHEMA: dict[str, pl.DataType] = {
    "kpi": pl.String(),
    "facility": pl.String(),
    "unit": pl.String(),
    "band": pl.String(),
    "n": pl.Int64(),
    "oldest_minutes": pl.Float64(),
}
_GROUPINGS: tuple[tuple[str, ...], ...] = ((), ("facility",), ("facility", "unit"))


def backlog_tables(inputs: Iterable[Input]) -> dict[str, pl.DataFrame]:
    """`backlog_week`: opened and closed by local week; `backlog_age`: open at the data cut by band of age. Null
    facility or unit means all of them; `oldest_minutes` is the whole group's, the same in each of its bands.
    """
    weeks: list[dict[str, object]] = []
    bands: list[dict[str, object]] = []
    for each in inputs:
        measure = each.kpi.measure
        if not isinstance(measure, OpenAt) or each.kpi.about_people:
            continue
        for by in _GROUPINGS:
            if set(by) <= set(each.kpi.dimensions):
                fixed = {"kpi": each.kpi.id, "facility": None, "unit": None}
                counted = came_and_went(each.kpi, measure, each.mart, by, "week")
                weeks += [fixed | {**row, "week": row["period"]} for row in counted]
                for row in ages(each.kpi, measure, each.mart, by, each.as_of):
                    bands += [fixed | {**row, "band": band, "n": row[band]} for band, _ in AGE_BANDS]
    return {
        "backlog_week": pl.DataFrame([_only(row, WEEK_SCHEMA) for row in weeks], schema=WEEK_SCHEMA, orient="row"),
        "backlog_age": pl.DataFrame([_only(row, AGE_SCHEMA) for row in bands], schema=AGE_SCHEMA, orient="row"),
    }


def _only(row: dict[str, object], schema: dict[str, pl.DataType]) -> dict[str, object]:
    return {name: row[name] for name in schema}
