"""Interface KPIs, counted in `marts.message` and `marts.message_delivery`. They count messages, not people."""

import narwhals.stable.v2 as nw

from models.kpi import Count, Exclusion, Kpi, Quantile, Requirement, Share

INTERFACE_MESSAGES = Kpi(
    id="interface_messages",
    title="Messages received by the integration engine",
    short_title="Interface messages",
    definition="Number of messages received by an engine's first channel; a hop from channel to channel is the same "
    "message and counts once, where it came in.",
    source="Industry practice; no regulator defines it",
    version="1",
    family="interfaces",
    matters_to="it",
    on_overview=True,
    mart="message",
    case="message_key",
    measure=Count(),
    unit="count",
    improves="neither",
    clock="received",
    dimensions=("facility", "unit", "channel", "msg_type", "msg_trigger", "state"),
    owner="Integration lead",
    action="A channel far below its usual volume is an outage until shown otherwise: ask the sender.",
    caveats=("Messages of a channel that is not in registry.toml are counted under Unregistered.",),
    about_people=False,
)
INTERFACE_FINAL_FAILURE_RATE = Kpi(
    id="interface_final_failure_rate",
    title="Deliveries that finally failed",
    short_title="Final delivery failures",
    definition="Share of deliveries (message by final destination) that ended failed or dead-lettered, of those that "
    "ended. A delivery that succeeded after retries is a success.",
    source="Industry practice; first-attempt failures are a different number",
    version="1",
    family="interfaces",
    matters_to="it",
    on_overview=True,
    mart="message_delivery",
    case="delivery_key",
    measure=Share(nw.col("is_failed")),
    unit="percent",
    improves="down",
    target=0.001,
    clock="received",
    dimensions=("facility", "unit", "channel", "destination", "msg_type", "error_class"),
    owner="Integration lead",
    action="Open the failures by error and destination; replay what can be replayed and tell who was waiting.",
    uses=("is_failed", "is_settled", "is_open"),
    exclusions=(Exclusion("still queued or in flight", ~nw.col("is_settled")),),
    open_when="is_open",
    about_people=False,
)
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

INTERFACES = (INTERFACE_MESSAGES, INTERFACE_FINAL_FAILURE_RATE, INTERFACE_ACK_LATENCY)
