"""The demo's hospital is simulated beside this process, which takes in what it hands over: nothing of it may show afterwards."""

import json

import pytest

from pipelines import keys, settings, warehouse
from pipelines.cli import at_work
from pipelines.cli.demo import MARKER, is_there
from pipelines.errors import PipelineError
from pipelines.home import Home

SIZE = {"days": 2, "facilities": 1, "seed": 7}


def taken_in(home, days_at_once, monkeypatch):
    """The accounts of a hospital's files, and how often somebody looked for them."""
    monkeypatch.setattr(at_work, "DAYS_AT_ONCE", days_at_once)
    shares = []
    with at_work.at_work(home.landing, **SIZE) as hospital:
        hospital.await_opening()
        home.path.joinpath("wardflow.toml").write_bytes(home.landing.joinpath("wardflow.toml").read_bytes())
        home.create()
        keys.create(settings.load(home))
        files = at_work.take_in_meanwhile(home, hospital, shares.append)
        report = hospital.report()
    assert shares[-1] == 1
    assert report.messages == json.loads((home.landing / "truth.json").read_text())["counts"]["messages"]
    with warehouse.connect(settings.load(home)) as db:
        rows = db.execute(
            "select (select count(*) from raw.fhir_encounter), (select count(*) from raw.interface_event)"
        )
        return {
            path.rpartition("landing/")[2]: vars(each) | {"path": ""} for path, each in files.items()
        }, rows.fetchall()


def test_what_is_taken_in_while_the_hospital_works_is_what_is_taken_in_at_its_end(tmp_path, monkeypatch):
    meanwhile = taken_in(Home(tmp_path / "meanwhile"), 0, monkeypatch)
    afterwards = taken_in(Home(tmp_path / "afterwards"), 100, monkeypatch)
    assert meanwhile == afterwards
    assert len(meanwhile[0]) > 20


def test_a_hospital_that_ends_too_early_is_an_error_of_one_line(tmp_path, capfd):
    with (
        pytest.raises(PipelineError, match=r"^The simulation ended before its last day. Run the demo again.$"),
        at_work.at_work(tmp_path, days=0, facilities=1, seed=7) as hospital,
    ):
        list(hospital.shares())
    capfd.readouterr()


def test_of_an_interrupted_demo_nothing_is_left_but_of_a_finished_one_everything(tmp_path):
    home = Home(tmp_path)
    left = (home.landing / "fhir" / "Encounter.ndjson", home.warehouse_path, home.path / "warehouse.duckdb.wal")
    left[0].parent.mkdir(parents=True)
    for is_finished in (True, False):
        (home.path / MARKER).write_text(json.dumps({"settings": SIZE, "finished": is_finished}), encoding="utf-8")
        for path in left:
            path.touch()
        assert is_there(home, SIZE) is is_finished
        assert [path.exists() for path in left] == [is_finished] * 3
