"""What is kept of imaging studies, tasks and the record of who changed a task: the allow-list of work.

Here: projections like those of `fhir_projection`, which joins them. An element that is not named here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_elements import (
    AGENT,
    ANY,
    BASED_ON,
    CODING,
    CODINGS_TYPE,
    ENCOUNTER,
    IDENTIFIERS,
    PATIENT,
    PERIOD,
    REFERENCE,
    STATUS,
    SUBJECT,
    TYPED_IDENTIFIERS,
    VERSION_ID,
    VISIT,
    Column,
    Projection,
    all_codes,
    code,
    first_code,
    keys,
    own_key,
    reference_key,
    time,
)

_FOCUS_TYPE = "regexp_extract(r.focus.reference, '(?:^|/)([A-Z][A-Za-z]+)/[^/|?#]+(?:/_history/[^/]+)?$', 1)"
_AGENT_TYPE = "regexp_extract(a.who.reference, '(?:^|/)([A-Z][A-Za-z]+)/[^/|?#]+(?:/_history/[^/]+)?$', 1)"
"""What kind of agent it was, never which one."""

_FOCUS_KEY = (
    f"case when {_FOCUS_TYPE} not in ('', 'Location') then key_of(kind_of({_FOCUS_TYPE}), r.focus, {_FOCUS_TYPE}) end"
)

_FOLLOWED = (
    "regexp_extract(x.reference, '(?:^|/)(Task|ServiceRequest|Appointment|Encounter)/[^/|?#]+(?:/_history/[^/]+)?$', 1)"
)
_TARGETS_TYPE = "struct(resource_type varchar, resource_key varchar, version_id varchar)[]"
_TARGETS = f"""list_transform(list_filter(r.target, lambda x: {_FOLLOWED} <> ''), lambda x: struct_pack(
    resource_type := {_FOLLOWED},
    resource_key := keyed(kind_of({_FOLLOWED}), getvariable('authority'), id_of(x.reference, {_FOLLOWED})),
    version_id := nullif(regexp_extract(x.reference, '/_history/([A-Za-z.-]{{0,40}}[0-9][A-Za-z0-9.-]{{0,63}})$', 1), '')))"""
"""The resources whose states are followed, and which version of each."""

_MODALITIES = (
    "list_transform(list_concat(codings(r.modality), codings(flatten(list_transform(r.modality, lambda m: m.coding)))),"
    " lambda c: c.code)"
)
"""R4 has codings, R5 concepts."""

_ACCESSIONS = f"list_concat(identifiers('accession', {TYPED_IDENTIFIERS}, ['ACSN']), identifiers('filler', {TYPED_IDENTIFIERS}, ['ACSN']))"
"""Known as both, as of an order."""

WORK: tuple[Projection, ...] = (
    Projection(
        resource="ImagingStudy",
        kind="imaging_study",
        elements={
            "identifier": IDENTIFIERS,
            "subject": REFERENCE,
            "encounter": REFERENCE,
            "basedOn": f"[{REFERENCE}]",
            "status": '"VARCHAR"',
            "modality": '[{"system":"VARCHAR","code":"VARCHAR","coding":[{"system":"VARCHAR","code":"VARCHAR"}]}]',
            "started": '"VARCHAR"',
        },
        columns=(
            own_key("ImagingStudy", "imaging_study"),
            PATIENT,
            ENCOUNTER,
            BASED_ON,
            Column("accession_keys", "varchar[]", _ACCESSIONS),
            code("status", "r.status", codes.IMAGING_STATUS),
            Column("modality_codes", "varchar[]", _MODALITIES),
            time("started", "r.started"),
        ),
        required=(STATUS, ("subject", "r.subject")),
        times=("r.started",),
        references=(SUBJECT, VISIT),
    ),
    Projection(
        resource="Task",
        kind="task",
        elements={
            "for": REFERENCE,
            "encounter": REFERENCE,
            "basedOn": f"[{REFERENCE}]",
            "focus": REFERENCE,
            "partOf": f"[{REFERENCE}]",
            "status": '"VARCHAR"',
            "intent": '"VARCHAR"',
            "businessStatus": CODING,
            "reasonCode": CODING,
            "code": CODING,
            "priority": '"VARCHAR"',
            "authoredOn": '"VARCHAR"',
            "lastModified": '"VARCHAR"',
            "executionPeriod": PERIOD,
            "restriction": f'{{"period":{PERIOD}}}',
            "location": REFERENCE,
            "owner": REFERENCE,
            "performerType": f"[{CODING}]",
        },
        columns=(
            own_key("Task", "task"),
            reference_key("patient_key", "patient", 'r."for"', "Patient"),
            ENCOUNTER,
            BASED_ON,
            Column("focus_type", "varchar", f"nullif({_FOCUS_TYPE}, '')"),
            Column(
                "focus_key",
                "varchar",
                _FOCUS_KEY,
                plain=_FOCUS_KEY.replace(" key_of(", " plain_key_of("),
            ),
            Column(
                "focus_location_id",
                "varchar",
                "id_of(case when contains(r.focus.reference, 'Location/') then r.focus.reference end, 'Location')",
                plain="plain_place_of(r.focus, 'Location')",
            ),
            Column("part_of_keys", "varchar[]", keys("task", "r.partOf", "Task")),
            code("status", "r.status", codes.TASK_STATUS),
            Column("reason_codes", "varchar[]", "codes_of(r.reasonCode.coding)"),  # E3
            Column("business_status_code", "varchar", first_code("businessStatus")),
            Column("codes", CODINGS_TYPE, "codings(r.code.coding)"),
            code("priority", "r.priority", codes.PRIORITY),
            time("authored_on", "r.authoredOn"),
            time("last_modified", "r.lastModified"),
            time("execution_start", 'r.executionPeriod."start"'),
            time("execution_end", 'r.executionPeriod."end"'),
            time("due", 'r.restriction.period."end"'),
            Column("location_id", "varchar", "place_of(r.location, 'Location')"),
            reference_key("owner_key", "practitioner", "r.owner", "Practitioner"),
            Column("performer_codes", "varchar[]", all_codes("r.performerType")),
            VERSION_ID,
        ),
        required=(STATUS, ("intent", "r.intent")),
        times=("r.authoredOn", "r.lastModified", 'r.executionPeriod."start"', 'r.executionPeriod."end"'),
        future_times=('r.restriction.period."end"',),
        references=(('r."for"', ANY), VISIT, ("r.focus", ANY), ("r.location", "Location"), ("r.owner", AGENT)),
        spans=(('r.executionPeriod."start"', 'r.executionPeriod."end"'),),
    ),
    Projection(
        resource="Provenance",
        kind="provenance",
        elements={
            "target": f"[{REFERENCE}]",
            "recorded": '"VARCHAR"',
            "activity": CODING,
            "agent": f'[{{"who":{REFERENCE}}}]',
        },
        columns=(
            own_key("Provenance", "provenance"),
            Column("task_keys", "varchar[]", keys("task", "r.target", "Task")),
            Column("codes", CODINGS_TYPE, "codings(r.activity.coding)"),
            Column(
                "agent_types",
                "varchar[]",
                f"list_filter(list_transform(r.agent, lambda a: nullif({_AGENT_TYPE}, '')), lambda t: t is not null)",
            ),
            time("recorded", "r.recorded"),
            Column("targets", _TARGETS_TYPE, _TARGETS),
        ),
        required=(("target", "r.target"), ("recorded", "r.recorded"), ("agent", "r.agent")),
        times=("r.recorded",),
    ),
)
