"""The hospital's own list of places as CSV, for FHIR exports that cannot return Location: one place a record, into `raw.fhir_location`.

Here: columns to a Location resource, and what plain words stand for. Not here: CSV's records (`csv_records`), how a Location is
read and its versions are kept (`fhir_bulk`), what its codes mean (`models/sql/staging/location.sql`). Columns that are not
named here are never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources import csv_records
from pipelines.sources.fhir_bulk import load_resources
from pipelines.sources.fhir_elements import PROVENANCE
from pipelines.sources.fhir_places import SIDE_LOAD
from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Head, Intake, Session

_REQUIRED = frozenset({"id", "name"})
_TELLING = frozenset({"type", "physical_type", "part_of"})
_COLUMNS = _REQUIRED | _TELLING | {"organization", "status"}
_DELIMITERS = (",", ";")

_HSLOC = "https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"

TYPES = {
    "emergency": (_HSLOC, "1108-0"),
    "treatment-room": (_HSLOC, "1209-6"),
    "ward": (_ROLE, "HU"),
    "laboratory": (_ROLE, "HLAB"),
    "radiology": (_ROLE, "HRAD"),
}
"""The plain words for what a place is for."""
PHYSICAL_TYPES = {
    "site": (_PHYSICAL, "si"),
    "building": (_PHYSICAL, "bu"),
    "wing": (_PHYSICAL, "wi"),
    "level": (_PHYSICAL, "lvl"),
    "ward": (_PHYSICAL, "wa"),
    "room": (_PHYSICAL, "ro"),
    "bed": (_PHYSICAL, "bd"),
    "area": (_PHYSICAL, "area"),
}
"""The plain words for what a place is built as; in the column `type` they stand for the same."""


class PlaceList:
    """CSV with one place a record."""

    kind = "places"
    suffixes = (".csv",)
    promised: Mapping[str, Sequence[str]] = {
        PROJECTIONS["Location"].table: (*(column.name for column in PROJECTIONS["Location"].columns), *PROVENANCE)
    }

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:
        """The first line names `id`, `name` and one of the columns that tell of places; where a log delivers, it is a log's."""
        if source is not None and source.kind == "ndjson-log":
            return False
        header = csv_records.header_of(head.start, _delimiter(head.start))
        return header >= _REQUIRED and bool(header & _TELLING)

    def together(self, head: Head) -> str | None:  # noqa: ARG002 -- the protocol's signature
        """Locations."""
        return "Location"

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """Each record as the Location that it describes, read like any other."""
        load_resources(session, files, csv_records.chunks(session, files, _layout))


def _layout(file: Intake) -> csv_records.Layout:
    return csv_records.Layout(_delimiter(file.delivered.head()), _COLUMNS, _location, _REQUIRED, spans_lines=False)


def _delimiter(start: bytes) -> str:
    """The one that splits the first line into more of the columns."""
    return max(_DELIMITERS, key=lambda each: len(csv_records.header_of(start, each) & _COLUMNS))


def _location(record: dict[str, str]) -> dict[str, object]:
    """A Location resource of one record."""
    values = {name: value.strip() for name, value in record.items() if value.strip()}
    words = values.get("type", "").split()
    built = values.get("physical_type", "").split() or [word for word in words if _is_built(word)]
    kinds = [_coding(word, TYPES) for word in words if not _is_built(word)]
    found: dict[str, object] = {"resourceType": "Location", "meta": {"versionId": SIDE_LOAD}}
    found |= {name: values[name] for name in ("id", "name") if name in values}
    if "status" in values:
        found["status"] = values["status"].lower()
    if kinds:
        found["type"] = [{"coding": [coding]} for coding in kinds]
    if built:
        found["physicalType"] = {"coding": [_coding(word, PHYSICAL_TYPES) for word in built]}
    if "part_of" in values:
        found["partOf"] = {"reference": f"Location/{values['part_of'].removeprefix('Location/')}"}
    if "organization" in values:
        organization = values["organization"].removeprefix("Organization/")
        found["managingOrganization"] = {"reference": f"Organization/{organization}"}
    return found


def _is_built(word: str) -> bool:
    return word.lower() in PHYSICAL_TYPES.keys() - TYPES.keys()


def _coding(word: str, plain: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The coding of a plain word or of `system|code`; of other text one that is found to be no code, because people write names."""
    system, bar, code = word.rpartition("|")
    if not bar:
        system, code = plain.get(word.lower(), ("", "?"))
    return {"system": system, "code": code} if system else {"code": code}
