"""The keyed hash by which identifiers join without being readable, and the key it needs."""

import hashlib
import hmac
import stat

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import keys, settings, warehouse
from pipelines.errors import KeyChanged, KeyMissing
from pipelines.home import Home

KEY = b"sixteen bytes or more"


def test_it_is_the_beginning_of_an_hmac_over_kind_authority_and_value():
    expected = hmac.new(KEY, b"mrn|urn:lark:mrn|LK1", hashlib.sha256).hexdigest()
    assert keys.keyed(KEY, "mrn", "urn:lark:mrn", "LK1") == expected[:32]


@pytest.fixture(scope="module")
def sql():
    db = duckdb.connect()
    yield db
    db.close()


@given(st.text(min_size=16, max_size=100), st.text(), st.text(max_size=20))
def test_sql_columns_and_python_agree_for_any_key_and_text(sql, site_key, value, authority):
    key = site_key.encode()
    keys.install(sql, key)
    ((found,),) = sql.execute("select keyed('patient', $a, $v)", {"a": authority, "v": value}).fetchall()
    assert found == keys.keyed(key, "patient", authority, value)
    assert found == of_columns(key, authority, value) == of_columns(key, pl.lit(authority), value)


def of_columns(key, authority, value):
    return pl.select(keys.digest(key, keys.under("patient", authority, pl.lit(value, pl.String)))).item()


@pytest.mark.parametrize("value", ["123", "Ångström-Núñez", "患者七", "a|b", "", "😀"])
def test_sql_and_python_agree_beyond_ascii(sql, value):
    keys.install(sql, KEY)
    assert sql.execute("select keyed('visit', 'urn:é', $v)", {"v": value}).fetchall() == [
        (keys.keyed(KEY, "visit", "urn:é", value),)
    ]


def test_a_missing_value_has_no_key(sql):
    keys.install(sql, KEY)
    assert sql.execute("select keyed('visit', 'a', null)").fetchall() == [(None,)]
    assert (
        of_columns(KEY, "a", None)
        is of_columns(KEY, None, "1")
        is of_columns(KEY, pl.lit(None, pl.String), "1")
        is None
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("WARDFLOW_SITE_KEY")
    return Home(tmp_path / "lark").create()


def test_the_key_file_lies_beside_the_home_and_only_its_owner_reads_it(home):
    made = keys.create(settings.load(home))
    path = home.path.with_name("lark.key")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made) == 64
    assert keys.create(settings.load(home)) == made


def test_without_a_key_nothing_starts(home):
    with pytest.raises(KeyMissing, match=r"no site key: WARDFLOW_SITE_KEY is not set"):
        warehouse.connect(settings.load(home))


def test_a_short_key_is_refused(home, monkeypatch):
    monkeypatch.setenv("WARDFLOW_SITE_KEY", "fifteen bytes!!")
    with pytest.raises(KeyMissing, match="15 bytes; it needs 16 or more"):
        keys.load(settings.load(home))


def test_a_key_that_is_no_text_is_refused(home):
    path = home.path.with_name("lark.key")
    path.write_bytes(b"\xff" * 32)
    with pytest.raises(KeyMissing, match="is no UTF-8 text"):
        keys.load(settings.load(home))


def test_a_key_file_inside_the_home_is_refused(home):
    home.settings_path.write_text('key_file = "secret.key"')
    with pytest.raises(KeyMissing, match="lies inside the home"):
        keys.create(settings.load(home))


def test_another_key_than_the_warehouse_was_filled_with_is_refused(home, monkeypatch):
    monkeypatch.setenv("WARDFLOW_SITE_KEY", "the first site key")
    warehouse.connect(settings.load(home)).close()
    monkeypatch.setenv("WARDFLOW_SITE_KEY", "the second site key")
    with pytest.raises(KeyChanged, match="Restore the former key"):
        warehouse.connect(settings.load(home))


def test_the_key_is_nowhere_in_the_home(home, monkeypatch):
    monkeypatch.setenv("WARDFLOW_SITE_KEY", "a key that must not leak")
    db = warehouse.connect(settings.load(home))
    db.execute("checkpoint")
    db.close()
    files = b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    assert b"a key that must not leak" not in files
    assert "a key that must not leak" not in repr(settings.load(home))
