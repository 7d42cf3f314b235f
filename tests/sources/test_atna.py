"""IHE ATNA audit messages, in syslog and in XML, and AuditEvent beside them: who touched what, as hashes."""

import base64
import json

import pytest

from pipelines import keys
from pipelines.errors import ZoneNeeded
from tests.sources.conftest import KEY
from tests.sources.test_mirth_event_log import NEEDLES, PLANTED

LOG = """
zone = "America/New_York"
[[sources]]
name = "audit"
kind = "atna"
"""
MESSAGE = (
    '<AuditMessage><EventIdentification EventActionCode="R" EventDateTime="{when}" EventOutcomeIndicator="0">'
    '<EventID csd-code="110103" codeSystemName="DCM" originalText="x"/>{more}</EventIdentification>'
    '<ActiveParticipant UserID="{user}" UserIsRequestor="true"><RoleIDCode csd-code="110153" originalText="x"/></ActiveParticipant>'
    '<AuditSourceIdentification AuditSourceID="PACS"/>{objects}</AuditMessage>\n'
)


def message(when="2026-01-04T09:00:00-05:00", *, user="u1", more="", objects=""):
    return MESSAGE.format(when=when, user=user, more=more, objects=objects)


def touches(site, columns):
    return site.rows(f"select {columns} from raw.human_touch order by occurred_at, touch_uid")


def hashed(kind, authority, value):
    return keys.keyed(KEY.encode(), kind, authority, value)


def test_the_fixtures_tell_exactly_these_touches(site, fixtures):
    site.ingest(fixtures / "atna")
    columns = """strftime(occurred_at at time zone 'America/New_York', '%H:%M:%S.%g'), event_code, array_to_string(type_codes, ' '), action,
        outcome, array_to_string(purpose_codes, ' '), array_to_string(role_codes, ' '), len(user_hashes), len(object_hashes),
        mrn_key is not null, visit_key is not null, correlation_key is not null, time_precision"""
    assert touches(site, columns) == [
        ("04:00:03.500", "110110", "", "U", "8", "", "", 1, 0, True, False, False, "ms"),
        ("09:00:00.100", "110114", "110122", "E", "0", "", "110150", 1, 0, False, False, False, "ms"),
        ("09:00:01.200", "110112", "ITI-9", "E", "0", "", "110153", 1, 1, True, False, True, "ms"),
        ("09:00:02.000", "110103", "", "R", "0", "BTG", "110153", 1, 0, True, True, False, "s"),
        ("10:00:00.000", "110106", "", "R", "0", "", "110153", 1, 0, True, False, False, "ms"),
        ("10:00:01.000", "110106", "", "R", "0", "", "110153", 1, 0, True, False, False, "ms"),
        ("11:00:00.000", "110104", "", "C", "0", "", "", 0, 0, True, False, False, "ms"),
        ("11:00:01.000", "110104", "", "C", "0", "", "", 0, 0, True, False, False, "ms"),
    ]


def test_a_patient_is_hashed_as_in_an_engines_messages_so_that_a_touch_joins_a_journey(site, fixtures):
    site.ingest(fixtures / "atna" / "syslog.log")
    found = dict(site.rows("select event_code, mrn_key from raw.human_touch where mrn_key is not null"))
    assert found == {
        "110112": hashed("mrn", "urn:oid:1.2.3.4", "LKM778812"),
        "110103": hashed("mrn", "urn:lark:mrn", "LKM778812"),
        "110110": hashed("mrn", "urn:lark:mrn", "LKM778813"),
    }
    assert site.rows("select user_hashes from raw.human_touch where event_code = '110114'") == [
        ([hashed("user", "audit-lark", "ottoline.quillon@lark")],)
    ]


def test_the_staged_touches_of_both_trails_say_what_kind_they_are(site, fixtures, put):
    site.ingest(fixtures / "atna" / "syslog.log")
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-01-04T12:00:00Z",
        "agent": [{"requestor": True, "who": {"reference": "Practitioner/d1"}}],
        "source": {"observer": {"reference": "Device/v"}},
    }
    asked = {"what": {"identifier": {"value": "same"}}, "type": {"code": "XrequestId"}}
    site.ingest(
        put(
            "AuditEvent.ndjson",
            event | {"id": "client", "action": "R", "entity": [asked]},
            event | {"id": "server", "subtype": [{"code": "read"}], "entity": [asked]},
            event | {"id": "glass", "purposeOfEvent": [{"coding": [{"code": "BTG"}]}]},
        )
    )
    site.build("staging.human_touch")
    assert sorted(
        site.rows("select type_code, kind, count(*), count(distinct act_key) from staging.human_touch group by all")
    ) == [
        ("110103", "override", 1, 1),
        ("110110", "change", 1, 1),
        ("110112", "other", 1, 1),
        ("110114", "other", 1, 1),
        ("rest", "access", 2, 1),
        ("rest", "override", 1, 1),
    ]


