"""How fast every page answers on a year of the group: `make bench`, or `python tests/benchmarks/bench_pages.py HOME`.

Each view runs as a person sees it (AppTest, the whole script): first with empty caches, then five times more. The middle one
of those is what is said; a view over a second fails, also when it is the first. Then the real server and a real Chromium, where there is
one: from the click to the drawn page. Without a home a year is simulated, which takes some minutes.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parents[2]
ROUNDS = 5
LIMIT_SECONDS = 1.0
PURPOSE = "a benchmark"
View = tuple[str, Mapping[str, str]]  # a page's file and its parameters
Times = tuple[float, float, float]  # first, middle one and slowest one of those after it


def views(home: Path) -> dict[str, View]:
    """Every view that is measured, by name; cases, channels and messages are those with the most to show."""
    case = _one(home, "wait", "arg_max(encounter_key, minutes)")
    channel = _one(home, "interface_channel", "arg_max(source || '/' || channel, messages)")
    message = _one(home, "message_event", "arg_max(message_key, event_order)")
    step = _one(home, "process_edge", "arg_max(activity || ' → ' || next_activity, lost_seconds)")
    workflow = _one(home, "process_edge", "arg_max(workflow, lost_seconds)")
    return {
        "overview": ("overview", {}),
        "emergency": ("emergency", {}),
        "turnaround": ("turnaround", {}),
        "backlog": ("backlog", {}),
        "exceptions": ("exceptions", {}),
        "bottlenecks": ("bottlenecks", {}),
        "one edge": ("bottlenecks", {"workflow": workflow, "step": step}),
        "pain": ("pain", {}),
        "delays": ("delays", {"weeks": "26"}),
        "delays of a day": ("delays", {"wait": "boarding", "weeks": "4"}),
        "delays of a kpi": ("delays", {"kpi": "lab_turnaround_median"}),
        "kpi": ("kpi", {"kpi": "ed_length_of_stay"}),
        "case": ("case", {"case": case}),
        "interfaces": ("interfaces", {}),
        "one channel": ("interfaces", {"channel": channel, "weeks": "26"}),
        "one message": ("message", {"message": message}),
        "pilots": ("pilots", {"pilot": "discharge-by-noon"}),
        "data quality": ("data_quality", {}),
        "dictionary": ("dictionary", {}),
    }


def _one(home: Path, table: str, expression: str) -> str:
    """One value of a published table."""
    import duckdb

    from models import publication

    published = home / "published"
    files = [str(published / file) for file in publication.load_current(published).table(table).files]
    return duckdb.execute(f"select {expression} from read_parquet(?)", [files]).fetchall()[0][0]


def measure(home: Path) -> dict[str, Times]:
    """Seconds of the script by view."""
    import streamlit as st
    from streamlit import config
    from streamlit.testing.v1 import AppTest

    os.environ["WARDFLOW_HOME"] = str(home)
    config.set_option("server.address", "127.0.0.1")
    found: dict[str, Times] = {}
    for name, (page, params) in views(home).items():
        app = AppTest.from_file(ROOT / "dashboard" / "streamlit_app.py", default_timeout=120).run()
        if page != "overview":
            app.switch_page(f"app_pages/{page}.py")
        for key, value in params.items():
            app.query_params[key] = value
        app.session_state["purpose"] = PURPOSE
        st.cache_data.clear()
        first, *again = [_seconds(app) for _ in range(1 + ROUNDS)]
        assert not app.exception, name
        assert any("wf-headline" in str(each.value) for each in app.get("html")[1:]), f"{name} says nothing"
        found[name] = (first, statistics.median(again), max(again))
    return found


def _seconds(app) -> float:
    start = time.perf_counter()
    app.run()
    return time.perf_counter() - start


def in_a_browser(home: Path) -> dict[str, Times]:
    """Seconds from the click on a link to the page as it stays, with every picture drawn, by view; empty without a Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        return {}
    found: dict[str, Times] = {}
    with _served(home) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        for name, (file, params) in views(home).items():
            page.goto(f"{url}/{file.replace('_', '-')}?{urlencode(params)}")
            if file in ("case", "message"):
                page.get_by_role("combobox", name="Purpose").click(timeout=60_000)
                page.get_by_role("option", name="Data quality").click()
                page.get_by_role("button", name="Open and record").click()
            times = []
            for _ in range(1 + ROUNDS):
                page.wait_for_timeout(1_500)
                page.get_by_role("link", name="What do numbers mean?").first.click()
                page.get_by_role("heading", name="What do numbers mean?").wait_for(timeout=60_000)
                page.wait_for_timeout(1_500)
                times.append(page.evaluate(_GO_BACK))
            found[name] = (times[0], statistics.median(times[1:]), max(times[1:]))
        browser.close()
    return found


# From the step back to the last change of the page, in seconds: nothing has changed for a second then.
_GO_BACK = """() => new Promise(done => {
    const start = performance.now(); let last = start;
    const watch = new MutationObserver(() => { last = performance.now() });
    watch.observe(document.querySelector('[data-testid=stApp]'), {subtree: true, childList: true, characterData: true});
    const look = setInterval(() => {
        const idle = document.querySelector('[data-test-script-state=notRunning]');
        if (idle && last > start && performance.now() - last > 1000) {
            clearInterval(look); watch.disconnect(); done((last - start) / 1000);
        } }, 50);
    history.back(); })"""


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """The real server, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "dashboard.serve", "--home", str(home), "--port", str(port)]
    server = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(15)


def report(title: str, found: dict[str, Times]) -> str:
    """One line a view."""
    lines = [
        f"{name:<16} first {first:5.2f} s, then {middle:5.2f} s, slowest {slowest:5.2f} s"
        for name, (first, middle, slowest) in found.items()
    ]
    return "\n".join([title, *lines])


def too_slow(found: dict[str, Times]) -> set[str]:
    """The views that do not answer within a second."""
    return {name for name, (first, middle, _) in found.items() if max(first, middle) > LIMIT_SECONDS}


def test_every_page_answers_within_a_second_on_a_year(tmp_path):
    home = Path(os.environ["WARDFLOW_BENCH_HOME"]) if "WARDFLOW_BENCH_HOME" in os.environ else tmp_path / "year"
    if not home.exists():
        words = ["demo", "--home", str(home), "--days", "365", "--no-serve"]
        subprocess.run([sys.executable, "-m", "pipelines.cli", *words], check=True, cwd=ROOT)
    found, drawn = measure(home), in_a_browser(home)
    print("\n" + report("The script", found) + "\n" + report("In Chromium", drawn))  # noqa: T201 - what this is for
    assert too_slow(found) == set()
    assert too_slow({name: times for name, times in drawn.items() if name in ("case", "delays")}) == set()


if __name__ == "__main__":
    print(report("The script", measure(Path(sys.argv[1]))))  # noqa: T201
    print(report("In Chromium", in_a_browser(Path(sys.argv[1]))))  # noqa: T201
