"""A real PostgreSQL with Mirth's tables, and a server that answers as Mirth's REST API does."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from adbc_driver_postgresql import dbapi

ORDERS = "b7a1f0de-0000-4000-8000-000000000001"
TABLES = """
    create table d_channels (local_channel_id bigint primary key, channel_id varchar(36) unique);
    create table channel (id varchar(36) primary key, name varchar(40));
    create role wardflow login;
    alter default privileges in schema public grant select on tables to wardflow;
    grant select on d_channels, channel to wardflow;
"""
TABLES_OF_A_CHANNEL = """
    create table d_m{n} (id bigint primary key, server_id varchar(36), received_date timestamptz, processed boolean,
        original_id bigint, import_id bigint, import_channel_id varchar(36));
    create table d_mm{n} (id integer, message_id bigint, server_id varchar(36), received_date timestamptz, status char(1),
        connector_name text, send_attempts integer, send_date timestamptz, response_date timestamptz, error_code integer,
        chain_id integer, order_id integer, primary key (message_id, id));
    create table d_mc{n} (metadata_id integer, message_id bigint, content_type integer, content text, is_encrypted boolean,
        data_type varchar(255), primary key (message_id, metadata_id, content_type));
    create table d_mcm{n} (metadata_id integer, message_id bigint, "CONTROL_ID" varchar(255), "TYPE" varchar(255),
        "MRN" varchar(255), "VISIT" varchar(255), "PLACER" varchar(255), "PATIENT_NAME" varchar(255));
    create table d_ms{n} (metadata_id integer, server_id varchar(36), received bigint, filtered bigint, sent bigint, error bigint,
        received_lifetime bigint, filtered_lifetime bigint, sent_lifetime bigint, error_lifetime bigint);
