"""A small published home, the same every time: what the dashboard's tests look at. Built through models.publication alone.

Two facilities, 26 whole weeks up to Monday 13 April 2026. Values follow plain formulas so that a test can state them:
at Northfield boarding rises in the last seven weeks; everything else stays level. A facility's number is `base + i % 3`.
"""
# ruff: noqa: DTZ001, E501 — literal local times that a session in the hospital's zone reads; literal tables

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from models import publication
from models.journal import Decision
from models.kpis import KPIS
from models.publication import Checks, FailedExpectation, KpiSettings, Manifest, PublishedTable, SourceState

AS_OF = datetime(2026, 4, 13, 4, 0, tzinfo=UTC)  # midnight in New York
END = date(2026, 4, 13)
ALL = date(2025, 10, 13)
FACILITIES = {"Northfield General": ("Emergency", "Ward 4N"), "Eastbrook Community": ("Emergency",)}
BASE = {"ratio": 1.2, "percent": 0.04, "minutes": 60.0, "milliseconds": 800.0, "count": 300.0}
CASE = "c0ffee00c0ffee00c0ffee00c0ffee00"
FAILED = FailedExpectation(
    "marts.ed_attendance", "is_departure_known", "is_departure_known",
    "Visits at Eastbrook passed through a location that was never sent.", "content", ("ed_length_of_stay",),
)  # fmt: skip


def places() -> list[tuple[str | None, str | None]]:
    found: list[tuple[str | None, str | None]] = [(None, None)]
    for facility, units in FACILITIES.items():
        found += [(facility, None), *((facility, unit) for unit in units)]
    return found


def weekly(kpi_id: str, facility: str | None, i: int) -> float:
    """The value of week `i` (0 the oldest of 26)."""
    kpi = KPIS[kpi_id]
    value = BASE[kpi.unit] * (1 + (i % 3) / 20)
    if kpi_id == "ed_boarding_ed2" and facility != "Eastbrook Community":
        value = 200.0 + i % 3 + 20 * max(0, i - 18)
    return value


def build(home: Path, *, failed: bool = False, empty: bool = False) -> Path:
    """A home with a published snapshot; `failed`: a content check failed and a KPI is withheld; `empty`: no rows at all."""
    tables = {name: ([] if empty else rows) for name, rows in aggregates(failed=failed).items()}
    published = home / "published"
    db = duckdb.connect()
    db.execute("set timezone = 'America/New_York'")
    listed = {}
    for name, audience, rows, shape in (
        *((n, "aggregates", r, AGGREGATE_SHAPES[n]) for n, r in tables.items()),
        *((n, "cases", [] if empty else r, CASE_SHAPES[n]) for n, r in cases().items()),
        *((n, "lineage", [] if empty else r, LINEAGE_SHAPES[n]) for n, r in lineage().items()),
    ):
        listed[name] = _write(db, published, name, audience, rows, shape)
    manifest = Manifest(
        id=publication.snapshot_id(AS_OF, hashlib.sha256(f"{failed}{empty}".encode()).hexdigest()),
        as_of=AS_OF,
        published_at=AS_OF,
        home_name=home.name,
        zone="America/New_York",
        settings={
            "site": "Two Rivers Health",
            "suppress_below": 5,
            "access": {"loopback_role": "engineer", "roles": {}},
        },
        kpis=tuple(KpiSettings(k.id, k.target, "declared", k.owner) for k in KPIS.values()),
        checks=Checks(80, (FAILED,) if failed else ()),
        sources=(
            SourceState("ehr", AS_OF, AS_OF, 24.0, is_late=False),
            SourceState("engine", AS_OF, AS_OF, 24.0, is_late=failed),
        ),
        tables=listed,
        code_version="test",
    )
    (published / "manifests").mkdir(parents=True, exist_ok=True)
    (published / publication.manifest_name(manifest.id)).write_text(manifest.to_json())
    (published / publication.CURRENT).write_text(publication.current_json(manifest.id))
    return home


def aggregates(*, failed: bool) -> dict[str, list[dict[str, object]]]:
    values, signals, exclusions, readiness = [], [], [], []
    for kpi in KPIS.values():
        channel = [("Northfield General", "RESULTS")] if kpi.id == "interface_messages" else []
        for facility, unit in (*places(), *channel):
            series = [weekly(kpi.id, facility, i) for i in range(26)]
            where = {"kpi": kpi.id, "facility": facility, "unit": unit}
            for weeks in (4, 13, 26):
                for shift in (0, 1):
                    end = END - timedelta(weeks=weeks * shift)
                    taken = series[26 - weeks :] if not shift else series[max(0, 26 - 2 * weeks) : 26 - weeks] or series
                    hidden = kpi.id == "critical_result_acknowledged" and unit == "Ward 4N"
                    value = None if hidden else round(sum(taken) / len(taken), 6)
                    values.append(
                        where | _span("window", end - timedelta(weeks=weeks), end)
                        | {"value": value, "numerator": None if hidden else 24.0, "denominator": None if hidden else 40 * weeks,
                           "open_cases": 3 if kpi.open_when else 0, "suppressed": hidden, "is_complete": True}
                    )  # fmt: skip
            values.append(where | _span("all", ALL, END) | {"value": series[-1], "numerator": 1.0, "denominator": 1040,
                "open_cases": 0, "suppressed": False, "is_complete": True})  # fmt: skip
            mean = round(sum(series[:19]) / 19, 6)
            concern = kpi.id == "ed_boarding_ed2" and facility != "Eastbrook Community"
            for i, value in enumerate(series):
                week = END - timedelta(weeks=26 - i)
                values.append(where | _span("week", week, week + timedelta(7)) | {"value": value, "numerator": 4.0,
                    "denominator": 40, "open_cases": 0, "suppressed": False, "is_complete": True})  # fmt: skip
                signals.append(where | {"week": week, "value": value, "mean": mean, "lower": mean * 0.85, "upper": mean * 1.15,
                    "rule": "outside" if concern and i > 20 else "common_cause", "is_last": i == 25,
                    "variation": "concern" if concern else "common_cause",
                    "assurance": "hit_or_miss" if kpi.target is not None else "none", "warnings": []})  # fmt: skip
            for weeks in (4, 13, 26):
                span = _span("window", END - timedelta(weeks=weeks), END)
                exclusions += [where | span | {"rule": e.rule, "n": 7} for e in kpi.exclusions]
                if unit is None:
                    bad = failed and kpi.id == "ed_length_of_stay"
                    complete = [
                        {"table": kpi.table, "column": r.column, "completeness": 0.62 if bad else 1.0}
                        for r in kpi.requires
                    ]
                    readiness.append({"kpi": kpi.id, "facility": facility} | span | {
                        "state": "withheld" if bad else "ready", "why": [FAILED.why] if bad else [], "inputs": json.dumps(complete)})  # fmt: skip
    return {
        "kpi_value": values, "kpi_signal": signals, "kpi_exclusion": exclusions, "readiness": readiness,
        "backlog_week": backlog_weeks(), "backlog_age": BACKLOG_AGES, "exception_count": EXCEPTION_COUNTS, "pilot_result": pilots(), "pilot_week": pilot_weeks(), "interface_channel": channels(), "interface_hour": hours(), **channel_histories(), "interface_incident": incidents(), "incident_course": courses(), "incident_impact": impacts(), "message_match": matches(failed=failed), "identifier_match": identifiers(failed=failed), **processes(), "check_result": checks(failed=failed), "ledger_total": LEDGER,
        "lost_total": lost(), "channel_reach": reaches(), "improvement_option": OPTIONS, "criterion": CRITERIA,
        "delay_part": delays(), "kpi_delay": kpi_delays(), "delay_edge": edge_delays(),
        "source_freshness": [], "decision": DECISIONS, **delivered(failed=failed),
    }  # fmt: skip


