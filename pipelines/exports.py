"""Exports as things: what each manifest promised, what of it was delivered, and which encounters wait for the rest.

Here: the account of manifests, the views that compare them with the files, and the list of incomplete exports that
staging reads. Not here: reading a manifest (`sources.fhir_manifest`), what absence from an export means (`absence`).
Everything is derived from the account of files, so a file that comes later completes its export whenever it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.lending import append
from pipelines.sources.fhir_deletions import BUNDLE
from pipelines.sources.fhir_projection import PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipelines.sources.fhir_manifest import Manifest
    from pipelines.sources.source import Intake

_READ = ", ".join(f"'{name}'" for name in (*PROJECTIONS, BUNDLE))

TABLES = {
    "raw.incomplete_export": """
        create table if not exists raw.incomplete_export (
            source varchar not null, exported_at timestamptz not null, complete_at timestamptz
        )""",
    "account.manifest": """
        create table if not exists account.manifest (
            file_id integer not null, source varchar not null, path varchar not null, folder varchar not null,
            exported_at timestamptz, level varchar, types varchar[], is_full boolean, problems integer not null,
            has_next boolean not null, is_pending boolean not null
        )""",
    "account.manifest_file": """
        create table if not exists account.manifest_file (
            file_id integer not null, name varchar not null, resource_type varchar, resources bigint, is_named boolean not null
        )""",
    "account.delivered": """
        create table if not exists account.delivered (
            file_id integer not null, folder varchar not null, name varchar not null, resources bigint not null
        )""",
    "account.export_page": """
        create or replace view account.export_page as
        select manifest.*, file.sha256, min(file_id) over (partition by manifest.source, folder, manifest.exported_at) as export_id
        from account.manifest join account.file as file using (file_id)""",
    # Every delivered file of an export: it lies in or under the manifest's folder and is of the manifest's time.
    "account.export_file": """
        create or replace view account.export_file as
        with export as (select distinct export_id, source, folder, exported_at from account.export_page),
        named as (
            select distinct on (export_id, name) export_id, name, resource_type
            from account.export_page join account.manifest_file using (file_id) where is_named
        )
        select export.export_id, file.file_id, delivered.name, named.name is not null as is_named,
            case when named.name is null then file.resource_type else named.resource_type end as resource_type,
            delivered.resources, file.quarantined, file.superseded
        from export
        join account.file as file
            on file.source = export.source and file.kind = 'fhir'
            and (export.exported_at is null or file.exported_at = export.exported_at)
        join account.delivered as delivered
            on delivered.file_id = file.file_id
            and (delivered.folder = export.folder or starts_with(delivered.folder, export.folder || '/'))
        left join named on named.export_id = export.export_id and named.name = delivered.name""",
    # By type; null where the manifest does not say one. Clients rename files: as many files of the type will do.
    "account.export_type": f"""
        create or replace view account.export_type as
        with named as (
            select page.export_id, file.resource_type, file.name, max(file.resources) as resources
            from account.export_page as page join account.manifest_file as file using (file_id)
            where file.is_named and (file.resource_type is null or file.resource_type in ({_READ}))
            group by all
        ), arrived as (
            select export_id, name, max(resources) as resources from account.export_file group by all
        ), matched as (
            select export_id, resource_type, count(*) as files_named,
                count(*) filter (arrived.name is not null or named.resources = 0) as files_found,
                bool_and(coalesce(named.resources = coalesce(arrived.resources, 0), true)) as is_counted,
                sum(named.resources) as resources_named
            from named left join arrived using (export_id, name) group by all
        ), here as (
            select matched.export_id, matched.resource_type, count(file_id) as files, coalesce(sum(file.resources), 0) as resources,
                coalesce(sum(quarantined + superseded), 0) as kept_out
            from matched left join account.export_file as file
                on file.export_id = matched.export_id
                and (matched.resource_type is null or file.resource_type = matched.resource_type)
            group by all
        )
        select matched.export_id, matched.resource_type, files_named, greatest(files_found, least(files, files_named)) as files_here,
            here.resources, files_found = files_named or files >= files_named as is_delivered,
            case when files_found = files_named then is_counted else coalesce(resources_named = here.resources, true) end as is_counted,
            kept_out = 0 as is_clean
        from matched join here
            on here.export_id = matched.export_id and here.resource_type is not distinct from matched.resource_type""",
    "account.export": """
        create or replace view account.export as
        with page as (
            select export_id, any_value(source) as source, any_value(folder) as folder, any_value(exported_at) as exported_at,
                any_value(level) as level, any_value(types) as types, bool_and(is_full) as is_full,
                sum(problems)::integer as problems,
                count(distinct sha256) filter (has_next) = count(distinct sha256) - 1 and not bool_or(is_pending) as has_all_pages
            from account.export_page group by export_id
        ), followed as (
            select export_id, count(*) as n
            from (
                select distinct export_id, name
                from account.export_page join account.manifest_file using (file_id) where not is_named
            ) anti join (
                select export_id, name from account.export_page join account.manifest_file using (file_id) where is_named
            ) using (export_id, name)
            group by all
        ), type as (
            select export_id, sum(files_named)::bigint as files_named, sum(files_here)::bigint as files_here,
                bool_and(is_delivered) as is_delivered, bool_and(is_counted) as is_counted, bool_and(is_clean) as is_clean
            from account.export_type group by all
        )
        select export_id as file_id, source, folder, exported_at, level, types, is_full, problems,
            coalesce(files_named, 0) as files_named, coalesce(files_here, 0) as files_here,
            coalesce(is_counted, true) as is_counted,
            has_all_pages and followed.n is null and coalesce(is_delivered, true) as is_complete,
            has_all_pages and followed.n is null and coalesce(is_delivered and is_counted and is_clean, true)
                and problems = 0 as is_verified
        from page left join followed using (export_id) left join type using (export_id)""",
    "account.completion": """
        create or replace view account.completion as
        select source, exports, incomplete_exports, files_missing, coalesce(encounters, 0) as encounters_waiting
        from (
            select source, count(*) as exports, count(*) filter (not is_complete) as incomplete_exports,
                sum(files_named - files_here)::bigint as files_missing
            from account.export group by all
        ) left join (
            select encounter.source, count(distinct encounter_key) as encounters
            from raw.fhir_encounter as encounter semi join raw.incomplete_export as waiting
                on waiting.source = encounter.source and waiting.exported_at = encounter.seen_from
                and (waiting.complete_at is null or encounter.seen_to < waiting.complete_at)
            where not is_deleted group by all
        ) using (source)""",
}
"""Tables first, then the views on them.

