"""What is kept of patients and their visits: birth year and sex, states, places and times.

Here: projections that `fhir_projection` joins. Not here: what was done during a visit. An element that is not named here is
never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_elements import (
    CODING,
    ENCOUNTER,
    IDENTIFIERS,
    PATIENT,
    PERIOD,
    REFERENCE,
    SPELL_TYPE,
    STATUS,
    SUBJECT,
    VERSION_ID,
    VISIT,
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
_LOCATIONS_NAMED = (
    "array_to_string(list_transform(r.location, lambda l: coalesce(l.location.reference, '#') || ' '), '')"
)
_STATUS_SPELLS = f"""list_transform(r.statusHistory, lambda s: struct_pack(
    status := {one_of("s.status", codes.ENCOUNTER_STATUS)}, "start" := moment(s.period."start"), "end" := moment(s.period."end")))"""
_CLASS = "coalesce(r.class.code, n.class[1].coding[1].code)"
_START = 'coalesce(r.period."start", n.actualPeriod."start")'
_END = 'coalesce(r.period."end", n.actualPeriod."end")'
"""R5 has a list of classes, and the actual period beside a planned one."""

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
        newer={
            "class": f"[{CODING}]",
            "serviceType": f'[{{"concept":{CODING}}}]',
            "actualPeriod": PERIOD,
            "admission": f'{{"admitSource":{CODING},"dischargeDisposition":{CODING}}}',
        },
        newer_when="r.class.code is null",
        columns=(
            own_key("Encounter", "encounter"),
            PATIENT,
            Column("visit_keys", "varchar[]", "identifiers('visit', r.identifier, ['VN', 'AN'])"),
            Column("part_of_key", "varchar", "key_of('encounter', r.partOf, 'Encounter')"),
            code("status", "r.status", codes.ENCOUNTER_STATUS),
            code("class_code", _CLASS),
            Column("type_codes", "varchar[]", all_codes('r."type"')),
            Column(
                "service_type_code",
                "varchar",
                f"coalesce({first_code('serviceType')}, word(n.serviceType[1].concept.coding[1].code))",
            ),
            Column(
                "profiles",
                "varchar[]",
                "list_filter(list_transform(r.meta.profile, lambda p: uri(p)), lambda p: p is not null)",
            ),
            Column("priority_code", "varchar", first_code("priority")),
            time("period_start", _START),
            time("period_end", _END),
            Column(
                "locations",
                f"struct(location_id varchar, {SPELL_TYPE})[]",
                _LOCATION_SPELLS,
                plain=_LOCATION_SPELLS.replace("place_of(", "plain_place_of("),
                plain_when=f"coalesce(regexp_full_match({_LOCATIONS_NAMED}, '(Location/[A-Za-z0-9.-]{{1,64}} )*'), true)",
            ),
            Column("status_history", f"struct({SPELL_TYPE})[]", _STATUS_SPELLS),
            Column(
                "admit_source_code",
                "varchar",
                f"coalesce({first_code('hospitalization.admitSource')}, word(n.admission.admitSource.coding[1].code))",
            ),
            Column(
                "discharge_disposition_codes",
                "varchar[]",
                "codes_of(coalesce(r.hospitalization.dischargeDisposition.coding, n.admission.dischargeDisposition.coding))",
            ),
            Column("organization_id", "varchar", "place_of(r.serviceProvider, 'Organization')"),
            VERSION_ID,
        ),
        required=(STATUS, ("class", _CLASS)),
        times=(_START, _END),
        references=(SUBJECT, ("r.partOf", "Encounter"), ("r.serviceProvider", "Organization")),
        spans=((_START, _END),),
        spells=(("locations", "location_end_before_start"), ("status_history", "end_before_start")),
        findings=(
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
    Projection(  # A2, A3, A26: R5's own record of what an Encounter was before
        resource="EncounterHistory",
        kind="encounter_history",
        elements={
            "encounter": REFERENCE,
            "subject": REFERENCE,
            "status": '"VARCHAR"',
            "class": CODING,
            "subjectStatus": CODING,
            "actualPeriod": PERIOD,
        },
        columns=(
            own_key("EncounterHistory", "encounter_history"),
            ENCOUNTER,
            PATIENT,
            code("status", "r.status", codes.ENCOUNTER_STATUS),
            Column("class_code", "varchar", first_code("class")),
            Column("subject_status_code", "varchar", first_code("subjectStatus")),
            time("period_start", 'r.actualPeriod."start"'),
            time("period_end", 'r.actualPeriod."end"'),
        ),
        required=(STATUS, ("class", "r.class"), ("encounter", "r.encounter")),
        times=('r.actualPeriod."start"', 'r.actualPeriod."end"'),
        references=(SUBJECT, VISIT),
        spans=(('r.actualPeriod."start"', 'r.actualPeriod."end"'),),
    ),
)
