"""A process engine: the third facility sends its discharge letters by a process of Camunda, some of whose jobs fail.

Here: the process instances and incidents of a run, and their histories as the engine's REST interface writes them. Not here: care; a
letter that does not go out changes nothing for anybody in the run.
"""

from pathlib import Path
from typing import Any

import orjson

from sample_data.chance import about, happens
from sample_data.clock import MINUTE, SECOND, instant_ms
from sample_data.facility import Facility
from sample_data.files import write_file
from sample_data.hospital import Hospital
from sample_data.people import NOTES
from sample_data.records import Encounter
from sample_data.trace import IncidentTrace

PROCESS, JOB, FAILS = "discharge-letter", "Task_send", 5
"""The process, its step that fails, and of how many inpatient letters one does."""
FAILED_AFTER, REPAIR_MINUTES, NEVER = 3 * MINUTE, 5 * 60, 0.25
"""When the engine has tried often enough; how long a person takes in the median; the share that nobody repairs."""


def source(facility: Facility) -> str | None:
    """Name of the engine's log source and of its folder; None where the facility has no process engine."""
    return f"processes-{facility.slug}" if facility.index == 2 else None  # noqa: PLR2004 -- the third one


class Letters:
    """The discharge letters of a facility that has a process engine."""

    def __init__(self, hospital: Hospital, start_ms: int) -> None:
        self._hospital, self._start_ms = hospital, start_ms
        self._draw = hospital.stream("letters")
        self._letters: list[tuple[Encounter, IncidentTrace | None]] = []
        hospital.when_finished.append(self._finished)

    def _finished(self, visit: Encounter) -> None:
        hospital = self._hospital
        raised = hospital.env.now + FAILED_AFTER
        if visit.kind == "EMER" or raised < self._start_ms:
            return
        incident = None
        if len(self._letters) % FAILS == 0:
            repaired = raised + about(self._draw, REPAIR_MINUTES, 0.8)
            is_forgotten = happens(self._draw, NEVER)
            incident = IncidentTrace(hospital.facility.index, raised, None if is_forgotten else repaired)
            hospital.trace.incidents.append(incident)
        self._letters.append((visit, incident))

    def write(self, folder: Path, cut: int) -> None:
        """Write both histories as they stand at `cut`."""
        instances: list[dict[str, Any]] = []
        incidents: list[dict[str, Any]] = []
        for number, (visit, incident) in enumerate(self._letters, 1):
            of = {"processDefinitionKey": PROCESS, "processInstanceId": f"letter-{number:06d}"}
            begun = (visit.end or 0) + SECOND
            over = begun + MINUTE if incident is None else incident.ended and incident.ended + SECOND
            instances.append(
                {"id": of["processInstanceId"], "businessKey": visit.number, "startActivityId": "Start"}
                | {"startTime": instant_ms(begun), "endTime": _before(over, cut), **of}
                | {"rootProcessInstanceId": None, "state": "COMPLETED" if _before(over, cut) else "ACTIVE"}
            )
            if incident and incident.raised < cut:
                incidents.append(
                    {"id": f"incident-{number:06d}", "incidentType": "failedJob", "activityId": JOB, **of}
                    | {"createTime": instant_ms(incident.raised), "endTime": _before(incident.ended, cut)}
                    | {"incidentMessage": NOTES[number % len(NOTES)], "deleted": False}
                )
        for name, records in (("process-instance", instances), ("incident", incidents)):
            write_file(folder / f"{name}.json", [orjson.dumps(records), b"\n"])


def _before(at: int | None, cut: int) -> str | None:
    return None if at is None or at >= cut else instant_ms(at)
