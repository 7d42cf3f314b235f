"""`raw.human_touch`: what people did and looked at, as audit trails tell it, apart from what engines did with messages.

Here: its columns. Not here: any format (`atna`); AuditEvent, which comes with FHIR exports, has a table
of its own like every resource (`fhir_access`). No name, address, query or description has a column; who it was is a keyed hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources.insertion import insert_once

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
    """Move `touch_staged` into the table, each touch once, and give a verdict on each record."""
    insert_once(session, "raw.human_touch", "touch_staged", "touch_uid", "occurred_at")
