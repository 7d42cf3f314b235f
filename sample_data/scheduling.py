"""The appointment book: outpatient appointments made, moved and cancelled, and the messages that tell the EHR.

Appointments belong to no visit of this hospital, so no journey holds them: they are traffic of one channel, in office
hours, that stops at night and at weekends without anything being wrong. The FHIR server of the hospital knows some of
them, and follows them from the booking to the day itself.
"""

from collections.abc import Generator
from functools import partial
from typing import Any

from simpy import Event

from sample_data.chance import about, happens
from sample_data.clock import DAY, HOUR, MINUTE, hour_of_week, local_date, midnight
from sample_data.fhir_access import CANCELLED, NO_SHOW, appointment
from sample_data.hospital import Hospital
from sample_data.people import POPULATION, Person, person_of
from sample_data.records import Booking

OPEN_HOURS = range(8, 18)
WEEKDAYS = 5
PER_HOUR = 9.0
"""Messages in an hour of opening on a weekday; at night and at weekends there are none."""
KINDS, SHARES = ("SIU^S12", "SIU^S13", "SIU^S15"), (0.70, 0.18, 0.12)
"""Booked, rescheduled, cancelled."""
EXPORTED_EVERY = 4
"""One booking in so many is an Appointment on the FHIR server."""
LATEST_DAYS, CANCELLED_SHARE, NO_SHOW_SHARE = 6, 0.15, 0.1
"""How many days ahead people book, at most; who cancels and who does not come."""


class Scheduling:
    """The appointment book of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("scheduling")
        self._course = hospital.stream("appointments")
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
        if kind == KINDS[0] and self._booked % EXPORTED_EVERY == 0:
            hospital.env.process(self._appointment(person))

    def _appointment(self, person: Person) -> Generator[Event, Any, None]:
        """From the booking to the day itself: fulfilled, missed or cancelled before."""
        hospital, env, draw = self._hospital, self._hospital.env, self._course
        day = midnight(local_date(env.now + draw.randint(1, LATEST_DAYS) * DAY))
        start = day + draw.choice(OPEN_HOURS) * HOUR + draw.choice((0, 20, 40)) * MINUTE
        booking = Booking(hospital.ident("app"), person, hospital.clinician(), hospital.now, start, start + 20 * MINUTE)
        if hospital.plants.shapes.is_zone_less(hospital.facility.index, booking.created):
            hospital.trace.written["zone_less_time"] += 1
        hospital.save_patient(person)
        self._save(booking)
        ahead = start - env.now
        if happens(draw, CANCELLED_SHARE):
            yield env.timeout(round(ahead * draw.uniform(0.1, 0.9)))
            booking.status = CANCELLED
        elif happens(draw, NO_SHOW_SHARE):
            yield env.timeout(ahead + HOUR)
            booking.status = NO_SHOW
        else:
            yield env.timeout(ahead - draw.randint(1, 15) * MINUTE)
            booking.status = "arrived"
            self._save(booking)
            yield env.timeout(about(draw, 30, 0.3))
            booking.status = "fulfilled"
        self._save(booking)

    def _save(self, booking: Booking) -> None:
        hospital = self._hospital
        zone_less = hospital.plants.shapes.is_zone_less(hospital.facility.index, booking.created)
        render = partial(appointment, hospital.facility, booking, zone_less=zone_less)
        hospital.save("Appointment", booking.id, render)
