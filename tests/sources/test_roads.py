"""The same true messages on every road into Wardflow come to the same states, attempts and latencies, as far as a road can know.

A simulated engine sends some hundred messages, many of them into an outage; each format's file is read by its own adapter.
"""

import json
import os
from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import narwhals.stable.v2 as nw
import pytest

from models.kpi import Selection, evaluate
from models.kpis import find_kpi
from pipelines.home import Home
from sample_data.answers import Cells
from sample_data.clock import HOUR, MINUTE, SECOND, Calendar
from sample_data.engine import Engine
from sample_data.facility import facilities
from sample_data.feeds import STORM_LINE
from sample_data.people import person_of
from sample_data.roads import Roads
from sample_data.simulate import simulate
from sample_data.trace import Trace
from sample_data.truth_interfaces import interfaces
from tests.sources.conftest import KEY, Site

if TYPE_CHECKING:
    from sample_data.feeds import FeedPlants

SEED, MESSAGES, EVERY = 46, 599, 36 * SECOND
"""A seed whose messages meet everything: refusals, time-outs, an outage, replays that help and that do not, a queue at the cut."""
KINDS = (("ADT", "ADT^A01"), ("ADT", "ADT^A08"), ("ORDERS", "ORM^O01"), ("RESULTS", "ORU^R01"), ("ADT", "ADT^A03"))
KNOWS_ALL = ("ndjson", "csv", "cloudevents")
COUNTS = ("bus", "grid", "functions")
ROADS = (*KNOWS_ALL, "snapshots", "mirth", "tables", "capture", "archive", "azure", "gateway", "insights", "otlp")
KPIS = (
    "interface_messages",
    "interface_final_failure_rate",
    "interface_first_attempt_failure_rate",
    "interface_retry_rate",
    "interface_attempts_per_delivery",
    "interface_ack_latency",
)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """The site with every road's messages, what each road can know, and the answers to the KPIs."""
    os.environ["WARDFLOW_SITE_KEY"] = KEY
    folder = tmp_path_factory.mktemp("roads")
    facility, calendar, trace = facilities(2)[1], Calendar(1), Trace()
    span = (calendar.start_ms, calendar.start_ms + (MESSAGES - 1) * EVERY + 6 * SECOND)
    roads = Roads(facility, folder, span)

    def note(message):
        roads.add(message)
        trace.message(0, facility.source, message, has_router=False)

    outage = (span[0] + HOUR, span[0] + HOUR + 50 * MINUTE)
    storm = {"storm": (span[1] - 10 * SECOND, span[1] + HOUR)}
    feeds = SimpleNamespace(drift=None, of_line=lambda _, line: storm if line == STORM_LINE else {})
    engine = Engine(facility, SEED, (calendar.begin_ms, span[1]), outage, note, cast("FeedPlants", feeds))
    for i in range(MESSAGES):
        channel, kind = KINDS[i % len(KINDS)]
        person = person_of(facility.prefix, i + 1, SEED)
        engine.send(channel, kind, span[0] + i * EVERY, person, f"V{i}", placer=f"P{i}" if channel != "ADT" else None)
    roads.write()
    cells = Cells(calendar, facilities(1))
    cells.cut = span[1] // SECOND
    site = Site(Home(folder))
    assert site.ingest(folder / "landing").totals["quarantined"] == 0
    site.build("marts.message", "marts.intervention")
    yield site, json.loads((folder / "truth.json").read_text()), interfaces(trace, cells)
    site.db.close()


@pytest.mark.parametrize("road", ROADS)
def test_a_road_tells_of_every_delivery_what_it_can_know(hospital, road):
    site, truth, _ = hospital
    found = Counter(
        site.db.execute(
            """select destination, state, attempts, attempts_exact, round(ack_latency_ms)::bigint
            from marts.message_delivery where source = $road""",
            {"road": road},
        ).fetchall()
    )
    expected = Counter(tuple(known.values()) for known in truth["roads"][road])
    if road in ("capture", "archive"):  # a link's destination is named with its facility
        found = Counter({(to.split("/")[0], *rest): n for (to, *rest), n in found.items()})
    assert found == expected


COUNTED = """select flow_id, node_name, sum(coalesce(event_count, 1))::bigint
    from raw.interface_event where source = $road and node_role = 'system' and event_type = $event group by all"""


@pytest.mark.parametrize("road", [*COUNTS, "insights"])
def test_a_service_of_azure_counts_every_failure_that_it_can_see(hospital, road):
    site, truth, _ = hospital
    told = truth["counts"][road]
    for event, expected in (("attempt_failed", told["failures"]), ("dead_lettered", told.get("given_up", []))):
        found = site.db.execute(COUNTED, {"road": road, "event": event}).fetchall()
        assert sorted(map(list, found), key=str) == sorted(expected, key=str)
    assert sum(n for _, _, n in told["failures"]) > 50  # the outage


