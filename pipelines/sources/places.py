"""The hospital's own list of places, for FHIR exports that cannot return Location: CSV, one place a record, or NDJSON of Location and
Organization, into `raw.fhir_location` and `raw.fhir_organization`.

Here: columns to a Location resource, what plain words stand for, and the mark by which a list wins over exports. Not here: CSV's
records (`csv_records`), how a resource is read and its versions are kept (`fhir_bulk`), what its codes mean
(`models/sql/staging/location.sql`). Columns that are not named here are never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelines.lending import lent
from pipelines.sources import csv_records, lines
from pipelines.sources.fhir_bulk import FhirBulk, load_resources
from pipelines.sources.fhir_elements import PROVENANCE
from pipelines.sources.fhir_places import SIDE_LOAD
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.source import Head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Intake, Session

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


_RESOURCES = FhirBulk()


class PlaceList:
    """CSV with one place a record, anywhere; NDJSON of places only where a source of this kind delivers."""

    kind = "places"
    suffixes = (".csv", ".ndjson")
    promised: Mapping[str, Sequence[str]] = {
        PROJECTIONS["Location"].table: (*(column.name for column in PROJECTIONS["Location"].columns), *PROVENANCE)
    }

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:
        """The first line names `id`, `name` and one of the columns that tell of places; where a log delivers, it is a log's. NDJSON is
        a list when it comes from a source of lists.
        """
        if source is not None and source.kind == "ndjson-log":
            return False
        if _RESOURCES.recognises(head, source):
            return source is not None and source.kind == self.kind
        header = csv_records.header_of(head.start, _delimiter(head.start))
        return header >= _REQUIRED and bool(header & _TELLING)

    def together(self, head: Head) -> str | None:
        """Locations; of NDJSON the type of its first resource."""
        return _RESOURCES.together(head) if _RESOURCES.recognises(head, None) else "Location"

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """Each record as the Location that it describes, each line as the resource that it is, read like any other."""
        named = [file for file in files if _is_ndjson(file)]
        listed = [file for file in files if file not in named]
        if listed:
            load_resources(session, listed, csv_records.chunks(session, listed, _layout))
        if named:
            load_resources(session, named, _marked(session, lines.chunks(session, named)))


def _is_ndjson(file: Intake) -> bool:
    head = Head(file.delivered.name, file.delivered.head())
    return _RESOURCES.recognises(head, None) or file.delivered.name.endswith(".ndjson")


def _marked(session: Session, chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The chunks with every place and organisation marked as the hospital's own; lines that are no JSON are as they were."""
    mark = orjson.dumps({"meta": {"versionId": SIDE_LOAD}}).decode()
    for chunk in chunks:
        with lent(session.db, listed=chunk):
            marked = session.db.sql(
                """
                select * replace (
                    case
                        when not json_valid(text) then text
                        when json_extract_string(text, '$.resourceType') in ('Location', 'Organization')
                            then json_merge_patch(text, $mark)::varchar
                        else text
                    end as text
                )
                from listed
                order by file_id, line
                """,
                params={"mark": mark},
            ).to_arrow_table()
        yield marked


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
