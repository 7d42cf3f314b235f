"""Run the simulated hospitals and write what they hand over, day by day. `simulate` is the only entry to this package.

The order of things within a midnight: everything before it has happened, then the export and the logs of the day are
written, then the next day begins. Memory holds what is going on and a small trace, never the files.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from sample_data import configuration
from sample_data.billing import Billing
from sample_data.clock import SECOND, ZONE, Calendar, instant, midnight
from sample_data.critical import WINDOW_MINUTES
from sample_data.emergency import Emergency
from sample_data.engine import Engine
from sample_data.engine_course import Message
from sample_data.engine_log import HOST_SKEW, EngineLog
from sample_data.export import TYPES, Export
from sample_data.facility import Facility
from sample_data.facility import facilities as facilities_of
from sample_data.fhir import locations, organizations, practitioner
from sample_data.files import write_file
from sample_data.handoff import ACCEPT_MINUTES, Handoffs
from sample_data.hl7 import SENDER_SKEW
from sample_data.hospital import Hospital
from sample_data.lab import Laboratory
from sample_data.letters import Letters
from sample_data.letters import source as process_engine
from sample_data.mirth import MirthLog
from sample_data.pharmacy import PharmacyTest
from sample_data.planted import Plants
from sample_data.radiology import Radiology
from sample_data.registration import Mistakes
from sample_data.relay import Relay, engines, handovers
from sample_data.roads import Roads
from sample_data.scheduling import Scheduling
from sample_data.staff import Simulation
from sample_data.stays import Stays
from sample_data.trace import Trace
from sample_data.truth import Truth
from sample_data.truth_times import times
from sample_data.truth_waits import access, late_waits, stages, waits
from sample_data.wards import Beds
from sample_data.work_queues import WorkQueues

UNREGISTERED_CHANNEL = "PHARM-TEST"


@dataclass(frozen=True)
class SimulationReport:
    """What a run made and how fast. `events` are engine log rows; both rates count from the start to the last file."""

    seconds: float
    resources: dict[str, int]
    messages: int
    events: int

    @property
    def resources_per_second(self) -> float:
        """FHIR lines written a second, exports delivered twice not counted."""
        return sum(self.resources.values()) / self.seconds

    @property
    def events_per_second(self) -> float:
        """Engine log rows written a second."""
        return self.events / self.seconds


def simulate(
    out: Path,
    *,
    days: int = 182,
    facilities: int = 3,
    seed: int = 7,
    roads: bool = False,
    progress: Callable[[float], None] | None = None,
) -> SimulationReport:
    """Simulate `days` days of `facilities` hospitals and write them under `out`; the same seed gives the same bytes.

    The registry, the settings and what people decided are there before the first day is, the answers after the last.
    With `roads` the first day of the last hospital is also written as other engines would have, a home of its own under `roads/`.

    `progress` is called after each day with the share done, 0 to 1.

    Raises:
        ValueError: `days` or `facilities` is below one.
    """
    if days < 1:
        raise ValueError(f"{days} days: a simulation needs at least 1.")
    began = time.perf_counter()
    run = _Run(out, Calendar(days), facilities_of(facilities), seed, roads=roads)
    run.configure()
    for day in range(days + 1):
        run.day(day)
        if progress:
            progress((day + 1) / (days + 1))
    run.finish()
    messages = len(run.trace.messages)
    events = sum(log.lines for log in run.logs)
    return SimulationReport(time.perf_counter() - began, dict(run.export.counts), messages, events)


class _Run:
    """The hospitals, their pens and the calendar of one run."""

    def __init__(
        self, out: Path, calendar: Calendar, facilities: tuple[Facility, ...], seed: int, *, roads: bool
    ) -> None:
        self._out, self._calendar, self._facilities, self._seed = out, calendar, facilities, seed
        self._plants = Plants(calendar, len(facilities))
        self._env = Simulation(initial_time=calendar.begin_ms)
        self.trace = Trace()
        self.export = Export(out / "fhir", self._plants)
        self.logs: list[MirthLog | EngineLog] = []
        self._letters: dict[str, Letters] = {}
        span = (calendar.start_ms, calendar.end_ms)
        self._roads = Roads(facilities[-1], out / "roads", span) if roads else None
        for resource in organizations(facilities, calendar.begin_ms):
            self.export.touch("Organization", resource["id"], calendar.begin_ms, lambda _, r=resource: r)
        self._hospitals = [self._open(facility) for facility in facilities]
        self._mistakes = Mistakes(self._plants, self._hospitals)

    def _open(self, facility: Facility) -> Hospital:
        begin, plants = self._calendar.begin_ms, self._plants
        folder, start_ms = self._out / "logs", self._calendar.start_ms
        logs = {
            each.source: (MirthLog if each.engine == "mirth" else EngineLog)(each, folder, start_ms)
            for each in engines([facility])
        }
        self.logs.extend(logs.values())
        relay = Relay(facility)
        on_roads = self._roads if facility is self._facilities[-1] else None

        def note(message: Message) -> None:
            if on_roads:
                on_roads.add(message)
            index = None if message.channel == UNREGISTERED_CHANNEL else facility.index
            for engine, here, hop in relay.logged(message):
                logs[engine.source].add(here)
                if here.received >= start_ms:
                    self.trace.message(index, engine.source, here, has_router=engine.engine == "mirth", hop=hop)

        outage = plants.outage if facility.index == 0 else None
        engine = Engine(facility, self._seed, (begin, self._calendar.end_ms), outage, note, plants.feeds)
        hospital = Hospital(self._env, facility, engine, self.export, self.trace, plants, self._seed)
        for resource in locations(facility, begin):
            self.export.touch("Location", resource["id"], begin, lambda _, r=resource: r)
        for person in hospital.practitioners:
            resource = practitioner(facility, person, begin)
            self.export.touch("Practitioner", resource["id"], begin, lambda _, r=resource: r)
        queues = WorkQueues(hospital)
        beds, handoffs, laboratory = Beds(hospital), Handoffs(hospital), Laboratory(hospital, queues)
        radiology = Radiology(hospital)
        stays = Stays(hospital, beds, handoffs, laboratory, radiology, queues)
        Emergency(hospital, beds, stays, handoffs, laboratory, radiology, queues)
        Scheduling(hospital)
        Billing(hospital)
        if facility.index == 0:
            PharmacyTest(hospital)
        if name := process_engine(facility):
            self._letters[name] = Letters(hospital, start_ms)
        return hospital

    def day(self, number: int) -> None:
        """Run up to the midnight that begins the `number`-th day of the run, then write what that midnight delivers."""
        until = midnight(self._calendar.day(number))
        if number and (noon := self._plants.noon(number - 1)):
            self._env.run(until=noon[0])
            self.export.write_extra(*noon)
            self.trace.exports.append(noon[0] // SECOND)
        self._env.run(until=until)
        self.export.write(until)
        self.trace.exports.append(until // SECOND)
        if number:
            begin = midnight(self._calendar.day(number) - timedelta(days=1))
            for log in self.logs:
                log.write_day(begin, until)

    def configure(self) -> None:
        """Write the hospital's own files."""
        write_file(self._out / "registry.toml", [configuration.registry(self._facilities).encode()])
        write_file(self._out / "wardflow.toml", [configuration.settings(self._facilities).encode()])
        write_file(
            self._out / "decisions.ndjson",
            [configuration.decisions(self._calendar, self._plants, self._facilities)],
        )

    def finish(self) -> None:
        """Write the answers."""
        if self._roads:
            self._roads.write()
        for name, letters in self._letters.items():
            letters.write(self._out / "logs" / name, self._calendar.end_ms)
        names = tuple(facility.name for facility in self._facilities)
        resources = {kind: self.export.counts[kind] for kind in TYPES}
        truth: dict[str, Any] = {
            "seed": self._seed,
            "zone": ZONE,
            "start": self._calendar.start.isoformat(),
            "end": self._calendar.end.isoformat(),
            "as_of": instant(self._calendar.end_ms),
            "facilities": names,
            "windows": {"critical_ack_minutes": WINDOW_MINUTES, "handoff_accept_minutes": ACCEPT_MINUTES},
            "counts": {
                "resources": resources,
                "messages": len(self.trace.messages),
                "events": sum(log.lines for log in self.logs),
            },
            "planted": self._plants.record(names, self._details()),
            "kpis": Truth(self.trace, self._calendar, self._facilities).kpis(),
            "access": access(self.trace, self._calendar, self._facilities),
            "waits": waits(self.trace, self._calendar, self._facilities),
            "times": times(self.trace, self._calendar, self._facilities),
            "late_waits": late_waits(self.trace, self._calendar, self._facilities),
            "stages": stages(self.trace, self._calendar, self._facilities),
            "handovers": handovers(self.trace.messages, self._facilities, self._calendar.end_ms),
        }
        write_file(self._out / "truth.json", [orjson.dumps(truth, option=orjson.OPT_INDENT_2), b"\n"])

    def _details(self) -> dict[str, Any]:
        """What only the finished run knows about its planted defects."""
        hidden_visits = sum(visit.hidden for visit in self.trace.visits)
        hidden_orders = sum(order.hidden for order in self.trace.orders)
        skews = [
            {"kind": "clock_skew", "facility": f.name, "from": None, "to": None, "host": host, "milliseconds": ms}
            for f in self._facilities
            if f.engine != "mirth"
            for host, ms in HOST_SKEW.items()
            if ms
        ]
        sender = {
            "kind": "clock_skew",
            "facility": None,
            "from": None,
            "to": None,
            "host": "EHR",
            "milliseconds": SENDER_SKEW,
        }
        names = tuple(facility.name for facility in self._facilities)
        return {
            "missing_locations": {"visits": hidden_visits},
            "date_only_issued": {"orders": hidden_orders},
            "more": {
                "skews": [sender, *skews],
                "deletions": self._mistakes.record(),
                "merges": self._mistakes.merged(),
                "feeds": self._plants.feeds.record(names),
                "shapes": self._plants.shapes.record(
                    names, self.trace.written, self.trace.undated, len(self.trace.upgraded)
                ),
                "absent": self._mistakes.absent(),
                "packed": self.export.packed(),
            },
        }
