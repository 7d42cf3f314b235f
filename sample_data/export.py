"""The FHIR bulk exports: what changed since the last one, every midnight, and at noon on the days when somebody asks.

Objects that changed are remembered until midnight, rendered as they are then, written and forgotten. The first export
is full. Some exports are delivered twice or overlap, as planted. How an export becomes files: `delivery`.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from sample_data.clock import DAY, instant, local_date
from sample_data.delivery import PACKINGS, Cut, plain
from sample_data.fhir import Resource
from sample_data.files import write_folder
from sample_data.planted import Plants

TYPES = (
    "Organization", "Location", "Practitioner", "Patient", "Encounter", "ServiceRequest", "Specimen",
    "ImagingStudy", "DiagnosticReport", "Observation", "Task", "Provenance", "Appointment", "Condition", "Coverage",
    "Claim", "EncounterHistory", "AuditEvent",
)  # fmt: skip
OVERLAP_DAYS = 3

Render = Callable[[int], Resource]


class Export:
    """Remembers changed resources and writes a folder at each midnight."""

    def __init__(self, folder: Path, plants: Plants) -> None:
        self._folder, self._plants = folder, plants
        self._changed: dict[str, dict[str, tuple[int, Render]]] = {kind: {} for kind in TYPES}
        self._deleted: list[str] = []
        self._recent: list[dict[str, dict[str, bytes]]] = []
        self._recently_deleted: list[str] = []
        self._forgotten: set[str] = set()
        self._all_deleted: set[str] = set()
        self._encounters: dict[str, bytes] = {}
        self._last: int | None = None
        self._packed: list[dict[str, Any]] = []
        self.counts: dict[str, int] = dict.fromkeys(TYPES, 0)
        self.deletions = 0

    def touch(self, kind: str, ident: str, now: int, render: Render) -> None:
        """A resource changed now; `render` is called with the instant of its last change when it is exported."""
        self._changed[kind][ident] = (now, render)

    def delete(self, reference: str) -> None:
        """A resource was removed from the server: `Encounter/…`."""
        kind, ident = reference.split("/")
        self._changed[kind].pop(ident, None)
        self._deleted.append(reference)
        self._all_deleted.add(reference)

    def forget(self, reference: str) -> None:
        """A resource was removed from the server, which does not tell anyone."""
        kind, ident = reference.split("/")
        self._changed[kind].pop(ident, None)
        self._forgotten.add(reference)

    def write(self, until: int) -> None:
        """Write everything that changed before `until` (a local midnight)."""
        day = local_date(until).isoformat()
        lines = self._rendered()
        for changed in self._changed.values():
            changed.clear()
        for kind, rows in lines.items():
            self.counts[kind] += len(rows)
        files = plain(Cut(until, self._last, TYPES, lines, self._deleted))
        write_folder(self._folder / day, files)
        if day == self._plants.export_day(self._plants.again_day):
            write_folder(self._folder / f"{day}-again", files)
        self._overlap(day, until, lines)
        self._full(day, until, lines.get("Encounter", {}))
        self.deletions += len(self._deleted)
        self._deleted = []
        self._last = until

    def write_extra(self, until: int, packing: str) -> None:
        """Somebody asks during the day for what changed since midnight; the next midnight exports it again."""
        cut = Cut(until, self._last, TYPES, self._rendered(), self._deleted)
        packed = PACKINGS[packing](cut)
        folder = f"{local_date(until).isoformat()}-{packing}"
        write_folder(self._folder / folder, packed.files, settled=True)
        self._packed.append(
            {
                "kind": "packed_export",
                "facility": None,
                "from": instant(until),
                "to": instant(until),
                "folder": folder,
                "packing": packing,
                "resources": cut.resources,
                "headers": packed.headers,
                "unwanted": packed.unwanted,
            }
        )

    def packed(self) -> list[dict[str, Any]]:
        """The exports that came packed in another way, for truth.json."""
        return self._packed

    def _rendered(self) -> dict[str, dict[str, bytes]]:
        return {
            kind: {ident: orjson.dumps(render(updated)) + b"\n" for ident, (updated, render) in changed.items()}
            for kind, changed in self._changed.items()
            if changed
        }

    def _overlap(self, day: str, until: int, lines: dict[str, dict[str, bytes]]) -> None:
        """Around the planted day keep three days of lines, then deliver the latest version of each again."""
        overlap_day = self._plants.export_day(self._plants.overlap_day)
        if overlap_day is None:
            return
        if 0 <= (date.fromisoformat(overlap_day) - date.fromisoformat(day)).days < OVERLAP_DAYS:
            self._recent.append(lines)
            self._recently_deleted += self._deleted
        if day != overlap_day:
            return
        again: dict[str, dict[str, bytes]] = {}
        for recent in self._recent:
            for kind, rows in recent.items():
                latest = again.setdefault(kind, {})
                for ident, line in rows.items():
                    latest.pop(ident, None)
                    latest[ident] = line
        for reference in (*self._recently_deleted, *self._forgotten):
            kind, ident = reference.split("/")
            again[kind].pop(ident, None)
        again = {kind: again[kind] for kind in TYPES if kind in again}
        since = until - OVERLAP_DAYS * DAY
        files = plain(Cut(until, since, TYPES, again, self._recently_deleted))
        write_folder(self._folder / f"{day}-overlap", files)
        self._recent = []

    def _full(self, day: str, until: int, encounters: dict[str, bytes]) -> None:
        """Up to the planted day keep every Encounter, then deliver all that the server still has."""
        full_day = self._plants.export_day(self._plants.full_day)
        if full_day is None or day > full_day:
            return
        self._encounters |= encounters
        if day == full_day:
            gone = {*self._forgotten, *self._all_deleted}
            rows = {ident: line for ident, line in self._encounters.items() if f"Encounter/{ident}" not in gone}
            write_folder(self._folder / f"{day}-full", plain(Cut(until, None, ("Encounter",), {"Encounter": rows}, [])))
            self._encounters = {}
