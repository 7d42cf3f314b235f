"""The defects that are planted on purpose, where in the run they lie, and how truth.json records them.

All places are fractions of the run, so that a short run has every defect; a run that is too short for one says so.
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from sample_data.clock import HOUR, Calendar, instant, midnight, to_ms
from sample_data.delivery import PACKINGS
from sample_data.feeds import FeedPlants
from sample_data.relay import RELAY, RELAYED
from sample_data.shapes import ShapePlants

OUTAGE_HOURS = 9
IDLE_PILOT_MINUTES = 0
"""What the second pilot changes: nothing."""
PILOT_WARD = "4n"
IDLE_PILOT_WARD = "mu"
PILOT_MINUTES = 35
"""How much sooner a patient of the pilot ward leaves after the discharge order, exactly."""
OVERLOOKED = (3, 12)
"""Hours before the end of the run: critical results verified between them get no task, and nobody acknowledges them."""
TOLD_LATE = 199
"""One order in so many stays active for hours after its report is final."""
TELEPHONED = 307
"""Of one order in so many, and of one result, no message is ever sent: people telephone."""
LOST_RESULTS, LOST_HOURS = 111, range(8, 18)
"""Of so many results of a ward one is lost between two engines, in hours in which many others come; none that the audit trail tells of."""
UNTOLD, WRONG_MESSAGE = 89, 23
"""Of so many emergency visits one ends without a discharge message; of so many stays one gets that of somebody else, or a transfer's."""
FULFIL_TASKS = 12
"""One imaging order in so many is somebody's task; of four such tasks one is closed hours too late."""
AUDITED = 3
"""Of so many results of the first facility, the audit trail shows the first opening of one."""
SHORTEST = 5
"""Days a run needs for any defect that spans days."""
FORGOTTEN_DAY, FULL_DAY = 2, 4
"""Days of the run: a mistake that the server removes silently, and the end of the day whose full export no longer has it."""
SHORTEST_WITH_NOONS = 10
"""Days a run needs for the exports that somebody asks for at noon, each on a day of its own."""


