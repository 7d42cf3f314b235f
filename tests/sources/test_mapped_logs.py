"""Logs that a mapping file describes: what it may say, how times are read, what becomes of every record, and who stays out."""

import csv
import io
import json
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import intake, keys, log_mapping
from pipelines.errors import ConfigurationError, ZoneNeeded
from pipelines.log_mapping import TimeFormat
from pipelines.settings import SourceSettings
from pipelines.sources import log_fields, log_times
from tests.sources.test_laws import emptied
from tests.sources.test_planted_people import NEEDLES, SENTENCE

KEY = b"a site key for tests only"
SITE = """
zone = "America/New_York"
[[sources]]
name = "gate"
kind = "ndjson-log"
mapping = "gate.toml"
authorities = { mrn = "urn:lark:mrn" }
assigners = { mrn = { NGH = "urn:ngh:mrn" } }
"""
LEAST = 'fields = { message = "id", event = "what", time = "when" }\nevents = { in = "received", out = "delivered" }\n'


@pytest.fixture
def reads(new_site, put):
    """Reads a file under a mapping; gives the site."""

    def read(mapping: str, *content, name="gate.log", zone="America/New_York"):
        site = new_site(SITE + (f'zone = "{zone}"\n' if zone else ""), mappings={"gate.toml": mapping})
        site.ingest(put(name, *content), source="gate")
        return site

    return read


# What a mapping may say


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('format = "xml"\n', r"m.toml, line 1: format: 'xml': Input should be 'ndjson', 'csv' or 'cloudevents'\."),
        ('fields = { message = "a", event = "b" }', r"line 1: fields: 'time' is missing: when the event happened\."),
        ('[fields]\nmesage = "a"', r"line 2: fields: there is no field 'mesage'\. Did you mean 'message'\?"),
        ('# x\n[fields]\nmessage = "a"\nevent = ""', r"line 4: fields: 'event' names no field; leave the line out"),
        ('[fields]\nmrn = ["a", "b"]', r"line 2: fields: 'mrn' takes one field; only record_id, message, parent"),
        (
            '[events]\nA = "recieved"',
            r"line 2: events: 'A' maps to 'recieved', no event type\. Did you mean 'received'\?",
        ),
        ('quot = "x"', r"line 1: there is no setting 'quot'\. Did you mean 'quote'\?"),
        ('[times]\ntime = { format = "%d.%m.%Y" }', r"line 2: times.time.format: '%d.%m.%Y' is neither 'iso', one of"),
        ('[times]\ntime = { zone = "CEST" }', r"line 2: times.time.zone: 'CEST' is no IANA time zone"),
        ('[times]\nthen = { zone = "UTC" }', r"line 2: times: 'then' is no time; time and sent_at are"),
        ('[constants]\nmrn = "1"', r"line 2: constants: 'mrn' cannot be constant; clock, flow"),
        (
            'rows = "snapshots"\n[fields]\nmessage = "a"\nevent = "b"',
            r"a snapshot needs a \[\[proves\]\] for each of its times",
        ),
        (LEAST + '[[proves]]\ntime = "x"', r"only snapshots prove events\. Set rows = 'snapshots'"),
        (LEAST + 'header = ["id"]', r"line 3: header: only CSV has one"),
        (
            LEAST + 'format = "csv"\nheader = ["id"]',
            r"line 4: header: it has no column 'what', which the mapping reads",
        ),
        (LEAST.replace('"id"', '"a[x]"'), r"line 1: fields: 'a\[x\]' is no path; write one such as data.items\[0\].id"),
        (
            'format = "cloudevents"\n[fields]\nrecord_id = "id"',
            r"line 3: fields.record_id: a CloudEvent is known by its",
        ),
        ("[events]\nin = received", r"m.toml is not valid TOML: .*at line 2"),
    ],
)
def test_a_mapping_that_breaks_a_rule_is_refused_with_file_line_rule_and_cure(text, mistake):
    with pytest.raises(ConfigurationError, match=mistake) as caught:
        log_mapping.parse(text, "m.toml")
    assert "\n" not in str(caught.value)


