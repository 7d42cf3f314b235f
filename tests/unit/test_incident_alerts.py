"""An incident is told once when it is new and once when it is over."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipelines import incident_alerts
from pipelines.home import Home
from pipelines.settings import load

ZONE = ZoneInfo("America/New_York")
COLUMNS = """incident_id varchar, source varchar, channel varchar, destination varchar, kind varchar, started_at timestamptz,
    restored_at timestamptz, ended_at timestamptz, is_open boolean, minutes double, messages_affected bigint, seen double,
    expected double"""


def at(clock):
    return datetime.fromisoformat(f"2026-01-05T{clock}:00").replace(tzinfo=ZONE)


class Told:
    """A home whose incidents are what a test says, and what it has been told of them."""

    def __init__(self, folder):
        self.home = Home(folder).create()
        self.home.settings_path.write_text('site = "Larkhill"\nzone = "America/New_York"\n', encoding="utf-8")
        self.settings = load(self.home)
        self.db = duckdb.connect()
        self.db.execute("set timezone = 'America/New_York'; create schema account; create schema marts")
        for statement in incident_alerts.TABLES.values():
            self.db.execute(statement)

    def look(self, clock, *incidents):
        """What is told when the log reaches this time of day and shows these: (kind, began, over or null, channel)."""
        self.db.execute(f"create or replace table marts.interface_incident ({COLUMNS})")
        for kind, began, over, channel in incidents:
            times = (at(began), over and at(over), at(over or clock))
            row = (f"{channel}{began}", "engine", channel, "LIS", kind, *times, over is None, 30.0, 7, 0.5, 0.02)
            self.db.execute(f"insert into marts.interface_incident values ({', '.join('?' * len(row))})", row)
        sent = incident_alerts.tell(self.db, self.home, self.settings, at(clock))
        return [(each.kind, each.message.partition(" ")[0]) for each in sent]

    def messages(self):
        lines = (self.home.logs / "alerts.ndjson").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["message"] for line in lines]


@pytest.fixture
def told(tmp_path):
    made = Told(tmp_path / "home")
    yield made
    made.db.close()


def test_an_incident_is_told_once_and_so_is_its_end(told):
    burst = ("error_burst", "09:00", None, "ADT")
    assert told.look("09:30", burst) == [("incident_began", "ADT")]
    assert told.look("09:31", burst) == []
    over = ("error_burst", "09:00", "09:40", "ADT")
    assert told.look("10:00", over) == [("incident_over", "ADT")]
    assert told.look("10:01", over) == []
    assert told.messages() == [
        "ADT to LIS (engine): 50.0 % of tries failed; up to 2.0 % is usual. Since Mon 5 Jan 2026 09:00, still open.",
        "ADT to LIS (engine): error burst over at Mon 5 Jan 2026 09:40; 7 messages affected.",
    ]


def test_a_beginning_that_is_dated_more_exactly_is_the_same_trouble(told):
    assert told.look("09:30", ("outage", "09:00", None, "ADT")) == [("incident_began", "ADT")]
    assert told.look("09:40", ("outage", "08:52", None, "ADT")) == []
    assert told.look("11:00", ("outage", "08:52", "10:30", "ADT")) == [("incident_over", "ADT")]
    again = ("outage", "10:50", None, "ADT")
    assert told.look("11:30", ("outage", "08:52", "10:30", "ADT"), again) == [("incident_began", "ADT")]


def test_of_history_only_what_is_open_is_told_and_later_what_came_and_went_between_two_looks(told):
    before = ("backlog", "06:00", "07:00", "ORDERS")
    assert told.look("09:00", before, ("silent", "08:00", None, "ADT")) == [("incident_began", "ADT")]
    between = ("schema_drift", "09:05", "09:50", "RESULTS")
    assert told.look("10:00", before, ("silent", "08:00", None, "ADT"), between) == [("incident_began", "RESULTS")]
    assert told.look("10:05", before, ("silent", "08:00", None, "ADT"), between) == []


def test_an_incident_that_more_of_the_log_takes_back_is_told_so(told):
    assert told.look("09:30", ("silent", "08:00", None, "ADT")) == [("incident_began", "ADT")]
    assert told.look("09:45") == [("incident_over", "ADT")]
    assert "no longer what the log shows" in told.messages()[-1]
