"""How fast every page answers on a year of the group: `make bench`, or `python tests/benchmarks/bench_pages.py HOME`.

Each page runs as a person sees it (AppTest, the whole script): first with empty caches, then five times more. The fifth
of those in order of time is what is said; a page over a second fails. Without a home a year is simulated, which takes
some minutes.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES: dict[str, dict[str, str]] = {
    "overview": {},
    "emergency": {},
    "turnaround": {},
    "backlog": {},
    "bottlenecks": {},
    "pain": {},
    "delays": {},
    "pilots": {"pilot": "discharge-by-noon"},
    "interfaces": {},
    "data_quality": {},
    "dictionary": {},
    "kpi": {"kpi": "ed_length_of_stay"},
    "case": {},  # of the visit that waited longest
}
ROUNDS = 5
LIMIT_SECONDS = 1.0


def measure(home: Path) -> dict[str, tuple[float, float, float]]:
    """Seconds by page: first view, middle one and slowest one of those after it."""
    import streamlit as st
    from streamlit import config
    from streamlit.testing.v1 import AppTest

    os.environ["WARDFLOW_HOME"] = str(home)
    config.set_option("server.address", "127.0.0.1")
    found: dict[str, tuple[float, float, float]] = {}
    for page, params in (PAGES | {"case": {"case": longest(home)}}).items():
        st.cache_data.clear()
        app = AppTest.from_file(ROOT / "dashboard" / "streamlit_app.py", default_timeout=120).run()
        if page != "overview":
            app.switch_page(f"app_pages/{page}.py")
        for name, value in params.items():
            app.query_params[name] = value
        if page == "case":
            app.session_state["purpose"] = "a benchmark"
        st.cache_data.clear()
        first, *again = [_seconds(app) for _ in range(1 + ROUNDS)]
        assert not app.exception, page
        found[page] = (first, statistics.median(again), max(again))
    return found


def longest(home: Path) -> str:
    """The visit of the longest wait."""
    import duckdb

    from models import publication

    published = home / "published"
    files = [str(published / file) for file in publication.load_current(published).table("wait").files]
    return duckdb.execute("select arg_max(encounter_key, minutes) from read_parquet(?)", [files]).fetchall()[0][0]


def _seconds(app) -> float:
    start = time.perf_counter()
    app.run()
    return time.perf_counter() - start


def report(found: dict[str, tuple[float, float, float]]) -> str:
    """One line a page."""
    lines = [
        f"{page:<14} first {first:5.2f} s, then {middle:5.2f} s, slowest {slowest:5.2f} s"
        for page, (first, middle, slowest) in found.items()
    ]
    return "\n".join(lines)


def test_every_page_answers_within_a_second_on_a_year(tmp_path):
    home = Path(os.environ["WARDFLOW_BENCH_HOME"]) if "WARDFLOW_BENCH_HOME" in os.environ else tmp_path / "year"
    if not home.exists():
        words = ["demo", "--home", str(home), "--days", "365", "--no-serve"]
        subprocess.run([sys.executable, "-m", "pipelines.cli", *words], check=True, cwd=ROOT)
    found = measure(home)
    print("\n" + report(found))  # noqa: T201 - what this is for
    assert {page for page, (_, middle, _) in found.items() if middle > LIMIT_SECONDS} == set()


if __name__ == "__main__":
    print(report(measure(Path(sys.argv[1]))))  # noqa: T201