def kpi_delays() -> list[dict[str, object]]:
    """The same of two measures, where 20 of the 50 hours with people nothing was awaited; units have weeks, and no unit has days."""
    found: list[dict[str, object]] = []
    for row in delays():
        if row["wait_kind"] == "boarding":
            same = {name: value for name, value in row.items() if name not in {"waits", "open_waits", "patients"}}
            same |= {
                "wait_kind": None,
                "cases": row["waits"],
                "open_cases": row["open_waits"],
                "patients": row["patients"] if row["split"] == "all" or row["grain"] == "window" else None,
            }
            took = same["minutes"]
            split = [same]
            if row["part"] == "people" and isinstance(took, float):
                split = [same | {"minutes": 0.6 * took}, same | {"part": "care", "minutes": 0.4 * took}]
            if row["split"] == "all" and isinstance(took, float):
                split += [
                    same | {"split": "kind", "wait_kind": kind, "minutes": share * took, "patients": None}
                    for kind, share in (("boarding", 0.8), (None, 0.2))
                ]
            found += [each | {"kpi": kpi} for each in split for kpi in ("ed_length_of_stay", "lab_turnaround")]
    return found


def delays() -> list[dict[str, object]]:
    """Every week of every place 40 waits of 30 patients and 100 h: 41 % in ORDERS → LIS (31 queued, 10 tried again), 4 % before sending,
    50 % with people, 5 % not known. A seventh of it each day of the last four weeks, the last day hidden.
    """
    parts = {"source": 4.0, "queue": 31.0, "retry": 10.0, "people": 50.0, "unknown": 5.0}
    rows: list[dict[str, object]] = []

    def add(where: dict[str, object], weeks: float, *, hidden: bool = False) -> None:
        def one(split: str, hours: float, **more: object) -> None:
            rows.append(where | {"split": split, "part": None, "source": None, "channel": None, "destination": None, "suppressed": hidden, "is_withheld": False} | more | (
                dict.fromkeys(("waits", "open_waits", "patients", "minutes", "minutes_across_clocks", "minutes_estimated", "minutes_uncertain")) if hidden else
                {"waits": round(40 * weeks), "open_waits": 2, "patients": round(30 * weeks), "minutes": 60.0 * hours * weeks,
                 "minutes_across_clocks": 30.0 * hours * weeks, "minutes_estimated": 6.0 * hours * weeks,
                 "minutes_uncertain": 0.6 * hours * weeks}
            ))  # fmt: skip

        one("all", 100.0)
        for part, hours in parts.items():
            one("part", hours, part=part)
        one("hop", 4.0, source="mirth", channel="ORDERS")
        one("hop", 41.0, source="mirth", channel="ORDERS", destination="LIS")

    for kind in ("order_to_result", "boarding"):
        for facility, unit in places():
            where: dict[str, object] = {"wait_kind": kind, "facility": facility, "unit": unit}
            for weeks in (4, 13, 26):
                add(where | _span("window", END - timedelta(weeks=weeks), END), weeks)
            if unit is None:
                for i in range(26):
                    add(where | _span("week", END - timedelta(weeks=26 - i), END - timedelta(weeks=25 - i)), 1)
                for i in range(28):
                    add(
                        where | _span("day", END - timedelta(days=28 - i), END - timedelta(days=27 - i)),
                        1 / 7,
                        hidden=i == 27,
                    )
    return rows


def edge_delays() -> list[dict[str, object]]:
    """Of every wait for a bed 20 h were in a queue on the way to the bed board, 60 h with people."""
    hops: tuple[tuple[str, str | None, float], ...] = (("queue", "ADT-OUT", 20.0), ("people", None, 60.0))
    return [
        {"workflow": "ed-to-bed", "facility": facility, "activity": "bed requested", "next_activity": "in the bed", "part": part,
         "source": channel and "mirth", "channel": channel, "destination": channel and "BED-MGMT", "minutes": 60 * hours, "suppressed": False}
        | _span("window", END - timedelta(weeks=weeks), END)
        for facility in (None, *FACILITIES) for weeks in (4, 13, 26) for part, channel, hours in hops
    ]  # fmt: skip


def delivered(*, failed: bool) -> dict[str, list[dict[str, object]]]:
    """Three lines kept out; a hundredth judged; a finding that rises when something failed; one element of each kind then."""
    ehr: dict[str, object] = {"source": "ehr", "resource_type": "Encounter"}
    element = ehr | {"release": "R4B", "lines": 90, "looked_at": 100, "first_seen_at": AS_OF - timedelta(weeks=26),
        "last_seen_at": AS_OF, "is_unknown": False, "is_new": False, "has_vanished": False}  # fmt: skip
    drift = [element | {"path": "status"}]
    if failed:
        drift += [
            element | {"path": "priority", "last_seen_at": AS_OF - timedelta(weeks=2), "has_vanished": True},
            element | {"path": "triageColour", "release": None, "is_unknown": True, "is_new": True},
            element | {"path": "period.?", "release": None, "is_unknown": True},
        ]
    return {
        "quarantine_total": [ehr | {"rule": "no_id", "cure": "Ask the sender for one.", "n": 3, "files": 1, "last_seen_at": AS_OF}],
        "validation": [
            ehr | {"scope": "sample", "lines": 1200, "checked": 12, "failed": 4 if failed else 0, "as_r5": 0},
            ehr | {"scope": "quarantine", "lines": 3, "checked": 3, "failed": 1, "as_r5": 0},
        ],
        "validation_failure": [
            ehr | {"scope": "quarantine", "rule": "extra_forbidden", "path": "?", "n": 1, "last_seen_at": AS_OF},
            *([ehr | {"scope": "sample", "rule": "missing", "path": "class", "n": 4, "last_seen_at": AS_OF}] if failed else []),
        ],
        "finding_week": [
            ehr | {"rule": "end_before_start", "meaning": "A period ends before it begins.", "week": END - timedelta(weeks=4 - i),
                   "n": 2 if i < 3 or not failed else 40, "lines": 200, "has_risen": failed and i == 3}
            for i in range(4)
        ],
        "drift": drift,
    }  # fmt: skip


def backlog_weeks() -> list[dict[str, object]]:
    """Every week 30 handoffs come in and 29 are answered; the last four weeks all 30."""
    return [
        {"kpi": "handoffs_open", "facility": facility, "unit": unit, "week": END - timedelta(weeks=26 - i), "opened": 30,
         "closed": 30 if i >= 22 else 29}
        for facility, unit in places() for i in range(26)
    ]  # fmt: skip


BACKLOG_AGES: list[dict[str, object]] = [
    {"kpi": "handoffs_open", "facility": None, "unit": None, "band": band, "n": n, "oldest_minutes": 200.0}
    for band, n in (("under 1 h", 3), ("1 to 4 h", 2), ("4 to 24 h", 0), ("1 to 7 days", 0), ("over 7 days", 0))
]


EXCEPTION_COUNTS: list[dict[str, object]] = [
    {"kind": kind, "facility": facility, "waiting": n, "oldest_minutes": oldest, "suppressed": n is None}
    for kind, facility, n, oldest in (
        ("message_undelivered", None, 7, 2880.0), ("message_undelivered", "Northfield General", 7, 2880.0),
        ("critical_unanswered", None, None, None), ("critical_unanswered", "Northfield General", None, None),
        ("message_lost", None, 1, 840.0), ("message_lost", "Northfield General", 1, 840.0),
        ("silent_feed", None, 0, None), ("silent_feed", "Northfield General", 0, None),
    )
]  # fmt: skip


def exceptions() -> list[dict[str, object]]:
    """A critical result that nobody answered since Sunday noon, and seven messages given up on Saturday, one an hour; a handoff was
    accepted late.
    """
    given_up = [
        (f"e{2 if n == 0 else n + 20}", "message_undelivered", "given up by the engine, neither sent again nor discarded",
         "mirth:77", "ADT-OUT", "Integration lead", datetime(2026, 4, 11, n), True)
        for n in range(7)
    ]  # fmt: skip
    return [
        {"exception_key": key, "kind": kind, "what": what, "encounter_key": CASE, "message_key": message, "order_key": None, "facility": "Northfield General",
         "source": "mirth" if unit == "BILLING" else None, "channel": "BILLING" if unit == "BILLING" else None, "unit": unit, "owner": owner, "expected_at": at, "noticed_at": at, "is_open": is_open,
         "minutes_open": (datetime(2026, 4, 13) - at).total_seconds() / 60, "file_id": 1, "line": 3}
        for key, kind, what, message, unit, owner, at, is_open in (
            ("e1", "critical_unanswered", "critical result neither acknowledged nor escalated", None, "Emergency", None, datetime(2026, 4, 12, 12), True),
            *given_up,
            ("e3", "missed_handoff", "handoff not accepted", None, "Ward 4N", "Nursing director", datetime(2026, 4, 10, 12), False),
            ("e4", "message_lost", "delivered to the next channel and never received there", "mirth:77", "BILLING", "Integration lead", datetime(2026, 4, 12, 10), True),
        )
    ]  # fmt: skip


