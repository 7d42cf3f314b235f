"""`wardflow trace`: one case end to end, across clinical events and message hops, with the missing hop named.

Here: the command and its tables. Not here: finding what it tells (`traced`), how events are joined
(`models/sql/marts/journey_event.sql`).
"""

from __future__ import annotations

from typing import Any

import click

from pipelines.cli import traced
from pipelines.cli.edge import CheckFailed, WrongUse, call_of, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table
from pipelines.cli.roles import log_opened, may_open_cases, purpose_option, role_option, snapshot_as

_LONGEST_KEY = 200


def _checked(_context: click.Context, _parameter: click.Parameter, key: str) -> str:
    """The key as typed. Of one that cannot be a key nothing is repeated: it may be anything, also a person's name."""
    if not key.strip() or len(key) > _LONGEST_KEY or not key.isprintable():
        raise WrongUse(
            f"KEY is no key: give one line of 1 to {_LONGEST_KEY} printable characters in UTF-8, "
            "as `wardflow kpi cases` or `wardflow key` prints it."
        )
    return key


@click.command()
@click.argument("key", metavar="KEY", callback=_checked)
@purpose_option
@format_option
@role_option
@home_options
def trace(key: str, purpose: str | None, as_format: str) -> None:
    """Follow one case end to end: clinical events, people's steps and message hops, with the missing hop named.

    KEY is the keyed hash of an encounter, an order or a patient (`wardflow key` makes it from an id; `wardflow kpi cases` lists
    them), or the key of a message, of a delivery, or of a control id or correlation id. A patient is found by any key that was merged
    into one. Needs the informatics role and a purpose, which goes into the access log; of a message every step is listed, in every
    engine whose log holds it. Every wait of the case, or whose news the message carried, follows: cut into what each hop and what people
    took, whether its length is estimated or measured between two clocks, and
    who acted meanwhile (source, engine, rule (the engine's own), person or nobody), and its stages from happened to acted on,
    each with its clock, or why nobody knows when it was. File and line are for engineers. Exit code 1 when nothing
    has that key: what was typed is then neither repeated nor logged, as it may be a name.

    \b
    Example: wardflow trace 0f3a52c1d9e84b7790aa12cd34ef5678 --purpose "late bed, complaint 17"
    """
    call = call_of()
    role, why = may_open_cases(call, purpose)
    snapshot = snapshot_as(role)
    kind, messages, spans = traced.find(snapshot, key)
    log_opened(call, role, what=f"trace {key}" if spans else "trace of a key that nothing has", purpose=why)
    if not spans:
        raise CheckFailed(
            f"Nothing in snapshot {snapshot.manifest.id} has this key. Keys are those of `wardflow kpi cases` or `wardflow key`."
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
        "spans": [traced.span(span, snapshot, files) for span in spans],
        "missing": traced.missing(snapshot, key, cases, messages, spans),
        "waits": traced.waits(snapshot, key, cases, messages, spans, files),
    }
    if kind == "message":
        steps = snapshot.rows(traced.STEPS, {"messages": messages}, step="message_event")
        document["steps"] = [traced.step(step, snapshot, files) for step in steps]
    from models import wording
    from models.waits import doubts

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
            ["wait", "from", "part", "hop", "took", "sure", "by", "did"],
            [
                [wait["title"], _clock(part["from"]), part["title"], part["hop"], wording.milliseconds(part["minutes"] * 60_000),
                 ", ".join(doubts(part)) or None, part["by"],
                 f"{part['did']} by {part['did_by_role'] or 'somebody'}" if part["did"] else None]
                for wait in document["waits"] for part in wait["parts"]
            ],
        )  # fmt: skip
        print_table(
            ["wait", "stage", "where", "at", "clock", "file", "line"],
            [
                [wait["title"], stage["title"], stage["where"], _said(stage), stage["clock"], stage["source_file"], stage["line"]]
                for wait in document["waits"] for stage in wait["stages"]
            ],
        )  # fmt: skip
    for each in document["missing"]:
        click.echo(f"Missing: {each['where']}: {each['what']}")


def _said(stage: dict[str, Any]) -> str:
    """When a stage was, or why nobody knows."""
    if stage["at"] is None:
        return f"not known: {stage['unknown_because']}"
    return ("no later than " if stage["is_bound"] else "") + _clock(stage["at"])


def _clock(instant: str | None) -> str:
    return EMPTY if instant is None else instant[:19].replace("T", " ")
