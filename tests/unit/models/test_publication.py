"""The manifest of a snapshot, and who may open what."""

from datetime import UTC, datetime

import pytest

from models import publication
from models.errors import NothingPublished, UnknownRole, UnknownTable, UnreadableManifest
from models.publication import Checks, FailedExpectation, KpiSettings, Manifest, PublishedTable, SourceState

CUT = datetime(2026, 4, 13, 4, tzinfo=UTC)
MANIFEST = Manifest(
    id=publication.snapshot_id(CUT, "1a2b3c4d5e6f"),
    as_of=CUT,
    published_at=CUT,
    home_name="Two Rivers",
    zone="America/New_York",
    settings={"suppress_below": 5, "start": CUT.date(), "roles": frozenset({"a"})},
    kpis=(KpiSettings("lab_turnaround", 90.0, "declared", "Laboratory manager"),),
    checks=Checks(
        3, (FailedExpectation("marts.handoff", "unique", None, "twice is wrong", "content", ("handoffs_open",)),)
    ),
    sources=(SourceState("ehr", CUT, None, 24.0, is_late=False),),
    tables={"handoff": PublishedTable("handoff", "cases", ("cases/handoff-1.parquet",), 7, CUT, "ab" * 32)},
    code_version="0.1.0",
)


def publish(folder, manifest=MANIFEST):
    path = folder / publication.manifest_name(manifest.id)
    path.parent.mkdir()
    path.write_text(manifest.to_json())
    (folder / publication.CURRENT).write_text(publication.current_json(manifest.id))


def test_a_snapshot_is_named_after_its_data_cut_and_its_content():
    assert MANIFEST.id == "20260413T040000Z-1a2b3c4d"
    assert publication.file_name("cases", "handoff", "0123456789abcdef") == "cases/handoff-0123456789ab.parquet"


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    publish(tmp_path)
    found = publication.load_current(tmp_path)
    assert found.tables == MANIFEST.tables
    assert (found.kpis, found.checks, found.sources, found.as_of) == (
        MANIFEST.kpis,
        MANIFEST.checks,
        MANIFEST.sources,
        CUT,
    )
    assert found.settings == {"suppress_below": 5, "start": "2026-04-13", "roles": ["a"]}
    assert found.to_json() == MANIFEST.to_json()


def test_what_json_does_not_know_is_written_as_text(tmp_path):
    assert '"home": "' in MANIFEST.__class__(**vars(MANIFEST) | {"settings": {"home": tmp_path}}).to_json()


def test_a_manifest_knows_its_kpis_and_tables():
    assert MANIFEST.kpi("lab_turnaround").target == 90
    assert MANIFEST.kpi("newer") is None
    assert MANIFEST.table("handoff").rows == 7
    with pytest.raises(UnknownTable, match="Did you mean 'handoff'"):
        MANIFEST.table("handof")


def test_a_home_without_a_snapshot_says_what_to_run(tmp_path):
    with pytest.raises(NothingPublished, match="wardflow run"):
        publication.load_current(tmp_path)


@pytest.mark.parametrize("current", ["", "{}", "[]", '{"manifest": "manifests/gone.json"}'])
def test_a_damaged_snapshot_says_so(tmp_path, current):
    (tmp_path / publication.CURRENT).write_text(current)
    with pytest.raises(UnreadableManifest, match="publish again"):
        publication.load_current(tmp_path)


def test_leadership_opens_aggregates_only():
    assert [role for role in publication.ROLES if publication.may_open(role, "cases")] == ["informatics", "engineer"]
    assert [role for role in publication.ROLES if publication.may_open(role, "lineage")] == ["engineer"]
    assert all(publication.may_open(role, "aggregates") for role in publication.ROLES)


def test_an_unknown_role_opens_nothing():
    with pytest.raises(UnknownRole, match="Did you mean 'engineer'"):
        publication.audiences("enginer")
