"""What has been delivered: every file under the given paths, what it is by its content, and whose it is.

Here: telling files apart and naming their source, export and manifest. Not here: reading them, booking them
(`pipelines.intake`).
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipelines.accounts import Unrecognised
from pipelines.errors import ConfigurationError, UnreadableFile
from pipelines.home import spelled_out
from pipelines.settings import SourceSettings
from pipelines.sources import SOURCES, fhir_manifest, parquet_files, places
from pipelines.sources.archives import EDGE_BYTES, HEAD_BYTES, Delivered, deliveries
from pipelines.sources.fhir_updates import exported_about
from pipelines.sources.source import Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from pipelines.settings import Settings
    from pipelines.sources.fhir_manifest import Manifest
    from pipelines.sources.source import Source

MANIFEST = "manifest"
_ANCESTORS = 2


@dataclass(frozen=True)
class Arrival:
    """One recognised file. `begins` is the digest of the first `EDGE_BYTES` of its content at the first look."""

    delivered: Delivered
    source: SourceSettings
    kind: str
    together: str | None
    begins: str = ""


@dataclass
class Arrivals:
    """All files of one ingest."""

    known: list[Arrival] = field(default_factory=list)
    unrecognised: list[Unrecognised] = field(default_factory=list)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    pages: dict[str, Manifest] = field(default_factory=dict)
    _newest: dict[str, datetime | None] = field(default_factory=dict)

    @cached_property
    def bytes(self) -> int:
        """The size of all recognised files as they lie on disk."""
        return sum(arrival.delivered.size for arrival in self.known)

    def manifest_of(self, folder: str) -> Manifest | None:
        """The manifest in a folder, or in the one or two above it (deletions lie in a folder of their own)."""
        for _ in range(_ANCESTORS + 1):
            if folder in self.manifests:
                return self.manifests[folder]
            folder = folder.rpartition("/")[0]
        return None

    def manifest_at(self, path: str) -> Manifest | None:
        """The manifest, or the page of one, that is this file."""
        return self.pages.get(path)

    def add_manifest(self, delivered: Delivered, page: Manifest) -> None:
        """Note a manifest, or another page of one, for the folder that it lies in."""
        self.pages[delivered.path] = page
        known = self.manifests.get(delivered.folder)
        self.manifests[delivered.folder] = known.with_page(page) if known else page

    def stated_time(self, arrival: Arrival) -> datetime | None:
        """When a manifest says that the export of this file was made; null for logs and without a manifest."""
        if arrival.kind == MANIFEST:
            manifest = self.manifest_at(arrival.delivered.path)
        else:
            manifest = self.manifest_of(arrival.delivered.folder) if arrival.kind == "fhir" else None
        return manifest.exported_at if manifest else None

    def exported_at(self, arrival: Arrival) -> datetime | None:
        """The export's own time; without a manifest the newest plausible lastUpdated of its folder; null for logs and when nobody says."""
        stated = self.stated_time(arrival)
        if stated is not None or arrival.kind != "fhir":
            return stated
        folder = arrival.delivered.folder
        if folder not in self._newest:
            beside = (each for each in self.known if each.kind == "fhir" and each.delivered.folder == folder)
            self._newest[folder] = exported_about(each.delivered for each in beside)
        return self._newest[folder]

    def expected_resources(self, delivered: Delivered) -> int | None:
        """How many resources the manifest says this file holds."""
        manifest = self.manifest_of(delivered.folder)
        return manifest.counts.get(delivered.name) if manifest else None

    def missing_files(self, manifest_file: Delivered, manifest: Manifest) -> int:
        """How many of the files that the manifest names were not delivered with it."""
        here = self._names_by_export.get(manifest_file.folder, frozenset())
        return len(set(manifest.counts) - here)

    @cached_property
    def _names_by_export(self) -> dict[str, set[str]]:
        """The names of the files in and under each folder that holds a manifest."""
        found: dict[str, set[str]] = {folder: set() for folder in self.manifests}
        for arrival in self.known:
            folder = arrival.delivered.folder
            for _ in range(_ANCESTORS + 1):
                if folder in found:
                    found[folder].add(arrival.delivered.name)
                folder = folder.rpartition("/")[0]
        return found


