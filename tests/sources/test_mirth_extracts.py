"""Extracts of Mirth's tables, rule by rule: CSV and Parquet prove what the XML of the same messages proves."""

import csv
import gzip
import io
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines import keys, same_server
from pipelines.errors import ZoneNeeded

KEY = b"a site key for tests only"
CHANNEL = "b7a1f0de-0000-4000-8000-000000000001"
OTHER = "b7a1f0de-0000-4000-8000-000000000002"
SERVER, ANOTHER = "5e6d0000-0000-4000-8000-00000000000a", "5e6d0000-0000-4000-8000-00000000000b"
ROW = {
    "CHANNEL_ID": CHANNEL,
    "MESSAGE_ID": "7",
    "MESSAGE_RECEIVED_DATE": "2026-01-04 09:00:00.000-05",
    "SOURCE_RECEIVED_DATE": "2026-01-04 09:00:00.000-05",
    "METADATA_ID": "1",
    "CONNECTOR_NAME": "LIS",
    "SERVER_ID": "srv",
    "RECEIVED_DATE": "2026-01-04 09:00:00.005-05",
    "STATUS": "S",
    "SEND_ATTEMPTS": "1",
    "SEND_DATE": "2026-01-04 09:00:00.006-05",
    "RESPONSE_DATE": "2026-01-04 09:00:00.090-05",
}


def extract(*rows: dict[str, str], delimiter: str = ",") -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def happened(site, what="event_type") -> list:
    order = "from staging.interface_event order by occurred_at, event_order"
    site.build("staging.interface_event")
    found = site.rows(f"select {what} {order}")
    return [row[0] for row in found] if what == "event_type" else found


def uids(site) -> set:
    return {uid for (uid,) in site.rows("select event_uid from raw.interface_event")}


def as_parquet(path: Path, folder: Path, **columns: pa.Array) -> Path:
    """The CSV as a database's own tools write it: numbers, timestamps with their zone, names in lower case."""
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(keepends=True)))
    made = {}
    for name in rows[0]:
        values = [row[name] or None for row in rows]
        if name.endswith("_DATE"):
            times = [None if each is None else datetime.fromisoformat(each) for each in values]
            made[name.lower()] = pa.array(times, pa.timestamp("us", tz="America/New_York"))
        elif name in {"MESSAGE_ID", "METADATA_ID", "SEND_ATTEMPTS"}:
            made[name.lower()] = pa.array([int(each or 0) for each in values])
        else:
            made[name.lower()] = pa.array(values, pa.string())
    target = folder / "whatever.bin"
    parquet.write_table(pa.table(made | columns), target)
    return target


def test_the_same_messages_as_xml_csv_and_parquet_are_the_same_events(new_site, fixtures, tmp_path):
    table = fixtures / "mirth/tables.csv"
    packed = tmp_path / "packed.parquet.gz"
    packed.write_bytes(gzip.compress(as_parquet(table, tmp_path).read_bytes()))
    roads = [fixtures / "mirth/2026-01-04.xml", table, tmp_path / "whatever.bin", packed]
    found = []
    for road in roads:
        site = new_site()
        assert site.ingest(road).totals["loaded"] > 0
        found.append(uids(site))
    assert found[0] == found[1] == found[2] == found[3]
    site = new_site()
    site.ingest(*roads[:1])
    for road in roads[1:]:
        report = site.ingest(road)
        assert report.totals["loaded"] == 0
        assert report.totals["unchanged"] == report.totals["lines_read"] - (report.files[0].path.endswith(".csv"))
    assert uids(site) == found[0]


def test_what_an_extract_says_of_a_message_is_what_its_xml_says(new_site, fixtures):
    said = """
        select event_type, node_id, occurred_at, clock_id, flow_name, node_name, native_type, parent_message_uid, root_message_uid,
            correlation_key, msg_type, msg_trigger, visit_key, placer_key, attempt_no, attempts_exact, error_class, sent_at
        from raw.interface_event where message_uid not like '%:12' order by all
    """
    xml, table = new_site(), new_site()
    xml.ingest(fixtures / "mirth/2026-01-04.xml")
    table.ingest(fixtures / "mirth/tables.csv")
    assert table.rows(said) == xml.rows(said)


