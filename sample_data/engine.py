"""The integration engine: what happens to a message from its sender to each final destination.

Every connector to a destination is one line of first come, first served messages: it sends one at a time, waits for
the acknowledgement, tries again with back-off, and everything behind a message that cannot be sent waits with it. The
whole course of a message follows from the connector's state when it is sent, so it is computed at once and costs no
simulation events; whoever waits for the message sleeps until `Message.arrival`. What a course is made of and how it is
written down is not here: see `engine_course`, and `mirth` and `engine_log`.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from random import Random

from sample_data.chance import happens, stream
from sample_data.clock import DAY, HOUR, MINUTE, SECOND
from sample_data.engine_course import ACCEPTED, ERROR, REFUSED, REJECTED, TIMEOUT, Attempt, Delivery, Message
from sample_data.facility import Facility
from sample_data.feeds import DRIFT_CHANNEL, NEVER, FeedPlants, Span
from sample_data.operators import Desk
from sample_data.people import Person

RESPONSE_TIMEOUT = 30 * SECOND
STALE = 3 * HOUR
"""A receiver refuses some messages that are older than this."""
STALE_REJECTED, NAK_SHARE, TIMEOUT_SHARE, UNREADABLE_SHARE = 0.10, 0.0015, 0.004, 0.00007
MOST_ATTEMPTS = 9
"""The in-house engine gives up after this many tries; Mirth never does."""
LINES = (
    ("ADT", "BED-MGMT", 70),
    ("ADT", "LIS", 95),
    ("ORDERS", "LIS", 105),
    ("RESULTS", "EHR", 85),
    ("IMAGING", "RIS", 110),
    ("IMAGING", "EHR", 90),
    ("SCHED", "EHR", 80),
    ("PHARM-TEST", "PHARM", 60),
)
"""Channel, destination, and the median milliseconds until the destination acknowledges."""
_ROUTES = {
    "ORDERS": ("LIS",),
    "RESULTS": ("EHR",),
    "SCHED": ("EHR",),
    "PHARM-TEST": ("PHARM",),
}
"""Where every message of a channel goes; ADT and IMAGING look at its kind."""
STORM_REFUSED, STORM_PAUSE = 0.95, SECOND
"""In a retry storm nearly every attempt is refused, and the next one follows at once."""
BURST_SHARE, BACKLOG_PAUSE, SLOW_FACTOR = 0.6, 10 * MINUTE, 12
"""In a burst so many attempts are refused; in a backlog the destination takes nothing for so long after each message."""
LIS_FAMILIES = frozenset({"A01", "A02", "A03", "A04", "A08", "A11", "A37", "A40"})
BED_FAMILIES = frozenset({"A01", "A02", "A03", "A05"})
LOST_KIND, LOST_ONE_IN, LOST_BEFORE = "ADT^A08", 211, 3 * HOUR
"""Of the first facility's updates one in so many never arrives behind the router; none so shortly before the end of the run."""


class Connector:
    """The line in front of one destination of one channel."""

    def __init__(self, draw: Random, destination: str, *, median_ms: float, spread: float, patient: bool) -> None:
        self._draw = draw
        self.destination = destination
        self._median_log, self._spread = math.log(median_ms), spread
        self._patient = patient
        self._down: list[tuple[int, int]] = []
        self._storm = self._burst = self._backlog = self._slow = NEVER
        self._free_at = 0

    def plan_outages(self, begin: int, end: int, planned: tuple[int, int] | None) -> None:
        """Short random interruptions over the whole run, about one a week, and at most one planned long one."""
        down = [planned] if planned else []
        at = begin
        while (at := at + round(self._draw.expovariate(1 / (7 * DAY)))) < end:
            down.append((at, at + round(self._draw.uniform(0.5, 22) * MINUTE)))
        self._down = sorted(down)

    def plan(self, *, storm: Span = NEVER, burst: Span = NEVER, backlog: Span = NEVER, slow: Span = NEVER) -> None:
        """Times in which the engine tries without pause and without giving up, the destination refuses much, takes little, answers late."""
        self._storm, self._burst, self._backlog, self._slow = storm, burst, backlog, slow

    def is_down(self, at: int) -> bool:
        """Whether the destination is unreachable."""
        place = bisect_right(self._down, (at, math.inf)) - 1
        return place >= 0 and any(at < until for _, until in self._down[max(0, place - 1) : place + 1])

    def deliver(self, entered: int) -> Delivery:
        """The course of a message that reaches this line at `entered`; calls must come in order of time."""
        attempts: list[Attempt] = []
        at = entered + 1
        if self._free_at > at:
            if self._patient and self.is_down(at):  # tried once, then queued behind the one in front
                attempts.append(Attempt(at, at + self._draw.randint(2, 20), REFUSED))
            at = max(at, self._free_at)
        while True:
            attempts.append(attempt := self._attempt(at, entered))
            storms = _in(self._storm, at)
            gives_up = not self._patient and not storms and len(attempts) >= MOST_ATTEMPTS
            if attempt.outcome in (ACCEPTED, ERROR, REJECTED) or gives_up:
                break
            at = attempt.end + (STORM_PAUSE if storms else self._pause(len(attempts)))
        self._free_at = attempts[-1].end + (BACKLOG_PAUSE if _in(self._backlog, at) else 0)
        return Delivery(self.destination, entered, attempts)

    def _pause(self, tries: int) -> int:
        if self._patient:
            return 10 * SECOND if tries == 1 else 2 * MINUTE
        return min(5 * SECOND * 2 ** (tries - 1), 5 * MINUTE)

    def _attempt(self, at: int, entered: int) -> Attempt:
        if self.is_down(at) or (_in(self._storm, at) and happens(self._draw, STORM_REFUSED)):
            return Attempt(at, at + self._draw.randint(2, 30), REFUSED)
        chance = self._draw.random()
        latency = max(3, round(math.exp(self._draw.gauss(self._median_log, self._spread))))
        if _in(self._slow, at):
            latency *= SLOW_FACTOR
        if _in(self._burst, at) and happens(self._draw, BURST_SHARE):
            return Attempt(at, at + latency, ERROR)
        if at - entered > STALE and chance < STALE_REJECTED:
            return Attempt(at, at + latency, REJECTED)
        if chance > 1 - NAK_SHARE:
            return Attempt(at, at + latency, ERROR)
        if chance > 1 - NAK_SHARE - TIMEOUT_SHARE:
            return Attempt(at, at + RESPONSE_TIMEOUT, TIMEOUT)
        return Attempt(at, at + latency, ACCEPTED)


