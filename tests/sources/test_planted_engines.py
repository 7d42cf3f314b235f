"""A sentence, a number, a whole HL7 message and one word in every field of every record of every engine, and every byte that is written.

Every planted record has an id of its own: one with that of another would be dropped as known before anything of it is kept.
"""

import csv
import html
import io
import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NEEDLES = ("Fairweather", "Quillonbury", "Larkspur", "555-0142", "LKM77812", "19310203")
PLANTED = (
    "Ring Ottoline Fairweather, 12 Larkspur Mews, Quillonbury, on 555-0142",
    "LKM77812",
    "MSH|^~\\&|EHR|LARK|LIS|LARK|20260104||ADT^A01|1|P|2.5\rPID|1||LKM77812||Fairweather^Ottoline||19310203\r",
)
WORD = "Zbigniewska"
NAMED = {"flow_id", "flow_name", "node_id", "node_name", "process_definition", "activity"}
"""The columns of names of channels, destinations, processes and steps: one word there cannot be told from a person (docs/privacy.md)."""


def rows(path: Path) -> list[dict]:
    start = path.read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(start), delimiter=";" if ";" in start.split("\n", 1)[0] else ","))


def as_csv(records: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def search(site, report, caplog, capfd) -> None:
    """Nothing planted is in a table, log, report or file of the home; the word is in no table but in columns of names."""
    said = "\n".join([caplog.text, *capfd.readouterr(), json.dumps(report.to_json())])
    told = f"{site.everything()}\n{said}"
    assert WORD not in said
    for table in site.tables():
        if not site.rows(f"select 1 from {table} as t where t::varchar ilike '%{WORD}%' limit 1"):
            continue
        columns = [name for (name,) in site.rows(f"select column_name from (describe {table})") if name not in NAMED]
        there = ", ".join(f"""coalesce(bool_or("{name}"::varchar ilike '%{WORD}%'), false)""" for name in columns)
        (found,) = site.rows(f"select {there} from {table}")
        assert not [name for name, is_there in zip(columns, found, strict=True) if is_there], table
    site.db.execute("checkpoint")
    written = {path.name: path.read_bytes().lower() for path in site.home.path.rglob("*") if path.is_file()}
    for needle in NEEDLES:
        assert not re.search(re.escape(needle), told, re.IGNORECASE), needle
        assert not [name for name, content in written.items() if needle.lower().encode() in content], needle


def assert_each_is_read_as_new(report, planted_records: int) -> None:
    """No planted record was dropped for another's sake, and most were stored: some are of a kind that is ignored or kept out."""
    assert report.totals["unchanged"] == report.totals["superseded"] == 0
    assert report.totals["loaded"] > planted_records / 3


RECORDS: dict[str, Callable[[Path], list]] = {
    "otlp": lambda folder: [
        *map(json.loads, (folder / "traces.jsonl").read_text(encoding="utf-8").splitlines()),
        json.loads((folder / "logs.json").read_text(encoding="utf-8")),
    ],
    "azure": lambda folder: [
        *map(json.loads, (folder / "logic-apps.json").read_text(encoding="utf-8").splitlines()),
        *json.loads((folder / "event-hub.json").read_text(encoding="utf-8"))["records"],
        *(
            one
            for batch in json.loads((folder / "batches.json").read_text(encoding="utf-8"))
            for one in batch["records"]
        ),
    ],
    "camunda": lambda folder: [
        *map(json.loads, (folder / "activities.ndjson").read_text(encoding="utf-8").splitlines()),
        *json.loads((folder / "page.json").read_text(encoding="utf-8")),
    ],
    "camunda/instances": lambda folder: json.loads((folder.parent / "instances.json").read_text(encoding="utf-8")),
    "camunda/incidents": lambda folder: json.loads((folder.parent / "incidents.json").read_text(encoding="utf-8")),
    "openhim": lambda folder: [
        *json.loads((folder / "transactions.json").read_text(encoding="utf-8")),
        *json.loads((folder / "tasks.json").read_text(encoding="utf-8")),
    ],
}


def planted(value: object, text: str) -> Iterator[object]:
    """The value with one of its leaves replaced by the text, for each of its leaves; and the text as a key of each object."""
    if isinstance(value, dict):
        yield value | {text: text}
        for name, inner in value.items():
            yield from (value | {name: changed} for changed in planted(inner, text))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], changed, *value[place + 1 :]] for changed in planted(inner, text))
    else:
        yield text
        if isinstance(value, str) and value and text == PLANTED[0]:
            yield f"{value} {text}"


_ENGINES_ID = re.compile(r'(?<=")[0-9a-fA-F]{8}(?=[0-9a-fA-FCU-]{16,28}")')  # an ObjectId, UUID, trace id or run
_STEPS_ID = re.compile(r'(?<=[a-z]:)\d+(?=")')
_TIMES = (
    re.compile(r'(?<=\d\.)\d{7}(?=Z")'),
    re.compile(r"(?<=:)\d\d\.\d{3}(?= [AP]M)"),
)  # of Azure, whose records may have no id


