"""Time in the simulation: epoch milliseconds inside, the hospital's wall clock on paper. No randomness, no files.

The simulation's clock counts whole milliseconds since 1970 (UTC), so nothing is ever lost to rounding. Clinical times
are written in whole seconds, engine times in milliseconds, both with the zone's offset: an instant is floored once,
here, and the truth is computed from the same floored instant.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONE = "America/New_York"
START = date(2025, 10, 13)
"""A Monday, three weeks before the clocks go back."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_ZONE = ZoneInfo(ZONE)
_TWO = [f"{n:02d}" for n in range(60)]


def to_ms(local: datetime) -> int:
    """Epoch milliseconds of a wall-clock time in the hospital's zone (of a doubled hour: the first)."""
    return round(local.replace(tzinfo=_ZONE).timestamp() * SECOND)


def midnight(day: date) -> int:
    """Epoch milliseconds of the local midnight that begins `day`."""
    return to_ms(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - to_ms adds the zone


@cache
def _local_hour(hour: int) -> tuple[str, str, int, int]:
    """Of one hour since 1970: text up to the hour, offset text, hour of the week (Monday 00 = 0), local day ordinal.

    Whole UTC hours are whole local hours because the zone's offsets are whole hours.
    """
    at = datetime.fromtimestamp(hour * 3600, UTC).astimezone(_ZONE)
    text = at.isoformat()
    return text[:14], text[-6:], at.weekday() * 24 + at.hour, at.toordinal()


def hour_of_week(ms: int) -> int:
    """0 (Monday, midnight to one) to 167, by the wall clock."""
    return _local_hour(ms // HOUR)[2]


def local_date(ms: int) -> date:
    """The hospital's calendar day of an instant."""
    return date.fromordinal(_local_hour(ms // HOUR)[3])


def instant(ms: int) -> str:
    """FHIR instant in whole seconds (floored), with the offset in force: `2025-11-02T01:30:00-04:00`."""
    before, offset, _, _ = _local_hour(ms // HOUR)
    seconds = ms // SECOND % 3600
    return f"{before}{_TWO[seconds // 60]}:{_TWO[seconds % 60]}{offset}"


def instant_ms(ms: int) -> str:
    """The same in milliseconds: `2025-11-02T01:30:00.123-04:00`."""
    before, offset, _, _ = _local_hour(ms // HOUR)
    seconds = ms // SECOND % 3600
    return f"{before}{_TWO[seconds // 60]}:{_TWO[seconds % 60]}.{ms % SECOND:03d}{offset}"


def hl7_time(ms: int) -> str:
    """HL7 v2 time in milliseconds with offset: `20251102013000.123-0400`."""
    before, offset, _, _ = _local_hour(ms // HOUR)
    seconds = ms // SECOND % 3600
    day = before[:4] + before[5:7] + before[8:10] + before[11:13]
    return f"{day}{_TWO[seconds // 60]}{_TWO[seconds % 60]}.{ms % SECOND:03d}{offset[:3]}{offset[4:]}"


def whole_second(ms: int) -> int:
    """The instant as it is written in clinical files: floored to the second, in milliseconds."""
    return ms - ms % SECOND


@dataclass(frozen=True)
class Calendar:
    """The days of a run. `warm_up` days before `start` are simulated too, so that no hospital opens empty."""

    days: int
    start: date = START
    warm_up: int = 10
    begin_ms: int = field(init=False)
    start_ms: int = field(init=False)
    end_ms: int = field(init=False)
    week_starts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "begin_ms", midnight(self.start - timedelta(days=self.warm_up)))
        object.__setattr__(self, "start_ms", midnight(self.start))
        object.__setattr__(self, "end_ms", midnight(self.end))
        weeks = range(0, self.days, 7)
        object.__setattr__(self, "week_starts", tuple(midnight(self.start + timedelta(days=n)) for n in weeks))

    @property
    def end(self) -> date:
        """The first day after the run; its midnight is the data cut."""
        return self.start + timedelta(days=self.days)

    def day(self, n: int) -> date:
        """The `n`-th day of the run, from 0."""
        return self.start + timedelta(days=n)

    def week_of(self, ms: int) -> int | None:
        """Index of the week an instant falls in; None before the start and from the data cut on."""
        if not self.start_ms <= ms < self.end_ms:
            return None
        return bisect_right(self.week_starts, ms) - 1
