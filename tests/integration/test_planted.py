"""Every awkward case that truth.json lists was answered: what was planted in the files is what the account and the marts say."""

import json
from collections import defaultdict

import polars as pl
import pytest

from models.publication import load_current
from pipelines.sources.fhir_projection import PROJECTIONS
from sample_data.delivery import PACKINGS
from tests.exported import manifest_of, resources_of

COUNTS = ("lines_read", "loaded", "unchanged", "superseded", "ignored", "quarantined")


def table(home, name):
    manifest = load_current(home.published)
    return pl.read_parquet([home.published / file for file in manifest.table(name).files])


@pytest.fixture(scope="module")
def planted(simulated):
    """Entries of truth.json's `planted` by kind."""
    found = defaultdict(list)
    for row in json.loads((simulated / "truth.json").read_text())["planted"]:
        found[row["kind"]].append(row)
    return found


def account_of(home, folder):
    """The counts of all files of one delivered folder together."""
    files = table(home, "file").filter(pl.col("path").str.contains(f"/fhir/{folder}/", literal=True))
    return {count: files[count].sum() for count in COUNTS}


def test_an_export_loads_completely_however_it_is_packed(published_home, simulated, planted):
    assert {row["packing"] for row in planted["packed_export"]} == set(PACKINGS)
    for row in planted["packed_export"]:
        account = account_of(published_home, row["folder"])
        folder = simulated / "fhir" / row["folder"]
        deletions = sum(entry["count"] for entry in manifest_of(folder)["deleted"])
        wanted = sum(resource["resourceType"] in PROJECTIONS for resource in resources_of(folder))
        assert account["lines_read"] == row["resources"] + row["headers"] + row["unwanted"] + deletions, row["packing"]
        assert account["loaded"] + account["unchanged"] == wanted + deletions, row["packing"]
        assert account["ignored"] == account["lines_read"] - wanted - deletions >= row["headers"] + row["unwanted"]
        assert (account["superseded"], account["quarantined"]) == (0, 0)
        assert account["loaded"] > 0, row["packing"]
