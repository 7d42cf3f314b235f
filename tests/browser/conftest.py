"""The real server on a published sample, and a real Chromium. Skipped, loudly, where there is none."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.snapshot import build

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ROOT = Path(__file__).parents[2]


def pytest_configure(config):
    # pytest-playwright 0.10 on pytest 9, met on 2026-11-21: its base_url fixture; the next upgrade should try to delete this.
    config.addinivalue_line("filterwarnings", "ignore:Session-scoped fixtures defined as instance methods")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(
                    pytest.mark.skip(reason="NO CHROMIUM: install it or set CHROMIUM; nothing was seen in a browser")
                )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    flags = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync")  # fmt: skip
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": list(flags)}


def _serve(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "dashboard.serve", "--home", str(home), "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(150):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
            break
        except OSError:
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(15)


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("browser") / "home")


@pytest.fixture(scope="session")
def url(home) -> Iterator[str]:
    yield from _serve(home)


@pytest.fixture(scope="session")
def failed_url(tmp_path_factory) -> Iterator[str]:
    yield from _serve(build(tmp_path_factory.mktemp("browser") / "failed", failed=True))