def test_every_mapping_in_the_documents_is_a_valid_one():
    page = Path(__file__).parents[2] / "docs/mapping.md"
    found = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert [log_mapping.parse(text, "mapping.md").format for text in found] == [
        "csv",
        "ndjson",
        "cloudevents",
        "ndjson",
        "csv",
    ]


# Times

ISO, MS = TimeFormat(), TimeFormat(fraction="milliseconds")
MIRTH = TimeFormat(format="%d-%m-%y %H-%M-%S", fraction="milliseconds")
AT_NINE = "2026-01-04 09:00:00"
TIMES = [
    # written, how, instant in UTC, local time, precision
    ("2026-01-04T09:00:00-05:00", ISO, "2026-01-04 14:00:00", None, "s"),
    ("2026-01-04T09:00:00.1234567Z", ISO, "2026-01-04 09:00:00.123456", None, "us"),
    ("2026-01-04T09:00:00.9999999Z", ISO, "2026-01-04 09:00:00.999999", None, "us"),
    ("2026-01-04T09:00:00.007", ISO, None, "2026-01-04 09:00:00.007", "ms"),
    ("2026-01-04 09:00:00,07", ISO, None, "2026-01-04 09:00:00.07", "ms"),
    ("2026-01-04 09:00:00,07", MS, None, "2026-01-04 09:00:00.007", "ms"),
    ("2026-01-04 09:00:00.490+00:00", MS, "2026-01-04 09:00:00.49", None, "ms"),
    ("04-01-26 09-00-00.07", MIRTH, None, "2026-01-04 09:00:00.007", "ms"),
    ("04-01-26 09-00-00.490", MIRTH, None, "2026-01-04 09:00:00.49", "ms"),
    ("20121023T131902.007+1300", ISO, "2012-10-23 00:19:02.007", None, "ms"),
    ("20260104090000", ISO, None, AT_NINE, "s"),
    ("20260104 0900", ISO, None, AT_NINE, "s"),
    ("2026/01/04 09:00:00", ISO, None, AT_NINE, "s"),
    ("2026-01-04 09:00-0500", ISO, "2026-01-04 14:00:00", None, "min"),
    ("2026-01-04 09:00:00 UTC", ISO, AT_NINE, None, "s"),
    ("2026-01-04T09:00:00-05:00[America/New_York]", ISO, "2026-01-04 14:00:00", None, "s"),
    ("2026-01-04T24:00:00Z", ISO, "2026-01-05 00:00:00", None, "s"),
    ("2026-12-31T23:59:60Z", ISO, "2027-01-01 00:00:00", None, "s"),
    ("1767517200", ISO, AT_NINE, None, "s"),
    ("1767517200.5", ISO, "2026-01-04 09:00:00.5", None, "ms"),
    ("1767517200123", ISO, "2026-01-04 09:00:00.123", None, "ms"),
    ("1767517200123456", ISO, "2026-01-04 09:00:00.123456", None, "us"),
    ("1544712660300000123", ISO, "2018-12-13 14:51:00.3", None, "us"),
    ("1544712660300000123", TimeFormat(format="epoch_nanoseconds"), "2018-12-13 14:51:00.3", None, "us"),
    ("999", TimeFormat(format="epoch_milliseconds"), "1970-01-01 00:00:00.999", None, "ms"),
    ("1/1/2021 8:40:06 PM +00:00", TimeFormat(format="%m/%d/%Y %I:%M:%S %p %z"), "2021-01-01 20:40:06", None, "s"),
    ("02 May 2018 11:46:02,689", TimeFormat(format="%d %b %Y %H:%M:%S,%g"), None, "2018-05-02 11:46:02.689", "ms"),
    ("2026-01-04T09:00:00 EST", ISO, None, None, None),
    ("2026-01-04", ISO, None, None, None),
    ("202401", ISO, None, None, None),
    ("2026-02-30T09:00:00", ISO, None, None, None),
    ("02 Mai 2018 11:46:02,689", TimeFormat(format="%d %b %Y %H:%M:%S,%g"), None, None, None),
    ("99999999999999999999", TimeFormat(format="epoch_seconds"), None, None, None),
    ("soon", ISO, None, None, None),
]


