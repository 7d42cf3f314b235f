"""The small vocabulary in which a suite is written: what is expected of which column, why, and how much it matters.

Here: `Rule`, and one constructor for each kind. Not here: which tables have which rules (`suites`), and Great
Expectations, which takes seconds to import and is met only in `run`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LARGEST_GAP = 0.1
"""The gap in Little's law from which starts or ends must be missing."""

Severity = Literal["structural", "content"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One expectation of one table.

    `structural` failures block publication: the table is not what it says it is. `content` failures never block: they
    turn the KPIs that rest on `column` biased. `kpis` narrows a content rule to some KPIs; empty means all that rest
    on the table. `sql` is a boolean expression over the table, for a rule that looks at several columns or another
    table; it may use `getvariable('horizon')`, the data cut. `at_least` is the share of rows that must comply.
    """

    name: str
    expectation: str
    why: str
    severity: Severity
    column: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    sql: str | None = None
    at_least: float | None = None
    kpis: tuple[str, ...] = ()


def unique(column: str, why: str) -> Rule:
    """Every value stands on one row only. Nulls are for `present`."""
    return Rule(
        name=f"{column} is unique",
        expectation="ExpectColumnValuesToBeUnique",
        column=column,
        why=why,
        severity="structural",
    )


def present(
    column: str, why: str, *, at_least: float = 1.0, severity: Severity = "structural", kpis: Sequence[str] = ()
) -> Rule:
    """The column is not null."""
    return Rule(
        name=f"{column} is present",
        expectation="ExpectColumnValuesToNotBeNull",
        column=column,
        why=why,
        severity=severity,
        at_least=at_least,
        kpis=tuple(kpis),
    )


def one_of(
    column: str,
    values: Sequence[object],
    why: str,
    *,
    at_least: float = 1.0,
    severity: Severity = "structural",
    kpis: Sequence[str] = (),
) -> Rule:
    """The column, where present, holds one of a closed set of values."""
    return Rule(
        name=f"{column} is one of its known values",
        expectation="ExpectColumnValuesToBeInSet",
        column=column,
        arguments={"value_set": list(values)},
        why=why,
        severity=severity,
        at_least=at_least,
        kpis=tuple(kpis),
    )


def between(
    column: str,
    low: float | None,
    high: float | None,
    why: str,
    *,
    at_least: float = 1.0,
    severity: Severity = "content",
    kpis: Sequence[str] = (),
) -> Rule:
    """The column, where present, lies within the closed range; null leaves an end open."""
    return Rule(
        name=f"{column} is in range",
        expectation="ExpectColumnValuesToBeBetween",
        column=column,
        arguments={"min_value": low, "max_value": high},
        why=why,
        severity=severity,
        at_least=at_least,
        kpis=tuple(kpis),
    )


def holds(
    name: str,
    column: str,
    sql: str,
    why: str,
    *,
    at_least: float = 1.0,
    severity: Severity = "content",
    kpis: Sequence[str] = (),
) -> Rule:
    """The boolean expression is true; a row where it is null is not judged."""
    return Rule(
        name=name,
        expectation="ExpectColumnValuesToBeInSet",
        column=column,
        arguments={"value_set": [True]},
        sql=sql,
        why=why,
        severity=severity,
        at_least=at_least,
        kpis=tuple(kpis),
    )


def within_horizon(column: str, *, at_least: float = 0.999, kpis: Sequence[str] = ()) -> Rule:
    """An instant does not lie after the data cut, which only a wrong clock or a wrong zone can bring about."""
    return holds(
        f"{column} is not after the data cut",
        column,
        f"{column} <= getvariable('horizon')::timestamptz",
        "Nothing can have happened after the export was made: a later time is a wrong clock or a wrong zone.",
        at_least=at_least,
        kpis=kpis,
    )


def not_empty(why: str) -> Rule:
    """The table has at least one row."""
    return Rule(
        name="the table has rows",
        expectation="ExpectTableRowCountToBeBetween",
        arguments={"min_value": 1},
        why=why,
        severity="content",
    )


def rate_between(column: str, sql: str, low: float, high: float, why: str, *, kpis: Sequence[str] = ()) -> Rule:
    """The mean of an expression over the whole table (a share, when it is 0 or 1) lies within the closed range."""
    return Rule(
        name=f"the rate of {column} is plausible",
        expectation="ExpectColumnMeanToBeBetween",
        column=column,
        arguments={"min_value": low, "max_value": high},
        sql=f"({sql})::double",
        why=why,
        severity="content",
        kpis=tuple(kpis),
    )


def in_balance(opened: str, closed: str, *, known_since: str, why: str, kpis: Sequence[str] = ()) -> Rule:
    """Little's law over the last four weeks: the time that cases were there is the time of those that ended.

    The two differ by what has aged, which is little where as many come as go. A gap above a tenth means that ends are
    missing (cases never leave) or starts. `known_since` is SQL for the instant from which cases are known completely:
    where that is less than four weeks ago nothing is judged. How it is derived: `models.census.little`.
    """
    horizon = "getvariable('horizon')::timestamptz"
    begin = f"({horizon} - interval 28 day)"
    there = f"greatest(0, epoch(least(coalesce({closed}, {horizon}), {horizon})) - epoch(greatest({opened}, {begin})))"
    ended = f"case when {closed} >= {begin} and {closed} < {horizon} then epoch({closed}) - epoch({opened}) else 0 end"
    share = f"({there} - {ended}) / nullif(avg({there}) over (), 0)"
    return Rule(
        name=f"what was there is what {opened} and {closed} explain (Little's law)",
        expectation="ExpectColumnMeanToBeBetween",
        column=closed,
        arguments={"min_value": -LARGEST_GAP, "max_value": LARGEST_GAP},
        sql=f"(case when {known_since} <= {begin} then coalesce({share}, 0) else 0 end)::double",
        why=why,
        severity="content",
        kpis=tuple(kpis),
    )
