"""A test channel that someone left running between the EHR and the pharmacy system, and that no registry knows."""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.clock import HOUR
from sample_data.hospital import Hospital


class PharmacyTest:
    """A few test messages a day, about people who exist."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("pharmacy")
        hospital.env.process(self._messages())

    def _messages(self) -> Generator[Event, Any, None]:
        hospital, env = self._hospital, self._hospital.env
        while True:
            yield env.timeout(round(self._draw.expovariate(1 / (6 * HOUR))) + 1)
            person = hospital.person()
            number = f"{hospital.facility.prefix}T{hospital.number('test'):07d}"
            hospital.engine.send("PHARM-TEST", "RDE^O11", env.now, person, number, detail="ORC|NW|TEST\r")
