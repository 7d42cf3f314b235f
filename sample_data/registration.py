"""Mistakes at the registration desk: a visit entered twice and removed a day later; a person registered twice and merged;
two people taken for one, and told apart again.
"""

from collections.abc import Generator
from typing import Any

from simpy import Event

from sample_data.clock import DAY, HOUR, instant, midnight
from sample_data.emergency import EMERGENCY
from sample_data.fhir import patient_id
from sample_data.hl7 import MERGE, UNLINK
from sample_data.hospital import Hospital
from sample_data.people import twin_of
from sample_data.planted import FORGOTTEN_DAY, Plants
from sample_data.records import Encounter

FOUND_AFTER = 26 * HOUR
MERGED_AFTER = 20 * HOUR
NEXT_COMES, TAKEN_BACK_AFTER = 2 * HOUR, 44 * HOUR


class Mistakes:
    """The planted duplicates of all facilities; each is exported once and then deleted."""

    def __init__(self, plants: Plants, hospitals: list[Hospital]) -> None:
        self._deleted: list[dict[str, Any]] = []
        self._merged: list[dict[str, Any]] = []
        if plants.merge_ms is not None:
            hospitals[0].env.process(self._merge(hospitals[0], plants.merge_ms))
            hospitals[0].env.process(self._wrong_merge(hospitals[0], plants.merge_ms + HOUR))
        self._absent: list[dict[str, Any]] = []
        for hospital in hospitals:
            if plants.full_day is not None:
                at = midnight(plants.calendar.day(FORGOTTEN_DAY)) + 9 * HOUR
                hospital.env.process(self._forgotten(hospital, at, f"{plants.export_day(plants.full_day)}-full"))
            for day in plants.erroneous_days:
                at = midnight(plants.calendar.day(day)) + (11 + hospital.facility.index) * HOUR
                if at + FOUND_AFTER + DAY < plants.calendar.end_ms:
                    hospital.env.process(self._mistake(hospital, at))

    def _mistake(self, hospital: Hospital, at: int) -> Generator[Event, Any, None]:
        yield hospital.env.timeout(at - hospital.env.now)
        now, visit = hospital.now, self._registered(hospital)
        yield hospital.env.timeout(FOUND_AFTER)
        hospital.remove_encounter(visit)
        hospital.admit("A11", visit)
        self._deleted.append(
            {
                "kind": "deleted_encounter",
                "facility": hospital.facility.name,
                "from": instant(now),
                "to": instant(hospital.now),
                "encounter": visit.id,
            }
        )

    def _forgotten(self, hospital: Hospital, at: int, found_in: str) -> Generator[Event, Any, None]:
        """The same, on a day when the server forgets to say so: only the full export `found_in` does not show it any more."""
        yield hospital.env.timeout(at - hospital.env.now)
        now, visit = hospital.now, self._registered(hospital)
        yield hospital.env.timeout(FOUND_AFTER)
        hospital.export.forget(f"Encounter/{visit.id}")
        hospital.admit("A11", visit)
        self._absent.append(
            {
                "kind": "absent_encounter",
                "facility": hospital.facility.name,
                "from": instant(now),
                "to": instant(hospital.now),
                "encounter": visit.id,
                "folder": found_in,
            }
        )

    def _registered(self, hospital: Hospital) -> Encounter:
        """A visit that never was."""
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
        return visit

    def _merge(self, hospital: Hospital, at: int) -> Generator[Event, Any, None]:
        """Somebody who was here before is not recognised; the next morning both records become one."""
        yield hospital.env.timeout(at - hospital.env.now)
        kept = hospital.known
        if kept is None:
            return
        twin = twin_of(kept, hospital.facility.prefix)
        hospital.expected = twin
        yield hospital.env.timeout(MERGED_AFTER)
        hospital.save_patient(twin, replaced_by=kept)
        hospital.save_patient(kept)
        facility = hospital.facility
        hospital.announce(MERGE, kept, f"MRG|{twin.mrn}^^^{facility.prefix}^MR\r")
        self._merged.append(
            {
                "kind": "merged_patient",
                "facility": facility.name,
                "from": instant(at),
                "to": instant(hospital.now),
                "patient": patient_id(twin, facility),
                "replaced_by": patient_id(kept, facility),
            }
        )

    def _wrong_merge(self, hospital: Hospital, at: int) -> Generator[Event, Any, None]:
        """Two people who were here one after the other are taken for one; two days later somebody tells them apart."""
        yield hospital.env.timeout(at - hospital.env.now)
        first = hospital.known
        yield hospital.env.timeout(NEXT_COMES)
        second, facility = hospital.known, hospital.facility
        if first is None or second is None or first == second:
            return
        merged_at = hospital.now
        hospital.save_patient(first, replaced_by=second)
        hospital.announce(MERGE, second, f"MRG|{first.mrn}^^^{facility.prefix}^MR\r")
        yield hospital.env.timeout(TAKEN_BACK_AFTER)
        hospital.save_patient(first)
        hospital.announce(UNLINK, second, f"PID|2||{first.mrn}^^^{facility.prefix}^MR\r")
        self._merged.append(
            {
                "kind": "merge_taken_back",
                "facility": facility.name,
                "from": instant(merged_at),
                "to": instant(hospital.now),
                "patient": patient_id(first, facility),
                "replaced_by": patient_id(second, facility),
            }
        )

    def merged(self) -> list[dict[str, Any]]:
        """Whose records became one, for truth.json."""
        return self._merged

    def absent(self) -> list[dict[str, Any]]:
        """What was removed without a word, for truth.json."""
        return self._absent

    def record(self) -> list[dict[str, Any]]:
        """What was deleted, for truth.json."""
        return self._deleted
