"""The simulated hospital as a whole: same seed same bytes, valid resources, planted defects, laws of the files."""

import hashlib
import json
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from fhir.resources import get_fhir_model_class as r5_model_class
from fhir.resources.R4B import get_fhir_model_class
from lxml import etree

from sample_data.clock import HOUR, Calendar, midnight
from sample_data.delivery import PACKINGS
from sample_data.people import FAMILIES, GIVENS, planted_in, planted_strings
from sample_data.simulate import simulate
from tests.exported import deleted_in, exports, files_of, id_of, latest_of, manifest_of, resolved, resources_of

DAYS = 10
SEED = 7


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    shares = []
    report = simulate(folder, days=DAYS, seed=SEED, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert report.messages > 5_000
    assert report.resources_per_second > 100
    return folder


@pytest.fixture(scope="module")
def truth(out):
    return json.loads((out / "truth.json").read_text())


@pytest.fixture(scope="module")
def planted(truth):
    """Entries of truth.json's `planted` by kind."""
    found = defaultdict(list)
    for row in truth["planted"]:
        found[row["kind"]].append(row)
    return found


@pytest.fixture(scope="module")
def as_delivered(out):
    return latest_of(out)


@pytest.fixture(scope="module")
def latest(as_delivered):
    return resolved(as_delivered)


@pytest.fixture(scope="module")
def mirth(out):
    """Every Mirth element as (file name, element), in order of writing."""
    rows = []
    for path in sorted((out / "logs" / "mirth-northfield").iterdir()):
        root = etree.fromstring(b"<all>" + path.read_bytes() + b"</all>")
        rows += [(path.stem, element) for element in root]
    return rows


@pytest.fixture(scope="module")
def events(out):
    """Every event of the in-house engine as (file name, event)."""
    return [
        (path.stem, orjson.loads(line))
        for path in sorted((out / "logs" / "engine-eastbrook").iterdir())
        for line in path.read_bytes().splitlines()
    ]


def cell(truth, kpi, facility=None, grain="all"):
    return [c for c in truth["kpis"][kpi] if c["facility"] == facility and c["grain"] == grain]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path):
    for name, seed, facilities in (("first", 1, 2), ("second", 1, 2), ("other", 2, 1)):
        simulate(tmp_path / name, days=1, seed=seed, facilities=facilities)
    first, second, other = (digests(tmp_path / name) for name in ("first", "second", "other"))
    assert first == second
    assert first["logs/mirth-northfield/2025-10-13.xml"] != other["logs/mirth-northfield/2025-10-13.xml"]


@pytest.fixture
def cold_start(monkeypatch):
    """Hospitals that open the day before the run: quick, where only the form of the output matters."""
    monkeypatch.setattr("sample_data.simulate.Calendar", lambda days: Calendar(days, warm_up=1))


@pytest.mark.usefixtures("cold_start")
def test_a_short_run_says_which_defects_it_has_no_room_for(tmp_path):
    simulate(tmp_path, days=2, facilities=1)
    planted = {row["kind"]: row for row in json.loads((tmp_path / "truth.json").read_text())["planted"]}
    assert planted["adt_outage"]["absent"]
    assert planted["missing_locations"]["absent"]
    assert planted["packed_export"]["absent"]
    assert "absent" not in planted["unregistered_channel"]


@pytest.mark.usefixtures("cold_start")
def test_each_further_facility_runs_the_engine_of_its_template(tmp_path):
    simulate(tmp_path, days=1, facilities=4)
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "engine-eastbrook",
        "engine-northfield",
        "engine-southmere-hospital",
        "engine-westhaven",
        "mirth-northfield",
        "mirth-southmere-hospital",
        "processes-westhaven",
    ]


@pytest.mark.parametrize("wrong", [{"days": 0}, {"facilities": 0}])
def test_nothing_cannot_be_simulated(tmp_path, wrong):
    with pytest.raises(ValueError, match="a simulation needs at least 1"):
        simulate(tmp_path, **wrong)


