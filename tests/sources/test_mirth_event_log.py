"""Mirth's own event log: both generations of its export and the REST list, to events of what people did to the engine."""

import base64
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import intake
from pipelines.errors import ZoneNeeded
from tests.sources.test_laws import QUIET, emptied, mutated

OLD = "ID, Date and Time, Level, Outcome, Operation, Name, User ID, IP Address, Attributes\r\n"
NEW = "ID, Date and Time, Level, Outcome, Name, User ID, IP Address, Attributes, ChannelID-MessageID, ChannelName, PatientID\n"
ONE, TWO = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
FEED = f"Channel[id={ONE},name=FEED]\n"
LARK = """
zone = "America/New_York"
[[sources]]
name = "mirth-lark"
kind = "mirth"
zone = "America/New_York"
"""
NEEDLES = ("Fairweather", "Quillonbury", "LKM77812", "19310203")
PLANTED = (
    "Ring Ottoline Fairweather in Quillonbury",
    "LKM77812",
    "MSH|^~\\&|EHR|LARK|LIS|LARK|20260104||ADT^A01|1|P|2.5\rPID|1||LKM77812||Fairweather^Ottoline||19310203\r",
)


def dump(attributes: dict[str, str]) -> str:
    """A Java map dump as Mirth encodes it."""
    text = "attributes = \r\n{\r\n" + "".join(f"    {key} = {value}\r\n" for key, value in attributes.items()) + "}\r\n"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def row(number, when, name, *, user="4", outcome="SUCCESS", level="INFORMATION", ip="10.0.0.7", tail="", **attributes):
    """One row of the older generation; `tail` is what the newer one adds."""
    return f"{number}, {when}, {level}, {outcome}, {name}, {user}, {ip}, {dump(attributes)}{tail}\n"


def events(site, columns="event_type, flow_id, message_uid"):
    return site.rows(f"select {columns} from raw.interface_event order by occurred_at, event_uid")


def test_the_fraction_of_a_second_is_a_number_of_milliseconds(site, put):
    times = ["16-07-26 10-02-05.07", "16-07-26 10-02-05.45", "16-07-26 10-02-05.490"]
    site.ingest(put("a-events.txt", OLD, *(row(i, when, "Login") for i, when in enumerate(times))))
    assert [at for (at,) in events(site, "epoch_ms(occurred_at) % 1000")] == [7, 45, 490]
    ((first,),) = site.rows("select min(occurred_at)::varchar from raw.interface_event")
    assert first == "2026-07-16 10:02:05.007-04"


def test_a_header_of_nine_names_stands_above_eight_values(site, put):
    plain = "2258, 26-07-16 10-02-05.328, INFORMATION, SUCCESS, Get configuration map, 1, 127.0.0.1, YXR0cmlidXRlcyA9IA0Kew0KfQ0K\n"
    report = site.ingest(put("a-events.txt", OLD, plain))
    assert (report.totals["loaded"], report.totals["ignored"]) == (1, 1)
    assert site.rows("select native_type, event_type, occurred_at::varchar from raw.interface_event") == [
        ("Get configuration map", "unknown", "2016-07-26 10:02:05.328-04")
    ]


def test_a_name_may_be_an_error_with_commas_and_lines(site, put):
    error = "Error in Ottoline's script, line 3, column 4, Fairweather\nTypeError: x\n\tat y, 1, z"
    tail = ",null,null,null"
    report = site.ingest(
        put(
            "a-events.txt",
            NEW,
            row(3, "04-01-26 09-00-02.1", "Stop channels", tail=",c-1,FEED,null", channel=FEED),
            row(2, "04-01-26 09-00-01.1", error, user="0", ip="null", level="ERROR", tail=tail),
            row(1, "04-01-26 09-00-00.1", "Start channels", tail=",c-1,FEED,LKM77812\n", channel=FEED),
        )
    )
    assert (report.totals["loaded"], report.totals["quarantined"]) == (3, 0)
    assert events(site, "event_type, native_type, actor_role") == [
        ("flow_started", "Start channels", None),
        ("unknown", "<redacted>", "system"),
        ("flow_stopped", "Stop channels", None),
    ]
    assert site.rows("select rule, n from account.finding") == [("unknown_operation", 1)]


NAMES = {
    "Reprocess messages": "replay_requested",
    "Reprocess message": "replay_requested",
    "Remove message": "deleted",
    "Remove all messages": "deleted",
    "Import message": "manual_override",
    "Import messages on the server": "manual_override",
    "Process messages": "manual_override",
    "Clear statistics": "flow_changed",
    "Set channel enabled flag": "flow_changed",
    "Start channels": "flow_started",
    "Resume channels": "flow_started",
    "Deploy channels": "flow_started",
    "Server startup": "flow_started",
    "Stop channels": "flow_stopped",
    "Pause channels": "flow_stopped",
    "Halt channels": "flow_stopped",
    "Undeploy channels invoked through Ottoline's Tools": "flow_stopped",
    "Alert Dispatched": "alert_raised",
    "Accessed PHI": "accessed",
    "Export all messages": "accessed",
    "Frobnicate channels": "unknown",
}


