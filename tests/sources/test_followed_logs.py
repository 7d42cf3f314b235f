"""Logs that engines go on writing, rename, copy, truncate and compress: each record once, whatever its file is called meanwhile."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import due, following, intake
from pipelines.following import _edges
from pipelines.intake import _Intake
from pipelines.sources.arrivals import gather
from pipelines.sources.mapped_log import MappedLog
from tests.sources.test_engine_logs import SOURCE, message
from tests.sources.test_growing_files import AS_CSV, COLUMNS, EVENTS, MAPPINGS, captured, logged, logged_in_csv

FOLDER = "landing/it"
SETTINGS = '[[sources]]\nname = "it"\nkind = "{kind}"\npath = "landing/it"\nzone = "America/New_York"{more}\n'
PLACES = "select line, message_uid from raw.interface_event order by all"


def sent(number: int) -> bytes:
    return message(SOURCE, number=number).encode() + b"\n"


KINDS = {
    "ndjson-log": ("engine.log", b"", logged, ""),
    "ndjson-log in CSV": ("engine.csv", (",".join(COLUMNS) + "\n").encode(), logged_in_csv, AS_CSV),
    "hl7": ("link.mllp", b"", captured, ""),
    "mirth": ("messages.xml", b"<list>\n", sent, ""),
}
"""By kind: a file's name, what it begins with, its records, more settings."""


def records(made, first: int, last: int) -> bytes:
    return b"".join(made(number) for number in range(first, last + 1))


@pytest.fixture
def engine(new_site):
    """A site that follows the folder of an engine whose log is lines of JSON, and that log."""
    site = new_site(SETTINGS.format(kind="ndjson-log", more=""))
    path = site.home.path / FOLDER / "x.log"
    path.parent.mkdir(parents=True)
    return site, path


def look(site):
    """What a look at the folder brings: the account of every file that it found."""
    return {Path(file.path).name: file for file in due.take_in(site.db, site.settings, with_fhir=False).files}


def accounts(site):
    return site.rows("select path, lines_read, loaded, unchanged, quarantined from account.file order by all")


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_file_that_grew_is_read_on_and_every_record_keeps_its_true_line_and_place(kind, new_site):
    name, start, made, more = KINDS[kind]
    text = SETTINGS.format(kind=kind.partition(" ")[0], more=more)
    site = new_site(text, mappings=MAPPINGS)
    path = site.home.path / FOLDER / name
    path.parent.mkdir(parents=True)
    path.write_bytes(start + records(made, 1, 100))
    look(site)
    append(path, records(made, 101, 103) + made(104)[:-9])
    file = look(site)[name]
    assert (file.loaded, file.unchanged, file.findings.get("tail_held_back")) == (3, 100, 1)
    append(path, made(104)[-9:] + records(made, 105, 110))
    file = look(site)[name]
    assert (file.loaded, file.unchanged, "tail_held_back" in file.findings) == (7, 103, False)
    assert len(accounts(site)) == 1
    assert site.rows("select distinct bytes from account.file") == [(path.stat().st_size,)]
    at_once = new_site(text, mappings=MAPPINGS)
    shutil.copytree(path.parent, at_once.home.path / FOLDER)
    look(at_once)
    assert accounts(site) == accounts(at_once)
    assert site.rows(PLACES) == at_once.rows(PLACES)