def _in(span: Span, at: int) -> bool:
    return span[0] <= at < span[1]


class Engine:
    """One facility's engine. `log` is called once with every message, in order of sending."""

    def __init__(
        self,
        facility: Facility,
        seed: int,
        span: tuple[int, int],
        outage: tuple[int, int] | None,
        log: Callable[[Message], None],
        feeds: FeedPlants | None = None,
    ) -> None:
        self._facility, self._log = facility, log
        self._desk = Desk(facility, seed)
        self._drift = (feeds and feeds.drift) or (0, 0)
        self._loses_until = span[1] - LOST_BEFORE if facility.engine == "mirth" else 0
        self._draw = stream(seed, facility.slug, "engine")
        self._draws = {channel: stream(seed, facility.slug, "engine", channel) for channel in ("IMAGING", "SCHED")}
        self._numbers: dict[str, int] = {}
        self._controls = 0
        mirth = facility.engine == "mirth"
        self._connectors: dict[tuple[str, str], Connector] = {}
        for channel, destination, median in LINES:
            connector = Connector(
                stream(seed, facility.slug, channel, destination),
                destination,
                median_ms=median if mirth else median * 1.35,
                spread=0.7 if mirth else 0.8,
                patient=mirth,
            )
            connector.plan_outages(*span, outage if channel == "ADT" else None)
            if feeds:
                connector.plan(**feeds.of_line(facility.index, (channel, destination)))
            self._connectors[channel, destination] = connector

    def send(
        self,
        channel: str,
        kind: str,
        now: int,
        person: Person,
        visit: str,
        *,
        placer: str | None = None,
        detail: str = "",
        is_lost: bool = False,
    ) -> Message:
        """Hand a message to the engine and learn its whole course. `kind` is like `ADT^A01`.

        One that `is_lost` behind the first engine takes its turn in the line all the same, so that no other message fares otherwise.
        """
        draw = self._draws.get(channel, self._draw)
        received = now + 4 + int(36 * draw.random())
        acknowledged = received + 3 + int(57 * draw.random())
        routed = received + 2 + int(43 * draw.random())
        self._controls += 1
        is_lost_here = kind == LOST_KIND and now < self._loses_until and self._controls % LOST_ONE_IN == 0
        message = Message(
            number=self._next(channel),
            child_number=self._next("ADT-OUT") if channel == "ADT" and not is_lost_here else None,
            control_id=f"{self._facility.prefix}{self._controls:08d}",
            channel=channel,
            kind=kind,
            person=person,
            visit=visit,
            placer=placer,
            detail=detail,
            sent=now,
            received=received,
            acknowledged=acknowledged,
            routed=routed,
            is_lost=is_lost or is_lost_here,
        )
        if channel == "PHARM-TEST":
            message.source_state = "filtered" if happens(draw, 0.2) else "routed"
        elif happens(draw, UNREADABLE_SHARE):
            message.source_state = "failed"
        message.is_drifted = channel == DRIFT_CHANNEL and self._drift[0] <= now < self._drift[1]
        if is_lost_here:
            message.source_state = "routed"
        elif message.source_state == "routed":
            message.deliveries = [
                self._deliver(channel, to, routed + 1 + int(6 * draw.random())) for to in self._route(channel, kind)
            ]
        if is_lost:
            message.deliveries = []
        self._log(message)
        return message

    def _deliver(self, channel: str, to: str, entered: int) -> Delivery:
        connector = self._connectors[channel, to]
        delivery = connector.deliver(entered)
        if not delivery.is_delivered:
            numbered = "ADT-OUT" if channel == "ADT" else channel
            self._desk.look_at(delivery, connector.is_down, lambda: self._next(numbered))
        return delivery

    def _next(self, channel: str) -> int:
        self._numbers[channel] = number = self._numbers.get(channel, 0) + 1
        return number

    def _route(self, channel: str, kind: str) -> tuple[str, ...]:
        if channel == "IMAGING":
            return ("RIS",) if kind.startswith("ORM") else ("EHR",)
        if channel != "ADT":
            return _ROUTES[channel]
        trigger = kind[-3:]
        return tuple(to for to, wanted in (("BED-MGMT", BED_FAMILIES), ("LIS", LIS_FAMILIES)) if trigger in wanted)
