"""The manifest of a FHIR bulk export: when it was true, what was asked for, and which files it should have brought.

Here: reading one page of a manifest of bulk data 2.0, 3.0 or the 4.0 ballot. Not here: the resources, and whether the
files came (`pipelines.exports`). A manifest counts no lines; what it says and the files disagree on becomes a finding.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NAME = "manifest.json"
LONGEST = 32 << 20
_KICK_OFF = re.compile(r"(https?://[^?#\s]+?)(?:/(Patient|Group/[A-Za-z0-9.-]{1,64}))?/\$export(?:\?(.*))?")
_SUFFIXES = (".gz", ".bz2", ".zst")
_NARROWING = frozenset({"_since", "_until", "_typeFilter", "_elements", "patient"})
_TYPE = re.compile(r"[A-Za-z]{1,64}")
_HARMLESS = frozenset({"information", "success"})


@dataclass(frozen=True)
class Named:
    """One file that a manifest names. `type` is null where it does not say, `resources` too."""

    name: str
    type: str | None
    resources: int | None


@dataclass(frozen=True)
class Manifest:
    """What one page of an export's manifest says. `base`: the address of the server that was asked.

    `level`: system, Patient or Group/<id>; null without a request. `types`: those asked for, empty for all. `is_full`:
    nothing in the request narrowed the answer; null where that cannot be told: without a request (the 4.0 ballot has none),
    and of one without parameters, because those of a POST are not in its address. `errors`: problems that the server
    reported. `has_next`: another page follows; `is_pending`: it is not written yet. `continues_in`: the files in which a
    patient's resources go on.
    """

    exported_at: datetime | None
    files: tuple[Named, ...] = ()
    errors: int = 0
    base: str | None = None
    level: str | None = None
    types: tuple[str, ...] = ()
    is_full: bool | None = None
    has_next: bool = False
    is_pending: bool = False
    continues_in: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int | None]:
        """By file name, the resources it should hold (null where it does not say)."""
        return {each.name: each.resources for each in self.files}

    def with_page(self, other: Manifest) -> Manifest:
        """Both pages of one export as one; of two exports, the later."""
        if self.exported_at != other.exported_at:
            return max(self, other, key=lambda each: (each.exported_at is not None, each.exported_at))
        return replace(self, files=tuple(dict.fromkeys((*self.files, *other.files))))


def looks_like_one(start: bytes) -> bool:
    """Whether a file that begins so may be a manifest."""
    return start.lstrip().startswith(b"{") and b'"transactionTime"' in start


def read(content: bytes) -> Manifest | None:
    """The manifest, or null when it is none; nothing of the content is kept but times, types, names of files and counts."""
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "transactionTime" not in document:
        return None
    output, deleted = _dicts(document.get("output")), _dicts(document.get("deleted"))
    files = [*(_named(entry, _type_of(entry)) for entry in output), *(_named(entry, "Bundle") for entry in deleted)]
    links = [link.get("url") for link in _dicts(document.get("link")) if link.get("relation") == "next"]
    problems = sum(_is_problem(entry) for part in ("error", "outcome") for entry in _dicts(document.get(part)))
    continued = (entry.get("continuesInFile") for entry in output)
    page = Manifest(
        exported_at=_instant(document["transactionTime"]),
        files=tuple(each for each in files if each is not None),
        errors=problems,
        has_next=any(url != "#pending" for url in links),
        is_pending="#pending" in links,
        continues_in=tuple(file_name(url) for url in continued if isinstance(url, str) and url),
    )
    return _asked(page, document.get("request"))


def _asked(page: Manifest, request: object) -> Manifest:
    """The page with what its request says; a request that cannot be read says nothing."""
    found = _KICK_OFF.fullmatch(request) if isinstance(request, str) else None
    if found is None:
        return page
    try:
        query = parse_qs(found.group(3) or "", keep_blank_values=True)
    except ValueError:
        return replace(page, base=found.group(1))
    types = [each for values in query.get("_type", []) for each in values.split(",") if _TYPE.fullmatch(each)]
    return replace(
        page,
        base=found.group(1),
        level=found.group(2) or "system",
        types=tuple(types),
        is_full=not (_NARROWING & query.keys()) if query else None,
    )


def _named(entry: dict[str, Any], resource: str | None) -> Named | None:
    url, count = entry.get("url"), entry.get("count")
    if not isinstance(url, str) or not url:
        return None
    return Named(file_name(url), resource, count if isinstance(count, int) else None)


def _type_of(entry: dict[str, Any]) -> str | None:
    found = entry.get("type")
    return found if isinstance(found, str) and _TYPE.fullmatch(found) else None


def _is_problem(entry: dict[str, Any]) -> bool:
    """A file of outcomes, unless it says that it holds none, or none worse than information (4.0's `countSeverity`)."""
    if entry.get("count") == 0:
        return False
    severities = _dicts(entry.get("countSeverity"))
    worse = [
        each
        for each in severities
        if each.get("severity", each.get("code")) not in _HARMLESS and each.get("count") != 0
    ]
    return bool(worse) or not severities


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def file_name(url: str) -> str:
    """The name of the file behind an address, without a compression suffix."""
    try:
        path = urlsplit(url).path
    except ValueError:
        path = url
    name = unquote(path).rpartition("/")[2]
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def _instant(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None