def pilots() -> list[dict[str, object]]:
    """One that worked, one that cannot be told, one whose plan names a measure nobody knows."""
    worked = {
        "pilot": "discharge-by-noon", "kpi": "ed_boarding_ed2", "facility": "Northfield General", "unit": "Ward 4N",
        "starts_on": date(2026, 1, 12), "registered_at": datetime(2026, 1, 5, 9, 30, tzinfo=UTC), "registered_by": "nursing.director",
        "reason": "A bed is asked for at triage.", "design": "before and after, crude", "verdict": "improved",
        "why": ["The whole interval is on the better side: −32 min (95 % interval −45 min to −18 min)."], "expected": -30.0,
        "weeks_before": 13, "weeks_after": 12, "cases_before": 260, "cases_after": 240, "before": 130.0, "after": 98.0,
        "effect": -32.0, "effect_low": -45.0, "effect_high": -18.0, "p_value": 0.002, "compared_with": "Eastbrook Community",
        "comparison_effect": 2.0, "comparison_low": -9.0, "comparison_high": 12.0, "net_effect": -34.0, "net_low": -51.0,
        "net_high": -17.0, "minimum_detectable_effect": 19.0, "needs_more_weeks": None,
        "guardrails": '[{"kpi": "ed_left_before_seen", "state": "kept", "before": 0.04, "after": 0.041}]',
    }  # fmt: skip
    young = worked | {
        "pilot": "evening-round", "starts_on": date(2026, 4, 6), "verdict": "cannot_tell", "guardrails": "[]",
        "why": ["There are 25 whole weeks before and 0 after, followed for 2 days; it takes 4 on each side."],
        **dict.fromkeys(("before", "after", "effect", "effect_low", "effect_high", "p_value", "compared_with", "comparison_effect",
                         "comparison_low", "comparison_high", "net_effect", "net_low", "net_high", "minimum_detectable_effect")),
    }  # fmt: skip
    unknown = young | {"pilot": "old-plan", "kpi": "gone", "why": ["The plan names the measure 'gone'."]}
    return [worked, young, unknown]


def pilot_weeks() -> list[dict[str, object]]:
    """130 minutes before the first day and 98 from it on; Eastbrook stays at 140."""
    weeks = [END - timedelta(weeks=26 - i) for i in range(26)]
    mine = [
        {"pilot": "discharge-by-noon", "place": "Ward 4N", "is_pilot": True, "week": week, "value": 130.0 if week < date(2026, 1, 12) else 98.0,
         "mean": 130.0, "lower": 110.0, "upper": 150.0, "rule": "common_cause" if week < date(2026, 1, 12) else "outside"}
        for week in weeks
    ]  # fmt: skip
    return mine + [
        {"pilot": "discharge-by-noon", "place": "Eastbrook Community", "is_pilot": False, "week": week, "value": 140.0}
        for week in weeks
    ]


def lost() -> list[dict[str, object]]:
    """Of 130 hours lost 100 in steps, 80 of them at Northfield, and 30 by a channel there; at Eastbrook its number is hidden."""
    waiting: dict[str, object] = {
        "workflow": "ed-to-bed",
        "activity": "in the bed",
        "owner": "Patient flow coordinator",
    }
    channel: dict[str, object] = {
        "source": "mirth",
        "channel": "ADT-OUT",
        "owner": "Integration lead",
        "wait_kinds": ["boarding"],
    }
    parts: tuple[tuple[str | None, dict[str, object], float | None, float, int], ...] = (
        (None, {"breakdown": "all"}, 130.0, 130.0, 60),
        (None, {"breakdown": "cause", "cause": "workflow"}, 100.0, 130.0, 50),
        (None, {"breakdown": "cause", "cause": "integration"}, 30.0, 130.0, 10),
        (None, {"breakdown": "cause", "cause": "unknown"}, 7.5, 0.0, 6),
        (None, {"breakdown": "reason", "cause": "workflow", "reason": "queue"}, 100.0, 130.0, 50),
        (None, {"breakdown": "reason", "cause": "integration", "reason": "late"}, 30.0, 130.0, 10),
        (None, {"breakdown": "step", "cause": "workflow", **waiting}, 100.0, 130.0, 50),
        (None, {"breakdown": "step", "cause": "integration", **channel}, 30.0, 130.0, 10),
        (None, {"breakdown": "step", "cause": "integration", "source": "engine", "channel": "ADT"}, None, 130.0, 0),
        ("Northfield General", {"breakdown": "all"}, 110.0, 110.0, 45),
        ("Northfield General", {"breakdown": "cause", "cause": "workflow"}, 80.0, 110.0, 40),
        ("Northfield General", {"breakdown": "cause", "cause": "integration"}, 30.0, 110.0, 10),
        ("Northfield General", {"breakdown": "step", "cause": "workflow", **waiting}, 80.0, 110.0, 40),
        ("Eastbrook Community", {"breakdown": "all"}, 20.0, 20.0, 15),
        ("Eastbrook Community", {"breakdown": "cause", "cause": "workflow"}, 20.0, 20.0, 15),
        ("Eastbrook Community", {"breakdown": "cause", "cause": "integration"}, None, 20.0, 0),
    )
    found: list[dict[str, object]] = []
    for weeks in (4, 13, 26):
        span = _span("window", END - timedelta(weeks=weeks), END)
        for facility, labels, hours, whole, patients in parts:
            numbers: dict[str, object] = {} if hours is None else {
                "lost_hours": hours, "lost_low": hours / 2, "lost_high": hours * 2, "share": hours / whole if whole else None,
                "hours_waited": hours, "estimated_hours": 0.0, "unknown_hours": 7.5, "stretches": 2 * patients, "patients": patients}  # fmt: skip
            found.append(span | {"facility": facility, "suppressed": hours is None} | labels | numbers)
    return found


OPTIONS: list[dict[str, object]] = [
    {"option_id": "bed-meeting", "title": "Bed meeting", "owner": "Patient flow coordinator", "effort_days": 20.0, "saves": 0.5,
     "fixes": ["ed-to-bed/in the bed"], "criteria": ["safety"], "scores": [2.0]},
    {"option_id": "check-adt", "title": "Check admissions", "owner": "Integration lead", "effort_days": 10.0, "saves": 1.0,
     "fixes": ["mirth/ADT-OUT"], "criteria": ["safety"], "scores": [4.0]},
]  # fmt: skip
CRITERIA: list[dict[str, object]] = [
    {"criterion": "hours", "weight": 4.0},
    {"criterion": "effort", "weight": 1.0},
    {"criterion": "safety", "weight": 1.0},
]


def reaches() -> list[dict[str, object]]:
    """Each day 80 messages and 3 patients on one channel; too few patients of the other."""
    return [
        _span("window", END - timedelta(weeks=weeks), END) | {"source": source, "channel": channel, "days": 7 * weeks,
            "messages": 80 * 7 * weeks, "msg_types": ["ADT"], "destinations": ["BED-MGMT"], "domains": ["beds"], "wait_kinds": ["boarding"],
            "waits": None if hidden else 21 * weeks, "patients": None if hidden else 21 * weeks, "suppressed": hidden}
        for weeks in (4, 13, 26) for source, channel, hidden in (("mirth", "ADT-OUT", False), ("engine", "ADT", True))
    ]  # fmt: skip


