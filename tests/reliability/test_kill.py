"""A process killed at any instant leaves whole files or nothing of them; running again completes the work as if nothing had happened."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines import due
from tests.sources.test_growing_files import logged

KILLS = 6
INGEST = """
import sys
from pipelines import intake, settings, warehouse
home = settings.load(sys.argv[1])
db = warehouse.connect(home)
print("open", flush=True)
intake.ingest_paths(db, home, [sys.argv[2]])
print("done", flush=True)
"""


@pytest.fixture
def delivered(fixtures, tmp_path) -> Path:
    """Eight days of every kind of file, some of them delivered twice, one spoiled; of the types that share a file, four."""
    root = tmp_path / "delivered"
    for day in range(8):
        for path in sorted(fixtures.rglob("*")):
            if path.is_file() and path.name != "planted.txt":
                content = path.read_bytes()
                if path.name == "records.ndjson":
                    content = b"".join(content.splitlines(keepends=True)[:4])
                if path.name != "manifest.json":
                    named = content.replace(b'"id": "', b'"id": "d%d-' % day).replace(
                        b"<messageId>1", b"<messageId>1%d" % day
                    )
                    content = b"".join(
                        named.replace(b'"id": "', b'"id": "c%d-' % copy).replace(b'"seq": ', b'"seq": %d' % copy)
                        for copy in range(8)
                    )
                relative = path.relative_to(fixtures)
                target = root / relative.parts[0] / f"day-{day:02}" / Path(*relative.parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content[:-40] if day == 7 else content)
    return root


def test_killed_again_and_again_it_ends_like_an_undisturbed_run(delivered, new_site):
    calm = new_site(in_file=True)
    began = time.monotonic()
    calm.ingest(delivered)
    duration = time.monotonic() - began
    expected = calm.content()

    killed = new_site(in_file=True)
    killed.db.close()
    dice = random.Random(20260105)  # noqa: S311 -- instants, not secrets
    survivors = 0
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", INGEST, str(killed.home.path), str(delivered)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(dice.random() * duration * 0.4)
            process.send_signal(signal.SIGKILL)
            survivors += "done" in process.stdout.read()
    assert survivors < KILLS

    killed.__post_init__()
    killed.ingest(delivered)
    assert killed.content() == expected
    killed.ingest(delivered)
    assert killed.content() == expected


FOLLOW = """
import sys
from pipelines import due, settings, warehouse
home = settings.load(sys.argv[1])
db = warehouse.connect(home)
print("open", flush=True)
while True:
    due.take_in(db, home, with_fhir=False)
"""
FOLLOWED = '[[sources]]\nname = "it"\nkind = "ndjson-log"\npath = "landing/it"\nzone = "America/New_York"\n'


def test_killed_again_and_again_while_it_follows_a_log_nothing_is_lost_or_doubled(new_site):
    site = new_site(FOLLOWED, in_file=True)
    site.db.close()
    path = site.home.path / "landing/it/x.log"
    path.parent.mkdir(parents=True)
    dice = random.Random(20261121)  # noqa: S311 -- instants, not secrets
    written = 0
    for generation in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", FOLLOW, str(site.home.path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            with path.open("ab", buffering=0) as file:
                for _ in range(5 + dice.randrange(15)):
                    file.write(b"".join(logged(number) for number in range(written + 1, written + 101)))
                    written += 100
                    time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        if generation % 2:
            path.rename(path.with_name(f"x.log.{generation}"))
    site.__post_init__()
    due.take_in(site.db, site.settings, with_fhir=False)
    assert site.rows("select count(*), count(distinct message_uid) from raw.interface_event") == [(written, written)]
    assert site.rows("select count(*), sum(loaded) from account.file where loaded > 0") == [(2, written)]