def with_ids_of_its_own(record: object, n: int) -> str:
    """The record as JSON, with the ids and times that are still an engine's own made those of the n-th."""
    text = _STEPS_ID.sub(f"{n}", _ENGINES_ID.sub(f"{n:08x}", json.dumps(record)))
    return _TIMES[1].sub(f"{n // 1000 % 60:02d}.{n % 1000:03d}", _TIMES[0].sub(f"{n:07d}", text))


@pytest.mark.parametrize("kind", RECORDS)
def test_nobody_is_found_whatever_field_of_an_engines_record_holds_them(new_site, fixtures, put, caplog, capfd, kind):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    whole = RECORDS[kind](fixtures / kind)
    spoiled = (one for record in whole for text in (*PLANTED, WORD) for one in planted(record, text))
    lines = [with_ids_of_its_own(one, n) for n, one in enumerate(spoiled, 1)]
    assert len(lines) > 200
    path = put("planted.ndjson", "".join(line + "\n" for line in [*lines, lines[0][:-9]]))
    report = site.ingest(path)
    assert_each_is_read_as_new(report, len(lines))
    search(site, report, caplog, capfd)


@pytest.mark.parametrize("name", ["message-headers.csv", "event-log.csv", "managed-alerts.csv"])
def test_nobody_is_found_whatever_column_of_an_extract_holds_them(new_site, fixtures, put, caplog, capfd, name):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    whole = rows(fixtures / "intersystems" / name)
    spoiled = [one for record in whole for text in (*PLANTED, WORD) for one in planted(record, text)]
    ids = {record["ID"] for record in whole}
    own = [one | {"ID": str(n)} if one["ID"] in ids else one for n, one in enumerate(spoiled, 1000)]
    report = site.ingest(put(name, as_csv([*whole, *own]), f'9,"{PLANTED[0]}\n'))
    assert_each_is_read_as_new(report, len(own))
    search(site, report, caplog, capfd)


def planted_documents(message: str) -> Iterator[str]:
    """A message of Mirth's with one of its values replaced by each text, and a number of its own."""
    values = list(re.finditer(r">([^<>]+)</", message))
    spoiled = (
        message[: value.start(1)] + html.escape(text) + message[value.end(1) :]
        for value in values
        for text in (*PLANTED, WORD)
    )
    for n, one in enumerate(spoiled, 1000):
        yield re.sub(r"(?<=<messageId>)\d+(?=<)", str(n), one, count=1)


def test_nobody_is_found_whatever_value_of_a_message_of_mirth_holds_them(new_site, fixtures, put, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    whole = (fixtures / "mirth" / "2026-01-04.xml").read_text(encoding="utf-8")
    message = whole.split("\n</message>\n<message>")[0] + "\n</message>"
    spoiled = [one + "\n" for one in planted_documents(message)]
    report = site.ingest(put("planted.xml", *spoiled))
    assert_each_is_read_as_new(report, len(spoiled))
    search(site, report, caplog, capfd)


def test_nobody_is_found_whatever_column_of_mirths_tables_holds_them(new_site, fixtures, put, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    whole = rows(fixtures / "mirth" / "tables.csv")[::3]
    spoiled = [one for record in whole for text in (*PLANTED, WORD) for one in planted(record, text)]
    numbers = {record["MESSAGE_ID"] for record in whole}
    own = [one | {"MESSAGE_ID": str(n)} if one["MESSAGE_ID"] in numbers else one for n, one in enumerate(spoiled, 1000)]
    report = site.ingest(put("planted.csv", as_csv(own)))
    assert_each_is_read_as_new(report, len(own))
    search(site, report, caplog, capfd)


def planted_messages(capture: str) -> Iterator[str]:
    """The frames of a capture with one field, or one component of it, replaced by each text."""
    numbers = itertools.count(1)
    for frame in capture.split("[")[1:]:
        time, _, rest = frame.partition("\x0b")
        segments = rest.partition("\x1c")[0].split("\r")
        for place, segment in enumerate(segments):
            fields = segment.split("|")
            for number in range(2 if fields[0] == "MSH" else 1, len(fields)):
                for text in (*PLANTED, WORD):
                    for changed in (text, f"{fields[number]}^{text}", f"{text}^^^L^MR~{fields[number]}"):
                        told = "|".join([*fields[:number], changed, *fields[number + 1 :]])
                        message = [*segments[:place], told, *segments[place + 1 :]]
                        if (place, number) != (0, 9):  # its control id
                            message[0] = "|".join(
                                [*(first := message[0].split("|"))[:9], f"C{next(numbers)}", *first[10:]]
                            )
                        yield f"[{time}\x0b" + "\r".join(message) + "\x1c\r\n"


def test_nobody_is_found_whatever_field_of_a_message_holds_them(new_site, fixtures, put, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    capture = (fixtures / "hl7" / "port-6661.mllp").read_text(encoding="utf-8")
    spoiled = list(planted_messages(capture))
    assert len(spoiled) > 1000
    remarks = "".join(f"2026-01-04 08:00:00 {text}\n{text}\n" for text in PLANTED[:2])
    report = site.ingest(put("planted.mllp", remarks, *spoiled, spoiled[0][:-9]))
    assert_each_is_read_as_new(report, len(spoiled))
    assert report.totals["quarantined"] > 0
    search(site, report, caplog, capfd)