def test_there_is_one_export_a_day_and_one_log_file_a_day_and_nothing_half_written(out):
    regular = [path for path in (out / "fhir").iterdir() if path.name.count("-") == 2]
    assert len(regular) == DAYS + 1
    assert all(
        {"manifest.json", "Encounter.ndjson", "Task.ndjson"} <= {p.name for p in path.iterdir()} for path in regular
    )
    files = {folder.name: len(list(folder.iterdir())) for folder in (out / "logs").iterdir()}
    assert files.pop("processes-westhaven") == 2  # what a process engine knows of its instances and incidents
    assert set(files.values()) == {DAYS}
    assert not [path for path in out.rglob("*") if path.name.startswith(".") or path.suffix == ".part"]


def test_a_manifest_counts_the_lines_of_its_files_and_is_cut_at_local_midnight_or_noon(out, planted):
    at_noon = {row["folder"] for row in planted["packed_export"]}
    for folder in (out / "fhir").iterdir():
        manifest, files = manifest_of(folder), files_of(folder)
        time = "12:00:00" if folder.name in at_noon else "00:00:00"
        assert manifest["transactionTime"][:19] == f"{folder.name[:10]}T{time}"
        for row in manifest["output"] + manifest["deleted"]:
            name = "/".join(row["url"].split("/")[6:])
            content = files.pop(name if name in files else f"late/{name}")
            assert "count" not in row or len(content.splitlines()) == row["count"]
            if row.get("type"):
                assert {
                    orjson.loads(x)["resourceType"] for x in content.removeprefix(b"\xef\xbb\xbf").splitlines()
                } == {row["type"]}
        assert set(files) == {"manifest.json"}


def test_an_export_holds_what_changed_since_the_one_before(out):
    for folder in exports(out)[1:]:
        until = datetime.fromisoformat(manifest_of(folder)["transactionTime"])
        if folder.name.endswith("-full"):
            continue
        since = until - timedelta(days=3 if folder.name.endswith("overlap") else 1, hours=1)
        dated = [resource for resource in resources_of(folder) if "meta" in resource]  # one planted span is undated
        assert len(dated) > 300
        for resource in dated[::20]:
            assert since < datetime.fromisoformat(resource["meta"]["lastUpdated"]) < until


def test_an_export_asked_for_at_noon_is_packed_in_the_way_that_it_names(out, planted):
    assert len({row["from"][:10] for row in planted["packed_export"]}) == len(PACKINGS)
    for row in planted["packed_export"]:
        folder = out / "fhir" / row["folder"]
        found = Counter(resource["resourceType"] for resource in resources_of(folder))
        assert found.pop("Parameters", 0) == row["headers"]
        assert found.pop("Device", 0) + found.pop("Binary", 0) == row["unwanted"]
        assert sum(found.values()) == row["resources"] > 300
    packed = {row["packing"]: out / "fhir" / row["folder"] for row in planted["packed_export"]}
    assert {path.name for path in packed["zip"].iterdir()} == {"export.zip"}
    assert {path.name for path in packed["tar"].iterdir()} == {"export.tar.gz"}
    assert (packed["parts"] / "ServiceRequest.001.ndjson").exists()
    assert (packed["zstd"] / "Encounter.ndjson.zst").read_bytes().startswith(b"\x28\xb5\x2f\xfd")
    saved = (packed["windows"] / "Encounter.ndjson").read_bytes()
    assert saved.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in saved
    assert not saved.endswith(b"\n")


def test_a_file_by_patient_has_no_type_and_a_header_before_each_patients_resources(out, planted):
    (folder,) = (out / "fhir" / row["folder"] for row in planted["packed_export"] if row["packing"] == "by-patient")
    manifest = manifest_of(folder)
    assert manifest["outputOrganizedBy"] == "Patient"
    assert all("type" not in row for row in manifest["output"])
    whose = None
    for resource in resources_of(folder):
        if resource["resourceType"] == "Parameters":
            (header,) = resource["parameter"]
            whose = header["valueReference"]["reference"]
        elif "subject" in resource and "?" not in resource["subject"]["reference"]:
            assert resource["subject"]["reference"] == whose
    assert whose is not None