PROVEN: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["routed", "attempt_started", "delivered"]),
    ({"STATUS": "SENT"}, ["routed", "attempt_started", "delivered"]),
    ({"STATUS": "Q"}, ["routed", "queued", "attempt_started", "attempt_failed"]),
    ({"STATUS": "P"}, ["routed", "attempt_started", "response_received"]),
    ({"STATUS": "E"}, ["routed", "attempt_started", "failed"]),
    ({"STATUS": "E", "IS_NACK": "1"}, ["routed", "attempt_started", "nack_received", "failed"]),
    ({"STATUS": "F", "SEND_DATE": "", "RESPONSE_DATE": "NULL"}, ["routed", "filtered"]),
    ({"STATUS": "X"}, ["routed", "unknown", "attempt_started"]),
    ({"STATUS": "gesendet"}, ["routed", "unknown", "attempt_started"]),
    ({"METADATA_ID": "0", "STATUS": "R", "SEND_DATE": ""}, ["received", "ack_sent"]),  # a source queue answers first
    ({"METADATA_ID": "0", "STATUS": "T", "SEND_DATE": "", "ACK_CODE": "AE"}, ["received", "nack_sent"]),
    ({"METADATA_ID": "", "STATUS": "", "RECEIVED_DATE": "", "SEND_DATE": "", "RESPONSE_DATE": "", "SEND_ATTEMPTS": ""}, ["received"]),
]  # fmt: skip


def test_a_row_proves_these_events(site, put):
    rows = [ROW | said | {"MESSAGE_ID": str(number)} for number, (said, _) in enumerate(PROVEN)]
    site.ingest(put("rows.csv", extract(*rows)))
    found = "list(event_type order by event_type) from raw.interface_event group by message_uid order by message_uid[38:]::int"
    assert [list(types) for (types,) in site.rows(f"select {found}")] == [sorted(proven) for _, proven in PROVEN]


def test_a_boolean_is_one_in_every_databases_spelling(site, put):
    spelled = ["1", "t", "true", "TRUE", "Y"]
    rows = [
        ROW | {"STATUS": "E", "MESSAGE_ID": str(i), "IS_NACK": word, "PROCESSED": "1"} for i, word in enumerate(spelled)
    ]
    site.ingest(put("oracle.csv", extract(*rows)))
    assert site.rows("select count(*) from raw.interface_event where event_type = 'nack_received'") == [(5,)]


def test_a_message_processed_again_in_place_is_a_new_incarnation_and_a_copy_names_its_original(site, put):
    again = ROW | {"METADATA_ID": "0", "STATUS": "T", "SEND_DATE": "", "RESPONSE_DATE": ""}
    again |= {"SOURCE_RECEIVED_DATE": "2026-01-04 10:00:00-05", "RECEIVED_DATE": "2026-01-04 10:00:00-05"}
    copied = ROW | {"MESSAGE_ID": "8", "METADATA_ID": "0", "ORIGINAL_ID": "7.0", "SEND_DATE": ""}
    moved = copied | {"MESSAGE_ID": "9", "ORIGINAL_ID": "", "IMPORT_ID": "3", "IMPORT_CHANNEL_ID": OTHER}
    site.ingest(put("rows.csv", extract(copied, moved, again | {"ORIGINAL_ID": "", "IMPORT_ID": ""})))
    told = "message_uid[38:], event_type, replay_of_uid, incarnation"
    assert site.rows(f"select {told} from raw.interface_event where event_type in ('received', 'replayed') order by all") == [
        ("7", "received", None, "1767538800000"),
        ("7", "replayed", None, "1767538800000"),
        ("8", "received", f"{CHANNEL}:7", "1767535200000"),
        ("8", "replayed", f"{CHANNEL}:7", "1767535200000"),
        ("9", "received", f"{OTHER}:3", "1767535200000"),  # it came with its history: nobody sent it again
]  # fmt: skip


def test_times_without_a_zone_need_one_and_none_is_assumed(new_site, put):
    bare = {name: value.removesuffix("-05") for name, value in ROW.items()}
    path = put("sqlserver.csv", extract(bare))
    with pytest.raises(ZoneNeeded, match=r"line 2: a time has no offset"):
        new_site("[[sources]]\nname='mirth-lark'\nkind='mirth'").ingest(path)
    site = new_site()
    site.ingest(path)
    told = "distinct time_basis, time_precision, epoch_ms(occurred_at) % 1000 in (5, 6, 90)"
    assert site.rows(f"select {told} from raw.interface_event") == [("site_zone", "ms", True)]
    with_zone = new_site()
    with_zone.ingest(put("postgres.csv", extract(ROW)))
    assert uids(site) == uids(with_zone)


def test_an_hour_that_comes_twice_is_flagged_and_so_is_one_that_never_was(site, put):
    twice = {name: value.replace("2026-01-04 09", "2026-11-01 01").removesuffix("-05") for name, value in ROW.items()}
    never = {name: value.replace("2026-01-04 09", "2026-03-08 02").removesuffix("-05") for name, value in ROW.items()}
    site.ingest(put("derby.csv", extract(twice, never | {"MESSAGE_ID": "8"})))
    told = "distinct message_uid[38:], time_ambiguous, quality_flags, occurred_at::date"
    flags = [
        (uid, twice, flags)
        for uid, twice, flags, _ in site.rows(f"select {told} from raw.interface_event order by all")
    ]
    assert flags == [("7", True, ["time_ambiguous"]), ("8", False, ["time_in_gap"])]


