"""What `wardflow trace` tells, as values: events, steps of messages, waits with their stretches and stages, and what is missing.

Here: finding them in a snapshot by any key. Not here: the command and how it prints (`trace`), how events are joined
(`models/sql/marts/journey_event.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.missing import ABOUT, never_arrived

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot

SPANS = {
    "case": "select * from journey where journey_key in (select journey_key from journey where case_key = $key) order by occurred_at, seq",
    "order": "select * from journey where order_key = $key order by occurred_at, seq",
    "patient": """
        select * from journey
        where patient_key in (select $key union select surviving_key from person where patient_key = $key)
        order by occurred_at, journey_key, seq
    """,
}
"""How each kind of key finds its events; the first kind that finds any wins. A key of none of them is a message's."""

MESSAGES = """
    with named as (
        select message_key from message where $key in (message_key, control_key, trace_key)
        union
        select message_key from delivery where $key in (message_key, delivery_key)
    )
    select message_key from named
    union
    select other.message_key
    from named
    inner join passage on passage.message_key = named.message_key
    inner join passage as other on other.journey_message_key = passage.journey_message_key
"""
"""The messages of a key (of the message, of a delivery, of its control id or correlation id), with those of other engines' logs."""
OF_MESSAGES = """
    select * from journey where message_key in (select unnest($messages::varchar[])) order by occurred_at, seq
"""

UNMATCHED = """
    select
        coalesce(delivery.routed_at, delivery.received_at) as occurred_at,
        coalesce(delivery.delivered_at, case when delivery.is_settled then delivery.last_event_at end) as until_at,
        'message' as kind,
        delivery.channel || ' to ' || delivery.destination as place,
        coalesce(delivery.msg_type, 'message') || ' ' || replace(delivery.state, '_', '-') as what,
        delivery.file_id,
        delivery.line
    from delivery
    where delivery.message_key in (select unnest($messages::varchar[]))
    order by occurred_at
"""
"""A message that belongs to no case that is known: its own hops."""

STEPS = (
    "select * from step where message_key in (select unnest($messages::varchar[])) order by event_order, destination"
)
"""Everything that happened to one message on its way."""

UNDELIVERED = """
    select
        delivery.channel || ' to ' || delivery.destination as hop,
        coalesce(message.msg_type || coalesce(' ' || message.msg_trigger, ''), 'message') as message,
        delivery.message_key,
        delivery.state,
        delivery.error_class,
        delivery.received_at
    from delivery
    inner join message on message.message_key = delivery.message_key
    where delivery.state <> 'delivered'
        and (
            delivery.message_key in (select unnest($messages::varchar[])) or message.order_key = $key
            or message.encounter_key in (select unnest($cases::varchar[]))
        )
    order by delivery.received_at
"""
EXCEPTIONS = (
    f"select * from exception where {' or '.join(f'{column} in (select unnest($keys::varchar[]))' for column in ABOUT)}"
)
"""What did not happen, of encounters, orders and messages. Which of it is a message that never came: `models.missing`."""

WAITS = """
    select * from wait
    where order_key = $key or encounter_key in (select unnest($cases::varchar[]))
    order by began_at, wait_key
"""
WAITS_OF_MESSAGES = """
    select * from wait
    where wait_key in (select wait_key from stage where message_key in (select unnest($messages::varchar[])))
    order by began_at, wait_key
"""
"""Those whose news the messages carried."""
STAGES_OF_WAITS = "select * from stage where wait_key in (select unnest($waits::varchar[])) order by wait_key, stage_no"
STRETCHES = "select * from stretch where wait_key in (select unnest($waits::varchar[])) order by wait_key, part_no"
TOUCHES = "select * from touch where message_key in (select unnest($messages::varchar[])) order by occurred_at"


def find(snapshot: Snapshot, key: str) -> tuple[str, list[str], list[dict[str, Any]]]:
    """What kind of key it is, the messages that it names, and its events in order of time."""
    for kind, query in SPANS.items():
        spans = snapshot.rows(query, {"key": key}, journey="journey_event", person="patient_identity")
        if spans:
            return kind, [], spans
    found = snapshot.rows(
        MESSAGES, {"key": key}, message="message", delivery="message_delivery", passage="message_passage"
    )
    messages = sorted(row["message_key"] for row in found)
    spans = snapshot.rows(OF_MESSAGES, {"messages": messages}, journey="journey_event")
    told = {span["message_key"] for span in spans}
    rest = [message for message in messages if message not in told]
    alone = snapshot.rows(UNMATCHED, {"messages": rest}, delivery="message_delivery") if rest else []
    return "message", messages, sorted([*spans, *alone], key=lambda span: span["occurred_at"])


def span(span: dict[str, Any], snapshot: Snapshot, files: dict[int, str]) -> dict[str, Any]:
    """An event of the journey, on the hospital's clock, with its file and line where the role may see files."""
    until = span["until_at"]
    return {
        "at": span["occurred_at"].astimezone(snapshot.zone).isoformat(),
        "until": until.astimezone(snapshot.zone).isoformat() if until else None,
        "kind": span["kind"],
        "where": span["place"],
        "what": span["what"],
        "source_file": files.get(span["file_id"]),
        "line": span["line"] if files else None,
        "order_key": span.get("order_key"),
        "message_key": span.get("message_key"),
    }


