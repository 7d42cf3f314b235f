"""A sentence, a number and a whole HL7 message in every field of every record of every engine, and every byte that is written."""

import csv
import io
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
    """Nothing planted is in a table, log, report or file of the home."""
    told = "\n".join([site.everything(), caplog.text, *capfd.readouterr(), json.dumps(report.to_json())])
    site.db.execute("checkpoint")
    written = {path.name: path.read_bytes().lower() for path in site.home.path.rglob("*") if path.is_file()}
    for needle in NEEDLES:
        assert not re.search(re.escape(needle), told, re.IGNORECASE), needle
        assert not [name for name, content in written.items() if needle.lower().encode() in content], needle


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
        if isinstance(value, str) and value:
            yield f"{value} {text}"


@pytest.mark.parametrize("kind", RECORDS)
def test_nobody_is_found_whatever_field_of_an_engines_record_holds_them(new_site, fixtures, put, caplog, capfd, kind):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    whole = RECORDS[kind](fixtures / kind)
    lines = [json.dumps(one) for record in whole for text in PLANTED for one in planted(record, text)]
    assert len(lines) > 200
    path = put("planted.ndjson", "".join(line + "\n" for line in [*map(json.dumps, whole), *lines, lines[0][:-9]]))
    report = site.ingest(path)
    assert report.totals["loaded"] > len(whole)
    search(site, report, caplog, capfd)


@pytest.mark.parametrize("name", ["message-headers.csv", "event-log.csv", "managed-alerts.csv"])
def test_nobody_is_found_whatever_column_of_an_extract_holds_them(new_site, fixtures, put, caplog, capfd, name):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    whole = rows(fixtures / "intersystems" / name)
    spoiled = [one for record in whole for text in PLANTED for one in planted(record, text)]
    report = site.ingest(put(name, as_csv([*whole, *spoiled]), f'9,"{PLANTED[0]}\n'))
    assert report.totals["loaded"] >= len(whole) / 2
    search(site, report, caplog, capfd)


def planted_messages(capture: str) -> Iterator[str]:
    """The frames of a capture with one field, or one component of it, replaced by each text."""
    for frame in capture.split("[")[1:]:
        time, _, rest = frame.partition("\x0b")
        segments = rest.partition("\x1c")[0].split("\r")
        for place, segment in enumerate(segments):
            fields = segment.split("|")
            for number in range(2 if fields[0] == "MSH" else 1, len(fields)):
                for text in PLANTED:
                    for changed in (text, f"{fields[number]}^{text}", f"{text}^^^L^MR~{fields[number]}"):
                        told = "|".join([*fields[:number], changed, *fields[number + 1 :]])
                        yield f"[{time}\x0b" + "\r".join([*segments[:place], told, *segments[place + 1 :]]) + "\x1c\r\n"


def test_nobody_is_found_whatever_field_of_a_message_holds_them(new_site, fixtures, put, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    site = new_site(in_file=True)
    capture = (fixtures / "hl7" / "port-6661.mllp").read_text(encoding="utf-8")
    spoiled = list(planted_messages(capture))
    assert len(spoiled) > 1000
    remarks = "".join(f"2026-01-04 08:00:00 {text}\n{text}\n" for text in PLANTED[:2])
    report = site.ingest(put("planted.mllp", remarks, *spoiled, spoiled[0][:-9]))
    assert report.totals["loaded"] > 400
    assert report.totals["quarantined"] > 0
    search(site, report, caplog, capfd)
