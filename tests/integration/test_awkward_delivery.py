"""One run over what nobody would wish to be handed: a file that was cut, and people in every text of every type and message."""

import hashlib
import json
import os
import re
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from dashboard import data
from dashboard.access import Person
from models.catalog import tables
from models.publication import load_current
from pipelines.cli import main
from pipelines.home import Home
from pipelines.refresh import refresh
from pipelines.scheduler import prepare_dagster_home
from sample_data.people import planted_strings
from tests.homes import copied
from tests.sources.test_engine_logs import connector, message, record
from tests.sources.test_planted_people import NEEDLES, SENTENCE, resources

SHORTEST = 4
_HEXADECIMAL = re.compile("[0-9A-F]+")
HL7 = (
    f"MSH|^~\\&|{SENTENCE}|L|LIS|L|20251023085959||ADT^A40|{SENTENCE}|P|2.5\rPID|1||{SENTENCE}^^^{SENTENCE}^MR||{SENTENCE}\r"
    f"PV1|1|{SENTENCE}\rMRG|{SENTENCE}^^^{SENTENCE}\rNTE|1||{SENTENCE}\r{SENTENCE}|{SENTENCE}"
)


def plant(home):
    """People in every text of every FHIR type, in messages and in an engine's log."""
    folder = home.landing / "fhir" / "people"
    folder.mkdir()
    folder.joinpath("records.ndjson").write_text("".join(json.dumps(each) + "\n" for each in resources()))
    (mirth,) = (home.landing / "logs").glob("mirth-*")
    failed = connector(1, "ERROR", 5, 1, 6, 90, error=SENTENCE, response=SENTENCE)
    meta = dict.fromkeys(("CONTROL_ID", "TYPE", "MRN", "VISIT", "PLACER", SENTENCE), SENTENCE)
    rows = (connector(0, "TRANSFORMED", raw=HL7), connector(0, "TRANSFORMED", raw=HL7, meta=meta))
    mirth.joinpath("people.xml").write_text(
        "".join(message(row, failed, number=n) for n, row in enumerate(rows, 900_000))
    )
    logs = min((home.landing / "logs").glob("engine-*"))
    texts = dict.fromkeys(
        ("host", "channel", "type", "dest", "error", "mrn", "visit", "operator", "role", "schema", SENTENCE), SENTENCE
    )
    told = [
        record(seq=990_000 + n, msg=SENTENCE, event=event, **texts) for n, event in enumerate(("RECV", "NAK", SENTENCE))
    ]
    logs.joinpath("people.ndjson").write_text("".join(json.dumps(each) + "\n" for each in told))


