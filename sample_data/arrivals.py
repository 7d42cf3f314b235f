"""When people come to the emergency department and how ill they are: a Poisson stream with a weekly rhythm."""

from collections.abc import Generator
from random import Random
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import DAY, hour_of_week
from sample_data.hospital import Hospital

HOURLY = (
    0.55, 0.45, 0.40, 0.36, 0.36, 0.42, 0.58, 0.85, 1.15, 1.40, 1.52, 1.55,
    1.50, 1.45, 1.42, 1.38, 1.38, 1.42, 1.48, 1.45, 1.30, 1.10, 0.85, 0.68,
)  # fmt: skip
"""Relative rate by hour of the day; the mean is one."""
DAILY = (1.12, 1.03, 0.99, 0.97, 0.98, 0.96, 0.95)
"""Relative rate from Monday to Sunday."""
ACUITY = ((1, 0.01), (2, 0.14), (3, 0.43), (4, 0.31), (5, 0.11))
MODES = {1: 0.85, 2: 0.45, 3: 0.22, 4: 0.06, 5: 0.03}
"""Share that comes by ambulance, by acuity."""
WINTER_BUMP, WINTER_WEEKS = 0.06, (3, 9)
"""More people in nine weeks from the third last week of the year on."""
PATIENCE = {3: 290, 4: 170, 5: 145}
"""Median minutes until someone gives up waiting for a room; the very ill do not."""
WEEK = 7 * DAY
_HOURLY_MEAN = sum(HOURLY) / 24
_PEAK = max(HOURLY) / _HOURLY_MEAN * max(DAILY) * 1.25


def rate(hour: int) -> float:
    """Relative arrival rate in an hour of the week (0 = Monday, midnight to one)."""
    return HOURLY[hour % 24] / _HOURLY_MEAN * DAILY[hour // 24]


class Arrivals:
    """The stream of people at the door of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("arrivals")
        self._crowd = hospital.stream("crowding")
        self._week, self._factor, self._drift = -1, 1.0, 0.0

    def crowding(self, now: int) -> float:
        """How busy this week is: a slow random walk around one, kept within a fifth, with a bump in midwinter."""
        week = (now + 4 * DAY) // WEEK
        while self._week < week:
            self._week = week if self._week < 0 else self._week + 1
            self._drift = 0.6 * self._drift + self._crowd.gauss(0.0, 0.055)
            winter = WINTER_BUMP if (self._week + WINTER_WEEKS[0]) % 52 < WINTER_WEEKS[1] else 0.0
            self._factor = min(1.2, max(0.84, 1.0 + self._drift + winter))
        return self._factor

    def people(self) -> Generator[Event, Any, Any]:
        """Wait until the next person is at the door; used with `yield from`."""
        env, draw = self._hospital.env, self._draw
        peak = self._hospital.facility.visits_per_day / DAY * _PEAK
        while True:
            yield env.timeout(max(1, round(draw.expovariate(peak))))
            relative = rate(hour_of_week(env.now)) * self.crowding(env.now)
            if draw.random() * _PEAK < relative:
                return


def acuity_of(draw: Random) -> int:
    """Emergency severity index, 1 (immediate) to 5."""
    chance = draw.random()
    for level, share in ACUITY:
        if chance < share:
            return level
        chance -= share
    return ACUITY[-1][0]


def mode_of(draw: Random, acuity: int) -> str:
    """How the person came: ambulance, transfer or walk-in."""
    if happens(draw, MODES[acuity]):
        return "ambulance"
    return "transfer" if happens(draw, 0.02) else "walk-in"


def patience_of(draw: Random, acuity: int) -> int | None:
    """How long someone waits for a room before leaving, in milliseconds; the very ill do not leave."""
    return about(draw, PATIENCE[acuity], 0.55) if acuity in PATIENCE else None
