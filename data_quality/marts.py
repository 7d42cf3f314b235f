"""What must be true of the marts that KPIs are counted from: keys, closed sets, order of times, plausible amounts and
rates.

Here: rules over facts. Not here: rules over one source's rows (`staging`). Thresholds are wide: a check says "this
cannot be a hospital", never "this hospital does badly", which is what KPIs and their limits are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.rules import between, holds, in_balance, one_of, present, rate_between, unique, within_horizon
from models.waits import PARTS

if TYPE_CHECKING:
    from data_quality.rules import Rule

WEEK = 7 * 24 * 60.0
MONTH = 31 * 24 * 60.0
_ONE_CASE = "One row is one case: a second row would be counted again."
_TRACE = "A number must be walkable back to the file and line that it came from."


def _case(key: str) -> tuple[Rule, ...]:
    return (
        unique(key, _ONE_CASE),
        present(key, _ONE_CASE),
        present("file_id", _TRACE, at_least=0.99, severity="content"),
        present("line", _TRACE, at_least=0.99, severity="content"),
        present(
            "facility",
            "A case without a facility is in the hospital's number and in no facility's.",
            at_least=0.9,
            severity="content",
        ),
    )


def _flags(*columns: str) -> tuple[Rule, ...]:
    return tuple(
        present(column, "A flag that is neither true nor false would drop the case from a share unseen.")
        for column in columns
    )


def _order(earlier: str, later: str, at_least: float = 0.99) -> Rule:
    return holds(
        f"{later} is not before {earlier}",
        later,
        f"{later} >= {earlier}",
        "Steps that run backwards are mixed-up clocks or a wrong zone, and their durations mean nothing.",
        at_least=at_least,
    )


MARTS: dict[str, tuple[Rule, ...]] = {
    "marts.state_change": (
        present("resource_key", "A change of nobody's state cannot be walked back."),
        present("not_after", "A change without a sign of the new state was never seen."),
        one_of(
            "basis",
            ("recorded", "between_versions", "between_exports"),
            "What proves a change says how exactly its time is known.",
        ),
        holds(
            "an interval does not run backwards",
            "resolution_minutes",
            "resolution_minutes is null or resolution_minutes >= 0",
            "A change lies after the last sign of the old state and no later than the first sign of the new one.",
        ),
    ),
    "marts.patient_identity": (
        unique("patient_key", "A key that stood for two persons would count a journey twice."),
        present("surviving_key", "A key that stands for nobody would lose its journeys."),
        holds(
            "whom a key stands for stands for himself",
            "surviving_key",
            "surviving_key not in (select patient_key from marts.patient_identity where is_merged)",
            "A chain of merges that is not followed to its end would count one person as two.",
            severity="structural",
        ),
        holds(
            "merges do not go round in a circle",
            "is_circular",
            "not is_circular",
            "Somebody merged the same patients in both directions; the oldest merge was left out.",
            at_least=0.99,
        ),
        present("file_id", _TRACE, severity="content"),
    ),
    "marts.visit": (
        unique("encounter_key", _ONE_CASE),
        present("encounter_key", _ONE_CASE),
        holds(
            "a rule or a default says what kind of visit it is",
            "visit_kind",
            "visit_kind <> 'unknown'",
            "A visit whose class nobody explained is in no emergency and no inpatient number: `wardflow status` lists the "
            "classes, and a rule of [[sources.visits]] in wardflow.toml explains one.",
            at_least=0.99,
        ),
    ),
    "marts.reference_match": (
        between("match_share", 0, 1, "More cannot be matched than there is.", severity="structural"),
        holds(
            "references lead to what was delivered",
            "match_share",
            "match_share >= 0.5",
            "Where most references of an element lead nowhere, a type is missing from the export, or ids changed.",
            at_least=0.8,
        ),
    ),
    "marts.ed_attendance": (
        *_case("encounter_key"),
        *_flags("is_admitted", "left_before_seen", "is_departure_known", "is_room_known", "is_open"),
        present("arrived_at", "A visit counts on the day of its arrival.", at_least=0.99, severity="content"),
        one_of(
            "acuity", tuple("12345"), "The Emergency Severity Index has five levels.", at_least=0.95, severity="content"
        ),
        between(
            "minutes_in_department",
            0,
            WEEK,
            "A stay below zero or over a week is a missing end, not a patient.",
            at_least=0.99,
        ),
        between(
            "boarding_minutes",
            -1440,
            WEEK,
            "A wait of over a week after the decision is a missing departure.",
            at_least=0.99,
        ),
        between("minutes_to_room", 0, WEEK, "Nobody is in a room before the door.", at_least=0.99),
        between("minutes_to_provider", 0, WEEK, "Nobody is seen before the door.", at_least=0.98),
        _order("arrived_at", "departed_at"),
        within_horizon("arrived_at"),
        within_horizon("departed_at"),
        holds(
            "departure is known for most visits",
            "is_departure_known",
            "is_departure_known",
            "When most departures are unknown, the map of locations is missing, not a few places of it.",
            at_least=0.5,
        ),
        rate_between(
            "left_before_seen",
            "left_before_seen::int",
            0,
            0.3,
            "No department loses a third of its visits: a code changed its meaning.",
        ),
        rate_between(
            "is_admitted",
            "is_admitted::int",
            0.01,
            0.8,
            "A department admits some and not nearly all: a code changed its meaning.",
        ),
    ),
    "marts.inpatient_stay": (
        *_case("encounter_key"),
        *_flags("is_departed", "is_open"),
        _order("admitted_at", "departed_at"),
        between(
            "minutes_order_to_departure",
            0,
            MONTH,
            "Nobody waits a month for the door after a discharge order.",
            at_least=0.98,
        ),
        within_horizon("admitted_at"),
        in_balance(
            "admitted_at",
            "departed_at",
            known_since="(select min(first_exported_at) from marts.location)",
            why="The wards hold far more or far fewer patients than admissions and stays explain: departures (or "
            "admissions) are missing from the exports.",
            kpis=(
                "inpatient_length_of_stay",
                "discharge_before_noon",
                "occupancy_mean",
                "occupancy_midnight",
                "occupancy_peak",
            ),
        ),
    ),
    "marts.bed_clean": (
        *_case("bed_clean_key"),
        *_flags("is_started", "is_cleaned", "is_open"),
        present("requested_at", "A bed counts on the day it was requested.", at_least=0.99, severity="content"),
        one_of(
            "priority",
            ("routine", "urgent", "asap", "stat"),
            "FHIR knows four priorities of a request.",
            severity="content",
        ),
        _order("requested_at", "started_at"),
        _order("started_at", "cleaned_at"),
        between("minutes_cleaning", 0, 1440.0, "Nobody cleans one bed for a day: an end is missing.", at_least=0.98),
        holds(
            "a clean bed is not open",
            "is_open",
            "not (is_open and is_cleaned)",
            "Open and clean at once would be counted as both.",
            severity="structural",
        ),
        within_horizon("requested_at"),
    ),
    "marts.unit_stay": (
        *_case("unit_stay_key"),
        present("encounter_key", "A stay belongs to a visit."),
        _order("began_at", "ended_at"),
        holds(
            "a stay is at a place that was sent",
            "unit",
            "unit <> 'Unknown'",
            "Who lies at a place that was never sent is on no ward's census: send the places with the export, or a list of "
            "them beside it.",
            at_least=0.9,
        ),
        holds(
            "a person is in one journey at a time",
            "began_at",
            "began_at >= max(coalesce(ended_at, began_at)) over (partition by patient_key order by began_at, ended_at, unit_stay_key "
            "rows between unbounded preceding and 1 preceding)",
            "Two visits of one person at the same time that do not name each other count as two patients: a link between "
            "them, or the end of one, is missing.",
            at_least=0.95,
        ),
    ),
    "marts.location": (
        unique("location_id", _ONE_CASE),
        present("location_id", _ONE_CASE),
        holds(
            "the place that a place is part of was sent",
            "is_parent_known",
            "is_parent_known",
            "A bed whose ward was never sent is on no ward, and whoever lies in it is missing from the census.",
            at_least=0.98,
        ),
        holds(
            "no place is part of itself",
            "is_circular",
            "not is_circular",
            "Places in a ring belong to no building and no hospital: one of their partOf is a slip.",
            at_least=0.99,
        ),
    ),
    "marts.organization": (
        unique("organization_id", _ONE_CASE),
        present("organization_id", _ONE_CASE),
        holds(
            "the organization that an organization is part of was sent",
            "is_parent_known",
            "is_parent_known",
            "A department whose hospital was never sent counts as a facility of its own.",
            at_least=0.98,
        ),
        holds(
            "no organization is part of itself",
            "is_circular",
            "not is_circular",
            "Organizations in a ring belong to no hospital: one of their partOf is a slip.",
            at_least=0.99,
        ),
    ),
    "marts.unit_hour": (
        *_case("unit_hour_key"),
        present("occupied_bed_hours", "An hour without a census would be missing from every mean."),
        between("patients_at_end", 0, None, "Fewer than nobody: more patients left than came.", severity="structural"),
        between("occupancy", 0, 2, "Twice as many patients as beds are missing beds or missing ends.", at_least=0.99),
        holds(
            "a ward's hour stands once",
            "began_at",
            "count(*) over (partition by facility, unit, began_at) = 1",
            "An hour that stands twice would be counted twice.",
            severity="structural",
        ),
    ),
    "marts.lab_order": (
        *_case("order_key"),
        *_flags(
            "is_collected",
            "is_received",
            "is_verified",
            "is_revoked",
            "is_collected_time_known",
            "is_received_time_known",
            "is_verified_time_known",
        ),
        present("ordered_at", "An order counts on the day it was placed.", at_least=0.99, severity="content"),
        between("minutes_to_verified", 0, None, "A result before its order is a mixed-up clock.", at_least=0.99),
        _order("ordered_at", "verified_at"),
        _order("ordered_at", "collected_at", at_least=0.9),
        _order("collected_at", "received_at"),
        _order("received_at", "verified_at"),
        within_horizon("ordered_at"),
        rate_between(
            "is_revoked",
            "is_revoked::int",
            0,
            0.5,
            "When half of the orders are revoked, a status changed its meaning.",
        ),
    ),
    "marts.order_fulfilment": (
        *_case("order_key"),
        *_flags("is_fulfilled", "is_revoked", "is_fulfilment_time_known", "is_open"),
        present("ordered_at", "An order counts on the day it was placed.", at_least=0.99, severity="content"),
        between("minutes_to_fulfilment", 0, None, "Nobody fulfils an order before it was placed.", at_least=0.99),
        _order("ordered_at", "fulfilled_at"),
        within_horizon("ordered_at"),
    ),
    "marts.imaging_order": (
        *_case("order_key"),
        *_flags("is_examined", "is_final", "is_revoked", "is_exam_time_known", "is_final_time_known"),
        present("ordered_at", "An order counts on the day it was placed.", at_least=0.99, severity="content"),
        between("minutes_to_final", 0, None, "A report before its order is a mixed-up clock.", at_least=0.99),
        _order("ordered_at", "examined_at", at_least=0.95),
        _order("examined_at", "final_at"),
        within_horizon("ordered_at"),
    ),
    "marts.critical_result": (
        *_case("observation_key"),
        *_flags("is_window_closed", "is_acknowledged", "is_escalation_due", "is_escalated"),
        between("minutes_to_acknowledgement", 0, None, "Nobody acknowledges a result before it exists.", at_least=0.98),
        holds(
            "a result acknowledged in its window needs no escalation",
            "is_escalation_due",
            "not (is_escalation_due and acknowledged_in_window)",
            "A result that is both in time and too late would be counted as both.",
            severity="structural",
        ),
        within_horizon("issued_at"),
        holds(
            "a critical result belongs to a laboratory order",
            "order_key",
            "order_key is not null",
            "Without its order a result has no unit and no journey.",
            at_least=0.9,
        ),
    ),
    "marts.handoff": (
        *_case("handoff_key"),
        *_flags("is_accepted", "is_missed", "is_settled", "is_open"),
        present("offered_at", "A handoff counts on the day it was offered.", at_least=0.99, severity="content"),
        between("minutes_to_acceptance", 0, None, "Nobody accepts before the offer.", at_least=0.99),
        _order("offered_at", "accepted_at"),
        holds(
            "an accepted handoff is not open",
            "is_open",
            "not (is_open and is_accepted)",
            "Open and accepted at once would be counted as both.",
            severity="structural",
        ),
        within_horizon("offered_at"),
    ),
    "marts.work_task": (
        *_case("task_key"),
        *_flags("is_completed", "is_automatic", "is_overridden", "is_escalated", "is_reworked", "is_open"),
        present("created_at", "A task counts on the day it was made.", at_least=0.99, severity="content"),
        between("minutes_to_completion", 0, None, "Nobody completes a task before it exists.", at_least=0.99),
        _order("created_at", "closed_at"),
        holds(
            "a completed task is not open",
            "is_open",
            "not (is_open and is_completed)",
            "Open and completed at once would be counted as both.",
            severity="structural",
        ),
        within_horizon("created_at"),
    ),
    "marts.message": (
        unique("message_key", "A message counted twice is a message too many."),
        present("message_key", "A message without an identity cannot be followed."),
        present("channel", "Every number about interfaces is by channel."),
        present("received_at", "A message counts on the day it was received.", at_least=0.98, severity="content"),
        *_flags("is_shape_known", "is_drifted"),
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
        *_flags("is_settled", "is_failed", "is_first_attempt_failed", "is_retried", "is_given_up"),
        holds(
            "what was resolved had been given up",
            "resolved_at",
            "resolved_at is null or resolved_at >= given_up_at",
            "A dead letter that is resolved before it died would be open for less than no time.",
            severity="structural",
        ),
        *_flags("is_held", "is_stuck", "is_cross_clock", "is_interval_negative"),
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
        *_flags(
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
        *_flags("is_baseline_known", "is_storm"),
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
        _order("valid_from", "valid_to", 1.0),
    ),
    "marts.clock_skew": (
        present("other_clock_id", "A skew is between two clocks."),
        *_flags("is_both_ways"),
        between("within_ms", 0, None, "A message there and back takes no less than no time.", at_least=0.9),
    ),
    "marts.message_event": (
        present("message_key", "A step belongs to a message."),
        present("occurred_at", "A step without a time has no place on the way."),
        between("attempt", 1, None, "The first attempt is number one."),
    ),
    "marts.log_gap": (
        present("until_at", "A gap ends with the message after it."),
        *_flags("is_pruned"),
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
    "marts.interface_incident": (
        present("channel", "An incident happens to a channel."),
        unique("incident_id", "An incident told twice is two incidents to whoever reads the list."),
        one_of(
            "kind",
            ("silent", "outage", "retry_storm", "error_burst", "backlog", "latency_shift", "schema_drift"),
            "Readers are told what each kind means.",
        ),
        between("messages_affected", 0, None, "Fewer than no messages is an error of counting.", severity="structural"),
        _order("started_at", "ended_at", 1.0),
        _order("started_at", "detected_at", 1.0),
    ),
    "marts.interface_channel": (
        present("channel", "A channel is its name."),
        *_flags("is_registered", "is_seen"),
        holds(
            "a source's channel stands once",
            "channel",
            "count(*) over (partition by source, channel) = 1",
            "A channel that stands twice would be counted twice.",
            severity="structural",
        ),
        one_of("silence_basis", ("registered", "learned", "unknown"), "Readers are told what each basis means."),
    ),
    "marts.workflow_event": (
        present("case_key", "A step belongs to a case."),
        present("occurred_at", "A step without a time has no place in its case."),
        one_of(
            "workflow",
            ("ed-to-bed", "order-to-acknowledged-result", "discharge", "message-delivery"),
            "Every step belongs to one of the workflows that are drawn.",
        ),
        holds(
            "a step begins before it is done",
            "started_at",
            "started_at is null or started_at <= occurred_at",
            "A step that ends before it begins is two clocks, and its queue is no measurement.",
            at_least=0.99,
        ),
        present("file_id", _TRACE, at_least=0.99, severity="content"),
    ),
    "marts.journey_event": (
        present("case_key", "A step belongs to a case."),
        present("occurred_at", "A step without a time has no place in the journey."),
        one_of("kind", ("clinical", "message", "human"), "The journey is drawn in three lanes."),
        present("file_id", _TRACE, at_least=0.99, severity="content"),
    ),
    "marts.wait": (
        unique("wait_key", _ONE_CASE),
        present("wait_key", _ONE_CASE),
        present("began_at", "A wait that never began has no length."),
        between("minutes", 0, None, "A wait that ends before it begins is two clocks, and its length means nothing."),
        present("file_id", _TRACE, at_least=0.99, severity="content"),
    ),
    "marts.wait_part": (
        present("wait_key", "A stretch belongs to a wait."),
        one_of("part", tuple(PARTS), "Readers are told what each part means."),
        holds(
            "a stretch is as long as its ends say",
            "minutes",
            "abs(minutes - date_diff('microsecond', from_at, until_at) / 6e7) < 0.001",
            "Stretches with gaps or overlaps would not add up to their wait, and shares would blame the wrong part.",
            severity="structural",
        ),
    ),
}
