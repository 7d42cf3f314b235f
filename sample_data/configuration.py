"""The files a hospital writes itself: registry.toml, decisions.ndjson and wardflow.toml."""

import hashlib
import json
from datetime import datetime, time
from typing import Any

from sample_data.clock import DAY, ZONE, Calendar, instant, to_ms
from sample_data.critical import WINDOW_MINUTES
from sample_data.facility import Facility
from sample_data.handoff import ACCEPT_MINUTES
from sample_data.letters import JOB, PROCESS
from sample_data.letters import source as process_engine
from sample_data.planted import IDLE_PILOT_WARD, PILOT_MINUTES, PILOT_WARD, Plants
from sample_data.relay import RELAY, engines

_SYSTEMS = (
    ("EHR", "Electronic health record", "Clinical informatics"),
    ("LIS", "Laboratory information system", "Laboratory manager"),
    ("RIS", "Radiology information system", "Radiology manager"),
    ("SCHED", "Appointment book", "Access manager"),
    ("BED-MGMT", "Bed management board", "Patient flow office"),
    ("PHARM", "Pharmacy system", "Pharmacy"),
)
_RECORDS = (
    ("patient identity", "EHR"),
    ("encounters", "EHR"),
    ("orders", "EHR"),
    ("results", "LIS"),
    ("imaging", "RIS"),
    ("appointments", "SCHED"),
    ("beds", "BED-MGMT"),
)
_WORKFLOWS: tuple[tuple[str, str, tuple[tuple[str, str, int | None, str | None], ...]], ...] = (
    (
        "ed-to-bed",
        "From the emergency department to a bed",
        (
            ("arrived", "Emergency department manager", None, None),
            ("triaged", "Emergency department manager", 10, "second triage nurse"),
            ("in a room", "Emergency department manager", 30, "vertical care in the waiting room"),
            ("seen by a clinician", "Emergency department manager", 30, "physician in triage"),
            ("decision to admit", "Emergency department manager", 180, "senior review"),
            ("bed requested", "Emergency department manager", 10, "house supervisor is called"),
            ("bed assigned", "Patient flow coordinator", 60, "bed meeting at the next full hour"),
            ("handoff offered", "Emergency department manager", 15, "charge nurse offers it"),
            ("handoff accepted", "Nursing director", ACCEPT_MINUTES, "charge nurse of the receiving ward accepts"),
            ("left the department", "Patient flow coordinator", 30, "transport supervisor is called"),
            ("in the bed", "Patient flow coordinator", 15, "transport supervisor is called"),
        ),
    ),
    (
        "order-to-acknowledged-result",
        "From a laboratory order to an acknowledged result",
        (
            ("ordered", "Chief medical officer", None, None),
            ("sample collected", "Nursing director", 30, "phlebotomist on call"),
            ("sample in the laboratory", "Nursing director", 20, "tube system or runner"),
            ("result verified", "Laboratory manager", 45, "laboratory telephones the ward"),
            ("critical result shown", "Integration lead", 5, "integration desk replays the message"),
            ("critical result escalated", "Chief medical officer", WINDOW_MINUTES, "laboratory telephones the ward"),
            ("critical result acknowledged", "Chief medical officer", WINDOW_MINUTES, "escalated to the charge nurse"),
        ),
    ),
    (
        "discharge",
        "From a discharge order to a clean bed",
        (
            ("discharge ordered", "Chief medical officer", None, None),
            ("left the ward", "Nursing director", 120, "discharge nurse takes over"),
            ("cleaning requested", "", 15, "ward clerk requests it"),
            ("bed clean", "Facilities manager", 60, "second cleaning team"),
        ),
    ),
    (
        "message-delivery",
        "From a message received to a message delivered",
        (
            ("received", "Integration lead", None, None),
            ("routed", "Integration lead", 1, "integration desk looks at the channel"),
            ("delivered", "Integration lead", 5, "integration desk replays the message"),
            ("attempt failed", "Integration lead", 5, "integration desk looks at the destination"),
            ("replayed", "Integration lead", None, None),
            ("dead-lettered", "Integration lead", None, None),
            ("failed for good", "Integration lead", None, None),
        ),
    ),
    (PROCESS, "Discharge letters", ((JOB, "Medical records", None, "a clerk prints and sends the letter"),)),
)
_CRITERIA = (("hours", 4), ("patients", 2), ("confidence", 1), ("effort", 2), ("safety", 3))
_OPTIONS: tuple[tuple[str, str, str, int, float, tuple[str, ...], int], ...] = (
    (
        "bed-meeting",
        "Bed meeting in the evening too",
        "Patient flow coordinator",
        20,
        0.25,
        ("ed-to-bed/bed assigned",),
        3,
    ),
    (
        "night-analyser",
        "Second analyser at night",
        "Laboratory manager",
        60,
        0.6,
        ("order-to-acknowledged-result/result verified",),
        3,
    ),
    ("discharge-nurse", "Discharge nurse on every ward", "Nursing director", 25, 0.3, ("discharge/left the ward",), 2),
    ("check-orders", "Check orders before they are sent", "Integration lead", 10, 0.8, ("*/ORDERS", "*/IMAGING"), 4),
)
"""Id, title, owner, days of effort, what part of the hours it is thought to save, what it fixes (* for each engine), score for safety."""
_OF_THE_RECORD = ("cleaning requested",)
"""Steps that are somebody's entry in a system, not work on the patient."""
_EXPECTED = {
    "critical result shown": "sometimes",
    "critical result escalated": "never",
    "critical result acknowledged": "sometimes",
    "attempt failed": "never",
    "replayed": "never",
    "dead-lettered": "never",
    "failed for good": "never",
}
"""Steps that not every case has, or that are for exceptions; all others are always expected."""


