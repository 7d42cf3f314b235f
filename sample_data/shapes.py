"""What changes in the shape of the resources themselves, and when: elements that come and go, times without a zone.

Here: where in the run it happens, and how truth.json records it. Not here: how it is written (`fhir_orders`,
`fhir_access`). Nothing here changes what happened, so every known answer stays what it was.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sample_data.clock import Calendar, instant, midnight

SHORTEST = 5
"""Days a run needs for any of them."""
ZONE_LESS_SHARE = 0.1
"""Share of a run's days on which the second facility writes when an appointment was made without a zone."""


UNDATED_DAYS = 4
"""On so many days the third facility's server does not say when an order was last updated."""
EASTBROOK, WESTHAVEN = 1, 2
"""The second and the third facility."""


@dataclass(frozen=True)
class ShapePlants:
    """When each change of shape happens, in epoch milliseconds; None where the run is too short for it."""

    calendar: Calendar
    facilities: int

    @property
    def rack_from(self) -> int | None:
        """From here on the first facility's specimens carry an element of their vendor's own, `analyzerRack`."""
        return self._midnight(0.4)

    @property
    def no_specimen_from(self) -> int | None:
        """From here on no observation names its specimen any more."""
        return self._midnight(0.5)

    @property
    def zone_less(self) -> tuple[int, int] | None:
        """Between these the second facility's appointments say without an offset when they were made."""
        begin = self._midnight(0.3)
        if begin is None or self.facilities == 1:
            return None
        days = round(self.calendar.days * 0.3) + max(2, round(self.calendar.days * ZONE_LESS_SHARE))
        return begin, midnight(self.calendar.day(days))

    @property
    def undated(self) -> tuple[int, int] | None:
        """Between these the third facility's server does not say when an order was last updated: only exports show changes."""
        begin = self._midnight(0.4)
        if begin is None or self.facilities <= WESTHAVEN:
            return None
        return begin, midnight(self.calendar.day(round(self.calendar.days * 0.4) + UNDATED_DAYS))

    @property
    def r5_from(self) -> int | None:
        """From here on the third facility's server speaks R5 of the encounters that change."""
        return None if self.facilities <= WESTHAVEN else self._midnight(0.6)

    def is_r5(self, facility: int, ms: int) -> bool:
        """Whether an encounter of this facility that changes now is written in R5."""
        return facility == WESTHAVEN and self.r5_from is not None and ms >= self.r5_from

    def is_undated(self, facility: int, ms: int) -> bool:
        """Whether an order of this facility ordered at this instant never says when it was updated."""
        return facility == WESTHAVEN and self.undated is not None and self.undated[0] <= ms < self.undated[1]

    def has_rack(self, facility: int, ms: int) -> bool:
        """Whether a specimen of this facility written now carries the vendor's element."""
        return facility == 0 and self.rack_from is not None and ms >= self.rack_from

    def has_specimen(self, ms: int) -> bool:
        """Whether an observation written now names its specimen."""
        return self.no_specimen_from is None or ms < self.no_specimen_from

    def is_zone_less(self, facility: int, ms: int) -> bool:
        """Whether an appointment of this facility made at this instant says so without an offset."""
        return facility == EASTBROOK and self.zone_less is not None and self.zone_less[0] <= ms < self.zone_less[1]

    def record(
        self, names: tuple[str, ...], written: Counter[str], changes: list[tuple[str, str, int]], upgraded: int
    ) -> list[dict[str, Any]]:
        """Rows of the `planted` list of truth.json.

        `written` counts what the run wrote, by kind; `changes` are the true times of changes that no file dates: order,
        new status, epoch milliseconds; `upgraded` counts the encounters that were written in R5.
        """
        first, second, third = (*names, None, None)[:3]
        end = self.calendar.end_ms
        rows: list[tuple[str, str | None, tuple[int, int] | None, dict[str, Any]]] = [
            (
                "vendor_element",
                first,
                self._to_the_end(self.rack_from),
                {"type": "Specimen", "path": "analyzerRack"},
            ),
            (
                "vanished_element",
                None,
                self._to_the_end(self.no_specimen_from),
                {"type": "Observation", "path": "specimen"},
            ),
            (
                "zone_less_time",
                second,
                self.zone_less,
                {"type": "Appointment", "path": "created", "appointments": written["zone_less_time"]},
            ),
            (
                "date_only_time",
                None,
                (self.calendar.start_ms, end),
                {"type": "Claim", "path": "created", "claims": written["date_only_time"]},
            ),
            (
                "undated_change",
                third,
                self.undated,
                {
                    "type": "ServiceRequest",
                    "changes": [{"id": i, "status": status, "at": instant(at)} for i, status, at in changes],
                },
            ),
            ("r5_encounter", third, self._to_the_end(self.r5_from), {"encounters": upgraded}),
            (
                "conditional_reference",
                second,
                (self.calendar.start_ms, end) if second else None,
                {"types": ["Location", "Patient"]},
            ),
            (
                "managing_department",
                None,
                (self.calendar.start_ms, end),
                {"type": "Organization", "departments": len(names)},
            ),
            (
                "full_address",
                third,
                (self.calendar.start_ms, end) if third else None,
                {"type": "ServiceRequest", "path": "encounter"},
            ),
        ]
        record: list[dict[str, Any]] = []
        for kind, facility, span, more in rows:
            when = {"from": instant(span[0]), "to": instant(span[1])} if span else {"from": None, "to": None}
            absent = {} if span else {"absent": "the run is too short or has too few facilities"}
            record.append({"kind": kind, "facility": facility, **when, **more, **absent})
        return record

    def _to_the_end(self, begin: int | None) -> tuple[int, int] | None:
        return None if begin is None else (begin, self.calendar.end_ms)

    def _midnight(self, share: float) -> int | None:
        days = self.calendar.days
        return midnight(self.calendar.day(round(days * share))) if days >= SHORTEST else None
