"""As of when a folder without a manifest was exported: the newest plausible meta.lastUpdated of its files.

Here: that guess. Not here: what a manifest states (`fhir_manifest`), what is far from the export's time (`fhir_rules`).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.sources.archives import Delivered

FAR_YEARS = 20
"""Times so many years from what is usual in an export are far from it."""

_LAST_UPDATED = re.compile(rb'"lastUpdated"[ \t]*:[ \t]*"([0-9T:.+Z-]{20,40})"')
_BLOCK = 16 << 20


@dataclass
class Updates:
    """How many resources were last updated in each year, and the newest of each."""

    counts: Counter[int] = field(default_factory=Counter[int])
    newest: dict[int, datetime] = field(default_factory=dict[int, datetime])

    def add(self, text: bytes, count: int) -> None:
        """Note a time as it was written; what is no instant with a zone is passed over."""
        try:
            found = datetime.fromisoformat(text.decode())
        except ValueError:
            return
        if found.tzinfo is not None:
            self.counts[found.year] += count
            self.newest[found.year] = max(found, self.newest.get(found.year, found))

    def newest_plausible(self) -> datetime | None:
        """The newest time that is not far from the median, in any century, so that one slip moves nothing; null when none is there."""
        past = self.counts.total() / 2
        for year in sorted(self.counts):
            past -= self.counts[year]
            if past <= 0:
                return self.newest[max(each for each in self.newest if each - year <= FAR_YEARS)]
        return None


def exported_about(files: Iterable[Delivered]) -> datetime | None:
    """The newest plausible lastUpdated of these files; null when none says it."""
    updates = Updates()
    for delivered in files:
        with delivered.stream() as stream:
            tail = b""
            while block := stream.read(_BLOCK):
                for text, count in Counter(_LAST_UPDATED.findall(tail + block)).items():
                    updates.add(text, count)
                tail = block[-64:]
    return updates.newest_plausible()