def gather(settings: Settings, paths: Iterable[Path | str], source: str | None) -> Arrivals:
    """Every file at or under the paths, each once.

    Raises:
        UnreadableFile: a path that does not exist.
        ConfigurationError: a file's kind differs from that of the source it is said to come from.
    """
    arrivals = Arrivals()
    owners = [(place.absolute(), each) for each in settings.sources for place in places(settings, each.path)]
    heads: list[tuple[Delivered, bytes, SourceSettings | None]] = []

    def look_at(delivered: Delivered, place: Path) -> None:
        owner = next((each for folder, each in owners if place == folder or folder in place.parents), None)
        if delivered.problem:
            arrivals.unrecognised.append(Unrecognised(delivered.path, delivered.problem))
            return
        try:
            start = delivered.head()
        except FileNotFoundError:  # renamed since the folder was listed: the next look finds it
            return
        if delivered.name.endswith(".json") and fhir_manifest.looks_like_one(start):
            manifest = _read_manifest(delivered)
            if manifest is not None:
                arrivals.add_manifest(delivered, manifest)
        heads.append((delivered, start, owner))

    folders: dict[str, Path] = {}
    for delivered, place in _each_once(settings, paths):
        look_at(delivered, place)
        folders.setdefault(delivered.folder, place)
    beside = [_manifest_beside(arrivals, folder, place) for folder, place in folders.items()]
    for delivered, place in _each_once(settings, dict.fromkeys(path for path in beside if path is not None)):
        look_at(delivered, place)
    for delivered, start, owner in heads:
        _recognise(settings, arrivals, delivered, start, (settings.source(source) if source else None) or owner, source)
    return arrivals


def _each_once(settings: Settings, paths: Iterable[Path | str]) -> Iterator[tuple[Delivered, Path]]:
    """Every delivered file with its place on disk; a file that two of the paths reach is delivered once."""
    home = settings.home
    seen: set[str] = set()
    for given in paths:
        place = spelled_out(Path(given))
        if not place.exists():
            raise UnreadableFile(f"{given} does not exist. Name a file or folder that does.")
        shown = place.relative_to(home).as_posix() if place.is_relative_to(home) else place.as_posix()
        for delivered in deliveries(place, shown):
            if delivered.path not in seen:
                seen.add(delivered.path)
                on_disk = Path(delivered.path.partition("!/")[0])
                yield delivered, on_disk if on_disk.is_absolute() else home / on_disk


def _manifest_beside(arrivals: Arrivals, folder: str, place: Path) -> Path | None:
    """A file given without its folder still belongs to the export whose manifest lies beside or above it."""
    for level in range(_ANCESTORS):
        path = place.parents[level] / fhir_manifest.NAME if level < len(place.parents) else place
        if folder in arrivals.manifests or not folder or "!/" in folder:
            return None
        if path.is_file() and fhir_manifest.read(path.read_bytes().removeprefix(b"\xef\xbb\xbf")) is not None:
            return path
        folder = folder.rpartition("/")[0]
    return None