def processes() -> dict[str, list[dict[str, object]]]:
    """Forty patients from the door to a bed, half of the twenty at Northfield waiting two hours for it; messages at Eastbrook."""
    found: dict[str, list[dict[str, object]]] = {
        f"process_{name}": [] for name in ("summary", "edge", "variant", "deviation", "rule", "week", "waiting", "handover")}  # fmt: skip
    found["process_summary"].append(
        {"grain": "all", "workflow": "referral", "facility": None, "cases": 9, "suppressed": False}
    )
    for weeks, facility, cases in ((w, f, c) for w in (4, 13, 26) for f, c in ((None, 40), ("Northfield General", 20))):
        span = _span("window", END - timedelta(weeks=weeks), END) | {
            "workflow": "ed-to-bed", "facility": facility, "suppressed": False}  # fmt: skip
        found["process_summary"].append(span | {
            "cases": cases, "open_cases": 2, "events": 4 * cases, "variants": 3, "rework_cases": 6,
            "on_path_cases": cases - 8, "off_path_cases": 7, "unknown_path_cases": 0, "throughput_median_seconds": 4 * 3600.0, "throughput_p90_seconds": 9 * 3600.0, "throughput_mean_seconds": 5 * 3600.0})  # fmt: skip
        for start, end, count, wait, lost, queue in (
            ("arrived", "bed requested", cases, 600.0, 0.0, None), ("bed requested", "in the bed", cases - 4, 7200.0, 36000.0, 3600.0),
            ("in the bed", "bed requested", 6, 60.0, None, None),
        ):  # fmt: skip
            found["process_edge"].append(span | {
                "activity": start, "next_activity": end, "count": count, "cases": count, "wait_median_seconds": wait,
                "wait_mean_seconds": wait, "wait_p90_seconds": 2 * wait, "wait_total_seconds": wait * count,
                "queue_median_seconds": queue, "queue_total_seconds": queue and queue * count,
                "service_total_seconds": queue and queue * count, "target_seconds": None if lost is None else 3600.0,
                "lost_seconds": lost, "owner": None if lost is None else "Patient flow coordinator",
                **({} if queue is None else {
                    "best_week": END - timedelta(weeks=2), "best_week_mean_seconds": 3600.0, "saved_seconds": count * 3600.0})})  # fmt: skip
        found["process_edge"].append(span | {"activity": "arrived", "next_activity": "in the bed", "suppressed": True})
        for path, n in ((["arrived", "bed requested", "in the bed"], cases - 10), (None, 10)):
            found["process_variant"].append(span | {"path": path, "cases": n})
        found["process_week"] += [] if weeks > 4 else [
            {"workflow": "ed-to-bed", "facility": facility, "activity": "bed requested", "next_activity": "in the bed",
             "week": END - timedelta(weeks=n + 1), "wait_p25_seconds": 3600.0, "wait_median_seconds": 7200.0,
             "wait_p75_seconds": 9000.0 + n, "wait_p90_seconds": 10800.0} for n in range(26)]  # fmt: skip
        found["process_waiting"].append(span | {
            "activity": "in the bed", "cases": cases, "still_waiting": 1, "wait_seconds": cases * 3600.0, "batching_seconds": 0.0,
            "contention_seconds": cases * 2160.0, "prioritisation_seconds": cases * 360.0, "unavailability_seconds": 0.0,
            "extraneous_seconds": cases * 1080.0})  # fmt: skip
        for giver, taker, n in (("Triage nurse", "Flow coordinator", cases), ("Flow coordinator", "Ward nurse", None)):
            found["process_handover"].append(span | {
                "owner": giver, "next_owner": taker, "cases": n, "count": n, "recorded_count": n and n // 2, "wait_median_seconds": n and 1200.0, "suppressed": n is None})  # fmt: skip
        for kind, activity, n in (("repeated", "bed requested", 6), ("skipped", "in the bed", None)):
            found["process_deviation"].append(
                span | {"kind": kind, "activity": activity, "cases": n, "suppressed": n is None}
            )
        found["process_rule"].append(span | {
            "activity": "in the bed", "step_no": 3, "owner": "Patient flow coordinator", "target_seconds": 3600.0, "cases": cases,
            "count": cases, "within_count": cases // 2, "open_late_count": 1, "undecided_count": 1})  # fmt: skip
    return found


def channels() -> list[dict[str, object]]:
    seen = datetime(2026, 4, 12, 23, 50)
    rows = []
    for weeks in (4, 13, 26):
        for source, channel, facility, failed, queue, silent in (
            ("mirth", "ADT-OUT", "Northfield General", 120, 0, False),
            ("mirth", "ORDERS", "Northfield General", 0, 4, False),
            ("mirth", "RESULTS", "Northfield General", 0, 0, True),
            ("engine", "ADT", "Eastbrook Community", 2, 0, False),
            ("engine", "PHARM", "Unregistered", 0, 0, False),
        ):
            rows.append(_span("window", END - timedelta(weeks=weeks), END) | {
                "source": source, "channel": channel, "facility": facility, "owner": "Integration lead", "protocol": "MLLP",
                "data_domain": "admissions", "criticality": "high", "kind": "channel",
                "is_registered": facility != "Unregistered", "is_seen": True, "messages": 1000 * weeks,
                "deliveries": 1000 * weeks, "failed_first": failed + 9, "failed_final": failed, "retried": 9, "dead_lettered": failed,
                "queue_depth": queue, "oldest_queued_minutes": 75.0 if queue else None, "ack_p50_ms": 120.0, "ack_p95_ms": 900.0,
                "hop_p50_ms": 50.0, "hop_p95_ms": 90.0, "ack_p99_ms": 1300.0, "hop_p99_ms": 140.0, "delivered": 1000 * weeks - failed,
                "ack_unknown": 20 * weeks if channel == "ORDERS" else 0, "hop_unknown": 0, "last_message_at": seen,
                "silence_limit_minutes": 60.0 if facility != "Unregistered" else 200.0, "silence_basis": "registered" if facility != "Unregistered" else "learned",
                "engine_queue_depth": 7 if channel == "ORDERS" else None, "engine_queue_at": seen if channel == "ORDERS" else None, "dead_letters_open": failed // 40, "oldest_dead_letter_minutes": 3000.0,
                "handled_by_hand": 5, "silent_minutes": 90.0 * silent, "drifted": 0, "throughput_ratio": 0.97, "last_seen_at": seen, "max_silence_minutes": 60, "silent": silent})  # fmt: skip
    return rows


def hours() -> list[dict[str, object]]:
    """RESULTS brings ten messages an hour, as is usual, and none since eight in the evening; the log of the other engine ends then."""
    start = datetime(2026, 4, 12, 0)
    return [
        {
            "source": source, "channel": channel, "began_at": start + timedelta(hours=hour),
            "messages": 0 if channel == "RESULTS" and hour >= 20 else 10, "expected_messages": 10.0, "expected_low": 8.0,
            "expected_high": 12.5, "silent_minutes": 0.0, "is_last_day": True,
        }
        for source, channel, last in (("mirth", "RESULTS", 24), ("engine", "ADT", 20))
        for hour in range(last)
    ]  # fmt: skip


def channel_histories() -> dict[str, list[dict[str, object]]]:
    """RESULTS of mirth: 70 messages a day, of the day before yesterday the log knows nothing; renamed in March; a clock 800 ms ahead."""
    of: dict[str, object] = {"source": "mirth", "channel": "RESULTS"}
    counts: dict[str, object] = {
        "deliveries": 70,
        "delivered": 69,
        "failed_first": 7,
        "failed_final": 1,
        "retried": 6,
        "ack_unknown": 0,
    }
    ack: dict[str, object] = {"ack_p50_ms": 120.0, "ack_p95_ms": 900.0, "ack_p99_ms": 1300.0}
    history = [
        of | counts | ack | {
            "grain": "day", "period": END - timedelta(days=n), "hours": 24, "missing_hours": 24 if n == 2 else 0,
            "missing_messages": 70 if n == 2 else 0, "counted_messages": 70 if n < 4 else None, "messages": None if n == 2 else 70, "expected_messages": 72.0, "silent_minutes": 0.0,
            "drifted": 3 if n == 9 else 0, "hop_p50_ms": 150.0, "hop_p95_ms": 950.0, "hop_p99_ms": 1400.0,
        }
        for n in range(1, 29) if n != 5
    ]  # fmt: skip
    history += [row | {"grain": "week", "messages": 490} for row in history if row["period"].weekday() == 0]  # type: ignore[attr-defined]
    windows = [of | _span("window", END - timedelta(weeks=weeks), END) for weeks in (4, 13, 26)]
    seen = datetime(2026, 4, 12, 23, 50)
    return {
        "interface_history": history,
        "interface_destination": [w | counts | ack | {"destination": "EHR", "queue_depth": 0, "last_delivered_at": seen} for w in windows],
        "interface_error": [
            w | {"destination": "EHR", "error_class": "nack", "error_template": "nack sent from receiver (error)", "n": 14 - n, "messages": 7,
                 "first_at": seen - timedelta(days=3), "last_at": seen}
            for w in windows for n in range(13)
        ],
        "interface_flow": [
            of | {"flow_id": "f-1", "name": name, "is_alias": name == "LAB", "valid_from": begin, "valid_to": end}
            for name, begin, end in (("LAB", datetime(2025, 10, 13), datetime(2026, 3, 1)), ("RESULTS", datetime(2026, 3, 1), None))
        ],
        "log_gap": [of | {"from_at": datetime(2026, 4, 10, 23), "until_at": datetime(2026, 4, 12, 1), "missing_messages": 70, "is_pruned": True},
                    of | {"from_at": None, "until_at": datetime(2025, 10, 13, 1), "missing_messages": 9, "is_pruned": False}],
        "counter_gap": [
            of | {"flow_id": "f-1", "kind": kind, "from_at": datetime(2026, 4, 10, 23), "until_at": datetime(2026, 4, 11, hour), "missing_messages": n, "resets": resets}
            for kind, hour, n, resets in (("missing", 3, 70, None), ("reset", 9, None, 1))
        ],
        "clock_skew": [
            {"source": "mirth", "clock_id": "mirth:1", "other_clock_id": other, "seen_date": date(2026, 4, 12), "messages": 30, "ahead_ms": ahead,
             "within_ms": within, "is_both_ways": within is not None}
            for other, ahead, within in (("lis1", 800.0, 5.0), ("ris1", 2.0, 5.0), ("sender of RESULTS", 1300.0, None),
                                         ("bed1", 0.0, None), ("sender of ADT-OUT", 77.0, None))
        ],
    }  # fmt: skip


def incidents() -> list[dict[str, object]]:
    """One of each kind, ten of drift: the oldest of them are not shown. One lies before every window, one is open."""
    rows = [
        ("mirth", "RESULTS", None, "silent", 3, 0.0, 42.0),
        ("engine", "ADT", "LIS", "retry_storm", 5, 23.0, None),
        ("engine", "ADT", "LIS", "outage", 4, 12.0, None),
        ("mirth", "ORDERS", "LIS", "error_burst", 4, 0.41, 0.02),
        ("mirth", "RESULTS", "EHR", "backlog", 2, 31.0, 0.0),
        ("mirth", "RESULTS", "EHR", "latency_shift", 1, 1200.0, 120.0),
        ("mirth", "RESULTS", None, "silent", 900, 0.0, 42.0),
    ]
    rows += [("mirth", "ORDERS", None, "schema_drift", 8 + day, 40.0, 0.0) for day in range(10)]
    began = datetime(2026, 4, 12, 13)
    return [
        {
            "incident_id": f"{source}:{channel}:{kind}:{ago}", "source": source, "channel": channel, "destination": destination,
            "facility": "Northfield General", "kind": kind, "minutes": 120.0, "messages_affected": 40, "seen": seen, "expected": expected,
            "started_at": began - timedelta(days=ago), "ended_at": began + timedelta(hours=2, days=-ago),
            "detected_at": None if kind == "schema_drift" else began + timedelta(minutes=20, days=-ago),
            "restored_at": None if kind == "latency_shift" else began + timedelta(hours=2, days=-ago), "is_open": kind == "latency_shift",
            "started_date": date(2026, 4, 12) - timedelta(days=ago), "ended_date": date(2026, 4, 12) - timedelta(days=ago),
        }
        for source, channel, destination, kind, ago, seen, expected in rows
    ]  # fmt: skip


def courses() -> list[dict[str, object]]:
    """Four half hours around each of the incidents of one channel; of the third of them nothing is known."""
    found: list[dict[str, object]] = []
    for row in incidents():
        began = row["started_at"]
        if row["channel"] == "RESULTS" and isinstance(began, datetime):
            found += [
                {
                    "incident_id": row["incident_id"], "source": row["source"], "channel": row["channel"], "step": step,
                    "began_at": began + timedelta(minutes=30 * (step - 1)), "step_minutes": 30.0,
                    "seen": None if step == 2 else 10.0 * step, "against": 12.0,
                }
                for step in range(4)
            ]  # fmt: skip
    return found


def checks(*, failed: bool) -> list[dict[str, object]]:
    return [
        {"table": FAILED.table, "expectation": FAILED.expectation, "column": FAILED.column, "why": FAILED.why,
         "severity": "content", "passed": not failed, "unexpected_share": 0.38 if failed else 0.0, "kpis": list(FAILED.kpis)},
        {"table": "staging.encounter", "expectation": "encounter_key is unique", "column": "encounter_key",
         "why": "A visit that stands twice is counted twice.", "severity": "structural", "passed": True,
         "unexpected_share": 0.0, "kpis": []},
    ]  # fmt: skip


LEDGER: list[dict[str, object]] = [
    {"source": "ehr", "kind": "fhir", "resource_type": "Encounter", "files": 183, "lines_read": 1000, "loaded": 900,
     "unchanged": 90, "superseded": 0, "ignored": 7, "quarantined": 3},
    {"source": "engine", "kind": "ndjson-log", "resource_type": None, "files": 182, "lines_read": 500, "loaded": 500,
     "unchanged": 0, "superseded": 0, "ignored": 0, "quarantined": 0},
]  # fmt: skip
_TARGET = Decision(
    decided_at=datetime(2026, 2, 2, 9, 30, tzinfo=UTC), actor="cmo@tworivers.example", action="annotate", subject_kind="kpi",
    subject="ed_boarding_ed2", why="A ward was closed for repairs.",
)  # fmt: skip
DECISIONS: list[dict[str, object]] = [vars(_TARGET) | {"decision_id": _TARGET.decision_id, "file_id": 1, "line": 1}]


def cases() -> dict[str, list[dict[str, object]]]:
    """Six cases for every mart that a KPI counts, on six days of the last week, and one journey."""
    found: dict[str, list[dict[str, object]]] = {}
    for kpi in KPIS.values():
        rows = found.setdefault(kpi.mart, [{} for _ in range(6)])
        for i, row in enumerate(rows):
            day = END - timedelta(days=i + 1)
            row |= {
                column: _cell(column, i, day)
                for column in (*kpi.columns, "facility", "unit", "encounter_key", "file_id", "line")
            }
            row["encounter_key"] = CASE
            row[kpi.case] = CASE if kpi.case == "encounter_key" and i == 0 else f"{i}" + CASE[1:]
    found["workflow_event"] = [
        {"workflow": "ed-to-bed", "case_key": CASE, "encounter_key": key, "facility": "Northfield General", "unit": "Emergency",
         "activity": "bed requested", "next_activity": "in the bed", "wait_minutes": 60.0 * (i + 1), "file_id": 1, "line": 20 + i,
         "occurred_at": datetime(2026, 4, 10, 9, 0), "case_date": END - timedelta(days=3 + 100 * i)}
        for i, key in enumerate((CASE, CASE))
    ]  # fmt: skip
    for i, row in enumerate(found["message_delivery"]):
        row |= {
            "message_key": "mirth:77" if i < 2 else f"mirth:{i}", "channel": "ADT-OUT", "destination": ("LIS", "BED-MGMT")[i % 2],
            "state": ("delivered", "dead_lettered")[i % 2], "attempts": 1 + 2 * (i % 2), "attempts_exact": i % 2 == 0, "msg_type": "ADT",
            "queue_elapsed_ms": 20.0, "ack_latency_ms": 120.0 if i % 2 == 0 else None, "hop_elapsed_ms": 150.0,
            "error_class": None if i % 2 == 0 else "connect", "error_template": None if i % 2 == 0 else "connection refused by <destination>",
        }  # fmt: skip
    found["work_exception"] = exceptions()
    found["message_event"] = message_events()
    found["wait"], found["wait_part"] = waits()
    found["wait_stage"] = stages()
    found["intervention"][0] |= {  # the message that was given up at 9:30 was sent again at 10:30
        "message_key": "mirth:77", "source": "mirth", "channel": "ADT-OUT", "kind": "replayed", "role": "service desk",
        "occurred_at": datetime(2026, 4, 12, 10, 30),
    }  # fmt: skip
    start = datetime(2026, 4, 12, 9, 0)
    found["journey_event"] = [
        {"case_key": CASE, "journey_key": CASE, "seq": i + 1, "occurred_at": start + timedelta(minutes=20 * i),
         "until_at": start + timedelta(minutes=20 * i + 35) if until else None, "kind": kind, "place": place, "what": what,
         "facility": "Northfield General", "order_key": None, "message_key": f"mirth:{76 + i}" if kind == "message" else None, "file_id": 1, "line": 10 + i}
        for i, (kind, place, what, until) in enumerate((
            ("clinical", "Emergency", "arrived", False), ("message", "ADT-OUT to BED-MGMT", "ADT A04 delivered", True),
            ("clinical", "Emergency", "first seen by a clinician", False), ("human", "Ward 4N", "handoff offered", True),
            ("message", "ORDERS to LIS", "ORM O01 dead-lettered", False), ("clinical", "Emergency", "left the emergency department", False),
        ))
    ]  # fmt: skip
    return found


def waits() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """An order of 9:00 on its way for 30 min, given up for an hour until somebody sent it again, collected at 11:00; a bed without a message, and its handoff."""
    start = datetime(2026, 4, 12, 9, 0)
    stretches: dict[str, tuple[tuple[str, str | None, str | None, str, int, int], ...]] = {
        "order_to_collection": (
            ("source", "ADT-OUT", None, "happened", 0, 10), ("queue", "ADT-OUT", "BED-MGMT", "routed", 10, 30),
            ("unacknowledged", "ADT-OUT", "BED-MGMT", "dead_lettered", 30, 90), ("people", None, None, "told", 90, 120),
        ),
        "boarding": (("unknown", None, None, "happened", 0, 180),),
        "handoff_to_acceptance": (("people", None, None, "told", 130, 160),),  # within the boarding
    }  # fmt: skip
    waits, parts = [], []
    for kind, pieces in stretches.items():
        key = f"{kind}:{CASE}"
        began, until = (start + timedelta(minutes=minute) for minute in (pieces[0][-2], pieces[-1][-1]))
        waits.append({
            "wait_key": key, "wait_kind": kind, "encounter_key": CASE, "patient_key": "p", "order_key": None, "facility": "Northfield General",
            "unit": "Emergency", "began_at": began, "acted_at": until, "ended_at": until if kind != "boarding" else None, "until_at": until,
            "minutes": float(pieces[-1][-1] - pieces[0][-2]), "is_open": kind == "boarding", "is_within": kind == "handoff_to_acceptance", "begin_date": start.date(), "file_id": 1, "line": 31,
        })  # fmt: skip
        parts += [
            {"wait_key": key, "part_no": number, "part": part, "source": channel and "mirth", "channel": channel, "destination": destination, "opened_by": opened_by, "from_at": start + timedelta(minutes=first),
             "until_at": start + timedelta(minutes=last), "minutes": float(last - first), "is_across_clocks": part == "people", "is_estimated": False}
            for number, (part, channel, destination, opened_by, first, last) in enumerate(pieces, 1)
        ]  # fmt: skip
    return waits, parts


def stages() -> list[dict[str, object]]:
    """The order's: stored after a minute, in the message's own date two minutes later, with the engine at 9:10, delivered at 10:30.

    The handoff's: offered at 11:10, seen a minute later in the engine's log, accepted at 11:40.
    """
    start = datetime(2026, 4, 12, 9, 0)
    order: tuple[tuple[str, int | None, str, str | None, str | None], ...] = (
        ("happened", 0, "ServiceRequest.authoredOn", None, None), ("recorded", 1, "meta.lastUpdated", None, None),
        ("sent", 3, "msh_7", None, None), ("hop", 10, "engine_log", "ADT-OUT", None), ("hop", 11, "engine_log", "ADT-OUT", "BED-MGMT"),
        ("delivered", 90, "engine_log", "ADT-OUT", "BED-MGMT"), ("visible", None, "", None, None), ("acknowledged", None, "", None, None),
        ("acted", 120, "record", None, None),
    )  # fmt: skip
    handoff = (
        *(("happened", 130, "Task.authoredOn", None, None), ("visible", 131, "engine_log", None, None)),
        *(("acknowledged", 160, "Task", None, None), ("acted", 160, "record", None, None)),
    )
    return [
        {
            "wait_key": f"{kind}:{CASE}", "stage_no": number, "stage": stage, "precision": "s", "is_bound": stage == "recorded",
            "occurred_at": None if minute is None else start + timedelta(minutes=minute), "basis": basis or None, "clock_id": "mirth" if basis == "engine_log" else "sender" if basis == "msh_7" else "ehr",
            "source": channel and "mirth", "channel": channel, "destination": destination, "message_key": channel and "mirth:77",
            "file_id": 1, "line": 31, "unknown_because": None if basis else "not_told",
        }
        for kind, known in (("order_to_collection", order), ("handoff_to_acceptance", handoff))
        for number, (stage, minute, basis, channel, destination) in enumerate(known, 1)
    ]  # fmt: skip


def message_events() -> list[dict[str, object]]:
    """Message 77 reaches LIS at once; the third attempt at BED-MGMT is given up, and a person sends it again after midnight."""
    start = datetime(2026, 4, 12, 9, 0)
    steps: tuple[tuple[str, str | None, int, dict[str, object]], ...] = (
        ("received", None, 0, {}),
        ("routed", "LIS", 10, {}),
        ("attempt_started", "LIS", 20, {"attempt": 1}),
        ("received", "LIS", 900, {"attempt": 1, "is_other_clock": True, "since_ms": None}),
        ("delivered", "LIS", 140, {"attempt": 1, "ack_code": "AA"}),
        ("attempt_started", "BED-MGMT", 30, {"attempt": 3, "is_attempt_exact": False}),
        (
            "dead_lettered",
            "BED-MGMT",
            40,
            {"error_class": "connect", "error_template": "connection refused by <destination>"},
        ),
        ("replayed", "BED-MGMT", 16 * 3_600_000, {"actor_role": "service desk"}),
    )
    return [
        {
            "message_key": "mirth:77", "event_order": seq, "encounter_key": CASE, "facility": "Northfield General", "source": "mirth", "channel": "ADT-OUT",
            "destination": where, "event_type": kind, "occurred_at": start + timedelta(milliseconds=after), "clock_id": "mirth:1",
            "attempt": None, "is_attempt_exact": True, "is_other_clock": False, "since_ms": 10.0 if seq > 1 else None, "ack_code": None,
            "error_class": None, "error_template": None, "actor_role": None, "file_id": 1, "line": 200 + seq,
        } | more
        for seq, (kind, where, after, more) in enumerate(steps, 1)
    ]  # fmt: skip


def _cell(column: str, i: int, day: date) -> object:  # noqa: PLR0911 — one line a kind of column
    if column in ("facility", "unit"):
        return "Northfield General" if column == "facility" else "Emergency"
    if column in ("file_id", "line"):
        return 1 if column == "file_id" else 100 + i
    if column.endswith("_date"):
        return day
    if column.endswith("_week"):
        return day - timedelta(days=day.weekday())
    if column.endswith("_month"):
        return day.replace(day=1)
    if column.endswith("_hour"):
        return datetime(day.year, day.month, day.day, 8)
    if column.endswith("_at"):
        return datetime(day.year, day.month, day.day, 8 + i % 2)
    if column.startswith("minutes") or column.endswith(("_minutes", "_ms")):
        return 60.0 + 10 * i
    if column.startswith(("is_", "left_")) or column.endswith("_window"):
        return column not in ("is_open", "is_revoked", "is_boarding") and i % 2 == 0
    return f"{column}-{i % 2}"


def lineage() -> dict[str, list[dict[str, object]]]:
    taken = datetime(2026, 4, 13, 0, 10)
    return {
        "file": [{"file_id": 1, "source": "ehr", "path": "/srv/home/landing/fhir/2026-04-12/Encounter.ndjson", "sha256": "ab",
                  "bytes": 10, "kind": "fhir", "resource_type": "Encounter", "exported_at": taken, "ingested_at": taken,
                  "lines_read": 1000, "loaded": 900, "unchanged": 90, "superseded": 0, "ignored": 7, "quarantined": 3}],
        "quarantine": [{"file_id": 1, "line": 17, "byte_offset": 99, "rule": "not_json", "cure": "Export the file again.", "line_hash": "x"}],
    }  # fmt: skip


def _span(grain: str, start: date, end: date) -> dict[str, object]:
    return {"grain": grain, "period": start, "period_end": end}


_KPI = "kpi varchar, facility varchar, unit varchar"
_SPAN = "grain varchar, period date, period_end date"
_CHANNEL = "source varchar, channel varchar"
_COUNTS = (
    "deliveries bigint, delivered bigint, failed_first bigint, failed_final bigint, retried bigint, ack_unknown bigint, "
    "ack_p50_ms double, ack_p95_ms double, ack_p99_ms double"
)


def impacts() -> list[dict[str, object]]:
    """What three incidents cost: one clearly, one no more than usual, one of too few people to show."""
    numbers = (
        "waits",
        "patients",
        "delayed_patients",
        "late_minutes",
        "usual_late_minutes",
        "lost_late_minutes",
        "lost_late_low",
        "lost_late_high",
    )
    rows = [
        ("engine:ADT:outage:4", "bed_request_to_assignment", (14, 12, 9, 400.0, 47.0, 353.0, 340.0, 366.0)),
        ("mirth:ORDERS:error_burst:4", "order_to_collection", (30, 28, None, 12.0, 10.0, 2.0, -3.0, 7.0)),
        ("mirth:RESULTS:silent:3", "result_to_acknowledgement", (None,) * 8),
    ]
    return [
        {"incident_id": incident, "wait_kind": kind, "facility": "Northfield General", "weeks": 8, **dict(zip(numbers, cells, strict=True))}
        for incident, kind, cells in rows
    ]  # fmt: skip


def matches(*, failed: bool) -> list[dict[str, object]]:
    """Of one source every message belongs to a case; of the other some do not, each for a reason. None when a check failed."""
    rows = [
        ("mirth", "ORDERS", "ORM", "O01", "order", None, 900, 1.0),
        ("engine", "ADT", "ADT", "A04", "visit", None, 1188, 0.99),
        ("engine", "ADT", "ADT", "A04", None, "unknown_visit", 12, 0.01),
        ("engine", "ADT", "ADT", "A40", None, "about_records", 3, 1.0),
        ("engine", "NOTES", None, None, None, "no_number", 70, 1.0),
        ("engine", "PHARM", "RDE", "O11", None, "unknown_order", 5, 1.0),
    ]
    names = ("source", "channel", "msg_type", "msg_trigger", "matched", "reason", "messages", "share")
    return [] if failed else [dict(zip(names, cells, strict=True)) for cells in rows]  # fmt: skip


def identifiers(*, failed: bool) -> list[dict[str, object]]:
    """What joins the messages of one source: every placer number finds its order, some visits are unknown, nobody else has its control ids."""
    rows = [
        ("engine", "control_id", "only_here", 1278, 1.0), ("engine", "placer", None, 1000, 0.78), ("engine", "placer", "not_carried", 278, 0.22),
        ("engine", "visit", None, 1188, 0.93), ("engine", "visit", "unknown", 90, 0.07), ("engine", "trace", "not_carried", 1278, 1.0),
    ]  # fmt: skip
    names = ("source", "identifier", "reason", "messages", "share")
    return [] if failed else [dict(zip(names, cells, strict=True)) for cells in rows]


AGGREGATE_SHAPES = {
    "identifier_match": "source varchar, identifier varchar, reason varchar, messages bigint, share double",
    "message_match": "source varchar, channel varchar, msg_type varchar, msg_trigger varchar, matched varchar, reason varchar, "
    "messages bigint, share double",
    "incident_impact": "incident_id varchar, wait_kind varchar, facility varchar, weeks bigint, waits bigint, patients bigint, "
    "delayed_patients bigint, late_minutes double, usual_late_minutes double, lost_late_minutes double, lost_late_low double, "
    "lost_late_high double",
    "kpi_value": f"{_KPI}, {_SPAN}, value double, numerator double, denominator bigint, open_cases bigint, suppressed boolean, is_complete boolean",
    "kpi_signal": f"{_KPI}, week date, value double, mean double, lower double, upper double, rule varchar, is_last boolean, "
    "variation varchar, assurance varchar, warnings varchar[]",
    "kpi_exclusion": f"{_KPI}, {_SPAN}, rule varchar, n bigint",
    "readiness": f"kpi varchar, facility varchar, {_SPAN}, state varchar, why varchar[], inputs varchar",
    "exception_count": "kind varchar, facility varchar, waiting bigint, oldest_minutes double, suppressed boolean",
    "backlog_week": f"{_KPI}, week date, opened bigint, closed bigint",
    "backlog_age": f"{_KPI}, band varchar, n bigint, oldest_minutes double",
    "pilot_result": "pilot varchar, kpi varchar, facility varchar, unit varchar, starts_on date, registered_at timestamptz, "
    "registered_by varchar, reason varchar, design varchar, verdict varchar, why varchar[], expected double, weeks_before bigint, "
    "weeks_after bigint, cases_before bigint, cases_after bigint, before double, after double, effect double, effect_low double, "
    "effect_high double, p_value double, compared_with varchar, comparison_effect double, comparison_low double, comparison_high double, "
    "net_effect double, net_low double, net_high double, minimum_detectable_effect double, needs_more_weeks bigint, guardrails varchar",
    "pilot_week": "pilot varchar, place varchar, is_pilot boolean, week date, value double, mean double, lower double, upper double, "
    "rule varchar",
    "incident_course": "incident_id varchar, source varchar, channel varchar, step bigint, began_at timestamptz, step_minutes double, "
    "seen double, against double",
    "interface_incident": "incident_id varchar, source varchar, channel varchar, destination varchar, facility varchar, kind varchar, "
    "started_at timestamptz, detected_at timestamptz, restored_at timestamptz, ended_at timestamptz, is_open boolean, "
    "started_date date, ended_date date, minutes double, messages_affected bigint, seen double, expected double",
    "interface_channel": f"{_SPAN}, source varchar, channel varchar, facility varchar, owner varchar, protocol varchar, data_domain varchar, "
    "criticality varchar, kind varchar, is_registered boolean, is_seen boolean, messages bigint, deliveries bigint, failed_first bigint, "
    "failed_final bigint, retried bigint, dead_lettered bigint, queue_depth bigint, oldest_queued_minutes double, ack_p50_ms double, "
    "ack_p95_ms double, hop_p50_ms double, hop_p95_ms double, dead_letters_open bigint, oldest_dead_letter_minutes double, "
    "handled_by_hand bigint, silent_minutes double, drifted bigint, throughput_ratio double, last_seen_at timestamptz, max_silence_minutes integer, silent boolean, "
    "ack_p99_ms double, hop_p99_ms double, delivered bigint, ack_unknown bigint, hop_unknown bigint, last_message_at timestamptz, "
    "silence_limit_minutes double, silence_basis varchar, engine_queue_depth bigint, engine_queue_at timestamptz",
    "interface_history": f"grain varchar, period date, {_CHANNEL}, hours bigint, missing_hours bigint, missing_messages bigint, counted_messages bigint, messages bigint, "
    f"expected_messages double, silent_minutes double, drifted bigint, {_COUNTS}, hop_p50_ms double, hop_p95_ms double, hop_p99_ms double",
    "interface_error": f"{_SPAN}, {_CHANNEL}, destination varchar, error_class varchar, error_template varchar, n bigint, messages bigint, "
    "first_at timestamptz, last_at timestamptz",
    "interface_destination": f"{_SPAN}, {_CHANNEL}, destination varchar, {_COUNTS}, queue_depth bigint, last_delivered_at timestamptz",
    "interface_flow": f"{_CHANNEL}, flow_id varchar, name varchar, is_alias boolean, valid_from timestamptz, valid_to timestamptz",
    "log_gap": f"{_CHANNEL}, from_at timestamptz, until_at timestamptz, missing_messages bigint, is_pruned boolean",
    "counter_gap": f"{_CHANNEL}, flow_id varchar, kind varchar, from_at timestamptz, until_at timestamptz, missing_messages bigint, resets bigint",
    "clock_skew": "source varchar, clock_id varchar, other_clock_id varchar, seen_date date, messages bigint, ahead_ms double, "
    "within_ms double, is_both_ways boolean",
    "interface_hour": "source varchar, channel varchar, began_at timestamptz, messages bigint, expected_messages double, "
    "expected_low double, expected_high double, silent_minutes double, is_last_day boolean",
    "process_summary": f"workflow varchar, facility varchar, {_SPAN}, cases bigint, open_cases bigint, events bigint, variants bigint, "
    "rework_cases bigint, throughput_median_seconds double, throughput_p90_seconds double, throughput_mean_seconds double, on_path_cases bigint, off_path_cases bigint, unknown_path_cases bigint, "
    "suppressed boolean",
    "process_waiting": f"workflow varchar, facility varchar, {_SPAN}, activity varchar, cases bigint, still_waiting bigint, wait_seconds double, "
    "batching_seconds double, contention_seconds double, prioritisation_seconds double, unavailability_seconds double, "
    "extraneous_seconds double, suppressed boolean",
    "process_handover": f"workflow varchar, facility varchar, {_SPAN}, owner varchar, next_owner varchar, cases bigint, count bigint, recorded_count bigint, "
    "wait_median_seconds double, wait_total_seconds double, suppressed boolean",
    "process_deviation": f"workflow varchar, facility varchar, {_SPAN}, kind varchar, activity varchar, cases bigint, suppressed boolean",
    "process_rule": f"workflow varchar, facility varchar, {_SPAN}, activity varchar, step_no integer, owner varchar, target_seconds double, "
    "cases bigint, count bigint, within_count bigint, open_late_count bigint, undecided_count bigint, suppressed boolean",
    "process_edge": f"workflow varchar, facility varchar, {_SPAN}, activity varchar, next_activity varchar, owner varchar, count bigint, "
    "cases bigint, wait_median_seconds double, wait_mean_seconds double, wait_p90_seconds double, wait_total_seconds double, "
    "queue_median_seconds double, queue_total_seconds double, service_total_seconds double, target_seconds double, lost_seconds double, "
    "best_week date, best_week_mean_seconds double, saved_seconds double, suppressed boolean",
    "process_week": "workflow varchar, facility varchar, activity varchar, next_activity varchar, week date, wait_p25_seconds double, "
    "wait_median_seconds double, wait_p75_seconds double, wait_p90_seconds double",
    "process_variant": f"workflow varchar, facility varchar, {_SPAN}, path varchar[], cases bigint, suppressed boolean",
    "channel_reach": f"{_CHANNEL}, {_SPAN}, days bigint, messages bigint, msg_types varchar[], destinations varchar[], domains varchar[], "
    "wait_kinds varchar[], waits bigint, patients bigint, suppressed boolean",
    "improvement_option": "option_id varchar, title varchar, owner varchar, effort_days double, saves double, fixes varchar[], "
    "criteria varchar[], scores double[]",
    "criterion": "criterion varchar, weight double",
    "lost_total": f"breakdown varchar, facility varchar, cause varchar, reason varchar, {_CHANNEL}, workflow varchar, activity varchar, owner varchar, "
    f"{_SPAN}, lost_hours double, lost_low double, lost_high double, share double, share_low double, share_high double, hours_waited double, "
    "estimated_hours double, unknown_hours double, stretches bigint, patients bigint, wait_kinds varchar[], suppressed boolean",
    "delay_edge": f"workflow varchar, facility varchar, activity varchar, next_activity varchar, {_SPAN}, part varchar, source varchar, "
    "channel varchar, destination varchar, minutes double, suppressed boolean",
    "kpi_delay": f"kpi varchar, facility varchar, unit varchar, {_SPAN}, split varchar, wait_kind varchar, part varchar, source varchar, "
    "channel varchar, destination varchar, cases bigint, open_cases bigint, patients bigint, minutes double, "
    "minutes_across_clocks double, minutes_estimated double, minutes_uncertain double, suppressed boolean, is_withheld boolean",
    "delay_part": f"wait_kind varchar, facility varchar, unit varchar, {_SPAN}, split varchar, part varchar, source varchar, channel varchar, destination varchar, "
    "waits bigint, open_waits bigint, patients bigint, minutes double, minutes_across_clocks double, minutes_estimated double, minutes_uncertain double, suppressed boolean, is_withheld boolean",
    "check_result": '"table" varchar, expectation varchar, "column" varchar, why varchar, severity varchar, passed boolean, '
    "unexpected_share double, kpis varchar[]",
    "ledger_total": "source varchar, kind varchar, resource_type varchar, files bigint, lines_read bigint, loaded bigint, unchanged bigint, "
    "superseded bigint, ignored bigint, quarantined bigint",
    "source_freshness": "source varchar, as_of timestamptz, last_file_at timestamptz, expected_every_hours double, is_late boolean",
    "quarantine_total": "source varchar, resource_type varchar, rule varchar, cure varchar, n bigint, files bigint, last_seen_at timestamptz",
    "validation": "source varchar, resource_type varchar, scope varchar, lines bigint, checked bigint, failed bigint, as_r5 bigint",
    "validation_failure": "source varchar, resource_type varchar, scope varchar, rule varchar, path varchar, n bigint, last_seen_at timestamptz",
    "finding_week": "source varchar, resource_type varchar, rule varchar, meaning varchar, week date, n bigint, lines bigint, has_risen boolean",
    "drift": "source varchar, resource_type varchar, path varchar, release varchar, lines bigint, looked_at bigint, "
    "first_seen_at timestamptz, last_seen_at timestamptz, is_unknown boolean, is_new boolean, has_vanished boolean",
    "decision": "decision_id varchar, decided_at timestamptz, actor varchar, action varchar, subject_kind varchar, subject varchar, "
    "facility varchar, value varchar, why varchar, file_id integer, line bigint",
}
LINEAGE_SHAPES = {
    "file": "file_id integer, source varchar, path varchar, sha256 varchar, bytes bigint, kind varchar, resource_type varchar, "
    "exported_at timestamptz, ingested_at timestamptz, lines_read bigint, loaded bigint, unchanged bigint, superseded bigint, "
    "ignored bigint, quarantined bigint",
    "quarantine": "file_id integer, line bigint, byte_offset bigint, rule varchar, cure varchar, line_hash varchar",
}


def _shape(rows: list[dict[str, object]]) -> str:
    kinds = {bool: "boolean", int: "bigint", float: "double", str: "varchar", date: "date", datetime: "timestamptz"}
    found: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                found[name] = "timestamp" if name.endswith("_hour") else kinds[type(value)]
            found.setdefault(name, "varchar")
    return ", ".join(f'"{name}" {kind}' for name, kind in found.items())


CASE_SHAPES = {name: _shape(rows) for name, rows in cases().items()}


def _write(
    db: duckdb.DuckDBPyConnection, published: Path, name: str, audience: str, rows: list[dict[str, object]], shape: str
) -> PublishedTable:
    db.execute(f"create or replace temp table t ({shape})")
    if rows:
        db.register("given", pl.DataFrame(rows, infer_schema_length=None).to_arrow())
        db.execute("insert into t by name select * from given")
    digest = hashlib.sha256(f"{name}{rows!r}".encode()).hexdigest()
    file = publication.file_name(audience, name, digest)  # type: ignore[arg-type]
    (published / audience).mkdir(parents=True, exist_ok=True)
    db.execute(f"copy t to '{published / file}' (format parquet)")
    return PublishedTable(name, audience, (file,), len(rows), AS_OF, digest)  # type: ignore[arg-type]