def test_whole_seconds_of_mysql_keep_the_order_of_what_happened(site, put):
    second = {name: "2026-01-04 09:00:00-05" for name in ROW if name.endswith("_DATE")}
    site.ingest(
        put("mysql.csv", extract(ROW | second, ROW | second | {"METADATA_ID": "0", "STATUS": "T", "SEND_DATE": ""}))
    )
    assert happened(site) == ["received", "ack_sent", "routed", "attempt_started", "delivered"]
    assert site.rows("select distinct time_precision from raw.interface_event") == [("s",)]


def test_errors_without_their_text_keep_what_the_bitmask_says(site, put):
    site.ingest(put("metadata-mode.csv", extract(ROW | {"STATUS": "E", "ERROR_CODE": "5", "HAS_CONTENT": "f"})))
    told = "error_class, error_template, correlation_key, quality_flags"
    assert site.rows(f"select {told} from raw.interface_event where event_type = 'failed'") == [
        ("unknown", "processing error, response error", None, [])
    ]
    source = ROW | {"METADATA_ID": "0", "STATUS": "T", "HAS_CONTENT": "f"}
    site.ingest(put("source.csv", extract(source)))
    assert site.rows("select quality_flags from raw.interface_event where event_type = 'received'") == [
        (["content_purged", "no_control_id"],)
    ]


def test_one_server_under_two_sources_is_told_with_the_cure(site, fixtures):
    messages = fixtures / "mirth/2026-01-04.xml"
    site.ingest(messages, source="mirth-lark")
    assert same_server.told(site.db) is None  # nothing is built yet
    site.build("staging.flow_channel")
    assert same_server.told(site.db) is None
    site.settings = site.settings.model_copy(
        update={"sources": (*site.settings.sources, site.settings.sources[1].model_copy(update={"name": "mirth-copy"}))}
    )
    site.ingest(messages, source="mirth-copy")
    site.build("staging.flow_channel")
    told = same_server.told(site.db) or ""
    assert "'mirth-copy' and 'mirth-lark' bring the same 2 channels of one Mirth server" in told
    assert "Name the server in one source" in told


def test_a_template_that_somebody_wrote_is_kept_only_when_it_names_nobody(site, put):
    error = ROW | {"STATUS": "E", "ERROR_CLASS": "connect"}
    site.ingest(
        put(
            "rows.csv",
            extract(
                error | {"ERROR_TEMPLATE": "connection refused <host>"},
                error | {"MESSAGE_ID": "8", "ERROR_TEMPLATE": "Ottoline refused"},
                error | {"MESSAGE_ID": "9", "ERROR_CLASS": "Quillon", "ERROR_TEMPLATE": ""},
            ),
        )
    )
    told = "error_class, error_template, error_fingerprint is not null"
    assert site.rows(f"select {told} from raw.interface_event where event_type = 'failed' order by message_uid") == [
        ("connect", "connection refused <host>", True),
        ("connect", "<redacted>", True),
        ("unknown", None, True),
    ]


def test_a_number_that_says_who_gave_it_out_is_hashed_with_that(site, put):
    site.ingest(
        put(
            "rows.csv",
            extract(
                *[
                    ROW | {"MESSAGE_ID": n, "MRN": mrn}
                    for n, mrn in (("1", "123"), ("2", "123^^^NGH"), ("3", "123^^^L"))
                ]
            ),
        )
    )
    found = site.rows("select distinct message_uid[38:], mrn_key from raw.interface_event order by all")
    authorities = ("urn:lark:mrn", "mirth-lark/NGH", "urn:lark:mrn")
    assert found == [(str(i + 1), keys.keyed(KEY, "mrn", each, "123")) for i, each in enumerate(authorities)]