def test_operations_are_known_by_mirths_names(site, put):
    rows = (row(i, f"04-01-26 09-00-00.{i}", name, channel=FEED) for i, name in enumerate(NAMES))
    site.ingest(put("a-events.txt", OLD, *rows))
    kept = {
        "Undeploy channels invoked through Ottoline's Tools": "Undeploy channels",
        "Frobnicate channels": "<redacted>",
    }
    assert events(site, "native_type, event_type") == [(kept.get(name, name), NAMES[name]) for name in NAMES]


def test_an_operation_on_several_channels_is_one_event_for_each(site, put):
    two = {"channel[0]": FEED, "channel[1]": f"Channel[id={TWO},name=Ottoline's lab, east]\n"}
    site.ingest(put("a-events.txt", OLD, row(1, "04-01-26 09-00-00.1", "Stop channels", **two)))
    assert sorted(events(site, "flow_id, flow_name")) == [(ONE, "FEED"), (TWO, None)]


def test_what_the_pruner_took_away_is_counted_by_channel(site, put):
    took = {"Channel ID": ONE, "Channel Name": "FEED", "Messages Pruned": "120", "Content Rows Pruned": "960"}
    nothing = {"Channel ID": ONE, "Channel Name": "FEED", "Messages Pruned": "0", "Content Rows Pruned": "0"}
    report = site.ingest(
        put(
            "a-events.txt",
            OLD,
            row(2, "04-01-26 09-00-00.1", "Data Pruner", user="0", **took),
            row(1, "03-01-26 09-00-00.1", "Data Pruner", user="0", **nothing),
        )
    )
    assert (report.totals["loaded"], report.totals["ignored"]) == (1, 2)
    assert sorted(events(site, "event_type, flow_id, event_count")) == [
        ("content_pruned", ONE, 960),
        ("purged", ONE, 120),
    ]


def test_without_a_zone_the_export_is_refused_with_one_line(new_site, put):
    site = new_site(LARK.replace('kind = "mirth"\nzone = "America/New_York"', 'kind = "mirth"'))
    path = put("a-events.txt", OLD, row(1, "04-01-26 09-00-00.1", "Login"))
    with pytest.raises(ZoneNeeded, match=r"line 2: a time has no offset"):
        site.ingest(path)


def test_the_doubled_hour_is_told_by_the_servers_numbers_and_flagged(site, put):
    ids = {1: "01-11-26 01-50-00.1", 2: "01-11-26 01-10-00.1", 3: "01-11-26 03-00-00.1"}
    site.ingest(put("a-events.txt", OLD, *(row(i, ids[i], "Login") for i in (3, 2, 1))))
    assert events(site, "strftime(occurred_at at time zone 'UTC', '%H:%M'), time_ambiguous") == [
        ("05:50", True),
        ("06:10", True),
        ("08:00", False),
    ]
    assert site.rows("select rule, n from account.finding") == [("time_ambiguous", 2)]


def test_a_time_that_the_clock_skips_is_flagged_and_one_that_is_none_is_kept_out(site, put):
    report = site.ingest(
        put(
            "a-events.txt",
            OLD,
            row(2, "08-03-26 02-30-00.1", "Login"),
            row(1, "31-02-26 09-00-00.1", "Login"),
        )
    )
    assert (report.totals["loaded"], report.totals["quarantined"]) == (1, 1)
    assert site.rows("select rule from account.quarantine") == [("no_time",)]
    assert site.rows("select rule from account.finding") == [("time_in_gap",)]


def test_wardflows_own_account_counts_as_nothing_and_is_counted(new_site, put):
    site = new_site(LARK + 'own_accounts = ["7"]\n')
    report = site.ingest(
        put(
            "a-events.txt",
            OLD,
            row(2, "04-01-26 09-00-01.1", "Reprocess messages", user="7", channel=FEED),
            row(1, "04-01-26 09-00-00.1", "Reprocess messages", user="17", channel=FEED),
        )
    )
    assert (report.totals["loaded"], report.totals["ignored"]) == (1, 2)
    assert site.rows("select rule, n from account.finding") == [("own_account", 1)]


def test_what_was_not_allowed_did_nothing(site, put):
    site.ingest(
        put("a-events.txt", OLD, row(1, "04-01-26 09-00-00.1", "Remove all messages", outcome="FAILURE", channel=FEED))
    )
    assert events(site, "event_type, quality_flags") == [("accessed", ["operation_refused"])]


