"""`raw.process_record`: what process engines (Camunda 7, Operaton) say of process instances, people's tasks and incidents.

Here: its columns. Not here: any format (`camunda_histories`), activities (`process_activities`). Who a task was assigned to is a keyed
hash, a business key only the keyed number that the settings say it is; no name, message, variable, description or reason in words has a
column.
"""

from __future__ import annotations

COLUMNS = {
    "record_uid": "varchar not null",
    "source": "varchar not null",
    "kind": "varchar not null",
    "record_key": "varchar not null",
    "process_key": "varchar not null",
    "root_key": "varchar",
    "process_definition": "varchar",
    "activity": "varchar",
    "activity_key": "varchar",
    "encounter_key": "varchar",
    "visit_key": "varchar",
    "placer_key": "varchar",
    "has_business_key": "boolean not null",
    "assignee_hash": "varchar",
    "owner_hash": "varchar",
    "outcome": "varchar",
    "incident_type": "varchar",
    "due_at": "timestamptz",
    "started_at": "timestamptz not null",
    "ended_at": "timestamptz",
    "occurred_at": "timestamptz not null",
    "file_id": "integer not null",
    "line": "bigint not null",
    "quality_flags": "varchar[] not null",
}
"""A row is one account of an instance, a task or an incident (`kind`): while it goes on, without `ended_at`, and when it is over."""

TABLES = {
    "raw.process_record": "create table if not exists raw.process_record ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")",
}
