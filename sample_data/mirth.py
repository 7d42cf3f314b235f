"""The Mirth engine's log: one XML element a message, as its REST interface and export write it, without a root.

A message is a mutable row: it is written in the file of the day it arrived, and again, changed, in the file of every
later day that touched it while it was queued. A message that somebody sends again is a new message that names the
original; who did it stands in another log. Shapes follow real 3.12 output; content is kept for the source connector
only.
"""

from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

from sample_data.clock import ZONE, local_date
from sample_data.engine import LINES
from sample_data.engine_course import ACCEPTED, ERROR, REFUSED, REJECTED, TIMEOUT, Attempt, Delivery, Message
from sample_data.facility import Facility
from sample_data.files import write_file
from sample_data.hl7 import acknowledgement, message_text
from sample_data.people import REJECTIONS

_QUOTES = {'"': "&quot;", "'": "&apos;", "\r": "&#xd;"}
_ZONE_TAIL = f"</time><timezone>{ZONE}</timezone>"
_CODES = {ERROR: "Error", REJECTED: "Rejected"}
_TRANSPORT = {
    REFUSED: "TCP Sender error\nERROR MESSAGE: ConnectException: Connection refused (Connection refused)",
    TIMEOUT: "Timeout waiting for response from TCP connection.",
}
_TRANSFORMER = """Transformer error
ERROR MESSAGE: Error evaluating transformer
DETAILS:\tTypeError: Cannot read property "PID.5" of {name}"""


def xml_text(text: str) -> str:
    """Text as Mirth escapes it in element content."""
    return escape(text, _QUOTES)


def channel_id(facility: Facility, channel: str) -> str:
    """The channel's UUID: the same in every run."""
    return str(uuid5(NAMESPACE_URL, f"urn:sim:{facility.slug}:{channel}"))


def _time(name: str, ms: int) -> str:
    return f"<{name}><time>{ms}{_ZONE_TAIL}</{name}>"


def _error(code: int, text: str) -> str:
    return (
        f"<processingErrorContent><encrypted>false</encrypted><content>{xml_text(text)}</content>"
        f"</processingErrorContent><errorCode>{code}</errorCode>"
    )


def _no_error() -> str:
    return "<processingErrorContent><encrypted>false</encrypted></processingErrorContent><errorCode>0</errorCode>"


class Row(NamedTuple):
    """A message in one channel, with the deliveries that have begun there; `parent` is the router's message.

    One that somebody sent again has a number of its own, names the `original`, and goes to the destination at `place`.
    """

    message: Message
    channel: str
    number: int
    received: int
    deliveries: list[Delivery]
    parent: int | None = None
    original: int | None = None
    place: int = 1


def rows_of(message: Message, until: int) -> list[Row]:
    """The message's rows as they stand at `until`: two for an ADT message that has passed the router and arrived behind it."""
    deliveries = [delivery for delivery in message.deliveries if delivery.entered < until]
    if message.channel != "ADT":
        return [Row(message, message.channel, message.number, message.received, deliveries)]
    if message.source_state != "routed":
        return [Row(message, "ROUTER", message.number, message.received, [])]
    hop = message.hop
    handed_on = Delivery("ADT-OUT", message.received + 1, [Attempt(hop - 1, hop, ACCEPTED)])
    rows = [Row(message, "ROUTER", message.number, message.received, [handed_on])]
    if hop < until and not message.is_lost:
        rows.append(Row(message, "ADT-OUT", message.child_number or 0, hop, deliveries, parent=message.number))
    return rows


def rows_sent_again(message: Message, begin: int, until: int) -> list[Row]:
    """The new messages by which somebody sent this one again, as they stand at `until`, if a time from `begin` on touched them."""
    rows: list[Row] = []
    is_adt = message.channel == "ADT"
    channel, original = ("ADT-OUT", message.child_number or 0) if is_adt else (message.channel, message.number)
    for place, delivery in enumerate(message.deliveries, 1):
        rescue = delivery.rescue
        if rescue and rescue.attempt and rescue.asked < until and rescue.attempt.end >= begin:
            again = Delivery(delivery.destination, rescue.asked + 1, [rescue.attempt])
            parent = message.number if is_adt else None
            rows.append(Row(message, channel, rescue.number, rescue.asked, [again], parent, original, place))
    return rows


def status_of(delivery: Delivery, until: int) -> tuple[str, list[Attempt]]:
    """A destination's status at `until`, and the attempts that it counts: those that are over."""
    tried = delivery.tried_by(until)
    if not tried:
        return "QUEUED", []
    if tried[-1].outcome == ACCEPTED:
        return "SENT", tried
    waits = tried[-1].outcome in _TRANSPORT and len(tried) < len(delivery.attempts)
    return "QUEUED" if waits else "ERROR", tried


def source_status(message: Message) -> str:
    """The source connector's status."""
    return {"routed": "TRANSFORMED", "filtered": "FILTERED", "failed": "ERROR"}[message.source_state]


def answered_at(row: Row) -> int:
    """When the source connector answered."""
    return row.received + (row.message.acknowledged - row.message.received)


def columns_of(message: Message) -> dict[str, str]:
    """The custom metadata columns."""
    values = {"CONTROL_ID": message.control_id, "TYPE": message.kind, "MRN": message.person.mrn}
    if message.visit:
        values["VISIT"] = message.visit
    if message.placer:
        values["PLACER"] = message.placer
    return values