def test_a_user_is_a_keyed_hash_and_the_server_itself_is_nobody(site, put):
    site.ingest(
        put(
            "a-events.txt",
            OLD,
            *(row(i, f"04-01-26 09-00-0{i}.1", "Login", user=user) for i, user in enumerate(("4", "4", "5", "0"))),
        )
    )
    keys = [key for (key,) in events(site, "actor_key")]
    assert keys[0] == keys[1] != keys[2]
    assert [len(key) if key else None for key in keys] == [32, 32, 32, None]


def as_xml(number, milliseconds, name, *, user="4", **attributes):
    entries = "".join(
        f"<entry><string>{key}</string><string>{value}</string></entry>" for key, value in attributes.items()
    )
    return (
        f"<event><dateTime>{milliseconds}</dateTime><id>{number}</id><eventTime><time>{milliseconds}</time>"
        f"<timezone>Etc/UTC</timezone></eventTime><level>INFORMATION</level><name>{name}</name>"
        f'<attributes class="linked-hash-map">{entries}</attributes><outcome>SUCCESS</outcome><userId>{user}</userId>'
        "<ipAddress>0:0:0:0:0:0:0:1</ipAddress><serverId>7d84c1f7-b598-41cc-b854-382e2c4e6d86</serverId></event>\n"
    )


@pytest.mark.parametrize("first", ["export", "list"])
def test_the_export_and_the_rest_list_tell_the_same_event_once(site, put, first):
    at = int(datetime(2026, 1, 4, 14, 0, 0, 7_000, tzinfo=UTC).timestamp() * 1000)
    given_files = {
        "export": put(
            "a-events.txt",
            OLD,
            row(1, "04-01-26 09-00-00.7", "Reprocess messages", channel=FEED, messageId="12\n", replace="true\n"),
        ),
        "list": put(
            "b.xml", "<list>\n", as_xml(1, at, "Reprocess messages", channel=FEED, messageId="12\n"), "</list>\n"
        ),
    }
    loaded = [site.ingest(given_files[name]).totals["loaded"] for name in sorted(given_files, key=lambda n: n != first)]
    assert loaded == [1, 0]
    assert events(site) == [("replay_requested", ONE, f"{ONE}:12")]


def test_one_spoiled_event_of_a_list_costs_itself_only(site, put):
    whole = [as_xml(i, 1_767_535_200_000 + i, "Login") for i in range(1, 4)]
    spoiled = whole[1].replace("<name>", "<name><b>")
    report = site.ingest(put("a.xml", "<list>", whole[0], spoiled, as_xml("x", 1, "Login"), whole[2], "</list>"))
    assert (report.totals["loaded"], report.totals["quarantined"]) == (2, 2)
    assert site.rows("select rule from account.quarantine order by line") == [("unparseable",), ("no_id",)]


def test_a_list_that_brings_a_document_type_is_kept_out(site, put):
    bomb = '<!DOCTYPE list [<!ENTITY a "Fairweather">]>\n<list>' + as_xml(1, 1_767_535_200_000, "&a;") + "</list>"
    report = site.ingest(put("a.xml", bomb))
    assert (report.totals["loaded"], report.totals["quarantined"]) == (0, 1)
    assert site.rows("select rule from account.quarantine") == [("document_type",)]
    assert "Fairweather" not in site.everything()


def test_a_file_of_a_header_is_an_empty_export(site, put):
    report = site.ingest(put("a-events.txt", NEW))
    assert not report.unrecognised
    assert (report.totals["lines_read"], report.totals["ignored"]) == (1, 1)


def test_what_somebody_asked_for_makes_neither_a_message_nor_a_channel(site, put):
    site.ingest(
        put(
            "a-events.txt",
            OLD,
            row(1, "04-01-26 09-00-00.1", "Remove message", channel=FEED, messageId="5\n"),
            row(2, "04-01-26 09-00-01.1", "Reprocess messages", channel=FEED, messageId="6\n"),
            row(3, "04-01-26 09-00-02.1", "Stop channels", channel=FEED),
            row(4, "04-01-26 09-00-03.1", "Accessed PHI", channel=FEED, messageId="6\n"),
            row(5, "04-01-26 09-00-04.1", "Server shutdown", user="0"),
        )
    )
    site.build("staging.message", "marts.interface_channel")
    assert site.rows("select count(*) from staging.message") == [(0,)]
    assert site.rows("select channel from marts.interface_channel where is_seen") == []


ROWS = [
    row(1, "04-01-26 09-00-00.1", "Login"),
    row(2, "04-01-26 09-00-01.45", "Reprocess messages", channel=FEED, messageId="12\n"),
    row(3, "04-01-26 09-00-01.45", "A, b\n\tc\nd", user="0", ip="null"),
    row(4, "04-01-26 09-10-00.490", "Stop channels", **{"channel[0]": FEED, "channel[1]": FEED.replace(ONE, TWO)}),
    row(5, "04-01-26 09-20-00.1", "Data Pruner", user="0", **{"Channel ID": ONE, "Messages Pruned": "3"}),
]


