"""Identifiers in HL7 v2 fields: who gave a number out, and which of several repetitions stands for the patient, visit or order.

Here: the components of CX and EI, the choice among repetitions, and the text under which a number is hashed (decision 0023).
Not here: where the fields stand (`hl7_envelope`), hashing (`mirth_events`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipelines.settings import Numbered, SourceSettings

TYPES: dict[str, tuple[tuple[str, ...], ...]] = {
    "mrn": (("MR",), ("PI", "PT", "")),
    "visit": (("VN",), ("AN", "")),
    "placer": (),
    "filler": (),
    "accession": (),
}
"""By kind, the type codes (CX-5) that make a repetition the one to take, the best first; others come after them."""
PAPERS = frozenset({"SS", "DL", "PPN"})
"""Type codes of numbers that are never taken: social security, driving licence, passport."""
_SSA = frozenset({"SSA", "USSSA", "2.16.840.1.113883.4.1"})
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Delimiters(NamedTuple):
    """What stands between the parts of a field, as MSH declares it."""

    component: str = "^"
    repetition: str = "~"
    subcomponent: str = "&"


class Number(NamedTuple):
    """An identifier as it was written, its type code, and who gave it out: by name, and by universal id. Empty is not said."""

    value: str
    type: str = ""
    name: str = ""
    universal_id: str = ""


class Chosen(NamedTuple):
    """The number that was chosen and the authority under which it is hashed; `is_unmapped`: no setting says what its name stands for."""

    value: str
    authority: str
    is_unmapped: bool = False


def extended(field: str, by: Delimiters) -> tuple[Number, ...]:
    """The repetitions of a CX field (PID-3, MRG-1, PV1-19) that hold a number."""
    if by.component not in field and by.repetition not in field:
        return _bare(field)
    found: list[Number] = []
    for repetition in field.split(by.repetition):
        parts = [part.strip() for part in repetition.split(by.component)]
        if value := _said(parts[0]):
            name, universal = _assigner(parts[3].split(by.subcomponent)) if len(parts) > 3 else ("", "")  # noqa: PLR2004 -- CX-4
            found.append(Number(value, _said(parts[4]) if len(parts) > 4 else "", name, universal))  # noqa: PLR2004 -- CX-5
    return tuple(found)


def entity(field: str, by: Delimiters) -> tuple[Number, ...]:
    """The repetitions of an EI field (ORC-2, ORC-3, OBR-2, OBR-3, IPC-1; also OBR-18) that hold a number."""
    if by.component not in field and by.repetition not in field:
        return _bare(field)
    found: list[Number] = []
    for repetition in field.split(by.repetition):
        value, *assigner = (part.strip() for part in repetition.split(by.component))
        if value := _said(value):
            found.append(Number(value, "", *_assigner(assigner)))
    return tuple(found)


def _bare(field: str) -> tuple[Number, ...]:
    """A number of which nothing but itself is said."""
    value = _said(field.strip())
    return (Number(value),) if value else ()


def _said(text: str) -> str:
    """The text; empty for HL7's own null, two quotes."""
    return "" if text == '""' else text


def _assigner(parts: list[str]) -> tuple[str, str]:
    """Name and universal id of an HD: `NGH&1.2.3&ISO`. A universal id is written as FHIR writes it, where its form tells how."""
    name, universal, *_ = (*(_said(part.strip()) for part in parts), "", "")
    return name, universal


def _as_system(universal: str) -> str | None:
    """The Identifier.system that FHIR gives a universal id; null for one of no known form."""
    if _OID.fullmatch(universal):
        return f"urn:oid:{universal}"
    if _UUID.fullmatch(universal.lower()):
        return f"urn:uuid:{universal.lower()}"
    return universal if _URI.fullmatch(universal) else None


class Assigners:
    """What one source's settings say of the names in its messages."""

    def __init__(self, source: SourceSettings) -> None:
        self._source = source
        self._authority = lru_cache(maxsize=4096)(self._authority_of)

    def choose(self, kind: Numbered, numbers: tuple[Number, ...], like: Chosen | None = None) -> Chosen | None:
        """Of a field's repetitions the one to hash: first one whose authority the settings name, then by type code, then by place.

        `like` is a number of the same kind in the same message: one of its authority comes first, and one that names nobody has
        its authority (the number that gives way in a merge is of the same list as the one that stays).
        """
        if not numbers:
            return None
        wanted = TYPES[kind]
        best: tuple[tuple[bool, bool, int], Chosen] | None = None
        for number in numbers:
            if number.type in PAPERS or not _SSA.isdisjoint(number[2:]):
                continue
            chosen, is_named = self._given_out(kind, number, like)
            rank = next((i for i, types in enumerate(wanted) if number.type in types), len(wanted))
            place = (like is not None and chosen.authority != like.authority, not is_named, rank)
            if best is None or place < best[0]:
                best = place, chosen
        return best[1] if best else None

    def _given_out(self, kind: Numbered, number: Number, like: Chosen | None) -> tuple[Chosen, bool]:
        """The number with its authority, and whether the settings name that."""
        authority, is_named, is_unmapped = self._authority(
            kind, number.universal_id, number.name, like.authority if like else None
        )
        return Chosen(number.value, authority, is_unmapped), is_named

    def _authority_of(self, kind: Numbered, universal_id: str, name: str, like: str | None) -> tuple[str, bool, bool]:
        """The authority of such a number, whether the settings name it, and whether only the message names whom it stands for."""
        source = self._source
        names = source.assigners.get(kind, {})
        for said in (universal_id, name):
            if said in names:
                return names[said], True, False
        if system := _as_system(universal_id):
            return system, False, False
        if said := name or universal_id:
            return f"{source.name}/{said}", False, True
        return like or source.authority_of(kind), kind in source.authorities, False
