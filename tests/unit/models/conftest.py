"""A warehouse in memory: raw rows as a hospital would deliver them, and any table built from its file's own text."""

from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest

from models import times
from models.catalog import build_order, upstream
from models.raw import RAW_TABLES
from models.visits import default_rules

NEW_YORK = ZoneInfo("America/New_York")
SETTINGS = {
    "as_of": datetime(2026, 1, 31, 12, 0, tzinfo=NEW_YORK),
    "clinical_as_of": datetime(2026, 1, 31, 12, 0, tzinfo=NEW_YORK),
    "critical_ack_minutes": 60,
    "handoff_accept_minutes": 30,
    "message_stuck_minutes": 60,
    "result_open_minutes": 60,
    "status_settle_minutes": 240,
    "task_trigger_minutes": 60,
    "zones": {"key": [], "value": []},
}
PLACES = ("file_id", "line", "segment_no", "step_no", "part_no")
"""Rows come in the order in which they were delivered."""
EXPORTED = "2026-01-31T12:00:00-05:00"


class Hospital:
    """Raw tables to fill, and tables to build from them."""

    def __init__(self, db) -> None:
        self.db = db
        self._lines = 0
        self._settings = dict(SETTINGS)

    def set(self, **settings):
        """Bind other values than the usual ones, the data cut for instance."""
        self._settings |= settings

    def deliver(self, table, **columns):
        """One row of a raw table; file, line and the export that showed it are filled in unless given."""
        self._lines += 1
        given = {"source": "ehr", "file_id": 1, "line": self._lines} | columns
        if table.startswith("fhir_"):
            exported = given.pop("exported_at", EXPORTED)
            given = {"seen_from": exported, "seen_to": exported, "is_deleted": False} | given
        names = ", ".join(f'"{name}"' for name in given)
        values = ", ".join(f"${name}" for name in given)
        self.db.execute(f"insert into raw.{table} ({names}) values ({values})", given)

    def rule(self, rule_no=1, **columns):
        """One of the source's rules that say what kind of visit an Encounter is."""
        names = ", ".join(["rule_no", *columns])
        values = ", ".join(f"${name}" for name in ["rule_no", *columns])
        self.db.execute(f"insert into raw.visit_rule ({names}) values ({values})", {"rule_no": rule_no, **columns})

    def organization(self, organization_id="north", name="Northfield"):
        self.deliver("fhir_organization", organization_id=organization_id, name=name)

    def location(self, location_id, *codes, part_of=None, physical="ro", organization="north", status=None):
        self.deliver(
            "fhir_location",
            location_id=location_id,
            name=location_id.title(),
            types=[{"system": "s", "code": code} for code in codes] or None,
            physical_type_code=physical,
            part_of_ref=part_of,
            organization_ref=organization,
            status=status,
        )

    def emergency_department(self):
        """The facility, its emergency department with a waiting room and a room, and a ward with a bed."""
        self.organization()
        self.location("ed", "1108-0", physical="area")
        self.location("waiting", "1108-0", part_of="ed")
        self.location("room 1", "1108-0", "1209-6", part_of="ed")
        self.location("4 north", "HU", physical="wa")
        self.location("bed 1", part_of="4 north", physical="bd")

    def visit(self, key, *stays, class_code="EMER", status="finished", begin=None, end=None, **columns):
        """An encounter with stays (place, start, end)."""
        self.deliver(
            "fhir_encounter",
            **{
                "encounter_key": key,
                "patient_key": f"patient of {key}",
                "visit_keys": [f"visit of {key}"],
                "class_code": class_code,
                "status": status,
                "organization_id": "north",
                "period_start": begin or (stays[0][1] if stays else None),
                "period_end": end,
                "locations": [
                    {"location_id": place, "status": "completed", "start": start, "end": until}
                    for place, start, until in stays
                ],
            }
            | columns,
        )

    def event(self, uid, event_type, at, *, node="", clock="engine", source="engine", flow="ADT", **columns):
        """One event of an engine's log; an empty node is the source."""
        self.deliver(
            "interface_event",
            **{
                "event_uid": f"{uid}{node}{event_type}{at}{self._lines}",
                "source": source,
                "message_uid": uid,
                "root_message_uid": uid,
                "event_type": event_type,
                "occurred_at": f"2026-01-05T{at}-05:00",
                "clock_id": clock,
                "flow_id": flow,
                "flow_name": flow,
                "node_id": node,
                "node_role": "destination" if node else "source",
            }
            | columns,
        )

    def build(self, name):
        """Build a table and all it is made from, and return its rows as dictionaries, times in New York."""
        wanted = upstream(name)
        for table in build_order():
            if table.full_name in wanted:
                bound = {parameter: self._settings[parameter] for parameter in table.parameters}
                self.db.execute(f"create or replace table {table.full_name} as {table.query}", bound)
        rows = self.db.sql(f"select * from {name}").pl()
        return rows.sort([column for column in PLACES if column in rows.columns]).to_dicts()

    def one(self, name):
        """The only row of a table."""
        (row,) = self.build(name)
        return row


@pytest.fixture
def hospital():
    with duckdb.connect() as db:
        db.execute("set timezone = 'America/New_York'")
        for layer in ("raw", "staging", "marts"):
            db.execute(f"create schema {layer}")
        for statement in (*times.MACROS, *RAW_TABLES.values()):
            db.execute(statement)
        hospital = Hospital(db)
        for rule in default_rules():
            hospital.rule(**rule)
        yield hospital


def clock(instant):
    """Local wall time as `HH:MM`, None for null."""
    return instant and instant.astimezone(NEW_YORK).strftime("%H:%M")


@pytest.fixture(name="clock")
def clock_fixture():
    return clock
