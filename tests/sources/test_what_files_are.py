"""Telling files apart by content, opening archives, and naming the source; a file that is nothing gets one clear line."""

import gzip
import io
import json
import tarfile
import warnings
import zipfile

import pyarrow as pa
import pytest

from pipelines.errors import ConfigurationError, UnreadableFile
from pipelines.sources.byte_readers import Stream
from pipelines.sources.lines import blocks

PATIENT = b'{"resourceType": "Patient", "id": "p1"}\n'


def why(report) -> list[str]:
    assert not report.files
    return [file.why for file in report.unrecognised]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("notes.txt", b"Dear all, ...", "no FHIR NDJSON, no Mirth message export and no log"),
        ("truth.json", b'{\n "seed": 1\n}', "JSON spread over several lines"),
        ("empty.txt", b"", "is empty"),
        ("export.xml", "<message/>".encode("utf-16"), "written in UTF-16; deliver it in UTF-8"),
        ("x.zip", b"PK\x03\x04 not really", "damaged zip archive"),
    ],
)
def test_an_unknown_file_is_left_alone_with_one_line(site, put, name, content, line):
    (found,) = why(site.ingest(put(name, content)))
    assert line in found
    assert "\n" not in found


def test_a_path_that_does_not_exist_is_an_error(site, tmp_path):
    with pytest.raises(UnreadableFile, match="does not exist"):
        site.ingest(tmp_path / "nowhere")


def test_a_file_is_what_it_contains_whatever_it_is_called(site, put, fixtures):
    report = site.ingest(
        put("a.dat", (fixtures / "mirth/2026-01-04.xml").read_bytes()),
        put("b.dat", (fixtures / "ndjson-log/2026-01-04.ndjson").read_bytes()),
        put("c.dat", PATIENT),
    )
    assert [(file.kind, file.source) for file in report.files] == [
        ("mirth", "mirth-lark"),
        ("ndjson-log", "engine-lark"),
        ("fhir", "ehr"),
    ]


def test_a_resource_file_spoiled_beyond_recognition_is_still_accounted_for(site, put):
    report = site.ingest(put("Patient.ndjson", b"\x00\x01 garbage\nmore garbage\n"))
    assert (report.totals["lines_read"], report.totals["quarantined"]) == (2, 2)


@pytest.mark.parametrize(
    "line",
    [
        b'{"resourceType": "Patient", "id": "p1", "contained": [{"resourceType": "RelatedPerson", "id": "r"}]}\n',
        b'{"contained": [{"id": "r", "resourceType": "RelatedPerson"}], "id": "p1", "resourceType": "Patient"}\n',
    ],
)
def test_a_file_is_of_the_type_of_its_resources_not_of_what_they_contain(site, put, line):
    (file,) = site.ingest(put("a.ndjson", line)).files
    assert (file.resource_type, file.loaded) == ("Patient", 1)


def test_a_file_whose_first_line_says_what_it_is_only_at_its_end_is_read_to_there(site, put):
    sorted_keys = b'{"id": "p1", "note": "%s", "resourceType": "Patient"}' % (b"x" * 70_000)
    report = site.ingest(put("dump.json", sorted_keys), put("log.json", sorted_keys.replace(b"resourceType", b"type")))
    assert [(file.path[-9:], file.resource_type, file.loaded) for file in report.files] == [("dump.json", "Patient", 1)]
    assert [file.path[-8:] for file in report.unrecognised] == ["log.json"]


def test_a_named_source_must_be_of_the_files_kind(site, put):
    with pytest.raises(ConfigurationError, match="is fhir, but source 'mirth-lark' is configured as mirth"):
        site.ingest(put("Patient.ndjson", PATIENT), source="mirth-lark")


def test_a_new_name_makes_a_source_of_its_own(site, put):
    (file,) = site.ingest(put("Patient.ndjson", PATIENT), source="other-ehr").files
    assert file.source == "other-ehr"


def test_a_file_reached_by_two_paths_is_taken_in_once(site, put):
    path = put("x/Patient.ndjson", PATIENT)
    assert len(site.ingest(path.parent, path, path.parent.parent).files) == 1


def as_tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("export/Patient.ndjson")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def as_zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/Patient.ndjson", data)
        archive.writestr("export/deeper.ndjson.gz", gzip.compress(data))
        archive.writestr("__MACOSX/._Patient.ndjson", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "files"),
    [
        ("Patient.ndjson.gz", gzip.compress(PATIENT, mtime=0), ["Patient.ndjson.gz"]),
        ("export.tgz", as_tar(PATIENT), ["export.tgz!/export/Patient.ndjson"]),
        ("export.tzst", zstd(gzip.decompress(as_tar(PATIENT))), ["export.tzst!/export/Patient.ndjson"]),
        ("export.zip", as_zip(PATIENT), ["export.zip!/export/Patient.ndjson", "export.zip!/export/deeper.ndjson.gz"]),
    ],
)
def test_archives_are_opened_by_their_first_bytes(site, put, name, content, files):
    report = site.ingest(put(name, content))
    assert [file.path.rpartition("delivered/")[2] for file in report.files] == files
    assert report.totals["loaded"] == 1
    assert site.rows("select count(*) from raw.fhir_patient") == [(1,)]


