"""Each kind of rule, on a table small enough to judge by eye; and what a validation says of it."""

from datetime import UTC, datetime, timedelta

import duckdb
import narwhals.stable.v2 as nw
import pytest

from data_quality.rules import (
    between,
    holds,
    in_balance,
    not_empty,
    one_of,
    present,
    rate_between,
    unique,
    within_horizon,
)
from data_quality.run import Verdict, validate
from models.census import little

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)

#   order_key | priority | minutes | ordered_at
ORDERS = """
    ('a', 'stat',    10.0, timestamptz '2026-01-01 08:00+00'),
    ('b', 'routine', 40.0, timestamptz '2026-01-01 09:00+00'),
    ('c', 'routine', -5.0, timestamptz '2026-01-03 09:00+00'),
    ('c', 'urgent',  null, timestamptz '2026-01-01 10:00+00'),
    (null, null,     90.0, null)
"""


@pytest.fixture
def db():
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            f"create table marts.lab_order as from (values {ORDERS}) t(order_key, priority, minutes, ordered_at)"
        )
        connection.execute("create table marts.handoff (handoff_key varchar)")
        yield connection


def outcome_of(db, rule, table="marts.lab_order"):
    (outcome,) = validate(db, [table], as_of=AS_OF, suites={table: [rule]}).outcomes
    return outcome


@pytest.mark.parametrize(
    ("rule", "passed", "unexpected_share"),
    [
        (unique("order_key", "w"), False, 2 / 4),
        (unique("minutes", "w"), True, 0.0),
        (present("order_key", "w"), False, 1 / 5),
        (present("order_key", "w", at_least=0.8), True, 1 / 5),
        (one_of("priority", ("stat", "routine"), "w"), False, 1 / 4),
        (one_of("priority", ("stat", "routine"), "w", at_least=0.75), True, 1 / 4),
        (between("minutes", 0, None, "w"), False, 1 / 4),
        (between("minutes", 0, 50, "w", at_least=0.5), True, 2 / 4),
        (holds("not slow", "minutes", "minutes < 60", "w"), False, 1 / 4),
        (holds("quick", "minutes", "minutes < 100", "w"), True, 0.0),
        (within_horizon("ordered_at"), False, 1 / 4),
        (within_horizon("ordered_at", at_least=0.75), True, 1 / 4),
    ],
)
def test_a_rule_about_rows_says_which_share_breaks_it(db, rule, passed, unexpected_share):
    outcome = outcome_of(db, rule)
    assert (outcome.passed, outcome.unexpected_share) == (passed, pytest.approx(unexpected_share))


def test_a_rate_is_judged_over_the_whole_table(db):
    assert outcome_of(db, rate_between("minutes", "minutes > 30", 0.4, 0.6, "w")).passed  # 2 of 4 known
    assert not outcome_of(db, rate_between("minutes", "minutes > 30", 0.0, 0.4, "w")).passed


def test_an_empty_table_is_sound_but_not_plausible(db):
    assert outcome_of(db, unique("handoff_key", "w"), "marts.handoff").passed
    empty = outcome_of(db, not_empty("w"), "marts.handoff")
    assert (empty.passed, empty.severity) == (False, "content")


def test_a_missing_column_is_structural_whatever_the_rule_was(db):
    outcome = outcome_of(db, between("minuts", 0, None, "w"))
    assert (outcome.passed, outcome.severity) == (False, "structural")
    assert outcome.expectation == "minuts is in range (there is no such column)"


def test_a_missing_table_fails_every_rule(db):
    verdict = validate(db, ["marts.message"], as_of=AS_OF, suites={"marts.message": [not_empty("w"), unique("k", "w")]})
    assert verdict.blocks
    assert [outcome.passed for outcome in verdict.outcomes] == [False, False]


def test_only_structural_failures_block():
    db = duckdb.connect()
    db.execute("create schema marts; create table marts.lab_order as select 'a' as order_key, -1 as minutes")
    content = validate(
        db, ["marts.lab_order"], as_of=AS_OF, suites={"marts.lab_order": [between("minutes", 0, None, "w")]}
    )
    assert (content.blocks, len(content.content_failures), len(content.structural_failures)) == (False, 1, 0)
    assert not Verdict(()).blocks