def _table(name: str, values: dict[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value is not None]
    return "\n".join([f"[[{name}]]", *lines, ""])


def registry(facilities: tuple[Facility, ...]) -> str:
    """registry.toml: every channel but PHARM-TEST, which somebody forgot."""
    parts = ["# What this hospital runs and who answers for it. Channels that this file lacks are reported.\n"]
    parts += [_table("system", {"id": i, "name": n, "owner": o}) for i, n, o in _SYSTEMS]
    for facility in engines(facilities):
        parts += [_table("interface", {
            "flow": flow, "source": facility.source, "facility": facility.name, "owner": owner,
            "protocol": "HL7 v2 over MLLP", "data_domain": domain, "criticality": criticality,
            "max_silence_minutes": silence, "kind": kind,
        }) for flow, owner, domain, criticality, silence, kind in interfaces(facility)]  # fmt: skip
    parts += [_table("record", {"domain": domain, "system": system}) for domain, system in _RECORDS]
    for ident, title, steps in _WORKFLOWS:
        parts.append(_table("workflow", {"id": ident, "title": title}))
        parts += [
            _table("workflow.step", {
                "name": name, "owner": owner, "window_minutes": minutes, "exception": path, "expected": _EXPECTED.get(name),
                "is_record": True if name in _OF_THE_RECORD else None,
            })
            for name, owner, minutes, path in steps
        ]  # fmt: skip
    parts += [_table("criterion", {"name": name, "weight": weight}) for name, weight in _CRITERIA]
    for ident, title, owner, days, saves, fixes, safety in _OPTIONS:
        where = [name.replace("*", facility.source) for name in fixes for facility in facilities]
        parts += [
            _table("option", {
                "id": ident, "title": title, "owner": owner, "effort_days": days, "saves": saves, "fixes": list(dict.fromkeys(where)),
            }),
            f"[option.scores]\nsafety = {safety}\n",
        ]  # fmt: skip
    return "\n".join(parts)


_LONGEST_NIGHT = {0: 360}
"""Minutes that a feed of the large hospital may be silent; the others have quieter nights."""


def interfaces(facility: Facility) -> list[tuple[str, str, str, str, int | None, str]]:
    """Flow, owner, domain, criticality, longest silence in minutes (None: by what is usual at that hour), kind."""
    night = _LONGEST_NIGHT.get(facility.index, 480)
    if facility.engine == "relay":
        return [(RELAY, "Integration lead", "results", "high", night, "channel")]
    rest: list[tuple[str, str, str, str, int | None, str]] = [
        ("ORDERS", "Integration lead", "orders", "high", night, "channel"),
        ("RESULTS", "Laboratory manager", "results", "high", night, "channel"),
        ("IMAGING", "Radiology manager", "imaging", "medium", None, "channel"),
        ("SCHED", "Access manager", "appointments", "low", None, "channel"),
    ]
    if facility.engine == "mirth":
        return [
            ("ROUTER", "Integration lead", "admissions", "high", night, "router"),
            ("ADT-OUT", "Integration lead", "admissions", "high", night, "channel"),
            *rest,
        ]
    return [("ADT", "Integration lead", "admissions", "high", night, "channel"), *rest]


_HOME = """# A home for the simulated hospital; its files lie in landing/.
site = "Two Rivers Health (simulated)"
zone = "{zone}"
suppress_below = 5

[windows]
critical_ack_minutes = {acknowledge}
handoff_accept_minutes = {accept}
"""


def settings(facilities: tuple[Facility, ...]) -> str:
    """wardflow.toml of a home whose landing folder holds the simulation's output."""
    ehr = {"name": "ehr", "kind": "fhir", "path": "landing/fhir", "zone": ZONE, "expected_every_hours": 24}
    parts = [_HOME.format(zone=ZONE, acknowledge=WINDOW_MINUTES, accept=ACCEPT_MINUTES), _table("sources", ehr)]
    for facility in engines(facilities):
        authorities = ", ".join(f'{kind} = "urn:sim:{facility.slug}:{kind}"' for kind in ("mrn", "visit", "placer"))
        kind = "mirth" if facility.engine == "mirth" else "ndjson-log"
        log = {**ehr, "name": facility.source, "kind": kind, "path": f"landing/logs/{facility.source}"}
        if facility.engine == "relay":  # whose log does not say who sent a message
            authorities += f', control = "msh:LIS/{facility.slug.upper()}"'
        parts.append(f"{_table('sources', log)}authorities = {{ {authorities} }}\n")
        if kind == "mirth":  # whose messages name who assigned a number
            parts[-1] += f'assigners = {{ mrn = {{ {facility.prefix} = "urn:sim:{facility.slug}:mrn" }} }}\n'
    for facility in facilities:
        if name := process_engine(facility):
            log = {**ehr, "name": name, "kind": "camunda", "path": f"landing/logs/{name}"}
            parts.append(f'{_table("sources", log)}authorities = {{ visit = "urn:sim:{facility.slug}:visit" }}\n')
    return "\n".join(parts)


def decisions(calendar: Calendar, plants: Plants, facilities: tuple[Facility, ...]) -> bytes:
    """decisions.ndjson: what managers have written down so far, oldest first."""
    first = facilities[0].name
    entries = [
        _entry(
            calendar,
            1,
            "emergency.manager@tworivers.example",
            ("assign", "kpi", "ed_length_of_stay"),
            value="Emergency department manager",
            why="One person answers for the time people spend in the department.",
        ),
        _entry(
            calendar,
            2,
            "cmo@tworivers.example",
            ("target", "kpi", "critical_result_acknowledged"),
            value="0.9",
            why="Agreed in the quality meeting as the first step towards 95 percent.",
        ),
    ]
    if plants.outage:
        entries.append(
            _entry(
                calendar,
                (plants.outage[1] - calendar.start_ms) // DAY,
                "integration.lead@tworivers.example",
                ("acknowledge", "interface", "ADT-OUT"),
                facility=first,
                why="Network switch failed; queue drained after repair, rejected messages are being re-entered.",
            )
        )
    if plants.pilot_ms:
        plan = _plan(calendar, plants.pilot_ms, facilities[0], PILOT_WARD, -PILOT_MINUTES)
        entries.append(
            _entry(
                calendar,
                max(1, calendar.days // 2 - 3),
                "nursing.director@tworivers.example",
                ("pilot", "pilot", "discharge-by-noon"),
                facility=first,
                value=json.dumps(plan),
                why="Discharge nurse on 4 North prepares papers and transport before the order is written.",
            )
        )
    if plants.idle_pilot_ms:
        plan = _plan(calendar, plants.idle_pilot_ms, facilities[1], IDLE_PILOT_WARD, -20)
        entries.append(
            _entry(
                calendar,
                max(1, (plants.idle_pilot_ms - calendar.start_ms) // DAY - 4),
                "nursing.director@tworivers.example",
                ("pilot", "pilot", "discharge-lounge"),
                facility=facilities[1].name,
                value=json.dumps(plan),
                why="Patients of the Maple Unit who are ready wait for their transport in a lounge.",
            )
        )
    entries.sort(key=lambda entry: str(entry["decided_at"]))
    return b"".join(json.dumps(entry, sort_keys=True).encode() + b"\n" for entry in entries)


def _plan(calendar: Calendar, begin: int, facility: Facility, ward: str, expected: int) -> dict[str, Any]:
    """What is written down of a pilot before it begins; the wards elsewhere are what it is compared with."""
    return {
        "kpi": "discharge_order_to_departure",
        "unit": next(each.name for each in facility.wards if each.code == ward),
        "starts_on": calendar.day((begin - calendar.start_ms) // DAY).isoformat(),
        "expected": expected,
        "guardrails": ["inpatient_length_of_stay"],
    }


def _entry(
    calendar: Calendar,
    day: int,
    actor: str,
    what: tuple[str, str, str],
    *,
    why: str,
    facility: str | None = None,
    value: str | None = None,
) -> dict[str, Any]:
    """One line of the journal; `what` is action, kind of subject, subject. Its id follows from its content."""
    at = to_ms(datetime.combine(calendar.day(min(day, calendar.days - 1)), time(9, 30)))
    action, subject_kind, subject = what
    entry = {
        "decided_at": instant(at),
        "actor": actor,
        "action": action,
        "subject_kind": subject_kind,
        "subject": subject,
        "facility": facility,
        "value": value,
        "why": why,
    }
    digest = hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
    return {"decision_id": digest[:16], **entry}
