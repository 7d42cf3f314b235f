"""The tables of workflows by period, with small numbers hidden: what `process_tables` and `conformance_tables` share.

Here: one query for each window, which rows are of too few people, and rows without their numbers. Not here: what is counted.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from models.disclosure import Cell, suppress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

ABOUT_THINGS = ("message-delivery",)
"""Workflows whose cases are no people: numbers of messages are never hidden. What a process engine's cases are nobody says."""
IN_WINDOW = "($start is null or case_date >= $start) and ($end is null or case_date < $end)"
KEYS = ("workflow", "facility", "grain", "period", "period_end", "cases")


def over_windows(db: duckdb.DuckDBPyConnection, query: str, window_list: Sequence[Window]) -> pl.DataFrame:
    """What the query, which uses `IN_WINDOW`, finds in each window, with the columns grain, period and period_end."""
    parts: list[pl.DataFrame] = []
    for each in window_list:
        found = db.sql(query, params={"start": each.start, "end": each.end}).pl()
        span = {"period": pl.lit(each.start, pl.Date), "period_end": pl.lit(each.end, pl.Date)}
        parts.append(found.with_columns(grain=pl.lit(each.name), **span))
    return pl.concat(parts)


def hidden(parts: pl.DataFrame, axis: str, threshold: int) -> list[bool]:
    """For each row of `KEYS` and `axis` whether it must be hidden: workflow by workflow, over facilities, the axis and the windows.

    `cases` is what adds up; where that is something else than cases, `people` says how many those are, and `gone` which rows are hidden
    already.
    """
    found = [False] * parts.height
    rows = parts.to_dicts()
    for workflow in sorted({row["workflow"] for row in rows} - {*ABOUT_THINGS}):
        places = [number for number, row in enumerate(rows) if row["workflow"] == workflow]
        cells = [_cell(rows[number], axis) for number in places]
        for number, cell in zip(places, suppress(cells, threshold), strict=True):
            found[number] = cell.suppressed
    return found


def _cell(row: Mapping[str, Any], axis: str) -> Cell:
    start, end = row["period"] or date.min, row["period_end"] or date.max
    place, gone = (row["facility"], row[axis]), row.get("gone", False)
    return Cell(place, row["grain"], start, end, row["cases"], suppressed=gone, people=row.get("people"))


def without_numbers(frame: pl.DataFrame, is_hidden: Sequence[bool], labels: Sequence[str] = ()) -> pl.DataFrame:
    """The rows with a column `suppressed`; where it is true every column is null but the keys and the `labels`."""
    kept = {*KEYS, *labels} - {"cases"}
    numbers = [name for name in frame.columns if name not in kept]
    return frame.with_columns(suppressed=pl.Series(is_hidden, dtype=pl.Boolean)).with_columns(
        pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in numbers
    )