def test_every_way_that_engines_write_times_is_an_instant_or_a_local_time_or_none():
    with duckdb.connect() as db:
        db.execute("set timezone = 'Asia/Tokyo'")
        for macro in log_times.MACROS:
            db.execute(macro)
        for text, written, instant, local, precision in TIMES:
            how = log_times.reading("x", written)
            found = db.execute(
                f"select {how.instant} = ($instant || '+00')::timestamptz, {how.instant} is null, {how.local} = $local::timestamp, "
                f"{how.local} is null, {how.precision} from (select x, {how.iso} as iso from (select $text as x))",
                {"text": text, "instant": instant, "local": local},
            ).fetchall()[0]
            assert found[:2] == ((True, False) if instant else (None, True)), text
            assert found[2:4] == ((True, False) if local else (None, True)), text
            assert not (instant or local) or found[4] == precision, text


def test_what_is_no_time_is_kept_out_for_its_reason_and_a_local_time_needs_a_zone(reads):
    texts = ["2026-01-04T09:00:00Z", "2026-01-04", "soon", "", "0000000000", "2026-01-04T09:00:00 EST"]
    lines = [{"id": f"m{i}", "what": "in", "when": text} for i, text in enumerate(texts)]
    site = reads(LEAST, *lines, zone=None)
    assert site.rows("select line, rule from account.quarantine order by line") == [
        (2, "date_only"),
        (3, "no_time"),
        (4, "no_time"),
        (5, "unset_time"),
        (6, "no_time"),
    ]
    with pytest.raises(ZoneNeeded, match=r"line 1: times have no offset.*none is assumed"):
        reads(LEAST, {"id": "1", "what": "in", "when": "2026-01-04T09:00:00"}, zone=None)


def test_a_zone_in_the_mapping_goes_before_the_sources_and_utc_has_to_be_said(reads):
    line = {"id": "1", "what": "in", "when": "2026-01-04T09:00:00", "sent": "20260104085959"}
    mapping = (
        LEAST.replace('time = "when"', 'time = "when", sent_at = "sent"') + 'times = { time = { zone = "UTC" } }\n'
    )
    site = reads(mapping, line)
    assert site.rows("select epoch(occurred_at - sent_at)::int, time_basis from raw.interface_event") == [
        (1 - 5 * 3600, "utc")
    ]


@pytest.mark.parametrize(
    ("zone", "night"), [("America/New_York", "2025-11-02T01:45:00"), ("Australia/Lord_Howe", "2026-04-05T01:45:00")]
)
def test_a_local_time_that_comes_twice_is_flagged_by_however_much_clocks_are_put_back(reads, zone, night):
    site = reads(LEAST, {"id": "1", "what": "in", "when": night}, zone=zone)
    assert site.rows("select time_ambiguous, quality_flags from raw.interface_event") == [(True, ["time_ambiguous"])]


def test_a_time_that_stands_for_never_or_is_yet_to_come_is_no_time(reads):
    times = (
        "9999-12-31T24:00:00",
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00",
        "2026-03-08T02:30:00",
        "2190-03-08T02:30:00",
    )
    site = reads(LEAST, *({"id": str(i), "what": "in", "when": time} for i, time in enumerate(times)))
    assert site.rows("select line, rule from account.quarantine order by line") == [
        *((i, "unset_time") for i in (1, 2, 3)),
        (5, "future_time"),
    ]
    assert site.rows("select year(occurred_at), quality_flags from raw.interface_event") == [(2026, ["time_in_gap"])]


# The same events, whatever the format

EVENTS = [
    ("m1", "in", "2026-01-04T09:00:00.5-05:00", "ADT", "", "LK1", ""),
    ("m1", "out", "2026-01-04T09:00:01-05:00", "ADT", "LIS", "", "Unknown patient Quillon"),
    ("m2", "in", "2026-01-04T09:00:02-05:00", "Größe", "", "LK2", ""),
]
NAMES = ("id", "what", "when", "line", "to", "mrn", "text")
FIELDS = 'message = "{0}id"\nflow = "{0}line"\ndestination = "{0}to"\nmrn = "{0}mrn"\nerror = "{0}text"\n'
WORDS = '[events]\nin = "received"\nout = "delivered"\n'
OWN = '[fields]\nevent = "what"\ntime = "when"\n'


