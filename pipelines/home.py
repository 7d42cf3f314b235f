"""The folder that holds everything of one hospital: where each thing lies, and the lock that allows one writer.

Here: paths, creation, permissions, the lock. Not here: what the files mean.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import HomeBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_SECONDS = 0.2


def spelled_out(path: Path) -> Path:
    """The absolute path without `..`, so that one file has one name in the account however somebody came to it."""
    return Path(os.path.normpath(path.expanduser().absolute()))


@dataclass(frozen=True)
class Home:
    """One hospital's folder. Making the object touches nothing; `create` does."""

    path: Path

    @property
    def settings_path(self) -> Path:
        """The hospital's configuration."""
        return self.path / "wardflow.toml"

    @property
    def registry_path(self) -> Path:
        """Systems, interfaces and workflows, kept by people."""
        return self.path / "registry.toml"

    @property
    def landing(self) -> Path:
        """What `fetch` downloaded; never modified afterwards."""
        return self.path / "landing"

    @property
    def warehouse_path(self) -> Path:
        """The private DuckDB file."""
        return self.path / "warehouse.duckdb"

    @property
    def rotation(self) -> Path:
        """Where a warehouse under a new key is built; there only while `wardflow rotate-key` works."""
        return self.path / "rotation"

    @property
    def published(self) -> Path:
        """Immutable snapshots: all that readers see."""
        return self.path / "published"

    @property
    def logs(self) -> Path:
        """The program's own logs, without anything personal."""
        return self.path / "logs"

    @property
    def decisions_path(self) -> Path:
        """The append-only decision journal."""
        return self.path / "decisions" / "journal.ndjson"

    @property
    def access_path(self) -> Path:
        """The append-only record of who opened cases, and why."""
        return self.path / "access" / "access.ndjson"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME."""
        return self.path / "dagster"

    @property
    def scratch(self) -> Path:
        """Where DuckDB spills; emptied when a connection opens."""
        return self.path / ".scratch"

    def create(self) -> Home:
        """Make the folders (0750, scratch 0700) and, where absent, the commented settings and registry. Safe to repeat."""
        for folder in (
            self.path,
            self.landing,
            self.published,
            self.logs,
            self.decisions_path.parent,
            self.access_path.parent,
            self.dagster_home,
        ):
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.scratch.mkdir(exist_ok=True, mode=0o700)
        for target in (self.settings_path, self.registry_path):
            if not target.exists():
                template = files("pipelines").joinpath("templates", target.name)
                target.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
        return self

    def empty_scratch(self) -> None:
        """Remove what an interrupted run spilled."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def lock(self, *, wait_seconds: float = 900, say: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the writer's lock of this home; wait for another writer, saying so once.

        Raises:
            HomeBusy: the other writer still works after `wait_seconds`.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o750)
        handle = os.open(self.path / ".writer.lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            self._wait_for(handle, wait_seconds, say)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def _wait_for(self, handle: int, wait_seconds: float, say: Callable[[str], None] | None) -> None:
        deadline = time.monotonic() + wait_seconds
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                line = f"{self.path} is being written by process {holder}; one writer at a time."
                if time.monotonic() >= deadline:
                    raise HomeBusy(f"{line} Waited {wait_seconds:.0f} s. Try again when it has finished.") from None
                if say and not told:
                    say(f"{line} Waiting.")
                    told = True
                time.sleep(_POLL_SECONDS)
            else:
                return
