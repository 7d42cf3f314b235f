"""A small simulated hospital, and its home after its first run: made once for all workers, copied by tests that change something."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from data_quality.run import Verdict
from models.catalog import build_order, tables
from pipelines import build, due, effective, keys, warehouse
from pipelines.aggregates import aggregate_tables
from pipelines.home import Home
from pipelines.settings import load
from sample_data.simulate import simulate
from tests import homes

LONGEST = ("test_key_rotation.py", "test_kill.py", "test_refresh.py", "test_daemon.py", "test_truth.py")


def pytest_collection_modifyitems(items):
    """The longest files come first, so that no worker is left alone with one of them at the end."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session", autouse=True)
def _own_environment():
    """No test sees the settings of whoever runs it: every home has its key beside it. A run names its home to Dagster."""
    names = ("WARDFLOW_SITE_KEY", "WARDFLOW_HOME")
    before = {name: os.environ.pop(name, None) for name in names}
    yield
    for name in names:
        os.environ.pop(name, None)
    os.environ.update({name: value for name, value in before.items() if value is not None})


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    return homes.made_once(tmp_path_factory, "simulated", lambda out: simulate(out, days=homes.DAYS))


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
    keys.create(load(home))
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
def published_home(tmp_path_factory):
    """A home after its first run, the demo's. Read it only; `home` is a copy to change."""
    return Home(homes.demo(tmp_path_factory) / "home")


@pytest.fixture
def home(published_home, tmp_path):
    return Home(homes.copied(published_home.path.parent, tmp_path))
