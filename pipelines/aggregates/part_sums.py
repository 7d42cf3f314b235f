"""Minutes of cases and of their parts, summed by place and period, and small numbers hidden.

Here: the sums that `delay_part` (waits by their kind) and `kpi_delay` (cases of KPIs) have in common. Not here: which cases and which
parts (`wait_tables`, `kpi_delays`), the rule by which small numbers are hidden (`hiding`).

Reads two temporary tables: `part_case` (one row per case: subject, case_no, patient_no, facility, unit, is_open, day, minutes) and
`part_piece` (one row per case, part and hop: case_no, wait_kind, part, source, channel, destination, minutes, minutes_across_clocks,
minutes_estimated, minutes_uncertain). `subject` is what is published of: a kind of wait, a KPI.

Everything but patients adds up from day to day, so it is summed by day once. How many patients is counted where it is asked for.
Minutes are added up as decimals, which come to the same in whatever order threads deliver them (decision 63).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.waits import MOST_UNCERTAIN
from pipelines.aggregates.hiding import mark_small_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.aggregates.periods import Window

ADDED = ("cases", "open_cases", "minutes", "minutes_across_clocks", "minutes_estimated", "minutes_uncertain")
NUMBERS = (*ADDED[:2], "patients", *ADDED[2:])
BLOCK = ("subject", "facility", "unit", "grain", "period", "period_end")
OF = ("wait_kind", "part", "source", "channel", "destination")
_OF_SPLIT = {"all": (), "part": ("part",), "hop": ("source", "channel", "destination"), "kind": ("wait_kind",)}
_KEYS = ("subject", "facility", "unit", "day", "split", *OF)
_TABLES = """
create or replace temp table part_day (
    subject varchar, facility varchar, unit varchar, day date, split varchar, wait_kind varchar, part varchar, source varchar,
    channel varchar, destination varchar, cases bigint, open_cases bigint, minutes decimal(18, 6),
    minutes_across_clocks decimal(18, 6), minutes_estimated decimal(18, 6), minutes_uncertain decimal(18, 6)
);
create or replace temp table part_patient (
    subject varchar, facility varchar, unit varchar, day date, split varchar, wait_kind varchar, part varchar, source varchar,
    channel varchar, destination varchar, patient_no integer
);
"""
_ALL, _FACILITY, _UNIT = "", "facility, ", "facility, unit, "


def begin(db: duckdb.DuckDBPyConnection) -> None:
    """Start with nothing."""
    db.execute(_TABLES)


def add(db: duckdb.DuckDBPyConnection, splits: Sequence[str], patients_of: Sequence[str]) -> None:
    """Add the cases of `part_case`, each as a whole and by each of `splits`; patients are counted of the splits `patients_of`.

    part: by part; hop: what an engine's channel, or its way to one destination, took; kind: by what was waited for.
    """
    pieces = " union all by name ".join(_split(split) for split in splits)
    db.execute(f"""
    create or replace temp table part_item as
    select 'all' as split, part_case.case_no, part_case.minutes::decimal(18, 6) as minutes,
        coalesce(sum(part_piece.minutes_across_clocks::decimal(18, 6)), 0) as minutes_across_clocks,
        coalesce(sum(part_piece.minutes_estimated::decimal(18, 6)), 0) as minutes_estimated,
        coalesce(sum(part_piece.minutes_uncertain::decimal(18, 6)), 0) as minutes_uncertain
    from part_case left join part_piece on part_piece.case_no = part_case.case_no
    group by all
    union all by name {pieces}
    """)
    keys = ", ".join(f"part_item.{name}" if name in ("split", *OF) else f"part_case.{name}" for name in _KEYS)
    joined = "from part_item inner join part_case on part_case.case_no = part_item.case_no"
    db.execute(f"""
    insert into part_day
    select {keys}, count(*), count(*) filter (where part_case.is_open), sum(part_item.minutes), sum(part_item.minutes_across_clocks),
        sum(part_item.minutes_estimated), sum(part_item.minutes_uncertain)
    {joined} group by all
    """)
    db.execute(
        f"insert into part_patient select distinct {keys}, part_case.patient_no {joined} where list_contains($splits, part_item.split)",
        {"splits": list(patients_of)},
    )
    db.execute("drop table part_item")


def _split(split: str) -> str:
    of = ", ".join(name if name in _OF_SPLIT[split] else f"null::varchar as {name}" for name in OF)
    return f"""
    select '{split}' as split, case_no, {of}, sum(minutes::decimal(18, 6)) as minutes,
        coalesce(sum(minutes_across_clocks::decimal(18, 6)), 0) as minutes_across_clocks,
        coalesce(sum(minutes_estimated::decimal(18, 6)), 0) as minutes_estimated,
        coalesce(sum(minutes_uncertain::decimal(18, 6)), 0) as minutes_uncertain
    from part_piece {"where channel is not null" if split == "hop" else ""} group by all
    """


def summed(
    db: duckdb.DuckDBPyConnection, window_list: Sequence[Window], *, weeks_by_unit: bool, patients_by_day: Sequence[str]
) -> pl.DataFrame:
    """All that was added, by day and week and over windows: one row per subject, place, period, and what of it (`split` all: the whole).

    Units have windows, and weeks where asked for; they have no days, because those would have to be hidden nearly all. Patients are
    counted over windows; of a day or week only those of the splits `patients_by_day`. Null where no case names one.
    """
    ((first, last),) = db.sql("select min(day), max(day) + 1 from part_day").fetchall()
    places = (_ALL, _FACILITY, _UNIT)
    by_day = list(patients_by_day)
    found = [
        _rolled(db, "day", "1d", places[:2], by_day),
        _rolled(db, "week", "1w", places if weeks_by_unit else places[:2], by_day),
    ]
    for each in window_list:
        rows = _rows(db, places, "null::date", {"start": each.start, "end": each.end, "splits": list(_OF_SPLIT)})
        span = {"grain": pl.lit(each.name), "period": pl.lit(each.start or first, pl.Date)}
        found.append(rows.with_columns(period_end=pl.lit(each.end or last, pl.Date), **span))
    db.execute("drop table part_day; drop table part_patient")
    return pl.concat(found, how="diagonal_relaxed").select(*BLOCK, "split", *OF, *NUMBERS)


def _rolled(
    db: duckdb.DuckDBPyConnection, grain: str, length: str, places: Sequence[str], splits: list[str]
) -> pl.DataFrame:
    rows = _rows(db, places, f"date_trunc('{grain}', day)::date", {"start": None, "end": None, "splits": splits})
    return rows.with_columns(grain=pl.lit(grain), period_end=pl.col("period").dt.offset_by(length))


def _rows(db: duckdb.DuckDBPyConnection, places: Sequence[str], period: str, bounds: dict[str, object]) -> pl.DataFrame:
    keys = ", ".join(("subject", "period", "split", *OF))
    unit = "unit" if _UNIT in places else "null::varchar as unit"
    sets = ", ".join(f"({place}{keys})" for place in places)
    added = ", ".join(
        f"round(sum({name}), 3)::double as {name}" if "minutes" in name else f"sum({name})::bigint as {name}"
        for name in ADDED
    )

    def grouped(table: str, numbers: str, condition: str = "$splits is not null") -> pl.DataFrame:
        return db.sql(
            f"""
            select facility, {unit}, {keys}, {numbers}
            from (
                select *, {period} as period from {table}
                where ($start is null or day >= $start) and ($end is null or day < $end) and {condition}
            )
            group by grouping sets ({sets})
            """,
            params=bounds,
        ).pl()

    on = ["facility", "unit", "subject", "period", "split", *OF]
    counted = "nullif(count(distinct patient_no), 0) as patients"
    patients = grouped("part_patient", counted, "patient_no is not null and list_contains($splits, split)")
    return grouped("part_day", added).join(patients, on=on, how="left", nulls_equal=True)


def hidden(found: pl.DataFrame, threshold: int, also: pl.DataFrame | None = None) -> pl.DataFrame:
    """With `suppressed`, judged subject by subject on the rows of split all: how many cases of how many patients, in an order of
    their own, because of equals the first is hidden and rows come in any.

    `also` are blocks that are hidden whatever their size, because another table hides them.
    """
    on = list(BLOCK)
    whole = found.filter(pl.col("split") == "all").select(*BLOCK, denominator="cases", people="patients").sort(on)
    marked = [mark_small_groups(each, threshold) for _, each in whole.group_by("subject", maintain_order=True)]
    blocks = pl.concat(marked) if marked else whole.with_columns(suppressed=pl.lit(value=False))
    if also is not None:
        gone = also.select(*BLOCK).unique().with_columns(gone=pl.lit(value=True))
        blocks = blocks.join(gone, on=on, how="left", nulls_equal=True).with_columns(
            suppressed=pl.col("suppressed") | pl.col("gone").fill_null(value=False)
        )
    rows = found.join(blocks.select(*BLOCK, "suppressed"), on=on, how="left", nulls_equal=True, maintain_order="left")
    return rows.with_columns(pl.when(~pl.col("suppressed")).then(pl.col(name)).alias(name) for name in NUMBERS)


def withheld(found: pl.DataFrame) -> pl.DataFrame:
    """With `is_withheld`: too much rests on what is usual to say what the time was made of. Only the whole then has numbers."""
    unsure = (pl.col("split") == "all") & (pl.col("minutes_uncertain") > MOST_UNCERTAIN * pl.col("minutes"))
    rows = found.with_columns(is_withheld=unsure.any().over(BLOCK))
    keeps = (pl.col("split") == "all") | ~pl.col("is_withheld")
    return rows.with_columns(pl.when(keeps).then(pl.col(name)).alias(name) for name in NUMBERS)