def test_a_failed_rule_concerns_the_kpis_that_rest_on_its_column(db):
    rests = outcome_of(db, present("minutes_to_verified", "w"))
    assert rests.kpis == (
        *("lab_turnaround", "lab_turnaround_median", "lab_turnaround_stat"),
        *(
            "message_never_seen_rate",
            "waits_without_owner",
            "cases_on_path_rate",
            "steps_in_window_rate",
        ),  # what is made from laboratory orders
    )
    narrowed = outcome_of(db, present("priority", "w", kpis=("lab_turnaround",)))
    assert narrowed.kpis == ("lab_turnaround",)


def test_no_value_of_a_row_is_in_a_verdict(db):
    verdict = validate(
        db, ["marts.lab_order"], as_of=AS_OF, suites={"marts.lab_order": [one_of("priority", ("stat",), "w")]}
    )
    assert "urgent" not in repr(verdict)
    assert "routine" not in repr(verdict)


def test_the_validated_connection_keeps_its_own_state(db):
    db.execute("set timezone = 'America/New_York'")
    validate(db, ["marts.lab_order"], as_of=AS_OF, suites={"marts.lab_order": [not_empty("w")]})
    assert db.execute("select current_setting('timezone')").fetchone() == ("America/New_York",)
    assert db.execute("select count(*) from duckdb_views() where not internal").fetchone() == (0,)


def test_nothing_is_printed_while_validating(db, capfd):
    validate(
        db, ["marts.lab_order"], as_of=AS_OF, suites={"marts.lab_order": [not_empty("w"), unique("order_key", "w")]}
    )
    assert capfd.readouterr() == ("", "")


def stays(db, lost, known="2025-10-01"):
    """A bed for 80 days up to the data cut, a new patient every day for one day; of the last `lost` the end is missing."""
    db.execute(
        "create or replace table marts.inpatient_stay as select came, case when n >= $lost then came + interval 1 day end "
        "as went from (select n, $cut::timestamptz - (n + 1) * interval 1 day as came from range(80) as days (n))",
        {"lost": lost, "cut": AS_OF},
    )
    return in_balance("came", "went", known_since=f"timestamptz '{known} 00:00+00'", why="w", kpis=("occupancy_mean",))


def test_a_ward_whose_patients_all_leave_is_in_balance(db):
    outcome = outcome_of(db, stays(db, lost=1), "marts.inpatient_stay")
    assert outcome.passed


def test_missing_ends_break_the_balance(db):
    # of 28 days 8 patients stay on, for 8 + 7 + ... + 1 days: 20 days ended of 20 + 36
    outcome = outcome_of(db, stays(db, lost=8), "marts.inpatient_stay")
    assert (outcome.passed, outcome.severity, outcome.kpis) == (False, "content", ("occupancy_mean",))


@pytest.mark.parametrize("lost", [0, 1, 8, 40])
def test_the_gap_that_is_judged_is_the_one_of_the_census(db, lost):
    rule = stays(db, lost)
    db.execute("set variable horizon = $cut::timestamptz", {"cut": AS_OF})
    ((judged,),) = db.execute(f"select avg(gap) from (select {rule.sql} as gap from marts.inpatient_stay)").fetchall()
    relation = db.sql("select epoch(came) as came, epoch(went) as went from marts.inpatient_stay")
    law = little(nw.from_native(relation), "came", "went", start=AS_OF - timedelta(days=28), end=AS_OF)
    assert judged == pytest.approx(law.gap)


def test_a_balance_of_less_than_four_weeks_is_not_judged(db):
    assert outcome_of(db, stays(db, lost=8, known="2025-12-20"), "marts.inpatient_stay").passed


def test_a_ward_without_patients_is_in_balance(db):
    rule = stays(db, lost=0)
    db.execute("update marts.inpatient_stay set came = came - interval 900 day, went = went - interval 900 day")
    assert outcome_of(db, rule, "marts.inpatient_stay").passed
