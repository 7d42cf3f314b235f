"""What `wardflow doctor` looks at: each function examines one thing and returns findings. None raises, none changes anything."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.cli.edge import Call

NEEDED_PYTHON = (3, 11)
ENOUGH_SPACE = 2 << 30
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `good`, `note` (worth knowing) or `wrong` (something would fail), and the cure."""

    check: str
    state: Literal["good", "note", "wrong"]
    says: str
    cure: str = ""


def python(_call: Call) -> list[Finding]:
    """The interpreter's version."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < NEEDED_PYTHON:
        return [Finding("python", "wrong", f"Python {version}.", "Wardflow needs 3.11 or newer.")]
    return [Finding("python", "good", f"Python {version}.")]


def versions(_call: Call) -> list[Finding]:
    """Wardflow's version, and packages that differ from the lock that it was tested with."""
    own = metadata.version("wardflow")
    lock = ROOT / "requirements.lock"
    if not lock.is_file():
        return [
            Finding(
                "versions",
                "note",
                f"Wardflow {own}; there is no requirements.lock beside it to compare with.",
                "Install from a checkout to compare.",
            )
        ]
    pinned = dict(
        re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+-]+)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    found = {name: _installed(name) for name in pinned}
    other = [
        f"{name} {found[name]} instead of {version}"
        for name, version in pinned.items()
        if found[name] not in {version, None}
    ]
    needed = {re.split(r"[\[<>=!~; ]", need, maxsplit=1)[0].lower() for need in metadata.requires("wardflow") or []}
    absent = [name for name in sorted(needed & pinned.keys()) if found[name] is None]
    if other or absent:
        said = "; ".join([*other, *(f"{name} is missing" for name in absent)][:5])
        return [Finding("versions", "wrong" if absent else "note", f"Wardflow {own}; {said}.", "Run `make setup`.")]
    return [Finding("versions", "good", f"Wardflow {own}; all packages as locked.")]


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def home(call: Call) -> list[Finding]:
    """Whether there is a home, its settings are valid, and its files are closed to strangers."""
    from pipelines.errors import PipelineError

    path = call.home_path
    if not (path / "wardflow.toml").is_file():
        return [Finding("home", "wrong", f"{path} is no Wardflow home.", f"Make one: wardflow init --home {path}")]
    try:
        settings = call.settings()
    except PipelineError as error:
        return [Finding("settings", "wrong", str(error))]
    sources = len(settings.sources)
    findings = [
        Finding("home", "good", f"{path}."),
        Finding("settings", "good", f"{sources} sources, zone {settings.zone}.")
        if sources
        else Finding(
            "settings",
            "note",
            "No sources are configured.",
            "Name them in wardflow.toml, or use `wardflow ingest PATH`.",
        ),
    ]
    folders = [path, *(path / "published" / name for name in ("aggregates", "cases", "lineage"))]
    open_ones = [folder for folder in folders if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o007]
    if open_ones:
        return [
            *findings,
            Finding(
                "permissions",
                "wrong",
                f"{open_ones[0]} is open to every user of this machine.",
                f"chmod o-rwx {open_ones[0]}",
            ),
        ]
    unwritable = [folder for folder in (path, call.home().logs) if folder.is_dir() and not os.access(folder, os.W_OK)]
    if unwritable:
        return [
            *findings,
            Finding(
                "permissions",
                "wrong",
                f"{unwritable[0]} cannot be written by you.",
                "Run as the user that owns the home.",
            ),
        ]
    return [*findings, Finding("permissions", "good", "closed to other users.")]


def site_key(call: Call) -> list[Finding]:
    """Whether the site key can be loaded and is private and outside the home."""
    settings = _settings(call)
    if settings is None:
        return []
    from pipelines import keys
    from pipelines.errors import KeyMissing

    try:
        keys.load(settings)
    except KeyMissing as error:
        return [Finding("site key", "wrong", str(error))]
    if settings.site_key is not None:
        return [Finding("site key", "good", "from WARDFLOW_SITE_KEY.")]
    path = settings.key_path
    if path.is_relative_to(settings.home.resolve()):
        return [Finding("site key", "wrong", f"{path} lies inside the home.", "Move it out and set key_file.")]
    if not keys.is_private(path):
        return [Finding("site key", "wrong", f"Others may read {path}.", f"chmod 600 {path}")]
    return [Finding("site key", "good", f"{path}, outside the home, private.")]


def rotation(call: Call) -> list[Finding]:
    """Whether a change of the site key was left half-way, and whether former keys still lie about."""
    settings = _settings(call)
    if settings is None:
        return []
    from pipelines import keys
    from pipelines.home import Home
    from pipelines.rotation import former_keys

    if (settings.site_key is None and keys.staged_path(settings).exists()) or Home(settings.home).rotation.exists():
        return [
            Finding(
                "key rotation",
                "note",
                "was left half-way; the warehouse and its key still fit each other.",
                "wardflow rotate-key finishes it, or begins it again.",
            )
        ]
    if settings.site_key is not None and settings.new_site_key is not None:
        return [
            Finding("key rotation", "note", "WARDFLOW_NEW_SITE_KEY is set.", "Rotate, or unset it when that is done.")
        ]
    found = former_keys(settings)
    if found:
        names = ", ".join(path.name for path in found)
        return [
            Finding(
                "key rotation",
                "note",
                f"former keys lie beside the key: {names}.",
                "Destroy them when no backup of a former warehouse is kept.",
            )
        ]
    return [Finding("key rotation", "good", "none under way.")]