def tar_of(*members: tuple[str, bytes | str]) -> bytes:
    """A tar of files in this order, each a name and its content, or the name of a link to another."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.LNKTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings(action="ignore"):
        for each in members:
            archive.writestr(*each)
    return buffer.getvalue()


def line_of(ident: str) -> bytes:
    return b'{"resourceType": "Patient", "id": "%s"}\n' % ident.encode()


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_every_member_of_an_archive_is_read_whatever_it_is_called_and_what_is_left_out_is_said(site, put, pack):
    members = (
        ("x/P.ndjson", line_of("first")),
        ("x/P.ndjson", line_of("second")),
        ("../../P.ndjson", line_of("above")),
        ("/etc/P.ndjson", line_of("absolute")),
        (".cache/P.ndjson", line_of("hidden")),
        ("__MACOSX/x/._P.ndjson", b"x"),
    )
    report = site.ingest(put("a", pack(*members)))
    inside = {file.path.partition("!/")[2] for file in report.files}
    assert inside == {"x/P.ndjson", "x/(2)/P.ndjson", "P.ndjson", "etc/P.ndjson"}
    assert report.totals["loaded"] == 4
    assert [file.why for file in report.unrecognised] == [
        "holds 2 members that are hidden or no files; they are left out"
    ]


def test_a_hard_link_in_a_tar_is_the_file_that_it_links_to(site, put):
    members = (("a/P.ndjson", line_of("p1")), ("b/P.ndjson", "a/P.ndjson"), ("c/P.ndjson", "nowhere"))
    report = site.ingest(put("a.tar", tar_of(*members)))
    assert [(file.path[-10:], file.loaded, file.unchanged) for file in report.files] == [
        ("a/P.ndjson", 1, 0),
        ("b/P.ndjson", 0, 1),
    ]
    assert [file.why for file in report.unrecognised] == [
        "holds 1 members that are hidden or no files; they are left out"
    ]


HEADER, PERSON = tarfile.BLOCKSIZE, line_of("p0000")


@pytest.mark.parametrize(
    ("end", "loaded", "rules"),
    [
        (HEADER + 1_500 * len(PERSON) + 7, 1_500, ["truncated", "damaged_archive"]),
        (HEADER + 2_000 * len(PERSON), 2_000, ["damaged_archive"]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_a_tar_that_breaks_off_keeps_its_whole_lines_and_says_so(site, put, end, loaded, rules, pack):
    people = b"".join(line_of(f"p{n:04}") for n in range(2_000))
    whole = tar_of(("a.ndjson", people), ("b.ndjson", line_of("q")))
    report = site.ingest(put("a.tar", pack(whole[:end])))
    assert report.totals["loaded"] == loaded
    assert site.rows("select rule from account.quarantine order by line") == [(rule,) for rule in rules]
    assert [file.why for file in report.unrecognised] == [
        "is a damaged tar archive, read only up to the damage; deliver it again"
    ]


def test_an_archive_that_breaks_off_keeps_its_whole_lines_and_says_so(site, put):
    many = b"".join(b'{"resourceType": "Patient", "id": "p%d", "x": "%x"}\n' % (i, i**9) for i in range(20_000))
    whole = gzip.compress(many)
    report = site.ingest(put("Patient.ndjson.gz", whole[: len(whole) // 2]))
    assert report.totals["loaded"] > 1000
    assert site.rows("select rule from account.quarantine order by line") == [("truncated",), ("damaged_archive",)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_end_at_lf_crlf_and_cr_alike_wherever_a_block_ends(size):
    content = b"\xef\xbb\xbfone\r\ntwo\rthree\n\nfive\r\r\nseven"
    found = list(blocks(Stream(io.BytesIO(content)), longest=100, size=size))
    lines = [line.strip() for block in found for line in block.lines]
    assert lines == [b"one", b"two", b"three", b"", b"five", b"", b"seven"]
    assert [block.first_line + i for block in found for i in range(len(block))] == [1, 2, 3, 4, 5, 6, 7]
    offsets = [offset for block in found for offset in block.offsets]
    assert [
        content[offset:].lstrip(b"\r\n")[:1] for offset in offsets if content[offset : offset + 1] not in b"\r\n"
    ] == [
        b"o",
        b"t",
        b"t",
        b"f",
        b"s",
    ]
    assert found[-1].ends_open


def test_a_type_that_fhir_does_not_have_may_be_a_name_and_is_not_kept(site, put):
    report = site.ingest(
        put("1.ndjson", {"resourceType": "Quillon", "id": "a"}, {"resourceType": "Patient", "id": "p"})
    )
    assert (report.totals["loaded"], report.totals["ignored"]) == (1, 1)
    assert "Quillon" not in site.everything() + json.dumps(report.to_json())


def test_a_file_has_one_name_however_somebody_came_to_it(site, put):
    path = put("a/1.ndjson", PATIENT)
    site.ingest(path)
    again = site.ingest(path.parent / ".." / "a" / "1.ndjson")
    assert again.totals["unchanged"] == 1
    assert site.rows("select path from account.file") == [(path.as_posix(),)]