def _recognise(
    settings: Settings,
    arrivals: Arrivals,
    delivered: Delivered,
    start: bytes,
    owner: SourceSettings | None,
    named: str | None,
    *,
    is_beginning: bool = True,
) -> None:
    if (
        delivered.name.endswith(".json")
        and delivered.folder in arrivals.manifests
        and fhir_manifest.looks_like_one(start)
    ):
        source = _source_for(settings, "fhir", delivered, owner, named)
        arrivals.known.append(Arrival(delivered, source, MANIFEST, None))
        return
    columns = parquet_files.columns_of(delivered) if start.startswith(parquet_files.MAGIC) else frozenset()
    head = Head(delivered.name, start, columns)
    adapter = SOURCES[owner.kind] if owner is not None and SOURCES[owner.kind].recognises(head, owner) else None
    claimant, fitting = (None, []) if adapter is not None else _claims(settings, head, owner)
    if adapter is None and owner is not None and not fitting and delivered.name.endswith(SOURCES[owner.kind].suffixes):
        adapter = SOURCES[owner.kind]  # spoiled beyond recognition: its source says what it should have been
    if adapter is None and owner is not None and fitting:
        if named:
            raise ConfigurationError(
                f"{delivered.path} is {fitting[0].kind}, but source {owner.name!r} is configured as {owner.kind}. Name another source."
            )
        arrivals.unrecognised.append(
            Unrecognised(
                delivered.path,
                f"is {fitting[0].kind}, but lies where source {owner.name!r} ({owner.kind}) delivers; move it",
            )
        )
        return
    adapter = adapter or next(iter(fitting), None)
    if adapter is None and is_beginning and len(start) >= HEAD_BYTES - 3 and start[:1] == b"{" and b"\n" not in start:
        line = delivered.first_line(settings.max_line_megabytes << 20)  # what it is may stand at its end
        _recognise(settings, arrivals, delivered, line, owner, named, is_beginning=False)
        return
    if adapter is None:
        arrivals.unrecognised.append(Unrecognised(delivered.path, _why_not(start)))
        return
    source = _source_for(settings, adapter.kind, delivered, owner, named)
    if source.name == adapter.kind and claimant is not None and adapter.kind == "ndjson-log" and not named:
        source = claimant  # several logs are mapped: the first whose mapping fits
    begins = hashlib.sha256(start[:EDGE_BYTES]).hexdigest()
    arrivals.known.append(Arrival(delivered, source, adapter.kind, adapter.together(head), begins))


def _claims(settings: Settings, head: Head, owner: SourceSettings | None) -> tuple[SourceSettings | None, list[Source]]:
    """The adapters that recognise a file, and the first configured source whose own mapping made one do so."""
    candidates: list[SourceSettings | None] = [owner] if owner is not None else [None, *settings.sources]
    claims = [(each, adapter) for adapter in SOURCES.values() for each in candidates if adapter.recognises(head, each)]
    claimant = next((each for each, adapter in claims if each is not None and each.kind == adapter.kind), None)
    return claimant, [adapter for _, adapter in claims]


def _source_for(
    settings: Settings, kind: str, delivered: Delivered, owner: SourceSettings | None, named: str | None
) -> SourceSettings:
    """The owner of the place; else the source called like a folder above the file; else the only one of the kind; else the kind."""
    if owner is not None:
        return owner
    if named is not None:
        try:
            return SourceSettings.model_validate({"name": named, "kind": kind})
        except ValidationError:
            raise ConfigurationError(
                f"A source cannot be called {named!r}. Use up to 64 letters, digits, dots, dashes and underscores."
            ) from None
    of_kind = [each for each in settings.sources if each.kind == kind]
    above = set(delivered.folder.split("/"))
    called = [each for each in of_kind if each.name in above]
    if called or len(of_kind) == 1:
        return (called or of_kind)[0]
    return SourceSettings.model_validate({"name": kind, "kind": kind})


def _why_not(start: bytes) -> str:
    text = start.strip()
    if not text:
        return "is empty"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is written in UTF-16; deliver it in UTF-8"
    if start.startswith(parquet_files.MAGIC):
        return "is a Parquet file that lost its end, or lacks the columns of an extract (docs/engines/mirth.md); left alone"
    if text[:1] in {b"{", b"["} and b"\n" in text and not text.splitlines()[0].rstrip().endswith(b"}"):
        return "is JSON spread over several lines; deliver NDJSON, one record a line"
    return (
        "is no FHIR NDJSON, no Mirth message export and no log that wardflow.toml maps, nor a list of places, "
        "nor written by another engine that docs/connect.md names; left alone"
    )


def _read_manifest(delivered: Delivered) -> Manifest | None:
    with delivered.stream() as stream:
        return fhir_manifest.read(stream.read(fhir_manifest.LONGEST).removeprefix(b"\xef\xbb\xbf"))
