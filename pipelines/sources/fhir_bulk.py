"""FHIR bulk exports: NDJSON of any number of files, one resource a line, into `raw.fhir_*`.

Here: lines to verdicts and versions. Not here: which elements are kept (`fhir_projection`), deletions
(`fhir_deletions`), manifests (`fhir_manifest`), and what a resource means. Every version of a resource is kept once;
seeing it again only widens when it was seen (`fhir_sightings`). DuckDB's own NDJSON reader is not used: its schema
detection drops what first appears late, and `ignore_errors` turns a spoiled line into an empty row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.sources import fhir_deletions, fhir_sightings, lines
from pipelines.sources.fhir_deletions import BUNDLE
from pipelines.sources.fhir_elements import PROVENANCE, Projection
from pipelines.sources.fhir_examination import examination
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.fhir_rules import flags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.fhir_examination import Examination
    from pipelines.sources.source import Head, Intake, Session

_RESOURCE_LINE = re.compile(rb'^[ \t]*\{.*"resourceType"[ \t]*:[ \t]*"([A-Za-z]{1,64})"', re.MULTILINE)
_TYPE_NAME = re.compile(r"(?:^|[._-])([A-Z][A-Za-z]{2,40})(?:[._-].*)?\.ndjson$")

_NOTHING = Projection(resource="", kind="", elements={}, columns=())


class FhirBulk:
    """NDJSON of FHIR resources."""

    kind = "fhir"
    suffixes = (".ndjson",)
    promised: Mapping[str, Sequence[str]] = {
        each.table: (*(column.name for column in each.columns), *PROVENANCE) for each in PROJECTIONS.values()
    }

    def recognises(self, head: Head, source: SourceSettings | None) -> bool:  # noqa: ARG002 -- the protocol's signature
        """A line near the beginning holds a resource; of an empty or spoiled file its name must say so."""
        if _RESOURCE_LINE.search(head.start):
            return True
        return bool(_TYPE_NAME.search(head.name)) and not head.start.lstrip().startswith(b"<")

    def together(self, head: Head) -> str | None:
        """The type of the first resource, else the one in the file's name."""
        found = _RESOURCE_LINE.search(head.start)
        if found:
            return found.group(1).decode()
        named = _TYPE_NAME.search(head.name)
        return named.group(1) if named else None

    def load(self, session: Session, files: Sequence[Intake]) -> None:
        """One pass a chunk for the type that the files share; what turns out to be of another type gets a pass of its own."""
        db = session.db
        source = files[0].source
        db.execute("set variable authority = $a", {"a": source.key_authority})
        db.execute(
            "set variable authorities = map($kinds::varchar[], $names::varchar[])",
            {"kinds": list(source.authorities), "names": list(source.authorities.values())},
        )
        bases = {source.base, *(file.base for file in files)} - {None}
        db.execute("set variable bases = $b::varchar[]", {"b": sorted(_place_of(base) for base in bases if base)})
        db.execute("set variable source_name = $s", {"s": source.name})
        hint = files[0].resource_type or ""
        with examination(session, files, hint) as looking:
            for chunk in lines.chunks(session, list(files)):
                session.flush()
                db.register("chunk", chunk)
                try:
                    self._load_chunk(session, hint, looking)
                    looking.look()
                finally:
                    db.unregister("chunk")

    def _load_chunk(self, session: Session, hint: str, looking: Examination) -> None:
        db = session.db
        db.execute("create or replace temp table rerouted (file_id integer, line bigint, resource_type varchar)")
        self._pass(session, hint, looking, everything=True)
        others = db.execute("select distinct resource_type from rerouted order by all").fetchall()
        for (resource_type,) in others:
            self._pass(session, resource_type, looking, everything=False)

    def _pass(self, session: Session, resource_type: str, looking: Examination, *, everything: bool) -> None:
        if resource_type == BUNDLE:
            fhir_deletions.load(session, lines_of(everything=everything, resource_type=BUNDLE), wanted())
            return
        projection = PROJECTIONS.get(resource_type, _NOTHING)
        _stage(session, projection, everything=everything)
        if projection is not _NOTHING:
            _insert_versions(session, projection)
        _account(session, is_kept=projection is not _NOTHING)
        looking.tally()


def _place_of(base: str) -> str:
    """A server's address without scheme and last slash, as references are compared with it."""
    return base.partition("://")[2].rstrip("/")