"""


def _program(name: str) -> str | None:
    return shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)


@dataclass
class Postgres:
    """A running server; `url` is the administrator's address, `reader` that of the login that may only read."""

    url: str
    reader: str

    def run(self, script: str) -> None:
        with dbapi.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in script.split(";"):
                if statement.strip():
                    cursor.execute(statement)

    def csv(self, query: str) -> bytes:
        psql = _program("psql") or "psql"
        return subprocess.run([psql, self.reader, "--csv", "-c", query], check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """PostgreSQL on this machine only, for the session; it refuses to run as root, so that it runs as somebody else."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("NO POSTGRESQL: Mirth's tables are not read from a real one. Install the package postgresql.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="wardflow-pg-"))
    as_somebody: list[str] = []
    if os.geteuid() == 0:
        user = (
            "postgres"
            if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode == 0
            else "nobody"
        )
        shutil.chown(folder, user)
        as_somebody = ["setpriv", f"--reuid={user}", "--clear-groups"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"

    def run(*words: str | Path) -> None:
        subprocess.run([*as_somebody, *words], check=True, capture_output=True, cwd=folder)

    run(initdb, "-D", folder / "data", "-A", "trust", "-U", "mirthdb", "-E", "UTF8", "--no-sync")
    run(pg_ctl, "-D", folder / "data", "-w", "-o", options, "-l", folder / "log", "start")
    try:
        found = Postgres(
            f"postgresql://mirthdb@127.0.0.1:{port}/postgres", f"postgresql://wardflow@127.0.0.1:{port}/postgres"
        )
        found.run(TABLES)
        yield found
    finally:
        run(pg_ctl, "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mirth_tables(server, fixtures) -> Iterator[Postgres]:
    """The messages of fixtures/mirth as Mirth keeps them: ORDERS in the tables of the number 12, ROUTER in those of 3."""
    channels = {"12": (ORDERS, "ORDERS"), "3": ("b7a1f0de-0000-4000-8000-000000000002", "ROUTER")}
    for n, (channel, name) in channels.items():
        server.run(TABLES_OF_A_CHANNEL.format(n=n))
        server.run(
            f"insert into d_channels values ({n}, '{channel}'); insert into channel values ('{channel}', '{name}')"
        )
    text = (fixtures / "mirth/2026-01-04.xml").read_text(encoding="utf-8")
    numbers = {channel: n for n, (channel, _) in channels.items()}
    for message in ET.fromstring(f"<r>{text}</r>"):  # noqa: S314 -- our own fixture
        server.run(";".join(_inserts(message, numbers[message.findtext("channelId") or ""])))
    yield server
    server.run("delete from d_channels; delete from channel")
    for n in ("12", "3", "4"):
        server.run(";".join(f"drop table if exists d_{kind}{n}" for kind in ("m", "mm", "mc", "mcm", "ms")))


def _said(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''").replace(";", "&#59") + "'"


def _at(element: ET.Element, name: str) -> str:
    time = element.findtext(f"{name}/time")
    return "null" if time is None else f"to_timestamp({time} / 1000.0)"


CONTENTS = {"raw": 1, "response": 6, "processingErrorContent": 12, "sourceMapContent": 15}


def _inserts(message: ET.Element, n: str) -> list[str]:
    number = message.findtext("messageId")
    whole = (number, _said(message.findtext("serverId")), _at(message, "receivedDate"), message.findtext("processed"))
    found = [f"insert into d_m{n} values ({', '.join(map(str, whole))}, {message.findtext('originalId') or 'null'})"]
    for each in message.iter("connectorMessage"):
        place = each.findtext("metaDataId")
        found.append(
            f"insert into d_mm{n} values ({place}, {number}, {_said(each.findtext('serverId'))}, {_at(each, 'receivedDate')}, "
            f"'{(each.findtext('status') or '')[0]}', {_said(each.findtext('connectorName'))}, {each.findtext('sendAttempts')}, "
            f"{_at(each, 'sendDate')}, {_at(each, 'responseDate')}, {each.findtext('errorCode')})"
        )
        for tag, kind in CONTENTS.items():
            content = each.find(f"{tag}/content")
            if content is not None:
                text = ET.tostring(content, encoding="unicode") if len(content) else content.text
                found.append(f"insert into d_mc{n} values ({place}, {number}, {kind}, {_said(text)}, false, 'HL7V2')")
        meta = {entry[0].text: entry[1].text for entry in each.iterfind("metaDataMap/entry")}
        columns = ", ".join(f'"{name}"' for name in meta)
        if meta:
            values = ", ".join(_said(value) for value in meta.values())
            found.append(
                f"insert into d_mcm{n} (metadata_id, message_id, {columns}) values ({place}, {number}, {values})"
            )
    return found


@dataclass
class Api:
    """Mirth's REST API as far as it is called, over the messages of an export. `asked` are the requests' paths and queries."""

    messages: list[ET.Element]
    port: int = 0
    password: str = "the password"  # noqa: S105 -- of a server that lives for a test
    redirects: bool = False
    statistics: str = "<list/>"
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> str:
        channels = {each.findtext("channelId"): (each.findtext(".//channelName") or "") for each in self.messages}
        if path.endswith("/idsAndNames"):
            return (
                "<map>"
                + "".join(
                    f"<entry><string>{id_}</string><string>{name}</string></entry>" for id_, name in channels.items()
                )
                + "</map>"
            )
        if path.endswith("/statistics"):
            return self.statistics
        channel = path.split("/")[3]
        mine = [each for each in self.messages if each.findtext("channelId") == channel]
        if path.endswith("/maxMessageId"):
            return f"<long>{max(int(each.findtext('messageId') or 0) for each in mine)}</long>"
        first, last = int(query["minMessageId"]), int(query["maxMessageId"])
        found = [each for each in mine if first <= int(each.findtext("messageId") or 0) <= last]
        found = sorted(found, key=lambda each: -int(each.findtext("messageId") or 0))[: int(query.get("limit", "20"))]
        texts = [ET.tostring(each, encoding="unicode") for each in found]
        if query["includeContent"] != "true":
            bare = [ET.fromstring(text) for text in texts]  # noqa: S314 -- our own fixture
            for each in bare:
                for connector in each.iter("connectorMessage"):
                    for child in [child for child in connector if child.find("content") is not None]:
                        connector.remove(child)
            texts = [ET.tostring(each, encoding="unicode") for each in bare]
        return f"<list>{''.join(texts)}</list>"


@pytest.fixture
def api(fixtures) -> Iterator[Api]:
    text = (fixtures / "mirth/2026-01-04.xml").read_text(encoding="utf-8")
    made = Api(list(ET.fromstring(f"<r>{text}</r>")))  # noqa: S314 -- our own fixture

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            is_right = self.path.endswith("/_logout") or body.get("password") == [made.password]
            self._answer(200 if is_right else 401, "", cookie="JSESSIONID=1")

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            made.asked.append((url.path, query))
            if made.redirects:
                self._answer(302, "", location="http://127.0.0.1:1/elsewhere")
            elif not self.headers.get("X-Requested-With"):
                self._answer(400, "All requests must have 'X-Requested-With' header")
            elif "JSESSIONID=1" not in (self.headers.get("Cookie") or ""):
                self._answer(401, "")
            else:
                self._answer(200, made.answer(url.path, query))

        def _answer(self, code: int, text: str, cookie: str = "", location: str = "") -> None:
            content = text.encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            if cookie:
                self.send_header("Set-Cookie", f"{cookie}; Path=/")
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 -- the base class's names
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield made
    httpd.shutdown()
    thread.join()
    httpd.server_close()
