"""InterSystems, rule by rule: what a header, a line of the event log or a managed alert proves."""

import csv
import io

import pytest

from pipelines import keys
from pipelines.errors import ZoneNeeded

KEY = b"a site key for tests only"
WORDS = {
    1: "Created",
    2: "Queued",
    3: "Delivered",
    4: "Discarded",
    5: "Suspended",
    6: "Deferred",
    7: "Aborted",
    8: "Error",
    9: "Completed",
}


def header(
    n: int,
    status: int | str = 9,
    begun="00.000",
    done: str | None = "00.004",
    *,
    session=1,
    kind: int | str = 1,
    **more,
) -> dict:
    made = {
        "ID": n,
        "SessionId": session,
        "Type": kind,
        "Status": status,
        "TimeCreated": f"2026-01-04 14:00:{begun}",
        "TimeProcessed": f"2026-01-04 14:00:{done}" if done else "",
        "SourceConfigName": "ADT.Router",
        "TargetConfigName": "HL7.Out.LIS",
        "SourceBusinessType": 2,
        "TargetBusinessType": 3,
        "CorrespondingMessageId": "",
        "IsError": 0,
        "ErrorStatus": "",
        "Description": "",
        "Resent": "",
        "MessageBodyId": "",
    }
    return made | more


def answer(n: int, to: int, begun="00.050", **more) -> dict:
    sides = {
        "SourceConfigName": "HL7.Out.LIS",
        "TargetConfigName": "ADT.Router",
        "SourceBusinessType": 3,
        "TargetBusinessType": 2,
    }
    return header(n, begun=begun, done="00.060", kind=2, CorrespondingMessageId=to) | sides | more


def text_of(*records: dict, delimiter=",", rename=str) -> str:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=delimiter, lineterminator="\n")
    writer.writerow([rename(name) for name in records[0]])
    writer.writerows(record.values() for record in records)
    return made.getvalue()


def leg(n: int) -> str:
    return f"iris-lark:{keys.keyed(KEY, 'message', 'iris-lark', str(n))}"


def proven(site, n: int, role="destination") -> list[tuple[str, int]]:
    return site.rows(
        f"""select event_type, (epoch_ms(occurred_at) % 60000)::int as ms from raw.interface_event
        where message_uid = '{leg(n)}' and node_role = '{role}' order by ms, event_type"""
    )


OUTCOMES = {
    1: [],
    2: [("queued", 0)],
    3: [("attempt_started", 4)],
    4: [("attempt_started", 4), ("expired", 4)],
    5: [("attempt_started", 4), ("held", 4)],
    6: [("attempt_started", 4)],
    7: [("attempt_started", 4), ("discarded", 4)],
    8: [("attempt_started", 4), ("failed", 4)],
    9: [("attempt_started", 4), ("delivered", 4)],
}


@pytest.mark.parametrize(
    "written", [str, lambda code: WORDS[code], lambda code: WORDS[code].replace("Error", "Errored")]
)
def test_a_status_proves_what_became_of_a_leg_whether_it_is_a_code_or_a_word(site, put, written):
    legs = [header(10 + code, written(code), done=None if code < 3 else "00.004") for code in OUTCOMES]
    site.ingest(put("a.csv", text_of(*legs)))
    for code, outcome in OUTCOMES.items():
        assert proven(site, 10 + code) == sorted([("routed", 0), *outcome], key=lambda one: (one[1], one[0])), WORDS[
            code
        ]


def test_a_word_nobody_knows_is_counted_and_never_guessed(site, put):
    (file,) = site.ingest(put("a.csv", text_of(header(2, "Quillon"), header(3, "für Quillon")))).files
    assert dict(file.findings) == {"unknown_status": 2}
    assert (
        site.rows("select native_type from raw.interface_event where event_type = 'unknown'") == [("<redacted>",)] * 2
    )


