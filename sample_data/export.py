"""The daily FHIR bulk export: what changed since the last one, one NDJSON file a type, with a manifest, in one folder.

Objects that changed are remembered until midnight, rendered as they are then, written and forgotten. The first export
is full. Some exports are delivered twice or overlap, as planted.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from sample_data.clock import DAY, instant, local_date
from sample_data.fhir import Resource
from sample_data.files import write_folder
from sample_data.planted import Plants

TYPES = (
    "Organization", "Location", "Practitioner", "Patient", "Encounter", "ServiceRequest", "Specimen",
    "ImagingStudy", "DiagnosticReport", "Observation", "Task", "Provenance",
)  # fmt: skip
OVERLAP_DAYS = 3
_SERVER = "https://fhir.tworivers.example/r4"

Render = Callable[[int], Resource]


class Export:
    """Remembers changed resources and writes a folder at each midnight."""

    def __init__(self, folder: Path, plants: Plants) -> None:
        self._folder, self._plants = folder, plants
        self._changed: dict[str, dict[str, tuple[int, Render]]] = {kind: {} for kind in TYPES}
        self._deleted: list[str] = []
        self._recent: list[dict[str, dict[str, bytes]]] = []
        self._recently_deleted: list[str] = []
        self._last: int | None = None
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

    def write(self, until: int) -> None:
        """Write everything that changed before `until` (a local midnight)."""
        day = local_date(until).isoformat()
        lines = {
            kind: {ident: orjson.dumps(render(updated)) + b"\n" for ident, (updated, render) in changed.items()}
            for kind, changed in self._changed.items()
            if changed
        }
        for changed in self._changed.values():
            changed.clear()
        for kind, rows in lines.items():
            self.counts[kind] += len(rows)
        files = self._files(lines, until, self._last, self._deleted)
        write_folder(self._folder / day, files)
        if day == self._plants.export_day(self._plants.again_day):
            write_folder(self._folder / f"{day}-again", files)
        self._overlap(day, until, lines)
        self.deletions += len(self._deleted)
        self._deleted = []
        self._last = until

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
        for reference in self._recently_deleted:
            kind, ident = reference.split("/")
            again[kind].pop(ident, None)
        again = {kind: again[kind] for kind in TYPES if kind in again}
        write_folder(
            self._folder / f"{day}-overlap",
            self._files(again, until, until - OVERLAP_DAYS * DAY, self._recently_deleted),
        )
        self._recent = []

    @staticmethod
    def _files(
        lines: dict[str, dict[str, bytes]], until: int, since: int | None, deleted: list[str]
    ) -> dict[str, bytes]:
        day = local_date(until).isoformat()
        url = f"{_SERVER}/bulk/{day}"
        query = f"_type={','.join(TYPES)}" + ("" if since is None else f"&_since={instant(since)}")
        manifest: dict[str, Any] = {
            "transactionTime": instant(until),
            "request": f"{_SERVER}/$export?{query}",
            "requiresAccessToken": False,
            "output": [
                {"type": kind, "url": f"{url}/{kind}.ndjson", "count": len(rows)} for kind, rows in lines.items()
            ],
            "deleted": [],
            "error": [],
        }
        files = {f"{kind}.ndjson": b"".join(rows.values()) for kind, rows in lines.items()}
        if deleted:
            bundle = {
                "resourceType": "Bundle",
                "id": f"deleted-{day}",
                "type": "transaction",
                "entry": [{"request": {"method": "DELETE", "url": reference}} for reference in deleted],
            }
            files["deleted/Bundle.ndjson"] = orjson.dumps(bundle) + b"\n"
            manifest["deleted"] = [{"type": "Bundle", "url": f"{url}/deleted/Bundle.ndjson", "count": 1}]
        files["manifest.json"] = orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
        return files