def step(step: dict[str, Any], snapshot: Snapshot, files: dict[int, str]) -> dict[str, Any]:
    """What happened to a message, likewise."""
    names = (
        "channel", "destination", "event_type", "attempt", "is_attempt_exact", "since_ms", "is_other_clock", "ack_code",
        "error_class", "error_template", "actor_role",
    )  # fmt: skip
    return {
        "at": step["occurred_at"].astimezone(snapshot.zone).isoformat(),
        **{name: step[name] for name in names},
        "source_file": files.get(step["file_id"]),
        "line": step["line"] if files else None,
    }


def waits(
    snapshot: Snapshot, key: str, cases: list[str], of: list[str], spans: list[dict[str, Any]], files: dict[int, str]
) -> list[dict[str, Any]]:
    """The waits of the case, or whose news the messages `of` carried: where the time went, who acted meanwhile, and their stages."""
    from models.waits import WAIT_KINDS

    if not all(snapshot.may_open(name) for name in ("wait", "wait_part", "wait_stage")):
        return []  # published before waits were
    if of:
        waits = snapshot.rows(WAITS_OF_MESSAGES, {"messages": of}, wait="wait", stage="wait_stage")
    else:
        waits = snapshot.rows(WAITS, {"key": key, "cases": cases}, wait="wait")
    keys = [wait["wait_key"] for wait in waits]
    stages = snapshot.rows(STAGES_OF_WAITS, {"waits": keys}, stage="wait_stage")
    stretches = snapshot.rows(STRETCHES, {"waits": keys}, stretch="wait_part")
    messages = sorted({span["message_key"] for span in spans if span.get("message_key")})
    touches = snapshot.rows(TOUCHES, {"messages": messages}, touch="intervention")
    return [
        {
            "kind": wait["wait_kind"],
            "title": WAIT_KINDS[wait["wait_kind"]].title,
            "from": wait["began_at"].astimezone(snapshot.zone).isoformat(),
            "until": wait["until_at"].astimezone(snapshot.zone).isoformat(),
            "minutes": wait["minutes"],
            "is_open": wait["is_open"],
            "is_within": wait["is_within"],
            "parts": [_part(each, touches, snapshot) for each in stretches if each["wait_key"] == wait["wait_key"]],
            "stages": [_stage(each, snapshot, files) for each in stages if each["wait_key"] == wait["wait_key"]],
        }
        for wait in waits
    ]


def _stage(stage: dict[str, Any], snapshot: Snapshot, files: dict[int, str]) -> dict[str, Any]:
    from models.waits import STAGES, UNKNOWN

    hop = [stage[name] for name in ("channel", "destination") if stage[name]]
    return {
        "stage": stage["stage"],
        "title": STAGES[stage["stage"]].title,
        "where": " to ".join(hop) if hop else None,
        "at": stage["occurred_at"].astimezone(snapshot.zone).isoformat() if stage["occurred_at"] else None,
        "precision": stage["precision"],
        "is_bound": stage["is_bound"],
        "basis": stage["basis"],
        "clock": stage["clock_id"],
        "unknown_because": UNKNOWN[stage["unknown_because"]] if stage["unknown_because"] else None,
        "message_key": stage["message_key"],
        "source_file": files.get(stage["file_id"]),
        "line": stage["line"] if files else None,
    }


def _part(stretch: dict[str, Any], touches: list[dict[str, Any]], snapshot: Snapshot) -> dict[str, Any]:
    from models import wording
    from models.waits import PARTS, hand

    part, touch = PARTS[stretch["part"]], hand(stretch, touches)
    hop = [stretch[name] for name in ("channel", "destination") if stretch[name]]
    return {
        "part": part.id,
        "title": part.title,
        "hop": " to ".join(hop) if hop else None,
        "from": stretch["from_at"].astimezone(snapshot.zone).isoformat(),
        "until": stretch["until_at"].astimezone(snapshot.zone).isoformat(),
        "minutes": stretch["minutes"],
        "by": part.actor,
        "did": wording.message_step(touch["kind"]) if touch else None,
        "did_by_role": touch["role"] if touch and touch["role"] != "Unknown" else None,
        "is_across_clocks": stretch["is_across_clocks"],
        "is_estimated": stretch["is_estimated"],
    }


def missing(
    snapshot: Snapshot, key: str, cases: list[str], messages: list[str], spans: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What should have happened between systems and did not, each with the hop's name: of what is traced, and of its events."""
    undelivered = snapshot.rows(
        UNDELIVERED,
        {"key": key, "cases": cases, "messages": messages},
        delivery="message_delivery",
        message="message",
    )
    keys = {key, *cases, *messages, *(span["message_key"] for span in spans if span.get("message_key"))}
    exceptions = snapshot.rows(EXCEPTIONS, {"keys": sorted(keys)}, exception="work_exception")
    return [
        {
            "where": each["hop"],
            "what": f"{each['message']} {each['state'].replace('_', '-')}, never acknowledged"
            + (f" ({each['error_class']})" if each["error_class"] else ""),
            "since": each["received_at"].astimezone(snapshot.zone).isoformat(),
            "message_key": each["message_key"],
            "order_key": None,
        }
        for each in undelivered
    ] + [
        each._asdict() | {"since": each.since.astimezone(snapshot.zone).isoformat()}
        for each in never_arrived(exceptions, keys)
    ]
