"""The systems that deliver files: one module each, behind one protocol (`source.Source`).

Here: the list of them, and which batches the settings make due. Not here: what any format looks like.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.home import Home, spelled_out
from pipelines.settings import Settings, load
from pipelines.sources import fhir_manifest
from pipelines.sources.atna import Atna
from pipelines.sources.azure import Azure
from pipelines.sources.camunda import Camunda
from pipelines.sources.fhir_bulk import FhirBulk
from pipelines.sources.hl7_capture import Hl7Capture
from pipelines.sources.intersystems import InterSystems
from pipelines.sources.mapped_log import MappedLog
from pipelines.sources.mirth import Mirth
from pipelines.sources.openhim import OpenHim
from pipelines.sources.otlp import Otlp
from pipelines.sources.places import PlaceList

if TYPE_CHECKING:
    from pipelines.sources.source import Source

SOURCES: dict[str, Source] = {
    source.kind: source
    for source in (
        FhirBulk(),
        Mirth(),
        Atna(),
        OpenHim(),
        Camunda(),
        InterSystems(),
        Otlp(),
        Azure(),
        Hl7Capture(),
        MappedLog(),
        PlaceList(),
    )
}
"""Every adapter by its kind, in the order in which files are offered to them."""


@dataclass(frozen=True)
class Batch:
    """What belongs together of one source: an export's folder, or one log file. `id` stays the same while the place does."""

    id: str
    source: str | None
    kind: str | None
    paths: tuple[Path, ...]


def discover(where: Home | Settings) -> list[Batch]:
    """The batches of every configured source and of `landing/`, in order of their paths; loading one twice is harmless."""
    settings = load(where) if isinstance(where, Home) else where
    batches: list[Batch] = []
    for source in settings.sources:
        for place in places(settings, source.path):
            batches += [_batch(settings, source.name, source.kind, path) for path in _parts(place, source.kind)]
    landing = Home(settings.home).landing
    taken = {path for batch in batches for path in batch.paths}
    if landing.is_dir():
        loose = [path for path in sorted(landing.iterdir()) if not _covered(path, taken)]
        batches += [_batch(settings, None, None, path) for path in loose]
    return batches


def places(settings: Settings, pattern: str) -> list[Path]:
    """The existing files and folders that a source's `path` names: a folder, a file or a glob, relative to the home."""
    if not pattern:
        return []
    whole = str(spelled_out(settings.home / Path(pattern).expanduser()))
    return [Path(found) for found in sorted(glob.glob(whole, recursive=True))]  # noqa: PTH207 -- patterns may be absolute


def _parts(place: Path, kind: str) -> list[Path]:
    """An export is a folder; of a folder of logs every file is its own batch."""
    if place.is_file():
        return [place]
    inside = [path for path in sorted(place.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    if kind != "fhir":
        return inside
    exports = {path.parent for path in inside if path.name == fhir_manifest.NAME}
    folders = {path.parent for path in inside}
    return sorted(folder for folder in folders if exports.isdisjoint(folder.parents))


def _batch(settings: Settings, source: str | None, kind: str | None, path: Path) -> Batch:
    shown = path.relative_to(settings.home) if path.is_relative_to(settings.home) else path
    return Batch(f"{source or 'landing'}:{shown.as_posix()}", source, kind, (path,))


def _covered(path: Path, taken: set[Path]) -> bool:
    return any(path == other or other.is_relative_to(path) or path.is_relative_to(other) for other in taken)
