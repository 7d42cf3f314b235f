"""The formats of the two append-only files that people write: the decision journal and the access log.

Pure: an entry becomes one JSON line and back, and is checked on the way. Opening, locking and appending files is the
callers' work (the dashboard and the command line write, the pipeline reads).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, cast, get_args

from models.errors import BadJournalEntry, did_you_mean

Action = Literal["assign", "acknowledge", "resolve", "annotate", "rebase", "target", "pilot"]
SubjectKind = Literal["kpi", "interface", "file", "case", "exception", "pilot"]
Way = Literal["dashboard", "cli"]

ACTIONS: tuple[str, ...] = get_args(Action)
SUBJECT_KINDS: tuple[str, ...] = get_args(SubjectKind)
WAYS: tuple[str, ...] = get_args(Way)

_NEEDS_VALUE = {"assign": "the person or team", "rebase": "the date of the new baseline", "target": "the new target"}
_LONGEST = 2000
_NO_TEXT = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes of a command line that are no UTF-8; it cannot be written to a file."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What somebody decided about a KPI, interface, file, case, exception or pilot, when and why. Never changed, only followed.

    `decided_at` carries its offset. `value` is what the action sets: an assignee, a rebase date, a target in the KPI's
    unit, a pilot's plan. `facility` None means all.
    """

    decided_at: datetime
    actor: str
    action: Action
    subject_kind: SubjectKind
    subject: str
    why: str
    facility: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        _check_time("decided_at", self.decided_at)
        _check_one_of("action", self.action, ACTIONS)
        _check_one_of("subject_kind", self.subject_kind, SUBJECT_KINDS)
        for name in ("actor", "subject", "why"):
            _check_text(name, getattr(self, name))
        if self.action in _NEEDS_VALUE and not (self.value or "").strip():
            raise BadJournalEntry(f"To {self.action} needs a value: {_NEEDS_VALUE[self.action]}. Give one.")
        if self.action == "target":
            _check_number(self.value or "")

    @property
    def decision_id(self) -> str:
        """The same entry always has the same id, so that reading a journal twice is harmless."""
        return hashlib.sha256(self.to_line().encode()).hexdigest()[:16]

    def to_line(self) -> str:
        """One JSON object on one line, without the line end."""
        return _to_line(self)

    @classmethod
    def from_line(cls, line: str) -> "Decision":
        """The entry on this line.

        Raises:
            BadJournalEntry: it is not JSON, lacks a field, or breaks a rule; the message holds no content of the line.
        """
        return cls(**_from_line(line, cls, "decided_at"))


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who opened which cases, when, for what purpose and by which way.

    `what` names the table or page and what was asked, e.g. `lab_order where facility=Northfield`; never a value of it.
    """

    opened_at: datetime
    actor: str
    role: str
    what: str
    purpose: str
    way: Way
    snapshot: str | None = None

    def __post_init__(self) -> None:
        _check_time("opened_at", self.opened_at)
        _check_one_of("way", self.way, WAYS)
        for name in ("actor", "role", "what", "purpose"):
            _check_text(name, getattr(self, name))

    def to_line(self) -> str:
        """One JSON object on one line, without the line end."""
        return _to_line(self)

    @classmethod
    def from_line(cls, line: str) -> "Access":
        """The entry on this line.

        Raises:
            BadJournalEntry: it is not JSON, lacks a field, or breaks a rule; the message holds no content of the line.
        """
        return cls(**_from_line(line, cls, "opened_at"))


def with_pending(published: Iterable[Mapping[str, Any]], lines: Iterable[str]) -> list[dict[str, Any]]:
    """The decisions that a run took in, newest first as given, below those that the journal's lines have had since (`is_pending`).

    A line that is no entry is passed over: the pipeline quarantines it and says so.
    """
    told = [{**row, "is_pending": False} for row in published]
    known = {row["decision_id"] for row in told}
    pending: list[dict[str, Any]] = []
    for line in lines:
        try:
            entry = Decision.from_line(line)
        except BadJournalEntry:
            continue
        if entry.decision_id not in known:
            known.add(entry.decision_id)
            pending.append(vars(entry) | {"decision_id": entry.decision_id, "is_pending": True})
    return [*reversed(pending), *told]


def _to_line(entry: Decision | Access) -> str:
    named = {name: v.isoformat() if isinstance(v, datetime) else v for name, v in asdict(entry).items()}
    return json.dumps(named, ensure_ascii=False, sort_keys=True)


def _from_line(line: str, kind: type[Decision | Access], time_field: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadJournalEntry(
            f"A journal line is not JSON (column {error.colno}). Restore the line; entries are only ever appended."
        ) from None
    if not isinstance(found, dict):
        raise BadJournalEntry("A journal line is not a JSON object. Restore the line; entries are only ever appended.")
    entry = cast("dict[str, Any]", found)
    known = [each.name for each in fields(kind)]
    entry.pop("decision_id", None)
    for name in entry:
        if name not in known:
            raise BadJournalEntry(f"A journal entry has an unknown field {name!r}.{did_you_mean(name, known)}")
    try:
        entry[time_field] = datetime.fromisoformat(str(entry[time_field]))
        kind(**entry)
    except (KeyError, ValueError, TypeError) as error:
        raise BadJournalEntry(f"A journal entry is incomplete or ill-typed ({type(error).__name__}).") from None
    return entry


def _check_time(name: str, when: datetime) -> None:
    if when.tzinfo is None:
        raise BadJournalEntry(f"{name} {when.isoformat()} has no offset from UTC. Write it with one.")


def _check_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BadJournalEntry(f"{name} cannot be {value!r}.{did_you_mean(str(value), allowed)}")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise BadJournalEntry(f"{name} is empty. A journal entry says who, what and why.")
    if _NO_TEXT.search(value):
        raise BadJournalEntry(f"{name} holds bytes that are no UTF-8. Write it again as plain text.")
    if len(value) > _LONGEST or "\n" in value:
        raise BadJournalEntry(f"{name} has {len(value)} characters. Write one line of at most {_LONGEST}.")


def _check_number(value: str) -> None:
    try:
        float(value)
    except ValueError:
        raise BadJournalEntry(f"A target cannot be {value!r}. Write a number in the KPI's own unit.") from None
