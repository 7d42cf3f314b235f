"""Engine logs, rule by rule: what a Mirth row or a log record proves, when it happened, and what is counted."""

import html

import pytest

from pipelines import keys, warehouse
from pipelines.errors import ZoneNeeded

KEY = b"a site key for tests only"
T0 = 1767535200000  # 2026-01-04 09:00:00 in New York
CHANNEL = "b7a1f0de-0000-4000-8000-000000000001"


def stamp(tag: str, when: int | None) -> str:
    return "" if when is None else f"<{tag}><time>{T0 + when}</time><timezone>America/New_York</timezone></{tag}>"


def connector(number: int, status: str, received=0, attempts=0, sent=None, answered=None, **more) -> str:
    meta = "".join(f"<entry><string>{k}</string><string>{v}</string></entry>" for k, v in more.get("meta", {}).items())
    error = f"<content>{html.escape(more['error'])}</content>" if "error" in more else ""
    raw = f"<raw><content>{html.escape(more['raw'])}</content></raw>" if "raw" in more else ""
    answer = f"<response><content>{html.escape(more['response'])}</content></response>" if "response" in more else ""
    return (
        f"<entry><int>{number}</int><connectorMessage><metaDataId>{number}</metaDataId><channelName>ORDERS</channelName>"
        f"<connectorName>{'LIS' if number else 'Source'}</connectorName><serverId>srv</serverId>{stamp('receivedDate', received)}"
        f"<status>{status}</status>{raw}{answer}{more.get('source_map', '')}<metaDataMap>{meta}</metaDataMap>"
        f"<processingErrorContent>{error}</processingErrorContent><sendAttempts>{attempts}</sendAttempts>"
        f"{stamp('sendDate', sent)}{stamp('responseDate', answered)}</connectorMessage></entry>"
    )


def message(*connectors: str, number=1, received=0, original=None) -> str:
    origin = f"<originalId>{original}</originalId>" if original else ""
    return (
        f"<message><messageId>{number}</messageId><serverId>srv</serverId><channelId>{CHANNEL}</channelId>{stamp('receivedDate', received)}"
        f"<processed>true</processed>{origin}<connectorMessages>{''.join(connectors)}</connectorMessages></message>\n"
    )


def events(site, what="event_type, node_id, (epoch_ms(occurred_at) - 1767535200000)::int") -> list:
    order = "order by occurred_at, node_id, event_type"
    return site.rows(f"select {what} from raw.interface_event {order}")


SOURCE = connector(0, "TRANSFORMED", attempts=1, answered=30)


@pytest.mark.parametrize(
    ("row", "proven"),
    [
        (connector(1, "SENT", 5, 1, 6, 90), [("routed", 5), ("attempt_started", 6), ("delivered", 90)]),
        (connector(1, "QUEUED", 5), [("queued", 5), ("routed", 5)]),
        (
            connector(1, "QUEUED", 5, 2, 60, 90),
            [("queued", 5), ("routed", 5), ("attempt_started", 60), ("attempt_failed", 90)],
        ),
        (connector(1, "FILTERED", 5), [("filtered", 5), ("routed", 5)]),
        (connector(1, "ERROR", 5, 1, 6, 90, error="boom"), [("routed", 5), ("attempt_started", 6), ("failed", 90)]),
        (connector(1, "ERROR", 5, error="filter failed"), [("failed", 5), ("routed", 5)]),
        (
            connector(1, "ERROR", 5, 1, 6, 90, error="NACK sent from receiver. (Error)\nx"),
            [("routed", 5), ("attempt_started", 6), ("failed", 90), ("nack_received", 90)],
        ),
        (connector(1, "PENDING", 5, 1, 6, 90), [("routed", 5), ("attempt_started", 6), ("response_received", 90)]),
        (connector(1, "MELTED", 5), [("routed", 5), ("unknown", 5)]),
    ],
)
def test_a_destination_row_proves_these_events(site, put, row, proven):
    site.ingest(put("a.xml", message(SOURCE, row)))
    found = [(kind, at) for kind, node, at in events(site) if node == "1"]
    assert found == proven


