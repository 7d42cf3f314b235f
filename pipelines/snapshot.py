"""The published folder as a place: immutable files named by their content, a manifest that names them, one atomic
swap.

Here: writing a table once, naming the current snapshot, removing what nobody can hold any more. Not here: what is
published (`publish`), the manifest's form (`models.publication`).

A reader loads `current.json`, then the manifest, then files. It never waits: files are never changed, and a
snapshot's files stay for the keep time after another snapshot took its place.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models import publication
from models.errors import NothingPublished, UnreadableManifest
from models.publication import PublishedTable
from pipelines import durable

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from models.publication import Audience, Manifest

SHORTEST_KEEP = timedelta(hours=1)
"""No setting makes a snapshot's files vanish sooner than this after it was replaced: a page may still be reading it."""


@dataclass(frozen=True)
class Kept:
    """A published table, and whether its file had to be written or was there already."""

    table: PublishedTable
    is_new: bool


def make_folders(published: Path) -> None:
    """One folder for each audience (0750), so that a file system's permissions can keep them apart."""
    published.mkdir(parents=True, exist_ok=True, mode=0o750)
    for name in (*publication.AUDIENCES, publication.MANIFESTS):
        (published / name).mkdir(exist_ok=True, mode=0o750)
        (published / name).chmod(0o750)


def fingerprint(db: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, str]:
    """How many rows a relation has, and a digest of its names, types and rows, whatever the rows' order."""
    columns = db.execute(f"select column_name, column_type from (describe {relation})").fetchall()
    (found,) = db.execute(
        f"select count(*), coalesce(bit_xor(hash(t)), 0), coalesce(sum(hash(t)::hugeint), 0) from {relation} t"
    ).fetchall()
    return found[0], hashlib.sha256(repr((columns, found)).encode()).hexdigest()


def keep(
    db: duckdb.DuckDBPyConnection,
    published: Path,
    relation: str,
    found: tuple[int, str],
    *,
    name: str,
    audience: Audience,
    as_of: datetime,
) -> Kept:
    """The table's file in the published folder, written when no file holds this content yet; `found` is its `fingerprint`.

    Rows are written in order of all columns, so that the same content is the same file.
    """
    rows, digest = found
    file = publication.file_name(audience, name, digest)
    target = published / file
    is_new = not target.exists()
    if is_new:
        unfinished = target.with_name(f".{target.name}.unfinished")
        ordered = f"select * from {relation} order by all"
        db.execute(f"copy ({ordered}) to '{_quoted(unfinished)}' (format parquet, compression zstd)")
        unfinished.chmod(0o640)
        durable.replace(unfinished, target)
    return Kept(PublishedTable(name, audience, (file,), rows, as_of, digest), is_new)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def current(published: Path) -> Manifest | None:
    """The current snapshot, or none when nothing readable was published yet."""
    try:
        return publication.load_current(published)
    except (NothingPublished, UnreadableManifest):
        return None


def make_current(published: Path, manifest: Manifest) -> None:
    """Write the manifest and swap `current.json` to it: readers see the old snapshot or the new one."""
    _write(published / publication.manifest_name(manifest.id), manifest.to_json())
    _write(published / publication.CURRENT, publication.current_json(manifest.id))


def _write(target: Path, text: str) -> None:
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(0o640)
    durable.replace(unfinished, target)


def remove_old(published: Path, keep_days: float, now: datetime | None = None) -> list[Path]:
    """Remove snapshots that were replaced longer ago than the keep time, then files that no kept manifest names.

    Returns what was removed. A file that was written moments ago for a snapshot that is still being made is left alone.
    """
    now = now or datetime.now(UTC)
    limit = now - max(timedelta(days=keep_days), SHORTEST_KEEP)
    manifests = _manifests(published)
    removed: list[Path] = []
    named: set[str] = set()
    for position, (path, manifest) in enumerate(manifests):
        replaced_at = manifests[position + 1][1].published_at if position + 1 < len(manifests) else now
        if replaced_at < limit:
            path.unlink()
            removed.append(path)
        else:
            named |= {file for table in manifest.tables.values() for file in table.files}
    for audience in publication.AUDIENCES:
        for path in sorted((published / audience).iterdir()):
            is_old = datetime.fromtimestamp(path.stat().st_mtime, UTC) < limit
            if is_old and path.relative_to(published).as_posix() not in named:
                path.unlink()
                removed.append(path)
    return removed


def _manifests(published: Path) -> list[tuple[Path, Manifest]]:
    """Every readable manifest, oldest publication first; the current one last."""
    now_current = current(published)
    found: list[tuple[Path, Manifest]] = []
    for path in (published / publication.MANIFESTS).glob("*.json"):
        try:
            found.append((path, publication.from_json(path.read_text(encoding="utf-8"))))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    is_current = now_current.id if now_current else ""
    return sorted(found, key=lambda each: (each[1].id == is_current, each[1].published_at))
