"""Publication: which tables a snapshot holds, and the manifest that describes them.

Here: what goes in, from which data cut. Not here: how a KPI is evaluated (`aggregate`), how files are kept
(`snapshot`), the manifest's form (`models.publication`). When nothing that a snapshot depends on has changed, the
current one stays as it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models import publication
from models.catalog import tables
from models.publication import Checks, FailedExpectation, Manifest, SourceState
from pipelines import effective, rebuilding, snapshot
from pipelines.aggregates import aggregate_tables, standing
from pipelines.code import code_digest, code_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from data_quality.run import Verdict
    from models.publication import Audience
    from pipelines.home import Home
    from pipelines.settings import Settings

LINEAGE = {
    "file": "account.file",
    "export": "account.export",
    "quarantine": "account.quarantine",
    "finding": "account.finding",
}
"""Published name of a table of the account -> the table; engineers only, because paths stand in it."""


SUPPLIED = {
    "decision": "staging.decision",
    "improvement_option": "staging.registry_option",
    "criterion": "staging.registry_criterion",
}
"""Published name of what people wrote -> its table; every role may read it."""


@dataclass(frozen=True)
class Publication:
    """The current snapshot after publishing; `written` are the files that were new, empty when nothing had changed."""

    manifest: Manifest
    written: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        """Whether another snapshot than before is current now."""
        return bool(self.written)


def publish(
    db: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    verdict: Verdict,
    say: Callable[[str], None] = lambda _step: None,
) -> Publication:
    """Publish the marts, their aggregates and their lineage; readers see the new snapshot at once and whole.

    Raises:
        PipelineError: nothing was ever ingested.
    """
    published = home.published
    snapshot.make_folders(published)
    before = snapshot.current(published)
    marts = [table.name for table in tables() if table.is_published]
    cuts = {name: rebuilding.known_until(db, settings, f"marts.{name}") for name in marts}
    as_of = max(cuts.values())
    kept: list[snapshot.Kept] = []

    def add(relation: str, name: str, audience: Audience, cut: datetime) -> None:
        say(f"publishing {name}")
        found = rebuilding.content_of(db, relation) or snapshot.fingerprint(db, relation)
        kept.append(snapshot.keep(db, published, relation, found, name=name, audience=audience, as_of=cut))

    for name in marts:
        add(f"marts.{name}", name, "cases", cuts[name])
    for name, relation in LINEAGE.items():
        add(relation, name, "lineage", as_of)
    for name, relation in SUPPLIED.items():
        add(relation, name, "aggregates", as_of)

    decisions = effective.decided(db)
    sources = source_states(db, settings, as_of)
    described = _described(home, settings, verdict, decisions, sources)
    digest = _digest({"code": code_digest(), "cuts": cuts, "tables": [each.table.sha256 for each in kept], **described})
    if before and before.extra.get("inputs") == digest and _has_all_files(home, before):
        return Publication(before, ())

    contents = {each.table.name: each.table.sha256 for each in kept}
    inputs = standing.inputs_of_kpis(settings, verdict, decisions, cuts, contents, code_digest())
    still = standing.standing(published, before, inputs)
    groups = aggregate_tables.inputs_of_groups(db, settings, cuts)
    still = replace(still, tables=standing.groups(published, before, groups, aggregate_tables.GROUPS))
    kept += [snapshot.Kept(table, is_new=False) for table in still.tables.values()]
    with aggregate_tables.registered(db, settings, verdict, decisions, sources, cuts, say, still) as relations:
        for name, relation in relations.items():
            add(relation, name, "aggregates", as_of)
    manifest = Manifest(
        id=publication.snapshot_id(as_of, digest),
        as_of=as_of,
        published_at=datetime.now(UTC),
        tables={each.table.name: each.table for each in kept},
        extra={
            "inputs": digest,
            standing.RECORDED: inputs,
            standing.RECORDED_GROUPS: groups,
            "facility_targets": effective.facility_targets(decisions),
        },
        **described,
    )
    snapshot.make_current(published, manifest)
    snapshot.remove_old(published, settings.keep_snapshots_days)
    written = tuple(file for each in kept if each.is_new for file in each.table.files)
    return Publication(manifest, written)


def _described(
    home: Home,
    settings: Settings,
    verdict: Verdict,
    decisions: list[effective.Decided],
    sources: tuple[SourceState, ...],
) -> dict[str, Any]:
    """The parts of the manifest that do not depend on the tables."""
    failed = tuple(
        FailedExpectation(each.table, each.expectation, each.column, each.why, each.severity, each.kpis)
        for each in (*verdict.structural_failures, *verdict.content_failures)
    )
    return {
        "home_name": home.path.resolve().name,
        "zone": settings.zone,
        "settings": settings.resolved(),
        "kpis": effective.kpi_settings(settings, decisions),
        "checks": Checks(passed=sum(each.passed for each in verdict.outcomes), failed=failed),
        "sources": sources,
        "code_version": code_version(),
    }


def source_states(db: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime) -> tuple[SourceState, ...]:
    """How fresh every source is, against the snapshot's own data cut: a source is late when it lags behind it by more
    than it may.
    """
    rows = db.execute(
        """
        with delivered as (
            select source, kind, max(exported_at) as exported_at, max(ingested_at) as last_file_at
            from account.file group by source, kind
        ),
        events as (select source, max(occurred_at) as last_event_at from raw.interface_event group by source)
        select delivered.source, coalesce(delivered.exported_at, events.last_event_at), delivered.last_file_at
        from delivered left join events using (source)
        order by delivered.source
        """
    ).fetchall()
    found = {name: (cut, last) for name, cut, last in rows}
    names = dict.fromkeys([*(source.name for source in settings.sources), *found])
    return tuple(_source_state(name, *found.get(name, (None, None)), settings, as_of) for name in names)


def _source_state(
    name: str, cut: datetime | None, last_file_at: datetime | None, settings: Settings, as_of: datetime
) -> SourceState:
    configured = settings.source(name)
    hours = configured.expected_every_hours if configured else None
    lag_hours = None if cut is None else (as_of - cut).total_seconds() / 3600
    is_late = configured is not None and (lag_hours is None or (hours is not None and lag_hours > hours))
    return SourceState(name, cut, last_file_at, hours, is_late)


def _digest(parts: Mapping[str, object]) -> str:
    """A digest of everything that the snapshot depends on; instants and dataclasses as text."""
    return hashlib.sha256(json.dumps(parts, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)  # pyright: ignore[reportArgumentType]


def _has_all_files(home: Home, manifest: Manifest) -> bool:
    return all((home.published / file).exists() for table in manifest.tables.values() for file in table.files)
