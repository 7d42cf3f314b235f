"""Published rows of KPIs that still stand, because nothing that they are computed from has changed.

Here: what a KPI's rows depend on, as one digest, and taking its rows over from the current snapshot. Not here: computing
them (`aggregate`). An interface log that grew by a few lines leaves every clinical number as it was.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from models.kpis import KPIS
from pipelines import effective
from pipelines.aggregates.aggregate import window_list
from pipelines.aggregates.periods import signal_weeks
from pipelines.rebuilding import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from data_quality.run import Verdict
    from models.publication import Manifest, PublishedTable
    from pipelines.settings import Settings

TABLES = ("kpi_value", "kpi_exclusion", "readiness", "kpi_signal")
"""The tables of which each row is of one KPI and depends on nothing else."""
RECORDED = "kpi_inputs"
"""Under this name a manifest says of every KPI what its rows were computed from."""


RECORDED_GROUPS = "group_inputs"
"""Under this name a manifest says of every group of tables what they were computed from."""


@dataclass(frozen=True)
class Standing:
    """By table and KPI, the rows that are taken over, and whole tables; a KPI or a table that is not here is computed."""

    kpis: frozenset[str] = frozenset()
    rows: Mapping[str, pl.DataFrame] = field(default_factory=dict[str, pl.DataFrame])
    tables: Mapping[str, PublishedTable] = field(default_factory=dict[str, "PublishedTable"])

    def has(self, names: Sequence[str]) -> bool:
        """Whether these tables are taken over."""
        return self.tables.keys() >= set(names)

    def of(self, table: str, kpi_id: str) -> pl.DataFrame:
        """The rows of one KPI."""
        return self.rows[table].filter(pl.col("kpi") == kpi_id)


def inputs_of_kpis(
    settings: Settings,
    verdict: Verdict,
    decisions: Sequence[effective.Decided],
    cuts: Mapping[str, datetime],
    contents: Mapping[str, str],
    code: str,
) -> dict[str, str]:
    """By KPI the digest of all that its rows depend on; `cuts` and `contents` (digests) are by mart."""
    as_of = max(cuts.values())
    whole = {each.id: each.target for each in effective.kpi_settings(settings, decisions)}
    by_facility = effective.facility_targets(decisions)
    rebased = effective.rebased(decisions)
    same_for_all = [code, settings.zone, settings.suppress_below, window_list(as_of), signal_weeks(as_of)]
    return {
        kpi.id: digest(
            *same_for_all,
            contents[kpi.mart],
            cuts[kpi.mart],
            whole[kpi.id],
            by_facility.get(kpi.id),
            sorted((str(place), day) for (of, place), day in rebased.items() if of == kpi.id),
            [asdict(each) for each in verdict.content_failures if kpi.id in each.kpis],
        )
        for kpi in KPIS.values()
    }


def standing(published: Path, before: Manifest | None, inputs: Mapping[str, str]) -> Standing:
    """The rows of the current snapshot of every KPI whose inputs are the same as then."""
    recorded: Mapping[str, str] = before.extra.get(RECORDED, {}) if before else {}
    kpis = frozenset(kpi for kpi, digest in inputs.items() if recorded.get(kpi) == digest)
    if not before or not kpis or not all(name in before.tables for name in TABLES):
        return Standing()
    files = {name: [published / file for file in before.table(name).files] for name in TABLES}
    if not all(file.exists() for several in files.values() for file in several):
        return Standing()
    return Standing(kpis, {name: pl.read_parquet(several) for name, several in files.items()})


def groups(
    published: Path, before: Manifest | None, inputs: Mapping[str, str | None], names: Mapping[str, Sequence[str]]
) -> dict[str, PublishedTable]:
    """The tables of the current snapshot, by name, of every group whose inputs are the same as then; they keep their own as-of."""
    if before is None:
        return {}
    recorded: Mapping[str, str] = before.extra.get(RECORDED_GROUPS, {})
    found: dict[str, PublishedTable] = {}
    for group, of_now in inputs.items():
        tables = [before.tables[name] for name in names[group] if name in before.tables]
        is_whole = len(tables) == len(names[group]) and all(
            (published / file).exists() for t in tables for file in t.files
        )
        if of_now is not None and recorded.get(group) == of_now and is_whole:
            found |= {table.name: table for table in tables}
    return found