def lines_of(*, everything: bool, resource_type: str) -> str:
    """The chunk's lines for this pass, with the export time of their file."""
    chosen = (
        "" if everything else f"semi join (from rerouted where resource_type = '{resource_type}') using (file_id, line)"
    )
    return f"chunk {chosen} join intake using (file_id)"


def wanted() -> str:
    """The resource types that have a pass of their own, as an SQL list."""
    return ", ".join(f"'{name}'" for name in (*PROJECTIONS, BUNDLE))


def _stage(session: Session, projection: Projection, *, everything: bool) -> None:
    """`staged`: every line of the pass with its verdict so far and, of this resource type, its allow-listed columns."""
    columns = "".join(f"{column.made} as {column.name},\n" for column in projection.columns)
    names = "".join(f"{column.name}, " for column in projection.columns)
    newer = (
        f"case when {projection.newer_when} then json_transform(text, '{projection.newer_shape}') end as n,"
        if projection.newer
        else ""
    )
    session.db.execute(
        f"""
        create or replace temp table staged as
        with parsed as (
            select file_id, line, byte_offset, ends_open, exported_at, text, json_valid(text) as is_json,
                case when json_valid(text) then json_transform(text, '{projection.shape}') end as r
            from {lines_of(everything=everything, resource_type=projection.resource)}
        ), judged as (
            select file_id, line, byte_offset, exported_at, r, text,{newer}
                r.resourceType as resource_type,
                case
                    when not is_json then if(ends_open, 'truncated', 'unparseable')
                    when coalesce(r.resourceType, '') = '' then 'untyped'
                    when r.resourceType = '{projection.resource}' and trim(coalesce(r.id, '')) = '' then 'no_id'
                end as rule,
                case
                    when r.resourceType = '{projection.resource}' then
                        if(list_contains(list_transform(r.meta.tag, lambda t: t.code), 'SUBSETTED'), 'superseded', 'candidate')
                    when r.resourceType in ({wanted()}) then 'other'
                    else 'ignored'
                end as class
            from parsed
        ), projected as (
            select file_id, line, byte_offset, exported_at, rule, resource_type,
                case when rule is null then class else 'quarantined' end as verdict,
                case when rule is not null then keyed('line', getvariable('source_name'), text) end as line_hash,
                zoned(r.meta.lastUpdated) as last_updated,
                {columns}
                {flags(projection)} as flags,
                coalesce(r.meta.versionId, '') || '|' || coalesce(r.meta.lastUpdated, '') as stamp
            from judged
        )
        select * exclude (stamp), md5(row({names} stamp)::varchar) as version_hash
        from projected
        """
    )
    session.db.execute("insert into rerouted select file_id, line, resource_type from staged where verdict = 'other'")


def _insert_versions(session: Session, projection: Projection) -> None:
    """Insert each version that is not there yet, once; the earliest file and line keep it. Versions seen again become `unchanged`."""
    names = ", ".join([*(column.name for column in projection.columns), *PROVENANCE])
    session.db.execute(
        f"""
        create or replace temp table fresh as
        select file_id, line
        from (
            from staged where verdict = 'candidate'
            qualify row_number() over (partition by {projection.key}, version_hash order by file_id, line) = 1
        ) as first
        where not exists (
            from {projection.table} as known
            where known.{projection.key} = first.{projection.key} and known.version_hash = first.version_hash
        )
        """
    )
    session.db.execute(
        f"""
        insert into {projection.table} by name
        select {names}
        from (
            select *, getvariable('source_name') as source, false as is_deleted, exported_at as seen_from, exported_at as seen_to
            from staged
        ) as staged
        semi join fresh using (file_id, line)
        """
    )
    fhir_sightings.widen(session.db, projection)
    session.db.execute(
        """
        insert into file_finding by name
        select file_id, flag as rule, count(*) as n
        from (select file_id, unnest(flags) as flag from staged semi join fresh using (file_id, line))
        group by all
        """
    )


def _account(session: Session, *, is_kept: bool) -> None:
    session.db.execute(
        """
        insert into line_verdict by name
        select file_id, line, byte_offset, rule, line_hash,
            case when verdict = 'candidate' then if(fresh.line is not null, 'loaded', 'unchanged') else verdict end as verdict
        from staged left join fresh using (file_id, line)
        where verdict <> 'other'
        """
        if is_kept
        else """
        insert into line_verdict by name
        select file_id, line, byte_offset, rule, line_hash, verdict from staged where verdict <> 'other'
        """
    )
