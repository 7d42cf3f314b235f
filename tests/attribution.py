"""Where the time of waits went, as the warehouse says, beside what truly happened: for the tests and for the benchmark."""

import polars as pl

CELL = ("facility", "wait_kind", "week")
FEWEST_HOURS = 10
"""Hours waited in a cell below which a share is a matter of single cases."""


def off_by(db, truth):
    """Cells of facility, kind of wait and week with the largest difference of any part's share, in percentage points."""
    rows = db.execute(
        """
        select wait.facility, wait.wait_kind, wait.begin_week::varchar as week, part.part, sum(part.minutes) as minutes
        from marts.wait_part as part inner join marts.wait as wait on wait.wait_key = part.wait_key
        where wait.msg_type is not null and wait.began_at::date >= $start::date and wait.began_at::date < $end::date
        group by all
        """,
        {"start": truth["start"], "end": truth["end"]},
    ).fetchall()
    found = _shares(pl.DataFrame(rows, schema=(*CELL, "part", "minutes"), orient="row"))
    true = _shares(pl.DataFrame(truth["waits"]))
    both = true.join(found, on=[*CELL, "part"], how="full", coalesce=True, suffix="_found")
    return (
        both.with_columns(points=100 * (pl.col("share").fill_null(0) - pl.col("share_found").fill_null(0)).abs())
        .group_by(CELL)
        .agg(pl.col("points").max(), hours=pl.col("minutes").sum() / 60, found_hours=pl.col("minutes_found").sum() / 60)
        .filter(pl.col("hours") >= FEWEST_HOURS)
        .sort("points", descending=True)
    )


def _shares(parts):
    return parts.with_columns(share=pl.col("minutes") / pl.col("minutes").sum().over(CELL))
