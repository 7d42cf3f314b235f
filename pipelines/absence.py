"""Deletion by absence: what a complete and verified export of everything does not show any more is gone.

Here: which exports may say so, which resources they lack, and the threshold above which nobody is believed. Not here:
what an export is (`exports`), deletions that a server reports (`sources.fhir_deletions`), applying them (staging).

A resource is gone at the first such export after the last sign of life (`greatest(seen_to, last_updated)`), whatever was
loaded first. Its tombstone carries the flag `absent` and the manifest's file, which is the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import TooManyAbsent
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import duckdb

    from pipelines.settings import Settings, SourceSettings
    from pipelines.sources.fhir_elements import Projection

FEW = 5
"""So few resources may be gone whatever share that is, up to half of what was known: a share of a handful says little."""
NOT_APPLIED = "absence_not_applied"
"""The finding of what a manifest's export lacks and was not taken for deleted, because nobody says that all was asked for."""


@dataclass(frozen=True)
class Gap:
    """What one export lacks of one type."""

    resource: str
    exported_at: datetime
    absent: int
    known: int

    def is_believed(self, share: float) -> bool:
        """Whether so much may be gone, where this share may: of few, half."""
        return self.absent <= max(share * self.known, min(FEW, self.known / 2) if share else 0)


def apply(db: duckdb.DuckDBPyConnection, settings: Settings, sources: Iterable[SourceSettings]) -> None:
    """Give every resource that is gone its tombstone, source by source. Idempotent, and independent of order.

    Raises:
        TooManyAbsent: an export lacks more than `max_absent_share` of what was known; nothing of that source was deleted.
    """
    refused: list[TooManyAbsent] = []
    for source in sources:
        with transaction(db):
            _forget_what_was_not_applied(db, source)
        if source.full_exports is False or _shares_its_ids(settings, source):
            continue
        with transaction(db):
            gaps = _gaps(db, source, f"coalesce(export.is_full, {bool(source.full_exports)})")
            wrong = [gap for gap in gaps if not gap.is_believed(source.max_absent_share)]
            if gaps and not wrong:
                _bury(db, source)
            if source.full_exports is None and _gaps(db, source, "export.is_full is null"):
                _note_what_was_not_applied(db)
        if wrong:
            refused.append(_refusal(source, max(wrong, key=lambda gap: gap.absent / gap.known)))
    if refused:
        raise refused[0]


def _shares_its_ids(settings: Settings, source: SourceSettings) -> bool:
    """Whether another source delivers resources of the same server: what one does not show, the other may."""
    return any(
        other.kind == "fhir" and other.name != source.name and other.key_authority == source.key_authority
        for other in settings.sources
    )


def _gaps(db: duckdb.DuckDBPyConnection, source: SourceSettings, asked: str) -> list[Gap]:
    """Note in `absent` what the exports of which `asked` holds do not show any more; how much each lacks of each type."""
    db.execute(
        "create or replace temp table absent (resource varchar, key varchar, file_id integer, gone_at timestamptz)"
    )
    spoken_of = _witnesses(db, source, asked)
    spoken = [each for each in PROJECTIONS.values() if each.resource in spoken_of]
    return [gap for projection in spoken for gap in _find(db, source, projection)]


def _forget_what_was_not_applied(db: duckdb.DuckDBPyConnection, source: SourceSettings) -> None:
    db.execute(
        "delete from account.finding where rule = $rule and file_id in (select file_id from account.file where source = $source)",
        {"rule": NOT_APPLIED, "source": source.name},
    )


def _note_what_was_not_applied(db: duckdb.DuckDBPyConnection) -> None:
    """Count for each manifest what its export lacks and may have been asked not to show: what a POST asks is not in its address."""
    db.execute(
        "insert into account.finding select file_id, $rule, count(*) from absent group by all", {"rule": NOT_APPLIED}
    )


