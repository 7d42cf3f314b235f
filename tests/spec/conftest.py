"""Literal tables become marts on two engines, so that every KPI is specified by rows a person can count."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pytest

from models.kpi import Selection, cases, evaluate, exclusions
from models.kpis import find_kpi
from models.readiness import assess

NEW_YORK = ZoneInfo("America/New_York")
AS_OF = datetime(2026, 4, 13, tzinfo=NEW_YORK)

_FLAGS = ("is_", "left_", "acknowledged_")
_AMOUNTS = (
    "messages",
    "expected_messages",
    "silent_minutes",
    "minutes_in_department",
    "boarding_minutes",
    "minutes_to_room",
    "minutes_to_provider",
    "minutes_of_stay",
    "occupied_bed_hours",
    "staffed_bed_hours",
    "occupancy",
    "midnight_occupied_beds",
    "midnight_staffed_beds",
    "staffed_beds",
    "minutes_to_departure",
    "minutes_to_start",
    "minutes_cleaning",
    "minutes_to_clean",
    "minutes_to_verified",
    "minutes_to_collected",
    "minutes_collected_to_received",
    "minutes_received_to_verified",
    "minutes_to_acknowledgement",
    "minutes_to_exam",
    "minutes_exam_to_report",
    "minutes_to_final",
    "minutes_to_escalation",
    "minutes_to_fulfilment",
    "minutes_to_acceptance",
    "attempts",
    "minutes_to_completion",
    "minutes_to_recover",
    "manual_touches",
)

_CLOCKS = frozenset({"offer", "creation", "overdue", "closing", "entered", "settled", "given_up", "resolved"})


def _typed(column: str, cell: str):
    if cell in {"", "-"}:
        return None
    if column.startswith(_FLAGS):
        return cell == "yes"
    if column in _AMOUNTS or column.endswith(("_ms", "resolution_minutes")):
        return float(cell)
    if column.endswith("_date"):
        return date.fromisoformat(cell)
    if column.endswith("_at"):
        return datetime.fromisoformat(cell).replace(tzinfo=NEW_YORK)
    return cell


def _type(column: str):
    if column.startswith(_FLAGS):
        return pl.Boolean
    if column in _AMOUNTS or column.endswith(("_epoch", "_ms", "resolution_minutes")):
        return pl.Float64
    if column.endswith(("_date", "_week", "_month")):
        return pl.Date
    if column.endswith("_hour"):
        return pl.Datetime
    if column.endswith("_at"):
        return pl.Datetime("us", "America/New_York")
    return pl.String


def mart_from(text: str) -> pl.DataFrame:
    """A pipe-separated table: `-` is null, flags are yes or no. A `<clock>_date` brings its week and month,
    a clock given to the minute as `<clock>_at` brings its whole calendar and epoch."""
    header, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    table = {name: [_typed(name, row[i]) for row in rows] for i, name in enumerate(header)}
    for name in [name for name in header if name.endswith("_at") and name.removesuffix("_at") in _CLOCKS]:
        clock, instants = name.removesuffix("_at"), table[name]
        table[f"{clock}_epoch"] = [at and at.timestamp() for at in instants]
        table[f"{clock}_hour"] = [at and at.replace(tzinfo=None, minute=0, second=0) for at in instants]
        table[f"{clock}_date"] = [at and at.date() for at in instants]
    for name in [name for name in table if name.endswith("_date")]:
        clock, days = name.removesuffix("_date"), table[name]
        table[f"{clock}_week"] = [day and day - timedelta(days=day.weekday()) for day in days]
        table[f"{clock}_month"] = [day and day.replace(day=1) for day in days]
    table |= {name: ["Northfield"] * len(rows) for name in ("facility", "unit") if name not in table}
    table |= {"file_id": [7] * len(rows), "line": list(range(1, len(rows) + 1))}
    return pl.DataFrame(table, schema={name: _type(name) for name in table} | {"file_id": pl.Int64, "line": pl.Int64})


@pytest.fixture(params=["polars", "duckdb"])
def on_engine(request):
    """Turns a Polars table into a mart of the engine under test."""
    if request.param == "polars":
        yield lambda frame: nw.from_native(frame.lazy())
        return
    with duckdb.connect() as db:
        db.execute("set timezone = 'America/New_York'")
        yield lambda frame: nw.from_native(db.from_arrow(frame.to_arrow()))


class Specification:
    """A KPI asked about a literal table."""

    def __init__(self, on_engine) -> None:
        self._on_engine = on_engine

    def mart(self, table):
        """The table as a mart; text or a Polars frame."""
        return self._on_engine(mart_from(table) if isinstance(table, str) else table)

    def rows(self, kpi_id, table, *, as_of=AS_OF, **asked):
        """Rows of evaluate() as tuples: group values, period, value, numerator, denominator, open cases."""
        found = evaluate(find_kpi(kpi_id), self.mart(table), Selection(**asked), as_of=as_of)
        return [tuple(row.values()) for row in found.collect("pyarrow").rows(named=True)]

    def value(self, kpi_id, table, **asked):
        """The one row of an ungrouped value."""
        (row,) = self.rows(kpi_id, table, **asked)
        return row

    def excluded(self, kpi_id, table, **asked):
        """The counts of the exclusions that left something out."""
        return [n for _, n in exclusions(find_kpi(kpi_id), self.mart(table), Selection(**asked))]

    def cases(self, kpi_id, table, **asked):
        """Rows of cases(), by case key."""
        found = cases(find_kpi(kpi_id), self.mart(table), Selection(**asked)).collect("pyarrow").rows(named=True)
        return {row["case_key"]: row for row in found}

    def readiness(self, kpi_id, table, failed=(), **asked):
        """The verdict of assess()."""
        return assess(find_kpi(kpi_id), self.mart(table), Selection(**asked), failed)


@pytest.fixture
def spec(on_engine):
    return Specification(on_engine)
