"""What is kept of patients and their visits: birth year and sex, states, places and times.

Here: projections that `fhir_projection` joins. Not here: what was done during a visit. An element that is not named here is
never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_elements import (
    CODING,
    IDENTIFIERS,
    PATIENT,
    PERIOD,
    REFERENCE,
    SPELL_TYPE,
    STATUS,
    SUBJECT,
    Column,
    Projection,
    all_codes,
    any_other,
    code,
    first_code,
    one_of,
    own_key,
    time,
)

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


VISITS: tuple[Projection, ...] = (
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
                """len(list_filter(locations, lambda l: (l."end" <= l."start" or l."end"[-6:] <> l."start"[-6:])
                    and zoned(l."end") < zoned(l."start"))) > 0""",
            ),
            (
                "conditional_reference",
                "len(list_filter(r.location, lambda l: contains(l.location.reference, '?'))) > 0",
            ),
            ("unknown_location_status", any_other("r.location", codes.ENCOUNTER_LOCATION_STATUS)),
            ("unknown_status_history", any_other("r.statusHistory", codes.ENCOUNTER_STATUS)),
            (
                "unresolved_location",
                "len(list_filter(locations, lambda l: l.location_id is null)) > 0",
            ),
        ),
    ),
)