def test_only_what_is_new_is_read(engine):
    site, path = engine
    path.write_bytes(records(logged, 1, 500))
    look(site)
    with path.open("r+b") as file:  # whoever reads this part again quarantines it
        file.seek(path.stat().st_size // 2)
        file.write(b"#" * 1000)
    append(path, records(logged, 501, 510))
    file = look(site)["x.log"]
    assert (file.loaded, file.unchanged, file.quarantined) == (10, 500, 0)


def test_a_look_at_files_that_did_not_grow_changes_nothing(engine):
    site, path = engine
    path.write_bytes(records(logged, 1, 60))
    look(site)
    before = site.state()
    assert look(site)["x.log"].unchanged == 60
    assert site.state() == before


def renumbered(folder: Path) -> None:
    """As log4j 1 rotates: `x.log.1` is the newest."""
    for number in (3, 2, 1):
        if (old := folder / f"x.log.{number}").exists():
            old.rename(folder / f"x.log.{number + 1}")
    (folder / "x.log").rename(folder / "x.log.1")


def counted_up(folder: Path) -> None:
    """As log4j 2 rotates when it is told to: `x.log.1` is the oldest."""
    (folder / "x.log").rename(folder / f"x.log.{len(list(folder.glob('x.log.*'))) + 1}")


def compressed(folder: Path) -> None:
    """As logrotate does: renumbered, and what is no longer written becomes gzip."""
    for old in sorted(folder.glob("x.log.*.gz"), reverse=True):
        old.rename(folder / f"x.log.{int(old.name.split('.')[2]) + 1}.gz")
    with gzip.open(folder / "x.log.1.gz", "wb") as packed:
        packed.write((folder / "x.log").read_bytes())
    (folder / "x.log").unlink()


def copied_and_truncated(folder: Path) -> None:
    shutil.copy(folder / "x.log", folder / f"x.log.{len(list(folder.glob('x.log.*'))) + 1}")
    os.truncate(folder / "x.log", 0)


ROTATIONS = [renumbered, counted_up, compressed, copied_and_truncated]


@pytest.mark.parametrize("rotate", ROTATIONS)
@pytest.mark.parametrize("looks_between", [True, False])
def test_whatever_way_a_log_rotates_nothing_is_lost_or_doubled(engine, rotate, looks_between):
    site, path = engine
    for generation in range(3):
        first = generation * 80 + 1
        append(path, records(logged, first, first + 39))
        look(site)
        append(path, records(logged, first + 40, first + 79))
        if looks_between:
            look(site)
        rotate(path.parent)
        if looks_between:
            look(site)
    look(site)
    assert site.rows("select count(*), count(distinct message_uid), sum(line) from raw.interface_event") == [
        (240, 240, 3 * 80 * 81 // 2)
    ]
    before = site.state()
    look(site)
    assert site.state() == before


def test_a_renamed_file_keeps_its_account_and_is_not_read_again(engine):
    site, path = engine
    path.write_bytes(records(logged, 1, 60))
    look(site)
    path.rename(path.with_name("x.log.1"))
    path.write_bytes(records(logged, 61, 120))
    look(site)
    assert accounts(site) == [("landing/it/x.log", 60, 60, 0, 0), ("landing/it/x.log.1", 60, 60, 0, 0)]


def test_a_new_file_under_an_old_name_and_number_is_not_taken_for_the_old_one(engine):
    site, path = engine
    path.write_bytes(records(logged, 1, 60))
    look(site)
    inode = path.stat().st_ino
    with path.open("r+b") as file:  # the same inode, longer than before
        file.write(records(logged, 101, 190))
    assert path.stat().st_ino == inode
    assert look(site)["x.log"].loaded == 90
    assert site.rows(EVENTS) == [(150,)]


def test_a_record_that_was_kept_out_where_a_file_ended_does_not_hide_the_next_ones(engine):
    site, path = engine
    path.write_bytes(records(logged, 1, 60) + logged(61)[:-9])
    intake.ingest_paths(site.db, site.settings, [path], "it")
    assert accounts(site)[0][-1] == 1
    append(path, logged(61)[-9:] + records(logged, 62, 64))
    look(site)
    assert site.rows(EVENTS) == [(64,)]


def test_of_two_equal_records_without_an_id_the_second_counts_also_where_a_look_came_between(new_site):
    mapping = MAPPINGS["engine.toml"].replace('record_id = "seq", ', "")
    site = new_site(SETTINGS.format(kind="ndjson-log", more=AS_CSV), mappings={"engine.toml": mapping})
    path = site.home.path / FOLDER / "engine.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes((",".join(COLUMNS) + "\n").encode() + records(logged_in_csv, 1, 60))
    look(site)
    append(path, logged_in_csv(60))
    look(site)
    assert site.rows("select count(*) from raw.interface_event") == [(61,)]


WRITER = """
import os, sys, time
from tests.sources.test_followed_logs import ROTATIONS, Path, logged
path, rotate, total = Path(sys.argv[1]), ROTATIONS[int(sys.argv[2])], int(sys.argv[3])
file = path.open("ab", buffering=0)
for number in range(1, total + 1):
    content = logged(number)
    half = len(content) // 2
    file.write(content[:half])
    if number % 50 == 0:
        time.sleep(0.01)
    file.write(content[half:])
    if number % 400 == 0:
        rotate(path.parent)
        if rotate.__name__ != "copied_and_truncated":
            file = path.open("ab", buffering=0)
"""


@pytest.mark.parametrize("number", range(len(ROTATIONS)), ids=[each.__name__ for each in ROTATIONS])
def test_nothing_is_lost_or_doubled_while_a_process_writes_and_rotates(engine, number):
    site, path = engine
    total, quarantined = 1_500, 0
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number), str(total)]) as writer:
        while writer.poll() is None:
            quarantined += sum(file.quarantined for file in look(site).values())
        assert writer.returncode == 0
    look(site)
    assert quarantined == 0
    assert site.rows("select count(*), count(distinct message_uid) from raw.interface_event") == [(total, total)]
    assert site.rows("select count_if(lines_read <> loaded + unchanged + ignored) from account.file") == [(0,)]


