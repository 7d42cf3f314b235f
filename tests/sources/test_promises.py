"""What other parts rely on: the raw tables that the staging queries expect, and the templates that `init` writes."""

import duckdb

from models.raw import RAW_TABLES
from pipelines import warehouse
from pipelines.sources import fhir_references


def columns(db, table: str) -> dict[str, str]:
    return dict(db.execute(f"select column_name, column_type from (describe {table})").fetchall())


def test_every_raw_table_has_at_least_the_columns_that_staging_expects(site):
    expected = duckdb.connect()
    expected.execute("create schema raw")
    for view in fhir_references.VIEWS.values():
        site.db.execute(view)
    for name, statement in RAW_TABLES.items():
        expected.execute(statement)
        assert columns(expected, f"raw.{name}").items() <= columns(site.db, f"raw.{name}").items()


def test_a_warehouse_of_an_earlier_release_gets_the_columns_that_are_new(site, put):
    site.db.execute("alter table raw.fhir_patient drop column birth_year")
    warehouse.prepare(site.db)
    site.ingest(put("Patient.ndjson", {"resourceType": "Patient", "id": "1", "birthDate": "1950-07-31"}))
    assert site.rows("select birth_year from raw.fhir_patient") == [(1950,)]