def as_csv(delimiter=",", end="\r\n", *, header=True, rows=EVENTS) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([*([NAMES] if header else []), *rows])
    return text.getvalue()


def as_ndjson(rows=EVENTS) -> str:
    return "".join(json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def as_cloud_events(rows=EVENTS) -> list[dict]:
    return [
        {
            "specversion": "1.0",
            "id": f"{i}",
            "source": "/gate",
            "type": row[1],
            "time": row[2],
            "data": dict(zip(NAMES, row, strict=True)),
        }
        for i, row in enumerate(rows)
    ]


CLOUD = 'format = "cloudevents"\n[fields]\n' + FIELDS.format("data.") + WORDS
FORMATS = {
    "CSV": ('format = "csv"\n' + OWN + FIELDS.format("") + WORDS, as_csv()),
    "CSV of Windows": (
        'format = "csv"\nencoding = "windows-1252"\ndelimiter = ";"\n' + OWN + FIELDS.format("") + WORDS,
        as_csv(";").encode("windows-1252"),
    ),
    "CSV in UTF-16 without a header": (
        f'format = "csv"\nencoding = "utf-16"\nheader = {json.dumps(NAMES)}\n' + OWN + FIELDS.format("") + WORDS,
        as_csv(header=False, end="\n").encode("utf-16"),
    ),
    "CSV put together of two": (
        'format = "csv"\n' + OWN + FIELDS.format("") + WORDS,
        as_csv(rows=EVENTS[:1]) + as_csv(rows=EVENTS[1:]),
    ),
    "NDJSON": (OWN + FIELDS.format("") + WORDS, as_ndjson()),
    "a JSON array": (OWN + FIELDS.format("") + WORDS, "[" + ",\n".join(as_ndjson().splitlines()) + "]"),
    "CloudEvents, one a line": (CLOUD, "".join(json.dumps(each) + "\n" for each in as_cloud_events())),
    "a batch of CloudEvents": (CLOUD, json.dumps(as_cloud_events(), indent=2)),
    "CloudEvents spread over lines": (CLOUD, "\n".join(json.dumps(each, indent=2) for each in as_cloud_events())),
}


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_events_come_out_of_every_format(reads, form):
    mapping, content = FORMATS[form]
    site = reads(mapping, content)
    found = site.rows(
        "select event_type, epoch_ms(occurred_at) - 1767535200000, flow_id, node_id, mrn_key, error_template "
        "from raw.interface_event order by occurred_at"
    )
    mrn = [keys.keyed(KEY, "mrn", "urn:lark:mrn", number) for number in ("LK1", "LK2")]
    assert found == [
        ("received", 500, "ADT", "", mrn[0], None),
        ("delivered", 1000, "ADT", "LIS", None, "<redacted>"),
        (
            "received",
            2000,
            "flow " + keys.keyed(KEY, "node", "gate", "Größe")[:8],
            "",
            mrn[1],
            None,
        ),  # a name of no known words
    ]
    assert site.rows("select count(*) from account.quarantine") == [(0,)]


def test_a_path_leads_into_lists_and_to_names_with_dots(reads):
    mapping = 'fields = { message = "a[1].id", event = "\\"b.c\\".what", time = "t" }\n' + WORDS
    line = {"a": [{"id": "no"}, {"id": "m1"}], "b.c": {"what": "in"}, "t": 1767535200000000123, "b": {"c": "x"}}
    site = reads(mapping, line)
    assert site.rows("select event_type, message_uid from raw.interface_event") == [
        ("received", "gate:" + keys.keyed(KEY, "message", "gate", "m1"))
    ]


def test_a_cloud_event_is_known_by_source_and_id_whatever_else_a_second_delivery_says(reads, put):
    first, *others = as_cloud_events()
    site = reads(CLOUD, json.dumps(first))
    again = {**first, "time": "2026-01-04T10:00:00Z", "type": "out"}
    elsewhere = {**first, "source": "/other"}
    nameless = {name: value for name, value in first.items() if name != "id"}
    report = site.ingest(put("b.json", json.dumps([again, elsewhere, nameless, *others])), source="gate")
    assert (report.totals["unchanged"], report.totals["loaded"], report.files[0].reasons) == (1, 3, {"no_id": 1})


def test_a_broken_record_of_a_json_array_costs_itself(reads):
    one, two, three = (json.dumps(each) for each in as_cloud_events())
    site = reads(CLOUD, f"[{one},\n{two[:-1]}, x}},\nrubbish of Quillon,\n{three},\n", one[:-5])
    assert site.rows("select line, rule from account.quarantine order by line") == [
        (2, "unparseable"),
        (2, "outside_a_message"),
        (5, "truncated"),
    ]
    assert site.rows("select line from raw.interface_event order by line") == [(1,), (4,)]


# CSV

CSV = 'format = "csv"\n' + LEAST


@pytest.mark.parametrize(
    ("body", "lines", "kept_out"),
    [
        ('m1,in,2026-01-04T09:00:00Z,"x\r\ny"\r\nm2,in,2026-01-04T09:00:01Z,z\r\n', [2, 4], []),
        ('m1,in,2026-01-04T09:00:00Z,5" pipe\nm2,in,2026-01-04T09:00:01Z,z\n', [2, 3], []),
        (
            'm1,in,2026-01-04T09:00:00Z,"open\nm2,in,2026-01-04T09:00:01Z,z\nm3,in,2026-01-04T09:00:02Z,z\n',
            [3, 4],
            [(2, "unparseable")],
        ),
        ('m1,in,2026-01-04T09:00:00Z,"open\nm2,in,2026-01-04T09:00:01Z', [], [(2, "truncated")]),
        ('m1,in,2026-01-04T09:00:00Z,5","a\nm2,in,2026-01-04T09:00:01Z,z\n', [3], [(2, "unparseable")]),
        ("m1,in\n\nm2,in,2026-01-04T09:00:01Z,z\n", [4], [(2, "unparseable")]),
        ("id,what,when,note\nm2,in,2026-01-04T09:00:01Z,z\n", [3], []),
        ("", [], []),
    ],
)
def test_a_csv_record_that_is_none_costs_itself_and_never_what_follows(reads, body, lines, kept_out):
    site = reads(CSV, "id,what,when,note\n" + body)
    assert [line for (line,) in site.rows("select line from raw.interface_event order by line")] == lines
    assert site.rows("select line, rule from account.quarantine order by line") == kept_out


def test_without_its_header_no_line_is_taken_for_one(reads):
    site = reads(CSV, "export of the gate\nid,what,when\nm1,in,2026-01-04T09:00:00Z\n")
    assert site.rows("select line, rule from account.quarantine") == [(1, "no_header")]
    assert site.rows("select line from raw.interface_event") == [(3,)]


def test_a_column_that_the_mapping_names_and_the_header_lacks_is_a_finding(reads):
    site = reads(CSV.replace('id"', 'id", mrn = "MRN"'), "id,what,when\nm1,in,2026-01-04T09:00:00Z\n")
    assert site.rows("select rule, n from account.finding") == [("mapped_column_missing", 1)]


GROWING = {
    "CSV": (CSV, "id,what,when\nm1,in,2026-01-04T09:00:00Z\nm2,in,20", "26-01-04T09:00:01Z\n"),
    "a JSON array": (
        LEAST,
        '[{"id":"m1","what":"in","when":"2026-01-04T09:00:00Z"},\n{"id":"m2","what":',
        '"in","when":"2026-01-04T09:00:01Z"}]',
    ),
}


@pytest.mark.parametrize("form", GROWING)
def test_the_record_in_which_a_growing_file_ends_waits_until_it_is_whole(new_site, put, form):
    mapping, begin, rest = GROWING[form]
    site = new_site(SITE, mappings={"gate.toml": mapping})
    intake.ingest_paths(site.db, site.settings, [put("a.log", begin)], "gate", None, settle_seconds=60)
    found = "select (select count(*) from raw.interface_event), (select count(*) from account.quarantine)"
    assert site.rows(found) == [(1, 0)]
    site.ingest(put("a.log", begin + rest), source="gate")
    assert site.rows(found) == [(2, 0)]


# Meaning


def test_test_traffic_and_the_collectors_own_polling_are_ignored_and_counted(reads):
    mapping = (
        LEAST + '[[ignore]]\nfield = "mode"\nvalues = ["T", "D"]\n[[ignore]]\nfield = "user"\nvalues = ["wardflow"]\n'
    )
    base = {"what": "in", "when": "2026-01-04T09:00:00Z"}
    site = reads(
        mapping,
        {**base, "id": "1", "mode": "T"},
        {**base, "id": "2", "user": "wardflow"},
        {**base, "id": "3", "mode": "P"},
    )
    assert site.rows("select lines_read, ignored, loaded from account.file") == [(3, 2, 1)]


def test_two_records_that_are_alike_are_two_events_also_where_a_chunk_ends_between_them(reads, put, monkeypatch):
    monkeypatch.setattr("pipelines.sources.lines.CHUNK_LINES", 1)
    monkeypatch.setattr("pipelines.sources.lines.BLOCK_BYTES", 64)
    line = {"id": "1", "what": "in", "when": "2026-01-04T09:00:00Z"}
    site = reads(LEAST, line, line, line)
    assert site.rows("select count(*) from raw.interface_event") == [(3,)]
    assert site.ingest(put("b.log", line, line), source="gate").totals["unchanged"] == 2
    assert site.ingest(put("c.log", line, line, line, line), source="gate").totals["loaded"] == 1


def test_numbers_belong_to_whom_the_record_names(reads):
    mapping = LEAST.replace('time = "when"', 'time = "when", mrn = "no", mrn_assigner = "of", size = "bytes"')
    base = {"what": "in", "when": "2026-01-04T09:00:00Z", "no": "7", "bytes": 812}
    site = reads(mapping, {**base, "id": "1", "of": "NGH"}, {**base, "id": "2", "of": "SGH"}, {**base, "id": "3"})
    authorities = ("urn:ngh:mrn", "gate/SGH", "urn:lark:mrn")
    assert site.rows("select mrn_key, size_bytes, quality_flags from raw.interface_event order by line") == [
        (keys.keyed(KEY, "mrn", authority, "7"), 812, ["unmapped_assigner"] if authority == "gate/SGH" else [])
        for authority in authorities
    ]


SNAPSHOTS = """
rows = "snapshots"
fields = { message = "id", event = "state", attempt = "tries", destination = "to", error = "text" }
events = { done = "delivered", waiting = "nothing", bad = "failed" }
[[proves]]
time = "created"
event = "received"
node = "message"
[[proves]]
time = "tried"
event = "attempt_started"
[[proves]]
time = "changed"
"""


def test_a_snapshot_proves_an_event_for_each_of_its_times_and_a_later_one_adds_only_what_is_new(reads, put):
    row = {"id": "1", "to": "LIS", "created": "2026-01-04T09:00:00Z"}
    first = {**row, "state": "waiting", "tries": 1, "tried": "2026-01-04T09:00:05Z", "changed": "2026-01-04T09:00:06Z"}
    later = {**row, "state": "done", "tries": 3, "tried": "2026-01-04T09:02:00Z", "changed": "2026-01-04T09:02:01Z"}
    site = reads(SNAPSHOTS, first)
    query = "select event_type, node_id, attempt_no, attempts_exact, source_kind from raw.interface_event order by occurred_at"
    before = [("received", "", None, True, "snapshot"), ("attempt_started", "LIS", 1, True, "snapshot")]
    assert site.rows(query) == before
    site.ingest(put("b.log", later), source="gate")
    after = [("attempt_started", "LIS", 3, False, "snapshot"), ("delivered", "LIS", 3, False, "snapshot")]
    assert site.rows(query) == [*before, *after]
    assert site.ingest(put("c.log", first, later, {}), source="gate").totals["loaded"] == 0


def test_a_snapshot_with_one_unreadable_time_or_none_at_all_is_kept_out_once(reads):
    row = {"id": "1", "to": "LIS", "state": "odd"}
    site = reads(
        SNAPSHOTS,
        {**row, "created": "2026-01-04T09:00:00Z", "tried": "soon"},
        row,
        {**row, "changed": "2026-01-04T09:00:00Z"},
    )
    assert site.rows("select line, rule from account.quarantine order by line") == [(1, "no_time"), (2, "no_time")]
    assert site.rows("select line, event_type, native_type from raw.interface_event") == [(3, "unknown", "<redacted>")]


# Laws

LAW = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
WIDE = [
    (f"m{i // 3}", ("in", "out")[i % 2], f"2026-01-04T09:00:{i % 7:02}Z", "ADT", "LIS" * (i % 2), "LK1", "timeout")
    for i in range(12)
]
WRITERS = {
    "CSV": ('format = "csv"\n' + OWN + FIELDS.format("") + WORDS, lambda rows: as_csv(rows=[WIDE[i] for i in rows])),
    "NDJSON": (OWN + FIELDS.format("") + WORDS, lambda rows: as_ndjson([WIDE[i] for i in rows])),
    "CloudEvents": (CLOUD, lambda rows: json.dumps([as_cloud_events(WIDE)[i] for i in rows])),
}


@pytest.mark.parametrize("form", WRITERS)
def test_overlapping_and_shuffled_exports_read_again_are_what_one_whole_export_is(new_site, tmp_path, form):
    mapping, write = WRITERS[form]
    site = new_site(SITE, mappings={"gate.toml": mapping})

    def delivered(name: str, rows) -> Path:
        path = tmp_path / name
        path.write_text(write(rows))
        return path

    site.ingest(delivered("whole", range(len(WIDE))), source="gate")
    whole = site.state()

    @LAW
    @given(
        parts=st.lists(st.lists(st.sampled_from(range(len(WIDE))), min_size=1, unique=True), max_size=3),
        last=st.permutations(range(len(WIDE))),
    )
    def holds(parts, last):
        emptied(site)
        paths = [delivered(f"{i}", rows) for i, rows in enumerate([*parts, last])]
        site.ingest(*paths, source="gate")
        site.ingest(*(delivered(f"again{i}", rows[::-1]) for i, rows in enumerate(parts)), paths[-1], source="gate")
        assert site.state() == whole

    holds()


PIECES = st.sampled_from(
    [
        "m1",
        "in",
        "2026-01-04T09:00:00Z",
        ",",
        '"',
        '""',
        "\n",
        "\r\n",
        "\r",
        "\0",
        "{",
        "}",
        "[",
        "]",
        '"id":',
        ":",
        "\ufeff",
        "ü",
        " ",
        "\\",
    ]
)


@pytest.mark.parametrize("form", WRITERS)
def test_whatever_a_file_holds_every_line_is_accounted_for(new_site, tmp_path, form):
    mapping, write = WRITERS[form]
    site = new_site(SITE, mappings={"gate.toml": mapping})
    start = write(range(2)).encode()

    @settings(LAW, max_examples=12)
    @given(pieces=st.lists(PIECES, max_size=25), bite=st.binary(max_size=3))
    def holds(pieces, bite):
        path = tmp_path / "fuzz"
        path.write_bytes(start + "".join(pieces).encode() + bite + b"\n" + start)
        site.ingest(path, source="gate")  # which asserts that the account is balanced

    holds()


def test_staged_events_are_a_view_which_takes_the_place_of_the_table_that_a_former_release_made(reads):
    site = reads(LEAST, '{"id": "m1", "what": "in", "when": "2026-01-04T09:00:00Z"}\n')
    site.build("staging.interface_event")
    query = "select event_uid, event_type, message_uid from staging.interface_event"
    before = site.rows(query)
    site.db.execute("create table kept as from staging.interface_event; drop view staging.interface_event")
    site.db.execute("create table staging.interface_event as from kept; drop table kept")
    site.build("staging.interface_event")
    assert site.rows(query) == before != []
    assert site.rows("select view_name from duckdb_views() where schema_name = 'staging'") == [("interface_event",)]


# Hashes

NUMBERED = log_mapping.parse(
    'message_scope = "flow"\n[fields]\nmessage = "a"\nflow = "b"\nmrn = "c"\nmrn_assigner = "d"\nevent = "e"\ntime = "e"',
    "m",
)
TEXT = st.none() | st.sampled_from(["", "1", "NGH", "SGH"]) | st.text(max_size=5)


@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), min_size=1))
def test_a_column_of_identifiers_is_hashed_as_each_of_them_is(rows):
    source = SourceSettings(name="gate", kind="ndjson-log", assigners={"mrn": {"NGH": "urn:ngh:mrn"}})
    columns = [pa.array(column, pa.string()) for column in [*zip(*rows, strict=True), [None] * len(rows)]]
    place = {name: [0] * len(rows) for name in ("file_id", "line", "byte_offset", "ends_open", "is_record")}
    fields = pa.table(place | {f"c{i}": column for i, column in enumerate(columns)})
    records, _ = log_fields.said(fields, NUMBERED, source, KEY)
    authority = {None: "gate", "": "gate", "NGH": "urn:ngh:mrn"}
    assert records.select(["message_key", "mrn_key"]).to_pylist() == [
        {
            "message_key": keys.keyed(KEY, "message", "gate", f"{flow or ''}:{message}") if message else None,
            "mrn_key": keys.keyed(KEY, "mrn", authority.get(assigner, f"gate/{assigner}"), mrn) if mrn else None,
        }
        for message, flow, mrn, assigner in rows
    ]


