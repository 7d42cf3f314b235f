"""How fast an event log is mined: `python tests/benchmarks/bench_process.py [EVENTS]`, 3 million shuffled ones by default.

Compares `models.process.mine` with the plain DuckDB SQL for the same edges and variants, on the same table in the same run,
and exits with 1 when it takes more than 1.5 times as long.
"""

import sys
import time

import duckdb

from models.process import mine

LIMIT = 1.5
EVENTS = """
create table event as
select
    'case ' || number % {cases} as case_key,
    'activity ' || hash(number) % 12 as activity,
    timestamptz '2026-01-01 00:00:00+00' + (hash(number * 7) % 31536000) * interval 1 second as occurred_at,
    number as tie,
    null::timestamptz as started_at
from range({events}) as each(number)
order by hash(number * 3)
"""
PLAIN_EDGES = """
with step as (
    select
        activity,
        lead(activity) over in_case as next_activity,
        epoch(lead(occurred_at) over in_case) - epoch(occurred_at) as wait
    from event
    window in_case as (partition by case_key order by occurred_at, tie)
)
select activity, next_activity, count(*), avg(wait), sum(wait), quantile_cont(wait, [0.5, 0.9])
from step where next_activity is not null group by all
"""
PLAIN_VARIANTS = """
with trace as (select list(activity order by occurred_at, tie) as path from event group by case_key)
select path, count(*) as cases from trace group by path order by cases desc limit 100
"""


def main() -> None:
    """Measure and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    with duckdb.connect() as db:
        db.execute(EVENTS.format(events=events, cases=events // 10))
        seconds: dict[str, float] = {}
        for _ in range(3):  # the quietest of three runs each
            started = time.perf_counter()
            edges = len(db.execute(PLAIN_EDGES).fetchall())
            db.execute(PLAIN_VARIANTS).fetchall()
            plain = time.perf_counter()
            found = mine(db, "event")
            mined = time.perf_counter()
            seconds["plain"] = min(seconds.get("plain", plain - started), plain - started)
            seconds["mined"] = min(seconds.get("mined", mined - plain), mined - plain)
    if (len(found.edges), found.events) != (edges, events):
        raise SystemExit("the two do not agree")
    ratio = seconds["mined"] / seconds["plain"]
    print(  # noqa: T201 - what this script is for
        f"{events:,} shuffled events: plain DuckDB SQL {seconds['plain']:.2f} s, mined {seconds['mined']:.2f} s, "
        f"ratio {ratio:.2f} (at most {LIMIT}); {edges} edges, {found.variants:,} variants"
    )
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main()
