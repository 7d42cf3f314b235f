"""Which logs can be read on from where an earlier reading ended, and what of their beginning a reader then needs.

Here: one rule for each kind of source. Not here: how a file is known again (`pipelines.following`). A kind that is not
here is read whole whenever its file has grown.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from pipelines.sources import json_records, log_csv, log_times
from pipelines.sources.mapped_log import mapping_of

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.settings import SourceSettings

_BY_LINE = frozenset({"ndjson-log", "openhim", "otlp"})
_MESSAGES = "mirth"
_FRAMES = "hl7"
_FRAME_END = b"\x1c"
_BATCH = re.compile(rb"(?:\A|[\r\n\x0b])(?:FHS|BHS)")
_ENDS_OF_MESSAGES = (b"</message>", b"</list>", b"</messages>")
_OTHER_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


def can(kind: str) -> bool:
    """Whether files of this kind can be read on at all."""
    return kind in _BY_LINE or kind in {_MESSAGES, _FRAMES}


def preamble(
    kind: str, source: SourceSettings, head: bytes, fresh: bytes, last_event_at: datetime | None
) -> bytes | None:
    """The lines of a file's beginning that stand before its new part when that is read by itself: of CSV the header.
    `last_event_at` is the newest time in the part that is accounted for.

    Null where the part says less by itself than in the whole file: JSON in an array or over several lines, records without an
    id (the second of two equal ones is known by the first), times without an offset near a change of clocks.
    """
    if kind == _MESSAGES:
        return None if _OTHER_ENCODING.search(head[:200]) else b""
    if kind == _FRAMES:  # a batch says what its messages belong to; without frames nobody knows where a message ends
        is_framed = b"\x0b" in head and not _BATCH.search(head) and not _BATCH.search(fresh)
        return b"" if is_framed and not fresh.startswith(b"\n") else None
    first = head[: head.find(b"\n") + 1]
    if kind not in _BY_LINE or not first or head.startswith(_BOM):
        return None
    return _of_mapped(source, head, fresh, last_event_at) if kind == "ndjson-log" else _of_json(head, fresh)


def _of_mapped(source: SourceSettings, head: bytes, fresh: bytes, last_event_at: datetime | None) -> bytes | None:
    mapping = mapping_of(source)
    zone = mapping.written("time").zone or source.zone
    is_known_by_itself = mapping.rows == "snapshots" or "record_id" in mapping.fields
    is_on_a_night = zone is not None and (last_event_at is None or _clocks_change_about(zone, last_event_at))
    if mapping.encoding != "utf-8" or not is_known_by_itself or is_on_a_night:
        return None
    if mapping.format != "csv":
        return _of_json(head, fresh)
    first = head[: head.find(b"\n") + 1]
    header = b"" if mapping.header else first
    return header if mapping.header or mapping.telling() <= log_csv.header_of(first, mapping) else None


def _of_json(head: bytes, fresh: bytes) -> bytes | None:
    """Nothing, where the part looks like lines of JSON as the whole file does; else a line that does."""
    if json_records.depth_of_records(head) is not None:
        return None
    return b"" if json_records.depth_of_records(fresh) is None else head[: head.find(b"\n") + 1]


def _clocks_change_about(zone: str, instant: datetime) -> bool:
    """Whether some time within two days is, where the clocks go back, only told apart by the order of the whole file."""
    there = instant.astimezone(UTC).replace(tzinfo=None)
    return log_times.clock_changes(zone, there, there)


def has_a_whole_record(kind: str, fresh: bytes) -> bool:
    """Whether the beginning of a part holds the end of a record."""
    return {_MESSAGES: b"</message>", _FRAMES: _FRAME_END}.get(kind, b"\n") in fresh


def line_ends(kind: str, rest: bytes) -> int | None:
    """How many lines end in the bytes from a file's last record on; null where another record does not simply follow them."""
    if kind == _MESSAGES:
        return rest.count(b"\n") if rest.rstrip().endswith(_ENDS_OF_MESSAGES) else None
    if kind == _FRAMES:
        is_closed = rest.count(_FRAME_END) == 1 and not rest.partition(_FRAME_END)[2].strip()
        return rest.count(b"\n") + rest.count(b"\r") - rest.count(b"\r\n") if is_closed else None
    if not rest.endswith(b"\n") or b"\r" in rest.replace(b"\r\n", b"\n"):
        return None
    return rest.count(b"\n")
