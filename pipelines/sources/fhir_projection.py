"""What of each FHIR resource is kept: an allow-list, applied in the one statement that parses the line.

Here: per resource type the elements to read, the columns made of them, and what is checked. Not here: how a code or
reference is read (`fhir_elements`), lines and versions (`fhir_bulk`). An element that is not named here is never
materialised: not in a table, a temporary one or a message.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_elements import (
    BASED_ON,
    CODING,
    CODINGS_TYPE,
    ELEMENT_MACROS,
    ENCOUNTER,
    IDENTIFIERS,
    PATIENT,
    PERIOD,
    PROVENANCE,
    REFERENCE,
    SPELL_TYPE,
    STATUS,
    SUBJECT,
    VISIT,
    Column,
    Projection,
    all_codes,
    any_other,
    code,
    first_code,
    keys,
    one_of,
    own_key,
    place,
    time,
)
from pipelines.sources.fhir_work import WORK

_LOCATION_SPELLS = f"""list_transform(r.location, lambda l: struct_pack(
    location_id := place_of(l.location, 'Location'), status := {one_of("l.status", codes.ENCOUNTER_LOCATION_STATUS)},
    "start" := moment(l.period."start"), "end" := moment(l.period."end")))"""
_STATUS_SPELLS = f"""list_transform(r.statusHistory, lambda s: struct_pack(
    status := {one_of("s.status", codes.ENCOUNTER_STATUS)}, "start" := moment(s.period."start"), "end" := moment(s.period."end")))"""

_BIRTH_YEAR = r"try_cast(regexp_extract(r.birthDate, '^(\d{4})(-\d{2}(-\d{2})?)?$', 1) as integer)"
"""The year alone (ECAT's strata by age); the day never enters."""


def _linked(kind: str) -> str:
    """The patients that a Patient says it was merged with, in one direction; links that only refer are not read."""
    others = f"list_transform(list_filter(r.link, lambda l: l.\"type\" = '{kind}'), lambda l: key_of('patient', l.other, 'Patient'))"
    return f"list_filter({others}, lambda k: k is not null)"


PROJECTIONS: dict[str, Projection] = {
    projection.resource: projection
    for projection in (
        Projection(
            resource="Organization",
            kind="organization",
            elements={"identifier": IDENTIFIERS, "name": '"VARCHAR"', "partOf": REFERENCE},
            columns=(
                place("organization"),
                Column("identifier_keys", "varchar[]", "identifiers('organization identifier', r.identifier, null)"),
                Column("name", "varchar", "r.name"),
                Column("part_of_ref", "varchar", "place_of(r.partOf, 'Organization')"),
            ),
            references=(("r.partOf", "Organization"),),
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
                "partOf": REFERENCE,
                "managingOrganization": REFERENCE,
            },
            columns=(
                place("location"),
                Column("identifier_keys", "varchar[]", "identifiers('location identifier', r.identifier, null)"),
                Column("name", "varchar", "r.name"),
                code("status", "r.status", codes.LOCATION_STATUS),
                Column("types", CODINGS_TYPE, 'codings(flatten(list_transform(r."type", lambda c: c.coding)))'),
                Column("physical_type_code", "varchar", first_code("physicalType")),
                Column("part_of_ref", "varchar", "place_of(r.partOf, 'Location')"),
                Column("organization_ref", "varchar", "place_of(r.managingOrganization, 'Organization')"),
            ),
            references=(("r.partOf", "Location"), ("r.managingOrganization", "Organization")),
        ),
        Projection(
            resource="Patient",
            kind="patient",
            elements={
                "identifier": IDENTIFIERS,
                "birthDate": '"VARCHAR"',
                "gender": '"VARCHAR"',
                "link": f'[{{"other":{REFERENCE},"type":"VARCHAR"}}]',
            },
            columns=(
                own_key("Patient", "patient"),
                Column("mrn_keys", "varchar[]", "identifiers('mrn', r.identifier, ['MR', 'PI', 'PT'])"),
                Column("replaced_by_keys", "varchar[]", _linked("replaced-by")),
                Column("replaces_keys", "varchar[]", _linked("replaces")),
                Column("birth_year", "integer", _BIRTH_YEAR),
                code("sex", "r.gender", codes.SEX),
            ),
            findings=(("unreadable_birth_date", f"r.birthDate is not null and {_BIRTH_YEAR} is null"),),
        ),
        Projection(
            resource="Encounter",
            kind="encounter",
            elements={
                "identifier": IDENTIFIERS,
                "subject": REFERENCE,
                "partOf": REFERENCE,
                "status": '"VARCHAR"',
                "meta": '{"versionId":"VARCHAR","lastUpdated":"VARCHAR","profile":["VARCHAR"],"tag":[{"code":"VARCHAR"}]}',
                "class": '{"code":"VARCHAR"}',
                "type": f"[{CODING}]",
                "serviceType": CODING,
                "priority": CODING,
                "period": PERIOD,
                "location": f'[{{"location":{REFERENCE},"status":"VARCHAR","period":{PERIOD}}}]',
                "statusHistory": f'[{{"status":"VARCHAR","period":{PERIOD}}}]',
                "hospitalization": f'{{"admitSource":{CODING},"dischargeDisposition":{CODING}}}',
                "serviceProvider": REFERENCE,
            },
            columns=(
                own_key("Encounter", "encounter"),
                PATIENT,
                Column("visit_keys", "varchar[]", "identifiers('visit', r.identifier, ['VN', 'AN'])"),
                Column("part_of_key", "varchar", "key_of('encounter', r.partOf, 'Encounter')"),
                code("status", "r.status", codes.ENCOUNTER_STATUS),
                code("class_code", "r.class.code"),
                Column("type_codes", "varchar[]", all_codes('r."type"')),
                Column("service_type_code", "varchar", first_code("serviceType")),
                Column(
                    "profiles",
                    "varchar[]",
                    "list_filter(list_transform(r.meta.profile, lambda p: uri(p)), lambda p: p is not null)",
                ),
                Column("priority_code", "varchar", first_code("priority")),
                time("period_start", 'r.period."start"'),
                time("period_end", 'r.period."end"'),
                Column("locations", f"struct(location_id varchar, {SPELL_TYPE})[]", _LOCATION_SPELLS),
                Column("status_history", f"struct({SPELL_TYPE})[]", _STATUS_SPELLS),
                Column("admit_source_code", "varchar", first_code("hospitalization.admitSource")),
                Column(
                    "discharge_disposition_codes",
                    "varchar[]",
                    "list_transform(codings(r.hospitalization.dischargeDisposition.coding), lambda c: c.code)",
                ),
                Column("organization_id", "varchar", "place_of(r.serviceProvider, 'Organization')"),
            ),
            required=(STATUS, ("class", "r.class")),
            times=('r.period."start"', 'r.period."end"'),
            references=(SUBJECT, ("r.partOf", "Encounter"), ("r.serviceProvider", "Organization")),
            spans=(('r.period."start"', 'r.period."end"'),),
            findings=(
                (
                    "location_end_before_start",
                    'len(list_filter(r.location, lambda l: zoned(l.period."end") < zoned(l.period."start"))) > 0',
                ),
                (
                    "conditional_reference",
                    "len(list_filter(r.location, lambda l: contains(l.location.reference, '?'))) > 0",
                ),
                ("unknown_location_status", any_other("r.location", codes.ENCOUNTER_LOCATION_STATUS)),
                ("unknown_status_history", any_other("r.statusHistory", codes.ENCOUNTER_STATUS)),
                (
                    "unresolved_location",
                    "len(list_filter(r.location, lambda l: place_of(l.location, 'Location') is null)) > 0",
                ),
            ),
        ),
        Projection(
            resource="ServiceRequest",
            kind="order",
            elements={
                "identifier": IDENTIFIERS,
                "subject": REFERENCE,
                "encounter": REFERENCE,
                "status": '"VARCHAR"',
                "intent": '"VARCHAR"',
                "category": f"[{CODING}]",
                "code": CODING,
                "priority": '"VARCHAR"',
                "authoredOn": '"VARCHAR"',
                "locationReference": f"[{REFERENCE}]",
            },
            columns=(
                own_key("ServiceRequest", "order"),
                PATIENT,
                ENCOUNTER,
                Column("placer_keys", "varchar[]", "identifiers('placer', r.identifier, ['PLAC'])"),
                code("status", "r.status", codes.REQUEST_STATUS),
                code("intent", "r.intent", codes.REQUEST_INTENT),
                Column("category_codes", "varchar[]", all_codes("r.category")),
                Column("codes", CODINGS_TYPE, "codings(r.code.coding)"),
                code("priority", "r.priority", codes.PRIORITY),
                time("authored_on", "r.authoredOn"),
                Column("location_id", "varchar", "place_of(r.locationReference[1], 'Location')"),
            ),
            required=(STATUS, ("intent", "r.intent"), ("subject", "r.subject")),
            times=("r.authoredOn",),
            references=(SUBJECT, VISIT, ("r.locationReference[1]", "Location")),
        ),
        Projection(
            resource="Specimen",
            kind="specimen",
            elements={
                "subject": REFERENCE,
                "request": f"[{REFERENCE}]",
                "collection": f'{{"collectedDateTime":"VARCHAR","collectedPeriod":{PERIOD}}}',
                "receivedTime": '"VARCHAR"',
            },
            columns=(
                own_key("Specimen", "specimen"),
                PATIENT,
                Column("order_keys", "varchar[]", keys("order", "r.request", "ServiceRequest")),
                time("collected", 'coalesce(r.collection.collectedDateTime, r.collection.collectedPeriod."start")'),
                time("received_time", "r.receivedTime"),
            ),
            times=('coalesce(r.collection.collectedDateTime, r.collection.collectedPeriod."start")', "r.receivedTime"),
            references=(SUBJECT,),
        ),
        Projection(
            resource="DiagnosticReport",
            kind="report",
            elements={
                "subject": REFERENCE,
                "encounter": REFERENCE,
                "basedOn": f"[{REFERENCE}]",
                "status": '"VARCHAR"',
                "effectiveDateTime": '"VARCHAR"',
                "effectivePeriod": PERIOD,
                "issued": '"VARCHAR"',
            },
            columns=(
                Column("report_key", "varchar", "keyed('report', getvariable('authority'), r.id)"),
                PATIENT,
                ENCOUNTER,
                BASED_ON,
                code("status", "r.status", codes.REPORT_STATUS),
                time("effective", 'coalesce(r.effectiveDateTime, r.effectivePeriod."start")'),
                time("issued", "r.issued"),
            ),
            required=(STATUS,),
            times=('coalesce(r.effectiveDateTime, r.effectivePeriod."start")', "r.issued"),
            references=(SUBJECT, VISIT),
        ),
        Projection(
            resource="Observation",
            kind="observation",
            elements={
                "subject": REFERENCE,
                "encounter": REFERENCE,
                "basedOn": f"[{REFERENCE}]",
                "status": '"VARCHAR"',
                "interpretation": f"[{CODING}]",
                "issued": '"VARCHAR"',
            },
            columns=(
                own_key("Observation", "observation"),
                PATIENT,
                ENCOUNTER,
                BASED_ON,
                code("status", "r.status", codes.OBSERVATION_STATUS),
                Column("interpretation_codes", "varchar[]", all_codes("r.interpretation")),
                time("issued", "r.issued"),
            ),
            required=(STATUS,),
            times=("r.issued",),
            references=(SUBJECT, VISIT),
        ),
        *WORK,
    )
}

KIND_MACRO = (
    "create or replace temp macro kind_of(resource) as case resource "
    + " ".join(f"when '{each.resource}' then '{each.kind}'" for each in PROJECTIONS.values())
    + r" else trim(lower(regexp_replace(resource, '([A-Z])', '_\1', 'g')), '_') end"
)

MACROS = (*ELEMENT_MACROS, KIND_MACRO)
"""Session macros that the expressions use; `warehouse.configure` makes them."""

TABLES: dict[str, str] = {
    each.table: f"create table if not exists {each.table} ("
    + ", ".join(
        [*(f"{column.name} {column.type}" for column in each.columns), *(f"{n} {t}" for n, t in PROVENANCE.items())]
    )
    + ")"
    for each in PROJECTIONS.values()
}