@pytest.mark.parametrize(
    ("row", "proven"),
    [
        (SOURCE, ["received", "ack_sent"]),
        (connector(0, "FILTERED"), ["filtered", "received"]),
        (connector(0, "ERROR", attempts=1, answered=9, error="x"), ["received", "ack_sent", "failed"]),
        (
            connector(0, "TRANSFORMED", attempts=1, answered=9, response="MSH|^~\\&|\rMSA|AE|1\r"),
            ["received", "nack_sent"],
        ),
        (connector(0, "RECEIVED"), ["received"]),
        (connector(0, "TRANSFORMED", received=500), ["received", "replayed"]),
    ],
)
def test_a_source_row_proves_these_events(site, put, row, proven):
    site.ingest(put("a.xml", message(row)))
    assert [kind for kind, _, _ in events(site)] == proven


def test_a_later_snapshot_adds_only_what_is_new(site, put):
    site.ingest(put("monday.xml", message(SOURCE, connector(1, "QUEUED", 5, 2, 60, 90))))
    before = events(site)
    report = site.ingest(put("tuesday.xml", message(SOURCE, connector(1, "SENT", 5, 3, 9000, 9050))))
    assert report.totals["loaded"] == 1
    assert [event for event in events(site) if event not in before] == [
        ("attempt_started", "1", 9000),
        ("delivered", "1", 9050),
    ]
    assert site.rows("select attempt_no, attempts_exact from raw.interface_event where event_type = 'delivered'") == [
        (3, False)
    ]


def test_a_message_processed_again_in_place_is_a_new_incarnation(site, put):
    site.ingest(put("a.xml", message(SOURCE, connector(1, "ERROR", 5, 1, 6, 90, error="x"))))
    again = message(connector(0, "TRANSFORMED", 5000, 1, None, 5030), connector(1, "SENT", 5005, 1, 5006, 5090))
    site.ingest(put("b.xml", again))
    assert site.rows("select count(distinct incarnation), count(distinct message_uid) from raw.interface_event") == [
        (2, 1)
    ]
    assert [kind for kind, _, at in events(site) if at >= 5000] == [
        "received",
        "replayed",
        "routed",
        "attempt_started",
        "ack_sent",
        "delivered",
    ]


def test_a_reprocessed_message_names_the_one_it_repeats(site, put):
    site.ingest(put("a.xml", message(SOURCE, number=9, original=1)))
    assert ("replayed", f"{CHANNEL}:1", f"{CHANNEL}:1") in events(site, "event_type, replay_of_uid, root_message_uid")


def test_a_hop_between_channels_keeps_parent_and_root(site, put):
    hop = (
        "<sourceMapContent><content><m><entry><string>{}</string><string>{}</string></entry>"
        "<entry><string>{}</string>{}</entry></m></content></sourceMapContent>"
    )
    single = hop.format("sourceChannelId", CHANNEL, "sourceMessageId", "<long>85</long>")
    site.ingest(put("a.xml", message(connector(0, "TRANSFORMED", source_map=single))))
    assert events(
        site, "distinct parent_message_uid, root_message_uid, 1 as occurred_at, 1 as node_id, 1 as event_type"
    )[0][:2] == (
        f"{CHANNEL}:85",
        f"{CHANNEL}:85",
    )


RAW = (
    "MSH|^~\\&|EHR|L|LIS|L|20260104085959.500-0500||ORM^O01|CTL7|P|2.5\rPID|1||LK1^^^L||Quillon^Z\rPV1|1|"
    + "|" * 16
    + "|V9\rORC|NW|P5\r"
)


@pytest.mark.parametrize(
    "row",
    [
        connector(0, "TRANSFORMED", raw=RAW),
        connector(
            0,
            "TRANSFORMED",
            raw=RAW,
            meta={"CONTROL_ID": "CTL7", "TYPE": "ORM^O01", "MRN": "LK1", "VISIT": "V9", "PLACER": "P5"},
        ),
    ],
)
def test_identifiers_come_from_metadata_or_else_from_the_envelope_and_only_hashed(site, put, row):
    site.ingest(put("a.xml", message(row)))
    found = events(site, "correlation_key, msg_type, msg_trigger, mrn_key, visit_key, placer_key, epoch_ms(sent_at)")
    assert found == [
        (
            keys.keyed(KEY, "control", "mirth-lark", "CTL7"),
            "ORM",
            "O01",
            keys.keyed(KEY, "mrn", "urn:lark:mrn", "LK1"),
            keys.keyed(KEY, "visit", "urn:lark:visit", "V9"),
            keys.keyed(KEY, "placer", "urn:lark:placer", "P5"),
            T0 - 500,
        )
    ]


