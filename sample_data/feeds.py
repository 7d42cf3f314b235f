"""What is planted in the message feeds: a channel that falls silent, a retry storm, a day of another message format.

Here: where in the run they lie, and how truth.json records them. Not here: what they do (`scheduling`, `engine`).
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sample_data.clock import HOUR, MINUTE, Calendar, instant, midnight, to_ms

SHORTEST = 5
"""Days a run needs for any of them."""
SILENT_CHANNEL, STORM_LINE, DRIFT_CHANNEL = "SCHED", ("RESULTS", "EHR"), "RESULTS"
_SILENT_MINUTES, _STORM_HOURS = 270, 5
_SATURDAY = 5

Span = tuple[int, int]


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

    def is_silent(self, facility: int, ms: int) -> bool:
        """Whether this facility's appointment book keeps its news to itself now."""
        return facility == 0 and self.silent is not None and self.silent[0] <= ms < self.silent[1]

    def record(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Rows of the `planted` list of truth.json."""
        rows: list[tuple[str, str | None, Span | None, dict[str, str]]] = [
            ("silent_feed", names[0], self.silent, {"channel": SILENT_CHANNEL}),
            (
                "retry_storm",
                names[1] if len(names) > 1 else None,
                self.storm,
                {"channel": STORM_LINE[0], "destination": STORM_LINE[1]},
            ),
            ("schema_drift", None, self.drift, {"channel": DRIFT_CHANNEL}),
        ]
        record: list[dict[str, Any]] = []
        for kind, facility, span, more in rows:
            when = {"from": instant(span[0]), "to": instant(span[1])} if span else {"from": None, "to": None}
            absent = {} if span else {"absent": "the run is too short or has too few facilities"}
            record.append({"kind": kind, "facility": facility, **when, **more, **absent})
        return record

    def _at(self, day: int, hour: time) -> int:
        return to_ms(datetime.combine(self.calendar.day(day), hour))

    def _weekday(self, day: int) -> int:
        """The day itself, or the weekday before it."""
        return day - max(0, self.calendar.day(day).weekday() - _SATURDAY + 1)
