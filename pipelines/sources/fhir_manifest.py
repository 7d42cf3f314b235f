"""The manifest of a FHIR bulk export: when it was true, and which files it should have brought.

Here: reading manifests of bulk data 2.0, 3.0 and the 4.0 ballot. Not here: the resources. A manifest counts no lines;
what it says and the files disagree on becomes a finding.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "manifest.json"
LONGEST = 32 << 20
_KICK_OFF = re.compile(r"(https?://[^?#\s]+?)(?:/Patient|/Group/[^/?#]+)?/\$export(?:\?.*)?")


@dataclass(frozen=True)
class Manifest:
    """What an export says of itself. `counts`: by file name, the resources it should hold (null where it does not say); `base`:
    the address of the server that was asked.
    """

    exported_at: datetime | None
    counts: Mapping[str, int | None] = field(default_factory=dict)
    errors: int = 0
    base: str | None = None


def looks_like_one(start: bytes) -> bool:
    """Whether a file that begins so may be a manifest."""
    return start.lstrip().startswith(b"{") and b'"transactionTime"' in start


def read(content: bytes) -> Manifest | None:
    """The manifest, or null when it is none; nothing of the content is kept but times, names of files and counts."""
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "transactionTime" not in document:
        return None
    counts: dict[str, int | None] = {}
    for part in ("output", "deleted"):
        for entry in _dicts(document.get(part)):
            url, count = entry.get("url"), entry.get("count")
            if isinstance(url, str) and url:
                counts[_file_name(url)] = count if isinstance(count, int) else None
    errors = [entry for part in ("error", "outcome") for entry in _dicts(document.get(part))]
    return Manifest(_instant(document["transactionTime"]), counts, len(errors), _base(document.get("request")))


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _file_name(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        path = url
    return unquote(path).rpartition("/")[2].removesuffix(".gz")


def _base(request: object) -> str | None:
    found = _KICK_OFF.fullmatch(request) if isinstance(request, str) else None
    return found.group(1) if found else None


def _instant(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None
