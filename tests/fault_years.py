"""Months of flows with planted faults, built into incidents and compared with what was planted."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

import duckdb

from models import times
from models.catalog import build_order, upstream
from models.raw import RAW_TABLES
from sample_data.clock import ZONE
from sample_data.flow_faults import KINDS
from sample_data.flow_years import FlowYears, flow_years

AFTER = timedelta(hours=2)
"""So long after a fault is over, trouble still comes of it: what was kept back is sent, queues run empty."""


@dataclass
class Score:
    """What was found of what was planted, over any number of runs."""

    planted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    seen: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    delays: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    starts: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    ends: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    affected: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    flow_years: float = 0.0

    @property
    def recall(self) -> float:
        """Share of the planted faults that an incident of the same kind tells of."""
        return sum(self.found.values()) / sum(self.planted.values())

    @property
    def false_per_flow_year(self) -> float:
        """Incidents that overlap no planted fault of their flow, for each flow and year."""
        return len(self.false) / self.flow_years

    def add(self, seed, run: FlowYears, incidents):
        """Count one run."""
        self.flow_years += run.flows * run.days / 365
        matched = set()
        for fault in run.planted:
            begin, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (fault.begin, fault.end))
            self.planted[fault.kind] += 1
            overlapping = [
                row
                for row in incidents
                if row["channel"] == f"F{fault.flow}" and row["started_at"] < end + AFTER and row["ended_at"] > begin
            ]
            matched |= {row["incident_id"] for row in overlapping}
            named = [row for row in overlapping if row["kind"] == fault.kind and row["started_at"] < end]
            self.seen[fault.kind] += bool(overlapping)
            if not named:
                self.missed.append(
                    f"{seed} F{fault.flow} {fault.kind} {begin:%d %b %H:%M} {(end - begin)} strength {fault.strength:.2f} "
                    f"affected {fault.affected} seen as {[row['kind'] for row in overlapping]}"
                )
                continue
            first = min(named, key=lambda row: row["started_at"])
            self.found[fault.kind] += 1
            self.starts[fault.kind].append((first["started_at"] - begin).total_seconds() / 60)
            self.delays[fault.kind].append((first["detected_at"] - begin).total_seconds() / 60)
            self.ends[fault.kind].append((first["ended_at"] - end).total_seconds() / 60)
            self.affected[fault.kind].append(first["messages_affected"] / max(1, fault.affected))
        self.false += [
            f"{seed} {row['channel']} {row['kind']} {row['started_at']:%d %b %H:%M} to {row['ended_at']:%d %b %H:%M} "
            f"seen {row['seen']} expected {row['expected']} affected {row['messages_affected']}"
            for row in incidents
            if row["incident_id"] not in matched
        ]

    def lines(self):
        """The score as a table, a line each kind."""
        heads = ("planted", "named", "seen", "recall", "start", "known", "known 95", "end", "affected")
        yield f"{'kind':<14}" + "".join(f"{head:>10}" for head in heads)
        for kind in KINDS:
            planted, late = self.planted[kind], sorted(self.delays[kind]) or [0.0]
            minutes = (
                median(self.starts[kind] or [0]),
                median(late),
                late[int(len(late) * 0.95)],
                median(self.ends[kind] or [0]),
            )
            yield (
                f"{kind:<14}{planted:>10}{self.found[kind]:>10}{self.seen[kind]:>10}{self.found[kind] / max(1, planted):>10.1%}"
                + "".join(f"{each:>9.0f}m" for each in minutes)
                + f"{median(self.affected[kind] or [0]):>9.2f}x"
            )
        yield (
            f"recall {self.recall:.1%}; {len(self.false)} false incidents in {self.flow_years:.0f} flow-years: "
            f"{self.false_per_flow_year:.2f} a flow and year"
        )


def warehouse(run: FlowYears) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with the run's events and registry, and every table that incidents are made from."""
    db = duckdb.connect()
    db.execute(f"set timezone = '{ZONE}'")
    for layer in ("raw", "staging", "marts"):
        db.execute(f"create schema {layer}")
    for statement in (*times.MACROS, *RAW_TABLES.values()):
        db.execute(statement)
    events = run.events.to_arrow()
    db.register("events", events)
    db.execute("insert into raw.interface_event by name from events")
    db.unregister("events")
    for begin, end in run.downtimes:
        db.execute(
            "insert into raw.registry_downtime (source, starts_at, ends_at) values ('engine', $1, $2)", [begin, end]
        )
    for day in run.holidays:
        db.execute("insert into raw.registry_holiday values ($1)", [day])
    as_of = db.sql("select max(occurred_at) from raw.interface_event").fetchall()[0][0]
    wanted = upstream("marts.interface_incident")
    for table in build_order():
        if table.full_name in wanted:
            bound = {**dict.fromkeys(table.parameters, 60), "as_of": as_of, "zones": {"key": [], "value": []}}
            db.execute(
                f"create table {table.full_name} as {table.query}", {name: bound[name] for name in table.parameters}
            )
    return db


def incidents(db):
    """The incidents, as dictionaries."""
    return db.sql("select * from marts.interface_incident").pl().to_dicts()


def score(seeds, **size) -> Score:
    """How well the incidents of these seeds tell what was planted."""
    total = Score()
    for seed in seeds:
        run = flow_years(seed, **size)
        with warehouse(run) as db:
            total.add(seed, run, incidents(db))
    return total
