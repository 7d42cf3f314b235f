"""What truly happened, noted at the moment it happens, in seconds since 1970 as the files write them.

This is the only thing the known answers (`truth`) are computed from. Entries are small and are filled in as a case
moves on; None means "not yet". Entries never look at a file, a resource or the pipeline.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from sample_data.engine_course import ACCEPTED, Message


@dataclass(slots=True)
class VisitTrace:
    """One ED visit. `hidden` when any of it took place where no export has a Location."""

    facility: int
    arrived: int
    triaged: int | None = None
    roomed: int | None = None
    seen: int | None = None
    decided: int | None = None
    assigned: int | None = None
    departed: int | None = None
    left: bool = False
    hidden: bool = False
    handoffs: "list[HandoffTrace]" = field(default_factory=list)
    visit: str = ""


@dataclass(slots=True)
class StayTrace:
    """One inpatient stay, from the bed to the door; `ordered` is the discharge order."""

    facility: int
    admitted: int
    ordered: int | None = None
    departed: int | None = None
    emptied: "TriggerTrace | None" = None
    """The bed that was left, which asks for its cleaning."""
    visit: str = ""


@dataclass(slots=True)
class BedTrace:
    """A patient's time in a bed of a ward."""

    facility: int
    ward: str
    began: int
    ended: int | None = None


@dataclass(slots=True)
class CleanTrace:
    """One bed to be cleaned."""

    facility: int
    requested: int
    started: int | None = None
    ended: int | None = None


@dataclass(slots=True)
class OrderTrace:
    """One laboratory order. `hidden` when its verification is written without a time of day; `completed` is its own status."""

    facility: int
    ordered: int
    is_stat: bool
    collected: int | None = None
    received: int | None = None
    verified: int | None = None
    completed: int | None = None
    revoked: bool = False
    hidden: bool = False
    undated: bool = False
    """No file says when the order itself changed."""
    critical: "CriticalTrace | None" = None
    order_news: "NewsTrace | None" = None
    result_news: "NewsTrace | None" = None


@dataclass(slots=True)
class ImagingTrace:
    """One imaging order: when the examination started and when its report was final."""

    facility: int
    ordered: int
    started: int | None = None
    final: int | None = None
    revoked: bool = False
    undated: bool = False


class OpeningTrace(NamedTuple):
    """A result that an audit trail shows somebody opened: in the record of the laboratory and of the EHR since, in milliseconds."""

    facility: int
    verified: int
    available: int
    opened: int


@dataclass(slots=True)
class PairTrace:
    """One thing of which two records tell: when each said that it was done, in milliseconds; None while it does not.

    `pair` is discharge (the visit, the message that it is over), move (the visit, the message of it) or task (the task to
    fulfil an order, the order). `hidden` when no file says one of the times to the instant. `moves` are when the visit of a
    message that no move belongs to came to its places.
    """

    facility: int
    pair: str
    first: int | None = None
    second: int | None = None
    hidden: bool = False
    moves: Callable[[], list[int]] = list


@dataclass(slots=True)
class CriticalTrace:
    """One critical result, from its verification."""

    facility: int
    issued: int
    shown: int | None = None
    acknowledged: int | None = None
    escalated: int | None = None


@dataclass(slots=True)
class TriggerTrace:
    """Something that asks for a task, and when the task was `made`."""

    facility: int
    kind: str
    began: int
    made: int | None = None
    clean: CleanTrace | None = None


@dataclass(slots=True)
class HandoffTrace:
    """One offered handoff; `closed` is set when it ended without acceptance."""

    facility: int
    offered: int
    accept_by: int
    accepted: int | None = None
    closed: int | None = None
    visit: str = ""


class IncidentTrace(NamedTuple):
    """A job of a process engine that failed for good, in milliseconds; `ended` when somebody repaired it, None if nobody ever does."""

    facility: int
    raised: int
    ended: int | None


class DeliveryTrace(NamedTuple):
    """A message on its way to one destination, in milliseconds, as the whole course will have been.

    `tried` is when the engine's last attempt started, `ended` when that attempt did, by delivery or by giving up;
    `attempts` is how many there were. `rescued` is what a person did then: when, and of one more attempt its start, end
    and success, None where the message was thrown away.
    """

    entered: int
    tried: int
    ended: int
    is_delivered: bool
    attempts: int
    rescued: tuple[int, tuple[int, int, bool] | None] | None