def test_touches_enter_no_figure_of_interfaces(site, fixtures):
    site.ingest(fixtures / "atna")
    assert site.rows("select count(*) from raw.interface_event") == [(0,)]


def test_a_time_without_an_offset_needs_a_zone(new_site, put):
    site = new_site(LOG)
    path = put("audit.xml", message("2026-01-04T09:00:00"))
    with pytest.raises(ZoneNeeded, match="line 1: a time has no offset"):
        site.ingest(path)
    site.ingest(path, zone="America/New_York")
    assert touches(site, "occurred_at::varchar, time_basis") == [("2026-01-04 09:00:00-05", "site_zone")]


def test_an_ambiguous_time_is_flagged_and_one_that_is_none_is_kept_out(site, put):
    report = site.ingest(
        put("audit.xml", message("2026-11-01T01:30:00"), message("2026-03-08T02:30:00"), message("never"), message(""))
    )
    assert (report.totals["loaded"], report.totals["quarantined"]) == (2, 2)
    assert sorted(touches(site, "quality_flags")) == [(["time_ambiguous"],), (["time_in_gap"],)]
    assert site.rows("select distinct rule from account.quarantine") == [("no_time",)]


def test_one_spoiled_message_costs_itself_only_and_a_document_type_is_kept_out(site, put):
    bomb = '<!DOCTYPE AuditMessage [<!ENTITY a "Fairweather">]>\n' + message(user="&a;")
    report = site.ingest(
        put("audit.log", message(), message(user="u2").replace("</EventIdentification>", ""), message(user="u3")),
        put("bomb.xml", bomb),
    )
    assert (report.totals["loaded"], report.totals["quarantined"]) == (2, 2)
    assert site.rows("select rule from account.quarantine order by rule") == [("document_type",), ("unparseable",)]


def test_the_same_message_sent_twice_is_one_touch(site, put):
    first = site.ingest(put("a.log", "<85>1 2026-01-04T09:00:00Z h a 1 IHE+DICOM - ", message()))
    again = site.ingest(put("b.log", "99 <13>1 2026-01-04T09:00:05Z h2 a 1 IHE+DICOM - ", message(), message()))
    assert (first.totals["loaded"], again.totals["loaded"], again.totals["unchanged"]) == (1, 0, 2)


def test_nobody_is_found_whatever_field_of_an_audit_message_holds_them(new_site, fixtures, put, caplog, capfd):
    site = new_site(in_file=True)
    whole = (fixtures / "atna" / "syslog.log").read_text(encoding="utf-8").splitlines()
    spoiled = []
    for text in PLANTED:
        inside = text.replace("&", "&amp;").replace("\r", "&#xd;").replace('"', "")
        coded = base64.b64encode(text.encode()).decode()
        for line in whole:
            spoiled += [
                line[:at] + '="' + inside + line[line.index('"', at + 2) :]
                for at in range(len(line))
                if line[at : at + 2] == '="'
            ]
            spoiled += [
                line.replace("Quillon^Ottoline", inside),
                line.replace("</ParticipantObjectQuery>", coded + "</ParticipantObjectQuery>"),
            ]
            spoiled += [line.replace("larkspur-host", inside), f"{text} {line}", line[:-20]]
    report = site.ingest(put("audit.log", "".join(each + "\n" for each in [*whole, *spoiled])))
    assert report.totals["loaded"] > len(spoiled) / 3
    site.build("staging.human_touch")
    told = "\n".join([site.everything(), caplog.text, *capfd.readouterr(), json.dumps(report.to_json())])
    site.db.execute("checkpoint")
    written = b"".join(path.read_bytes() for path in site.home.path.rglob("*") if path.is_file())
    for needle in NEEDLES:
        assert needle not in told, needle
        assert needle.encode() not in written, needle
