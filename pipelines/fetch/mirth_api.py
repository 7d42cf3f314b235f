"""Mirth's messages over its REST API, a window of some hundred numbers at a time, as rows of an extract.

Here: the calls, and an element's way into a row. Not here: what is read when (`pipelines.fetch`). Messages are asked for without
content; those with an error once more with it, a few in each poll, and only what may be kept of it leaves memory.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from http.client import HTTPException
from http.cookiejar import CookieJar
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request
from urllib.request import build_opener as opener_of

import pyarrow as pa
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] -- lxml ships no types

from pipelines.errors import ConfigurationError, SourceUnreachable
from pipelines.sources import error_text, hl7_envelope
from pipelines.sources.counter_samples import COUNTERS
from pipelines.sources.xml_documents import hardened_parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.settings import Poll, SourceSettings

_SECONDS_A_CALL = 60
_MOST_BYTES = 64 << 20
_TEXTS_A_PAGE = 100
"""Messages with an error that are asked for with their content, of each page."""
_ERRORS = ("processingErrorContent", "responseErrorContent", "postProcessorErrorContent")
_TIMES = {"receivedDate": "received_date", "sendDate": "send_date", "responseDate": "response_date"}

ROWS = pa.schema(
    {
        "channel_id": pa.string(),
        "channel_name": pa.string(),
        "message_id": pa.int64(),
        "message_received_date": pa.int64(),
        "source_received_date": pa.int64(),
        "processed": pa.bool_(),
        "original_id": pa.string(),
        "import_id": pa.string(),
        "import_channel_id": pa.string(),
        "metadata_id": pa.string(),
        "connector_name": pa.string(),
        "server_id": pa.string(),
        "received_date": pa.int64(),
        "status": pa.string(),
        "send_attempts": pa.string(),
        "send_date": pa.int64(),
        "response_date": pa.int64(),
        "error_code": pa.string(),
        "ack_code": pa.string(),
        "error_class": pa.string(),
        "hl7_error": pa.string(),
        "error_template": pa.string(),
        "is_nack": pa.bool_(),
        "source_channel_id": pa.string(),
        "source_message_id": pa.string(),
        "msh_7": pa.string(),
    }
)
"""Beside these the custom columns that the settings name, as texts."""


def connect(source: SourceSettings, poll: Poll) -> Api:
    """A session at the address that the source's settings name.

    Raises:
        ConfigurationError: there is no password.
        SourceUnreachable: nobody answers there, or the login is refused.
    """
    password = environ.get(poll.password_env, "") if poll.password_env else ""
    path = Path(poll.password_file).expanduser() if poll.password_file else None
    password = password or (path.read_text(encoding="utf-8").strip() if path and path.is_file() else "")
    if not password:
        raise ConfigurationError(
            f"Source {source.name!r}: there is no password for {poll.user!r}. Set password_env or password_file, and what it names."
        )
    return Api(source, poll, password)


class _NoRedirects(HTTPRedirectHandler):
    """The only address that is called is the one that the settings name."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:  # noqa: ANN401
        """No new request: the answer counts as a refusal."""


def _opener(poll: Poll) -> OpenerDirector:
    context = ssl.create_default_context(cafile=poll.ca_file or None)
    return opener_of(ProxyHandler({}), HTTPSHandler(context=context), HTTPCookieProcessor(CookieJar()), _NoRedirects())