def test_resources_are_valid_fhir(as_delivered, truth):
    date_only = 0
    for kind, resources in as_delivered.items():
        model = (r5_model_class if kind == "EncounterHistory" else get_fhir_model_class)(kind)
        for resource in list(resources.values())[:: max(1, len(resources) // 40)]:
            if kind == "DiagnosticReport" and "issued" in resource and "T" not in resource["issued"]:
                date_only += 1  # planted: FHIR wants an instant
                continue
            if isinstance(resource.get("class"), list):
                r5_model_class("Encounter").model_validate(resource)
                continue
            planted = {"analyzerRack"} if kind == "Specimen" else set()
            if kind == "Appointment" and len(resource["created"]) == len("2025-10-16T08:47:33"):
                planted = {"created"}  # planted: FHIR wants an offset
            model.model_validate({name: value for name, value in resource.items() if name not in planted})
    assert date_only < 10
    assert set(as_delivered) == set(truth["counts"]["resources"])


def of_facility(resource, code):
    """Whether a resource's id is of the facility with this code."""
    return resource["id"].split("-")[1] == code


def test_elements_come_and_go_on_the_days_that_are_declared(latest, planted):
    (rack,), (gone,) = planted["vendor_element"], planted["vanished_element"]
    for specimen in latest["Specimen"].values():
        late = specimen["meta"]["lastUpdated"] >= rack["from"]
        assert ("analyzerRack" in specimen) == (late and of_facility(specimen, "ng"))
    for observation in latest["Observation"].values():
        assert ("specimen" in observation) == (observation["meta"]["lastUpdated"] < gone["from"])


def test_times_without_a_zone_or_an_hour_are_as_many_as_declared(latest, planted):
    (zone_less,), (date_only,) = planted["zone_less_time"], planted["date_only_time"]
    without = [a for a in latest["Appointment"].values() if len(a["created"]) == len("2025-10-16T08:47:33")]
    assert len(without) == zone_less["appointments"] > 5
    assert all(of_facility(a, "ec") and zone_less["from"] <= a["created"] < zone_less["to"] for a in without)
    assert {len(claim["created"]) for claim in latest["Claim"].values()} == {len("2025-10-16")}
    assert len(latest["Claim"]) == date_only["claims"] > 50


def test_an_appointment_is_booked_before_it_is_kept_missed_or_cancelled(out, latest):
    seen = defaultdict(dict)
    for folder in exports(out):
        for resource in resources_of(folder):
            if resource["resourceType"] == "Appointment":
                seen[resource["id"]][resource["status"]] = resource["meta"]["lastUpdated"]
    endings = Counter(max(statuses, key=statuses.get) for statuses in seen.values())
    assert set(endings) - {"arrived"} == {"booked", "fulfilled", "noshow", "cancelled"}
    assert all(a["created"][:10] < a["start"][:10] for a in latest["Appointment"].values())
    assert any({"booked", "fulfilled"} <= set(statuses) for statuses in seen.values())


def test_a_claim_names_a_coverage_a_diagnosis_and_an_encounter_that_were_exported(latest):
    for claim in latest["Claim"].values():
        (insurance,), (item,), (diagnosis,) = claim["insurance"], claim["item"], claim["diagnosis"]
        assert insurance["coverage"]["reference"].removeprefix("Coverage/") in latest["Coverage"]
        assert item["encounter"][0]["reference"].removeprefix("Encounter/") in latest["Encounter"]
        assert diagnosis["diagnosisReference"]["reference"].removeprefix("Condition/") in latest["Condition"]
        assert claim["patient"]["reference"].removeprefix("Patient/") in latest["Patient"]
    assert {claim["status"] for claim in latest["Claim"].values()} == {"draft", "active"}


def test_the_demo_and_the_suite_both_contain_the_night_when_the_clocks_go_back():
    """The other night is a matter of the demo alone: it runs for half a year."""
    back, forward = date(2025, 11, 2), date(2026, 3, 8)
    for days, nights in ((21, {back}), (182, {back, forward})):
        calendar = Calendar(days)
        lengths = {calendar.day(n): midnight(calendar.day(n + 1)) - midnight(calendar.day(n)) for n in range(days)}
        assert {day for day, length in lengths.items() if length != 24 * HOUR} == nights


def test_every_kind_of_task_occurs_and_is_told_apart_by_its_code(latest):
    kinds = {task["code"]["coding"][0]["code"] for task in latest["Task"].values()}
    assert kinds == {
        "critical-result-ack",
        "critical-result-escalation",
        "handoff",
        "bed-request",
        "bed-clean",
        "discharge-medication",
        "discharge-transport",
        "discharge-follow-up",
        "discharge-instructions",
        "registration-review",
        "order-clarification",
        "fulfill",
    }


def test_two_patients_are_never_in_one_bed_or_treatment_room(latest):
    stays = defaultdict(list)
    for encounter in latest["Encounter"].values():
        for segment in encounter["location"]:
            place = segment["location"]["reference"]
            if place[-2:].isdigit() or "-ft-" in place:
                period = segment["period"]
                stays[place].append((period["start"], period.get("end", "9999")))
    assert len(stays) > 50
    for spans in stays.values():
        spans.sort(key=lambda span: datetime.fromisoformat(span[0]))
        assert all(before[1] != "9999" for before in spans[:-1])
        for (_, end), (start, _) in pairwise(spans):
            assert datetime.fromisoformat(end) <= datetime.fromisoformat(start)


def test_a_visit_is_somewhere_at_every_moment(latest):
    for encounter in latest["Encounter"].values():
        segments = encounter["location"]
        assert segments[0]["period"]["start"] == encounter["period"]["start"]
        assert segments[-1]["period"].get("end") == encounter["period"].get("end")
        for before, after in pairwise(segments):
            assert before["period"]["end"] == after["period"]["start"]


def test_a_laboratory_order_goes_through_its_steps_in_order(latest):
    specimens = {s["request"][0]["reference"][15:]: s for s in latest["Specimen"].values()}
    reports = {r["basedOn"][0]["reference"][15:]: r for r in latest["DiagnosticReport"].values()}
    verified = 0
    for ident, order in latest["ServiceRequest"].items():
        if ident not in specimens or ident not in reports:
            continue
        specimen, report = specimens[ident], reports[ident]
        steps = [order["authoredOn"], specimen["collection"]["collectedDateTime"], specimen["receivedTime"]]
        if "T" in report.get("issued", ""):
            steps.append(report["issued"])
            verified += 1
        instants = [datetime.fromisoformat(step) for step in steps]
        assert instants == sorted(instants)
    assert verified > 1_000


def test_a_discharge_waits_for_the_slowest_item_of_its_checklist(latest):
    done = defaultdict(list)
    for task in latest["Task"].values():
        kind, status = task["code"]["coding"][0]["code"], task["status"]
        if kind.startswith("discharge-") and status == "completed":
            done[task["encounter"]["reference"][10:]].append(datetime.fromisoformat(task["executionPeriod"]["end"]))
    left = {i: e["period"]["end"] for i, e in latest["Encounter"].items() if "end" in e["period"] and i in done}
    assert len(left) > 50
    early = [i for i, end in left.items() if min(done[i]) > datetime.fromisoformat(end)]
    assert early == []


def test_every_change_of_queued_work_names_its_task_and_who_made_it(latest):
    told = {"Task": [], "ServiceRequest": []}
    for p in latest["Provenance"].values():
        told[p["target"][0]["reference"].split("/")[0]].append(p)
    activities = {p["activity"]["coding"][0]["code"] for p in told["Task"]}
    assert activities == {"create", "assign", "start", "complete", "override", "escalate", "reopen"}
    assert {p["target"][0]["reference"][5:] for p in told["Task"]} <= latest["Task"].keys()
    assert {p["agent"][0]["who"]["reference"].split("/")[0] for p in told["Task"]} == {
        "Device",
        "Practitioner",
    }


def test_an_order_that_was_fulfilled_says_when_but_where_no_file_dates_it(latest):
    told = {
        p["target"][0]["reference"].split("/")[1]: p["recorded"]
        for p in latest["Provenance"].values()
        if p["target"][0]["reference"].startswith("ServiceRequest/")
    }
    done = {i for i, o in latest["ServiceRequest"].items() if o["status"] == "completed" and "category" in o}
    dated = {i for i in done if "meta" in latest["ServiceRequest"][i]}
    assert told.keys() == dated < done


def test_an_examination_is_ordered_started_and_reported_in_this_order(latest):
    studies = {s["basedOn"][0]["reference"][15:]: s for s in latest["ImagingStudy"].values()}
    reports = {r["basedOn"][0]["reference"][15:]: r for r in latest["DiagnosticReport"].values() if "imagingStudy" in r}
    assert len(reports) > 100
    assert reports.keys() <= studies.keys()
    for ident, report in reports.items():
        steps = (latest["ServiceRequest"][ident]["authoredOn"], studies[ident]["started"], report["issued"])
        assert sorted(steps, key=datetime.fromisoformat) == list(steps)
        assert report["status"] in ("preliminary", "final")


def test_nothing_is_collected_before_the_order_message_reached_the_laboratory(latest, mirth):
    reached = {}
    for _, message in mirth:
        for connector in message.iter("connectorMessage"):
            if connector.findtext("channelName") == "ORDERS" and connector.findtext("status") == "SENT":
                placer = connector.xpath(".//metaDataMap/entry[string[1]='PLACER']/string[2]/text()")[0]
                at = int(connector.findtext("responseDate/time")) // 1000
                reached[placer] = min(at, reached.get(placer, at))
    orders = {order["id"]: order["identifier"][0]["value"] for order in latest["ServiceRequest"].values()}
    collected = 0
    for specimen in latest["Specimen"].values():
        placer = orders[specimen["request"][0]["reference"][15:]]
        if placer in reached:
            at = datetime.fromisoformat(specimen["collection"]["collectedDateTime"]).timestamp()
            assert reached[placer] <= at
            collected += 1
    assert collected > 500


def test_every_planted_defect_is_in_the_files(out, truth, latest, mirth, events):
    planted = defaultdict(list)
    for row in truth["planted"]:
        assert "absent" not in row
        planted[row["kind"]].append(row)

    again = planted["duplicate_export"][0]["folder"]
    assert digests(out / "fhir" / again) == digests(out / "fhir" / again.removesuffix("-again"))

    overlap = out / "fhir" / planted["overlapping_export"][0]["folder"]
    regular = out / "fhir" / overlap.name.removesuffix("-overlap")
    repeated = set((overlap / "Encounter.ndjson").read_bytes().splitlines())
    assert set((regular / "Encounter.ndjson").read_bytes().splitlines()) < repeated

    places = {f"Location/{ident}" for ident in latest["Location"]}
    hidden = [
        e
        for e in latest["Encounter"].values()
        if any(segment["location"]["reference"] not in places for segment in e["location"])
    ]
    assert {e["serviceProvider"]["display"] for e in hidden} == {"Eastbrook Community"}
    assert len(hidden) == planted["missing_locations"][0]["visits"]

    without_time = [r for r in latest["DiagnosticReport"].values() if len(r.get("issued", "T" * 20)) == 10]
    assert len(without_time) == planted["date_only_issued"][0]["orders"]
    assert all("T" in o["issued"] for o in latest["Observation"].values())

    begin, end = (datetime.fromisoformat(planted["adt_outage"][0][side]).timestamp() * 1000 for side in ("from", "to"))
    stuck = [
        connector
        for _, message in mirth
        for connector in message.iter("connectorMessage")
        if connector.findtext("channelName") == "ADT-OUT"
        and connector.findtext("connectorName") != "Source"
        and begin < int(connector.findtext("receivedDate/time")) < end
    ]
    assert any(connector.findtext("status") == "QUEUED" for connector in stuck)
    sent = [c for c in stuck if c.findtext("status") == "SENT"]
    assert all(int(c.findtext("responseDate/time")) >= end for c in sent)

    deleted = {row["encounter"] for row in planted["deleted_encounter"]}
    assert deleted
    assert not deleted & latest["Encounter"].keys()

    channels = {message.find(".//channelName").text for _, message in mirth} | {e["channel"] for _, e in events}
    assert "PHARM-TEST" in channels
    assert 'flow = "PHARM-TEST"' not in (out / "registry.toml").read_text()
    assert {row["host"] for row in planted["clock_skew"]} == {"EHR", "lis1", "bed1"}


def test_the_pilot_makes_the_wait_after_the_discharge_order_shorter(tmp_path, monkeypatch):
    """The same hospital with and without the pilot: on its ward every patient waits exactly that much less."""
    waits = {}
    for minutes in (0, 35):
        monkeypatch.setattr("sample_data.stays.PILOT_MINUTES", minutes)
        folder = tmp_path / str(minutes)
        simulate(folder, days=5, facilities=1)
        orders = [
            orjson.loads(line)
            for path in sorted(folder.glob("fhir/*/ServiceRequest.ndjson"))
            for line in path.read_bytes().splitlines()
            if b"58000006" in line and b"loc-ng-4n" in line
        ]
        waits[minutes] = {
            o["id"]: datetime.fromisoformat(o["meta"]["lastUpdated"]) - datetime.fromisoformat(o["authoredOn"])
            for o in orders
            if o["status"] == "completed" and o["authoredOn"] >= "2025-10-15"
        }
    first = min(waits[0].keys() & waits[35].keys())
    assert timedelta(minutes=20) < waits[0][first] - waits[35][first] < timedelta(minutes=50)


def test_a_mirth_message_carries_its_visit_where_hl7_puts_it(mirth):
    for _, message in mirth[::50]:
        raw = message.findtext(".//raw/content").split("\r")
        segments = {line.split("|")[0]: line.split("|") for line in raw}
        columns = dict(entry.xpath("string/text()") for entry in message.find(".//metaDataMap"))
        if "VISIT" not in columns:  # about two records of a person
            continue
        assert segments["MSH"][9] == columns["CONTROL_ID"]
        assert segments["MSH"][8] == columns["TYPE"]
        assert segments["PV1"][19] == columns["VISIT"]
        assert segments["PID"][3].split("^")[0] == columns["MRN"]
        if "ORC" in segments and "PLACER" in columns:
            assert segments["ORC"][2] == columns["PLACER"]


def test_a_queued_message_is_written_again_changed_on_a_later_day(mirth):
    versions = defaultdict(list)
    for day, message in mirth:
        key = (message.findtext("channelId"), message.findtext("messageId"))
        versions[key].append((day, etree.tostring(message)))
    twice = [rows for rows in versions.values() if len(rows) > 1]
    assert twice
    assert all(rows[0][0] < rows[-1][0] for rows in twice)
    assert any(b"QUEUED" in rows[0][1] and b"QUEUED" not in rows[-1][1] for rows in twice)
    assert {len(rows) for rows in versions.values()} <= {1, 2, 3}


def test_an_adt_message_hops_from_the_router_to_the_next_channel(mirth):
    routers = {m.findtext("messageId") for _, m in mirth if m.find(".//channelName").text == "ROUTER"}
    parents = [
        m.xpath(".//sourceMapContent//entry[string='sourceMessageId']/long/text()")
        for _, m in mirth
        if m.find(".//channelName").text == "ADT-OUT"
    ]
    assert parents
    assert all(parent[0] in routers for parent in parents)


def test_the_in_house_engine_numbers_its_events_without_gaps_in_order_of_its_clock(events):
    assert [event["seq"] for _, event in events] == list(range(1, len(events) + 1))
    own = [(day, event["ts"]) for day, event in events if event["host"] == "eng1"]
    assert all(day == at[:10] for day, at in own)
    instants = [datetime.fromisoformat(at) for _, at in own]
    assert instants == sorted(instants)
    kinds = {event["event"] for _, event in events}
    by_hand = {"REPLAY", "DISCARD"}
    assert kinds - by_hand == {"RECV", "ROUTE", "TRY", "ACK", "NAK", "TIMEOUT", "QUEUE", "DEAD", "ACKUP", "HOPRECV"}
    assert all(set(event) >= {"dest", "operator", "role"} for _, event in events if event["event"] in by_hand)


def test_names_and_free_text_are_really_in_the_files(out):
    """In exports and in both logs: word by word, and some in each combined spelling."""
    strings = planted_strings()
    assert len(strings) > 20_000
    for path, some in (
        ("fhir/2025-10-13/Patient.ndjson", ("Quillfeather", "Ottoline", "Ropemaker Street")),
        ("logs/mirth-northfield/2025-10-14.xml", ("Quillfeather", "Ottoline", "Ropemaker Street")),
        ("logs/engine-eastbrook/2025-10-14.ndjson", ()),
    ):
        found = planted_in((out / path).read_text())
        assert found <= strings
        assert found.issuperset(some)
        assert any(re.fullmatch(r"(NG|EC|WH)\d{7}", string) for string in found)
    rejected = b"".join(path.read_bytes() for path in (out / "logs/engine-eastbrook").iterdir())
    rejected = b"".join(line for line in rejected.splitlines() if b'"NAK"' in line).decode()
    assert planted_in(rejected) & {*FAMILIES}
    exported = (out / "fhir/2025-10-13/Patient.ndjson").read_text()
    assert sum(f"{given} Lindqvist" in exported for given in GIVENS) > 3
    assert "Dog bite to the forearm" in (out / "fhir/2025-10-13/Encounter.ndjson").read_text()


def test_one_person_registered_twice_is_merged_and_both_records_have_visits(latest, planted):
    (merge,) = planted["merged_patient"]
    twin, kept = latest["Patient"][merge["patient"]], latest["Patient"][merge["replaced_by"]]
    assert twin["link"] == [{"other": {"reference": f"Patient/{kept['id']}"}, "type": "replaced-by"}]
    assert (twin["active"], kept["active"]) == (False, True)
    assert twin["name"] == kept["name"]
    assert twin["identifier"] != kept["identifier"]
    seen = {encounter["subject"]["reference"] for encounter in latest["Encounter"].values()}
    assert {f"Patient/{twin['id']}", f"Patient/{kept['id']}"} <= seen


def test_two_people_taken_for_one_are_told_apart_again(out, latest, planted):
    (mistake,) = planted["merge_taken_back"]
    links = [
        (resource["meta"]["lastUpdated"], [link["other"]["reference"] for link in resource.get("link", ())])
        for folder in exports(out)
        for resource in resources_of(folder)
        if resource["resourceType"] == "Patient" and resource["id"] == mistake["patient"]
    ]
    assert [f"Patient/{mistake['replaced_by']}"] in [link for _, link in links]
    assert "link" not in latest["Patient"][mistake["patient"]]


def test_the_engine_is_told_who_was_merged_into_whom_and_who_was_told_apart(mirth, latest, planted):
    (merge,), (mistake,) = planted["merged_patient"], planted["merge_taken_back"]
    numbers = {
        name: latest["Patient"][row[name[1:]]]["identifier"][0]["value"]
        for row, names in ((merge, ("1patient", "1replaced_by")), (mistake, ("2patient", "2replaced_by")))
        for name in names
    }
    told = set()
    for _, message in mirth:
        segments = [line.split("|") for line in message.findtext(".//raw/content").split("\r")]
        kind = segments[0][8]
        if kind in {"ADT^A40", "ADT^A37"}:
            assert "VISIT" not in message.xpath(".//metaDataMap//string/text()")
            pid, other = segments[2], segments[-2]
            told.add((kind, pid[3].split("^")[0], other[0], other[1 if other[0] == "MRG" else 3].split("^")[0]))
    assert told == {
        ("ADT^A40", numbers["1replaced_by"], "MRG", numbers["1patient"]),
        ("ADT^A40", numbers["2replaced_by"], "MRG", numbers["2patient"]),
        ("ADT^A37", numbers["2replaced_by"], "PID", numbers["2patient"]),
    }


def test_after_its_upgrade_the_third_hospital_writes_encounters_and_their_history_in_r5(as_delivered, planted):
    (row,) = planted["r5_encounter"]
    newer = [e for e in as_delivered["Encounter"].values() if isinstance(e["class"], list)]
    assert {e["id"] for e in newer} == {
        e["id"]
        for e in as_delivered["Encounter"].values()
        if of_facility(e, "wh") and e["meta"]["lastUpdated"] >= row["from"]
    }
    assert len(newer) == row["encounters"] > 50
    assert not [name for e in newer for name in ("period", "statusHistory", "hospitalization") if name in e]
    told = Counter(
        h["encounter"]["reference"].removeprefix("Encounter/") for h in as_delivered["EncounterHistory"].values()
    )
    assert told.keys() == {e["id"] for e in newer}
    states = {h["subjectStatus"]["coding"][0]["code"] for h in as_delivered["EncounterHistory"].values()}
    assert states == {"arrived", "triaged", "receiving-care", "departed"}


def test_what_the_server_forgot_to_call_deleted_is_missing_only_from_the_full_export(out, planted):
    forgotten = {row["encounter"] for row in planted["absent_encounter"]}
    assert len(forgotten) == 3
    (folder,) = {row["folder"] for row in planted["absent_encounter"]}
    manifest, full = manifest_of(out / "fhir" / folder), {r["id"] for r in resources_of(out / "fhir" / folder)}
    assert manifest["request"].endswith("/$export?_type=Encounter")
    shown, deleted = set(), set()
    for each in exports(out):
        if each.name < folder:
            shown |= {r["id"] for r in resources_of(each) if r["resourceType"] == "Encounter"}
            deleted |= {reference.removeprefix("Encounter/") for reference in deleted_in(each)}
        elif each.name != folder:
            assert not forgotten & {r.get("id") for r in resources_of(each)}
    assert shown - full - deleted == forgotten
    assert full <= shown


def test_for_some_days_only_successive_exports_show_when_an_order_changed(out, planted):
    (row,) = planted["undated_change"]
    undated, shown = {change["id"] for change in row["changes"]}, defaultdict(set)
    for folder in exports(out):
        for resource in resources_of(folder):
            if resource["resourceType"] == "ServiceRequest":
                assert (resource["id"] in undated) == ("meta" not in resource)
                if resource["id"] in undated:
                    shown[resource["id"]].add(resource["status"])
    assert shown.keys() == undated
    assert any({"active", "completed"} <= statuses for statuses in shown.values())


def test_the_third_hospital_refers_to_encounters_by_address_and_now_and_then_by_version(as_delivered, latest):
    orders = [order for order in as_delivered["ServiceRequest"].values() if of_facility(order, "wh")]
    references = [order["encounter"]["reference"] for order in orders]
    assert all(reference.startswith("https://fhir.tworivers.example/r4/Encounter/enc-wh-") for reference in references)
    assert 0.05 < sum("/_history/" in reference for reference in references) / len(references) < 0.15
    assert {id_of(reference) for reference in references} <= latest["Encounter"].keys()


def test_the_second_hospital_asks_for_places_and_patients_by_identifier(as_delivered, latest, planted):
    visits = [e for e in as_delivered["Encounter"].values() if of_facility(e, "ec")]
    asked = {segment["location"]["reference"] for visit in visits for segment in visit["location"]}
    assert all(reference.startswith("Location?identifier=urn:sim:eastbrook:place|") for reference in asked)
    found = {s["location"]["reference"] for e in visits for s in latest["Encounter"][e["id"]]["location"]}
    unanswered = {reference for reference in found if "?" in reference}
    assert len(unanswered) > 1
    assert {reference[:-1] for reference in unanswered} == {"Location?identifier=urn:sim:eastbrook:place|loc-ec-ed-ft-"}
    orders = [o for o in as_delivered["ServiceRequest"].values() if of_facility(o, "ec")]
    assert all(o["subject"]["reference"].startswith("Patient?identifier=urn:sim:eastbrook:mrn|EC") for o in orders)
    for order in orders[::20]:
        subject = latest["ServiceRequest"][order["id"]]["subject"]["reference"].removeprefix("Patient/")
        assert latest["Patient"][subject]["identifier"][0]["value"] == order["subject"]["reference"].rpartition("|")[2]
    assert planted["conditional_reference"][0]["facility"] == "Eastbrook Community"


def test_patients_move_into_and_out_of_intensive_care_and_some_are_only_observed(latest):
    stays = [e for e in latest["Encounter"].values() if e["class"]["code"] == "IMP"]
    ward = [[s["location"]["reference"].split("-")[-2] for s in stay["location"]] for stay in stays]
    assert any("icu" in places[1:] for places in ward)
    assert any(places[0] == "icu" and len(places) > 1 for places in ward)
    observed = [e for e in latest["Encounter"].values() if e["class"]["code"] == "OBSENC"]
    assert {s["location"]["reference"].split("-")[-2] for e in observed for s in e["location"]} == {"obs"}
    visits = {e["partOf"]["reference"].removeprefix("Encounter/") for e in observed}
    assert {latest["Encounter"][v]["class"]["code"] for v in visits} == {"EMER"}
    decided = {
        id_of(o["encounter"]["reference"])
        for o in latest["ServiceRequest"].values()
        if o["code"]["coding"][0]["code"] == "32485007"
    }
    assert not decided & visits


def test_the_second_pilot_is_registered_and_changes_nothing(out, planted):
    (idle,) = planted["pilot_without_effect"]
    assert (idle["facility"], idle["ward"], idle["minutes"]) == ("Eastbrook Community", "mu", 0)
    entries = [json.loads(line) for line in (out / "decisions.ndjson").read_text().splitlines()]
    plans = {e["subject"]: (e["facility"], json.loads(e["value"])) for e in entries if e["action"] == "pilot"}
    facility, plan = plans["discharge-lounge"]
    assert (facility, plan["unit"], plan["starts_on"]) == ("Eastbrook Community", "Maple Unit", idle["from"][:10])
    assert plans["discharge-by-noon"][1]["kpi"] == plan["kpi"] == "discharge_order_to_departure"
    assert all(e["decided_at"] < plan["starts_on"] for e in entries if e["subject"] == "discharge-lounge")
