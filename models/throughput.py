"""What a backlog is made of: how much came in and was finished in each period, and how old what waits now is.

Beside `models.backlog`, which counts what is open at an instant: both read the same clocks of a mart, so that what was
open before, plus what came in, less what was finished, is what is open now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import narwhals.stable.v2 as nw

from models.backlog import CALENDAR, Grain
from models.declaration import Kpi
from models.measures import Frame, OpenAt, number_of, number_of_rows

AGE_BANDS: tuple[tuple[str, float], ...] = (
    ("under 1 h", 60.0),
    ("1 to 4 h", 240.0),
    ("4 to 24 h", 1440.0),
    ("1 to 7 days", 10_080.0),
    ("over 7 days", float("inf")),
)
"""How long something has waited: the name of the band, and the minutes below which it ends."""


def came_and_went(kpi: Kpi, measure: OpenAt, mart: Frame, by: Sequence[str], grain: Grain) -> list[dict[str, Any]]:
    """Cases opened and closed in each local period: rows `{*by, period, opened, closed}`, sorted.

    Only periods in which something happened have a row. What the KPI excludes is left out.
    """
    rows = _included(kpi, mart).filter(~nw.col(f"{measure.opened}_epoch").is_null())
    counts: dict[tuple[Any, ...], dict[str, int]] = {}
    for name, clock in (("opened", measure.opened), ("closed", measure.closed)):
        period = nw.col(f"{clock}_{CALENDAR[grain]}")
        events = rows.filter(~period.is_null()).with_columns(period=period)
        for row in events.group_by(*by, "period").agg(n=number_of_rows()).collect("pyarrow").rows(named=True):
            key = (*(row[column] for column in by), row["period"])
            counts.setdefault(key, {"opened": 0, "closed": 0})[name] = int(row["n"])
    names = (*by, "period")
    return [
        dict(zip(names, key, strict=True)) | both
        for key, both in sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))
    ]


def ages(kpi: Kpi, measure: OpenAt, mart: Frame, by: Sequence[str], as_of: datetime) -> list[dict[str, Any]]:
    """What is open at the data cut by how long it has waited: rows `{*by, oldest_minutes, <band>: n for each band}`.

    A band holds ages from the end of the one before it to below its own. Groups where nothing waits have no row.
    """
    age = (as_of.timestamp() - nw.col(f"{measure.opened}_epoch")) / 60
    rows = _included(kpi, mart).filter(nw.col(f"{measure.closed}_date").is_null()).with_columns(_age=age)
    rows = rows.filter(~nw.col("_age").is_null())
    totals: dict[str, nw.Expr] = {"oldest_minutes": nw.col("_age").max()}
    start = float("-inf")
    for number, (_, end) in enumerate(AGE_BANDS):
        inside = nw.col("_age") >= start if number else nw.lit(value=True)
        totals[f"_{number}"] = number_of(inside & (nw.col("_age") < end) if end < float("inf") else inside)
        start = end
    grouped = rows.group_by(*by).agg(**totals).sort(*by) if by else rows.select(**totals)
    return [
        {column: row[column] for column in by}
        | {"oldest_minutes": float(row["oldest_minutes"])}
        | {band: int(row[f"_{number}"]) for number, (band, _) in enumerate(AGE_BANDS)}
        for row in grouped.collect("pyarrow").rows(named=True)
        if row["oldest_minutes"] is not None
    ]


def _included(kpi: Kpi, rows: Frame) -> Frame:
    for exclusion in kpi.exclusions:
        rows = rows.filter(~exclusion.when.fill_null(value=False))
    return rows
