"""Where the time of waits went, by place and period: `delay_part` of the aggregates folder.

Here: `marts.wait` and `marts.wait_part` summed once by part and by hop, and small numbers hidden. Not here: when a wait begins
and ends, how it is cut (`models/sql/marts/wait.sql`, `wait_part.sql`), what the parts are called (`models.waits`).

A wait belongs to the period in which it began, with all its time. Null `facility` or `unit` means all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.waits import WAIT_KINDS
from pipelines.hiding import mark_small_groups

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import duckdb

    from pipelines.periods import Window

NAMES = ("delay_part",)
NUMBERS = (
    "waits",
    "open_waits",
    "patients",
    "minutes",
    "minutes_across_clocks",
    "minutes_estimated",
)
_BLOCK = ("wait_kind", "facility", "unit", "grain", "period", "period_end")

_ITEMS = """
create or replace temp table wait_item as
with numbered as (
    select
        wait_key,
        cast(row_number() over () as integer) as wait_no,
        cast(dense_rank() over (order by patient_key) as integer) as patient_no,
        wait_kind,
        facility,
        unit,
        is_open,
        begin_date,
        begin_week,
        minutes
    from marts.wait
), piece as (
    select
        numbered.* exclude (wait_key, minutes),
        part.part,
        part.source,
        part.channel,
        part.destination,
        sum(part.minutes) as minutes,
        sum(part.minutes) filter (where part.is_across_clocks) as minutes_across_clocks,
        sum(part.minutes) filter (where part.is_estimated) as minutes_estimated
    from numbered
    inner join marts.wait_part as part
        on part.wait_key = numbered.wait_key
    group by all
)
select
    'all' as split,
    numbered.* exclude (wait_key, minutes),
    cast(null as varchar) as part,
    cast(null as varchar) as source,
    cast(null as varchar) as channel,
    cast(null as varchar) as destination,
    numbered.minutes,
    coalesce(sum(piece.minutes_across_clocks), 0) as minutes_across_clocks,
    coalesce(sum(piece.minutes_estimated), 0) as minutes_estimated
from numbered
left join piece
    on piece.wait_no = numbered.wait_no
group by all
union all by name
select
    'part' as split,
    * exclude (source, channel, destination, minutes, minutes_across_clocks, minutes_estimated),
    sum(minutes) as minutes,
    coalesce(sum(minutes_across_clocks), 0) as minutes_across_clocks,
    coalesce(sum(minutes_estimated), 0) as minutes_estimated
from piece
group by all
union all by name
select
    'hop' as split,
    * exclude (part, minutes, minutes_across_clocks, minutes_estimated),
    sum(minutes) as minutes,
    coalesce(sum(minutes_across_clocks), 0) as minutes_across_clocks,
    coalesce(sum(minutes_estimated), 0) as minutes_estimated
from piece
where channel is not null
group by all
"""
_SUMS = """
    count(*) as waits,
    count(*) filter (where is_open) as open_waits,
    count(distinct patient_no) as patients,
    round(sum(minutes), 3) as minutes,
    round(sum(minutes_across_clocks), 3) as minutes_across_clocks,
    round(sum(minutes_estimated), 3) as minutes_estimated
"""
_BY_STEP = f"""
select wait_kind, facility, cast(null as varchar) as unit, {{period}} as period, split, part, source, channel, destination, {_SUMS}
from wait_item
group by grouping sets (
    (wait_kind, facility, {{period}}, split, part, source, channel, destination),
    (wait_kind, {{period}}, split, part, source, channel, destination)
)
"""
_IN_WINDOW = f"""
select wait_kind, facility, unit, split, part, source, channel, destination, {_SUMS}
from wait_item
where ($start is null or begin_date >= $start) and ($end is null or begin_date < $end)
group by grouping sets (
    (wait_kind, facility, unit, split, part, source, channel, destination),
    (wait_kind, facility, split, part, source, channel, destination),
    (wait_kind, split, part, source, channel, destination)
)
"""


def wait_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], suppress_below: int
) -> dict[str, pl.DataFrame]:
    """The table `delay_part`: a row for each kind of wait, place, period and `split`, and what of it.

    `split` all: the waits as a whole; part: by part; hop: what an engine's channel, or its way to one destination, took. Parts
    add up to the whole, and so do hops with what no channel has. Where `suppressed` is true every number of the row is null:
    whether a place and period can be shown is decided by all its waits, and then for all its rows.
    """
    db.execute(_ITEMS)
    first, last = _days(db)
    steps = [
        db.sql(_BY_STEP.format(period=column))
        .pl()
        .with_columns(grain=pl.lit(grain), period_end=pl.col("period").dt.offset_by(length))
        for grain, column, length in (("day", "begin_date", "1d"), ("week", "begin_week", "1w"))
    ]
    windows = [
        db.sql(_IN_WINDOW, params={"start": each.start, "end": each.end})
        .pl()
        .with_columns(
            grain=pl.lit(each.name),
            period=pl.lit(each.start or first, pl.Date),
            period_end=pl.lit(each.end or last, pl.Date),
        )
        for each in window_list
    ]
    db.execute("drop table wait_item")
    found = pl.concat([*steps, *windows], how="diagonal_relaxed").select(
        *_BLOCK, "split", "part", "source", "channel", "destination", *NUMBERS
    )
    return {"delay_part": _hidden(found, suppress_below)}


def _days(db: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None]:
    """The first local day of any wait, and the first day after the last one."""
    ((first, after_last),) = db.sql("select min(begin_date), max(begin_date) + 1 from wait_item").fetchall()
    return first, after_last


def _hidden(found: pl.DataFrame, threshold: int) -> pl.DataFrame:
    """With `suppressed`, judged kind by kind on the rows of split all: how many waits of how many patients."""
    whole = found.filter(pl.col("split") == "all").select(*_BLOCK, denominator="waits", people="patients")
    marked = [mark_small_groups(whole.filter(pl.col("wait_kind") == kind), threshold) for kind in WAIT_KINDS]
    blocks = pl.concat(marked).select(*_BLOCK, "suppressed")
    return found.join(blocks, on=list(_BLOCK), how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in NUMBERS
    )
