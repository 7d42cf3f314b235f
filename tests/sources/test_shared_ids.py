"""Ids that several engines log are hashed alike, whoever reads them: DuckDB, a whole column at once, or a person's command."""

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import keys, shared_ids

KEY = b"sixteen bytes or more"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UUID = "4BF92F35-77b3-4da6-a3ce-929d0e0e4736"
WRITTEN = st.sampled_from(
    [TRACE, UUID, f"00-{TRACE}-00f067aa0ba902b7-01", TRACE[:24], "0" * 32, "1042", "a|b", "é", "-"]
)
WORDS = st.sampled_from([None, "", "EHR", " EHR ", "EHR^1.2^ISO", "^1.2^ISO", '""', "^", "é|x"])


@pytest.fixture(scope="module")
def sql():
    with duckdb.connect() as db:
        keys.install(db, KEY)
        for macro in shared_ids.MACROS:
            db.execute(macro)
        yield db


def of_column(made: pl.Expr, **values: str | None) -> str | None:
    return pl.DataFrame(values, schema=dict.fromkeys(values, pl.String)).select(made).item()


@given(WRITTEN | st.text("0123456789abcdefABCDEF-", min_size=1), st.sampled_from([None, "site"]))
def test_an_id_that_systems_hand_on_has_one_key(sql, written, authority):
    ((found,),) = sql.execute("select handed_on($a, $x)", {"a": authority, "x": written}).fetchall()
    text = shared_ids.handed_on(authority, pl.col("x"))
    assert found == of_column(keys.digest(KEY, text), x=written)
    unique = shared_ids.unique(written)
    if unique is not None and set(unique) != {"0"}:
        assert found == keys.keyed(KEY, "trace", "", unique)


@given(WORDS, WORDS)
def test_a_sender_has_one_name(sql, application, facility):
    ((found,),) = sql.execute("select sender_of($a, $f)", {"a": application, "f": facility}).fetchall()
    assert found == of_column(shared_ids.sender(pl.col("a"), pl.col("f")), a=application, f=facility)


@pytest.mark.parametrize("written", [TRACE, UUID, f"00-{TRACE}-00f067aa0ba902b7-01", TRACE.upper()])
def test_a_trace_is_the_same_in_every_form_and_nobodys(sql, written):
    ((found,),) = sql.execute("select handed_on(null, $x)", {"x": written}).fetchall()
    assert found == keys.keyed(KEY, "trace", "", TRACE)
