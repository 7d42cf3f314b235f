"""The suites as declarations: complete, explained, and about tables and columns that exist."""

import pytest

from data_quality.suites import SUITES
from models.catalog import tables
from models.kpis import KPIS

RULES = [(table, rule) for table, rules in SUITES.items() for rule in rules]


def test_every_mart_that_a_kpi_counts_has_a_suite():
    assert {kpi.table for kpi in KPIS.values()} <= SUITES.keys()


def test_every_suite_guards_a_table_that_is_built():
    assert SUITES.keys() <= {table.full_name for table in tables()}


@pytest.mark.parametrize("table", SUITES)
def test_a_rule_has_a_name_of_its_own_within_its_table(table):
    names = [rule.name for rule in SUITES[table]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("table", "rule"), RULES, ids=lambda value: getattr(value, "name", value))
def test_a_rule_says_why_in_a_sentence(table, rule):
    assert rule.why.endswith(".")
    assert len(rule.why.split()) >= 5, table


@pytest.mark.parametrize("table", SUITES)
def test_every_table_has_a_structural_rule(table):
    assert any(rule.severity == "structural" for rule in SUITES[table])


def test_kpis_that_a_rule_names_exist():
    assert {kpi for _, rule in RULES for kpi in rule.kpis} <= KPIS.keys()
