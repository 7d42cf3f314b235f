"""Where the time of any KPI's cases went, by place and period: `kpi_delay` of the aggregates folder.

Here: which KPIs, which of their cells, and what of them is hidden. Not here: how a case's time is laid over what it waited for
(`time_shares`), sums and small numbers (`part_sums`), what the parts are called (`models.waits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import polars as pl

from models.kpis import KPIS
from pipelines.aggregates import part_sums, time_shares

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import datetime

    import duckdb

    from models.kpi import Kpi
    from pipelines.aggregates.periods import Window

NAME = "kpi_delay"
TIMED: tuple[Kpi, ...] = tuple(kpi for kpi in KPIS.values() if kpi.counts_no_time is None)
"""The KPIs that measure the time of cases."""
READS = tuple(dict.fromkeys(("marts.wait", "marts.wait_part", *(kpi.table for kpi in TIMED))))
SPLITS = ("part", "hop", "kind")


def kpi_delays(
    db: duckdb.DuckDBPyConnection,
    window_list: Sequence[Window],
    cuts: Mapping[str, datetime],
    kpi_value: pl.DataFrame,
    suppress_below: int,
    kpis: Sequence[Kpi] = TIMED,
) -> pl.DataFrame:
    """The table `kpi_delay`: a row for each KPI of time, place, period and `split`, and what of it, as `part_sums` has them.

    Parts add up to the whole. Patients are those of the whole, and over windows those whom a part or hop held up; null where the cases name
    none, as a bed's do. What `kpi_value` hides is hidden here; of KPIs about people, so is what is of too few patients.
    `cuts` are the data cuts of the marts, on the hospital's clock.
    """
    time_shares.lay(db)
    part_sums.begin(db)
    same: dict[Hashable, str] = {}
    for kpi in kpis:
        if same.setdefault(_time_of(kpi), kpi.id) == kpi.id:
            time_shares.cut(db, kpi, nw.from_native(db.table(kpi.table)), as_of=cuts[kpi.mart])
            part_sums.add(db, SPLITS, patients_of=("all", "part", "hop"))
    time_shares.clear(db)
    rows = part_sums.summed(db, window_list, weeks_by_unit=True, patients_by_day=("all",))
    named = [(same[_time_of(kpi)], kpi.id) for kpi in kpis]
    ids = pl.DataFrame(named, schema={"subject": pl.String, "kpi": pl.String}, orient="row")
    rows = rows.join(ids, on="subject").with_columns(subject=pl.col("kpi")).drop("kpi")
    rows = _over_all_time(rows, kpi_value)
    gone = kpi_value.filter("suppressed").rename({"kpi": "subject"})
    about_people = [kpi.id for kpi in kpis if kpi.about_people]
    of_people = pl.col("subject").is_in(about_people)
    rows = pl.concat(
        [
            part_sums.hidden(rows.filter(of_people), suppress_below, gone),
            rows.filter(~of_people).with_columns(suppressed=pl.lit(value=False)),
        ]
    )
    return part_sums.withheld(rows).rename({"subject": "kpi"})


def _over_all_time(rows: pl.DataFrame, kpi_value: pl.DataFrame) -> pl.DataFrame:
    """With the days that all time covers for each KPI as its values say them."""
    days = (
        kpi_value.filter(pl.col("grain") == "all")
        .select("grain", subject="kpi", first="period", until="period_end")
        .unique()
    )
    dated = rows.join(days, on=["subject", "grain"], how="left", maintain_order="left")
    return dated.with_columns(
        period=pl.coalesce("first", "period"), period_end=pl.coalesce("until", "period_end")
    ).drop("first", "until")


def _time_of(kpi: Kpi) -> Hashable:
    """Two KPIs with the same are of the same time of the same cases."""
    left_out = tuple(each.rule for each in kpi.exclusions)
    return kpi.mart, kpi.case, kpi.begins, kpi.duration, kpi.clock, kpi.open_when, left_out
