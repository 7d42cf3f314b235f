"""No planted name, address, telephone number, record number or sentence leaves the delivered files."""

import duckdb
import polars as pl
import pytest

from sample_data.people import planted_strings

SHORTEST = 4


@pytest.fixture(scope="module")
def needles():
    """Bytes as Latin-1 text, one character a byte, so that one automaton searches tables, logs and binary files alike."""
    return [text.encode().decode("latin-1") for text in planted_strings() if len(text) >= SHORTEST]


def holds_one(needles, content: bytes) -> bool:
    return bool(pl.Series([content.decode("latin-1")]).str.contains_any(needles).item())


def rows_of(db, relation) -> bytes:
    ((text,),) = db.execute(f"select coalesce(string_agg(t::varchar, chr(10)), '') from {relation} t").fetchall()
    return text.encode()


def test_the_delivered_files_do_hold_planted_strings(published_home, needles):
    assert holds_one(needles, next((published_home.landing / "fhir").rglob("Patient.ndjson")).read_bytes())
    assert holds_one(needles, next((published_home.landing / "logs").rglob("*.xml")).read_bytes())


def test_no_table_of_the_warehouse_holds_one(published_home, needles):
    with duckdb.connect(str(published_home.warehouse_path), read_only=True) as db:
        names = db.execute("select schema_name, table_name from duckdb_tables() where not temporary").fetchall()
        assert len(names) > 40
        for schema, name in names:
            assert not holds_one(needles, rows_of(db, f'{schema}."{name}"')), f"{schema}.{name}"


@pytest.mark.parametrize("folder", ["published", "logs"])
def test_no_published_file_and_no_log_holds_one(published_home, needles, folder):
    for path in (published_home.path / folder).rglob("*"):
        if path.is_file():
            assert not holds_one(needles, path.read_bytes()), path.name


def test_no_published_value_holds_one(published_home, needles):
    with duckdb.connect() as db:
        for path in published_home.published.rglob("*.parquet"):
            assert not holds_one(needles, rows_of(db, f"'{path}'")), path.name