def test_the_depths_of_the_queues_are_as_they_were_at_every_minute(hospital):
    site, truth, _ = hospital
    site.build("marts.engine_queue_hour")
    found = site.rows(
        """select node, began_at, samples, most_waiting, last_waiting, is_dead_letter
        from marts.engine_queue_hour where source = 'bus' order by node, began_at"""
    )
    expected = [(queue, datetime.fromisoformat(hour), *rest) for queue, hour, *rest in truth["counts"]["bus"]["depths"]]
    assert [row[:5] for row in found] == expected
    assert {(queue, is_dead) for queue, *_, is_dead in found} == {
        ("ActiveMessages", False),
        ("DeadletteredMessages", True),
    }
    assert max(most for queue, _, _, most, _ in expected if queue == "DeadletteredMessages") > 1


def test_a_function_tells_what_it_did_with_every_message_and_no_more(hospital):
    site, truth, _ = hospital
    found = site.rows("select channel, state, count(*) from marts.message where source = 'functions' group by all")
    assert sorted(map(list, found)) == truth["counts"]["functions"]["messages"]
    assert sum(n for _, _, n in found) == MESSAGES


def test_the_three_shapes_of_a_diagnostic_setting_are_all_there_and_what_a_road_cannot_tell_is_said(hospital):
    site, truth, _ = hospital
    for road in ("azure", "gateway", "insights", *COUNTS):
        shapes = site.rows(
            f"""select regexp_extract(path, '{road}/([a-z]+)/', 1) as shape, sum(loaded) > 0 from account.file
            where path like 'landing/{road}/%' group by all order by all"""
        )
        assert shapes == [("eventhub", True), ("storage", True), ("workspace", True)]
    assert set(truth["cannot_know"]) == {*ROADS, *COUNTS} - set(KNOWS_ALL)


def test_the_messages_are_worth_the_comparison(hospital):
    _, truth, _ = hospital

    def courses(road):
        return {(each["state"], each["attempts"]) for each in truth["roads"][road]}

    assert courses("ndjson") > {
        ("delivered", 1),
        ("delivered", 2),
        ("delivered", 10),
        ("dead_lettered", 10),
        ("failed", 9),
    }
    assert {state for state, _ in courses("ndjson")} == {"delivered", "dead_lettered", "failed", "queued"}
    assert courses("capture") == {("delivered", 1), ("delivered", 2), ("failed", 1)}
    assert len(truth["roads"]["capture"]) < len(truth["roads"]["ndjson"])  # of some no connection was ever made


@pytest.mark.parametrize("kpi_id", KPIS)
@pytest.mark.parametrize("road", KNOWS_ALL)
def test_a_road_that_knows_all_gives_the_true_answer(hospital, road, kpi_id):
    site, truth, answers = hospital
    kpi, as_of = find_kpi(kpi_id), datetime.fromisoformat(truth["as_of"])
    (cell,) = (each for each in answers[kpi_id] if each["facility"] is None and each["grain"] == "all")
    mart = nw.from_native(site.db.sql(f"select * from marts.{kpi.mart} where source = '{road}'"))
    chosen = Selection(start=as_of.date(), end=as_of.date() + timedelta(days=1))
    (row,) = evaluate(kpi, mart, chosen, as_of=as_of).collect("pyarrow").rows(named=True)
    assert {name: row[name] for name in cell["true"]} == pytest.approx(cell["true"], rel=1e-9)


@pytest.mark.parametrize("road", [*KNOWS_ALL, "mirth", "tables", "azure"])
def test_a_road_that_says_what_people_did_tells_it_as_it_was(hospital, road):
    site, truth, _ = hospital
    done = truth["interventions"]
    assert done["replayed"] > done["recovered"] > 0
    ((replayed, recovered, discarded),) = site.db.execute(
        """select count(*) filter (where kind = 'replayed'), count(*) filter (where is_recovered),
            count(*) filter (where kind = 'discarded') from marts.intervention where source = $road and is_confirmed""",
        {"road": road},
    ).fetchall()
    assert (replayed, recovered) == (done["replayed"], done["recovered"])
    assert discarded == (done["discarded"] if road in KNOWS_ALL else 0)


def test_no_delivery_of_one_road_is_taken_for_one_of_another(hospital):
    site, _, _ = hospital
    assert site.rows("select count(*) = count(distinct delivery_key) from marts.message_delivery") == [(True,)]


def test_every_acknowledgement_of_the_capture_finds_its_message(hospital):
    site, _, _ = hospital
    ((n, paired, ambiguous),) = site.rows(
        "select count(*), count(message_uid), count(*) filter (where is_ambiguous) from staging.acknowledgement"
    )
    assert n == paired > MESSAGES / 2
    assert ambiguous == 0


def test_a_simulation_writes_the_roads_where_it_is_asked_to(tmp_path, monkeypatch):
    monkeypatch.setattr("sample_data.simulate.Calendar", lambda days: Calendar(days, warm_up=1))
    simulate(tmp_path, days=2, facilities=1, roads=True)
    truth = json.loads((tmp_path / "roads" / "truth.json").read_text())
    assert truth["as_of"].startswith("2025-10-14T00:00:00")  # the first of the two days
    assert (
        set(truth["roads"]) == {path.name for path in (tmp_path / "roads" / "landing").iterdir()} == {*ROADS, *COUNTS}
    )