# People

EVERY_FIELD = "\n".join(f'{name} = "{name}"' for name in log_mapping.FIELDS if name not in {"time", "message"})


@pytest.mark.parametrize("form", ["csv", "ndjson", "array"])
def test_nobody_planted_in_any_field_mapped_or_not_is_written_anywhere(new_site, put, caplog, capfd, form):
    mapping = f'format = "{"csv" if form == "csv" else "ndjson"}"\n[fields]\ntime = "time"\nmessage = "message"\n{EVERY_FIELD}\n{WORDS}'
    site = new_site(SITE + 'zone = "UTC"\n', in_file=True, mappings={"gate.toml": mapping})
    names = [*log_mapping.FIELDS, "note", SENTENCE.replace(",", "")]
    rows = [dict.fromkeys(names, SENTENCE) | {"time": "2026-01-04T09:00:00Z"}]
    rows += [dict.fromkeys(names, SENTENCE), rows[0] | {"event": "in"}, rows[0] | {"attempt": "1"}]
    hl7 = f"MSH|^~\\&|A|B\rPID|1||LK1||{SENTENCE}\r"
    rows.append(rows[0] | {"error": hl7, "type": hl7, "note": hl7})
    rows = [row | {"record_id": f"{i} {SENTENCE}"} for i, row in enumerate(rows)]
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)
        content = text.getvalue() + f'{SENTENCE}\n"{SENTENCE}\n'
    else:
        content = json.dumps(rows, indent=1) if form == "array" else "".join(json.dumps(row) + "\n" for row in rows)
        content += f"\n{SENTENCE}\n{{{json.dumps(SENTENCE)}: 1\n"
    report = site.ingest(put("a.log", content), source="gate")
    assert report.totals["loaded"] == 4
    assert report.totals["quarantined"] >= 2
    told = "\n".join([site.everything(), caplog.text, *capfd.readouterr(), json.dumps(report.to_json())])
    site.db.execute("checkpoint")
    written = {path.name: path.read_bytes() for path in site.home.path.rglob("*") if path.is_file()}
    for needle in NEEDLES:
        assert needle.lower() not in told.lower(), needle
        assert not [name for name, held in written.items() if needle.lower().encode() in held.lower()], needle
