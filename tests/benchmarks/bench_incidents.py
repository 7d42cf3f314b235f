"""How well incidents are found: `python tests/benchmarks/bench_incidents.py [FIRST LAST]`, with the seeds to evaluate.

Ten flows over a year for each seed, each kind of fault once in each flow, and what must not alarm in between; the rules were
written on seeds 1 to 20, so the seeds here are others. Prints what was found by kind: the recall, when it began and when it
was known (the median, and for 95 of 100) in minutes after the true beginning, when it was over after the true end, and the
messages affected as a multiple of the true number. Fails when recall or false incidents miss their goals.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from sample_data.flow_years import flow_years
from tests.fault_years import Score, incidents, warehouse

FIRST, LAST = 1001, 1040
RECALL, FALSE = 0.95, 1.0


def main() -> int:
    """Print the score; 1 when a goal is missed."""
    first, last = (int(each) for each in sys.argv[1:3]) if len(sys.argv) > 2 else (FIRST, LAST)
    score, events, began = Score(), 0, time.process_time()
    for seed in range(first, last + 1):
        run = flow_years(seed)
        events += len(run.events)
        with warehouse(run) as db:
            score.add(seed, run, incidents(db))
        sys.stderr.write(f"seed {seed}: recall {score.recall:.1%}, {len(score.false)} false so far\n")
    used = (time.process_time() - began) / (last - first + 1)
    wrong = [*(f"missed: {each}" for each in score.missed), *(f"false: {each}" for each in score.false)]
    rate = f"{events:,} events, {used:.1f} s of the processor a seed"
    print(*score.lines(), rate, *wrong, sep="\n")  # noqa: T201 - what this script is for
    return int(score.recall < RECALL or score.false_per_flow_year > FALSE)


if __name__ == "__main__":
    raise SystemExit(main())
