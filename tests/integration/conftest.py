"""A small simulated hospital, its home, and its first publication: made once a session, copied by tests that change something."""

import os
import shutil
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.refresh import refresh
from sample_data.simulate import simulate

DAYS = 10
KEY = "integration-tests-only-site-key"


@pytest.fixture(scope="session", autouse=True)
def site_key():
    before = {name: os.environ.get(name) for name in ("WARDFLOW_SITE_KEY", "WARDFLOW_HOME")}
    os.environ["WARDFLOW_SITE_KEY"] = KEY
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated")
    simulate(out, days=DAYS)
    return out


def make_home(delivered: Path, place: Path) -> Home:
    """A home whose landing folder holds what the simulated hospital handed over; files are linked, not copied."""
    home = Home(place)
    home.landing.mkdir(parents=True)
    for folder in ("fhir", "logs"):
        shutil.copytree(delivered / folder, home.landing / folder, copy_function=os.link)
    for name in ("wardflow.toml", "registry.toml"):
        shutil.copy(delivered / name, place / name)
    home.decisions_path.parent.mkdir()
    shutil.copy(delivered / "decisions.ndjson", home.decisions_path)
    return home


@pytest.fixture(scope="session")
def published_home(simulated, tmp_path_factory):
    """A home after its first run. Read it only; `home` is a copy to change."""
    home = make_home(simulated, tmp_path_factory.mktemp("published") / "home")
    result = refresh(home)
    assert result.succeeded, result.failure
    return home


@pytest.fixture
def home(published_home, tmp_path):
    shutil.copytree(published_home.path, tmp_path / "home")
    return Home(tmp_path / "home")
