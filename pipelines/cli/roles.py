"""Who may read what, on the command line: the role of this call, and the log of opened cases.

The role is WARDFLOW_ROLE, else the home's `access.loopback_role`; `--role` may narrow it and never widen it. Which folders
of a snapshot a role may open is said once, in `models.publication`. Not here: reading.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipelines.append import append_line, person
from pipelines.cli.edge import Call, WrongUse, call_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.snapshot_reader import Snapshot

F = TypeVar("F", bound="Callable[..., Any]")

ROLES = ("leadership", "informatics", "engineer")  # each may read what those before it may
NOT_STATED = "not stated (command line)"


def _set_role(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    call_of(context).role_option = value


def role_option(command: F) -> F:
    """`--role`, on every command that reads what was published."""
    return click.option(
        "--role",
        type=click.Choice(ROLES),
        expose_value=False,
        callback=_set_role,
        help="Read as this role; it can only be narrower than yours.  [env: WARDFLOW_ROLE]",
    )(command)


def purpose_option(command: F) -> F:
    """`--purpose`, on every command that opens cases."""
    return click.option(
        "--purpose",
        envvar="WARDFLOW_PURPOSE",
        show_envvar=True,
        metavar="WHY",
        help="Why these cases are opened; it goes into the access log.",
    )(command)


def role_of(call: Call) -> str:
    """The role of this call.

    Raises:
        WrongUse: no such role, or `--role` asks for more than the person has.
    """
    own = os.environ.get("WARDFLOW_ROLE") or call.settings().access.loopback_role
    if own not in ROLES:
        raise WrongUse(f"There is no role {own!r}. Set WARDFLOW_ROLE to one of: {', '.join(ROLES)}.")
    asked = call.role_option or own
    if ROLES.index(asked) > ROLES.index(own):
        raise WrongUse(f"--role {asked} is wider than your role, {own}. Ask for {own} or a narrower one.")
    return asked


def require(call: Call, needed: str, what: str) -> str:
    """The role of this call, which must be `needed` or wider.

    Raises:
        WrongUse: it is narrower.
    """
    role = role_of(call)
    if ROLES.index(role) < ROLES.index(needed):
        raise WrongUse(f"Role {role} cannot {what}: that needs {needed}. Ask somebody who has that role.")
    return role


def snapshot_as(role: str) -> Snapshot:
    """The current snapshot of this call's home, read as `role`.

    Raises:
        NothingPublished: there is none yet.
    """
    from pipelines.snapshot_reader import Snapshot

    return Snapshot(call_of().home().published, role)


def open_cases(call: Call, *, what: str, purpose: str | None) -> str:
    """Check the role, ask for the purpose, append both to the access log; returns the role.

    Raises:
        WrongUse: the role may not see cases, or the purpose is missing.
    """
    role, why = may_open_cases(call, purpose)
    log_opened(call, role, what=what, purpose=why)
    return role


def may_open_cases(call: Call, purpose: str | None) -> tuple[str, str]:
    """The role of this call, which may open cases, and the purpose, asked for where somebody is there to answer.

    An engineer's script may leave the purpose out, because an engineer holds the source files themselves; the log then says so.

    Raises:
        WrongUse: the role may not see cases, or the purpose is missing.
    """
    role = require(call, "informatics", "open cases")
    if not (purpose or "").strip() and sys.stdin.isatty() and sys.stderr.isatty():
        purpose = click.prompt("Purpose (goes into the access log)", err=True)
    if not (purpose or "").strip():
        if role != "engineer":
            raise WrongUse('Opening cases needs a purpose, which goes into the access log. Add --purpose "why".')
        purpose = NOT_STATED
    return role, str(purpose).strip()


def log_opened(call: Call, role: str, *, what: str, purpose: str) -> None:
    """Append to the access log what is opened, before any of it is shown."""
    from models.journal import Access
    from models.publication import load_current

    home = call.home()
    entry = Access(
        opened_at=datetime.now(UTC),
        actor=person(),
        role=role,
        what=what,
        purpose=purpose,
        way="cli",
        snapshot=load_current(home.published).id,
    )
    append_line(home.access_path, entry.to_line())
