"""One statement that makes rows of FHIR lines: parse, verdict so far, allow-listed columns, findings, version.

Here: the text of that query. Not here: which elements it reads (`fhir_projection`), what it checks (`fhir_rules`), when
it runs and what becomes of its rows (`fhir_bulk`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.sources.fhir_deletions import BUNDLE
from pipelines.sources.fhir_projection import PROJECTIONS
from pipelines.sources.fhir_rules import flags, instants

if TYPE_CHECKING:
    from pipelines.sources.fhir_elements import Column, Projection

_ABSENT, _BETWEEN, _OF_A_LIST, _OF_A_STRUCT = "\x1a", "\x1d", "\x1e", "\x1f"
"""What separates the values of a version where its hash is made; no column holds a control character."""
_FLAT_STRUCTS = re.compile(r"struct\(((?:[\w\"]+ varchar(?:, )?)+)\)\[\]")


LINES = """(select * exclude (is_mine) from chunk where is_mine) join (
        select *, exported_at - interval 20 year as earliest, exported_at + interval 1 day as latest from intake
    ) using (file_id)"""
"""The chunk's lines that are of this pass, with the export time of their file and the times beyond which others are far from it."""


def wanted() -> str:
    """The resource types that have a pass of their own, as an SQL list."""
    return ", ".join(f"'{name}'" for name in (*PROJECTIONS, BUNDLE))


_PLACED = "pass_no integer, file_id integer, line bigint, byte_offset bigint, exported_at timestamptz"
_JUDGED = "rule varchar, verdict varchar, line_hash varchar, resource_type varchar, last_updated timestamptz"


def gathered(projection: Projection, table: str) -> str:
    """The statement that makes the temporary table for the rows of `staged`."""
    columns = "".join(f"{column.name} {column.type}, " for column in projection.columns)
    return (
        f"create or replace temp table {table} ({_PLACED}, {_JUDGED}, {columns} flags varchar[], version_hash varchar)"
    )


def staged(projection: Projection) -> str:
    """A query of the pass `$pass`: every line of it with its verdict so far and, of this resource type, its allow-listed columns.

    Only what `json_transform` makes nothing of is tested for being JSON, which saves reading every line twice.
    """
    columns = "".join(f"{column.made} as {column.name},\n" for column in projection.columns)
    compared = "".join(f"{made} as {name},\n" for name, made in instants(projection).items())
    names = "".join(f"{column.name}, " for column in projection.columns)
    newer = f"case when {projection.newer_when} then try(json_transform(text, '{projection.newer_shape}')) end as n,"
    return f"""
        with parsed as (
            select file_id, line, byte_offset, ends_open, exported_at, earliest, latest, text,
                try(json_transform(text, '{projection.shape}')) as r
            from {LINES}
        ), judged as (
            select *,
                case
                    when r is null and not json_valid(text) then if(ends_open, 'truncated', 'unparseable')
                    when coalesce(r.resourceType, '') = '' then 'untyped'
                    when r.resourceType = '{projection.resource}' then
                        if(is_identified(text, '{projection.resource}', r.id), null, 'no_id')
                    when not is_type_name(r.resourceType) then 'untyped'
                end as rule,
                case
                    when r.resourceType = '{projection.resource}' then
                        if(list_contains(list_transform(r.meta.tag, lambda t: t.code), 'SUBSETTED'), 'superseded', 'candidate')
                    when r.resourceType in ({wanted()}) then 'other'
                    else 'ignored'
                end as class
            from parsed
        ), found as (
            select file_id, line, byte_offset, exported_at, earliest, latest, rule, r,
                {newer if projection.newer else ""}
                case when rule is null then class else 'quarantined' end as verdict,
                case when rule is not null then keyed('line', getvariable('source_name'), text) end as line_hash
            from judged
        ), projected as (
            select *,
                {columns}
                {compared}
                zoned(r.meta.lastUpdated) as last_updated
            from found
        )
        select $pass::integer as pass_no, file_id, line, byte_offset, exported_at, rule, verdict, line_hash,
            r.resourceType as resource_type, last_updated, {names}
            {flags(projection)} as flags,
            {version_hash(projection)} as version_hash
        from projected
        """


def version_hash(projection: Projection) -> str:
    """An expression: what tells this version of a resource from its others, made of the columns and `r.meta`."""
    told = "".join(f"{_told(column)}, " for column in projection.columns)
    return f"""fingerprint(concat_ws('{_BETWEEN}', {told}
                coalesce(r.meta.versionId, '{_ABSENT}'), coalesce(r.meta.lastUpdated, '{_ABSENT}')))"""


def _told(column: Column) -> str:
    """A column as text that no other value gives. DuckDB's own text of a nested value takes three times as long."""
    if column.type == "varchar":
        told = column.name
    elif column.type == "varchar[]":
        told = f"array_to_string({column.name}, '{_OF_A_LIST}')"
    elif fields := _FLAT_STRUCTS.fullmatch(column.type):
        parts = ", ".join(f"coalesce(l.{field.split()[0]}, '{_ABSENT}')" for field in fields.group(1).split(", "))
        told = f"array_to_string(list_transform({column.name}, lambda l: concat_ws('{_OF_A_STRUCT}', {parts})), '{_OF_A_LIST}')"
    else:
        told = f"{column.name}::varchar"
    return f"coalesce({told}, '{_ABSENT}')"
