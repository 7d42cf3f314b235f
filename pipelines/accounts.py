"""What became of files and their lines, as a report: the types that ingestion fills and the command line prints.

Here: shapes and sums. Not here: the account's tables and reading them (`ledger`), filling them (`intake`, `booking`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTS = ("lines_read", "loaded", "unchanged", "superseded", "ignored", "quarantined")


@dataclass(frozen=True)
class FileAccount:
    """What became of one delivered file's lines. `reasons` explains `quarantined`; `findings` are flags on loaded rows."""

    path: str
    source: str
    kind: str
    resource_type: str | None
    lines_read: int
    loaded: int
    unchanged: int
    superseded: int
    ignored: int
    quarantined: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether every line is accounted for."""
        return self.lines_read == self.loaded + self.unchanged + self.superseded + self.ignored + self.quarantined

    def since(self, before: FileAccount | None) -> FileAccount:
        """What reading the file again has changed: what it had brought before is unchanged now."""
        if before is None:
            return self
        loaded = max(self.loaded - before.loaded, 0)
        return replace(self, loaded=loaded, unchanged=self.unchanged + self.loaded - loaded)


@dataclass(frozen=True)
class Unrecognised:
    """A file that was left alone, and why, in one line."""

    path: str
    why: str


@dataclass(frozen=True)
class Progress:
    """How far an ingest has come: for a progress bar."""

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    label: str


@dataclass(frozen=True)
class IngestReport:
    """The account of some files: of one ingest, or of the whole warehouse."""

    files: tuple[FileAccount, ...] = ()
    unrecognised: tuple[Unrecognised, ...] = ()

    @property
    def totals(self) -> dict[str, int]:
        """Each count over all files."""
        return {name: sum(getattr(file, name) for file in self.files) for name in COUNTS}

    @property
    def balanced(self) -> bool:
        """Whether every file's account adds up."""
        return all(file.balanced for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """The document of `wardflow ingest --format json` and `wardflow ledger --format json`."""
        return {
            "files": [
                {
                    "path": file.path,
                    "source": file.source,
                    "kind": file.kind,
                    "resource_type": file.resource_type,
                    **{name: getattr(file, name) for name in COUNTS},
                    "reasons": dict(file.reasons),
                    "findings": dict(file.findings),
                }
                for file in self.files
            ],
            "unrecognised": [{"path": file.path, "why": file.why} for file in self.unrecognised],
            "totals": self.totals,
            "balanced": self.balanced,
        }
