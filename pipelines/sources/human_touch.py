"""`raw.human_touch`: what people did and looked at, as audit trails tell it, apart from what engines did with messages.

Here: its columns, and inserting each touch once. Not here: any format (`atna`); AuditEvent, which comes with FHIR exports, has a table
of its own like every resource (`fhir_access`). No name, address, query or description has a column; who it was is a keyed hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.sources.source import Session

COLUMNS = {
    "touch_uid": "varchar not null",
    "source": "varchar not null",
    "occurred_at": "timestamptz not null",
    "time_basis": "varchar not null",
    "time_precision": "varchar not null",
    "time_ambiguous": "boolean not null",
    "event_code": "varchar",
    "type_codes": "varchar[] not null",
    "action": "varchar",
    "outcome": "varchar",
    "purpose_codes": "varchar[] not null",
    "user_hashes": "varchar[] not null",
    "role_codes": "varchar[] not null",
    "system_hash": "varchar",
    "mrn_key": "varchar",
    "visit_key": "varchar",
    "object_hashes": "varchar[] not null",
    "correlation_key": "varchar",
    "file_id": "integer not null",
    "line": "bigint not null",
    "quality_flags": "varchar[] not null",
}

TABLES = {
    "raw.human_touch": "create table if not exists raw.human_touch ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")",
}


def insert_touches(session: Session) -> None:
    """Move `touch_staged` (columns of the table and byte_offset) into the table, each touch once, and give a verdict on each record."""
    for statement in _INSERT:
        session.db.execute(statement)


_INSERT = (
    """
    create or replace temp table fresh_touch as
    select * from touch_staged
    where touch_uid not in (select touch_uid from raw.human_touch where touch_uid in (select touch_uid from touch_staged))
    qualify row_number() over (partition by touch_uid order by file_id, byte_offset) = 1
    """,
    "insert into raw.human_touch by name select * exclude (byte_offset) from fresh_touch",
    """
    insert into line_verdict by name
    select staged.file_id, staged.line, staged.byte_offset, if(fresh.file_id is not null, 'loaded', 'unchanged') as verdict
    from touch_staged as staged left join fresh_touch as fresh using (file_id, byte_offset)
    """,
    """
    insert into file_finding by name
    select file_id, flag as rule, count(*) as n
    from (select file_id, unnest(quality_flags) as flag from fresh_touch where len(quality_flags) > 0)
    group by all
    """,
    "insert into latest_event by name select file_id, max(occurred_at) as occurred_at from touch_staged group by all",
)
