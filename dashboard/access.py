"""Who is looking, and as which role. Resolves people; what a role may open is enforced in `dashboard.data`.

On the loopback address there is no log-in: the person is whoever started the server, in the role that the settings give
(`WARDFLOW_ROLE` over `[access] loopback_role`), and may look through the eyes of a lesser role. Anywhere else Streamlit's
OIDC says who it is and `[access.roles]` which role that address has; an address without a role sees nothing.
"""

import getpass
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

ROLES = ("leadership", "informatics", "engineer")  # each sees all that the one before it sees
SEES = {
    "leadership": "totals",
    "informatics": "totals and cases",
    "engineer": "totals, cases, files and lines",
}


class AccessError(Exception):
    """Somebody may not look. The message names who, the rule and the cure."""


@dataclass(frozen=True)
class Person:
    """Somebody looking at the dashboard. `role` is the one in force, `granted` the highest they may take."""

    name: str
    role: str
    granted: str
    by_login: bool = False

    @property
    def may_view_as(self) -> tuple[str, ...]:
        """The roles this person can look as: their own and the lesser ones."""
        return ROLES[: ROLES.index(self.granted) + 1]

    def viewing_as(self, role: str | None) -> "Person":
        """The same person in `role`; a role above the granted one, or an unknown one, changes nothing."""
        return replace(self, role=role) if role in self.may_view_as else self


def is_loopback(address: str | None) -> bool:
    """Whether a server on `address` can be reached from this machine only. An unset address means every interface."""
    if not address:
        return False
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def local_person(access: Mapping[str, object]) -> Person:
    """Who looks on loopback: the user of this machine in the settings' loopback role.

    Raises:
        AccessError: the role is not one of the three.
    """
    role = os.environ.get("WARDFLOW_ROLE") or str(access.get("loopback_role") or "engineer")
    if role not in ROLES:
        raise AccessError(f"Role {role!r} does not exist. Use one of {', '.join(ROLES)} in [access] loopback_role.")
    return Person(_user_name(), role, role)


def logged_in_person(email: str, access: Mapping[str, object]) -> Person:
    """Who looks after logging in with `email` (compared without regard to case).

    Raises:
        AccessError: the address has no role, or one that does not exist.
    """
    roles = access.get("roles")
    known = {k.casefold(): str(v) for k, v in roles.items()} if isinstance(roles, Mapping) else {}
    role = known.get(email.casefold())
    if role is None:
        raise AccessError(f"{email} has no role here. Ask for a line under [access.roles] in wardflow.toml.")
    if role not in ROLES:
        raise AccessError(f"{email} has the role {role!r}, which does not exist. Use one of {', '.join(ROLES)}.")
    return Person(email, role, role, by_login=True)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user id without a name
        return f"uid {os.getuid()}"
