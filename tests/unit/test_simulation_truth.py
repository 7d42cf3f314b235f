"""The known answers: consistent in themselves, and equal to what a plain reading of the files gives."""

import json
import tomllib
from collections import defaultdict
from datetime import date, datetime, timedelta
from statistics import median

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.kpis import KPIS
from sample_data.answers import completion_time, quantile
from sample_data.simulate import simulate
from tests.exported import id_of, latest_of, resolved

DAYS = 15
ADDITIVE = (
    "ed_arrivals",
    "ed_left_before_seen",
    "critical_result_acknowledged",
    "handoff_missed_rate",
    "interface_messages",
    "interface_final_failure_rate",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    simulate(folder, days=DAYS, seed=11)
    return folder


@pytest.fixture(scope="module")
def truth(out):
    return json.loads((out / "truth.json").read_text())


@pytest.fixture(scope="module")
def latest(out):
    return resolved(latest_of(out))


def cells(truth, kpi, side):
    return {(c["facility"], c["grain"], c["period"]): c[side] for c in truth["kpis"][kpi]}


def minutes(begin, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() / 60


def in_run(truth, instant):
    return truth["start"] <= instant[:10] < truth["end"]


def is_ordered(truth, order, category):
    """An order of this category, placed in the run and not taken back."""
    found = [coding["code"] for concept in order.get("category", ()) for coding in concept["coding"]]
    return found == [category] and order["status"] != "revoked" and in_run(truth, order["authoredOn"])


def test_there_is_a_cell_for_every_week_and_facility_and_for_all(truth):
    weeks = ["2025-10-13", "2025-10-20", "2025-10-27"]
    for kpi, rows in truth["kpis"].items():
        names = [None, *truth["facilities"]] + (["Unregistered"] if KPIS[kpi].family == "interfaces" else [])
        wanted = {(name, "week", week) for name in names for week in weeks} | {(n, "all", weeks[0]) for n in names}
        assert {(c["facility"], c["grain"], c["period"]) for c in rows} == wanted
        assert len(rows) == len(wanted)
    assert truth["kpis"].keys() == KPIS.keys()


@pytest.mark.parametrize("kpi", ADDITIVE)
@pytest.mark.parametrize("side", ["true", "observable"])
def test_parts_add_up_to_the_whole(truth, kpi, side):
    found = cells(truth, kpi, side)
    for part in ("numerator", "denominator"):
        facilities = defaultdict(float)
        weeks = defaultdict(float)
        for (name, grain, period), value in found.items():
            if name is not None:
                facilities[grain, period] += value[part]
            if grain == "week":
                weeks[name] += value[part]
        for (name, grain, period), value in found.items():
            if name is None:
                assert facilities[grain, period] == value[part]
            if grain == "all":
                assert weeks[name] == value[part]


def test_only_the_planted_gaps_make_the_observable_differ_from_the_true(truth):
    differ = {(kpi, c["facility"]) for kpi, rows in truth["kpis"].items() for c in rows if c["true"] != c["observable"]}
    gaps = (
        "ed_door_to_room",
        "ed_four_hour_performance",
        "ed_length_of_stay",
        "ed_boarding_ed2",
        "lab_turnaround",
        "lab_turnaround_median",
        "lab_turnaround_stat",
        "lab_receipt_to_verification",
        "order_to_fulfilment",
        "status_disagreement_rate",
        "cases_on_path_rate",
        "steps_in_window_rate",
    )
    assert {kpi for kpi, _ in differ} <= set(gaps)
    assert {place for kpi, place in differ if kpi == "order_to_fulfilment"} <= {None, "Westhaven Regional"}
    assert {("ed_length_of_stay", "Eastbrook Community"), ("lab_turnaround", "Eastbrook Community")} <= differ
    assert not [pair for pair in differ if pair[1] == "Northfield General"]


def test_emergency_visits_in_the_files_give_the_observable_values(truth, latest):
    places = {f"Location/{ident}" for ident in latest["Location"]}
    visits = [e for e in latest["Encounter"].values() if e["class"]["code"] == "EMER"]
    arrived = [v for v in visits if in_run(truth, v["period"]["start"])]
    assert cells(truth, "ed_arrivals", "observable")[None, "all", truth["start"]]["value"] == len(arrived)

    ended = [v for v in visits if "end" in v["period"] and in_run(truth, v["period"]["end"])]
    known = [v for v in ended if all(s["location"]["reference"] in places for s in v["location"])]
    stays = [minutes(v["location"][0]["period"]["start"], v["location"][-1]["period"]["end"]) for v in known]
    found = cells(truth, "ed_length_of_stay", "observable")[None, "all", truth["start"]]
    assert found["value"] == pytest.approx(median(stays), abs=1e-9)
    assert found["denominator"] == len(stays)
    assert found["open_cases"] == sum("end" not in v["period"] for v in visits)

    left = [v for v in ended if v["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "21541000119102"]
    share = cells(truth, "ed_left_before_seen", "observable")[None, "all", truth["start"]]
    assert (share["numerator"], share["denominator"]) == (len(left), len(ended))

    decided = {}
    for order in latest["ServiceRequest"].values():
        if order["code"]["coding"][0]["code"] == "32485007":
            visit = id_of(order["encounter"]["reference"])
            decided[visit] = min(order["authoredOn"], decided.get(visit, "9"))
    waits = [minutes(decided[v["id"]], v["location"][-1]["period"]["end"]) for v in known if v["id"] in decided]
    boarding = cells(truth, "ed_boarding_ed2", "observable")[None, "all", truth["start"]]
    assert boarding["value"] == pytest.approx(median(waits), abs=1e-9)
    assert boarding["denominator"] == len(waits)


def test_laboratory_orders_in_the_files_give_the_observable_value(truth, latest):
    reports = {r["basedOn"][0]["reference"][15:]: r for r in latest["DiagnosticReport"].values()}
    cases = []
    for ident, order in latest["ServiceRequest"].items():
        if not is_ordered(truth, order, "108252007"):
            continue
        issued = reports.get(ident, {}).get("issued")
        if issued is None:
            cases.append((minutes(order["authoredOn"], truth["as_of"]), False))
        elif "T" in issued:
            cases.append((minutes(order["authoredOn"], issued), True))
    found = cells(truth, "lab_turnaround", "observable")[None, "all", truth["start"]]
    assert found["value"] == pytest.approx(completion_time(cases, 0.9), abs=1e-9)
    assert (found["numerator"], found["denominator"]) == (sum(done for _, done in cases), len(cases))


def test_the_legs_of_laboratory_orders_in_the_files_give_the_observable_medians(truth, latest):
    samples = {s["request"][0]["reference"][15:]: s for s in latest["Specimen"].values()}
    legs = {"lab_order_to_collection": [], "lab_collection_to_receipt": []}
    for ident, order in latest["ServiceRequest"].items():
        if not is_ordered(truth, order, "108252007"):
            continue
        collected = samples.get(ident, {}).get("collection", {}).get("collectedDateTime")
        received = samples.get(ident, {}).get("receivedTime")
        for leg, begin, end in (
            ("lab_order_to_collection", order["authoredOn"], collected),
            ("lab_collection_to_receipt", collected, received),
        ):
            if begin:
                legs[leg].append((minutes(begin, end or truth["as_of"]), end is not None))
    for leg, cases in legs.items():
        found = cells(truth, leg, "observable")[None, "all", truth["start"]]
        assert found["value"] == pytest.approx(completion_time(cases, 0.5), abs=1e-9)
        assert (found["denominator"], found["open_cases"]) == (len(cases), sum(not done for _, done in cases))


def test_examinations_in_the_files_give_the_observable_turnaround(truth, latest):
    studies = {s["basedOn"][0]["reference"][15:]: s["started"] for s in latest["ImagingStudy"].values()}
    final = {
        r["basedOn"][0]["reference"][15:]: r["issued"]
        for r in latest["DiagnosticReport"].values()
        if r["status"] == "final"
    }
    orders = {i: o for i, o in latest["ServiceRequest"].items() if is_ordered(truth, o, "363679005")}
    for kpi, begun, ended, q in (
        ("imaging_turnaround", {i: o["authoredOn"] for i, o in orders.items()}, final, 0.9),
        ("imaging_order_to_exam", {i: o["authoredOn"] for i, o in orders.items()}, studies, 0.5),
        ("imaging_exam_to_report", {i: studies[i] for i in orders if i in studies}, final, 0.5),
    ):
        cases = [(minutes(at, ended.get(i, truth["as_of"])), i in ended) for i, at in begun.items()]
        found = cells(truth, kpi, "observable")[None, "all", truth["start"]]
        assert found["value"] == pytest.approx(completion_time(cases, q), abs=1e-9)
        assert (found["numerator"], found["denominator"]) == (sum(done for _, done in cases), len(cases))


def test_critical_results_in_the_files_give_the_observable_share(truth, latest):
    acknowledged = {
        t["focus"]["reference"].removeprefix("Observation/"): t["executionPeriod"]["end"]
        for t in latest["Task"].values()
        if t["code"]["coding"][0]["code"] == "critical-result-ack" and t["status"] == "completed"
    }
    in_time = settled = 0
    for ident, result in latest["Observation"].items():
        if result["interpretation"][0]["coding"][0]["code"] not in ("HH", "LL") or not in_run(truth, result["issued"]):
            continue
        if ident in acknowledged or minutes(result["issued"], truth["as_of"]) >= 60:
            settled += 1
            in_time += ident in acknowledged and minutes(result["issued"], acknowledged[ident]) <= 60
    found = cells(truth, "critical_result_acknowledged", "observable")[None, "all", truth["start"]]
    assert (found["numerator"], found["denominator"]) == (in_time, settled)


def test_handoffs_in_the_files_give_the_observable_backlog_and_missed_rate(truth, latest):
    handoffs = [t for t in latest["Task"].values() if t["code"]["coding"][0]["code"] == "handoff"]
    closed = {}
    for t in handoffs:
        accepted = t.get("executionPeriod", {}).get("start")
        closed[t["id"]] = accepted or (t["lastModified"] if t["status"] in ("failed", "cancelled") else None)
    for (name, grain, period), found in cells(truth, "handoffs_open", "observable").items():
        if name is None:
            end = date.fromisoformat(period) + timedelta(days=DAYS if grain == "all" else 7)
            end = min(end.isoformat(), truth["end"])
            waiting = [
                t
                for t in handoffs
                if t["authoredOn"][:10] < end and (closed[t["id"]] is None or closed[t["id"]] >= end)
            ]
            assert found["value"] == len(waiting)
    missed = settled = 0
    for t in handoffs:
        if in_run(truth, t["authoredOn"]):
            due, accepted = t["restriction"]["period"]["end"], t.get("executionPeriod", {}).get("start")
            if closed[t["id"]] or minutes(due, truth["as_of"]) >= 0:
                settled += 1
                missed += accepted is None or minutes(due, accepted) > 0
    found = cells(truth, "handoff_missed_rate", "observable")[None, "all", truth["start"]]
    assert (found["numerator"], found["denominator"]) == (missed, settled)


def test_events_in_the_log_give_the_observable_interface_values(out, truth):
    received, last, tried, latencies = 0, {}, {}, []
    for path in sorted((out / "logs" / "engine-eastbrook").iterdir()):
        for line in path.read_bytes().splitlines():
            event = orjson.loads(line)
            received += event["event"] == "RECV"
            delivery = (event["msg"], event.get("dest"))
            if event["event"] == "TRY":
                tried[delivery] = event["ts"]
            if event["event"] == "ACK":
                latencies.append(round(minutes(tried[delivery], event["ts"]) * 60_000))
            if delivery[1] and event["event"] != "HOPRECV":
                last[delivery] = event["event"]
    where = ("Eastbrook Community", "all", truth["start"])
    assert cells(truth, "interface_messages", "observable")[where]["value"] == received
    rate = cells(truth, "interface_final_failure_rate", "observable")[where]
    ended = [state for state in last.values() if state in ("ACK", "DEAD", "DISCARD")]
    failed = len(ended) - ended.count("ACK")
    assert (rate["numerator"], rate["denominator"]) == (failed, len(ended))
    assert rate["open_cases"] == len(last) - len(ended)
    latency = cells(truth, "interface_ack_latency", "observable")[where]
    assert latency["value"] == pytest.approx(quantile(latencies, 0.95), abs=1e-9)


def test_the_hospitals_own_files_name_what_is_there(out, truth):
    registry = tomllib.loads((out / "registry.toml").read_text())
    flows = {(row["source"], row["flow"]) for row in registry["interface"]}
    assert ("mirth-northfield", "ROUTER") in flows
    assert ("engine-eastbrook", "ADT") in flows
    assert {name for workflow in registry["workflow"] for step in workflow["step"] for name in step} == {
        "name",
        "owner",
        "window_minutes",
        "exception",
        "expected",
        "is_record",
    }
    settings = tomllib.loads((out / "wardflow.toml").read_text())
    assert [source["name"] for source in settings["sources"]] == [
        "ehr",
        "mirth-northfield",
        "engine-northfield",
        "engine-eastbrook",
        "engine-westhaven",
        "processes-westhaven",
    ]
    assert settings["sources"][2]["authorities"]["control"] == "msh:LIS/NORTHFIELD"
    assert settings["sources"][3]["authorities"]["mrn"] == "urn:sim:eastbrook:mrn"
    entries = [json.loads(line) for line in (out / "decisions.ndjson").read_text().splitlines()]
    assert [entry["decided_at"] for entry in entries] == sorted(entry["decided_at"] for entry in entries)
    assert {entry["action"] for entry in entries} == {"assign", "target", "acknowledge", "pilot"}
    assert all(entry["decided_at"] < truth["as_of"] for entry in entries)


def test_the_numbers_look_like_a_hospital(truth):
    where = (None, "all", truth["start"])
    value = {kpi: cells(truth, kpi, "true")[where]["value"] for kpi in truth["kpis"]}
    assert 180 < value["ed_length_of_stay"] < 280
    assert value["ed_left_before_seen"] < 0.08
    assert 45 < value["ed_boarding_ed2"] < 300
    assert 50 < value["lab_turnaround"] < 130
    assert value["lab_turnaround_median"] < value["lab_turnaround"]
    assert value["lab_turnaround_stat"] < value["lab_turnaround"]
    assert value["imaging_order_to_exam"] < value["imaging_turnaround"] < 300
    assert 0.75 < value["critical_result_acknowledged"] < 0.97
    assert 8 < value["critical_acknowledgement_time"] < 40
    assert value["escalation_latency"] < 30
    assert 8 < value["handoff_acceptance_time"] < 18
    assert value["interface_final_failure_rate"] < 0.01
    assert 150 < value["interface_ack_latency"] < 900


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40), st.sampled_from([0.5, 0.9]))
def test_with_nothing_open_a_completion_time_is_the_nearest_rank(durations, q):
    rank = -(-len(durations) * round(q * 10) // 10)
    assert completion_time([(d, True) for d in durations], q) == sorted(durations)[rank - 1]


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30), st.integers(0, 500))
def test_an_open_case_never_makes_the_completion_time_shorter(durations, waited):
    cases = [(d, True) for d in durations]
    without, with_open = completion_time(cases, 0.5), completion_time([*cases, (waited, False)], 0.5)
    assert with_open is None or with_open >= without


def test_a_quantile_lies_between_its_neighbours():
    # ranks 1, 2, 3, 4: the median lies half-way between 2 and 3, the 0.9 quantile at 3 + 0.7
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([4, 1, 3, 2], 0.9) == pytest.approx(3.7)
    assert quantile([], 0.5) is None
