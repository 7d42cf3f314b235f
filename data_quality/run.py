"""Run the suites over tables of an open DuckDB connection and say what was found, in Wardflow's own words.

Here: `validate` and the dataclasses it returns; Great Expectations' types stop here. Not here: what is expected
(`suites`) or what follows from a failure (`pipelines` blocks or publishes, `models.readiness` judges the KPIs).

Great Expectations takes seconds to import, so it is imported when the first suite runs. It sends nothing and draws no
progress bars.
"""

from __future__ import annotations

import contextlib
import io
import logging
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from data_quality.suites import SUITES
from models.readiness import affected_kpis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import duckdb

    from data_quality.rules import Rule, Severity


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one rule found in one table. `unexpected_share` is 0 to 1, null where a rule is not about rows or could
    not run.
    """

    table: str
    expectation: str
    column: str | None
    why: str
    severity: Severity
    passed: bool
    unexpected_share: float | None
    kpis: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Every outcome of a validation, in the order of the suites."""

    outcomes: tuple[Outcome, ...]

    @property
    def structural_failures(self) -> tuple[Outcome, ...]:
        """What must stop publication: a table is not what it says it is."""
        return tuple(o for o in self.outcomes if not o.passed and o.severity == "structural")

    @property
    def content_failures(self) -> tuple[Outcome, ...]:
        """What makes KPIs biased: the table is sound, and what it says is doubtful."""
        return tuple(o for o in self.outcomes if not o.passed and o.severity == "content")

    @property
    def blocks(self) -> bool:
        """Whether publication must not happen."""
        return bool(self.structural_failures)


def load_library() -> None:
    """Import Great Expectations, which takes seconds: the first validation does it, if nobody did who had to wait anyway."""
    import_module("great_expectations")


def validate(
    db: duckdb.DuckDBPyConnection,
    tables: Iterable[str],
    *,
    as_of: datetime,
    suites: Mapping[str, Sequence[Rule]] = SUITES,
) -> Verdict:
    """Run the suites of `tables` ("layer.name") inside DuckDB; no table is copied out.

    Uses a second connection to the database that `db` has open, so that `db` keeps its own state: what is to be
    checked must be committed. `as_of` is the data cut, the horizon of every instant.

    Raises:
        KeyError: a table has no suite.
    """
    with db.cursor() as connection:
        connection.execute("set variable horizon = $as_of::timestamptz", {"as_of": as_of})
        return Verdict(tuple(o for table in tables for o in _outcomes(connection, table, suites[table])))


def _outcomes(connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule]) -> list[Outcome]:
    layer, name = table.split(".")
    known = {
        column
        for (column,) in connection.execute(
            "select column_name from duckdb_columns() where schema_name = $layer and table_name = $name",
            {"layer": layer, "name": name},
        ).fetchall()
    }
    runnable = [rule for rule in rules if known and (rule.column is None or rule.column in known)]
    results = _ask(connection, table, runnable)
    return [_outcome(table, rule, results.get(rule.name)) for rule in rules]


def _outcome(table: str, rule: Rule, result: Any) -> Outcome:  # noqa: ANN401 -- a Great Expectations result, or none
    """A rule without a result names a table or a column that does not exist: that is structural whatever the rule
    says.
    """
    percent = result.result.get("unexpected_percent") if result else None
    return Outcome(
        table=table,
        expectation=rule.name if result else f"{rule.name} (there is no such column)",
        column=rule.column,
        why=rule.why,
        severity=rule.severity if result else "structural",
        passed=bool(result and result.success),
        unexpected_share=None if percent is None else percent / 100,
        kpis=rule.kpis or affected_kpis(table, rule.column),
    )


def _ask(connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """Great Expectations' results by rule name, over a temporary view that adds the rules' own expressions as
    columns.
    """
    if not rules:
        return {}
    view = "checked_" + table.replace(".", "_")
    computed = "".join(f', {rule.sql} as "{_checked_column(rule, n)}"' for n, rule in enumerate(rules) if rule.sql)
    connection.execute(f'create or replace temp view "{view}" as select *{computed} from {table}')  # noqa: S608 -- our suites' own text
    with _quiet():
        gx = import_module("great_expectations")
        batch = _batch(connection, view)
        suite = gx.ExpectationSuite(name=table, expectations=[_expectation(rule, n) for n, rule in enumerate(rules)])
        found = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    connection.execute(f'drop view "{view}"')
    return {result.expectation_config.meta["rule"]: result for result in found.results}


def _checked_column(rule: Rule, position: int) -> str:
    return f"checked_{position}" if rule.sql else (rule.column or "")


def _expectation(rule: Rule, position: int) -> Any:  # noqa: ANN401 -- a Great Expectations expectation
    expectations = import_module("great_expectations.expectations")
    arguments: dict[str, Any] = {**rule.arguments}
    if rule.column:
        arguments["column"] = _checked_column(rule, position)
    if rule.at_least is not None:
        arguments["mostly"] = rule.at_least
    return getattr(expectations, rule.expectation)(
        **arguments, notes=rule.why, meta={"rule": rule.name, "severity": rule.severity}
    )


def _batch(connection: duckdb.DuckDBPyConnection, view: str) -> Any:  # noqa: ANN401 -- a Great Expectations batch
    dialect = import_module("data_quality.dialect")
    source = _context().data_sources.add_or_update_sql(  # of one name: the context writes all that it knows down again
        "warehouse", connection_string=dialect.URL, kwargs=dialect.engine_options(connection), create_temp_table=False
    )
    return source.add_table_asset(view, table_name=view).add_batch_definition("all").get_batch()


@cache
def _context() -> Any:  # noqa: ANN401 -- a Great Expectations context
    base = import_module("great_expectations.data_context.types.base")
    context = import_module("great_expectations").get_context(mode="ephemeral")
    context.variables.progress_bars = base.ProgressBarsConfig(globally=False)
    context.enable_analytics(enable=False)
    # It would write all that it knows down as YAML, three times a table; nothing reads it.
    context.variables.save = lambda: None
    return context


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's own messages, which may quote values, out of the log and off the terminal."""
    load_library()  # it sets its logger's level, so it comes first
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
