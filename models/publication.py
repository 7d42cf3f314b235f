"""What a published snapshot contains: the schema of its manifest, its folders, and who may open which.

A snapshot is immutable Parquet files and one manifest that names them; `current.json` names the manifest. Only JSON is
read here, nothing is written: `pipelines.publish` writes, `dashboard.data` and the command line read.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, cast

from models.errors import NothingPublished, UnknownRole, UnknownTable, UnreadableManifest

Audience = Literal["aggregates", "cases", "lineage"]

AUDIENCES: tuple[Audience, ...] = ("aggregates", "cases", "lineage")
ROLES: Mapping[str, frozenset[Audience]] = {
    "leadership": frozenset({"aggregates"}),
    "informatics": frozenset({"aggregates", "cases"}),
    "engineer": frozenset({"aggregates", "cases", "lineage"}),
}
"""Which folders each role may open. Leadership never sees a case, nor a file's name."""

CURRENT = "current.json"
MANIFESTS = "manifests"


@dataclass(frozen=True)
class PublishedTable:
    """One table of the snapshot: its files, relative to the published folder, and the data cut they hold."""

    name: str
    audience: Audience
    files: tuple[str, ...]
    rows: int
    as_of: datetime
    sha256: str


@dataclass(frozen=True)
class KpiSettings:
    """What this hospital set for a KPI; `target_source` is `declared`, `settings` or `decision`."""

    id: str
    target: float | None
    target_source: str
    owner: str
    last_decision: str | None = None


@dataclass(frozen=True)
class FailedExpectation:
    """A check that did not pass, as the data-quality banner shows it."""

    table: str
    expectation: str
    column: str | None
    why: str
    severity: str
    kpis: tuple[str, ...]


@dataclass(frozen=True)
class Checks:
    """How many checks passed, and those that did not."""

    passed: int
    failed: tuple[FailedExpectation, ...] = ()


@dataclass(frozen=True)
class SourceState:
    """How fresh a source is: its data cut, and when its last file came."""

    source: str
    as_of: datetime | None
    last_file_at: datetime | None
    expected_every_hours: float | None
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything a reader must know about one snapshot. `as_of` is the data cut, never the wall clock."""

    id: str
    as_of: datetime
    published_at: datetime
    home_name: str
    zone: str
    settings: Mapping[str, Any]
    kpis: tuple[KpiSettings, ...]
    checks: Checks
    sources: tuple[SourceState, ...]
    tables: Mapping[str, PublishedTable]
    code_version: str
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def kpi(self, kpi_id: str) -> KpiSettings | None:
        """This hospital's settings for a KPI; None when the snapshot was made before the KPI existed."""
        return next((each for each in self.kpis if each.id == kpi_id), None)

    def table(self, name: str) -> PublishedTable:
        """A table of the snapshot.

        Raises:
            UnknownTable: it is not part of it.
        """
        if name not in self.tables:
            raise UnknownTable(name, self.tables)
        return self.tables[name]

    def to_json(self) -> str:
        """The manifest as JSON with sorted keys: the same snapshot is the same bytes."""
        return json.dumps(asdict(self), default=_plain, indent=1, sort_keys=True, ensure_ascii=False)


def snapshot_id(as_of: datetime, digest: str) -> str:
    """`20260413T040000Z-1a2b3c4d`: the data cut in UTC and the first eight characters of the content's digest."""
    return f"{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest[:8]}"


def file_name(audience: Audience, table: str, sha256: str) -> str:
    """Where a table's file lies in the published folder: its content decides its name, so it can be reused."""
    return f"{audience}/{table}-{sha256[:12]}.parquet"


def manifest_name(snapshot: str) -> str:
    """Where a snapshot's manifest lies in the published folder."""
    return f"{MANIFESTS}/{snapshot}.json"


def current_json(snapshot: str) -> str:
    """The content of `current.json`, which is swapped atomically."""
    return json.dumps({"snapshot": snapshot, "manifest": manifest_name(snapshot)})


def audiences(role: str) -> frozenset[Audience]:
    """The folders that a role may open.

    Raises:
        UnknownRole: no such role.
    """
    if role not in ROLES:
        raise UnknownRole(role, ROLES)
    return ROLES[role]


def may_open(role: str, audience: Audience) -> bool:
    """Whether a role may open a folder.

    Raises:
        UnknownRole: no such role.
    """
    return audience in audiences(role)


def load_current(published: Path) -> Manifest:
    """The manifest of the current snapshot.

    Raises:
        NothingPublished: there is no `current.json`.
        UnreadableManifest: it or the manifest is damaged or from an unknown version.
    """
    current = published / CURRENT
    try:
        text = current.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NothingPublished(published) from None
    try:
        path = published / str(json.loads(text)["manifest"])
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableManifest(current, f"{type(error).__name__}: {error}") from error


def from_json(text: str) -> Manifest:
    """The manifest that `to_json` wrote; a KeyError, TypeError or ValueError says it is none."""
    found = cast("dict[str, Any]", json.loads(text))
    tables = cast("dict[str, dict[str, Any]]", found["tables"])
    return Manifest(
        id=found["id"],
        as_of=datetime.fromisoformat(found["as_of"]),
        published_at=datetime.fromisoformat(found["published_at"]),
        home_name=found["home_name"],
        zone=found["zone"],
        settings=found["settings"],
        kpis=tuple(KpiSettings(**each) for each in found["kpis"]),
        checks=Checks(
            passed=found["checks"]["passed"],
            failed=tuple(
                FailedExpectation(**each | {"kpis": tuple(each["kpis"])}) for each in found["checks"]["failed"]
            ),
        ),
        sources=tuple(
            SourceState(**each | {name: _instant(each[name]) for name in ("as_of", "last_file_at")})
            for each in found["sources"]
        ),
        tables={
            name: PublishedTable(
                name=each["name"],
                audience=each["audience"],
                files=tuple(each["files"]),
                rows=each["rows"],
                as_of=datetime.fromisoformat(each["as_of"]),
                sha256=each["sha256"],
            )
            for name, each in tables.items()
        },
        code_version=found["code_version"],
        extra=found.get("extra", {}),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _plain(value: object) -> str | list[object]:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(cast("set[object]", value), key=str)
    return str(value)
