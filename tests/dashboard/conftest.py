"""Published homes for the dashboard's tests, and the app on them as AppTest drives it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.dashboard.snapshot import build

APP = Path(__file__).parents[2] / "dashboard" / "streamlit_app.py"
PAGES = (
    "overview",
    "emergency",
    "turnaround",
    "backlog",
    "bottlenecks",
    "exceptions",
    "pain",
    "delays",
    "pilots",
    "interfaces",
    "data_quality",
    "dictionary",
    "kpi",
    "case",
    "message",
)


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Path:
    """The sample's home, in which nobody reads or writes: it is copied."""
    return build(tmp_path_factory.mktemp("untouched") / "home")


@pytest.fixture(scope="session")
def homes(untouched, tmp_path_factory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("homes")
    return {
        "sample": Path(shutil.copytree(untouched, base / "sample")),
        "failed": build(base / "failed", failed=True),
        "empty": build(base / "empty", empty=True),
    }


@pytest.fixture(autouse=True)
def on_loopback() -> Iterator[None]:
    """The address that `dashboard.serve` gives; nothing cached by another test."""
    before = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    st.cache_data.clear()
    yield
    config.set_option("server.address", before)


@pytest.fixture
def home(untouched, tmp_path) -> Path:
    """A home of its own for a test that writes journals."""
    return Path(shutil.copytree(untouched, tmp_path / "home"))


@pytest.fixture
def visit(monkeypatch) -> Callable[..., AppTest]:
    """Open a page of a home in a role with URL parameters; the app as its user sees it."""

    def run(
        home: Path, page: str = "overview", *, role: str = "engineer", purpose: str | None = None, **params: str
    ) -> AppTest:
        monkeypatch.setenv("WARDFLOW_HOME", str(home))
        monkeypatch.setenv("WARDFLOW_ROLE", role)
        app = AppTest.from_file(APP, default_timeout=60)
        if purpose:
            app.session_state["purpose"] = purpose
        app.run()
        if page != "overview":
            app.switch_page(f"app_pages/{page}.py")
        for name, value in params.items():
            app.query_params[name] = value
        return app.run()

    return run


def words(app: AppTest) -> str:
    """Everything that the page says, markup included, its unbroken spaces as ordinary ones."""
    kinds = ("html", "markdown", "caption", "subheader", "error", "success")
    said = [str(element.value) for kind in kinds for element in app.get(kind)]  # type: ignore[attr-defined]
    said = [text for text in said if not text.startswith("<style>")]
    return "\n".join([*said, *(link.proto.label for link in app.get("page_link"))]).replace("\u00a0", " ")
