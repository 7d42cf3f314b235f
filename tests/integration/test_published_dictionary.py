"""The dictionary explains the columns that a publication writes: all of them, and no others."""

import pyarrow.parquet as pq
import pytest

from models.publication import load_current
from models.published import MEANINGS, TABLES


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_a_published_total_is_explained(published_home, name):
    manifest = load_current(published_home.published)
    (file,) = manifest.table(name).files
    assert TABLES[name][1].split() == pq.read_schema(published_home.published / file).names


def test_no_meaning_is_left_over():
    assert {column for _, columns in TABLES.values() for column in columns.split()} == MEANINGS.keys()
