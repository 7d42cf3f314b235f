"""Deletions that a bulk export reports: Bundles of DELETE requests, into tombstone rows of `raw.fhir_*`.

Here: Bundles, their tombstones and verdicts. Not here: resources (`fhir_bulk`), applying a deletion (staging).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from pipelines.sources.fhir_elements import Projection
    from pipelines.sources.source import Session

BUNDLE = "Bundle"


def load(session: Session, wanted: str) -> None:
    """Insert a tombstone for each deletion not known yet and give a verdict on each Bundle.

    `chunk` has the lines (`is_mine`); `wanted` are the types that another pass takes; those go to `rerouted`.
    """
    _stage(session, wanted)
    for projection in PROJECTIONS.values():
        _insert_tombstones(session, projection)
    _account(session)


def _stage(session: Session, wanted: str) -> None:
    """`staged_bundle`: every Bundle line and the resources that it says were deleted.

    Of these, `removals`, the type is empty where none is named, and the id null where it is asked for or another server's.
    """
    shape = '{"resourceType":"VARCHAR","entry":[{"request":{"method":"VARCHAR","url":"VARCHAR"}}]}'
    session.db.execute(
        f"""
        create or replace temp table staged_bundle as
        with parsed as (
            select file_id, line, byte_offset, ends_open, exported_at, text, json_valid(text) as is_json,
                case when json_valid(text) then json_transform(text, '{shape}') end as r
            from chunk join intake using (file_id)
            where is_mine
        ), judged as (
            select *, case
                when not is_json then if(ends_open, 'truncated', 'unparseable')
                when not coalesce(is_type_name(r.resourceType), false) then 'untyped' end as rule
            from parsed
        )
        select file_id, line, byte_offset, exported_at, rule, r.resourceType as resource_type,
            case
                when rule is not null then 'quarantined'
                when r.resourceType = '{BUNDLE}' then 'candidate'
                when r.resourceType in ({wanted}) then 'other'
                else 'ignored'
            end as verdict,
            case when rule is not null then keyed('line', getvariable('source_name'), text) end as line_hash,
            list_transform(
                list_filter(r.entry, lambda e: upper(e.request.method) = 'DELETE'),
                lambda e: struct_pack(
                    resource := coalesce(regexp_extract(e.request.url, '(?:^|/)([A-Z][A-Za-z]+)(?:/[^/]+)?$', 1), ''),
                    id := case when not contains(e.request.url, '://') or not coalesce(is_foreign(e.request.url), false)
                        then nullif(regexp_extract(e.request.url, '(?:^|/)[A-Z][A-Za-z]+/([^/|?#]+)$', 1), '') end)
            ) as removals
        from judged
        """
    )
    session.db.execute(
        "insert into rerouted select file_id, line, resource_type from staged_bundle where verdict = 'other'"
    )
    session.db.execute(
        """
        create or replace temp table removal as
        select file_id, line, exported_at, removal.resource, removal.id, false as is_fresh
        from (select file_id, line, exported_at, unnest(removals) as removal from staged_bundle where verdict = 'candidate')
        """
    )


def _insert_tombstones(session: Session, projection: Projection) -> None:
    key = (
        f"keyed('{projection.kind}', getvariable('authority'), id)"
        if projection.is_keyed
        else f"place('{projection.kind}', id)"
    )
    session.db.execute(
        f"""
        create or replace temp table tombstone as
        select file_id, line, exported_at, key, version_hash
        from (
            select file_id, line, exported_at, {key} as key, md5('deleted|' || coalesce(epoch_us(exported_at)::varchar, '')) as version_hash
            from removal where resource = '{projection.resource}' and id is not null
        ) as candidate
        where not exists (
            from {projection.table} as known
            where known.{projection.key} = candidate.key and known.version_hash = candidate.version_hash
        )
        qualify row_number() over (partition by key, version_hash order by file_id, line) = 1
        """
    )
    session.db.execute(
        f"""
        insert into {projection.table} ({projection.key}, source, file_id, line, seen_from, seen_to, is_deleted, version_hash, flags)
        select key, getvariable('source_name'), file_id, line, exported_at, exported_at, true, version_hash, [] from tombstone
        """
    )
    session.db.execute(
        f"""
        update removal set is_fresh = true
        where resource = '{projection.resource}' and (file_id, line) in (select (file_id, line) from tombstone)
        """
    )


def _account(session: Session) -> None:
    """A Bundle is loaded when it brought a new deletion, unchanged when all were known, ignored when it deletes nothing we keep."""
    wanted = ", ".join(f"'{name}'" for name in PROJECTIONS)
    session.db.execute(
        f"""
        insert into line_verdict by name
        select file_id, line, byte_offset, rule, line_hash,
            case when verdict = 'candidate' then coalesce(outcome.verdict_, 'ignored') else verdict end as verdict
        from staged_bundle left join (
            select file_id, line, if(bool_or(is_fresh), 'loaded', 'unchanged') as verdict_
            from removal where resource in ({wanted}) and id is not null group by all
        ) as outcome using (file_id, line)
        where verdict <> 'other'
        """
    )
    session.db.execute(
        f"""
        insert into file_finding by name
        select file_id, 'unresolved_deletion' as rule, count(*) as n
        from removal where resource in ({wanted}) and id is null or resource = '' group by all
        """
    )
