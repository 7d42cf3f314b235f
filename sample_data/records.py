"""What moves through a hospital, as plain state. Processes change it; the export renders it at midnight."""

from dataclasses import dataclass, field

from sample_data.people import Person
from sample_data.trace import PairTrace


@dataclass(slots=True)
class Segment:
    """A patient's time at one Location; `end` is None while there."""

    place: str
    begin: int
    end: int | None = None


@dataclass(slots=True, eq=False)
class Encounter:
    """An ED visit (kind EMER) or an inpatient stay (kind IMP). Times in epoch milliseconds, floored to the second."""

    id: str
    kind: str
    number: str
    person: Person
    begin: int
    status: str
    mode: str
    acuity: int = 0
    service: str = ""
    part_of: str | None = None
    end: int | None = None
    disposition: str | None = None
    words: int = 0
    doctor: str = ""
    segments: list[Segment] = field(default_factory=list)
    history: list[tuple[str, int]] = field(default_factory=list)
    over: PairTrace | None = None

    def move(self, place: str, at: int) -> None:
        """Close the current segment and open the next at the same instant."""
        self.leave(at)
        self.segments.append(Segment(place, at))

    def leave(self, at: int) -> None:
        """Close the current segment, if one is open."""
        if self.segments and self.segments[-1].end is None:
            self.segments[-1].end = at

    def become(self, status: str, at: int) -> None:
        """Change status and remember when."""
        self.status = status
        self.history.append((status, at))


@dataclass(slots=True, eq=False)
class Order:
    """A ServiceRequest. `kind` is lab, imaging, admission or discharge.

    A laboratory order is collected, received and verified; an examination is started, received (its pictures are
    there), read (`preliminary`) and verified. `test` is its place in the list of tests or modalities.
    """

    id: str
    kind: str
    placer: str
    person: Person
    encounter: Encounter
    place: str
    ordered: int
    doctor: str
    test: int = 0
    priority: str = "routine"
    status: str = "active"
    collected: int | None = None
    started: int | None = None
    received: int | None = None
    preliminary: int | None = None
    verified: int | None = None
    interpretation: str = "N"
    amount: float = 0.0
    words: int = 0

    def part(self, kind: str) -> str:
        """Id of what belongs to this order: specimen (sp), study (is), report (dr), observation (ob), record of fulfilment (po)."""
        return f"{kind}-{self.id[3:]}"


@dataclass(slots=True, eq=False)
class Booking:
    """An outpatient appointment; `status` is booked, arrived, fulfilled, noshow or cancelled."""

    id: str
    person: Person
    doctor: str
    created: int
    start: int
    end: int
    status: str = "booked"


@dataclass(slots=True, eq=False)
class Task:
    """A FHIR Task. `owner` is a practitioner's id, or a reference to a device. `due`, `started` and `ended` are null until known."""

    id: str
    kind: str
    authored: int
    modified: int
    status: str
    owner: str
    person: Person | None = None
    encounter: Encounter | None = None
    place: str | None = None
    focus: str | None = None
    based_on: str | None = None
    part_of: str | None = None
    priority: str | None = None
    due: int | None = None
    started: int | None = None
    ended: int | None = None
    business_status: str | None = None
