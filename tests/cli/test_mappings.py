"""`wardflow mapping`: what is proposed from a sample, what a mapping would read, and that nobody of the sample is shown."""

import tomllib

import pytest

GATE = """When;Action;MsgNo;Interface;Target;Text;PatientNo;User;Retries
13.01.2026 09:00:00,123;Received;1;ADT;;;LK778812;Zebedaiah Quillon;
13.01.2026 09:00:01,123;Sent;1;ADT;LIS;;;Ottoline Fairweather;1
13.01.2026 09:00:02,123;Called Quillon;1;ADT;LIS;Unknown patient Quillon;;Ottoline Fairweather;many
13.01.2026 09:00:03,123;Handshake;1;ADT;LIS;;;Ottoline Fairweather;many
"""
PEOPLE = ("Quillon", "Ottoline", "Fairweather", "LK778812")


@pytest.fixture
def sample(tmp_path):
    def write(text: str, name="sample.log"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def told(result) -> str:
    return result.output + result.stderr


def test_a_proposal_places_what_fits_by_name_and_by_value_and_says_what_does_not(new_home, sample):
    found = new_home.json("mapping", "propose", sample(GATE))
    assert found["placed"] == {
        "time": "When",
        "flow": "Interface",
        "message": "MsgNo",
        "event": "Action",
        "destination": "Target",
        "mrn": "PatientNo",
        "actor": "User",
    }
    assert found["unplaced"] == {
        "Text": "its name says nothing that Wardflow knows",
        "Retries": "its name says attempt, but its values are no small numbers",
    }
    mapping = tomllib.loads(found["mapping"])
    assert mapping["delimiter"] == ";"
    assert mapping["times"] == {"time": {"format": "%d.%m.%Y %H:%M:%S,%g"}}
    assert mapping["events"] == {"Received": "received", "Sent": "delivered"}
    assert '# "Handshake" = ""' in found["mapping"]
    assert "1 more words are not shown" in found["mapping"]


def test_nobody_of_the_sample_is_in_a_proposal_or_in_what_validating_says(new_home, sample, tmp_path):
    path = sample(GATE)
    proposed = new_home("mapping", "propose", path)
    mapping = tmp_path / "gate.toml"
    mapping.write_text(proposed.output)
    validated = new_home("mapping", "validate", str(mapping), path, "--zone", "Europe/London")
    assert (proposed.exit_code, validated.exit_code) == (0, 1)
    for name in PEOPLE:
        assert name not in told(proposed) + told(validated)


def test_validating_says_what_is_read_kept_out_and_not_translated(new_home, sample, tmp_path):
    path = sample(GATE + "soon;Sent;2;ADT;LIS;;;;\n13.01.2026 09:00:09,123;Sent\n")
    mapping = tmp_path / "gate.toml"
    mapping.write_text(new_home.json("mapping", "propose", sample(GATE, "whole.log"))["mapping"])
    code, line = new_home.error("mapping", "validate", str(mapping), path)
    assert (code, "the zone they are in must be named; none is assumed" in line) == (1, True)
    result = new_home("mapping", "validate", str(mapping), path, "--zone", "Europe/London", "--format", "json")
    assert result.exit_code == 1
    import json

    found = json.loads(result.stdout)
    assert (found["read"], found["mapped"], found["ignored"]) == (7, 4, 1)
    assert found["quarantined"] == {"no_time": 1, "unparseable": 1}
    assert found["untranslated"] == {"<redacted>": 1, "Handshake": 1}
    assert found["fields"] == {"mrn": 1, "destination": 3, "actor": 4}
    assert found["times"] == {"site_zone": 4}


def test_a_mapping_that_fits_leaves_with_0_and_one_that_breaks_a_rule_names_its_line(new_home, sample, tmp_path):
    path = sample('{"id": 1, "event": "RECV", "ts": "2026-01-04T09:00:00Z"}\n')
    mapping = tmp_path / "gate.toml"
    mapping.write_text(new_home.json("mapping", "propose", path)["mapping"])
    assert new_home("mapping", "validate", str(mapping), path).exit_code == 0
    mapping.write_text('[fields]\nmesage = "id"\n')
    code, line = new_home.error("mapping", "validate", str(mapping), path)
    assert code == 2
    assert "gate.toml, line 2: fields: there is no field 'mesage'. Did you mean 'message'?" in line


def test_a_batch_of_cloud_events_is_known_as_one(new_home, sample):
    text = '[{"specversion": "1.0", "id": "1", "source": "/e", "type": "org.x.message.received",\n"data": {"msgId": "7", "mrn": "1"}}]'
    found = new_home.json("mapping", "propose", sample(text))
    assert (found["format"], found["placed"]) == ("cloudevents", {"message": "data.msgId", "mrn": "data.mrn"})
    assert found["missing"] == []


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (("01/02/2026 09:00:00", "03/04/2026 09:00:00"), "day and month cannot be told apart in the sample"),
        (
            ("13.01.2026 09:00:00.7", "13.01.2026 09:00:00.490"),
            "its fractions differ in length, so that .07 may be 7 ms",
        ),
        (("2026-01-13", "2026-01-14"), "its values are no times that can be read"),
    ],
)
def test_a_time_that_can_be_read_in_two_ways_is_never_guessed(new_home, sample, times, why):
    path = sample("id,event,time\n" + "".join(f"1,Sent,{time}\n" for time in times))
    result = new_home("mapping", "propose", path)
    assert result.exit_code == 1
    assert why in result.output
    assert '# time = ""   # required: when the event happened' in result.output


def test_a_sample_without_a_header_is_refused_and_not_taken_for_one(new_home, sample):
    code, line = new_home.error("mapping", "propose", sample("2026-01-04T09:00:00Z,Zebedaiah Quillon,in\n"))
    assert code == 1
    assert "line 1: it looks like a record, not like a header" in line
    assert "Quillon" not in line
