"""What is planted in the message feeds: a channel that falls silent, a retry storm, a day of another message format, a burst of
errors, a backlog, answers that become slow.

Here: where in the run they lie, and how truth.json records them. Not here: what they do (`scheduling`, `engine`).
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sample_data.clock import HOUR, MINUTE, Calendar, instant, midnight, to_ms

SHORTEST = 5
"""Days a run needs for any of them."""
SILENT_CHANNEL, STORM_LINE, DRIFT_CHANNEL = "SCHED", ("RESULTS", "EHR"), "RESULTS"
BURST_LINE, BACKLOG_LINE, SLOW_LINE = ("ADT", "LIS"), ("ADT", "LIS"), ("SCHED", "EHR")
_SILENT_MINUTES, _STORM_HOURS, _BURST_HOURS, _BACKLOG_HOURS, _SLOW_HOURS = 270, 5, 4, 4, 7
_SATURDAY = 5

Span = tuple[int, int]
NEVER: Span = (0, 0)


@dataclass(frozen=True)
class FeedPlants:
    """When each defect of a feed happens; spans are epoch milliseconds, None where the run has no room for it."""

    calendar: Calendar
    facilities: int

    @property
    def _has_room(self) -> bool:
        return self.calendar.days >= SHORTEST

    @property
    def silent(self) -> Span | None:
        """The first facility's appointment book sends nothing from 12:40 to 17:10 of a busy weekday."""
        if not self._has_room:
            return None
        begin = self._at(self._weekday(round(self.calendar.days * 0.5)), time(12, 40))
        return begin, begin + _SILENT_MINUTES * MINUTE

    @property
    def storm(self) -> Span | None:
        """The second facility's engine hammers the EHR with results: no pause between attempts, and no end to them."""
        if not self._has_room or self.facilities == 1:
            return None
        begin = self._at(self._weekday(round(self.calendar.days * 0.6)), time(12))
        return begin, begin + _STORM_HOURS * HOUR

    @property
    def drift(self) -> Span | None:
        """A day on which results come in a newer format with a segment nobody expects, at every facility."""
        day = self._weekday(round(self.calendar.days * 0.7))
        return (midnight(self.calendar.day(day)), midnight(self.calendar.day(day + 1))) if self._has_room else None

    @property
    def burst(self) -> Span | None:
        """The second facility's laboratory refuses more than half of what it is told about patients, for an afternoon."""
        return self._working_hours(0.8, time(13), _BURST_HOURS, facilities=2)

    @property
    def backlog(self) -> Span | None:
        """The first facility's laboratory takes one message every ten minutes, and more come; its engine's channel there is ADT-OUT."""
        return self._working_hours(0.85, time(13), _BACKLOG_HOURS, facilities=1)

    @property
    def slow(self) -> Span | None:
        """The third facility's EHR answers what the appointment book sends twelve times as slowly, for most of a day."""
        return self._working_hours(0.9, time(10), _SLOW_HOURS, facilities=3)

    def of_line(self, facility: int, line: tuple[str, str]) -> dict[str, Span]:
        """What happens to this facility's line to a destination, by its name in `Connector.plan`."""
        planted = {
            "storm": (1, STORM_LINE, self.storm),
            "burst": (1, BURST_LINE, self.burst),
            "backlog": (0, BACKLOG_LINE, self.backlog),
            "slow": (2, SLOW_LINE, self.slow),
        }
        return {name: span for name, (where, its, span) in planted.items() if span and (where, its) == (facility, line)}

    def is_silent(self, facility: int, ms: int) -> bool:
        """Whether this facility's appointment book keeps its news to itself now."""
        return facility == 0 and self.silent is not None and self.silent[0] <= ms < self.silent[1]

    def record(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Rows of the `planted` list of truth.json."""
        rows: list[tuple[str, str | None, Span | None, dict[str, str]]] = [
            ("silent_feed", names[0], self.silent, {"channel": SILENT_CHANNEL}),
            (
                "retry_storm",
                _name(names, 1),
                self.storm,
                _line(STORM_LINE),
            ),
            ("schema_drift", None, self.drift, {"channel": DRIFT_CHANNEL}),
            ("error_burst", _name(names, 1), self.burst, _line(BURST_LINE)),
            ("backlog", _name(names, 0), self.backlog, _line(BACKLOG_LINE) | {"channel": "ADT-OUT"}),
            ("latency_shift", _name(names, 2), self.slow, _line(SLOW_LINE)),
        ]
        record: list[dict[str, Any]] = []
        for kind, facility, span, more in rows:
            when = {"from": instant(span[0]), "to": instant(span[1])} if span else {"from": None, "to": None}
            absent = {} if span else {"absent": "the run is too short or has too few facilities"}
            record.append({"kind": kind, "facility": facility, **when, **more, **absent})
        return record

    def _working_hours(self, share: float, begin: time, hours: int, *, facilities: int) -> Span | None:
        """So many hours of the weekday that lies at this share of the run."""
        if not self._has_room or self.facilities < facilities:
            return None
        at = self._at(self._weekday(round(self.calendar.days * share)), begin)
        return at, at + hours * HOUR

    def _at(self, day: int, hour: time) -> int:
        return to_ms(datetime.combine(self.calendar.day(day), hour))

    def _weekday(self, day: int) -> int:
        """The day itself, or the weekday before it."""
        return day - max(0, self.calendar.day(day).weekday() - _SATURDAY + 1)


def _name(names: tuple[str, ...], facility: int) -> str | None:
    return names[facility] if len(names) > facility else None


def _line(line: tuple[str, str]) -> dict[str, str]:
    """How truth.json names a line."""
    return {"channel": line[0], "destination": line[1]}
