"""The published tables, written by one step so that a reader sees all of them change at once."""

from collections.abc import Iterator

import dagster as dg

from models.catalog import tables
from pipelines import incident_alerts
from pipelines.aggregates.aggregate_tables import NAMES
from pipelines.defs.resources import Warehouse
from pipelines.publish import LINEAGE, SUPPLIED, publish
from pipelines.verdicts import recall

_MARTS = [table.name for table in tables() if table.is_published]
_EVERYTHING = [dg.AssetKey([table.layer, table.name]) for table in tables()] + [dg.AssetKey(["account", "file"])]


def _spec(name: str) -> dg.AssetSpec:
    """A published mart or account depends on its table alone; an aggregate on everything that was checked."""
    return dg.AssetSpec(["published", name], deps=_EVERYTHING, group_name="published", kinds={"parquet"})


@dg.multi_asset(
    name="publish",
    specs=[_spec(name) for name in sorted({*NAMES, *_MARTS, *LINEAGE, *SUPPLIED})],
    description="Immutable Parquet files and the manifest that names them; current.json is swapped at the end.",
)
def published(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult]:
    """Runs only when every structural check passed."""
    done = publish(warehouse.db, warehouse.home, warehouse.settings, recall(warehouse.db), warehouse.say)
    warehouse.publication = done
    incident_alerts.tell(warehouse.db, warehouse.home, warehouse.settings, done.manifest.as_of)
    for name, table in sorted(done.manifest.tables.items()):
        yield dg.MaterializeResult(
            asset_key=["published", name],
            metadata={
                "dagster/row_count": table.rows,
                "files": list(table.files),
                "as_of": table.as_of.isoformat(),
                "is_new": any(file in done.written for file in table.files),
                "snapshot": done.manifest.id,
            },
        )
