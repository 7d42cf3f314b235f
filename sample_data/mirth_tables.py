"""Mirth's tables as an extract delivers them, one row a connector, and its event log as the Administrator exports it.

Here: the CSV of both, and the rows as Parquet. Not here: what the rows are (`mirth`), the XML of the same messages.
"""

import base64
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from sample_data.clock import ZONE, hl7_time, instant_ms
from sample_data.engine_course import ERROR, REJECTED, Delivery, Message
from sample_data.facility import Facility
from sample_data.hl7 import SENDER_SKEW
from sample_data.mirth import (
    Row,
    answered_at,
    columns_of,
    rows_of,
    rows_sent_again,
    source_status,
    status_of,
)

COLUMNS = (
    *("CHANNEL_ID", "CHANNEL_NAME", "MESSAGE_ID", "MESSAGE_RECEIVED_DATE", "SOURCE_RECEIVED_DATE", "ORIGINAL_ID"),
    *(
        "METADATA_ID",
        "CONNECTOR_NAME",
        "SERVER_ID",
        "RECEIVED_DATE",
        "STATUS",
        "SEND_ATTEMPTS",
        "SEND_DATE",
        "RESPONSE_DATE",
    ),
    *("IS_NACK", "SOURCE_CHANNEL_ID", "SOURCE_MESSAGE_ID", "MSH_7"),
    *("CONTROL_ID", "TYPE", "MRN", "VISIT", "PLACER"),
)
_DATES = frozenset(name for name in COLUMNS if name.endswith("_DATE"))
_HEADER = "ID, Date and Time, Level, Outcome, Name, User ID, IP Address, Attributes, ChannelID-MessageID, ChannelName, PatientID\n"
_OLDER_HEADER = "ID, Date and Time, Level, Outcome, Operation, Name, User ID, IP Address, Attributes\n"
"""Up to Mirth 4.1, with one name more than a row has values."""


def channel_of_extract(facility: Facility, channel: str) -> str:
    """The channel's UUID on the server whose tables are read: another one than the server that writes XML."""
    return str(uuid5(NAMESPACE_URL, f"urn:sim:{facility.slug}:tables:{channel}"))


def extract(facility: Facility, messages: Iterable[Message], until: int) -> list[dict[str, Any]]:
    """The tables of every channel as they stand at `until`."""
    rows = (row for message in messages for row in (*rows_of(message, until), *rows_sent_again(message, 0, until)))
    return [connector for row in rows for connector in _connectors(facility, row, until)]


def as_csv(rows: Iterable[dict[str, Any]]) -> bytes:
    """An extract as a database's client writes it."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()


def as_parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    """The same with instants that are none in a text."""
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    for name in _DATES:
        instants = [None if text is None else datetime.fromisoformat(text) for text in columns[name]]
        columns[name] = pa.array(instants, pa.timestamp("us", "UTC"))
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def _connectors(facility: Facility, row: Row, until: int) -> Iterator[dict[str, Any]]:
    received = instant_ms(row.received)
    whole = {
        "CHANNEL_ID": channel_of_extract(facility, row.channel),
        "CHANNEL_NAME": row.channel,
        "MESSAGE_ID": row.number,
        "MESSAGE_RECEIVED_DATE": received,
        "SOURCE_RECEIVED_DATE": received,
        "ORIGINAL_ID": row.original,
        "SERVER_ID": str(uuid5(NAMESPACE_URL, f"urn:sim:{facility.slug}:server")),
        "SOURCE_CHANNEL_ID": None if row.parent is None else channel_of_extract(facility, "ROUTER"),
        "SOURCE_MESSAGE_ID": row.parent,
        "MSH_7": hl7_time(row.message.sent + SENDER_SKEW),
        **columns_of(row.message),
    }
    yield whole | {
        "METADATA_ID": 0,
        "CONNECTOR_NAME": "Source",
        "RECEIVED_DATE": received,
        "STATUS": source_status(row.message)[0],
        "SEND_ATTEMPTS": 1,
        "RESPONSE_DATE": instant_ms(answered_at(row)),
    }
    for place, delivery in enumerate(row.deliveries, row.place):
        yield whole | {"METADATA_ID": place, "CONNECTOR_NAME": delivery.destination, **_destination(delivery, until)}


def _destination(delivery: Delivery, until: int) -> dict[str, Any]:
    status, tried = status_of(delivery, until)
    return {
        "RECEIVED_DATE": instant_ms(delivery.entered),
        "STATUS": status[0],
        "SEND_ATTEMPTS": len(tried),
        "SEND_DATE": instant_ms(tried[-1].start) if tried else None,
        "RESPONSE_DATE": instant_ms(tried[-1].end) if tried else None,
        "IS_NACK": "t" if tried and tried[-1].outcome in (ERROR, REJECTED) else "f",
    }


def event_export(
    messages: Sequence[Message], until: int, channel_of: Callable[[str], str], *, is_older: bool = False
) -> str:
    """Who sent which message again, newest first, as Mirth exports it from 4.2 on, or before: local times, milliseconds as a whole
    number.
    """
    asked = [
        (delivery.rescue.asked, row)
        for message in messages
        for row in rows_sent_again(message, 0, until)
        for delivery in message.deliveries
        if delivery.rescue and delivery.rescue.number == row.number and delivery.rescue.asked == row.received
    ]
    asked.sort(key=lambda each: (each[0], each[1].channel, each[1].number))
    more = "" if is_older else ",null,null,null"
    lines = [_event(channel_of(row.channel), number, at, row) + more for number, (at, row) in enumerate(asked, 1)]
    return (_OLDER_HEADER if is_older else _HEADER) + "".join(f"{line}\n" for line in reversed(lines))


def _event(channel: str, number: int, at: int, row: Row) -> str:
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(ZONE))
    attributes = (
        f"attributes = \r\n{{\r\n    channel = Channel[id={channel},name={row.channel}]\r\n\r\n"
        f"    messageId = {row.original}\r\n}}\r\n"
    )
    packed = base64.urlsafe_b64encode(attributes.encode()).decode().rstrip("=")
    when = f"{local:%d-%m-%y %H-%M-%S}.{at % 1000:02d}"
    return f"{number}, {when}, INFORMATION, SUCCESS, Reprocess messages, 4, 10.0.0.7, {packed}"
