"""Reading what was published, as one role: the command line's only way to a snapshot.

Here: opening the manifest's Parquet files with DuckDB, and refusing those that the role may not open. Not here: any arithmetic
(`models.kpi`), small-number rules (done when aggregates were published), writing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import narwhals.stable.v2 as nw

from models import publication
from models.readiness import FailedCheck
from pipelines.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from models.kpi import Kpi
    from models.publication import Manifest, PublishedTable

_BATCH = 50_000


class NotForThisRole(PipelineError):
    """A table that the role may not open."""

    exit_code = 2


class MissingFile(PipelineError):
    """A file that the manifest names is not there."""


class Snapshot:
    """The current snapshot of a home, read as one role. One consistent state, whatever is published meanwhile."""

    def __init__(self, published: Path, role: str) -> None:
        """Load the manifest; no table is opened yet.

        Raises:
            NothingPublished: there is no snapshot.
            UnreadableManifest: it is damaged.
            UnknownRole: no such role.
        """
        self._published = published
        self._audiences = publication.audiences(role)
        self.role = role
        self.manifest: Manifest = publication.load_current(published)
        self.zone = ZoneInfo(self.manifest.zone)
        self._db = duckdb.connect()
        self._db.execute(f"set timezone = '{self.zone.key}'")

    @property
    def as_of(self) -> datetime:
        """The data cut, on the hospital's clock."""
        return self.manifest.as_of.astimezone(self.zone)

    def as_of_table(self, name: str) -> datetime:
        """The data cut of one table, on the hospital's clock."""
        return self.manifest.table(name).as_of.astimezone(self.zone)

    def may_open(self, name: str) -> bool:
        """Whether the snapshot has this table and the role may open it."""
        return name in self.manifest.tables and self.manifest.tables[name].audience in self._audiences

    def tables(self) -> list[PublishedTable]:
        """The tables that the role may open, by name."""
        return [table for name, table in sorted(self.manifest.tables.items()) if self.may_open(name)]

    def paths(self, name: str) -> list[Path]:
        """The files of a table.

        Raises:
            UnknownTable: the snapshot has no such table.
            NotForThisRole: its folder is closed to this role.
            MissingFile: a file is gone.
        """
        table = self.manifest.table(name)
        if table.audience not in self._audiences:
            raise NotForThisRole(
                f"Role {self.role} cannot open {name!r}, one of the {table.audience}. Ask somebody whose role may."
            )
        paths = [self._published / file for file in table.files]
        for path in paths:
            if not path.is_file():
                raise MissingFile(
                    f"{path} is missing from snapshot {self.manifest.id}. Run `wardflow run` to publish again."
                )
        return paths

    def relation(self, name: str) -> duckdb.DuckDBPyRelation:
        """A table as a lazy relation. Raises as `paths`."""
        return self._db.read_parquet([str(path) for path in self.paths(name)])

    def frame(self, name: str) -> nw.LazyFrame[Any]:
        """A table for `models.kpi`. Raises as `paths`."""
        return nw.from_native(self.relation(name))

    def rows(self, query: str, parameters: Mapping[str, object] | None = None, **tables: str) -> list[dict[str, Any]]:
        """The rows of a query. `tables` names the published table behind each name that the query reads; instants carry an offset.

        Raises as `paths`.
        """
        for alias, name in tables.items():
            self.relation(name).create_view(alias, replace=True)
        return self._db.sql(query, params=dict(parameters or {})).to_arrow_table().to_pylist()

    def stream(
        self, query: str, parameters: Mapping[str, object] | None = None, **tables: str
    ) -> Iterator[dict[str, Any]]:
        """As `rows`, but read in batches, for results that are larger than memory should hold."""
        for alias, name in tables.items():
            self.relation(name).create_view(alias, replace=True)
        for batch in self._db.sql(query, params=dict(parameters or {})).to_arrow_reader(_BATCH):
            yield from batch.to_pylist()

    def failed_checks(self, kpi: Kpi) -> list[FailedCheck]:
        """The content checks that failed on what this KPI is made from."""
        return [
            FailedCheck(each.table, each.column, f"A check failed on {each.table}: {each.expectation}. {each.why}")
            for each in self.manifest.checks.failed
            if each.severity == "content" and kpi.id in each.kpis
        ]
