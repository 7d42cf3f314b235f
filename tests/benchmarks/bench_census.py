"""How fast a year of hourly occupancy is counted: `python tests/benchmarks/bench_census.py [STAYS]`.

Prints the seconds of `models.census.census` on DuckDB, of one plain scan of the same stays, and of the mistake to
avoid, a join of ranges, on a twentieth of the stays. The ratios hold on any machine.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import duckdb
import narwhals.stable.v2 as nw

from models.census import census

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
OPEN_EVERY = 500
FEWER = 20
ROUNDS = 5

STAYS = """
select
    i % 40 as ward,
    came,
    case when i % $open_every <> 0 then came + 3600 * (1 - 48 * ln(1 - random())) end as went
from (select i, $origin + random() * 31536000 as came from range($stays) as numbers (i))
"""
NAIVE = """
select hour, count(*) from range($origin, $origin + 31536000, 3600) as hours (hour)
join few on came < hour + 3600 and coalesce(went, 1e12) >= hour + 3600 group by hour
"""


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    """Measure and print."""
    stays = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    origin = int(YEAR[0].timestamp())
    with duckdb.connect() as db:
        db.execute("select setseed(0.5)")
        given = {"stays": stays, "origin": origin, "open_every": OPEN_EVERY}
        db.execute(f"create table stays as {STAYS}", given)
        db.execute(f"create table few as select * from stays limit {stays // FEWER}")
        relation = nw.from_native(db.table("stays"))
        hours = fastest(lambda: census(relation, "came", "went", between=YEAR).collect("pyarrow"))
        wards = fastest(lambda: census(relation, "came", "went", between=YEAR, by=("ward",)).collect("pyarrow"))
        ages = (timedelta(hours=4), timedelta(hours=12), timedelta(days=1), timedelta(days=3), timedelta(days=7))
        aged = fastest(lambda: census(relation, "came", "went", between=YEAR, ages=ages).collect("pyarrow"))
        scan = fastest(lambda: db.execute("select sum(came), sum(went), count(*) from stays").fetchall())
        began = time.perf_counter()
        db.execute(NAIVE, {"origin": origin}).fetchall()
        naive = time.perf_counter() - began
    print(  # noqa: T201 - what this script is for
        f"{stays:,d} stays, a year of hours: {hours:.3f} s; in 40 wards {wards:.3f} s; with 5 ages {aged:.3f} s; "
        f"one scan {scan:.4f} s ({hours / scan:.0f} scans); "
        f"a join of ranges {naive:.2f} s for a {FEWER}th of the stays ({naive * FEWER / hours:.0f} times as long for all)"
    )


if __name__ == "__main__":
    main()
