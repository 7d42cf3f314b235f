"""What must be true of the marts that KPIs are counted from: keys, closed sets, order of times, plausible amounts and
rates.

Here: rules over facts. Not here: messages and channels (`interface_marts`), rules over one source's rows (`staging`). Thresholds
are wide: a check says "this cannot be a hospital", never "this hospital does badly", which is what KPIs and their limits are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.facts import MONTH, ONE_CASE, TRACE, WEEK, case, flags, order
from data_quality.rules import between, holds, in_balance, one_of, present, rate_between, unique, within_horizon
from models.waits import PARTS, STAGES

if TYPE_CHECKING:
    from data_quality.rules import Rule


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
        present("file_id", TRACE, severity="content"),
    ),
    "marts.visit": (
        unique("encounter_key", ONE_CASE),
        present("encounter_key", ONE_CASE),
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
        *case("encounter_key"),
        *flags("is_admitted", "left_before_seen", "is_departure_known", "is_room_known", "is_open"),
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
        order("arrived_at", "departed_at"),
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
        *case("encounter_key"),
        *flags("is_departed", "is_open"),
        order("admitted_at", "departed_at"),
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
        *case("bed_clean_key"),
        *flags("is_started", "is_cleaned", "is_open"),
        present("requested_at", "A bed counts on the day it was requested.", at_least=0.99, severity="content"),
        one_of(
            "priority",
            ("routine", "urgent", "asap", "stat"),
            "FHIR knows four priorities of a request.",
            severity="content",
        ),
        order("requested_at", "started_at"),
        order("started_at", "cleaned_at"),
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
        *case("unit_stay_key"),
        present("encounter_key", "A stay belongs to a visit."),
        order("began_at", "ended_at"),
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
        unique("location_id", ONE_CASE),
        present("location_id", ONE_CASE),
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
        unique("organization_id", ONE_CASE),
        present("organization_id", ONE_CASE),
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
        *case("unit_hour_key"),
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
        *case("order_key"),
        *flags(
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
        order("ordered_at", "verified_at"),
        order("ordered_at", "collected_at", at_least=0.9),
        order("collected_at", "received_at"),
        order("received_at", "verified_at"),
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
        *case("order_key"),
        *flags("is_fulfilled", "is_revoked", "is_fulfilment_time_known", "is_open"),
        present("ordered_at", "An order counts on the day it was placed.", at_least=0.99, severity="content"),
        between("minutes_to_fulfilment", 0, None, "Nobody fulfils an order before it was placed.", at_least=0.99),
        order("ordered_at", "fulfilled_at"),
        within_horizon("ordered_at"),
    ),
    "marts.imaging_order": (
        *case("order_key"),
        *flags("is_examined", "is_final", "is_revoked", "is_exam_time_known", "is_final_time_known"),
        present("ordered_at", "An order counts on the day it was placed.", at_least=0.99, severity="content"),
        between("minutes_to_final", 0, None, "A report before its order is a mixed-up clock.", at_least=0.99),
        order("ordered_at", "examined_at", at_least=0.95),
        order("examined_at", "final_at"),
        within_horizon("ordered_at"),
    ),
    "marts.critical_result": (
        *case("observation_key"),
        *flags("is_window_closed", "is_acknowledged", "is_escalation_due", "is_escalated"),
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
        *case("handoff_key"),
        *flags("is_accepted", "is_missed", "is_settled", "is_open"),
        present("offered_at", "A handoff counts on the day it was offered.", at_least=0.99, severity="content"),
        between("minutes_to_acceptance", 0, None, "Nobody accepts before the offer.", at_least=0.99),
        order("offered_at", "accepted_at"),
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
        *case("task_key"),
        *flags("is_completed", "is_automatic", "is_overridden", "is_escalated", "is_reworked", "is_open"),
        present("created_at", "A task counts on the day it was made.", at_least=0.99, severity="content"),
        between("minutes_to_completion", 0, None, "Nobody completes a task before it exists.", at_least=0.99),
        order("created_at", "closed_at"),
        holds(
            "a completed task is not open",
            "is_open",
            "not (is_open and is_completed)",
            "Open and completed at once would be counted as both.",
            severity="structural",
        ),
        within_horizon("created_at"),
    ),
    "marts.workflow_event": (
        present("case_key", "A step belongs to a case."),
        present("occurred_at", "A step without a time has no place in its case."),
        present("workflow", "A step belongs to a workflow."),
        holds(
            "a step begins before it is done",
            "started_at",
            "started_at is null or started_at <= occurred_at",
            "A step that ends before it begins is two clocks, and its queue is no measurement.",
            at_least=0.99,
        ),
        present("file_id", TRACE, at_least=0.99, severity="content"),
    ),
    "marts.journey_event": (
        present("case_key", "A step belongs to a case."),
        present("occurred_at", "A step without a time has no place in the journey."),
        one_of("kind", ("clinical", "message", "human"), "The journey is drawn in three lanes."),
        present("file_id", TRACE, at_least=0.99, severity="content"),
    ),
    "marts.wait": (
        unique("wait_key", ONE_CASE),
        present("wait_key", ONE_CASE),
        present("began_at", "A wait that never began has no length."),
        between("minutes", 0, None, "A wait that ends before it begins is two clocks, and its length means nothing."),
        present("file_id", TRACE, at_least=0.99, severity="content"),
    ),
    "marts.lost_time": (
        unique("lost_key", "A stretch that stands twice would be lost twice."),
        one_of("cause", ("integration", "workflow", "record", "unknown"), "Readers are told what each cause means."),
        holds(
            "a stretch is lost once at most",
            "minutes",
            "minutes between -0.001 and minutes_waited + 0.001",
            "Hours are shared between what a patient waits for at once; a share above the whole would count an hour twice.",
            severity="structural",
        ),
    ),
    "marts.wait_stage": (
        present("wait_key", "A stage belongs to a wait."),
        one_of("stage", tuple(STAGES), "Readers are told what each stage means."),
        holds(
            "a stage has a time, or a reason why it has none",
            "unknown_because",
            "(occurred_at is null) = (unknown_because is not null)",
            "A gap without a reason would be read as if nothing had happened.",
            severity="structural",
        ),
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
