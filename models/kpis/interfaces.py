"""Interface KPIs: how much comes, what fails, what is tried again. They count messages, not people.

Here: the family as a whole, and the KPIs of volume and failure. Not here: those of time (`interface_times`), of what
the engine gave up (`dead_letters`), of what was sent again (`replays`), and of the feeds (`feeds`).
"""

import narwhals.stable.v2 as nw

from models.kpi import Count, Exclusion, Kpi, Mean, Share
from models.kpis.dead_letters import DEAD_LETTERS
from models.kpis.feeds import FEEDS
from models.kpis.interface_times import INTERFACE_TIMES
from models.kpis.replays import REPLAYS

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
    "ended. A delivery that succeeded after retries, or after a person sent it again, is a success.",
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
_BY = ("facility", "unit", "channel", "destination", "msg_type")
_UNSETTLED = Exclusion("still queued or in flight", ~nw.col("is_settled"))

INTERFACE_FIRST_ATTEMPT_FAILURE_RATE = Kpi(
    id="interface_first_attempt_failure_rate",
    title="Deliveries whose first attempt failed",
    short_title="First attempts failed",
    definition="Share of deliveries (message by final destination) whose first attempt did not succeed, whatever came "
    "of it later, of those that ended.",
    source="Industry practice; final failures are a different number",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=Share(nw.col("is_first_attempt_failed")),
    unit="percent",
    improves="down",
    target=0.02,
    clock="received",
    dimensions=(*_BY, "error_class"),
    owner="Integration lead",
    action="A destination that often fails at first is about to fail for good: ask its owner before it does.",
    uses=("is_first_attempt_failed", "is_settled", "is_open"),
    exclusions=(_UNSETTLED,),
    open_when="is_open",
    about_people=False,
    paired_with="interface_final_failure_rate",
)
INTERFACE_RETRY_RATE = Kpi(
    id="interface_retry_rate",
    title="Deliveries tried more than once",
    short_title="Deliveries retried",
    definition="Share of deliveries that took more than one attempt, by the engine or by a person who sent the message "
    "again, of those that ended.",
    source="Industry practice",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=Share(nw.col("is_retried")),
    unit="percent",
    improves="down",
    clock="received",
    dimensions=_BY,
    owner="Integration lead",
    action="Retries hide trouble: look which destination needs them, and since when.",
    uses=("is_retried", "is_settled", "is_open"),
    exclusions=(_UNSETTLED,),
    open_when="is_open",
    about_people=False,
    paired_with="interface_first_attempt_failure_rate",
)
INTERFACE_ATTEMPTS_PER_DELIVERY = Kpi(
    id="interface_attempts_per_delivery",
    title="Attempts for each delivery",
    short_title="Attempts per delivery",
    definition="Mean number of attempts of the deliveries that ended; 1 when everything succeeds at once.",
    source="Industry practice; a sudden rise at one destination is a retry storm",
    version="1",
    family="interfaces",
    matters_to="it",
    mart="message_delivery",
    case="delivery_key",
    measure=Mean("attempts"),
    unit="ratio",
    improves="down",
    clock="received",
    dimensions=_BY,
    owner="Integration lead",
    action="Above 1.5 at one destination: stop its sender or lengthen the pause between attempts, then ask its owner.",
    uses=("is_settled", "is_open"),
    exclusions=(_UNSETTLED,),
    caveats=("Mirth tells how many attempts there were, not when each of them was.",),
    open_when="is_open",
    about_people=False,
    paired_with="interface_retry_rate",
)

INTERFACES = (
    INTERFACE_MESSAGES,
    INTERFACE_FINAL_FAILURE_RATE,
    INTERFACE_FIRST_ATTEMPT_FAILURE_RATE,
    INTERFACE_RETRY_RATE,
    INTERFACE_ATTEMPTS_PER_DELIVERY,
    *INTERFACE_TIMES,
    *DEAD_LETTERS,
    *FEEDS,
    *REPLAYS,
)