def test_a_message_taken_over_by_another_server_is_on_that_servers_clock(site, put):
    site.ingest(
        put("monday.csv", extract(ROW | {"METADATA_ID": "0", "STATUS": "T", "SEND_DATE": "", "SERVER_ID": SERVER}))
    )
    site.ingest(put("tuesday.csv", extract(ROW | {"SERVER_ID": ANOTHER})))
    site.ingest(put("wednesday.csv", extract(ROW | {"SERVER_ID": SERVER})))
    told = "select event_type, clock_id from raw.interface_event order by occurred_at, event_type"
    assert site.rows(told) == [
        ("received", f"mirth-lark:{SERVER}"),
        ("routed", f"mirth-lark:{ANOTHER}"),
        ("attempt_started", f"mirth-lark:{ANOTHER}"),
        ("ack_sent", f"mirth-lark:{SERVER}"),
        ("delivered", f"mirth-lark:{ANOTHER}"),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_an_extract_is_known_by_its_columns_whatever_its_name_and_delimiter(site, put, delimiter):
    small = {name.lower(): value for name, value in ROW.items()}
    report = site.ingest(put("report.txt", extract(small, delimiter=delimiter)))
    assert (report.totals["loaded"], len(uids(site))) == (1, 3)


def test_a_spoiled_row_costs_that_row_and_a_local_table_number_is_no_channel(site, put):
    good, lacking = ROW, {"MESSAGE_ID": "x", "CHANNEL_ID": ""}
    rules = [ROW | lacking, ROW | {"MESSAGE_RECEIVED_DATE": "yesterday", "SOURCE_RECEIVED_DATE": "1970-01-01 00:00:00"}]
    dashes = dict.fromkeys(ROW, "----")
    report = site.ingest(put("rows.csv", extract(dashes, *rules, good), "one,two\n"))
    assert report.totals["loaded"] == 1
    assert report.totals["ignored"] == 2
    assert site.rows("select line, rule from account.quarantine order by all") == [
        (3, "no_id"),
        (4, "no_time"),
        (6, "unparseable"),
    ]
    alone = put("D_MM12.csv", "ID,MESSAGE_ID,STATUS,RECEIVED_DATE\n1,7,S,2026-01-04 09:00:00-05\n")
    assert site.ingest(alone).unrecognised


def test_a_parquet_file_that_lost_its_end_is_one_line_and_a_whole_one_completes_it(new_site, fixtures, tmp_path):
    whole = as_parquet(fixtures / "mirth/tables.csv", tmp_path)
    content = whole.read_bytes()
    site = new_site(f"[[sources]]\nname='mirth-lark'\nkind='mirth'\npath='{tmp_path}/in'")
    cut = tmp_path / "in/extract.parquet"
    cut.parent.mkdir()
    cut.write_bytes(content[:-9])
    assert site.ingest(cut).totals["quarantined"] == 1
    assert site.rows("select line, rule from account.quarantine") == [(1, "truncated")]
    cut.write_bytes(content)
    assert site.ingest(cut).totals["loaded"] == 9
    (elsewhere,) = new_site().ingest(_put(tmp_path / "cut.bin", content[:-9])).unrecognised
    assert "lost its end" in elsewhere.why


def test_columns_of_an_unexpected_kind_are_empty_and_others_are_never_read(new_site, fixtures, tmp_path, planted):
    odd = pa.array([b"\xff\xfeOttoline"] * 9)
    path = as_parquet(fixtures / "mirth/tables.csv", tmp_path, connector_name=odd, message_received_date=pa.nulls(9))
    site = new_site(in_file=True)
    site.ingest(path)
    assert site.rows("select distinct node_name from raw.interface_event") == [("",)]
    seen = site.everything()
    assert not [name for name in planted if name in seen]


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_the_names_and_ids_of_an_extract_are_those_that_mirth_gives_or_are_not_kept(site, put):
    told = "Ring Ottoline Quillon, 12 Larkspur Mews"
    named = ROW | {"CHANNEL_NAME": "Lab - Results 2", "CONNECTOR_NAME": "ADT to LIS (v2.5)", "SERVER_ID": OTHER}
    other = ROW | {"CHANNEL_NAME": told, "CONNECTOR_NAME": told, "SERVER_ID": "LKM2", "CHANNEL_ID": "LKM1"}
    other |= {"ORIGINAL_ID": "5", "SOURCE_CHANNEL_ID": "LKM3", "SOURCE_MESSAGE_ID": "4"}
    site.ingest(put("rows.csv", extract(named | dict.fromkeys(other, "") | named, other)))
    key = lambda kind, written: keys.keyed(KEY, kind, "mirth-lark", written)  # noqa: E731 -- one line, five times
    ids = "flow_id, flow_name, node_name, clock_id, message_uid, parent_message_uid, replay_of_uid"
    assert site.rows(f"select distinct {ids} from raw.interface_event order by flow_name nulls last") == [
        (CHANNEL, "Lab - Results 2", "ADT to LIS (v2.5)", f"mirth-lark:{OTHER}", f"{CHANNEL}:7", None, None),
        (
            key("node", "LKM1"),
            None,
            "connector 1",
            f"mirth-lark:{key('node', 'LKM2')}",
            key("message", "LKM1:7"),
            key("message", "LKM3:4"),
            key("message", "LKM1:5"),
        ),
    ]
    assert not [word for word in ("LKM", "Quillon", "Larkspur") if word in site.everything()]
