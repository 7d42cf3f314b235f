"""What is kept of appointments and of the time that could be booked: who for, when, and what became of it.

Here: projections that `fhir_projection` joins; a comment names the measures that need each. Who sees the patient is not
kept. An element that is not named here is never read.
"""

from __future__ import annotations

from pipelines.sources import fhir_codes as codes
from pipelines.sources.fhir_columns import WORD, code_list, concept, first_key, first_place, flag, key, key_list
from pipelines.sources.fhir_elements import (
    BASED_ON,
    CODING,
    PERIOD,
    REFERENCE,
    STATUS,
    VERSION_ID,
    Column,
    Projection,
    code,
    own_key,
    time,
)

_SERVICE = '[{"coding":[{"system":"VARCHAR","code":"VARCHAR"}],"concept":' + CODING + "}]"
"""R4 has a list of concepts, R5 one of concepts or references."""
_SERVICE_CODES = "codes_of(list_concat(all_codings(r.serviceType), flatten(list_transform(r.serviceType, lambda c: c.concept.coding))))"
_ACTORS = "list_transform(r.participant, lambda p: p.actor)"

SCHEDULING: tuple[Projection, ...] = (
    Projection(  # A3, A12, A15 to A20, A22, A23, E2
        resource="Appointment",
        kind="appointment",
        elements={
            "basedOn": f"[{REFERENCE}]",
            "slot": f"[{REFERENCE}]",
            "participant": f'[{{"actor":{REFERENCE}}}]',
            "status": WORD,
            "appointmentType": CODING,
            "serviceType": _SERVICE,
            "cancelationReason": CODING,
            "cancellationReason": CODING,
            "cancellationDate": WORD,
            "created": WORD,
            "start": WORD,
            "end": WORD,
        },
        columns=(
            own_key("Appointment", "appointment"),
            first_key(_ACTORS, "Patient"),
            BASED_ON,
            key_list("r.slot", "Slot"),
            first_place(_ACTORS),
            code("status", "r.status", codes.APPOINTMENT_STATUS),
            concept("appointment_type_code", "appointmentType"),
            Column("service_type_codes", "varchar[]", _SERVICE_CODES),
            Column(
                "cancellation_reason_codes",
                "varchar[]",
                "codes_of(coalesce(r.cancelationReason.coding, r.cancellationReason.coding))",
            ),
            time("cancelled", "r.cancellationDate"),
            time("created", "r.created"),
            time("planned_start", 'r."start"'),
            time("planned_end", 'r."end"'),
            VERSION_ID,
        ),
        required=(STATUS, ("participant", "r.participant")),
        times=("r.created", "r.cancellationDate"),
        future_times=('r."start"', 'r."end"'),
        spans=(('r."start"', 'r."end"'),),
    ),
    Projection(  # A16 no-shows by slot, A24 use of bookable time
        resource="Slot",
        kind="slot",
        elements={
            "schedule": REFERENCE,
            "status": WORD,
            "start": WORD,
            "end": WORD,
            "overbooked": '"BOOLEAN"',
        },
        columns=(
            own_key("Slot", "slot"),
            key("schedule", "Schedule"),
            code("status", "r.status", codes.SLOT_STATUS),
            time("planned_start", 'r."start"'),
            time("planned_end", 'r."end"'),
            flag("is_overbooked", "overbooked"),
        ),
        required=(STATUS, ("schedule", "r.schedule"), ("start", 'r."start"'), ("end", 'r."end"')),
        future_times=('r."start"', 'r."end"'),
        references=(("r.schedule", "Schedule"),),
        spans=(('r."start"', 'r."end"'),),
    ),
    Projection(  # A24: where bookable time belongs to
        resource="Schedule",
        kind="schedule",
        elements={
            "active": '"BOOLEAN"',
            "specialty": f"[{CODING}]",
            "actor": f"[{REFERENCE}]",
            "planningHorizon": PERIOD,
        },
        columns=(
            own_key("Schedule", "schedule"),
            flag("is_active", "active"),
            code_list("specialty_codes", "specialty"),
            first_place("r.actor"),
            time("horizon_start", 'r.planningHorizon."start"'),
            time("horizon_end", 'r.planningHorizon."end"'),
        ),
        required=(("actor", "r.actor"),),
        days=('r.planningHorizon."start"', 'r.planningHorizon."end"'),
        spans=(('r.planningHorizon."start"', 'r.planningHorizon."end"'),),
    ),
)
