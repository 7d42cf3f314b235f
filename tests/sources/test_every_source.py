"""What every registered source promises, on its folder of fixtures: tests/sources/fixtures/<kind>."""

import gzip
import json
import logging
import shutil
from pathlib import Path

import pytest

from pipelines.sources import SOURCES
from pipelines.sources.source import Source

from .conftest import KEY, Site, make_home

KINDS = sorted(SOURCES)
DOCUMENTS = {"mirth", "atna", "openhim", "camunda", "intersystems", "otlp", "azure", "hl7"}
"""Kinds whose records may span lines, or share one."""


def data_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.json"]


@pytest.fixture(params=KINDS)
def source(request) -> Source:
    return SOURCES[request.param]


@pytest.fixture
def folder(source, fixtures, tmp_path) -> Path:
    return Path(shutil.copytree(fixtures / source.kind, tmp_path / "delivered"))


@pytest.fixture(scope="module", params=KINDS)
def loaded(request, fixtures, tmp_path_factory):
    """A kind, a site that has its folder once, the report, and the folder: what a test loads besides is all known."""
    place = tmp_path_factory.mktemp("loaded")
    folder = Path(shutil.copytree(fixtures / request.param, place / "delivered"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARDFLOW_SITE_KEY", KEY)
        site = Site(make_home(place / "home"))
        yield SOURCES[request.param], site, site.ingest(folder), folder
        site.db.close()


def test_the_promised_columns_appear(loaded):
    source, site, report, _ = loaded
    assert not report.unrecognised
    assert report.totals["loaded"] > 0
    assert report.totals["quarantined"] == 0
    for table, columns in source.promised.items():
        found = {name for (name,) in site.rows(f"select column_name from (describe {table})")}
        assert set(columns) <= found
        assert site.rows(f"select count(*) > 0 from {table}") == [(True,)]


def test_a_second_load_changes_nothing(loaded):
    _, site, first, folder = loaded
    before = site.content()
    second = site.ingest(folder)
    assert site.content() == before
    assert second.totals["loaded"] == 0
    assert second.totals["unchanged"] == first.totals["loaded"] + first.totals["unchanged"]
    assert second.totals["lines_read"] == first.totals["lines_read"]


def test_the_same_bytes_elsewhere_are_all_unchanged_and_have_an_account_of_their_own(loaded, tmp_path):
    _, site, first, folder = loaded
    again = site.ingest(Path(shutil.copytree(folder, tmp_path / "again")))
    assert again.totals["loaded"] == 0
    assert again.totals["lines_read"] == first.totals["lines_read"]
    assert len(site.rows("select * from account.file")) == 2 * len(first.files)


def test_a_truncated_file_is_quarantined_at_its_line_and_the_whole_one_completes_it(source, folder, new_site, tmp_path):
    """Each file by itself, but for those that fill tables of their own: these are cut all at once."""
    paths = data_files(folder)
    for several in [paths] if source.kind == "fhir" else [[path] for path in paths]:
        site, whole = new_site(), new_site()
        cut = [tmp_path / "cut" / path.relative_to(folder) for path in several]
        for path, target in zip(several, cut, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            target.write_bytes(content[: -max(4, len(content) // 50)])
        report = site.ingest(*cut)
        held = site.rows("select path, line, rule from account.quarantine inner join account.file using (file_id)")
        assert sorted(path for path, _, _ in held) == sorted(map(str, cut))
        assert {rule for _, _, rule in held} == {"truncated"}
        assert report.totals["quarantined"] == len(cut)
        if source.kind not in DOCUMENTS:
            assert {path: line for path, line, _ in held} == {file.path: file.lines_read for file in report.files}
        site.ingest(*several)
        whole.ingest(*several)
        assert site.state() == whole.state()


def test_line_ends_byte_order_marks_and_compression_make_no_difference(loaded, new_site, tmp_path):
    _, plain, _, folder = loaded
    odd = tmp_path / "odd"
    for path in data_files(folder):
        target = odd / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n", 1)
        target.with_name(path.name + ".gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + text))
    for manifest in folder.rglob("manifest.json"):
        shutil.copy(manifest, odd / manifest.relative_to(folder))
    other = new_site()
    other.ingest(odd)
    assert other.state() == plain.state()


def spoiled(path: Path) -> None:
    """Make half of the records unreadable while the names in them stay."""
    content = path.read_bytes()
    content = content.replace(b'"id"', b'"ID', 1).replace(b"<messageId>12", b"<messageId>12\xff", 1)
    content += (
        b'\n{"resourceType":"Patient","name":"Ottoline Quillon \xff"}\n{"broken": "Zebedaiah LKM778812", "ts": \n'
    )
    path.write_bytes(content)


@pytest.mark.parametrize("with_damage", [False, True])
def test_nobody_can_be_found_in_any_table_file_log_report_or_error(
    folder, new_site, planted, caplog, capfd, *, with_damage, source
):
    caplog.set_level(logging.DEBUG)
    if with_damage:
        for path in data_files(folder):
            spoiled(path)
    site = new_site(in_file=True)
    report = site.ingest(folder)
    assert (report.totals["quarantined"] > 0) is with_damage
    seen = site.everything() + json.dumps(report.to_json()) + caplog.text + "".join(capfd.readouterr())
    site.db.execute("checkpoint")
    files = b"".join(path.read_bytes() for path in site.home.path.rglob("*") if path.is_file())
    for name in planted:
        assert name not in seen, (name, source.kind)
        assert name.encode() not in files, (name, source.kind)
