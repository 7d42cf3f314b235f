"""The weeks of each wait between two steps, and what the wait would have taken at the level of its best quartile week.

Here: `models.spectrum` for the windows that are shown, and weeks of too few people left out. Not here: what the best quartile week is
(`models.spectrum`), the other columns of an edge (`process_tables`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models import spectrum
from pipelines.aggregates.process_periods import ABOUT_THINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

NAMES = ("process_week",)

_EDGE = ("workflow", "facility", "activity", "next_activity")
_SPAN = ("grain", "period", "period_end")


def spectrum_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], threshold: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table `process_week`, and by edge and window: best_week, its mean wait. Both are of the windows' whole weeks.

    A week tells how long waits took, never how many there were: weeks of fewer cases than `threshold` are left out, and
    nothing can be worked out from the others.
    """
    dated = [each for each in window_list if each.start and each.end]
    start = min((each.start for each in dated if each.start), default=None)
    end = max((each.end for each in dated if each.end), default=None)
    spectrum.weeks(db, start, end, ABOUT_THINGS)
    shown = db.sql(
        """select workflow, facility, activity, next_activity, week, wait_p25_seconds, wait_median_seconds, wait_p75_seconds,
        wait_p90_seconds from spectrum_week where list_contains($about_things, workflow) or cases >= $threshold""",
        params={"about_things": list(ABOUT_THINGS), "threshold": threshold},
    ).pl()
    best = [
        spectrum.best_weeks(db, each.start, each.end)
        .pl()
        .with_columns(grain=pl.lit(each.name), period=pl.lit(each.start, pl.Date), period_end=pl.lit(each.end, pl.Date))
        for each in dated
    ]
    return shown, pl.concat(best) if best else _NO_WEEKS


_NO_WEEKS = pl.DataFrame(
    schema=dict.fromkeys((*_EDGE, "grain"), pl.String)
    | {"best_week": pl.Date, "best_week_mean_seconds": pl.Float64, "period": pl.Date, "period_end": pl.Date}
)


def with_what_if(edge: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """The edges with best_week, best_week_mean_seconds, and saved_seconds: what their waits took beyond that level, at least 0."""
    joined = edge.join(best, on=[*_EDGE, *_SPAN], how="left", nulls_equal=True)
    beyond = pl.col("wait_total_seconds") - pl.col("count") * pl.col("best_week_mean_seconds")
    return joined.with_columns(saved_seconds=beyond.clip(lower_bound=0))