def test_a_file_that_is_renamed_while_others_are_read_is_left_for_the_next_look(engine):
    site, path = engine
    path.write_bytes(records(logged, 1, 60))
    path.with_name("y.log").write_bytes(records(logged, 61, 90))
    arrivals = gather(site.settings, [path.parent], "it")
    path.rename(path.with_name(".moved"))
    intake = _Intake(site.db, site.settings, arrivals, None, None, 0)
    intake.run()
    assert [Path(each.path).name for each in intake.vanished] == ["x.log"]
    assert site.rows(EVENTS) == [(30,)]
    path.with_name(".moved").rename(path)
    assert look(site)["x.log"].loaded == 60


def test_a_file_that_becomes_another_before_its_end_is_noted_is_not_followed(engine, monkeypatch):
    site, path = engine
    path.write_bytes(records(logged, 101, 160))

    def rotated_meanwhile(*of):
        copied_and_truncated(path.parent)
        append(path, records(logged, 201, 270))
        monkeypatch.setattr(following, "_edges", _edges)
        return _edges(*of)

    monkeypatch.setattr(following, "_edges", rotated_meanwhile)
    look(site)
    look(site)
    assert site.rows(EVENTS) == [(130,)]


def test_a_file_that_was_hashed_and_then_changed_is_left_for_the_next_look_with_its_copy(engine, monkeypatch):
    site, path = engine
    path.write_bytes(records(logged, 1, 60))
    shutil.copy(path, path.with_name("x.log.1"))
    load = MappedLog.load

    def truncated_meanwhile(*of):
        os.truncate(path, 0)
        append(path, records(logged, 61, 90))
        monkeypatch.setattr(MappedLog, "load", load)
        load(*of)

    monkeypatch.setattr(MappedLog, "load", truncated_meanwhile)
    look(site)
    assert site.rows(EVENTS) == [(0,)]
    look(site)
    assert site.rows(EVENTS) == [(90,)]


def test_a_packed_log_whose_name_another_takes_while_it_is_read_does_not_make_that_one_known(engine, monkeypatch):
    site, path = engine
    load = MappedLog.load

    def rotated(first: int) -> None:
        monkeypatch.setattr(MappedLog, "load", load)
        path.write_bytes(records(logged, first, first + 49))
        compressed(path.parent)

    def rotated_after_reading(*of):
        load(*of)
        rotated(151)

    def rotated_before_reading(*of):
        rotated(201)
        load(*of)

    rotated(101)
    monkeypatch.setattr(MappedLog, "load", rotated_after_reading)
    look(site)
    monkeypatch.setattr(MappedLog, "load", rotated_before_reading)
    look(site)
    look(site)
    assert site.rows(EVENTS) == [(150,)]
