"""De-identified data lie in years far from today: the whole run on shifted files finds what it finds on the unshifted ones."""

import gzip
import re
import shutil

import polars as pl
import pytest

from models.publication import load_current
from pipelines import keys
from pipelines.home import Home
from pipelines.refresh import refresh
from pipelines.settings import load

from .conftest import counted

YEARS = 400
"""The calendar repeats after four hundred years: weekdays, leap days and the nights that change clocks."""
_YEAR = re.compile(rb'"20(\d\d)-(\d\d)')


def deliver(delivered, place, move=lambda text: text):
    """A home to which the hospital's exports alone are handed over, each file's text moved."""
    home = Home(place)
    for path in sorted((delivered / "fhir").rglob("*")):
        if path.suffix in {".json", ".ndjson"} or path.name.endswith(".ndjson.gz"):
            target = home.landing / path.relative_to(delivered)
            target.parent.mkdir(parents=True, exist_ok=True)
            zipped = path.suffix == ".gz"
            text = move(gzip.decompress(path.read_bytes()) if zipped else path.read_bytes())
            target.write_bytes(gzip.compress(text) if zipped else text)
    settings = (delivered / "wardflow.toml").read_text(encoding="utf-8")
    (place / "wardflow.toml").write_text(settings[: [m.start() for m in re.finditer(r"\[\[sources\]\]", settings)][1]])
    shutil.copy(delivered / "registry.toml", place / "registry.toml")
    keys.create(load(home))
    return home


def values(table, years=0):
    found = {}
    for row in table.iter_rows(named=True):
        first = row["period"]
        period = first and first.replace(year=first.year - years)
        place = (row["kpi"], row["facility"], row["unit"], row["grain"], period)
        found[place] = tuple(row[name] for name in ("value", "numerator", "denominator", "open_cases", "suppressed"))
    return found


def test_every_number_of_data_four_centuries_away_is_the_number_of_today(simulated, tmp_path):
    home = deliver(simulated, tmp_path / "home", lambda text: _YEAR.sub(rb'"24\1-\2', text))
    result = refresh(home)
    assert result.succeeded, result.failure
    published = load_current(home.published).table("kpi_value").files
    found = values(pl.read_parquet([home.published / file for file in published]), YEARS)
    expected = values(counted(deliver(simulated, tmp_path / "now"))["kpi_value"])
    assert len(expected) > 1000
    assert found.keys() == expected.keys()
    assert [(place, found[place], row) for place, row in expected.items() if not same(found[place], row)] == []


def same(one, other):
    """Equal, but for the last digit to which a sum of fractions of hours is rounded."""
    value, numerator, *rest = one
    return (
        rest == list(other[2:])
        and value == pytest.approx(other[0], abs=2e-6)
        and numerator == pytest.approx(other[1], abs=2e-3)
    )
