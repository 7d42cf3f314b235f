"""`wardflow decide`: one entry in the decision journal.

Not here: what an entry may say (`models.journal`), what it changes (`pipelines.effective`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import click

from models.journal import Action, SubjectKind
from pipelines.append import append_line, person
from pipelines.cli.edge import WrongUse, call_of, format_option, home_options
from pipelines.cli.output import print_json
from pipelines.cli.roles import require, role_option, snapshot_as

if TYPE_CHECKING:
    from pipelines.snapshot_reader import Snapshot


@click.command()
@click.argument("action", type=click.Choice(get_args(Action)))
@click.argument("subject")
@click.option(
    "--kind", type=click.Choice(get_args(SubjectKind)), default="kpi", show_default=True, help="What the subject is."
)
@click.option("--why", required=True, help="The reason, in one line.")
@click.option(
    "--value", help="What it is set to: a target in the KPI's unit (0.95 for 95 %), a date, a person or team."
)
@click.option("--facility", help="For one facility only.")
@click.option("--as", "actor", metavar="WHO", help="Who decided.  [default: you]")
@format_option
@role_option
@home_options
def decide(
    action: Action,
    subject: str,
    kind: SubjectKind,
    why: str,
    value: str | None,
    facility: str | None,
    actor: str | None,
    as_format: str,
) -> None:
    """Append a decision to the journal: who, what, when and why. Entries are only ever appended.

    The next `wardflow run` takes it in; targets, owners and new baselines then hold wherever the KPI is shown.

    \b
    Example: wardflow decide target lab_turnaround --value 75 --why "agreed in the laboratory board of 3 March"
             wardflow decide assign ed_boarding_ed2 --value "Patient flow office" --why "owner since April"
             wardflow decide pilot lounge --kind pilot --why "ward 5" --value '{"kpi": "lab_turnaround", "starts_on": "2026-05-04"}'
             wardflow decide acknowledge ADT-OUT --kind interface --why "vendor ticket 4711"
             wardflow decide resolve 0f3a52c1d9e84b7790aa12cd34ef5678 --kind exception --why "telephoned at 10:40"
    """
    from models.impact import Plan
    from models.journal import Decision
    from models.kpis import find_kpi

    call = call_of()
    home = call.home()
    role = require(call, "informatics", "write decisions")
    if kind == "kpi":
        find_kpi(subject)
    if kind == "exception":
        _require_known(subject, snapshot_as(role))
    if action == "pilot" and kind == "pilot":
        plan = Plan.from_decision(subject, facility, value)
        for named in (plan.kpi, *plan.guardrails):
            find_kpi(named)
    entry = Decision(
        decided_at=datetime.now(UTC),
        actor=actor or person(),
        action=action,
        subject_kind=kind,
        subject=subject,
        facility=facility,
        value=value,
        why=why,
    )
    append_line(home.decisions_path, entry.to_line())
    if as_format == "json":
        print_json({"decision_id": entry.decision_id, "journal": str(home.decisions_path)})
    else:
        click.echo(f"Noted as {entry.decision_id}; `wardflow run` takes it in.")


def _require_known(key: str, snapshot: Snapshot) -> None:
    query = "select count(*) as n from exception where exception_key = $key"
    (found,) = snapshot.rows(query, {"key": key}, exception="work_exception")
    if not found["n"]:
        raise WrongUse(f"{key!r} is no exception of the published snapshot. `wardflow exceptions` lists their keys.")