MERGE = RAW.replace("ORM^O01", "ADT^A40").replace("ORC|NW|P5\r", "MRG|LK2^^^L~X~Y||Z\r")
UNLINK = RAW.replace("ORM^O01", "ADT^A37").replace("ORC|NW|P5\r", "PID|2||LK2^^^L||Quillon^Y\r")


@pytest.mark.parametrize(
    ("raw", "meta", "prior"),
    [
        (MERGE, None, "LK2"),
        (MERGE, {"CONTROL_ID": "CTL7", "TYPE": "ADT^A40"}, "LK2"),
        (MERGE, {"CONTROL_ID": "CTL7", "TYPE": "ADT^A40", "MRN": "LK1"}, "LK2"),
        (UNLINK, None, "LK2"),
        (MERGE.replace("A40", "A08"), None, None),
        (RAW.replace("ORM^O01", "ADT^A40"), None, None),
        (RAW.replace("ORM^O01", "ADT^A37"), None, None),
    ],
)
def test_a_message_that_says_who_is_who_keeps_both_numbers_hashed(site, put, raw, meta, prior):
    site.ingest(put("a.xml", message(connector(0, "TRANSFORMED", raw=raw, meta=meta or {}))))
    assert events(site, "mrn_key, prior_mrn_key") == [
        (keys.keyed(KEY, "mrn", "urn:lark:mrn", "LK1"), prior and keys.keyed(KEY, "mrn", "urn:lark:mrn", prior))
    ]
    assert "Quillon" not in site.everything()


def test_one_spoiled_message_costs_one_message(site, put):
    good = message(SOURCE)
    path = put(
        "a.xml",
        good,
        message(SOURCE, number=2).replace("</status>", "</statsu>"),
        "<message>\n<messageId>3</messageId>",
        message(SOURCE, number=4),
        '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        message(SOURCE, number=5),
        message(SOURCE, number=6).replace("<processed>", "&x;<processed>"),
        message(SOURCE, number=7).replace(CHANNEL, "", 1),
        message(SOURCE, number=8).replace("<processed>", "<!ENTITY y 'z'><processed>"),
        message(SOURCE, number=9).replace("ORDERS", "OR&#x1;DERS"),
        message(SOURCE, number=10)[:-100],
    )
    report = site.ingest(path)
    assert (report.totals["loaded"], report.totals["quarantined"]) == (3, 7)
    assert site.rows("select rule, count(*) from account.quarantine group by all order by all") == [
        ("document_type", 2),
        ("no_id", 1),
        ("truncated", 1),
        ("unparseable", 3),
    ]


@pytest.mark.parametrize(
    "wrap", ["{}", "<list>\n{}</list>", '<?xml version="1.0"?>\n<list>{}</list>\n', "\ufeff{}", "<!-- x -->{}"]
)
def test_messages_come_alone_appended_or_in_a_list(site, put, wrap):
    report = site.ingest(put("a.xml", wrap.format(message(SOURCE) + message(SOURCE, number=2))))
    assert report.totals == {
        "lines_read": 2,
        "loaded": 2,
        "unchanged": 0,
        "superseded": 0,
        "ignored": 0,
        "quarantined": 0,
    }


def test_the_first_row_of_a_real_servers_list_counts_as_the_source_whatever_its_entry_says(site, put):
    shape = message(connector(1, "SENT", 0)).replace("<metaDataId>1<", "<metaDataId>0<")
    assert site.ingest(put("a.xml", shape)).totals["loaded"] == 1


def record(**fields) -> dict:
    base = {"seq": 1, "ts": "2026-01-04T09:00:00-05:00", "host": "eng1", "channel": "ADT", "msg": "M1", "event": "RECV"}
    return {**base, **fields}


