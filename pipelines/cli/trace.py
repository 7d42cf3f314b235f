"""`wardflow trace`: one case end to end, across clinical events and message hops, with the missing hop named.

Here: finding the case by any of its keys, and saying which expected hop is not there. Not here: how events are joined
(`models/sql/marts/journey_event.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.edge import CheckFailed, call_of, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table
from pipelines.cli.roles import open_cases, purpose_option, role_option, snapshot_as

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot

SPANS = {
    "case": "select * from journey where journey_key in (select journey_key from journey where case_key = $key) order by occurred_at, seq",
    "order": "select * from journey where order_key = $key order by occurred_at, seq",
    "message": "select * from journey where message_key = $key order by occurred_at, seq",
    "patient": """
        select * from journey
        where patient_key in (select $key union select surviving_key from person where patient_key = $key)
        order by occurred_at, journey_key, seq
    """,
}
"""How each kind of key finds its events; the first kind that finds any wins."""

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
    where delivery.message_key = $key
    order by occurred_at
"""
"""A message that belongs to no case that is known: its own hops."""

STEPS = "select * from step where message_key = $key order by event_order, destination"
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
        and (delivery.message_key = $key or message.order_key = $key or message.encounter_key in (select unnest($cases::varchar[])))
    order by delivery.received_at
"""
NEVER_SEEN = """
    select order_key, facility, what, expected_at
    from exception
    where is_open and kind = 'message_never_seen'
        and (order_key = $key or encounter_key in (select unnest($cases::varchar[])))
    order by expected_at
"""
"""Orders and results of the case of which the facility's engine should carry a message and none is in its log."""

WAITS = """
    select * from wait
    where order_key = $key or encounter_key in (select unnest($cases::varchar[]))
    order by began_at, wait_key
"""
STRETCHES = "select * from stretch where wait_key in (select unnest($waits::varchar[])) order by wait_key, part_no"
TOUCHES = "select * from touch where message_key in (select unnest($messages::varchar[])) order by occurred_at"


@click.command()
@click.argument("key", metavar="KEY")
@purpose_option
@format_option
@role_option
@home_options
def trace(key: str, purpose: str | None, as_format: str) -> None:
    """Follow one case end to end: clinical events, people's steps and message hops, with the missing hop named.

    KEY is the keyed hash of an encounter, an order or a patient (`wardflow key` makes it from an id; `wardflow kpi cases` lists
    them), or the key of a message or of a delivery. A patient is found by any key that was merged into one. Needs the informatics
    role and a purpose, which goes into the access log; of a message every step is listed. Every wait of the case follows, cut into
    what each hop and what people took, with who acted meanwhile: source, engine, rule (the engine's own), person or nobody. File
    and line are for engineers. Exit code 1 when nothing has that key.

    \b
    Example: wardflow trace 0f3a52c1d9e84b7790aa12cd34ef5678 --purpose "late bed, complaint 17"
    """
    call = call_of()
    role = open_cases(call, what=f"trace {key}", purpose=purpose)
    snapshot = snapshot_as(role)
    sent = snapshot.rows(
        "select message_key from delivery where delivery_key = $key", {"key": key}, delivery="message_delivery"
    )
    wanted = sent[0]["message_key"] if sent else key
    kind, spans = _find(snapshot, wanted)
    if not spans:
        raise CheckFailed(
            f"Nothing in snapshot {snapshot.manifest.id} has the key {key!r}. Keys are those of `wardflow kpi cases` or `wardflow key`."
        )
    cases = sorted({span["case_key"] for span in spans if span.get("case_key")}) if kind in {"case", "patient"} else []
    files = (
        {row["file_id"]: row["path"] for row in snapshot.rows("select file_id, path from delivered", delivered="file")}
        if snapshot.may_open("file")
        else {}
    )
    document = {
        "key": key,
        "is": kind,
        "as_of": snapshot.as_of,
        "spans": [_span(span, snapshot, files) for span in spans],
        "missing": _missing(snapshot, wanted, cases),
        "waits": _waits(snapshot, wanted, cases, spans),
    }
    if kind == "message":
        steps = snapshot.rows(STEPS, {"key": wanted}, step="message_event")
        document["steps"] = [_step(step, snapshot, files) for step in steps]
    from models import wording

    if as_format == "json":
        print_json(document)
        return
    print_table(
        ["at", "until", "kind", "where", "what", "file", "line"],
        [
            [
                _clock(span["at"]),
                _clock(span["until"]),
                span["kind"],
                span["where"],
                span["what"],
                span["source_file"],
                span["line"],
            ]
            for span in document["spans"]
        ],
    )
    if document.get("steps"):
        print_table(
            ["at", "channel", "destination", "event", "attempt", "since", "error", "line"],
            [
                [_clock(step["at"]), step["channel"], step["destination"], step["event_type"], step["attempt"],
                 wording.milliseconds(step["since_ms"]), step["error_template"] or step["error_class"], step["line"]]
                for step in document["steps"]
            ],
        )  # fmt: skip
    if document["waits"]:
        print_table(
            ["wait", "from", "part", "hop", "took", "by", "did"],
            [
                [wait["title"], _clock(part["from"]), part["title"], part["hop"], wording.milliseconds(part["minutes"] * 60_000),
                 part["by"], f"{part['did']} by {part['did_by_role'] or 'somebody'}" if part["did"] else None]
                for wait in document["waits"] for part in wait["parts"]
            ],
        )  # fmt: skip
    for each in document["missing"]:
        click.echo(f"Missing: {each['where']}: {each['what']}")


def _find(snapshot: Snapshot, key: str) -> tuple[str, list[dict[str, Any]]]:
    """What kind of key it is, and its events in order of time."""
    for kind, query in SPANS.items():
        spans = snapshot.rows(query, {"key": key}, journey="journey_event", person="patient_identity")
        if spans:
            return kind, spans
    return "message", snapshot.rows(UNMATCHED, {"key": key}, delivery="message_delivery")


def _span(span: dict[str, Any], snapshot: Snapshot, files: dict[int, str]) -> dict[str, Any]:
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


def _step(step: dict[str, Any], snapshot: Snapshot, files: dict[int, str]) -> dict[str, Any]:
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


def _waits(snapshot: Snapshot, key: str, cases: list[str], spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The waits of the case with their stretches: where the time went, and who acted meanwhile, rule, engine or person."""
    from models.waits import WAIT_KINDS

    if not snapshot.may_open("wait") or not snapshot.may_open("wait_part"):
        return []  # published before waits were
    waits = snapshot.rows(WAITS, {"key": key, "cases": cases}, wait="wait")
    keys = [wait["wait_key"] for wait in waits]
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
        }
        for wait in waits
    ]


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


def _missing(snapshot: Snapshot, key: str, cases: list[str]) -> list[dict[str, Any]]:
    """What should have happened between systems and did not, each with the hop's name."""
    parameters = {"key": key, "cases": cases}
    undelivered = snapshot.rows(UNDELIVERED, parameters, delivery="message_delivery", message="message")
    never = snapshot.rows(NEVER_SEEN, parameters, exception="work_exception")
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
        {
            "where": f"{each['facility']}, interface engine",
            "what": f"{each['what']} for this order",
            "since": each["expected_at"].astimezone(snapshot.zone).isoformat(),
            "message_key": None,
            "order_key": each["order_key"],
        }
        for each in never
    ]


def _clock(instant: str | None) -> str:
    return EMPTY if instant is None else instant[:19].replace("T", " ")