`manifest`: one row per manifest file (an export may have several, its pages). `is_full`: everything was asked for; null
where the manifest does not say. `manifest_file`: a file that a page names, or (not `is_named`) says to continue in.
`export`: one row per export. `is_complete`: every file of a type that is read is here. `is_verified`: and every count
agrees, nothing was quarantined or incomplete, and the server reported no problem. `completion`: one row per source;
`encounters_waiting` have a version that only incomplete exports brought.
"""


def book_manifest(db: duckdb.DuckDBPyConnection, file: Intake, manifest: Manifest) -> None:
    """What one page promises; a page that replaces another of the same export at its place takes that one's."""
    place = {"source": file.source.name, "path": file.delivered.path, "at": manifest.exported_at}
    db.execute(
        """delete from account.manifest_file where file_id in (
               select file_id from account.manifest
               where source = $source and path = $path and exported_at is not distinct from $at)""",
        place,
    )
    db.execute(
        "delete from account.manifest where source = $source and path = $path and exported_at is not distinct from $at",
        place,
    )
    db.execute(
        """insert into account.manifest values
           ($file, $source, $path, $folder, $at, $level, $types, $full, $problems, $next, $pending)""",
        {
            **place,
            "file": file.file_id,
            "folder": file.delivered.folder,
            "level": manifest.level,
            "types": list(manifest.types) or None,
            "full": manifest.is_full,
            "problems": manifest.errors,
            "next": manifest.has_next,
            "pending": manifest.is_pending,
        },
    )
    rows = [(each.name, each.type, each.resources, True) for each in manifest.files]
    rows += [(name, None, None, False) for name in manifest.continues_in]
    if rows:
        names, types, counts, named = zip(*rows, strict=True)
        columns = {
            "file_id": pa.array([file.file_id] * len(rows), pa.int32()),
            "name": pa.array(names, pa.string()),
            "resource_type": pa.array(types, pa.string()),
            "resources": pa.array(counts, pa.int64()),
            "is_named": pa.array(named, pa.bool_()),
        }
        append(db, "account.manifest_file", pa.table(columns))


def book_delivered(db: duckdb.DuckDBPyConnection, files: Sequence[Intake]) -> None:
    """Where each file lies, what it is called, and how many resources (lines that are not blank) it holds."""
    columns = {
        "file_id": pa.array([file.file_id for file in files], pa.int32()),
        "folder": pa.array([file.delivered.folder for file in files], pa.string()),
        "name": pa.array([file.delivered.name for file in files], pa.string()),
        "resources": pa.array([file.lines_read - file.blank_lines for file in files], pa.int64()),
    }
    append(db, "account.delivered", pa.table(columns))


def book_delivered_again(db: duckdb.DuckDBPyConnection, file: Intake, known: int) -> None:
    """The same of a file whose bytes are those of file `known`."""
    db.execute(
        "insert into account.delivered select $id, $folder, $name, resources from account.delivered where file_id = $known",
        {"id": file.file_id, "folder": file.delivered.folder, "name": file.delivered.name, "known": known},
    )


def list_incomplete(db: duckdb.DuckDBPyConnection) -> None:
    """Replace `raw.incomplete_export`: by source the times of exports of which a file is missing.

    `complete_at` is the next time at which that source delivered something whole, null when there is none yet. Files
    without a manifest are whole. Of two exports of the same time one that is whole suffices.
    """
    db.execute("delete from raw.incomplete_export")
    db.execute(
        """
        insert into raw.incomplete_export
        with delivery as (
            select source, exported_at, is_complete from account.export
            union all
            select source, exported_at, true from account.file
            where kind = 'fhir' and file_id not in (select file_id from account.export_file)
        ), moment as (
            select source, exported_at, bool_or(is_complete) as is_complete
            from delivery where exported_at is not null group by all
        )
        select source, exported_at, (
            select min(later.exported_at) from moment as later
            where later.is_complete and later.source = moment.source and later.exported_at > moment.exported_at
        ) as complete_at
        from moment where not is_complete
        """
    )
