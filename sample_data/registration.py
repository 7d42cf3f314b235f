"""Mistakes at the registration desk: a visit entered twice, found a day later and removed from the record system."""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.clock import DAY, HOUR, instant, midnight
from sample_data.emergency import EMERGENCY
from sample_data.hospital import Hospital
from sample_data.planted import Plants
from sample_data.records import Encounter

FOUND_AFTER = 26 * HOUR


class Mistakes:
    """The planted duplicates of all facilities; each is exported once and then deleted."""

    def __init__(self, plants: Plants, hospitals: list[Hospital]) -> None:
        self._deleted: list[dict[str, Any]] = []
        for hospital in hospitals:
            for day in plants.erroneous_days:
                at = midnight(plants.calendar.day(day)) + (11 + hospital.facility.index) * HOUR
                if at + FOUND_AFTER + DAY < plants.calendar.end_ms:
                    hospital.env.process(self._mistake(hospital, at))

    def _mistake(self, hospital: Hospital, at: int) -> Generator[Event, Any, None]:
        yield hospital.env.timeout(at - hospital.env.now)
        now, facility = hospital.now, hospital.facility
        visit = Encounter(
            id=hospital.ident("enc"),
            kind=EMERGENCY,
            number=f"{facility.prefix}V{hospital.number('visit'):07d}",
            person=hospital.person(),
            begin=now,
            status="arrived",
            mode="walk-in",
            acuity=4,
            words=1,
        )
        visit.move(facility.place("ed", "waiting"), now)
        visit.become("arrived", now)
        hospital.save_patient(visit.person)
        hospital.save_encounter(visit)
        hospital.admit("A04", visit)
        yield hospital.env.timeout(FOUND_AFTER)
        hospital.export.delete(f"Encounter/{visit.id}")
        hospital.admit("A11", visit)
        self._deleted.append(
            {
                "kind": "deleted_encounter",
                "facility": facility.name,
                "from": instant(now),
                "to": instant(hospital.now),
                "encounter": visit.id,
            }
        )

    def record(self) -> list[dict[str, Any]]:
        """What was deleted, for truth.json."""
        return self._deleted