class MirthLog:
    """Collects messages and writes one file a day of those that a day touched."""

    def __init__(self, facility: Facility, folder: Path, start_ms: int) -> None:
        self._facility, self._folder, self._start_ms = facility, folder / facility.source, start_ms
        self._server = f"<serverId>{uuid5(NAMESPACE_URL, f'urn:sim:{facility.slug}:server')}</serverId>"
        channels = ("ROUTER", "ADT-OUT", *(channel for channel, _, _ in LINES if channel != "ADT"))
        self._ids = {channel: channel_id(facility, channel) for channel in channels}
        self._open: list[Message] = []
        self.lines = 0

    def add(self, message: Message) -> None:
        """Take note of a message; those that arrived before the logs begin are left out."""
        if message.received >= self._start_ms:
            self._open.append(message)

    def write_day(self, begin: int, until: int, *, is_reply: bool = False) -> None:
        """Write the file of the day that ends at `until`, as a reply of the REST interface or as an export without a root, and forget
        the messages that are finished.
        """
        chunks: list[bytes] = [b"<list>\n"] if is_reply else []
        for message in self._open:
            if message.received < until and message.left >= begin:
                chunks += [self._element(row, until).encode() for row in rows_of(message, until)]
            chunks += [self._element(row, until).encode() for row in rows_sent_again(message, begin, until)]
        chunks += [b"</list>\n"] if is_reply else []
        self._open = [message for message in self._open if message.settled >= until]
        write_file(self._folder / f"{local_date(begin).isoformat()}.xml", chunks)

    def _element(self, row: Row, until: int) -> str:
        self.lines += 1 + len(row.deliveries)
        head = f"<messageId>{row.number}</messageId>"
        where = f"<channelId>{self._ids[row.channel]}</channelId>"
        name = f"<channelName>{row.channel}</channelName>"
        columns = self._columns(row.message)
        entries = [self._source(row, columns)]
        for place, delivery in enumerate(row.deliveries, row.place):
            status, outcome = self._state(row.message, delivery, until)
            entries.append(
                f"<entry><int>{place}</int><connectorMessage>{head}<metaDataId>{place}</metaDataId>{where}{name}"
                f"<connectorName>{delivery.destination}</connectorName>{self._server}"
                f"{_time('receivedDate', delivery.entered)}<status>{status}</status>{columns}{outcome}"
                f"<chainId>{place}</chainId><orderId>{place}</orderId></connectorMessage></entry>"
            )
        done = row.message.source_state == "routed" and all(d.left < until for d in row.deliveries)
        original = "" if row.original is None else f"<originalId>{row.original}</originalId>"
        return (
            f"<message>{head}{self._server}{where}{_time('receivedDate', row.received)}"
            f"<processed>{str(done).lower()}</processed>{original}"
            f'<connectorMessages class="linked-hash-map">{"".join(entries)}</connectorMessages></message>\n'
        )

    def _source(self, row: Row, columns: str) -> str:
        message, number, channel = row.message, row.number, self._ids[row.channel]
        lineage = ""
        if row.parent is not None:
            lineage = (
                f"<entry><string>sourceChannelId</string><string>{self._ids['ROUTER']}</string></entry>"
                f"<entry><string>sourceMessageId</string><long>{row.parent}</long></entry>"
            )
        ids = "".join(f"<int>{n}</int>" for n in range(row.place, row.place + len(row.deliveries)))
        status = source_status(message)
        error = _no_error()
        if status == "ERROR":
            error = _error(1, _TRANSFORMER.format(name=f"{message.person.family}^{message.person.given}"))
        return (
            f"<entry><int>0</int><connectorMessage><messageId>{number}</messageId><metaDataId>0</metaDataId>"
            f"<channelId>{channel}</channelId><channelName>{row.channel}</channelName>"
            f"<connectorName>Source</connectorName>{self._server}"
            f"{_time('receivedDate', row.received)}<status>{status}</status>"
            f"<raw><encrypted>false</encrypted><channelId>{channel}</channelId><messageId>{number}</messageId>"
            "<metaDataId>0</metaDataId><contentType>RAW</contentType>"
            f"<content>{xml_text(message_text(message, self._facility))}</content><dataType>HL7V2</dataType></raw>"
            '<sourceMapContent><encrypted>false</encrypted><content class="java.util.Collections$UnmodifiableMap"><m>'
            f"{lineage}<entry><string>destinationSet</string><linked-hash-set>{ids}</linked-hash-set></entry></m></content>"
            f"</sourceMapContent>{columns}{error}<sendAttempts>1</sendAttempts>"
            f"{_time('responseDate', answered_at(row))}<chainId>0</chainId><orderId>0</orderId></connectorMessage></entry>"
        )

    def _columns(self, message: Message) -> str:
        values = columns_of(message).items()
        rows = "".join(f"<entry><string>{n}</string><string>{v}</string></entry>" for n, v in values)
        return f"<metaDataMap>{rows}</metaDataMap>"

    def _state(self, message: Message, delivery: Delivery, until: int) -> tuple[str, str]:
        """Status, and error, attempts and dates of a destination row as they stand at `until`."""
        status, tried = status_of(delivery, until)
        if not tried:
            return status, f"{_no_error()}<sendAttempts>0</sendAttempts>"
        last = tried[-1]
        dates = (
            f"<sendAttempts>{len(tried)}</sendAttempts>{_time('sendDate', last.start)}{_time('responseDate', last.end)}"
        )
        if last.outcome == ACCEPTED:
            return status, _no_error() + dates
        if last.outcome in _TRANSPORT:
            return status, _error(0, _TRANSPORT[last.outcome]) + dates
        person = message.person
        reason = REJECTIONS[message.number % 2].format(family=person.family, given=person.given)
        answer = acknowledgement(message, self._facility, last.end, last.outcome, reason)
        return status, _error(1, f"NACK sent from receiver. ({_CODES[last.outcome]})\n{reason}\n\n\n{answer}") + dates
