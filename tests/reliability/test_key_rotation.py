"""A new site key: the same warehouse under it, or the former pair untouched, and never a pair that does not fit."""

import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from models.journal import Decision
from pipelines import keys, rotation, settings, warehouse
from pipelines.append import append_line
from pipelines.cli.edge import Call
from pipelines.cli.examinations import rotation as examine
from pipelines.errors import ConfigurationError, KeyChanged, PipelineError

STEPS = ("comparing", "keeping the next key ready", "swapping the warehouse", "swapping the key", "clearing up")
SWAPPED = STEPS[3:]
ROTATE = """
import os, signal, sys
from pipelines import rotation, settings
from pipelines.home import Home
home = Home(__import__("pathlib").Path(sys.argv[1]))
def say(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
rotation.rotate(home, settings.load(home), say=say)
"""
TABLES = ("raw.fhir_encounter", "raw.interface_event", "account.file", "account.quarantine")


FEW = ("fhir/2026-01-05/Encounter.ndjson", "fhir/2026-01-05/Observation.ndjson")


@pytest.fixture
def fill(new_site, monkeypatch, tmp_path, fixtures):
    """A home whose key is a file, filled from these files of its own landing folder, and closed."""

    def filled(*names):
        monkeypatch.delenv("WARDFLOW_SITE_KEY")
        home = tmp_path / "home0"
        for name in names:
            (home / "landing" / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (fixtures / name).is_dir() else shutil.copy
            copy(fixtures / name, home / "landing" / name)
        keys.create(settings.load(home))
        site = new_site(in_file=True)
        site.ingest(home / "landing")
        site.db.close()
        return site

    return filled


@pytest.fixture
def filled(fill):
    """Few files are enough to see which key fits; that every kind of file is read again the first test shows."""
    return fill(*FEW)


def open_counts(site):
    """Rows of some tables, through a connection that only a fitting key allows."""
    with warehouse.connect(settings.load(site.home)) as db:
        return {table: db.execute(f"select count(*) from {table}").fetchall() for table in TABLES}


def keys_of(site):
    with warehouse.connect(settings.load(site.home)) as db:
        return set(db.execute("select encounter_key from raw.fhir_encounter").fetchall())


def looked_at(visit):
    return Decision(
        decided_at=datetime(2026, 1, 9, 8, tzinfo=UTC),
        actor="ann",
        action="annotate",
        subject_kind="case",
        subject=visit,
        why="asked",
    )


def rotate(site, **more):
    return rotation.rotate(site.home, settings.load(site.home), **more)


def test_a_rotated_home_is_the_same_under_another_key(fill, fixtures):
    filled = fill(*(folder.name for folder in fixtures.iterdir() if folder.is_dir()))
    former, before, hashed = keys.load(filled.settings), open_counts(filled), keys_of(filled)
    times = "select path, ingested_at from account.file order by all"
    with warehouse.connect(filled.settings) as db:
        taken_in = db.execute(times).fetchall()
    done = rotate(filled)
    assert keys.load(filled.settings) != former
    assert open_counts(filled) == before
    assert keys_of(filled).isdisjoint(hashed)
    with warehouse.connect(filled.settings) as db:
        assert db.execute(times).fetchall() == taken_in
    assert done.former is not None
    assert done.former.read_bytes().strip() == former
    assert keys.is_private(done.former)
    assert keys.is_private(filled.settings.key_path)
    assert not filled.home.rotation.exists()
    assert examine(Call(filled.home.path))[0].says.startswith("former keys lie beside")


def test_decisions_about_visits_stand_under_their_new_numbers_too(filled):
    hashed = sorted(keys_of(filled))
    for (visit,) in hashed:
        append_line(filled.home.decisions_path, looked_at(visit).to_line())
    done = rotate(filled)
    told = [Decision.from_line(line) for line in filled.home.decisions_path.read_text().splitlines()]
    again = [each.subject for each in told[len(hashed) :]]
    assert done.decisions == len(again) > 0
    assert {(each,) for each in again} <= keys_of(filled)
    assert told == [looked_at(each.subject) for each in told]


def test_the_former_key_is_destroyed_when_asked(filled):
    assert rotate(filled, keep_former=False).former is None
    assert rotation.former_keys(filled.settings) == []
    assert examine(Call(filled.home.path))[0].state == "good"


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_home_has_a_pair_that_fits(filled, step):
    former, before = keys.load(filled.settings), open_counts(filled)
    killed = subprocess.run([sys.executable, "-c", ROTATE, str(filled.home.path), step], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert examine(Call(filled.home.path))[0].says.startswith("was left half-way")
    if step == "swapping the key":  # the next rotation only finishes this one
        done = rotate(filled)
        assert done.finished_earlier
        assert done.former is not None
        assert done.former.read_bytes().strip() == former
    assert open_counts(filled) == before
    assert (keys.load(filled.settings) != former) == (step in SWAPPED)
    if step == "comparing":  # and of one that came to nothing, nothing is left in the way
        rotate(filled)
        assert keys.load(filled.settings) != former
        assert open_counts(filled) == before


def test_a_file_that_is_gone_is_named_and_nothing_is_changed(filled):
    gone = filled.home.landing / "fhir" / "2026-01-05" / "Encounter.ndjson"
    gone.unlink()
    former = keys.load(filled.settings)
    with pytest.raises(PipelineError, match=r"landing/fhir/2026-01-05/Encounter.ndjson: no longer there"):
        rotate(filled)
    assert keys.load(filled.settings) == former
    open_counts(filled)


def test_a_file_that_was_delivered_twice_may_be_gone_once(filled):
    first = filled.home.landing / "fhir"
    second = filled.home.landing / "again"
    shutil.copytree(first, second)
    with warehouse.connect(filled.settings) as filled.db:
        filled.ingest(second)
        before = filled.rows("select count(*) from raw.fhir_encounter")
    shutil.rmtree(second)
    rotate(filled)
    with warehouse.connect(filled.settings) as filled.db:
        assert filled.rows("select count(*) from raw.fhir_encounter") == before


def test_a_file_that_was_replaced_since_stops_the_rotation(filled):
    path = filled.home.landing / "fhir" / "2026-01-05" / "Encounter.ndjson"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:1]), encoding="utf-8")
    former = keys.load(filled.settings)
    with pytest.raises(PipelineError, match=r"no longer there|do not give the same warehouse"):
        rotate(filled)
    assert keys.load(filled.settings) == former
    assert not filled.home.rotation.exists()
    open_counts(filled)


def test_a_key_of_the_environment_is_rotated_to_the_one_that_stands_beside_it(new_site, monkeypatch, fixtures):
    site = new_site(in_file=True)
    shutil.copy(fixtures / FEW[0], site.home.landing / "Encounter.ndjson")
    site.ingest(site.home.landing)
    site.db.close()
    before = open_counts(site)
    with pytest.raises(ConfigurationError, match="Set WARDFLOW_NEW_SITE_KEY"):
        rotate(site)
    monkeypatch.setenv("WARDFLOW_NEW_SITE_KEY", "short")
    with pytest.raises(ConfigurationError, match="of 16 bytes or more"):
        rotate(site)
    monkeypatch.setenv("WARDFLOW_NEW_SITE_KEY", "another key for tests only")
    assert examine(Call(site.home.path))[0].says == "WARDFLOW_NEW_SITE_KEY is set."
    assert rotate(site).former is None
    with pytest.raises(KeyChanged, match="Set WARDFLOW_SITE_KEY to that key"):
        open_counts(site)
    monkeypatch.setenv("WARDFLOW_SITE_KEY", "another key for tests only")
    assert open_counts(site) == before
