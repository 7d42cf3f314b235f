"""What Mirth's own event log says was done, by the names that Mirth gives to operations.

Here: which operation is which kind of event, and which attributes of one are read. Not here: files (`mirth_audit`), SQL
(`mirth_audit_events`). Of the attributes, which can hold a whole message, only those named here are looked at, and of those only ids,
numbers and yes or no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DATA_PRUNER = "Data Pruner"
_SINGULAR_OR_PLURAL = re.compile(r"\b(channel|connector|message)\b")

_NAMES = {
    "replay_requested": "Reprocess messages",
    "deleted": "Remove messages|Remove all messages",
    "manual_override": "Import messages|Import messages on the server|Process messages",
    "flow_started": "Start channels|Resume channels|Start connectors|Deploy channels|Redeploy all channels|Server startup",
    "flow_stopped": "Stop channels|Pause channels|Halt channels|Stop connectors|Undeploy channels|Server shutdown",
    "flow_changed": "Clear statistics|Clear all statistics|Create channels|Update channels|Remove channels|Set channels enabled flag|"
    "Set channels initial state|Set global scripts|Set configuration map|Update server settings|Set server configuration",
    "alert_raised": "Alert Dispatched",
    "accessed": "Login|Logout|Export messages|Export all messages|Export messages on the server|Accessed PHI|Queried PHI",
}


def _form(name: str) -> str:
    """A name as it is compared: Mirth's versions write some in the singular, some in the plural."""
    return _SINGULAR_OR_PLURAL.sub(r"\1s", name.strip().lower())


TYPES: Mapping[str, str] = {
    _form(name): event_type for event_type, names in _NAMES.items() for name in names.split("|")
}
"""Operation, in the form in which it is compared → type of event."""

WORDS = frozenset(
    """
    accessed alert alerts all attachment attachments by change channel channels clear code collection configuration connector connectors
    content count create database delete dependencies deploy dispatched driver drivers enabled event events export extension extensions
    flag get global group groups halt id ids import initial invoked keystore library libraries list login logout map message messages
    metadata names number of on password pause phi plugin preferences process properties pruner queried redeploy reload remove reprocess
    resource resources restore resume script scripts search server set settings shutdown ssl start startup state statistics status
    statuses stop summary tags task tasks template templates test the through undeploy update updated user users validate version
    """.split()  # noqa: SIM905 -- one a line would fill a page
)
"""Of these the names of Mirth's operations are made."""

_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_CHANNEL_ID = re.compile(_ID)
_NUMBER = re.compile(r"\d{1,18}")
_CHANNEL = re.compile(rf"Channel\[id=({_ID}),name=(.*)\]", re.DOTALL)
_KEY = re.compile(r"channel(?:\[\d{1,6}\])?")
_NUMBERS = frozenset({"messageId", "metaDataId", "Messages Pruned", "Content Rows Pruned"})
_PRUNED_CHANNEL = "Channel ID"
_UNTRUSTED = frozenset({"rawData", "messageContent", "message", "filter"})
"""Values that may go on over lines of a sender's choosing: nothing after them is read."""


@dataclass(frozen=True)
class Done:
    """One thing that one operation did: to a channel and message where it names them; `count` is of what a pruner took away."""

    event_type: str
    channel_id: str = ""
    channel_name: str | None = None
    message_id: str | None = None
    node: str = ""
    count: int | None = None


def without_extension(name: str) -> str:
    """The name of the operation, without that of the extension which asked for it."""
    return name.split(" invoked through ", maxsplit=1)[0]


def dumped(text: str) -> Iterator[tuple[str, str]]:
    """The attributes of a Java map dump (`    key = value`), up to the first whose value may be anything."""
    for line in text.splitlines():
        name, equals, value = line.strip().partition(" = ")
        if name in _UNTRUSTED:
            return
        if equals and line.startswith("    "):
            yield name, value


def is_whole(text: str) -> bool:
    """Whether a dump ends as one does."""
    return text.rstrip().endswith(("}", "= null"))


def done(name: str, attributes: Iterable[tuple[str, str]]) -> list[Done]:
    """What an operation did: one for each channel that it names, and one without a channel where it names none. Empty for a
    pruner that found nothing.
    """
    channels: list[tuple[str, str | None]] = []
    numbers: dict[str, str] = {}
    for key, written in attributes:
        value = written.strip()
        if _KEY.fullmatch(key) and (found := _CHANNEL.fullmatch(value)):
            channels.append((found.group(1), found.group(2)))
        elif key == _PRUNED_CHANNEL and _CHANNEL_ID.fullmatch(value):
            channels.append((value, None))
        elif key in _NUMBERS and _NUMBER.fullmatch(value):
            numbers.setdefault(key, value)
    channels = list(dict.fromkeys(channels)) or [("", None)]
    if name.strip() == DATA_PRUNER:
        counts = (
            ("purged", int(numbers.get("Messages Pruned", 0))),
            ("content_pruned", int(numbers.get("Content Rows Pruned", 0))),
        )
        return [Done(kind, *channel, count=count) for channel in channels for kind, count in counts if count]
    kind = TYPES.get(_form(without_extension(name)), "unknown")
    message = numbers.get("messageId") if len(channels) == 1 and channels[0][0] else None
    return [Done(kind, *channel, message, numbers.get("metaDataId", "")) for channel in channels]
