"""How fast the hospital is simulated and written: `python tests/benchmarks/bench_simulate.py [DAYS] [FACILITIES]`.

Prints resources and log rows a second and the peak memory, and runs a quarter of the days first: time per day and
memory must not grow with the length of the run, so both ratios should stay near one.
"""

import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path

from sample_data.simulate import SimulationReport, simulate

KILOBYTES_PER_MEGABYTE = 1024


def run(days: int, facilities: int) -> tuple[SimulationReport, float]:
    """One run in this process; returns its report and the peak resident memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        report = simulate(Path(folder), days=days, facilities=facilities)
    return report, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_PER_MEGABYTE


def main() -> None:
    """Measure and print."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 182
    facilities = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    spans = (max(1, days // 4), days)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        results = [pool.apply(run, (span, facilities)) for span in spans]
    for span, (report, peak) in zip(spans, results, strict=True):
        print(  # noqa: T201 - what this script is for
            f"{span:4d} days, {facilities} facilities: {report.seconds:6.1f} s, "
            f"{sum(report.resources.values()):8,d} resources ({report.resources_per_second:8,.0f}/s), "
            f"{report.messages:8,d} messages, {report.events:8,d} log rows ({report.events_per_second:8,.0f}/s), "
            f"peak {peak:5.0f} MB"
        )
    (short, short_peak), (long, long_peak) = results
    per_day = (long.seconds / spans[1]) / (short.seconds / spans[0])
    print(  # noqa: T201
        f"time per day, long against short: {per_day:.2f}; memory: {long_peak / short_peak:.2f}"
    )


if __name__ == "__main__":
    main()
