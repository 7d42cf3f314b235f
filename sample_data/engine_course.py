"""The course of a message through an engine: its attempts, its deliveries, and what a person did about them. No behaviour.

Here: what is known of a message once it is over. Not here: how it comes about (`engine`, `operators`), nor how it is
written down (`mirth`, `engine_log`).
"""

from dataclasses import dataclass, field

from sample_data.people import Person

REFUSED, TIMEOUT, ERROR, REJECTED, ACCEPTED = "refused", "timeout", "AE", "AR", "AA"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send: from `start` to `end`, with the receiver's answer or the lack of one."""

    start: int
    end: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Rescue:
    """What a person did at `asked` about a delivery that the engine gave up.

    Sent again as message `number` with one more attempt; thrown away when there is none.
    """

    asked: int
    operator: str
    role: str
    number: int
    attempt: Attempt | None


@dataclass(slots=True)
class Delivery:
    """A message on its way to one destination; `attempts` are the engine's own."""

    destination: str
    entered: int
    attempts: list[Attempt]
    rescue: Rescue | None = None

    @property
    def last(self) -> Attempt:
        """The attempt that decides, the engine's or a person's."""
        return (self.rescue and self.rescue.attempt) or self.attempts[-1]

    @property
    def is_delivered(self) -> bool:
        """Whether it gets there in the end."""
        return self.last.outcome == ACCEPTED

    @property
    def settled(self) -> int:
        """When it is delivered or given up, by the engine and then by people."""
        return self.last.end

    @property
    def left(self) -> int:
        """When the engine's own work on it ended, by delivery or by giving up."""
        return self.attempts[-1].end

    def tried_by(self, ms: int) -> list[Attempt]:
        """The engine's attempts that had ended before an instant."""
        if self.left < ms:
            return self.attempts
        return [attempt for attempt in self.attempts if attempt.end < ms]


@dataclass(slots=True)
class Message:
    """One message through one engine. `source_state` is routed, filtered or failed (neither of these goes anywhere).

    `is_drifted` when it is written in a format that its receivers do not expect; `is_lost` when the first channel had it taken and
    the one behind, or the engine behind, never got it.
    """

    number: int
    child_number: int | None
    control_id: str
    channel: str
    kind: str
    person: Person
    visit: str
    placer: str | None
    detail: str
    sent: int
    received: int
    acknowledged: int
    routed: int
    source_state: str = "routed"
    is_drifted: bool = False
    is_lost: bool = False
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def hop(self) -> int:
        """When a router, where there is one, hands it on to the channel behind it."""
        return self.received + (self.routed - self.received) // 2

    def arrival(self, destination: str) -> int | None:
        """When the destination has it; None if it never arrives."""
        for delivery in self.deliveries:
            if delivery.destination == destination:
                return delivery.settled if delivery.is_delivered else None
        return None

    @property
    def settled(self) -> int:
        """When nothing more happens to it."""
        return max((d.settled for d in self.deliveries), default=self.acknowledged)

    @property
    def left(self) -> int:
        """When the engine has done with it; people may still send it again."""
        return max((d.left for d in self.deliveries), default=self.acknowledged)
