"""Files that somebody is still writing, of every kind: the record in which they end waits, and is set aside once they are at rest."""

import hashlib
import json
import os
import subprocess
import sys
import time

import pytest

from pipelines import due
from tests.sources.test_engine_logs import SOURCE, message, record

EVENTS = "select count(distinct message_uid) from raw.interface_event"
AS_CSV = '\nmapping = "engine.toml"'
MAPPINGS = {
    "engine.toml": """
format = "csv"
fields = { record_id = "seq", time = "ts", clock = "host", flow = "channel", message = "msg", event = "event" }
events = { RECV = "received" }
"""
}
COLUMNS = ("seq", "ts", "host", "channel", "msg", "event")


def as_json(value) -> bytes:
    return json.dumps(value).encode() + b"\n"


def visit(number: int) -> bytes:
    return as_json({"resourceType": "Encounter", "id": f"w{number}", "status": "finished"})


def logged(number: int) -> bytes:
    return as_json(record(seq=number, msg=f"M{number}"))


def logged_in_csv(number: int) -> bytes:
    return (",".join(str(record(seq=number, msg=f"M{number}")[name]) for name in COLUMNS) + "\n").encode()


def captured(number: int) -> bytes:
    return f"\x0bMSH|^~\\&|A|B|C|D|20260104090000-0500||ADT^A01|{number}|P|2.5\rPID|1||LK1\r\x1c\r".encode()


KINDS = {
    "fhir": ("", "Encounter.ndjson", b"", visit, "select count(*) from raw.fhir_encounter"),
    "mirth": ("", "messages.xml", b"<list>\n", lambda number: message(SOURCE, number=number).encode(), EVENTS),
    "hl7": ("", "link.mllp", b"", captured, EVENTS),
    "ndjson-log": ("", "engine.ndjson", b"", logged, EVENTS),
    "ndjson-log in CSV": (AS_CSV, "engine.csv", (",".join(COLUMNS) + "\n").encode(), logged_in_csv, EVENTS),
    "places": (
        "",
        "places.csv",
        b"id,name,type\n",
        lambda number: f"w{number},Ward,ward\n".encode(),
        "select count(*) from raw.fhir_location",
    ),
}
"""By kind of source: more settings, a file's name, what it begins with, its records, and how many were loaded."""


@pytest.fixture(params=list(KINDS))
def landing(request, new_site):
    """A site whose scheduled runs read from its landing folder, and a file there that stops inside its third record."""
    more, name, start, made, loaded = KINDS[request.param]
    kind = request.param.partition(" ")[0]
    site = new_site(
        f'settle_seconds = 60\n[[sources]]\nname = "it"\nkind = "{kind}"\npath = "landing/it"{more}\n',
        mappings=MAPPINGS,
    )
    path = site.home.path / "landing" / "it" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(start + made(1) + made(2) + made(3)[:-4])
    return site, path, start, made, loaded


def scheduled(site):
    (file,) = due.take_in(site.db, site.settings).files
    return file


def at_rest(path) -> None:
    os.utime(path, (time.time() - 3600, time.time() - 3600))


def test_a_record_that_is_still_being_written_waits_and_is_read_whole_the_next_time(landing):
    site, path, start, made, loaded = landing
    file = scheduled(site)
    assert (file.loaded, file.quarantined, file.findings.get("tail_held_back")) == (2, 0, 1)
    ((digest, size),) = site.rows("select sha256, bytes from account.file")
    assert digest == hashlib.sha256(path.read_bytes()[:size]).hexdigest()
    assert (start + made(1) + made(2)).startswith(path.read_bytes()[:size].rstrip())
    path.write_bytes(start + made(1) + made(2) + made(3) + made(4))
    file = scheduled(site)
    assert (file.loaded, file.unchanged, file.quarantined) == (2, 2, 0)
    assert "tail_held_back" not in file.findings
    assert site.rows(loaded) == [(4,)]


def test_a_record_that_nobody_ever_finishes_is_quarantined_once_the_file_is_at_rest(landing):
    site, path, *_ = landing
    scheduled(site)
    assert due.taken_in(site.settings) == ""  # the next run looks again though the file does not change
    at_rest(path)
    file = scheduled(site)
    assert (file.loaded, file.unchanged) in {(0, 2), (1, 2)}  # of CSV a short last value may be whole
    assert file.quarantined == (0 if path.suffix == ".csv" and file.loaded else 1)
    assert set(file.reasons) <= {"truncated"}
    assert due.taken_in(site.settings) != ""


def test_a_file_at_rest_that_stops_inside_a_record_is_quarantined_at_once(landing):
    site, path, *_ = landing
    at_rest(path)
    file = scheduled(site)
    assert file.loaded + file.quarantined == 3
    assert "tail_held_back" not in file.findings


WRITER = """
import sys, time
content = open(sys.argv[2], "rb").read()
with open(sys.argv[1], "ab", buffering=0) as file:
    for at in range(0, len(content), int(sys.argv[3])):
        file.write(content[at:at + int(sys.argv[3])]); time.sleep(0.002)
"""


def test_nothing_is_lost_or_quarantined_while_somebody_writes(landing, put):
    site, path, start, made, loaded = landing
    path.write_bytes(start + made(0))
    rest = put("rest", *(made(number) for number in range(1, 100)))
    step = str(rest.stat().st_size // 300)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(rest), step]) as writer:
        while writer.poll() is None:
            assert scheduled(site).quarantined == 0
        assert writer.returncode == 0
    at_rest(path)
    assert scheduled(site).quarantined == 0
    assert site.rows(loaded) == [(100,)]