@pytest.fixture(scope="module")
def spoiled(published_home, tmp_path_factory):
    """A home after a second run, over an Encounter file that was cut and the files of `plant`; and what the run said."""
    home = Home(copied(published_home.path.parent, tmp_path_factory.mktemp("awkward")))
    home.path.joinpath("truth.json").unlink()  # the simulation's, not the hospital's
    folder = home.landing / "fhir" / "2025-10-24"
    folder.mkdir()
    good = (home.landing / "fhir" / "2025-10-23" / "Encounter.ndjson").read_bytes().splitlines(keepends=True)
    folder.joinpath("Encounter.ndjson").write_bytes(b"".join(good[:-1]) + good[-1][: len(good[-1]) // 2])
    plant(home)
    with pytest.MonkeyPatch.context() as patch:  # the same job, written down in Dagster's home as the daemon's runs are
        storage = str(prepare_dagster_home(home))
        patch.setattr(dg.DagsterInstance, "ephemeral", lambda: dg.DagsterInstance.from_config(storage))
        return home, refresh(home), len(good)


def test_a_spoiled_file_gives_one_clear_line_and_loses_nothing(spoiled):
    home, result, lines = spoiled
    assert result.succeeded, result.failure
    (account,) = [file for file in result.ingested.files if "2025-10-24" in file.path]
    assert account.lines_read == lines
    assert (account.quarantined, account.unchanged + account.loaded) == (1, lines - 1)
    assert len(account.reasons) == 1
    manifest = load_current(home.published)
    quarantine = pl.read_parquet([home.published / file for file in manifest.table("quarantine").files])
    (row,) = quarantine.iter_rows(named=True)
    assert row["line"] == lines
    assert row["cure"].endswith(".")


def exported(home, place):
    """All that can leave the home: every export, cases on the command line and cases on the dashboard."""

    def run(*words):
        result = CliRunner().invoke(main, list(words), env={"WARDFLOW_HOME": str(home.path)})
        assert result.exit_code == 0, result.output
        return result.output

    purpose = ("--purpose", "a test of privacy")
    told = [
        run("export", "--html", str(place / "pack.html")),
        run("export", "--parquet", str(place / "tables"), *purpose),
        run("export", "--xes", str(place / "steps.xes"), *purpose),
        run("export", "--ocel", str(place / "steps.json"), *purpose),
        run("kpi", "cases", "ed_length_of_stay", *purpose),
        *(
            run(*words)
            for words in (
                ("status",),
                ("ledger",),
                ("drift",),
                ("interfaces",),
                ("kpi", "value", "ed_length_of_stay", "--format", "json"),
            )
        ),
    ]
    found, engineer = data.snapshot(), Person("engineer@example", "engineer", "engineer")
    for table in (name for name in found.tables if found.table(name).audience != "aggregates"):
        opening = data.open_cases(found, engineer, table, "all", "a test of privacy")
        told += [str(data.opened_rows(opening, found, table))]
    return "\n".join(told)


def tables_of(path: Path) -> str:
    """The values of a file of tables; of any other its bytes. One character a byte. Of the warehouse without the marts that are
    published as they are, which lie among the files.
    """
    if path.suffix == ".parquet":
        rows = duckdb.sql(f"select coalesce(string_agg(t::varchar, chr(10)), '') from '{path}' as t").fetchall()
    elif path.suffix == ".duckdb":
        published = [table.name for table in tables() if table.is_published]
        with duckdb.connect(str(path), read_only=True) as db:
            names = db.execute(
                "select schema_name, table_name from duckdb_tables() where not temporary "
                "and not (schema_name = 'marts' and list_contains($published, table_name))",
                {"published": published},
            ).fetchall()
            assert len(names) > 40
            query = "select coalesce(string_agg(t::varchar, chr(10)), '') from {}.\"{}\" as t"
            rows = [row for name in names for row in db.execute(query.format(*name)).fetchall()]
    else:
        return path.read_bytes().decode("latin-1")
    return "\n".join(text for (text,) in rows).encode().decode("latin-1")


def held(needles: list[str], text: str) -> list[str]:
    """Those of the strings that a text holds, in whatever case; as they are written where a keyed hash, which is hexadecimal and
    in lower case, could hold them by chance.
    """
    needles = [each.encode().decode("latin-1") for each in needles]
    as_written = [each for each in needles if _HEXADECIMAL.fullmatch(each)]
    others = [each.lower() for each in needles if not _HEXADECIMAL.fullmatch(each)]
    found = set[str]()
    for searched, wanted in ((text, as_written), (text.lower(), others)):
        if wanted:
            found.update(*pl.Series([searched]).str.extract_many(wanted).to_list())
    return sorted(found)


def test_the_delivered_files_do_hold_planted_strings(published_home):
    people = [text for text in planted_strings() if len(text) >= SHORTEST]
    for delivered in (
        next((published_home.landing / "fhir").rglob("Patient.ndjson")),
        next((published_home.landing / "logs").rglob("*.xml")),
    ):
        assert held(people, delivered.read_bytes().decode("latin-1"))


def test_nobody_is_in_any_byte_that_was_published_exported_or_logged(spoiled, tmp_path, monkeypatch, capfd):
    home, result, _ = spoiled
    monkeypatch.setenv("WARDFLOW_HOME", str(home.path))
    told = exported(home, tmp_path) + json.dumps(result.ingested.to_json()) + "".join(capfd.readouterr())
    people = [*NEEDLES, *(text for text in planted_strings() if len(text) >= SHORTEST)]
    searched = {"what was told": held(people, told.encode().decode("latin-1"))}
    known: dict[bytes, list[str]] = {}  # an export of tables is a copy of what is published
    for root in (home.path, tmp_path):
        for path in (path for path in root.rglob("*") if path.is_file() and home.landing not in path.parents):
            content = path.read_bytes()
            digest = hashlib.sha256(content).digest()
            if digest not in known:
                written = held(list(NEEDLES), content.decode("latin-1"))  # four letters lie in any large file by chance
                known[digest] = written + held(people, tables_of(path))
            searched[os.path.relpath(path, root)] = known[digest]
    folders = {name.partition("/")[0] for name in searched}
    places = {"published", "access", "dagster", "warehouse.duckdb", "pack.html", "tables", "steps.xes", "steps.json"}
    assert places <= folders
    assert {name: found for name, found in searched.items() if found} == {}