@QUIET
@given(st.lists(st.lists(st.sampled_from(ROWS), min_size=1, max_size=6), min_size=1, max_size=3), st.randoms())
def test_duplicated_overlapping_and_shuffled_exports_add_nothing(site, put, exports, chance):
    emptied(site)
    several = [*exports, ROWS]
    chance.shuffle(several)
    for number, rows in enumerate(several):
        site.ingest(put(f"{number}-events.txt", chance.choice(["", OLD, NEW]), *rows))
    found = site.state()
    emptied(site)
    site.ingest(put("whole-events.txt", OLD, *ROWS))
    assert found == site.state()


def test_wherever_an_export_is_cut_the_rest_is_read_and_the_whole_one_completes_it(site, put):
    content = (OLD + "".join(ROWS)).encode()
    for cut in range(len(OLD) + 3, len(content), len(content) // 12):
        report = site.ingest(put(f"{cut}-events.txt", content[:cut]))
        assert report.totals["quarantined"] <= 1
        before = content[:cut].decode()
        whole = sum(each in before for each in ROWS)
        assert report.totals["loaded"] + report.totals["unchanged"] in {whole, whole + 1}
    site.ingest(put("whole-events.txt", content))
    assert site.rows("select count(distinct event_uid), count(*) from raw.interface_event") == [(6, 6)]


@QUIET
@given(
    st.integers(0, 10_000), st.sampled_from([1, 5, 40]), st.sampled_from(["2026-01-05-120000-events.txt", "events.xml"])
)
def test_no_damage_to_an_event_log_raises_or_lets_anybody_out(site, fixtures, put, planted, seed, times, name):
    emptied(site)
    site.ingest(put(name, mutated((fixtures / "mirth" / name).read_bytes(), seed, times)))
    told = site.everything()
    assert [each for each in planted if each in told] == []


def test_a_row_that_is_still_being_written_waits(site, put):
    path = put("a-events.txt", OLD, ROWS[0], ROWS[1][:-40])
    held = intake.ingest_paths(site.db, site.settings, [path], None, None, settle_seconds=3600)
    assert (held.totals["loaded"], held.totals["quarantined"]) == (1, 0)
    path.write_bytes((OLD + ROWS[0] + ROWS[1]).encode())
    report = site.ingest(path)
    assert (report.totals["loaded"], report.totals["quarantined"]) == (1, 0)


def test_nobody_is_found_whatever_field_holds_them(new_site, put, caplog, capfd):
    site = new_site(in_file=True)
    plain = {"channel": FEED, "messageId": "12\n", "metaDataId": "1\n", "replace": "true\n", "rawData": "x"}
    spoiled = [row(1, "04-01-26 09-00-00.1", "Process messages", **plain)]
    lists = []
    for number, text in enumerate(PLANTED, 2):
        when = f"04-01-26 09-00-{number:02}.1"
        spoiled += [
            row(number * 100 + i, when, "Process messages", **{**plain, key: text}) for i, key in enumerate(plain)
        ]
        spoiled += [
            row(number * 1000, when, text.replace("\r", "\n"), **plain),
            row(number * 1001, when, "Login", ip=text.replace(",", "").replace("\r", " "), **plain),
            row(number * 1002, when, "Login", tail=f",c-1 - 5,{text},{text}", **plain),
            row(number * 1003, when, "Login", **{**plain, text: text}),
            row(number * 1004, when, "Stop channels", channel=f"Channel[id={text},name=x]"),
            row(number * 1005, when, "Stop channels", channel=f"Channel[id={ONE},name={text}]"),
            f"{text}\n",
            f"{number}, {when}, {text}, SUCCESS, Login, 4, x, {dump(plain)}\n",
        ]
        escaped = text.replace("&", "&amp;").replace("\r", "&#xd;")
        element = as_xml(number * 2000, 1_767_535_200_000 + number, "Stop channels", **plain)
        lists += [
            element,
            *(
                re.sub(rf">{re.escape(value)}<", f">{escaped}<", element)
                for value in ("4", "12\n", "Stop channels", FEED, "x")
            ),
        ]
    report = site.ingest(put("a-events.txt", NEW, *spoiled), put("b.xml", "<list>", *lists, "</list>"))
    assert report.totals["loaded"] > len(PLANTED) * 8
    told = "\n".join([site.everything(), caplog.text, *capfd.readouterr(), json.dumps(report.to_json())])
    site.db.execute("checkpoint")
    written = b"".join(path.read_bytes() for path in site.home.path.rglob("*") if path.is_file())
    for needle in NEEDLES:
        assert needle not in told, needle
        assert needle.encode() not in written, needle
