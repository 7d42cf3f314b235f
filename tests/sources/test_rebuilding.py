"""What a run does again, and what it leaves as it is because nothing that it depends on has changed."""

from datetime import UTC, datetime

from data_quality.run import Outcome, Verdict
from models.catalog import build_order, upstream
from models.kpis import KPIS
from pipelines import rebuilding
from pipelines.aggregates import standing
from pipelines.settings import Windows
from tests.sources.test_growing_files import logged

AS_OF = datetime(2026, 3, 4, 12, tzinfo=UTC)
MARTS = sorted({kpi.mart for kpi in KPIS.values()})
NOTHING_FAILED = Verdict(())


def build_messages(site, settings=None):
    """The names of the tables that were built anew on the way to `marts.message`, looking at raw tables afresh."""
    needed = [table for table in build_order() if table.full_name in upstream("marts.message")]
    before = dict(
        site.rows("select table_oid, table_name from duckdb_tables() where schema_name in ('staging', 'marts')")
    )
    contents = {}
    for table in needed:
        rebuilding.build_if_changed(site.db, settings or site.settings, table, contents)
    after = dict(
        site.rows("select table_oid, table_name from duckdb_tables() where schema_name in ('staging', 'marts')")
    )
    return {after[oid] for oid in after.keys() - before.keys()}


def test_a_table_is_built_again_only_when_what_it_is_made_from_changed(new_site, put):
    site = new_site('[[sources]]\nname = "it"\nkind = "ndjson-log"\nzone = "America/New_York"\n')
    site.ingest(put("a.ndjson", logged(1), logged(2)), source="it")
    assert "message" in build_messages(site)
    assert build_messages(site) == set()
    site.ingest(put("again.ndjson", logged(2)), source="it")  # nothing new
    assert build_messages(site) == set()
    site.ingest(put("b.ndjson", logged(3)), source="it")
    assert "message" in build_messages(site)
    assert site.rows("select count(*) from marts.message") == [(3,)]
    changed = site.settings.model_copy(update={"windows": Windows(critical_ack_minutes=7)})
    assert "message" in build_messages(site, changed)


def inputs(site, verdict=NOTHING_FAILED, settings=None, **changed):
    contents, cuts = dict.fromkeys(MARTS, "same"), dict.fromkeys(MARTS, AS_OF)
    contents |= changed.get("contents", {})
    cuts |= changed.get("cuts", {})
    return standing.inputs_of_kpis(settings or site.settings, verdict, [], cuts, contents, changed.get("code", "code"))


def differing(one, other):
    return {kpi for kpi in one if one[kpi] != other[kpi]}


def test_a_kpi_depends_on_its_mart_its_settings_its_checks_the_week_and_the_code(new_site):
    site = new_site()
    before = inputs(site)
    assert inputs(site) == before
    of_message = {kpi.id for kpi in KPIS.values() if kpi.mart == "message"}
    assert differing(before, inputs(site, contents={"message": "other"})) == of_message
    assert differing(before, inputs(site, cuts={"message": AS_OF.replace(hour=13)})) == of_message
    target = site.settings.model_copy(update={"targets": {"lab_turnaround": 100.0}})
    assert differing(before, inputs(site, settings=target)) == {"lab_turnaround"}
    failed = Outcome(
        table="staging.task",
        expectation="is sound",
        column=None,
        why="",
        severity="content",
        passed=False,
        unexpected_share=0.1,
        kpis=("tasks_open",),
    )
    assert differing(before, inputs(site, Verdict((failed,)))) == {"tasks_open"}
    assert differing(before, inputs(site, code="other")) == set(KPIS)
    next_week = dict.fromkeys(MARTS, AS_OF.replace(day=11))
    assert differing(before, inputs(site, cuts=next_week)) == set(KPIS)
    hidden = site.settings.model_copy(update={"suppress_below": 11})
    assert differing(before, inputs(site, settings=hidden)) == set(KPIS)
