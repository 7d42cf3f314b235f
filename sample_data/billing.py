"""What follows some finished encounters in the office: a coder's diagnosis, the coverage looked up, a claim made."""

from collections.abc import Generator
from functools import partial
from typing import Any

from simpy import Event

from sample_data.chance import about
from sample_data.fhir_access import Bill, claim, condition, coverage, coverage_id
from sample_data.hospital import Hospital
from sample_data.records import Encounter

EVERY = 8
"""One encounter in so many is billed in these files; the rest goes through a system that exports nothing."""
CODED_AFTER, CLAIMED_AFTER = 20 * 60, 44 * 60
"""Median minutes from the end of the encounter to its diagnosis, and from there to the claim."""


class Billing:
    """The office of one facility."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._draw = hospital.stream("billing")
        hospital.when_finished.append(self._finished)

    def _finished(self, visit: Encounter) -> None:
        number = self._hospital.number("finished")
        if number % EVERY == 0:
            self._hospital.env.process(self._office(number // EVERY, visit))

    def _office(self, number: int, visit: Encounter) -> Generator[Event, Any, None]:
        hospital, env, facility = self._hospital, self._hospital.env, self._hospital.facility
        yield env.timeout(about(self._draw, CODED_AFTER, 0.6))
        bill = Bill(number, visit, hospital.now)
        hospital.save("Condition", bill.ident("con", facility), partial(condition, facility, bill))
        hospital.save("Coverage", coverage_id(facility, visit.person), partial(coverage, facility, visit.person))
        hospital.save("Claim", bill.ident("clm", facility), partial(claim, facility, bill))
        hospital.trace.written["date_only_time"] += 1
        yield env.timeout(about(self._draw, CLAIMED_AFTER, 0.5))
        sent = bill._replace(claimed=hospital.now)
        hospital.save("Claim", bill.ident("clm", facility), partial(claim, facility, sent))
