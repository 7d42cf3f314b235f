"""What this release reads of a file, as a short text that changes when it reads more: files that were read otherwise are read again.

Here: the fingerprints of the FHIR projections and the version of each other adapter. Not here: what is done about a file
whose reading is no longer the one of this release (`pipelines.rereading`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipelines.sources.fhir_deletions import BUNDLE
from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from pipelines.sources.source import Intake

VERSION: dict[str, int] = {
    "mirth": 4,
    "hl7": 3,
    "openhim": 3,
    "intersystems": 3,
    "otlp": 2,
    "azure": 3,
    "camunda": 2,
    "ndjson-log": 2,
}
"""By kind of source, how often what its adapter reads has grown; 1 where it is not here. FHIR's tell by themselves."""
_FHIR = frozenset({"fhir", "places"})
_TYPES, _ALL = "types", "all"


def current(kind: str) -> frozenset[str]:
    """Every reading that this release may book a file of a kind with."""
    return frozenset(_fhir().values()) if kind in _FHIR else frozenset({_version(kind)})


def of_former_release(kind: str) -> str:
    """The reading of a file that was booked before readings were."""
    return "" if kind in _FHIR else f"{kind} 1"


def reading_of(file: Intake, lines: int, ignored: int) -> str:
    """How a file was read, of so many lines: for the elements of its one type; for the list of types, where it held nothing
    that is read or only deletions; else for everything.
    """
    if file.kind not in _FHIR:
        return _version(file.kind)
    left_out = ignored - file.blank_lines
    part = file.resource_type or _ALL
    if file.is_mixed or 0 < left_out < lines - file.blank_lines:
        part = _ALL
    elif left_out or part == BUNDLE:
        part = _TYPES
    readings = _fhir()
    return readings.get(part, readings[_TYPES])


def _version(kind: str) -> str:
    return f"{kind} {VERSION.get(kind, 1)}"


def _fhir() -> dict[str, str]:
    """By type the fingerprint of its elements and columns; of the list of types; and of all together."""
    types = {name: _digest(each.described) for name, each in PROJECTIONS.items()}
    whole = {**types, _TYPES: _digest(*sorted(types)), _ALL: _digest(*sorted(f"{k} {v}" for k, v in types.items()))}
    return {name: f"{name} {each}" for name, each in whole.items()}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