@dataclass(frozen=True)
class Plants:
    """When each planted defect happens, in epoch milliseconds or days of the run; None where the run is too short."""

    calendar: Calendar
    facilities: int
    outage: tuple[int, int] | None = field(init=False)
    again_day: int | None = field(init=False)
    overlap_day: int | None = field(init=False)
    fast_track_ms: int | None = field(init=False)
    date_only: tuple[int, int] | None = field(init=False)
    pilot_ms: int | None = field(init=False)
    idle_pilot_ms: int | None = field(init=False)
    merge_ms: int | None = field(init=False)
    erroneous_days: tuple[int, ...] = field(init=False)
    full_day: int | None = field(init=False)
    feeds: FeedPlants = field(init=False)
    shapes: ShapePlants = field(init=False)
    noons: dict[int, str] = field(init=False)
    """Packing of the export that somebody asks for at noon, by day of the run."""

    def __post_init__(self) -> None:
        days, long_enough, both = self.calendar.days, self.calendar.days >= SHORTEST, self.facilities > 1
        values: dict[str, Any] = {
            "feeds": FeedPlants(self.calendar, self.facilities),
            "shapes": ShapePlants(self.calendar, self.facilities),
            "outage": self._outage(round(days * 0.39)) if long_enough else None,
            "again_day": round(days * 0.30) if long_enough else None,
            "overlap_day": max(3, round(days * 0.34)) if long_enough else None,
            "fast_track_ms": self._at(days - max(1, round(days * 21 / 182)), 9) if long_enough and both else None,
            "date_only": self._days(round(days * 0.55), max(1, round(days * 9 / 182)))
            if long_enough and both
            else None,
            "full_day": FULL_DAY if long_enough else None,
            "pilot_ms": self._at(days // 2, 0) if long_enough else None,
            "idle_pilot_ms": self._at(self._monday(days * 0.4), 0) if long_enough and both else None,
            "merge_ms": self._at(max(1, round(days * 0.25)), 14) if long_enough else None,
            "erroneous_days": tuple(sorted({round(days * x) for x in (0.2, 0.45, 0.7)})) if long_enough else (),
            "noons": {round(days * (0.14 + 0.12 * n)): packing for n, packing in enumerate(PACKINGS)}
            if days >= SHORTEST_WITH_NOONS
            else {},
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def is_long_enough(self) -> bool:
        """Whether the run has the defects that need some days."""
        return self.calendar.days >= SHORTEST

    @staticmethod
    def _monday(day: float) -> int:
        """The Monday nearest to this day of the run, which begins on a Monday; the day itself in a run of a few days."""
        return round(day / 7) * 7 or round(day)

    def _at(self, day: int, hour: int) -> int:
        return to_ms(datetime.combine(self.calendar.day(day), time(hour)))

    def _overlooked(self) -> tuple[int, int]:
        return self.calendar.end_ms - OVERLOOKED[1] * HOUR, self.calendar.end_ms - OVERLOOKED[0] * HOUR

    def _outage(self, day: int) -> tuple[int, int]:
        begin = self._at(day, 16)
        return begin, begin + OUTAGE_HOURS * HOUR

    def _days(self, day: int, length: int) -> tuple[int, int]:
        return midnight(self.calendar.day(day)), midnight(self.calendar.day(day + length))

    def is_date_only(self, facility: int, ms: int) -> bool:
        """Whether a report of this facility verified at this instant is written without a time."""
        return facility == 1 and self.date_only is not None and self.date_only[0] <= ms < self.date_only[1]

    def is_overlooked(self, ms: int) -> bool:
        """Whether a critical result verified at this instant is shown to nobody: those of the night before the last midnight."""
        return self.is_long_enough and OVERLOOKED[0] * HOUR <= self.calendar.end_ms - ms < OVERLOOKED[1] * HOUR

    def is_told_late(self, words: int) -> bool:
        """Whether an order hears hours late that its result is final."""
        return self.is_long_enough and words % TOLD_LATE == 0

    def is_telephoned(self, words: int, what: str) -> bool:
        """Whether no message of an order, or of its result, is ever sent."""
        return self.is_long_enough and words % TELEPHONED == ("order", "result").index(what) + 1

    def is_lost(self, words: int, hour: int) -> bool:
        """Whether the message of this order's result, sent in this hour of the day, never comes to the second of two engines."""
        return self.is_long_enough and words % LOST_RESULTS == 1 and hour in LOST_HOURS

    def is_task(self, words: int) -> bool:
        """Whether an imaging order is also somebody's task."""
        return self.is_long_enough and words % FULFIL_TASKS == 0

    def is_task_forgotten(self, words: int) -> bool:
        """Whether such a task is closed hours after its order is completed."""
        return words % (4 * FULFIL_TASKS) == 0

    def is_audited(self, facility: int, words: int) -> bool:
        """Whether the audit trail tells when this order's result is first opened: only the first facility's tells any."""
        return facility == 0 and words % AUDITED == 0

    def is_untold(self, words: int) -> bool:
        """Whether no message says that this emergency visit is over."""
        return self.is_long_enough and words % UNTOLD == 1

    def wrong_message(self, number: int) -> str | None:
        """The message that somebody sends for the wrong patient: of a discharge or of a transfer; of most stays none."""
        return {1: "A03", 2: "A02"}.get(number % WRONG_MESSAGE) if self.is_long_enough else None

    def fast_track_open(self, facility: int, ms: int) -> bool:
        """Whether the second facility's fast track, which no export ever explains, sees patients."""
        return facility == 1 and self.fast_track_ms is not None and ms >= self.fast_track_ms

    def pilot_runs(self, facility: int, ward: str, ms: int) -> bool:
        """Whether a discharge order written now on this ward is hurried by the pilot."""
        return facility == 0 and ward == PILOT_WARD and self.pilot_ms is not None and ms >= self.pilot_ms

    def noon(self, day: int) -> tuple[int, str] | None:
        """When on this day of the run somebody asks for an export, and how it is packed."""
        return (self._at(day, 12), self.noons[day]) if day in self.noons else None

    def export_day(self, day: int | None) -> str | None:
        """Folder of the export that closes the `day`-th day."""
        return None if day is None else (self.calendar.day(day) + timedelta(days=1)).isoformat()

    def record(self, names: tuple[str, ...], details: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """The `planted` list of truth.json; `details` adds what only the finished run knows, by kind."""
        first, second = names[0], names[1] if len(names) > 1 else None
        again, overlap = self.export_day(self.again_day), self.export_day(self.overlap_day)
        rows: list[tuple[str, str | None, tuple[str, str] | None, dict[str, Any]]] = [
            ("adt_outage", first, self._written(self.outage), {"channel": "ADT-OUT"}),
            ("duplicate_export", None, (again, again) if again else None, {"folder": f"{again}-again"}),
            (
                "overlapping_export",
                None,
                (overlap, overlap) if overlap else None,
                {"folder": f"{overlap}-overlap", "days": 3},
            ),
            ("missing_locations", second, self._from(self.fast_track_ms), {"area": "ED Fast Track"}),
            ("date_only_issued", second, self._written(self.date_only), {"type": "DiagnosticReport"}),
            ("discharge_pilot", first, self._from(self.pilot_ms), {"ward": PILOT_WARD, "minutes": PILOT_MINUTES}),
            (
                "pilot_without_effect",
                second,
                self._from(self.idle_pilot_ms),
                {"ward": IDLE_PILOT_WARD, "minutes": IDLE_PILOT_MINUTES},
            ),
            (
                "overlooked_results",
                None,
                self._written(self._overlooked()) if self.is_long_enough else None,
                {"kinds": ["no_task", "critical_unanswered"]},
            ),
            (
                "message_never_seen",
                None,
                self._from(self.calendar.start_ms) if self.is_long_enough else None,
                {"what": ["order", "result"]},
            ),
            (
                "status_disagreement",
                None,
                self._from(self.calendar.start_ms) if self.is_long_enough else None,
                {"pairs": ["laboratory", "discharge", "move", "task"]},
            ),
            (
                "message_lost",
                first,
                self._from(self.calendar.start_ms),
                {"channel": "ROUTER", "next_channel": "ADT-OUT"},
            ),
            (
                "message_lost",
                first,
                self._from(self.calendar.start_ms) if self.is_long_enough else None,
                {"channel": RELAYED, "next_channel": RELAY},
            ),
            *self._too_short(),
            ("unregistered_channel", first, self._from(self.calendar.start_ms), {"channel": "PHARM-TEST"}),
        ]
        record = []
        for kind, facility, span, more in rows:
            row: dict[str, Any] = {"kind": kind, "facility": facility, "from": None, "to": None}
            if span:
                record.append({**row, "from": span[0], "to": span[1], **more, **details.get(kind, {})})
            else:
                record.append({**row, "absent": "the run is too short or has too few facilities"})
        return record + [row for rows in details.get("more", {}).values() for row in rows]

    def _too_short(self) -> list[tuple[str, str | None, None, dict[str, Any]]]:
        """What the run itself records where it happens, and only its absence here."""
        return [] if self.noons else [("packed_export", None, None, {})]

    @staticmethod
    def _written(span: tuple[int, int] | None) -> tuple[str, str] | None:
        return span and (instant(span[0]), instant(span[1]))

    def _from(self, begin: int | None) -> tuple[str, str] | None:
        return None if begin is None else (instant(begin), instant(self.calendar.end_ms))
