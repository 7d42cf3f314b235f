"""How well and how fast waits are told apart: `python tests/benchmarks/bench_attribution.py [DAYS SEED [SEED ...]]`, or `make bench`.

Each seed is a hospital group of its own, simulated, delivered and ingested as `wardflow run` does; the rules were written on seed 7,
so the seeds here are others. The tables that say where the time of every wait went, and what is published of them, are built and timed.
Prints the worst cell (facility, kind of wait or KPI, week) of each seed: how many percentage points the share of any part is off what truly
happened. What is withheld is no claim and is told apart. Of each planted outage it prints what the waits for a bed that began meanwhile
cost, with its interval, beside the truth; at the end how far off all together are and how many intervals hold the truth. Fails when a
shown cell misses its goal, or when the tables of a year would take more than a minute.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["WARDFLOW_SITE_KEY"] = "a site key for benchmarks only"
from models.catalog import build_order, upstream
from pipelines import build, due, intake, warehouse
from pipelines.aggregates import kpi_delays
from pipelines.aggregates.aggregate import window_list
from pipelines.aggregates.wait_tables import wait_tables
from pipelines.settings import load
from sample_data.simulate import simulate
from tests.attribution import cost_of_outages, off_by, times_off_by
from tests.integration.conftest import make_home

Cost = tuple[float, float | None, float | None, float]
"""Minutes found, the interval, and the truth."""
DAYS, SEEDS = 28, (2001, 2002)
POINTS, YEAR_SECONDS = 5.0, 60.0
NOTHING_HIDDEN = pl.DataFrame(
    schema={"kpi": pl.String, "facility": pl.String, "unit": pl.String, "grain": pl.String, "period": pl.Date, "period_end": pl.Date,
            "suppressed": pl.Boolean},
)  # fmt: skip
TABLES = (
    "marts.message_passage", "marts.wait", "marts.wait_step", "marts.wait_heard", "marts.wait_part", "marts.wait_record",
    "marts.wait_stage", "marts.incident_impact",
)  # fmt: skip


def score(folder: Path, days: int, seed: int) -> tuple[float, float, list[Cost]]:
    """The worst cell's percentage points, seconds for the tables, and what outages cost."""
    simulate(folder / "delivered", days=days, seed=seed)
    home = make_home(folder / "delivered", folder / "home")
    truth = json.loads((folder / "delivered" / "truth.json").read_text())
    settings = load(home)
    wanted = frozenset[str]().union(*(upstream(name) for name in (*TABLES, *kpi_delays.READS)))
    rows: dict[str, int] = {}
    seconds = 0.0
    with warehouse.connect(settings) as db:
        due.take_in_decided(db, settings)
        intake.ingest_paths(db, settings, [home.landing])
        for table in build_order():
            if table.full_name in wanted:
                began = time.perf_counter()
                rows[table.full_name] = build.build(db, settings, table)
                seconds += (time.perf_counter() - began) * (table.full_name in TABLES)
        began = time.perf_counter()
        as_of = build.data_cut(db, settings, TABLES)
        windows = window_list(as_of)
        wait_tables(db, windows, settings.suppress_below)
        cuts = {name.removeprefix("marts."): as_of for name in kpi_delays.READS}
        of_kpis = kpi_delays.kpi_delays(db, windows, cuts, NOTHING_HIDDEN, settings.suppress_below)
        seconds += time.perf_counter() - began
        kinds, kpis = off_by(db, truth), times_off_by(db, truth)
        costs: list[Cost] = cost_of_outages(db, truth)
    outages = "".join(
        f"; an outage cost {found:.0f} min of waiting for beds"
        f"{'' if low is None or high is None else f' ({max(low, 0):.0f} to {high:.0f})'}, truly {true:.0f}"
        for found, low, high, true in costs
    )
    said = ", ".join(f"{rows[name]:,} {name.removeprefix('marts.')}" for name in TABLES)
    print(  # noqa: T201 - what this script is for
        f"seed {seed}, {days} days: {said}, {of_kpis.height:,} kpi_delay in {seconds:.1f} s; "
        f"waits: {_said(kinds)}; KPIs: {_said(kpis)}{outages}"
    )
    worst = max(cells.filter(~pl.col("is_withheld"))["points"].max() for cells in (kinds, kpis))
    return worst, seconds, costs


def _said(cells: pl.DataFrame) -> str:
    """What is shown, how far off; of what is withheld, because too much of it is estimated, how far off it would have been."""
    shown, withheld = cells.filter(~pl.col("is_withheld")), cells.filter("is_withheld")
    beyond, worst = (shown["points"] > POINTS).sum(), shown.row(0, named=True)
    kept_back = f", {len(withheld)} withheld (up to {withheld['points'].max():.2f} points off)" if len(withheld) else ""
    return (
        f"{len(shown)} cells shown, {beyond} beyond {POINTS:.0f} points, worst {worst['points']:.2f} ({worst['facility']}, "
        f"{worst['wait_kind']}, week of {worst['week']}, {worst['hours']:.0f} h){kept_back}"
    )


def _said_together(costs: list[Cost]) -> str:
    """How far all outages together are off, a single one as a rule, and how many intervals hold the truth."""
    found, true = sum(cost[0] for cost in costs), sum(cost[-1] for cost in costs)
    rms = (sum((cost[0] - cost[-1]) ** 2 for cost in costs) / len(costs)) ** 0.5
    spans = [(max(low, 0), high, truth) for _, low, high, truth in costs if low is not None and high is not None]
    held = sum(low <= truth <= high for low, high, truth in spans)
    width = sum(high - low for low, high, _ in spans) / max(len(spans), 1)
    return (
        f"{len(costs)} outages cost {found:,.0f} min, truly {true:,.0f} ({found / true - 1:+.0%}); root mean square error {rms:.0f} min; "
        f"{held} of {len(spans)} intervals hold the truth, on average {width:.0f} min wide"
    )


def main() -> int:
    """Print the score of each seed; 1 when a goal is missed."""
    given = [int(each) for each in sys.argv[1:]]
    days, seeds = (given[0], tuple(given[1:])) if len(given) > 1 else (DAYS, SEEDS)
    missed = 0
    costs: list[Cost] = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            points, seconds, cost = score(Path(folder), days, seed)
            costs += cost
            missed += points > POINTS or seconds > max(YEAR_SECONDS * days / 365, 5.0)
    if costs:
        print(_said_together(costs))  # noqa: T201
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
