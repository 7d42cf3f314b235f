"""What assets need from the outside world: one hospital's home, its settings, and the one open connection of the run.

Here: opening and closing. The writer's lock is held from the first step to the last, because a Dagster pool does not
bind the command line. All steps of a run share one process and one connection (`in_process_executor`).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from pipelines import settings as configuration
from pipelines import warehouse
from pipelines.errors import ConfigurationError
from pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import duckdb

    from data_quality.run import Outcome
    from pipelines.accounts import IngestReport
    from pipelines.publish import Publication
    from pipelines.settings import Settings

HOME_VARIABLE = "WARDFLOW_HOME"


@dataclass
class Warehouse:
    """The open run: `say` is told each step's name; `sources` limits what is ingested (null: all).

    What steps found is kept here for whoever started the run in process, and `contents`: digests of raw tables since they
    were filled.
    """

    home: Home
    settings: Settings
    db: duckdb.DuckDBPyConnection
    say: Callable[[str], None] = lambda _step: None
    sources: Sequence[str] | None = None
    contents: dict[str, str] = field(default_factory=dict[str, str])
    ingested: IngestReport | None = None
    structural_failures: tuple[Outcome, ...] = ()
    publication: Publication | None = None


def current_home() -> Home:
    """The home that WARDFLOW_HOME names.

    Raises:
        ConfigurationError: the variable is not set.
    """
    path = os.environ.get(HOME_VARIABLE)
    if not path:
        raise ConfigurationError(
            f"{HOME_VARIABLE} is not set, so there is no home to work on. Set it to a folder made by `wardflow init`."
        )
    return Home(Path(path))


@contextmanager
def opened(home: Home, say: Callable[[str], None] = lambda _step: None) -> Iterator[Warehouse]:
    """The home's warehouse, locked and open for one run.

    Raises:
        HomeBusy: another writer holds the home for too long.
        PipelineError: the settings or the site key are not usable.
    """
    settings = configuration.load(home)
    with home.lock(say=say), warehouse.connect(settings) as db:
        yield Warehouse(home, settings, db, say)


@dg.resource(description="The home's warehouse, locked for writing and open for the whole run.")
def warehouse_of_the_home(_: dg.InitResourceContext) -> Iterator[Warehouse]:
    """The warehouse of the home that WARDFLOW_HOME names."""
    with opened(current_home()) as warehouse_:
        yield warehouse_


@dg.definitions
def resources() -> dg.Definitions:
    """The resources by the names that assets ask for."""
    return dg.Definitions(resources={"warehouse": warehouse_of_the_home})
