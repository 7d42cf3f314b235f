"""The second engine: where a hospital runs Mirth, its results go on through an engine that stands in front of the EHR.

Here: what each of the two engines logs of such a message, and which facility has two. Not here: the course of the message
(`engine`), which is the same with one engine or two: the second one takes its first milliseconds from the first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sample_data.engine_course import ACCEPTED, Attempt, Delivery, Message
from sample_data.facility import Facility
from sample_data.trace import MessageTrace

RELAYED, RELAY = "RESULTS", "EHR-RESULTS"
"""The channel of the first engine, and that of the second, after which the first one's destination is called."""


class Logged(NamedTuple):
    """A message as one engine logs it; `hop` is when that engine handed it to the one behind, None where it did not."""

    engine: Facility
    message: Message
    hop: int | None = None


def behind(facility: Facility) -> Facility | None:
    """The facility as its second engine has it, None where there is none."""
    return replace(facility, engine="relay") if facility.engine == "mirth" else None


def engines(facilities: Sequence[Facility]) -> tuple[Facility, ...]:
    """Every engine, as the facility that runs it; a second one after its first."""
    return tuple(each for facility in facilities for each in (facility, behind(facility)) if each)


class Relay:
    """What the one or two engines of a facility log of its messages."""

    def __init__(self, facility: Facility) -> None:
        self._facility, self._behind = facility, behind(facility)
        self._relayed = 0

    def logged(self, message: Message) -> Iterator[Logged]:
        """A message in the engine that had it first, and in the one behind, if it came there.

        The first one numbers what it received; what is sent again is sent by the one behind.
        """
        if self._behind is None or message.channel != RELAYED:
            yield Logged(self._facility, message)
            return
        self._relayed += 1
        first = replace(message, number=self._relayed)
        if message.source_state != "routed":
            yield Logged(self._facility, first)
            return
        hop = message.hop + 1
        handed = Delivery(RELAY, message.received + 1, [Attempt(message.received + 1, hop, ACCEPTED)])
        yield Logged(self._facility, replace(first, deliveries=[handed]), hop)
        if not message.is_lost:
            yield Logged(self._behind, replace(message, channel=RELAY, received=hop, acknowledged=hop + 1))


def handovers(messages: Sequence[MessageTrace], facilities: tuple[Facility, ...], cut: int) -> list[dict[str, Any]]:
    """Rows of the `handovers` part of truth.json: of each facility with two engines, how many messages the first had handed to the
    second by the data cut, how many of them were lost on the way, and the mean milliseconds that the others took from the one to the
    other, and that the second took from there until its own work on them ended.
    """
    rows: list[dict[str, Any]] = []
    for facility in facilities:
        relay = behind(facility)
        here = [m for m in messages if m.facility == facility.index and m.received < cut]
        handed = [m for m in here if m.source == facility.source and m.channel == RELAYED and (m.hop or cut) < cut]
        if relay and handed:
            arrived = [m for m in handed if not m.is_lost]
            came = [m for m in here if m.source == relay.source]
            rows.append(
                {
                    "facility": facility.name,
                    "source": facility.source,
                    "next_source": relay.source,
                    "messages": len(handed),
                    "lost": len(handed) - len(arrived),
                    "hop_ms": round(sum((m.hop or 0) - m.received for m in arrived) / len(arrived), 3),
                    "behind_ms": round(sum(d.ended - m.received for m in came for d in m.deliveries) / len(came), 3),
                }
            )
    return rows
