"""Records of JSON files: found wherever they stand, each with its place, and one that is spoiled costs one."""

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.settings import SourceSettings
from pipelines.sources import archives, json_records
from pipelines.sources.source import Intake, Session

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab{}[]"\\:,é \n', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab{\\", max_size=3), inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "\\"]), VALUES, min_size=1, max_size=3), min_size=1, max_size=6
)
FORMS = {
    "lines": lambda some: "".join(json.dumps(one) + "\n" for one in some),
    "array": json.dumps,
    "array over lines": lambda some: json.dumps(some, indent=2),
    "array by line": lambda some: "[" + ",\n".join(map(json.dumps, some)) + "]\n",
    "documents": lambda some: "\n".join(json.dumps(one, indent=2) for one in some),
    "wrapper": lambda some: json.dumps({"records": some}),
    "wrapper over lines": lambda some: json.dumps({"records": some}, indent=4),
    "array of wrappers": lambda some: "[" + ",\n".join(json.dumps({"records": [one]}) for one in some) + "]",
    "wrappers by line": lambda some: "".join(json.dumps({"records": [one, one]}) + "\n" for one in some),
}


def read(site, path):
    """Each record's text with line and offset, and the rules and places of what was set aside."""
    (delivered,) = archives.deliveries(path, path.as_posix())
    file = Intake(1, delivered, SourceSettings(name="x", kind="fhir"), "x", "")
    session = Session(site.db, site.settings, b"a key for tests only")
    session.db.execute("""create or replace temp table line_verdict
        (file_id integer, line bigint, byte_offset bigint, verdict varchar, rule varchar, line_hash varchar)""")
    rows = [row for table in json_records.chunks(session, [file]) for row in table.to_pylist()]
    session.flush()
    aside = site.rows("select line, rule from line_verdict where verdict = 'quarantined' order by byte_offset")
    blank = site.rows("select count(*) from line_verdict where verdict = 'ignored'")[0][0]
    assert file.lines_read == len(rows) + len(aside) + blank
    content = path.read_bytes()
    for row in rows:
        assert content[row["byte_offset"] :].startswith(row["text"].encode())
        assert content.count(b"\n", 0, row["byte_offset"]) == row["line"] - 1
    found = []
    for row in rows:
        try:
            found.append(json.loads(row["text"]))
        except json.JSONDecodeError:
            aside.append((row["line"], "unparseable"))
    return found, aside


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(some=RECORDS, block=st.integers(1, 60))
def test_every_record_is_found_however_it_is_written_and_cut_into_blocks(
    site, tmp_path, monkeypatch, form, some, block
):
    monkeypatch.setattr(json_records, "BLOCK_BYTES", block if block < 50 else 1 << 20)
    path = tmp_path / "a.json"
    path.write_text(FORMS[form](some), encoding="utf-8")
    twice = [one for one in some for _ in range(2)] if form == "wrappers by line" else some
    assert read(site, path) == (twice, [])


GOOD = {"_id": "1", "request": {"path": 'a"}{\\'}, "list": [{"b": 1}]}


@pytest.mark.parametrize("form", ["array over lines", "array by line", "documents", "wrappers by line", "lines"])
def test_a_record_with_a_missing_bracket_costs_that_record_where_records_begin_on_lines_of_their_own(
    site, tmp_path, form
):
    text = FORMS[form]([GOOD, {"_id": "2", "request": {}}, GOOD])
    path = tmp_path / "a.json"
    path.write_text(text.replace("{}", "{"), encoding="utf-8")
    found, aside = read(site, path)
    kept = [one for one in found if one == GOOD]
    assert len(kept) == (4 if form == "wrappers by line" else 2)
    assert len(aside) == 1


def test_a_file_that_ends_early_says_where(site, tmp_path):
    text = FORMS["array over lines"]([GOOD, GOOD])
    path = tmp_path / "a.json"
    rules = set()
    for cut in range(2, len(text) - 1):
        path.write_text(text[:cut], encoding="utf-8")
        found, aside = read(site, path)
        assert found == [GOOD] * len(found)
        assert len(aside) == 1, text[:cut]
        rules.add(aside[0][1])
    assert rules == {"truncated"}


@pytest.mark.parametrize("between", ["what is this", '"Quillon"', "} {"])
def test_text_between_records_is_set_aside(site, tmp_path, between):
    path = tmp_path / "a.json"
    path.write_text(f"[{json.dumps(GOOD)},\n{between},\n{json.dumps(GOOD)}]", encoding="utf-8")
    found, aside = read(site, path)
    assert GOOD in found
    assert aside


def test_bytes_that_are_no_text_cost_their_record(site, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"a": 1},\n{"a": "\xff"},\n{"a": 3}]')
    assert read(site, path) == ([{"a": 1}, {"a": 3}], [(2, "not_utf8")])


def test_a_record_that_is_too_long_is_set_aside_in_bounded_memory(site, tmp_path, monkeypatch):
    monkeypatch.setattr(json_records, "BLOCK_BYTES", 1 << 16)
    site.settings = site.settings.model_copy(update={"max_line_megabytes": 1})
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"a": "x" * (5 << 20)}]), encoding="utf-8")
    found, aside = read(site, path)
    assert not found
    assert aside[0] == (1, "too_large")
    assert len(list(pairwise(aside))) < 10