def test_a_mapped_log_may_tell_which_number_gave_way(site, put):
    site.ingest(put("a.ndjson", record(mrn="LK1", prior_mrn="LK2", type="ADT^A40")))
    assert events(site, "msg_trigger, prior_mrn_key") == [("A40", keys.keyed(KEY, "mrn", "urn:lark:mrn", "LK2"))]


def test_a_time_without_an_offset_needs_a_zone_and_none_is_assumed(new_site, put):
    site = new_site("zone = 'America/New_York'\n")
    path = put("log/a.ndjson", record(), record(seq=2, ts="2026-01-04T09:00:00"))
    with pytest.raises(
        ZoneNeeded, match=r"a.ndjson, line 2: times have no offset.*Set zone for source 'ndjson-log'.*or give --zone"
    ) as caught:
        site.ingest(path)
    assert caught.value.exit_code == 2
    assert site.rows("select count(*) from raw.interface_event") == [(0,)]
    site.ingest(path, zone="America/New_York")
    assert site.rows("select distinct occurred_at = '2026-01-04 09:00:00-05' from raw.interface_event") == [(True,)]


def test_one_log_without_a_zone_does_not_keep_the_other_files_out(new_site, put):
    site = new_site("zone = 'America/New_York'\n")
    put("x/a.ndjson", record(ts="2026-01-04T09:00:00"))
    with pytest.raises(ZoneNeeded):
        site.ingest(put("x/Patient.ndjson", {"resourceType": "Patient", "id": "p"}).parent)
    assert site.rows("select count(*) from raw.fhir_patient") == [(1,)]


NIGHTS = [
    ("2025-11-02T00:59:00", "2025-11-02 04:59:00+00", False, []),
    ("2025-11-02T01:30:00", "2025-11-02 05:30:00+00", True, ["time_ambiguous"]),
    ("2025-11-02T01:59:00", "2025-11-02 05:59:00+00", True, ["time_ambiguous"]),
    ("2025-11-02T01:10:00", "2025-11-02 06:10:00+00", True, ["time_ambiguous"]),
    ("2025-11-02T01:30:00", "2025-11-02 06:30:00+00", True, ["time_ambiguous"]),
    ("2025-11-02T02:00:00", "2025-11-02 07:00:00+00", False, []),
    ("2026-03-08T01:59:00", "2026-03-08 06:59:00+00", False, []),
    ("2026-03-08T02:30:00", "2026-03-08 07:30:00+00", False, ["time_in_gap"]),
    ("2026-03-08T03:00:00", "2026-03-08 07:00:00+00", False, []),
]


def test_both_nights_of_daylight_saving_are_placed_by_the_files_order_and_flagged(site, put):
    site.ingest(put("a.ndjson", *(record(seq=i, ts=local) for i, (local, *_) in enumerate(NIGHTS))))
    for line, (local, instant, ambiguous, flags) in enumerate(NIGHTS, 1):
        found = site.rows(
            f"select occurred_at = '{instant}'::timestamptz, time_ambiguous, quality_flags, time_basis "
            f"from raw.interface_event where line = {line}"
        )
        assert found == [(True, ambiguous, flags, "site_zone")], local


@pytest.mark.parametrize(
    ("text", "precision", "basis"),
    [
        ("2026-01-04T14:00:00.123Z", "ms", "offset"),
        ("2026-01-04T09:00:00.123456-05:00", "us", "offset"),
        ("2026-01-04 09:00-05:00", "min", "offset"),
        ("1767535200", "s", "epoch"),
        ("1767535200123", "ms", "epoch"),
        ("2026-01-04T09:00:00", "s", "site_zone"),
    ],
)
def test_every_way_to_write_the_same_second_is_the_same_second(site, put, text, precision, basis):
    site.ingest(put("a.ndjson", record(ts=text)))
    assert site.rows(
        "select date_trunc('second', occurred_at) = '2026-01-04 09:00:00-05', time_precision, time_basis from raw.interface_event"
    ) == [(True, precision, basis)]


def test_a_record_without_event_message_or_time_is_kept_out(site, put):
    path = put("a.ndjson", record(), record(event=None), record(msg=""), record(ts="soon"), "{", "\n")
    assert site.ingest(path).totals["quarantined"] == 4
    assert [rule for (rule,) in site.rows("select rule from account.quarantine order by line")] == [
        "untyped",
        "no_id",
        "no_time",
        "unparseable",
    ]


