"""A small simulated hospital, its home, and its first publication: made once for all workers, copied by tests that change something."""

import fcntl
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from data_quality.run import Verdict
from models.catalog import build_order, tables
from pipelines import build, due, effective, warehouse
from pipelines.aggregates import aggregate_tables
from pipelines.home import Home
from pipelines.refresh import refresh
from pipelines.settings import load
from sample_data.simulate import simulate

DAYS = 10
KEY = "integration-tests-only-site-key"
LONGEST = ("test_key_rotation.py", "test_kill.py", "test_refresh.py", "test_daemon.py", "test_truth.py")


def pytest_collection_modifyitems(items):
    """The longest files come first, so that no worker is left alone with one of them at the end."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


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


def made_once(tmp_path_factory, name, make):
    """A folder that the first worker to need it makes for all of them, to be read only."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert not folder.exists(), f"Another worker failed to make {name}."
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    return made_once(tmp_path_factory, "simulated", lambda out: simulate(out, days=DAYS))


def make_home(delivered: Path, place: Path, folders: Sequence[str] = ("fhir", "logs")) -> Home:
    """A home whose landing folder holds what the simulated hospital handed over, or these folders of it; files are linked, not
    copied.
    """
    home = Home(place)
    home.landing.mkdir(parents=True)
    for folder in folders:
        shutil.copytree(delivered / folder, home.landing / folder, copy_function=os.link)
    for name in ("wardflow.toml", "registry.toml"):
        shutil.copy(delivered / name, place / name)
    home.decisions_path.parent.mkdir()
    shutil.copy(delivered / "decisions.ndjson", home.decisions_path)
    return home


def counted(home: Home) -> dict[str, pl.DataFrame]:
    """What every KPI and pilot comes to, straight from the delivered files: without checks, files and the tables about workflows and
    delays, which take most of the time of a run.
    """
    settings = load(home)
    home.create()
    with warehouse.connect(settings) as db:
        due.take_in(db, settings, with_fhir=True)
        for table in build_order():
            build.build(db, settings, table)
        cuts = {table.name: build.data_cut(db, settings, [table.full_name]) for table in tables() if table.is_published}
        return aggregate_tables.kpi_tables(db, settings, Verdict(()), effective.decided(db), cuts)


@pytest.fixture(scope="session")
def published_home(simulated, tmp_path_factory):
    """A home after its first run. Read it only; `home` is a copy to change, of the same name, which a snapshot holds."""

    def publish(place):
        result = refresh(make_home(simulated, place))
        assert result.succeeded, result.failure

    return Home(made_once(tmp_path_factory, "home", publish))


@pytest.fixture
def home(published_home, tmp_path):
    shutil.copytree(published_home.path, tmp_path / "home")
    return Home(tmp_path / "home")
