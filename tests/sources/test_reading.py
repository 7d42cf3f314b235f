"""How a byte becomes a line: whatever the line ends, the blocks, the compression and the damage, and while the file still grows."""

import bz2
import gc
import gzip
import hashlib
import io
import json
import weakref
import zipfile

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.lending import lent
from pipelines.sources.archives import deliveries
from pipelines.sources.byte_readers import Stream
from pipelines.sources.lines import blocks

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


def packed_with_zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def encounter(ident="e1", **more) -> dict:
    return {"resourceType": "Encounter", "id": ident, "status": "finished", "class": {"code": "EMER"}, **more}


def counts(report) -> dict:
    return {name: n for name, n in report.totals.items() if n}


def rules(site) -> list:
    return site.rows("select rule from account.quarantine order by line")


def reference_lines(content: bytes) -> list[tuple[int, int, bytes]]:
    """(line, byte offset, bytes) by the plainest means."""
    found, offset = [], 0
    if content.startswith(b"\xef\xbb\xbf"):
        content, offset = content[3:], 3
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        found.append((number, offset, line))
        offset += len(line)
    return found


TEXTS = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"", b" ", b"\xef\xbb\xbf", b"{}", b'{"a":1}', b"\xff", "é".encode(), b"x" * 40]
    )
).map(b"".join)


@QUIET
@given(content=TEXTS | st.binary(max_size=60), size=st.integers(1, 50))
def test_lines_are_those_of_the_simple_splitter_wherever_blocks_end(content, size):
    found = [
        (block.first_line + i, offset, block.line(i))
        for block in blocks(Stream(io.BytesIO(content)), longest=1000, size=size)
        for i, offset in enumerate(block.offsets)
    ]
    assert found == reference_lines(content)


@QUIET
@given(content=TEXTS, size=st.integers(1, 50), longest=st.integers(1, 20))
def test_every_line_is_counted_and_placed_however_short_the_longest_may_be(content, size, longest):
    found = [
        (block.first_line + i, offset, i in block.giants)
        for block in blocks(Stream(io.BytesIO(content)), longest=longest, size=size)
        for i, offset in enumerate(block.offsets)
    ]
    assert found == [(line, offset, len(text) > longest) for line, offset, text in reference_lines(content)]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=TEXTS, pack=st.sampled_from([bytes, gzip.compress, bz2.compress, packed_with_zstd]))
def test_accounts_are_those_of_the_simple_splitter_however_the_bytes_are_packed(site, put, content, pack):
    content = b'{"resourceType":"Encounter","id":"first"}\n' + content
    for table in site.tables():
        if table != "account.site_key":
            site.db.execute(f"delete from {table}")
    (file,) = site.ingest(put("Encounter.ndjson", pack(content))).files
    lines = reference_lines(content)
    assert file.lines_read == len(lines)
    assert file.ignored == sum(text.isspace() for _, _, text in lines)
    assert file.quarantined == len(lines) - file.ignored - 1


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, packed_with_zstd])
def test_a_packed_file_is_read_whatever_packs_it_and_keeps_its_name(site, put, pack):
    suffix = {gzip.compress: ".gz", bz2.compress: ".bz2"}.get(pack, ".zst")
    path = put("Encounter.ndjson" + suffix, pack(json.dumps(encounter()).encode()))
    assert counts(site.ingest(path)) == {"lines_read": 1, "loaded": 1}
    assert [each.name for each in deliveries(path, "x/" + path.name)] == ["Encounter.ndjson"]


