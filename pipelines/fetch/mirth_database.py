"""Mirth's tables in its own PostgreSQL, read by the queries of `templates/`: a channel and some hundred messages at a time, and counters.

Here: the connection and the query's places. Not here: what is read when (`pipelines.fetch`). Read-only, each page a transaction of its own.
Error texts come into memory, where they are reduced; no other content leaves the database.
"""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from pipelines.errors import ConfigurationError, SourceUnreachable
from pipelines.sources import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings import Poll, SourceSettings

_TABLE = re.compile(r"\bd_(m|mm|mc|mcm|ms)12\b")
_SECONDS_A_QUERY = 60


def connect(source: SourceSettings, poll: Poll) -> Database:
    """A connection to the database that the source's settings lead to.

    Raises:
        ConfigurationError: its address cannot be found.
        SourceUnreachable: nobody answers there, or the login is refused.
    """
    return Database(source, _address(source, poll))


def _address(source: SourceSettings, poll: Poll) -> str:
    if poll.database_env:
        address, where = os.environ.get(poll.database_env, ""), f"the variable {poll.database_env}"
    else:
        path = Path(poll.database_file).expanduser()
        address = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
        where = f"the file {poll.database_file}"
    if not address.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(
            f"Source {source.name!r}: {where} holds no address of a PostgreSQL database. Put one there, such as "
            "postgresql://wardflow:…@mirth-db:5432/mirthdb?sslmode=verify-full."
        )
    return address


class Database:
    """See `pipelines.fetch.Road`."""

    def __init__(self, source: SourceSettings, address: str) -> None:
        self._source = source
        self._numbers: dict[str, int] = {}
        self._queries: dict[str, str] = {}
        self._extra = frozenset(word.lower() for word in source.error_words)
        try:
            self._connection = dbapi.connect(address, autocommit=True)
        except Error as error:
            raise self._unreachable(error) from None
        self._run("set default_transaction_read_only = on")
        self._run(f"set statement_timeout = '{_SECONDS_A_QUERY}s'")
        self._run("set time zone 'UTC'")

    def channels(self) -> list[str]:
        """Those that have tables, by the number that this server gives them at the moment."""
        rows = self._rows("select channel_id, local_channel_id from d_channels order by local_channel_id").to_pylist()
        self._numbers = {row["channel_id"]: int(row["local_channel_id"]) for row in rows}
        return list(self._numbers)

    def begin(self, channel: str) -> int:  # noqa: ARG002 -- the protocol's signature
        """The first message: the pages are small, and each is remembered."""
        return 0

    def above(self, channel: str, number: int, most: int) -> pa.Table:
        """The next messages by their primary key."""
        local = self._numbers[channel]
        return self._extract(
            channel, f"m.id in (select id from d_m{local} where id > {int(number)} order by id limit {int(most)})"
        )

    def these(self, channel: str, numbers: Sequence[int]) -> pa.Table:
        """By their primary key."""
        return self._extract(channel, f"m.id in ({', '.join(str(int(number)) for number in numbers)})")

    def counters(self) -> list[pa.Table]:
        """Of each channel whose statistics this login may read."""
        readable = self._rows(
            """select table_name from information_schema.table_privileges
            where table_name like 'd\\_ms%' and privilege_type = 'SELECT'"""
        )
        there = set(readable.column("table_name").to_pylist())
        query = _template("mirth_counters.sql")
        return [self._rows(_numbered(query, local)) for local in self._numbers.values() if f"d_ms{local}" in there]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _extract(self, channel: str, which: str) -> pa.Table:
        if channel not in self._queries:
            self._queries[channel] = self._query(self._numbers[channel])
        return self._without_texts(self._rows(self._queries[channel].replace("m.id > 0", which)))

    def _query(self, local: int) -> str:
        """The query of one channel: its tables, and of the custom columns those that the settings name and the channel has."""
        text = _template("mirth_extract.sql")
        there = {
            row["column_name"].lower(): row["column_name"]
            for row in self._rows(
                f"select column_name from information_schema.columns where table_name = 'd_mcm{local}'"
            ).to_pylist()
        }
        named = self._source.columns
        for mine, theirs in (
            ("control_id", named.control_id),
            ("type", named.type),
            ("mrn", named.mrn),
            ("visit", named.visit),
            ("placer", named.placer),
        ):
            column = there.get(theirs.lower())
            quoted = f'meta."{column}"::text' if column else "null::text"
            text = re.sub(rf'\bmeta\."{mine.upper()}"', quoted, text)
            text = re.sub(rf"\bas {mine}(,?)$", rf'as "{theirs}"\1', text, flags=re.MULTILINE)
        if not there:
            text = re.sub(r"left join d_mcm12 as meta\s+on .*\s+and .*\n", "", text)
        return _numbered(text.replace("as is_nack,", "as is_nack,\n    error.text as error_text,"), local)

    def _without_texts(self, rows: pa.Table) -> pa.Table:
        """What may be kept of the error texts, in their place."""
        texts = rows.column("error_text").to_pylist()
        names = rows.column("connector_name").to_pylist()
        facts = [
            error_text.reduce_error(text, self._extra, (name or "",)) if text else None
            for text, name in zip(texts, names, strict=True)
        ]
        kept = {
            "error_class": [each and each.error_class for each in facts],
            "hl7_error": [each and each.code for each in facts],
            "error_template": [each and each.template for each in facts],
        }
        rows = rows.drop_columns(["error_text", "error_class", "hl7_error"])
        for name, values in kept.items():
            rows = rows.append_column(name, pa.array(values, pa.string()))
        return rows

    def _rows(self, query: str) -> pa.Table:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetch_arrow_table()
        except Error as error:
            raise self._unreachable(error) from None

    def _run(self, statement: str) -> None:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
        except Error as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Error) -> SourceUnreachable:
        """The driver's own words may hold the address or a value: only its code is shown."""
        code = error.sqlstate or "no answer"
        return SourceUnreachable(
            f"Source {self._source.name!r}: the database cannot be read ({code}). Check its address, the login and its rights "
            "(docs/engines/mirth.md), and that the server runs; what was read before is kept."
        )


def _template(name: str) -> str:
    return files("pipelines").joinpath("templates", name).read_text(encoding="utf-8")


def _numbered(query: str, local: int) -> str:
    """The query of the channel that has this number on its server."""
    return _TABLE.sub(rf"d_\g<1>{local}", query.replace("local_channel_id = 12", f"local_channel_id = {local}"))
