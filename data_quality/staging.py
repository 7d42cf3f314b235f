"""What must be true of staging tables: one row per resource, known words, instants that can be.

Here: rules over one source's own rows. Not here: facts joined from several tables (`marts`). Content rules of staging
are few and tolerant, because a fault in a staging table makes every KPI made from it biased.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_quality.rules import between, holds, not_empty, one_of, present, unique, within_horizon

if TYPE_CHECKING:
    from data_quality.rules import Rule

_ONE_ROW = "Every later table joins on it: a second row would count a person or an order twice."
_TRACE = "A number must be walkable back to the file and line that it came from."
_PAIR = "The same identifier twice would join the same message to a case twice."
QUEUES = (
    "discharge-medication",
    "discharge-transport",
    "discharge-follow-up",
    "discharge-instructions",
    "registration-review",
    "order-clarification",
)
PRECISIONS = ("day", "zoneless", "instant")


def _key(column: str) -> tuple[Rule, ...]:
    return unique(column, _ONE_ROW), present(column, _ONE_ROW)


def _traced() -> tuple[Rule, ...]:
    return present("file_id", _TRACE), present("line", _TRACE)


def _precision(column: str, at_least: float = 0.5) -> tuple[Rule, ...]:
    """A day is no instant; when most times of a source are days, an export was configured wrongly."""
    return (
        one_of(column, PRECISIONS, "Precision decides whether an interval may be computed from the time."),
        holds(
            f"{column} is an instant",
            column,
            f"{column} = 'instant'",
            "Times without an hour give intervals that are not measurements; most of them should have one.",
            at_least=at_least,
        ),
    )


def _starts_before_end(start: str, end: str, at_least: float = 0.999) -> Rule:
    return holds(
        f"{end} is not before {start}",
        end,
        f"{end} >= {start}",
        "Something that ends before it starts is a typing mistake or a wrong zone.",
        at_least=at_least,
    )


STAGING: dict[str, tuple[Rule, ...]] = {
    "staging.organization": (*_key("organization_id"), present("name", "A facility is shown by its name."), *_traced()),
    "staging.location": (
        *_key("location_id"),
        holds(
            "a location belongs to another location or to an organization",
            "part_of_id",
            "part_of_id is not null or organization_id is not null",
            "A place that hangs nowhere has no facility, and its visits would vanish from every facility's number.",
            at_least=0.9,
        ),
        *_traced(),
    ),
    "staging.patient_identifier": (
        present("patient_key", _ONE_ROW),
        present("mrn_key", "A medical record number without a number joins nothing."),
        holds(
            "a patient and a record number stand together once",
            "mrn_key",
            "count(*) over (partition by patient_key, mrn_key) = 1",
            _PAIR,
            severity="structural",
        ),
    ),
    "staging.patient_merge": (
        present("merged_key", _ONE_ROW),
        present("surviving_key", _ONE_ROW),
        *_traced(),
    ),
    "staging.identity": (*_key("alias_key"), present("key", "A key must not be lost by looking it up."), *_traced()),
    "staging.encounter": (
        *_key("encounter_key"),
        present(
            "status", "Whether a visit is open is read from its status and end.", at_least=0.99, severity="content"
        ),
        one_of(
            "status",
            ("planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "unknown"),
            "FHIR R4 has no other Encounter statuses: when several are, the export is of something else.",
            at_least=0.99,
        ),
        present(
            "class_code",
            "The class separates emergency visits from inpatient stays.",
            at_least=0.98,
            severity="content",
        ),
        *_precision("started_precision"),
        _starts_before_end("started_at", "ended_at"),
        within_horizon("started_at"),
        within_horizon("ended_at"),
        *_traced(),
    ),
    "staging.encounter_identifier": (
        present("encounter_key", _ONE_ROW),
        present("visit_key", "A visit number without a number joins nothing."),
        holds(
            "an encounter and a visit number stand together once",
            "visit_key",
            "count(*) over (partition by encounter_key, visit_key) = 1",
            _PAIR,
            severity="structural",
        ),
    ),
    "staging.encounter_location": (
        present("encounter_key", "A stay belongs to a visit."),
        present("segment_no", "The place in the resource orders stays that start at the same instant."),
        holds(
            "a visit has one stay at each place of its list",
            "segment_no",
            "count(*) over (partition by encounter_key, segment_no) = 1",
            "A stay listed twice would count its time twice.",
            severity="structural",
        ),
        _starts_before_end("started_at", "ended_at"),
        within_horizon("started_at"),
        *_traced(),
    ),
    "staging.encounter_history": (
        *_key("encounter_history_key"),
        present("encounter_key", "A record of a visit's history belongs to a visit."),
        *_traced(),
    ),
    "staging.encounter_status": (
        present("encounter_key", "A status belongs to a visit."),
        present("status", "A spell without a status says nothing.", at_least=0.99, severity="content"),
        _starts_before_end("started_at", "ended_at"),
    ),
    "staging.order": (
        *_key("order_key"),
        one_of("order_kind", ("lab", "imaging", "admission", "discharge", "other"), "Marts pick orders by kind."),
        *_precision("ordered_precision"),
        within_horizon("ordered_at"),
        holds(
            "an order's patient is known",
            "patient_key",
            "patient_key is not null",
            "An order without a patient cannot be joined to a visit.",
            at_least=0.98,
        ),
        *_traced(),
    ),
    "staging.first_version": (unique("subject_key", _ONE_ROW),),
    "staging.order_identifier": (
        present("order_key", _ONE_ROW),
        present("placer_key", "A placer number without a number joins nothing."),
        holds(
            "an order and a placer number stand together once",
            "placer_key",
            "count(*) over (partition by order_key, placer_key) = 1",
            _PAIR,
            severity="structural",
        ),
    ),
    "staging.specimen": (
        *_key("specimen_key"),
        *_precision("collected_precision"),
        within_horizon("collected_at"),
        *_traced(),
    ),
    "staging.diagnostic_report": (
        *_key("report_key"),
        present("is_final", "Whether a report is verified decides whether an order is finished."),
        *_precision("issued_precision"),
        within_horizon("issued_at"),
        *_traced(),
    ),
    "staging.imaging_study": (
        *_key("imaging_study_key"),
        present("is_started", "Whether an examination has begun decides which leg its order is in."),
        *_precision("started_precision"),
        within_horizon("started_at"),
        *_traced(),
    ),
    "staging.observation": (
        *_key("observation_key"),
        present("is_critical", "A critical result starts a clock; unknown must have been decided before."),
        *_precision("issued_precision"),
        within_horizon("issued_at"),
        *_traced(),
    ),
    "staging.task": (
        *_key("task_key"),
        one_of(
            "task_kind",
            (
                "handoff",
                "bed-request",
                "bed-clean",
                "critical-result-ack",
                "critical-result-escalation",
                *QUEUES,
                *QUEUES,
                "other",
            ),
            "Marts pick tasks by kind; a new kind needs a decision what it counts for.",
            at_least=0.95,
            severity="content",
        ),
        *_precision("authored_precision"),
        _starts_before_end("execution_started_at", "execution_ended_at"),
        within_horizon("authored_at"),
        *_traced(),
    ),
    "staging.provenance": (
        holds(
            "a change and a task stand together once",
            "task_key",
            "count(*) over (partition by provenance_key, task_key) = 1",
            "A change that stands twice would be a touch too many.",
            severity="structural",
        ),
        one_of(
            "activity",
            ("create", "assign", "start", "complete", "override", "escalate", "reopen", "other"),
            "Overrides and rework are read from the activity.",
        ),
        *_precision("recorded_precision"),
        within_horizon("recorded_at"),
        *_traced(),
    ),
    "staging.interface_event": (
        unique("event_uid", "An event that stands twice would be a message or a failure too many."),
        present("event_uid", "An event without an identity could be loaded twice unseen."),
        present("occurred_at", "An event without a time has no place in a message's life."),
        present("event_type", "An event of no type proves nothing."),
        present("channel", "Every number about interfaces is by channel."),
        holds(
            "an event of a flow is one of a message",
            "message_uid",
            "message_uid is not null or node_role = 'system'",
            "An event of no message cannot be followed; what was done to an engine is about none.",
            at_least=0.99,
        ),
        within_horizon("occurred_at", at_least=0.99),
        *_traced(),
    ),
    "staging.flow_channel": (
        present("channel", "Every number about interfaces is by channel."),
        holds(
            "a source's flow stands once",
            "flow_id",
            "count(*) over (partition by source, flow_id) = 1",
            "A flow that stands twice would double every one of its events.",
            severity="structural",
        ),
    ),
    "staging.queue_sample": (
        unique("event_uid", "A sample that stands twice is one depth too many."),
        present("channel", "A queue belongs to a channel."),
        between("queue_depth", 0, None, "Fewer than none cannot wait.", severity="structural"),
        *_traced(),
    ),
    "staging.counter_sample": (
        unique("sample_uid", "A reading that stands twice is one too many."),
        present("channel", "Counters belong to a channel."),
        between("received_count", 0, None, "Fewer than none cannot come.", severity="structural"),
        within_horizon("sampled_at", at_least=0.99),
        *_traced(),
    ),
    "staging.process_activity": (
        unique("activity_key", "An activity that stands twice is one step too many."),
        present("case_key", "An activity belongs to a process instance."),
        present("started_at", "An activity without a time has no place in its process."),
        within_horizon("started_at", at_least=0.99),
        *_traced(),
    ),
    "staging.process_record": (
        unique("record_key", "A task or an incident that stands twice would be counted twice."),
        present("case_key", "A record belongs to a process instance."),
        one_of("kind", ("instance", "task", "incident"), "Each history has records of its own."),
        present("started_at", "A record without a time has no place in its process."),
        within_horizon("started_at", at_least=0.99),
        *_traced(),
    ),
    "staging.acknowledgement": (
        unique("event_uid", "An acknowledgement that stands twice would end two deliveries."),
        holds(
            "an acknowledgement is of one message",
            "event_uid",
            "not is_ambiguous",
            "Where control ids are used again while messages wait, deliveries and failures may be another message's.",
            at_least=0.95,
        ),
    ),
    "staging.human_touch": (
        unique("touch_key", "A touch that stands twice would be one too many."),
        present("touch_key", "A touch without an identity could be loaded twice unseen."),
        one_of("kind", ("override", "change", "access", "other"), "What was done is one of these."),
        present("occurred_at", "A touch without a time belongs to no visit.", at_least=0.99, severity="content"),
        within_horizon("occurred_at", at_least=0.99),
        *_traced(),
    ),
    "staging.registry_interface": (
        present("channel", "An interface is registered by its channel's name."),
        one_of("kind", ("channel", "router"), "A router's hop is the same message and is not counted again."),
    ),
    "staging.registry_step": (
        present("activity", "A step is registered by its name."),
        holds(
            "a step of a workflow stands once",
            "activity",
            "count(*) over (partition by workflow, activity) = 1",
            "A step that stands twice has two windows, and its waits would be counted twice.",
            severity="structural",
        ),
    ),
    "staging.decision": (
        unique("decision_id", "A decision read twice would look like two."),
        present("decided_at", "The last decision wins, so every one needs its time."),
        one_of(
            "action",
            ("assign", "acknowledge", "resolve", "annotate", "rebase", "target", "pilot"),
            "Only these change what readers are shown.",
        ),
    ),
}

EXPECTED_ROWS = {
    table: not_empty(
        "A hospital that sends this source has rows of it; none means that an export or a mapping is missing."
    )
    for table in ("staging.encounter", "staging.location", "staging.order", "staging.task", "staging.interface_event")
}
STAGING |= {table: (*STAGING[table], rule) for table, rule in EXPECTED_ROWS.items()}
