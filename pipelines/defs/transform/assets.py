"""One asset per SQL file of `models/sql`; what it depends on is what its query reads."""

import dagster as dg

from models.catalog import Table, tables
from pipelines.defs.resources import Warehouse
from pipelines.rebuilding import build_if_changed
from pipelines.sources.fhir_references import behind_views


def asset_for(table: Table) -> dg.AssetsDefinition:
    """The asset that builds `table` inside DuckDB, when something that it is made from has changed."""

    @dg.asset(
        key=[table.layer, table.name],
        deps=[dg.AssetKey(read.split(".")) for read in sorted(behind_views(table.reads))],
        group_name=table.layer,
        kinds={"duckdb", "sql"},
        description=table.description,
    )
    def built(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
        warehouse.say(table.full_name)
        rows = build_if_changed(warehouse.db, warehouse.settings, table, warehouse.contents)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return built


table_assets = [asset_for(table) for table in tables()]