@pytest.mark.parametrize("pack", [gzip.compress, packed_with_zstd])
def test_a_packed_file_that_breaks_off_keeps_its_whole_lines_and_says_so(site, put, pack):
    many = b"".join(json.dumps(encounter(f"e{i}", note=f"{i**9:x}")).encode() + b"\n" for i in range(20_000))
    whole = pack(many)
    report = site.ingest(put("Encounter.ndjson", whole[: len(whole) // 2]))
    assert report.totals["loaded"] > 1000
    assert rules(site)[-1] == ("damaged_archive",)


def test_a_packed_file_with_a_wrong_byte_raises_nothing(site, put):
    many = b"".join(json.dumps(encounter(f"e{i}", note=f"{i**9:x}")).encode() + b"\n" for i in range(20_000))
    packed = bytearray(packed_with_zstd(many))
    packed[len(packed) // 2] ^= 0xFF
    report = site.ingest(put("Encounter.ndjson", bytes(packed)))
    assert report.balanced


def test_archives_in_archives_are_opened_three_deep_and_no_further(site, put):
    inner, name = json.dumps(encounter()).encode(), "Encounter.ndjson"
    reports = []
    for depth in range(1, 5):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, inner)
        inner, name = buffer.getvalue(), f"{depth}.zip"
        reports.append(site.ingest(put(f"{depth}/{name}", inner)))
    assert [len(report.files) for report in reports] == [1, 1, 1, 0]
    assert len(reports[-1].unrecognised) == 1


def test_an_archive_that_swells_to_one_endless_line_is_one_quarantined_line(new_site, put):
    site = new_site("max_line_megabytes = 1\n")
    bomb = gzip.compress(json.dumps(encounter()).encode() + b"\n" + b"x" * (128 << 20))
    assert counts(site.ingest(put("Encounter.ndjson", bomb))) == {"lines_read": 2, "loaded": 1, "quarantined": 1}
    assert rules(site) == [("too_large",)]


def test_a_line_of_fifty_megabytes_is_loaded(site, put):
    long = json.dumps(encounter("long", text={"div": "x" * (50 << 20)})) + "\n"
    assert counts(site.ingest(put("Encounter.ndjson", encounter(), long, encounter("e2")))) == {
        "lines_read": 3,
        "loaded": 3,
    }


def test_an_element_that_first_appears_after_the_usual_sample_is_not_lost(site, put):
    early = (encounter(f"e{i}") for i in range(21_000))
    late = encounter("late", period={"end": "2026-01-04T11:00:00-05:00"}, statusHistory=[{"status": "arrived"}])
    site.ingest(put("Encounter.ndjson", *early, late))
    assert site.rows(
        "select period_end, status_history[1].status from raw.fhir_encounter where period_end is not null"
    ) == [("2026-01-04T11:00:00-05:00", "arrived")]


def test_a_bad_line_is_no_row_of_nulls_and_takes_no_neighbour_with_it(site, put):
    report = site.ingest(put("Encounter.ndjson", encounter("a"), '{"resourceType":"Encounter",\n', encounter("b")))
    assert counts(report) == {"lines_read": 3, "loaded": 2, "quarantined": 1}
    assert site.rows("select count(*), count(encounter_key), count(status) from raw.fhir_encounter") == [(2, 2, 2)]


def test_the_type_of_a_line_is_what_it_says_whatever_the_file_is_called(site, put):
    patient = {"resourceType": "Patient", "id": "p"}
    report = site.ingest(put("Encounter.ndjson", patient), put("Observation.000.ndjson", encounter()))
    assert {file.resource_type for file in report.files} == {"Patient", "Encounter"}
    assert site.rows("select (select count(*) from raw.fhir_patient), (select count(*) from raw.fhir_encounter)") == [
        (1, 1)
    ]


def test_a_file_by_patient_with_headers_and_every_type_in_turn_is_read_whole(site, put):
    types = ("Patient", "Encounter", "Observation", "ServiceRequest", "Task", "Specimen", "DiagnosticReport", "Binary")
    lines = [
        {"resourceType": "Parameters", "parameter": [{"name": "header"}]}
        if kind is None
        else {"resourceType": kind, "id": f"x{n}"}
        for n in range(200)
        for kind in (None, *types)
    ]
    report = site.ingest(put("part.ndjson", *lines))
    assert counts(report) == {"lines_read": 1800, "loaded": 1400, "ignored": 400}


def test_blank_lines_without_end_are_counted_in_bounded_memory(site, put):
    report = site.ingest(put("Encounter.ndjson", encounter(), b"\n" * 3_000_000))
    assert counts(report) == {"lines_read": 3_000_001, "loaded": 1, "ignored": 3_000_000}


def test_the_account_knows_the_sha256_of_what_it_accounts_for(site, put):
    path = put("Encounter.ndjson", encounter())
    site.ingest(path)
    assert site.rows("select sha256 from account.file") == [(hashlib.sha256(path.read_bytes()).hexdigest(),)]


def test_nothing_holds_a_chunk_once_it_was_read_even_before_the_commit(site):
    released = []
    rows = pa.table({"n": [1, 2]})
    weakref.finalize(rows, released.append, "gone")
    site.db.execute("begin transaction")
    with lent(site.db, chunk=rows):
        assert site.rows("select sum(n) from chunk") == [(3,)]
    del rows
    gc.collect()
    assert released == ["gone"]
    site.db.execute("commit")
