"""What is kept of organisations, locations and staff: names of places, numbers of people.

Here: projections that `fhir_projection` joins. Not here: where somebody was (`fhir_visits`). An element that is not named
here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_elements import (
    CODING,
    CODINGS_TYPE,
    IDENTIFIERS,
    REFERENCE,
    Column,
    Projection,
    all_codes,
    code,
    first_code,
    own_key,
    place,
)

SIDE_LOAD = "wardflow-side-load"
"""The `meta.versionId` of a place from the hospital's own list: its versions are never those of an export."""
_SIDE_LOADED = ("side_loaded", f"r.meta.versionId = '{SIDE_LOAD}'")
_CODINGS = 'list_concat(all_codings(r."type"), r.physicalType.coding)'

PLACES: tuple[Projection, ...] = (
    Projection(
        resource="Organization",
        kind="organization",
        elements={"identifier": IDENTIFIERS, "name": '"VARCHAR"', "type": f"[{CODING}]", "partOf": REFERENCE},
        columns=(
            place("organization"),
            Column("identifier_keys", "varchar[]", "identifiers('organization identifier', r.identifier, null)"),
            Column("name", "varchar", "r.name"),
            Column("part_of_ref", "varchar", "place_of(r.partOf, 'Organization')"),
            Column("type_codes", "varchar[]", all_codes('r."type"')),
        ),
        references=(("r.partOf", "Organization"),),
        findings=(_SIDE_LOADED,),
    ),
    Projection(
        resource="Location",
        kind="location",
        elements={
            "identifier": IDENTIFIERS,
            "name": '"VARCHAR"',
            "status": '"VARCHAR"',
            "type": f"[{CODING}]",
            "physicalType": CODING,
            "form": CODING,
            "operationalStatus": '{"code":"VARCHAR"}',
            "partOf": REFERENCE,
            "managingOrganization": REFERENCE,
        },
        columns=(
            place("location"),
            Column("identifier_keys", "varchar[]", "identifiers('location identifier', r.identifier, null)"),
            Column("name", "varchar", "r.name"),
            code("status", "r.status", codes.LOCATION_STATUS),
            Column("types", CODINGS_TYPE, 'codings(all_codings(r."type"))'),
            Column("physical_type_code", "varchar", f"coalesce({first_code('physicalType')}, {first_code('form')})"),
            code("operational_status_code", "r.operationalStatus.code"),  # A9
            Column("part_of_ref", "varchar", "place_of(r.partOf, 'Location')"),
            Column("organization_ref", "varchar", "place_of(r.managingOrganization, 'Organization')"),
        ),
        references=(("r.partOf", "Location"), ("r.managingOrganization", "Organization")),
        findings=(
            _SIDE_LOADED,
            (
                "unreadable_code",
                f"len(list_filter({_CODINGS}, lambda c: c.code is not null and word(c.code) is null)) > 0",
            ),
        ),
    ),
    Projection(  # I3 provider registry match, deterministic or not
        resource="Practitioner",
        kind="practitioner",
        elements={"identifier": IDENTIFIERS, "active": '"BOOLEAN"'},
        columns=(
            own_key("Practitioner", "practitioner"),
            Column("identifier_keys", "varchar[]", "identifiers('practitioner identifier', r.identifier, null)"),
            Column("is_active", "boolean", "r.active"),
        ),
    ),
)
