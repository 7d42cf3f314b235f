"""Where the time of waits went, by place and period: `delay_part` of the aggregates folder.

Here: which waits and which of their parts. Not here: sums and small numbers (`part_sums`), when a wait begins and ends, how it is
cut (`models/sql/marts/wait.sql`, `wait_part.sql`), what the parts are called (`models.waits`).

A wait belongs to the period in which it began, with all its time. Null `facility` or `unit` means all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.aggregates import part_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import polars as pl

    from pipelines.aggregates.periods import Window

NAMES = ("delay_part",)

_CASES = """
create or replace temp table part_case as
select
    wait_key,
    cast(row_number() over () as integer) as case_no,
    cast(dense_rank() over (order by patient_key) as integer) as patient_no,
    wait_kind as subject,
    facility,
    unit,
    is_open,
    begin_date as day,
    minutes
from marts.wait
"""
_PIECES = """
create or replace temp table part_piece as
select
    part_case.case_no,
    part_case.subject as wait_kind,
    part.part,
    part.source,
    part.channel,
    part.destination,
    sum(part.minutes::decimal(18, 6)) as minutes,
    sum(part.minutes::decimal(18, 6)) filter (where part.is_across_clocks) as minutes_across_clocks,
    sum(part.minutes::decimal(18, 6)) filter (where part.is_estimated) as minutes_estimated,
    sum(part.minutes_uncertain::decimal(18, 6)) as minutes_uncertain
from part_case
inner join marts.wait_part as part
    on part.wait_key = part_case.wait_key
group by all
"""


def wait_tables(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], suppress_below: int
) -> dict[str, pl.DataFrame]:
    """The table `delay_part`: a row for each kind of wait, place, period and `split`, and what of it.

    `split` all: the waits as a whole; part: by part; hop: what an engine's channel, or its way to one destination, took. Parts
    add up to the whole, and so do hops with what no channel has. Where `suppressed` is true every number of the row is null:
    whether a place and period can be shown is decided by all its waits, and then for all its rows. Where `is_withheld` is true
    only the whole has numbers.
    """
    db.execute(_CASES)
    db.execute(_PIECES)
    part_sums.begin(db)
    part_sums.add(db, ("part", "hop"), patients_of=("all", "part", "hop"))
    found = part_sums.summed(db, window_list, weeks_by_unit=False, patients_by_day=("all", "part", "hop"))
    db.execute("drop table part_case")
    db.execute("drop table part_piece")
    names = {"subject": "wait_kind", "cases": "waits", "open_cases": "open_waits"}
    shown = part_sums.withheld(part_sums.hidden(found.drop("wait_kind"), suppress_below))
    return {"delay_part": shown.rename(names)}