@dataclass(slots=True)
class NewsTrace:
    """Something that happened and that others have to hear of before they can act on it, in milliseconds.

    `what` is lab order, imaging order, critical result or bed request. `sent` are the messages about it, in order;
    `known` is when the receiver heard of it, from one of them or by telephone; `acted` when it first acted on it, `ended`
    when the longer wait that this is a part of was over. `is_hidden` when no file tells that end.
    """

    facility: int
    what: str
    began: int
    destination: str
    sent: list[Message] = field(default_factory=list)
    known: int | None = None
    acted: int | None = None
    ended: int | None = None
    is_boarding: bool = False
    is_hidden: bool = False
    visit: str = ""


@dataclass(slots=True)
class MessageTrace:
    """A message that the engine `source` received, with what became of it at every destination.

    `channel` is the first one in the engine's log, `hop` when a router handed it on to the second, or this engine to the one
    behind, if it did; `is_lost` when it never came there.
    """

    facility: int | None
    source: str
    channel: str
    kind: str
    received: int
    hop: int | None
    is_lost: bool
    is_drifted: bool
    deliveries: tuple[DeliveryTrace, ...]


@dataclass(slots=True)
class WorkTrace:
    """One task of a work queue. `closed` is its last completion, None while it is open; `touches` are people's changes."""

    facility: int
    created: int
    due: int
    closed: int | None = None
    touches: int = 0
    escalated: bool = False
    overridden: bool = False
    reworked: bool = False
    bounced: bool = False


@dataclass
class Trace:
    """Every entry of a run, in the order things began."""

    visits: list[VisitTrace] = field(default_factory=list)
    stays: list[StayTrace] = field(default_factory=list)
    beds: list[BedTrace] = field(default_factory=list)
    cleans: list[CleanTrace] = field(default_factory=list)
    orders: list[OrderTrace] = field(default_factory=list)
    examinations: list[ImagingTrace] = field(default_factory=list)
    criticals: list[CriticalTrace] = field(default_factory=list)
    pairs: list[PairTrace] = field(default_factory=list)
    openings: list[OpeningTrace] = field(default_factory=list)
    incidents: list[IncidentTrace] = field(default_factory=list)
    handoffs: list[HandoffTrace] = field(default_factory=list)
    triggers: list[TriggerTrace] = field(default_factory=list)
    work: list[WorkTrace] = field(default_factory=list)
    news: list[NewsTrace] = field(default_factory=list)
    messages: list[MessageTrace] = field(default_factory=list)
    written: Counter[str] = field(default_factory=Counter)
    """How many resources were written in a planted shape, by the kind of plant."""
    undated: list[tuple[str, str, int]] = field(default_factory=list)
    """Changes of orders that no file dates: id, new status, epoch milliseconds."""
    exports: list[int] = field(default_factory=list)
    """When the exports were made, in seconds."""
    upgraded: set[str] = field(default_factory=set)
    """Ids of encounters that were written in R5."""

    def message(
        self, facility: int | None, source: str, message: Message, *, has_router: bool, hop: int | None = None
    ) -> None:
        """Note a message of an engine; admissions come in at its router, if it has one. `hop` is when another engine had it from there."""
        is_routed = has_router and message.channel == "ADT"
        deliveries = tuple(
            DeliveryTrace(
                d.entered,
                d.attempts[-1].start,
                d.left,
                d.attempts[-1].outcome == ACCEPTED,
                len(d.attempts),
                d.rescue and (d.rescue.asked, (a := d.rescue.attempt) and (a.start, a.end, a.outcome == ACCEPTED)),
            )
            for d in message.deliveries
        )
        self.messages.append(
            MessageTrace(
                facility=facility,
                source=source,
                channel="ROUTER" if is_routed else message.channel,
                kind=message.kind[:3],
                received=message.received,
                hop=message.hop if is_routed and message.source_state == "routed" else hop,
                is_lost=message.is_lost,
                is_drifted=message.is_drifted,
                deliveries=deliveries,
            )
        )
