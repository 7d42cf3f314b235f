"""Which engine logs are followed, and how far what was published is behind what engines have written.

Here: the folders as they are now beside what was last read. Not here: freshness against a data cut (`publish`), the sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines import due
from pipelines.sources import discover

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipelines.settings import Settings


@dataclass(frozen=True)
class FollowedSource:
    """The logs of one source: how many files, when one was last written and last read, and for how many seconds something
    has been waiting to be read; 0 when nothing is. Times are in UTC, null for never.
    """

    source: str
    files: int
    last_written_at: datetime | None
    last_read_at: datetime | None
    behind_seconds: float


def followed(
    settings: Settings, last_read: Mapping[str, datetime | None], now: datetime | None = None
) -> list[FollowedSource]:
    """Every source of growing logs in the order of the settings; `last_read` is when a file of it was last taken in."""
    logs = due.growing(discover(settings))
    waits = due.fingerprint(settings, logs) != due.logs_taken_in(settings)
    moment = now or datetime.now(UTC)
    found: list[FollowedSource] = []
    for source in settings.sources:
        if not source.path or not due.is_growing(source.kind):
            continue
        written = sorted(
            at for batch in logs if batch.source == source.name for path in batch.paths if (at := _written(path))
        )
        read = last_read.get(source.name)
        unread = [at for at in written if waits and (read is None or at > read)]
        behind = max((moment - unread[0]).total_seconds(), 0.0) if unread else 0.0
        found.append(FollowedSource(source.name, len(written), written[-1] if written else None, read, behind))
    return found


def _written(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:  # renamed since the folder was listed
        return None