def test_the_error_of_a_leg_is_on_its_answer(site, put):
    error = "ERROR #5001: <Ens>ErrOutConnectFailed: TCP Connect failed"
    site.ingest(put("a.csv", text_of(header(2), answer(3, to=2, IsError=1, ErrorStatus=error))))
    assert proven(site, 2)[-1] == ("failed", 50)
    assert site.rows(
        "select error_class, error_code, error_template from raw.interface_event where event_type = 'failed'"
    ) == [("connect", "5001", "error <n> erroutconnectfailed tcp connect failed")]


def test_latency_runs_to_the_answer_and_is_unknown_without_one(site, put):
    site.ingest(put("a.csv", text_of(header(2), answer(3, to=2), header(4, session=4, begun="10.000", done="10.004"))))
    site.db.execute("set variable as_of = timestamptz '2026-01-05'")
    site.build("staging.delivery")
    assert site.rows(
        """select date_diff('millisecond', last_attempt_at, delivered_at), attempt_clock_id = delivered_clock_id, attempts_exact
        from staging.delivery order by first_event_at"""
    ) == [(46, True, False), (0, False, False)]


def test_a_session_is_one_message_with_its_legs_below_it(site, put):
    first = header(
        1, SourceConfigName="HL7.In", TargetConfigName="ADT.Router", SourceBusinessType=1, TargetBusinessType=2
    )
    back = answer(
        4, to=1, SourceConfigName="ADT.Router", TargetConfigName="HL7.In", SourceBusinessType=2, TargetBusinessType=1
    )
    site.ingest(put("a.csv", text_of(first, header(2, begun="00.010", done="00.012"), answer(3, to=2), back)))
    assert site.rows("select distinct root_message_uid from raw.interface_event") == [(leg(1),)]
    assert site.rows(
        "select distinct message_uid, parent_message_uid from raw.interface_event order by parent_message_uid"
    ) == [
        (leg(2), leg(1)),
        (leg(1), None),
    ]
    assert site.rows(
        "select flow_id, event_type from raw.interface_event where node_role = 'source' order by occurred_at"
    ) == [
        ("HL7.In", "received"),
        ("ADT.Router", "received"),
        ("HL7.In", "ack_sent"),
    ]


@pytest.mark.parametrize(
    "mark", [{"Resent": "r"}, {"Description": "Resent 2"}, {"Resent": "b", "Description": "Resent 2"}]
)
def test_a_message_sent_again_is_told_by_its_flag_or_its_description(site, put, mark):
    site.ingest(put("a.csv", text_of(header(2, 8), header(5, begun="20.000", done="20.001", **mark))))
    repeats = leg(2) if "Description" in mark else None
    assert site.rows("select message_uid, replay_of_uid from raw.interface_event where event_type = 'replayed'") == [
        (leg(5), repeats)
    ]


def test_a_later_extract_adds_exactly_what_is_new_and_an_earlier_one_nothing(site, put):
    queued, done = header(2, 2, done=None), header(2, 9)
    site.ingest(put("a.csv", text_of(queued)))
    site.ingest(put("b.csv", text_of(done)))
    assert proven(site, 2) == [("queued", 0), ("routed", 0), ("attempt_started", 4), ("delivered", 4)]
    assert site.ingest(put("c.csv", text_of(queued, done))).totals["unchanged"] == 2


def log(n: int, level: int | str, **more) -> dict:
    made = {
        "ID": n,
        "Type": level,
        "TimeLogged": "2026-01-04 14:00:01.000",
        "ConfigName": "HL7.Out.LIS",
        "SessionId": 1,
        "MessageId": 2,
    }
    return made | {"Text": "ERROR connection refused", **more}


