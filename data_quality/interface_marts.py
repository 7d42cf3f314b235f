"""What must be true of the marts about messages and channels.

Here: rules over what engines did. Not here: the other facts (`marts`), rules over one source's rows (`staging`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.facts import flags, order
from data_quality.rules import between, holds, one_of, present, unique, within_horizon

if TYPE_CHECKING:
    from data_quality.rules import Rule


INTERFACE_MARTS: dict[str, tuple[Rule, ...]] = {
    "marts.message": (
        unique("message_key", "A message counted twice is a message too many."),
        present("message_key", "A message without an identity cannot be followed."),
        present("channel", "Every number about interfaces is by channel."),
        present("received_at", "A message counts on the day it was received.", at_least=0.98, severity="content"),
        *flags("is_shape_known", "is_drifted"),
        within_horizon("received_at", at_least=0.99),
        holds(
            "most messages belong to a registered interface",
            "facility",
            "facility <> 'Unregistered'",
            "Traffic of unregistered channels has no owner and no facility; most of it should have one.",
            at_least=0.5,
        ),
    ),
    "marts.message_delivery": (
        unique("delivery_key", "A delivery counted twice is a failure or a success too many."),
        present("delivery_key", "A delivery without an identity cannot be followed."),
        one_of(
            "state",
            ("delivered", "failed", "dead_lettered", "queued"),
            "Every delivery is in exactly one of four states.",
        ),
        *flags("is_settled", "is_failed", "is_first_attempt_failed", "is_retried", "is_given_up"),
        holds(
            "what was resolved had been given up",
            "resolved_at",
            "resolved_at is null or resolved_at >= given_up_at",
            "A dead letter that is resolved before it died would be open for less than no time.",
            severity="structural",
        ),
        *flags("is_held", "is_stuck", "is_cross_clock", "is_interval_negative"),
        holds(
            "nothing is delivered before it was received",
            "is_interval_negative",
            "not is_interval_negative",
            "A delivery before the receipt by the same clock is a clock that was put back; its latency is left out.",
            at_least=0.999,
        ),
        between("hop_elapsed_ms", 0, None, "A message that arrives before it was routed is two clocks.", at_least=0.99),
        between("queue_elapsed_ms", 0, None, "Nothing waits for less than no time.", at_least=0.99),
        holds(
            "a failed delivery has ended",
            "is_failed",
            "is_settled or not is_failed",
            "Failed but not ended would be above one in the failure rate.",
            severity="structural",
        ),
        between(
            "ack_latency_ms",
            0,
            None,
            "An acknowledgement before its attempt is two clocks, not a latency.",
            at_least=0.99,
        ),
        between("attempts", 1, None, "A settled delivery was attempted.", at_least=0.9),
    ),
    "marts.intervention": (
        unique("intervention_key", "What a person did once must not be counted twice."),
        present("intervention_key", "What cannot be told apart cannot be counted."),
        present("occurred_at", "What was done counts on the day it was done."),
        *flags(
            "is_confirmed",
            "is_of_message",
            "is_replay",
            "is_replay_settled",
            "is_replay_open",
            "is_recovered",
            "is_recovery_known",
        ),
        between("minutes_to_recover", 0, None, "A delivery before the failure that it makes good is two clocks."),
        within_horizon("occurred_at", at_least=0.99),
    ),
    "marts.channel_hour": (
        unique("channel_hour_key", "An hour counted twice is silent twice."),
        present("channel_hour_key", "An hour without an identity cannot be counted once."),
        *flags("is_baseline_known", "is_storm"),
        between("silent_minutes", 0, 60, "An hour has sixty minutes.", severity="structural"),
        between("messages", 0, None, "Fewer than no messages is an error of counting.", severity="structural"),
    ),
    "marts.channel_rhythm": (
        present("channel", "A rhythm is a channel's."),
        holds(
            "a channel's class of hours stands once",
            "hour_class",
            "count(*) over (partition by source, channel, hour_class) = 1",
            "A class that stands twice would double the channel on the board.",
            severity="structural",
        ),
        between(
            "learned_gap_minutes", 15, None, "Less than a quarter of an hour is no silence.", severity="structural"
        ),
    ),
    "marts.interface_flow": (
        present("flow_id", "A flow is its id."),
        present("channel", "A flow's history counts under a channel."),
        order("valid_from", "valid_to", 1.0),
    ),
    "marts.clock_skew": (
        present("other_clock_id", "A skew is between two clocks."),
        *flags("is_both_ways"),
        between("within_ms", 0, None, "A message there and back takes no less than no time.", at_least=0.9),
    ),
    "marts.message_event": (
        present("message_key", "A step belongs to a message."),
        present("occurred_at", "A step without a time has no place on the way."),
        between("attempt", 1, None, "The first attempt is number one."),
    ),
    "marts.log_gap": (
        present("until_at", "A gap ends with the message after it."),
        *flags("is_pruned"),
        between("missing_messages", 1, None, "A gap lacks at least one message.", severity="structural"),
    ),
    "marts.counter_span": (
        present("channel", "Counters belong to a channel."),
        holds(
            "a stretch stands once",
            "until_at",
            "count(*) over (partition by source, flow_id, until_at) = 1",
            "A stretch that stands twice would count its messages twice.",
            severity="structural",
        ),
        between("counted_messages", 0, None, "Fewer than none cannot come.", severity="structural"),
        order("from_at", "until_at", 1.0),
    ),
    "marts.counter_gap": (
        one_of("kind", ("missing", "reset"), "Readers are told what each kind means."),
        between("missing_messages", 1, None, "A gap lacks at least one message.", severity="structural"),
    ),
    "marts.engine_queue_hour": (
        present("channel", "A queue belongs to a channel."),
        holds(
            "a queue's hour stands once",
            "began_at",
            "count(*) over (partition by source, channel, node_id, began_at) = 1",
            "An hour that stands twice would double what waits.",
            severity="structural",
        ),
        between("last_waiting", 0, None, "Fewer than none cannot wait.", severity="structural"),
    ),
    "marts.identifier_match": (
        one_of(
            "identifier",
            ("visit", "placer", "filler", "accession", "control_id", "trace"),
            "Readers are told what each identifier joins.",
        ),
        between("share", 0, 1, "A share lies between no message and all of them.", severity="structural"),
    ),
    "marts.message_passage": (
        unique("message_key", "A message that came from two engines at once came from neither."),
        present("journey_message_key", "Each belongs to the message of the first engine."),
        holds(
            "a message has an engine before it, or is the first",
            "place",
            "(place = 1) = (from_message_key is null)",
            "A place on a way is told by what came before.",
            severity="structural",
        ),
    ),
    "marts.interface_incident": (
        present("channel", "An incident happens to a channel."),
        unique("incident_id", "An incident told twice is two incidents to whoever reads the list."),
        one_of(
            "kind",
            ("silent", "outage", "retry_storm", "error_burst", "backlog", "latency_shift", "schema_drift"),
            "Readers are told what each kind means.",
        ),
        between("messages_affected", 0, None, "Fewer than no messages is an error of counting.", severity="structural"),
        order("started_at", "ended_at", 1.0),
        order("started_at", "detected_at", 1.0),
    ),
    "marts.interface_channel": (
        present("channel", "A channel is its name."),
        *flags("is_registered", "is_seen"),
        holds(
            "a source's channel stands once",
            "channel",
            "count(*) over (partition by source, channel) = 1",
            "A channel that stands twice would be counted twice.",
            severity="structural",
        ),
        one_of("silence_basis", ("registered", "learned", "unknown"), "Readers are told what each basis means."),
    ),
}
