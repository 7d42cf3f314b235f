"""A run over an export that lacks too much of what was known: it stops with one line, and has taken everything in."""

import json

import duckdb

from pipelines import keys
from pipelines.home import Home
from pipelines.refresh import refresh
from pipelines.settings import load


def deliver(home, source, day, count):
    folder = home.landing / source / f"{day:02}"
    folder.mkdir(parents=True)
    resources = [{"resourceType": "Encounter", "id": f"e{n}", "status": "finished"} for n in range(count)]
    (folder / "Encounter.ndjson").write_text("".join(json.dumps(each) + "\n" for each in resources))
    page = {
        "transactionTime": f"2026-01-{day:02}T00:00:00Z",
        "request": "https://ehr.example/$export?_type=Encounter",
        "output": [{"type": "Encounter", "url": "https://ehr.example/Encounter.ndjson", "count": count}],
    }
    (folder / "manifest.json").write_text(json.dumps(page))


def test_a_run_stops_with_one_line_at_once_after_all_sources_have_come_in(tmp_path):
    home = Home(tmp_path / "home").create()
    home.settings_path.write_text(
        "".join(f'[[sources]]\nname = "{name}"\nkind = "fhir"\npath = "landing/{name}"\n' for name in "ab")
    )
    keys.create(load(home))
    deliver(home, "a", 3, 10)
    deliver(home, "a", 5, 1)
    deliver(home, "b", 5, 2)
    result = refresh(home)
    assert not result.succeeded
    assert "Source 'a': its export of 2026-01-05 00:00 lacks 9 of 10 known Encounter resources" in (
        result.failure or ""
    )
    assert "\n" not in (result.failure or "")
    with duckdb.connect(str(home.warehouse_path)) as db:
        assert db.execute("select source, count(*) from raw.fhir_encounter group by all order by 1").fetchall() == [
            ("a", 10),
            ("b", 2),
        ]