def test_of_the_event_log_errors_and_alerts_are_kept(site, put):
    report = site.ingest(
        put(
            "log.csv",
            text_of(log(1, 2), log(2, "Alert", MessageId=""), log(3, 4), log(4, "Trace"), log(5, "9"), log(6, "?")),
        )
    )
    assert (report.totals["loaded"], report.totals["ignored"], report.totals["quarantined"]) == (2, 4, 1)
    assert site.rows(
        "select event_type, node_role, message_uid, error_class, error_template from raw.interface_event order by 1"
    ) == [
        ("alert_raised", "system", leg(1), None, None),
        ("attempt_failed", "system", leg(2), "connect", "error connection refused"),
    ]


def alert(**more) -> dict:
    made = {"ID": 1, "AlertTime": "2026-01-04 14:00:01.000", "LastActionTime": "2026-01-04 14:09:00.000", "IsOpen": 1}
    return made | {
        "EscalationLevel": 0,
        "CurrentOwner": "",
        "SourceConfigName": "HL7.Out.LIS",
        "SessionId": 1,
        "AlertText": "x",
        **more,
    }


def test_a_managed_alert_is_raised_escalated_given_to_somebody_and_closed(site, put):
    site.ingest(put("a.csv", text_of(alert())))
    site.ingest(put("b.csv", text_of(alert(EscalationLevel=1, CurrentOwner="z.quillon"))))
    site.ingest(put("c.csv", text_of(alert(EscalationLevel=2, CurrentOwner="z.quillon", IsOpen=0), delimiter=";")))
    assert site.rows(
        "select event_type, actor_key, quality_flags from raw.interface_event order by occurred_at, event_type, event_uid"
    ) == [
        ("alert_raised", None, []),
        ("assigned", keys.keyed(KEY, "user", "iris-lark", "z.quillon"), ["time_of_alert"]),
        ("escalated", None, ["time_of_alert"]),
        ("escalated", None, ["time_of_alert"]),
        ("alert_closed", None, []),
    ]


def test_times_without_an_offset_need_a_zone_and_none_is_assumed(new_site, put):
    site = new_site("zone = 'America/New_York'\n")
    path = put("a.csv", text_of(header(2)))
    with pytest.raises(ZoneNeeded, match=r"a.csv, line 2: a time has no offset.*none is assumed"):
        site.ingest(path)
    site.ingest(path, zone="Europe/Berlin")
    assert site.rows("select distinct time_basis, time_ambiguous, hour(occurred_at) from raw.interface_event") == [
        ("site_zone", False, 8)
    ]


def test_the_hour_that_comes_twice_is_flagged_where_an_extract_shows_local_time(new_site, put):
    site = new_site("[[sources]]\nname = 'iris'\nkind = 'intersystems'\nzone = 'America/New_York'\n")
    site.ingest(put("a.csv", text_of(header(2, 2, done=None) | {"TimeCreated": "2025-11-02 01:30:00.000"})))
    assert site.rows("select distinct time_ambiguous, quality_flags from raw.interface_event") == [
        (True, ["time_ambiguous"])
    ]


@pytest.mark.parametrize("rename", [str.lower, str.upper, lambda name: f" {name}"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_an_extract_is_known_by_its_columns_however_they_are_written(site, put, rename, delimiter):
    report = site.ingest(put("a.txt", text_of(header(2), delimiter=delimiter, rename=rename)))
    assert [file.kind for file in report.files] == ["intersystems"]
    assert report.totals["loaded"] == 1


def test_what_cannot_be_read_costs_one_row(site, put):
    path = put(
        "a.csv",
        text_of(
            header(2),
            header("", kind=1),
            answer(4, to=""),
            header(5, begun="soon"),
            header(6, kind="Quillon"),
            header(7, kind=3),
        ),
        "8,only\n",
        "\n",
    )
    report = site.ingest(path)
    assert (report.totals["loaded"], report.totals["ignored"], report.totals["quarantined"]) == (1, 3, 5)
    assert [rule for (rule,) in site.rows("select rule from account.quarantine order by line")] == [
        "no_id",
        "no_id",
        "no_time",
        "untyped",
        "unparseable",
    ]
