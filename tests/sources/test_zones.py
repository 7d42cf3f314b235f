"""Times without an offset from the file to staging: read in the source's zone, counted, and said to be odd on two nights a year."""

from models.catalog import build_order, upstream
from pipelines.build import build

from .conftest import SETTINGS

ZONED = SETTINGS.replace('kind = "fhir"\n', 'kind = "fhir"\nzone = "America/New_York"\n', 1)


def encounter(ident, begin, end=None):
    return {
        "resourceType": "Encounter",
        "id": ident,
        "status": "finished",
        "class": {"code": "EMER"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": begin, **({"end": end} if end else {})},
    }


def started(site):
    for table in build_order():
        if table.full_name in upstream("staging.encounter"):
            build(site.db, site.settings, table)
    return site.rows("select started_at at time zone 'UTC', started_precision from staging.encounter order by line")


def test_a_sources_zone_gives_its_times_an_instant_without_another_ingest(new_site, put):
    site = new_site()
    site.ingest(put("Encounter.ndjson", encounter("e1", "2026-01-04T10:00:00")))
    assert [precision for _, precision in started(site)] == ["zoneless"]
    site.settings = new_site(ZONED).settings
    ((at, precision),) = started(site)
    assert (at.isoformat(), precision) == ("2026-01-04T15:00:00", "instant")


def test_local_times_are_counted_and_the_odd_hours_of_the_year_too(new_site, put):
    site = new_site(ZONED)
    site.ingest(
        put(
            "Encounter.ndjson",
            encounter("e1", "2025-11-02T01:30:00", "2025-11-02T03:00:00"),
            encounter("e2", "2026-03-08T02:30:00"),
            encounter("e3", "2026-03-08T02:30:00-05:00"),
        )
    )
    assert site.rows("select flags from raw.fhir_encounter order by line") == [
        (["ambiguous_time", "zoneless_time"],),
        (["missing_time", "zoneless_time"],),
        ([],),
    ]
    assert [at.isoformat() for at, _ in started(site)] == [
        "2025-11-02T05:30:00",
        "2026-03-08T07:30:00",
        "2026-03-08T07:30:00",
    ]
