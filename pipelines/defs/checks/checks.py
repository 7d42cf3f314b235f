"""Two checks beside every table with a suite: `is_sound` (structural, stops publication) and `is_plausible` (content,
never stops it).
"""

from collections.abc import Iterator

import dagster as dg

from data_quality.run import Outcome, validate
from data_quality.suites import SUITES
from pipelines.build import data_cut
from pipelines.code import code_digest
from pipelines.defs.resources import Warehouse
from pipelines.rebuilding import content_of
from pipelines.verdicts import recall_of, remember

SOUND, PLAUSIBLE = "is_sound", "is_plausible"


def checks_for(table: str) -> dg.AssetChecksDefinition:
    """The checks generated from the table's suite; both are answered by one validation."""
    key = dg.AssetKey(table.split("."))

    @dg.multi_asset_check(
        name=f"check_{table.replace('.', '_')}",
        specs=[
            dg.AssetCheckSpec(
                SOUND, asset=key, blocking=True, description="Keys, values and columns are what they must be."
            ),
            dg.AssetCheckSpec(
                PLAUSIBLE, asset=key, description="What the rows say can be true; else dependent KPIs are biased."
            ),
        ],
    )
    def check(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.AssetCheckResult]:
        warehouse.say(f"checking {table}")
        as_of = data_cut(warehouse.db, warehouse.settings, [table])
        content = content_of(warehouse.db, table)
        judged = f"{content} {as_of.isoformat()} {code_digest()}"
        verdict = recall_of(warehouse.db, table, judged) if content else None
        if verdict is None:
            verdict = validate(warehouse.db, [table], as_of=as_of)
            remember(warehouse.db, table, verdict, judged)
        warehouse.structural_failures += verdict.structural_failures
        yield _result(key, SOUND, verdict.structural_failures, dg.AssetCheckSeverity.ERROR)
        yield _result(key, PLAUSIBLE, verdict.content_failures, dg.AssetCheckSeverity.WARN)

    return check


def _result(
    key: dg.AssetKey, name: str, failures: tuple[Outcome, ...], severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not failures,
        severity=severity,
        metadata={"failed": [f"{failure.expectation}: {failure.why}" for failure in failures]},
    )


table_checks = [checks_for(table) for table in SUITES]


@dg.asset_check(
    asset=["account", "file"],
    blocking=True,
    description="Lines read = loaded + unchanged + superseded + ignored + quarantined, file by file.",
)
def is_balanced(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Every line of every delivered file is accounted for."""
    ((files, out_of_balance),) = warehouse.db.execute(
        """
        select count(*), count_if(lines_read <> loaded + unchanged + superseded + ignored + quarantined)
        from account.file
        """
    ).fetchall()
    return dg.AssetCheckResult(passed=not out_of_balance, metadata={"files": files, "out_of_balance": out_of_balance})