def test_an_event_word_nobody_mapped_is_counted_and_never_guessed(site, put):
    (file,) = site.ingest(put("a.ndjson", record(event="RETRY"), record(seq=2, event="CALLED_QUILLON"))).files
    assert dict(file.findings) == {"unknown_event": 2}
    assert sorted(events(site, "event_type, native_type")) == [("unknown", "<redacted>"), ("unknown", "RETRY")]


@pytest.mark.parametrize(
    ("fields", "event_type", "role"),
    [
        ({"event": "RECV"}, "received", "source"),
        ({"event": "HOPRECV", "dest": "LIS", "host": "lis1"}, "received", "destination"),
        ({"event": "ACK", "dest": "LIS", "ack": "AA"}, "delivered", "destination"),
        ({"event": "ACK", "dest": "LIS", "ack": "AE"}, "nack_received", "destination"),
        ({"event": "ACKUP", "ack": "AA"}, "ack_sent", "source"),
        ({"event": "ACKUP", "ack": "AR"}, "nack_sent", "source"),
        ({"event": "DEAD", "dest": "LIS"}, "dead_lettered", "destination"),
    ],
)
def test_the_default_mapping_reads_the_in_house_log(site, put, fields, event_type, role):
    site.ingest(put("a.ndjson", record(**fields)))
    assert events(site, "event_type, node_role, clock_id") == [
        (event_type, role, f"engine-lark:{fields.get('host', 'eng1')}")
    ]


def test_who_sent_a_message_again_is_kept_as_a_role_and_a_key(site, put):
    site.ingest(
        put(
            "a.ndjson",
            record(event="REPLAY", dest="LIS", operator="Zebedaiah Quillon", role="Service Desk"),
            record(seq=2, event="DISCARD", dest="LIS", operator="Zebedaiah Quillon", role="Quillon's desk"),
        )
    )
    key = keys.keyed(KEY, "user", "engine-lark", "Zebedaiah Quillon")
    assert sorted(events(site, "event_type, actor_role, actor_key")) == [
        ("discarded", "other", key),
        ("replayed", "service desk", key),
    ]
    assert "Quillon" not in site.everything()


def test_a_warehouse_made_before_the_new_columns_gets_them(site):
    site.db.execute("alter table raw.interface_event drop column actor_role")
    warehouse.prepare(site.db)
    assert site.rows("select count(actor_role) from raw.interface_event") == [(0,)]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2.5.1", "2.5.1:"),
        ("2.5.1:MSH-PID-PV1", "2.5.1:MSH-PID-PV1"),
        ("2.6:MSH-ZOE-BOB", "2.6:MSH-Z..-???"),
        ("for Quillon", "<redacted>"),
        (None, None),
    ],
)
def test_the_shape_that_a_log_writes_keeps_known_words_only(site, put, written, kept):
    site.ingest(put("a.ndjson", record(schema=written)))
    assert events(site, "msg_shape") == [(kept,)]


def test_the_shape_of_a_mirth_message_is_its_version_and_its_segments(site, put):
    raw = RAW.replace("ORC|", "ZOE|x\rBOB|x\rORC|NW\rORC|")
    site.ingest(put("a.xml", message(connector(0, "TRANSFORMED", raw=raw))))
    assert events(site, "msg_shape") == [("2.5:MSH-PID-PV1-Z..-???-ORC",)]
    site.ingest(put("b.xml", message(connector(0, "TRANSFORMED", raw=RAW.replace("|2.5\r", "|Quillon\r")), number=2)))
    assert (":MSH-PID-PV1-ORC",) in events(site, "msg_shape")


CSV_SITE = """
[[sources]]
name = "gate"
kind = "ndjson-log"
zone = "America/New_York"
mapping = "gate.toml"
"""
CSV_MAPPING = """
format = "csv"
[fields]
time = "When"
event = "What"
message = "Id"
flow = "Line"
error = "Text"
[times]
time = { format = "%d.%m.%Y %H:%M:%S" }
[events]
in = "received"
out = "delivered"
"""


