"""The appointment book: outpatient appointments made, moved and cancelled, and the messages that tell the EHR.

Appointments belong to no visit of this hospital, so no journey holds them: they are traffic of one channel, in office
hours, that stops at night and at weekends without anything being wrong.
"""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.clock import HOUR, hour_of_week
from sample_data.hospital import Hospital
from sample_data.people import POPULATION, person_of

OPEN_HOURS = range(8, 18)
WEEKDAYS = 5
PER_HOUR = 9.0
"""Messages in an hour of opening on a weekday; at night and at weekends there are none."""
KINDS, SHARES = ("SIU^S12", "SIU^S13", "SIU^S15"), (0.70, 0.18, 0.12)
"""Booked, rescheduled, cancelled."""


class Scheduling:
    """The appointment book of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("scheduling")
        self._booked = 0
        hospital.env.process(self._messages())

    def _messages(self) -> Generator[Event, Any, None]:
        hospital, env, draw = self._hospital, self._hospital.env, self._draw
        while True:
            yield env.timeout(round(draw.expovariate(PER_HOUR / HOUR)) + 1)
            day, hour = divmod(hour_of_week(env.now), 24)
            silent = hospital.plants.feeds.is_silent(hospital.facility.index, env.now)
            if day < WEEKDAYS and hour in OPEN_HOURS and not silent:
                self._send()

    def _send(self) -> None:
        hospital, draw = self._hospital, self._draw
        kind = draw.choices(KINDS, SHARES)[0]
        self._booked += 1
        prefix = hospital.facility.prefix
        person = person_of(prefix, draw.randint(1, POPULATION), hospital.seed)
        number = f"{prefix}S{self._booked:07d}"
        hospital.engine.send("SCHED", kind, hospital.env.now, person, number, detail=f"SCH|{number}|{number}\r")
