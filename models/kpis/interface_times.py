"""Interface KPIs of time: acknowledgements, hops, and the engine's own queues. Milliseconds of one clock only.

A delivery that has not arrived counts as one that takes at least as long as it has been under way: a queue that grows
makes these numbers worse at once, not on the day it drains.
"""

import narwhals.stable.v2 as nw

from models.kpi import CompletionTime, Exclusion, Kpi, OpenAt, Quantile, Requirement

_BY = ("facility", "unit", "channel", "destination", "msg_type")
_OWNER = "Integration lead"

INTERFACE_ACK_LATENCY = Kpi(
    id="interface_ack_latency",
    title="Acknowledgement latency, 95th percentile",
    short_title="ACK latency, 95 %",
    definition="95th percentile of the milliseconds from the start of the last attempt to the acknowledgement, of "
    "delivered messages; both times from one clock.",
    source="Industry practice",
    version="1",
    family="interfaces",
    matters_to="it",
    on_overview=True,
    mart="message_delivery",
    case="delivery_key",
    measure=Quantile(column="ack_latency_ms", q=0.95),
    unit="milliseconds",
    improves="down",
    target=2000.0,
    clock="received",
    dimensions=("facility", "unit", "channel", "destination", "msg_type"),
    owner="Integration lead",
    action="Compare destinations: one slow receiver is theirs, all slow is the engine or the network.",
    uses=("is_delivered", "is_latency_known", "is_open"),
    exclusions=(
        Exclusion("not delivered", ~nw.col("is_delivered")),
        Exclusion(
            "the attempt and its acknowledgement were not stamped by one clock",
            ~nw.col("is_latency_known"),
            unknown="is_latency_known",
        ),
    ),
    requires=(
        Requirement(
            "is_latency_known",
            0.95,
            "Some deliveries have no attempt time, or one from another clock than the acknowledgement's; "
            "they are left out, and channels that log less may be the slow ones.",
        ),
    ),
    open_when="is_open",
    about_people=False,
)


def _hop(q: int, ident: str, action: str, target: float | None, paired_with: str | None) -> Kpi:
    """The `q`-th percentile of the time from the engine's routing to the destination's acknowledgement."""
    return Kpi(
        id=ident,
        title=f"Time to the destination, {q} %",
        short_title=f"Hop latency, {q} %",
        definition=f"Time within which {q} percent of deliveries are acknowledged by their destination, from the moment "
        "the engine routed them, with every retry and every wait for a person; what has not arrived counts as still "
        "under way (Kaplan-Meier). Both times from one clock.",
        source="Industry practice; Kaplan-Meier estimator for what is still under way",
        version="1",
        family="interfaces",
        matters_to="it",
        mart="message_delivery",
        case="delivery_key",
        measure=CompletionTime(duration="hop_elapsed_ms", finished="is_delivered", q=q / 100),
        unit="milliseconds",
        improves="down",
        target=target,
        clock="received",
        dimensions=_BY,
        owner=_OWNER,
        action=action,
        uses=("is_hop_known", "is_open"),
        exclusions=(
            Exclusion(
                "the log does not tell when it was routed and arrived, by one clock",
                ~nw.col("is_hop_known"),
                unknown="is_hop_known",
            ),
        ),
        requires=(
            Requirement(
                "is_hop_known",
                0.95,
                "Some deliveries lack the time of their routing, or have it from another clock than their arrival; "
                "they are left out, and channels that log less may be the slow ones.",
            ),
        ),
        caveats=("Not estimable where more deliveries than that never arrive.",),
        open_when="is_open",
        about_people=False,
        paired_with=paired_with,
    )


INTERFACE_HOP_LATENCY_P50 = _hop(
    50, "interface_hop_latency_p50", "A usual hop that slows down is the engine or its network: ask who changed what.",
    None, "interface_hop_latency_p99",
)  # fmt: skip
INTERFACE_HOP_LATENCY_P95 = _hop(
    95, "interface_hop_latency_p95", "Compare destinations: one slow receiver is theirs, all slow is ours.",
    5_000.0, "interface_final_failure_rate",
)  # fmt: skip
INTERFACE_HOP_LATENCY_P99 = _hop(
    99, "interface_hop_latency_p99", "Open the slowest deliveries: most of them waited behind one that failed.",
    None, "interface_final_failure_rate",
)  # fmt: skip
INTERFACE_QUEUE_WAIT = Kpi(
    id="interface_queue_wait",
    title="Wait in the engine's queue, 95 %",
    short_title="Queue wait, 95 %",
    definition="Time within which the engine begins the last attempt of its own at 95 percent of deliveries, from the "
    "moment it routed them: the wait behind others and between attempts. What still waits counts as waiting "
    "(Kaplan-Meier). Both times from one clock.",
    source="Industry practice; Kaplan-Meier estimator for what is still queued",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=CompletionTime(duration="queue_elapsed_ms", finished="is_queue_wait_over", q=0.95),
    unit="milliseconds",
    improves="down",
    target=1_000.0,
    clock="received",
    dimensions=_BY,
    owner=_OWNER,
    action="A long wait with few failures is a receiver that is too slow for its line: ask for a second connection.",
    uses=("is_queue_wait_known", "is_open"),
    exclusions=(
        Exclusion(
            "the log does not tell when it was routed and last tried, by one clock",
            ~nw.col("is_queue_wait_known"),
            unknown="is_queue_wait_known",
        ),
    ),
    requires=(
        Requirement(
            "is_queue_wait_known",
            0.95,
            "Some deliveries lack the time of their routing or of an attempt, or have them from two clocks; they are "
            "left out, and may be those that waited.",
        ),
    ),
    caveats=(
        "Counted to the last attempt, because Mirth keeps no other: a wait between attempts is part of it.",
        "What a person sends again after the engine gave up is not a wait in the queue.",
    ),
    open_when="is_open",
    about_people=False,
    paired_with="interface_queue_depth",
)
INTERFACE_QUEUE_DEPTH = Kpi(
    id="interface_queue_depth",
    title="Messages waiting in the engine's queues",
    short_title="Queue depth",
    definition="Deliveries routed and neither delivered nor given up at the end of the period (at the data cut for the "
    "last). The numerator is their total age in minutes: divided by the value it is their mean age.",
    source="WIP(t) = entered by t - settled by t",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=OpenAt(opened="entered", closed="settled"),
    unit="count",
    improves="down",
    clock="entered",
    dimensions=_BY,
    owner=_OWNER,
    action="A queue that only grows is a destination that is down, whatever its status light says: call it.",
    about_people=False,
    paired_with="interface_queue_wait",
)

INTERFACE_TIMES = (
    INTERFACE_ACK_LATENCY,
    INTERFACE_HOP_LATENCY_P50,
    INTERFACE_HOP_LATENCY_P95,
    INTERFACE_HOP_LATENCY_P99,
    INTERFACE_QUEUE_WAIT,
    INTERFACE_QUEUE_DEPTH,
)
