"""What is followed, and how long something has been waiting to be read."""

import os
from datetime import UTC, datetime, timedelta

from pipelines import due
from pipelines.lateness import followed
from tests.sources.test_growing_files import logged

SETTINGS = '[[sources]]\nname = "it"\nkind = "ndjson-log"\npath = "landing/it"\nzone = "America/New_York"\n'
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_what_was_written_since_the_last_reading_waits_since_then(new_site):
    site = new_site(SETTINGS + '[[sources]]\nname = "ehr"\nkind = "fhir"\npath = "landing/fhir"\n')
    path = site.home.path / "landing/it/x.log"
    path.parent.mkdir(parents=True)
    path.write_bytes(logged(1))
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    (before,) = followed(site.settings, {}, NOON + timedelta(seconds=90))
    assert (before.source, before.files, before.last_read_at, before.behind_seconds) == ("it", 1, None, 90)
    due.take_in(site.db, site.settings, with_fhir=False)
    (after,) = followed(site.settings, {"it": NOON + timedelta(seconds=95)}, NOON + timedelta(seconds=100))
    assert (after.last_written_at, after.behind_seconds) == (NOON, 0)


def test_a_source_without_files_yet_is_followed_and_not_behind(new_site):
    (found,) = followed(new_site(SETTINGS).settings, {})
    assert (found.files, found.last_written_at, found.behind_seconds) == (0, None, 0)
