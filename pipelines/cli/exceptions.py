"""`wardflow exceptions`: what should have happened and did not, with who looks at it.

Not here: what an exception is (`models/sql/marts/work_exception.sql`), what decisions make of it (`models.exceptions`),
deciding (`wardflow decide`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from models.exceptions import KINDS, with_standing
from models.journal import with_pending
from pipelines.cli.edge import call_of, format_option, home_options
from pipelines.cli.output import EMPTY, print_json, print_table
from pipelines.cli.roles import open_cases, purpose_option, role_option, snapshot_as

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot

OPEN = """
    select *
    from exception
    where is_open
        and ($kind is null or kind = $kind)
        and ($facility is null or facility = $facility)
    order by expected_at, exception_key
"""
DECIDED = "select * from decision order by decided_at desc"


@click.command()
@click.option("--kind", type=click.Choice(tuple(KINDS)), help="Of one kind only.")
@click.option("--facility", help="Of one facility only.")
@click.option("--all", "also_resolved", is_flag=True, help="Those that somebody resolved, too.")
@purpose_option
@format_option
@role_option
@home_options
def exceptions(
    *, kind: str | None, facility: str | None, also_resolved: bool, purpose: str | None, as_format: str
) -> None:
    """List what should have happened by now and has not, or what two records tell differently.

    Needs the informatics role and a purpose, which goes into the access log. `wardflow decide assign|acknowledge|resolve KEY --kind
    exception` says what was done about one; a resolved one leaves the list at once.

    \b
    Example: wardflow exceptions --kind critical_unanswered --purpose "morning huddle"
    """
    call = call_of()
    role = open_cases(call, what="work_exception: open exceptions", purpose=purpose)
    snapshot = snapshot_as(role)
    asked = {"kind": kind, "facility": facility}
    journal = call.home().decisions_path
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else ()
    decisions = with_pending(snapshot.rows(DECIDED, decision="decision"), lines)
    found = with_standing(snapshot.rows(OPEN, asked, exception="work_exception"), decisions)
    rows = [_row(row, snapshot) for row in found if also_resolved or row["standing"].is_in_queue]
    if as_format == "json":
        print_json(rows)
        return
    print_table(
        ["due", "kind", "where", "what", "owner", "state", "key"],
        [
            [
                row["expected_at"][:16].replace("T", " "),
                row["kind"],
                f"{row['facility']}, {row['unit']}",
                row["what"],
                row["owner"] or EMPTY,
                row["said"],
                row["exception_key"],
            ]
            for row in rows
        ],
    )


def _row(row: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    names = (
        "exception_key", "kind", "what", "facility", "unit", "source", "channel", "encounter_key", "order_key", "message_key",
        "task_key", "minutes_open",
    )  # fmt: skip
    return {
        **{name: row[name] for name in names},
        "expected_at": row["expected_at"].astimezone(snapshot.zone).isoformat(),
        "owner": row["owner"],
        "state": row["standing"].state,
        "said": row["standing"].said,
    }