class Api:
    """See `pipelines.fetch.Road`."""

    def __init__(self, source: SourceSettings, poll: Poll, password: str) -> None:
        self._source = source
        self._poll = poll
        self._extra = frozenset(word.lower() for word in source.error_words)
        self._highest: dict[str, int] = {}
        try:
            self._opener = _opener(poll)
        except OSError:
            raise ConfigurationError(
                f"Source {source.name!r}: {poll.ca_file!r} holds no certificate. Name a PEM file in ca_file."
            ) from None
        self._call("users/_login", body=urlencode({"username": poll.user, "password": password}).encode())

    def channels(self) -> list[str]:
        """All that the account may see."""
        found = self._call("channels/idsAndNames")
        return sorted(entry[0].text.strip() for entry in found.iter("entry") if len(entry) > 1 and entry[0].text)

    def begin(self, channel: str) -> int:
        """So many messages before the last: numbers that were pruned away long ago are asked for in vain."""
        return max(self._maximum(channel) - self._poll.look_back_messages, 0)

    def above(self, channel: str, number: int, most: int) -> pa.Table:
        """The next window of numbers in which there are messages."""
        highest = self._maximum(channel)
        while number < highest:
            rows = self._window(channel, number + 1, min(number + most, highest), most)
            if len(rows):
                return rows
            number += most
        return self._table([])

    def these(self, channel: str, numbers: Sequence[int]) -> pa.Table:
        """By windows of neighbours."""
        most, found, waiting = self._poll.page_messages, [], sorted(numbers)
        while waiting:
            near = [number for number in waiting if number < waiting[0] + most]
            rows = self._window(channel, near[0], near[-1], most)
            is_wanted = pa.array([number in near for number in rows.column("message_id").to_pylist()], pa.bool_())
            found.append(rows.filter(is_wanted))
            waiting = waiting[len(near) :]
        return pa.concat_tables(found) if found else self._table([])

    def counters(self) -> list[pa.Table]:
        """Of the channels that are deployed, each server's; connectors have none of their own here, and nothing is kept for a lifetime."""
        found = self._call("channels/statistics")
        now = datetime.now(UTC)
        names = {"channel_id": "channelId", "server_id": "serverId", **{name: name for name in COUNTERS}}
        rows = [
            {column: _text(each, tag) or None for column, tag in names.items()} | {"sampled_at": now}
            for each in found.iter("channelStatistics")
        ]
        schema = pa.schema({**dict.fromkeys(names, pa.string()), "sampled_at": pa.timestamp("us", "UTC")})
        return [pa.Table.from_pylist(rows, schema=schema)]

    def close(self) -> None:
        """Log out; who does not answer any more is left alone."""
        try:
            self._call("users/_logout", body=b"")
        except SourceUnreachable:
            return

    def _maximum(self, channel: str) -> int:
        if channel not in self._highest:
            text = (self._call(f"channels/{quote(channel, safe='')}/messages/maxMessageId").text or "").strip()
            self._highest[channel] = int(text) if text.isdecimal() else 0
        return self._highest[channel]

    def _window(self, channel: str, first: int, last: int, most: int) -> pa.Table:
        """The messages from the one number to the other, each whole."""
        messages = self._messages(channel, first, last, most, with_content=False)
        texts: dict[str, Any] = {}
        wanted = [each for each in messages if _is_bad(each)][:_TEXTS_A_PAGE]
        for each in wanted:
            number = _text(each, "messageId")
            texts |= {
                _text(whole, "messageId"): whole
                for whole in self._messages(channel, int(number), int(number), 1, with_content=True)
            }
        rows = [row for each in messages for row in self._rows(texts.get(_text(each, "messageId"), each))]
        return self._table(rows)

    def _messages(self, channel: str, first: int, last: int, most: int, *, with_content: bool) -> list[Any]:
        asked = {"minMessageId": first, "maxMessageId": last, "offset": 0, "limit": most}
        query = urlencode({**asked, "includeContent": str(with_content).lower()})
        found = self._call(f"channels/{quote(channel, safe='')}/messages?{query}")
        messages = [found] if found.tag == "message" else found.findall("message")
        numbered = [each for each in messages if _text(each, "messageId").isdecimal()]
        return sorted(numbered, key=lambda each: int(_text(each, "messageId")))

    def _rows(self, message: Any) -> Iterable[dict[str, object]]:  # noqa: ANN401 -- lxml ships no types
        connectors = list(message.iter("connectorMessage"))
        first = next((each for each in connectors if _text(each, "metaDataId") == "0"), None)
        meta = {entry[0].text: entry[1].text for entry in _entries(first, "metaDataMap")}
        source_map = {entry[0].text: _said(entry[1]) for entry in _entries(first, "sourceMapContent/content")}
        envelope = (
            hl7_envelope.read(first.findtext("raw/content") if first is not None else None) or hl7_envelope.NOTHING
        )
        named = self._source.columns
        whole = {
            "channel_id": _text(message, "channelId"),
            "message_id": int(_text(message, "messageId")),
            "message_received_date": _time(message, "receivedDate"),
            "source_received_date": _time(first, "receivedDate"),
            "processed": _text(message, "processed") != "false",
            "original_id": _text(message, "originalId") or None,
            "import_id": _text(message, "importId") or None,
            "import_channel_id": _text(message, "importChannelId") or None,
            "source_channel_id": source_map.get("sourceChannelId"),
            "source_message_id": source_map.get("sourceMessageId"),
            "msh_7": envelope.sent,
            named.control_id: meta.get(named.control_id) or envelope.control_id,
            **{name: meta.get(name) for name in (named.type, named.mrn, named.visit, named.placer)},
        }
        for each in connectors:
            error = "\n".join(text for name in _ERRORS if (text := each.findtext(f"{name}/content")))
            facts = error_text.reduce_error(error, self._extra, (_text(each, "connectorName"),)) if error else None
            yield whole | {
                "channel_name": _text(each, "channelName") or None,
                "metadata_id": _text(each, "metaDataId"),
                "connector_name": _text(each, "connectorName"),
                "server_id": _text(each, "serverId") or _text(message, "serverId"),
                "status": _text(each, "status"),
                "send_attempts": _text(each, "sendAttempts"),
                "error_code": _text(each, "errorCode"),
                "ack_code": error_text.ack_code(each.findtext("response/content")),
                "error_class": facts and facts.error_class,
                "hl7_error": facts and facts.code,
                "error_template": facts and facts.template,
                "is_nack": error_text.is_nack(error),
                **{column: _time(each, tag) for tag, column in _TIMES.items()},
            }

    def _table(self, rows: list[dict[str, object]]) -> pa.Table:
        named = self._source.columns
        custom = dict.fromkeys((named.control_id, named.type, named.mrn, named.visit, named.placer), pa.string())
        return pa.Table.from_pylist(rows, schema=pa.schema({**{field.name: field.type for field in ROWS}, **custom}))

    def _call(self, path: str, *, body: bytes | None = None) -> Any:  # noqa: ANN401 -- lxml ships no types
        request = Request(  # noqa: S310 -- the settings allow https only, and http on this machine
            f"{self._poll.api.rstrip('/')}/{path}",
            data=body,
            headers={"X-Requested-With": "Wardflow", "Accept": "application/xml"},
        )
        try:
            with self._opener.open(request, timeout=_SECONDS_A_CALL) as answer:
                content = answer.read(_MOST_BYTES + 1)
        except HTTPError as error:
            error.close()
            self._refuse(f"HTTP {error.code}")
        except (OSError, HTTPException) as error:
            self._refuse(type(getattr(error, "reason", error)).__name__)
        if len(content) > _MOST_BYTES:
            self._refuse("an answer of more than 64 MB; lower page_messages")
        if body is not None or not content.strip():
            return etree.Element("nothing")
        try:
            return etree.fromstring(content, hardened_parser())
        except etree.XMLSyntaxError:
            self._refuse("an answer that is no XML")

    def _refuse(self, why: str) -> Never:
        """What the server says may name people: only what kind of failure it was is shown."""
        raise SourceUnreachable(
            f"Source {self._source.name!r}: {self._poll.api} cannot be read ({why}). Check the address, its certificate, the user and its "
            "password (docs/engines/mirth.md), and that the server runs; what was read before is kept."
        ) from None


def _is_bad(message: Any) -> bool:  # noqa: ANN401 -- lxml ships no types
    return any(
        _text(each, "status") == "ERROR" or _text(each, "errorCode") not in {"", "0"}
        for each in message.iter("connectorMessage")
    )


def _entries(element: Any, path: str) -> list[Any]:  # noqa: ANN401 -- lxml ships no types
    found = element.find(path) if element is not None else None
    return [entry for entry in found.iter("entry") if len(entry) > 1] if found is not None else []


def _said(value: Any) -> str:  # noqa: ANN401 -- lxml ships no types
    return ((value[0] if len(value) else value).text or "").strip()


def _text(element: Any, name: str) -> str:  # noqa: ANN401 -- lxml ships no types
    return (element.findtext(name) or "").strip()


def _time(element: Any, name: str) -> int | None:  # noqa: ANN401 -- lxml ships no types
    text = (element.findtext(f"{name}/time") or "").strip() if element is not None else ""
    return int(text) if text.isdecimal() else None