def zones(call: Call) -> list[Finding]:
    """Whether time zone data are there for every zone that is configured."""
    settings = _settings(call)
    names = (
        {"America/New_York"}
        if settings is None
        else {settings.zone, *(source.zone for source in settings.sources if source.zone)}
    )
    missing = [name for name in sorted(names) if not _has_zone(name)]
    if missing:
        return [Finding("time zones", "wrong", f"No data for {missing[0]}.", "Install the system's tzdata.")]
    return [Finding("time zones", "good", f"{', '.join(sorted(names))}.")]


def _has_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def space(call: Call) -> list[Finding]:
    """Whether the disk has room for another build: as much as the warehouse again, at least 2 GB."""
    place = next(folder for folder in (call.home_path.resolve(), *call.home_path.resolve().parents) if folder.exists())
    warehouse = call.home_path / "warehouse.duckdb"
    needed = max(ENOUGH_SPACE, warehouse.stat().st_size if warehouse.is_file() else 0)
    free = shutil.disk_usage(place).free
    said = f"{free / 1e9:.0f} GB free at {place}."
    if free < needed:
        return [Finding("space", "wrong", said, f"Make room: {needed / 1e9:.0f} GB are needed.")]
    return [Finding("space", "good", said)]


def lock(call: Call) -> list[Finding]:
    """Whether another process writes to the home just now."""
    if _settings(call) is None:
        return []
    from pipelines.errors import HomeBusy

    if not (call.home_path / ".writer.lock").exists():
        return [Finding("writer", "good", "nobody writes to the home.")]
    try:
        with call.home().lock(wait_seconds=0):
            return [Finding("writer", "good", "nobody writes to the home.")]
    except HomeBusy as error:
        return [Finding("writer", "note", str(error))]
    except OSError:
        return [
            Finding("writer", "wrong", "The lock of the home cannot be taken.", "Run as the user that owns the home.")
        ]


def servers(call: Call) -> list[Finding]:
    """Whether two sources bring the channels of one Mirth server; not looked at while somebody writes to the warehouse."""
    if _settings(call) is None or not call.home().warehouse_path.exists():
        return []
    import duckdb

    from pipelines import same_server

    try:
        with duckdb.connect(str(call.home().warehouse_path), read_only=True) as db:
            twice = same_server.told(db)
    except duckdb.Error:
        return []
    if twice is None:
        return [Finding("servers", "good", "no engine is read under two names.")]
    says, _, cure = twice.partition(". ")
    return [Finding("servers", "wrong", f"{says}.", cure)]


def snapshot(call: Call) -> list[Finding]:
    """Whether the current snapshot is whole and readable."""
    if _settings(call) is None:
        return []
    from models.errors import NothingPublished, PublicationError
    from pipelines.errors import PipelineError
    from pipelines.snapshot_reader import Snapshot

    try:
        published = Snapshot(call.home().published, "engineer")
        for table in published.tables():
            published.rows("select count(*) as n from t limit 1", t=table.name)
    except NothingPublished:
        return [Finding("snapshot", "note", "Nothing is published yet.", "Run `wardflow run`.")]
    except (PublicationError, PipelineError) as error:
        return [Finding("snapshot", "wrong", str(error))]
    except Exception as error:  # noqa: BLE001 -- whatever a damaged Parquet file makes DuckDB raise
        return [
            Finding(
                "snapshot",
                "wrong",
                f"A published file cannot be read ({type(error).__name__}).",
                "Run `wardflow run` to publish again.",
            )
        ]
    return [Finding("snapshot", "good", f"{published.manifest.id}, {len(published.tables())} tables.")]


def telemetry(call: Call) -> list[Finding]:
    """Whether every library that could call home is told not to."""
    findings: list[Finding] = []
    yaml = call.home_path / "dagster" / "dagster.yaml"
    if yaml.is_file() and not re.search(r"telemetry:\s*\n\s+enabled:\s*false", yaml.read_text(encoding="utf-8")):
        findings.append(
            Finding(
                "telemetry",
                "wrong",
                f"{yaml} does not switch Dagster's telemetry off.",
                "Remove that file; `wardflow schedule` writes it anew.",
            )
        )
    config = ROOT / ".streamlit" / "config.toml"
    if config.is_file() and not re.search(r"gatherUsageStats\s*=\s*false", config.read_text(encoding="utf-8")):
        findings.append(
            Finding(
                "telemetry",
                "wrong",
                "Streamlit's configuration does not switch usage statistics off.",
                "Restore .streamlit/config.toml.",
            )
        )
    if os.environ.get("GX_ANALYTICS_ENABLED", "").lower() in {"1", "true", "yes"}:
        findings.append(Finding("telemetry", "wrong", "GX_ANALYTICS_ENABLED is set.", "Unset it."))
    return findings or [Finding("telemetry", "good", "off in Dagster, Great Expectations and Streamlit.")]


def browser(_call: Call) -> list[Finding]:
    """Whether a Chromium is here; only the browser tests need one."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path:
        return [Finding("chromium", "good", f"{path}; only the tests use it.")]
    return [
        Finding(
            "chromium",
            "note",
            "none found; only `make test` needs one.",
            "Install the system package chromium to run the browser tests.",
        )
    ]


def _settings(call: Call):  # noqa: ANN202 -- Settings or None, imported late
    """The settings when there is a home with valid ones; `home` reports why not."""
    from pipelines.cli.edge import WrongUse
    from pipelines.errors import PipelineError

    try:
        call.home()
        return call.settings()
    except (WrongUse, PipelineError):
        return None


ALL: tuple[Callable[[Call], list[Finding]], ...] = (
    python, versions, home, site_key, rotation, zones, space, lock, servers, snapshot, telemetry, browser
)  # fmt: skip