def _witnesses(db: duckdb.DuckDBPyConnection, source: SourceSettings, asked: str) -> set[str]:
    """Note in `speaker` the exports that may say by type what is gone; the types that they speak of.

    Everything of the export's level was asked for, of which `asked` is the test; all of the type came, and nothing went
    wrong. A level other than the whole system only speaks where nothing else was ever delivered by the source.
    """
    db.execute(
        f"""
        create or replace temp table speaker as
        with level as (
            select distinct coalesce(level, 'system') as level from account.export where source = $source
            union all
            select 'none' from account.file
            where kind = 'fhir' and source = $source and file_id not in (select file_id from account.export_file)
        )
        select export.file_id, export.exported_at, export.types, type.resource_type
        from account.export as export join account.export_type as type on type.export_id = export.file_id
        where export.source = $source and export.exported_at is not null
            and {asked} and export.is_complete and export.problems = 0
            and type.is_counted and type.is_clean and type.resources > 0
            and (coalesce(export.level, 'system') = 'system' or (select count(*) from level) = 1)
        """,
        {"source": source.name},
    )
    rows = db.execute("select distinct if(resource_type is null, types, [resource_type]) from speaker").fetchall()
    return {each for (types,) in rows for each in (types or PROJECTIONS)}


def _find(db: duckdb.DuckDBPyConnection, source: SourceSettings, projection: Projection) -> list[Gap]:
    """Note in `absent` what is gone of this type; how much each export lacks.

    Of files of mixed types an export speaks only about a type of which it shows at least one resource.
    """
    key, table = projection.key, projection.table
    db.execute(
        f"""
        create or replace temp table witness as
        select min(file_id) as file_id, exported_at
        from speaker
        where resource_type = $type or (
            resource_type is null and (types is null or list_contains(types, $type))
            and exists (from {table} where source = $source and not is_deleted and speaker.exported_at between seen_from and seen_to)
        )
        group by all
        """,
        {"source": source.name, "type": projection.resource},
    )
    db.execute(
        f"""
        create or replace temp table resource as
        select {key} as key, min(seen_from) filter (not is_deleted) as first_seen,
            max(greatest(seen_to, last_updated)) filter (not is_deleted) as alive_at
        from {table} where source = $source group by all having alive_at is not null
        """,
        {"source": source.name},
    )
    db.execute(
        f"""
        insert into absent
        select $type, resource.key, witness.file_id, witness.exported_at
        from resource asof join witness on resource.alive_at < witness.exported_at
        where not exists (
            from {table} as tombstone
            where tombstone.{key} = resource.key and is_deleted
                and tombstone.seen_to >= resource.alive_at and tombstone.seen_to <= witness.exported_at
        )
        """,
        {"type": projection.resource},
    )
    rows = db.execute(
        """
        select gone_at, count(*), count(*) + (
            select count(*) from resource where first_seen < gone_at and alive_at >= gone_at)
        from absent where resource = $type group by gone_at order by gone_at
        """,
        {"type": projection.resource},
    ).fetchall()
    return [Gap(projection.resource, at, absent, known) for at, absent, known in rows]


def _bury(db: duckdb.DuckDBPyConnection, source: SourceSettings) -> None:
    for projection in PROJECTIONS.values():
        db.execute(
            f"""
            insert into {projection.table}
                ({projection.key}, source, file_id, line, seen_from, seen_to, is_deleted, version_hash, flags)
            select key, $source, file_id, 1, gone_at, gone_at, true, md5('deleted|' || epoch_us(gone_at)::varchar), ['absent']
            from absent where resource = $type
            """,
            {"source": source.name, "type": projection.resource},
        )


def _refusal(source: SourceSettings, gap: Gap) -> TooManyAbsent:
    return TooManyAbsent(
        f"Source {source.name!r}: its export of {gap.exported_at:%Y-%m-%d %H:%M} lacks {gap.absent:,} of {gap.known:,} known "
        f"{gap.resource} resources, more than max_absent_share = {source.max_absent_share:g} allows. Nothing was deleted; what "
        "was delivered is loaded. If they are gone, raise that setting of the source in wardflow.toml and ingest again; "
        "if the export was not of everything, set full_exports = false."
    )
