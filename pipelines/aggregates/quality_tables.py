"""The aggregates about what was delivered: exports that wait, quarantine, validation, findings by week, drift of elements.

Here: the account summed up by source and type of resource, in DuckDB. Not here: the account (`ledger`), how a line is
judged or counted (`sources`), how it is drawn. These are counts of lines: nobody stands in them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.sources.fhir_definitions import HIDDEN
from pipelines.sources.findings import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

NAMES = ("completion", "quarantine_total", "validation", "validation_failure", "finding_week", "drift")

WEEKS = 13
NEW_FOR_DAYS = 90
CHANCE = 0.0001
"""An element is new, or gone, when chance would hide it from the lines before, or since, in fewer than one case of so many."""
RISEN_TIMES = 2
RISEN_LINES = 10
"""A finding has risen when its share is so many times that of the four weeks before, on at least so many lines."""

_SEEN = "coalesce(file.exported_at, file.ingested_at)"

QUERIES = {
    # One row per source that delivers exports with a manifest.
    "completion": "select source, exports, incomplete_exports, files_missing, encounters_waiting from account.completion",
    # One row per source, type of resource and rule by which lines were kept out.
    "quarantine_total": f"""
        select
            file.source,
            file.resource_type,
            quarantine.rule,
            max(quarantine.cure) as cure,
            count(*) as n,
            count(distinct file_id) as files,
            max({_SEEN}) as last_seen_at
        from account.quarantine
        join account.file as file using (file_id)
        group by file.source, file.resource_type, quarantine.rule
    """,
    # One row per source, type of resource and scope (sample, quarantine).
    "validation": """
        select
            file.source,
            validation.resource_type,
            validation.scope,
            sum(validation.lines)::bigint as lines,
            sum(validation.checked)::bigint as checked,
            sum(validation.failed)::bigint as failed,
            sum(validation.as_r5)::bigint as as_r5
        from account.validation
        join account.file as file using (file_id)
        group by file.source, validation.resource_type, validation.scope
    """,
    # One row per source, type of resource, scope, rule of fhir.resources and element.
    "validation_failure": f"""
        select
            file.source,
            failure.resource_type,
            failure.scope,
            failure.rule,
            failure.path,
            sum(failure.n)::bigint as n,
            max({_SEEN}) as last_seen_at
        from account.validation_failure as failure
        join account.file as file using (file_id)
        group by file.source, failure.resource_type, failure.scope, failure.rule, failure.path
    """,
    # One row per source, type of resource, rule and week of export, the newest weeks, those without a finding too.
    "finding_week": f"""
        with delivered as (
            select
                file.source,
                file.resource_type,
                date_trunc('week', {_SEEN}::date)::date as week,
                sum(file.loaded)::bigint as lines
            from account.file as file
            group by all
        ), found as (
            select
                file.source,
                file.resource_type,
                date_trunc('week', {_SEEN}::date)::date as week,
                finding.rule,
                sum(finding.n)::bigint as n
            from account.finding
            join account.file as file using (file_id)
            group by all
        ), grid as (
            select
                delivered.*,
                rule.rule,
                coalesce(found.n, 0) as n
            from delivered
            join (select distinct source, resource_type, rule from found) as rule
                on rule.source = delivered.source
                and rule.resource_type is not distinct from delivered.resource_type
            left join found
                on found.source = delivered.source
                and found.resource_type is not distinct from delivered.resource_type
                and found.week = delivered.week
                and found.rule = rule.rule
        ), compared as (
            select
                *,
                sum(n) over before as n_before,
                sum(lines) over before as lines_before,
                row_number() over (partition by source, resource_type, rule order by week desc) as place
            from grid
            window before as (
                partition by source, resource_type, rule
                order by week
                rows between 4 preceding and 1 preceding
            )
        )
        select
            compared.source,
            compared.resource_type,
            compared.rule,
            meanings.meaning,
            compared.week,
            compared.n,
            compared.lines,
            coalesce(
                place = 1
                and n >= {RISEN_LINES}
                and lines_before > 0
                and n * lines_before > {RISEN_TIMES} * n_before * lines,
                false
            ) as has_risen
        from compared
        left join finding_meaning as meanings using (rule)
        where place <= {WEEKS}
    """,
    # One row per source, type of resource and element that any line carried. What comes or goes with the element around it is
    # said of that one alone; behind `?` stand different names at different times, so it neither comes nor goes.
    "drift": f"""
        with seen as (
            select
                file.source,
                element.resource_type,
                element.path,
                element.release,
                element.lines,
                element.looked_at,
                file_id,
                {_SEEN} as seen_at
            from account.element
            join account.file as file using (file_id)
        ), looked as (
            select source, resource_type, seen_at, sum(looked_at) as looked_at
            from (select distinct source, resource_type, file_id, seen_at, looked_at from seen)
            group by all
        ), carried as (
            select
                source,
                resource_type,
                path,
                max(release) as release,
                sum(lines)::bigint as lines,
                min(seen_at) as first_seen_at,
                max(seen_at) as last_seen_at
            from seen
            group by source, resource_type, path
        ), compared as (
            select
                carried.*,
                sum(looked.looked_at)::bigint as looked_at,
                coalesce(sum(looked.looked_at) filter (where looked.seen_at < first_seen_at), 0) as looked_before,
                coalesce(sum(looked.looked_at) filter (where looked.seen_at > last_seen_at), 0) as looked_since,
                max(looked.seen_at) as newest
            from carried
            join looked using (source, resource_type)
            group by all
        ), flagged as (
            select
                *,
                regexp_replace(path, '[.]?[^.]*$', '') as parent,
                path like '%{HIDDEN}' as is_hidden,
                power(1 - (lines + 0.5) / (looked_at - looked_before + 1), looked_before) < {CHANCE}
                    and first_seen_at > newest - interval {NEW_FOR_DAYS} day as came,
                power(1 - (lines + 0.5) / (looked_at - looked_since + 1), looked_since) < {CHANCE} as went
            from compared
        )
        select
            flagged.source,
            flagged.resource_type,
            flagged.path,
            flagged.release,
            flagged.lines,
            flagged.looked_at,
            flagged.first_seen_at,
            flagged.last_seen_at,
            flagged.release is null as is_unknown,
            flagged.came and not flagged.is_hidden and not coalesce(outer_one.came, false) as is_new,
            flagged.went and not flagged.is_hidden and not coalesce(outer_one.went, false) as has_vanished
        from flagged
        left join flagged as outer_one
            on outer_one.source = flagged.source
            and outer_one.resource_type = flagged.resource_type
            and outer_one.path = flagged.parent
    """,
}


@contextmanager
def made(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Every table as `aggregate_<name>` of this connection; gone afterwards."""
    db.execute("create or replace temp table finding_meaning (rule varchar, meaning varchar)")
    db.executemany("insert into finding_meaning values (?, ?)", list(FINDINGS.items()))
    for name, query in QUERIES.items():
        db.execute(f"create or replace temp table aggregate_{name} as {query}")
    db.execute("drop table finding_meaning")
    try:
        yield
    finally:
        for name in QUERIES:
            db.execute(f"drop table if exists aggregate_{name}")