def test_a_csv_log_is_read_by_its_mapping_even_where_records_span_lines(new_site, put):
    site = new_site(CSV_SITE, mappings={"gate.toml": CSV_MAPPING})
    path = put(
        "a.csv",
        "When,What,Id,Line,Text,Name\r\n",
        '04.01.2026 09:00:00,in,1,ADT,,"Quillon, Zebedaiah"\r\n',
        '04.01.2026 09:00:01,out,1,ADT,"Unknown\r\npatient Quillon",x\r\n',
        "04.01.2026 09:00:02,out\r\n",
        "\r\n",
        "04.01.2026 09:00:00,in,1,ADT,,y\r\n",
    )
    report = site.ingest(path)
    assert report.totals == {
        "lines_read": 6,
        "loaded": 3,
        "unchanged": 0,
        "superseded": 0,
        "ignored": 2,
        "quarantined": 1,
    }
    assert site.rows("select line, event_type from raw.interface_event order by line") == [
        (2, "received"),
        (3, "delivered"),
        (7, "received"),
    ]
    assert "Quillon" not in site.everything()
    assert site.ingest(put("b.csv", path.read_bytes(), "\r\n")).totals["loaded"] == 0


@pytest.mark.parametrize(
    ("name", "channel", "destination"),
    [
        ("ADT_OUT", "ADT_OUT", "ADT_OUT"),
        ("ADT from EHR to LIS (v2.5)", "ADT from EHR to LIS (v2.5)", "ADT from EHR to LIS (v2.5)"),
        ("Lab - Results 2", "Lab - Results 2", "Lab - Results 2"),
        ("Ring Ottoline Quillon, 12 Larkspur Mews", None, "connector 1"),
        ("Results of Quillon", None, "connector 1"),
        ("LKM77812", None, "connector 1"),
        ("Results 12/03/31", None, "connector 1"),  # a day
        ("Call 555 014 2", None, "connector 1"),  # a telephone
        ("MSH|^~\\&amp;|EHR|L\nPID|1||LK1", None, "connector 1"),
    ],
)
def test_a_name_that_says_more_than_which_channel_or_destination_it_is_shows_as_its_number(
    site, put, name, channel, destination
):
    whole = message(SOURCE, connector(1, "QUEUED"))
    site.ingest(put("a.xml", whole.replace(">ORDERS<", f">{name}<").replace(">LIS<", f">{name}<")))
    assert site.rows("select distinct flow_name, node_name from raw.interface_event where node_id = '1'") == [
        (channel, destination)
    ]


def test_an_id_that_mirth_did_not_make_is_hashed_wherever_it_stands(site, put):
    chain = "<sourceMapContent><content><m><entry><string>sourceChannelId</string><string>LKM3</string></entry>"
    chain += "<entry><string>sourceMessageId</string><long>4</long></entry></m></content></sourceMapContent>"
    one = message(connector(0, "TRANSFORMED", source_map=chain), original=5).replace(CHANNEL, "LKM1")
    site.ingest(put("a.xml", one.replace(">srv<", ">LKM2<")))
    ids = "flow_id, clock_id, message_uid, parent_message_uid, replay_of_uid"
    key = lambda kind, written: keys.keyed(KEY, kind, "mirth-lark", written)  # noqa: E731 -- one line, five times
    assert site.rows(f"select distinct {ids} from raw.interface_event") == [
        (
            key("node", "LKM1"),
            f"mirth-lark:{key('node', 'LKM2')}",
            key("message", "LKM1:1"),
            key("message", "LKM3:4"),
            key("message", "LKM1:5"),
        )
    ]
    assert "LKM" not in site.everything()


def test_a_mapped_logs_names_of_channels_and_destinations_are_no_sentences(site, put):
    told = "Ring Quillon 12 Larkspur Mews"
    site.ingest(put("a.ndjson", record(channel=told, dest=told), record(seq=2, channel="Lab - Results 2", dest="LIS")))
    key = keys.keyed(KEY, "node", "engine-lark", told)[:8]
    assert site.rows("select flow_name, node_name from raw.interface_event order by all") == [
        ("Lab - Results 2", "LIS"),
        (f"flow {key}", f"destination {key}"),
    ]
