"""`raw.process_activity`: what process engines (Camunda 7, Operaton) say of each activity of each process instance.

Here: its columns. Not here: any format (`camunda`), which step of which workflow it is (`models/sql/staging/process_activity.sql`).
No assignee, user, business key, variable, description or reason has a column.
"""

from __future__ import annotations

COLUMNS = {
    "activity_uid": "varchar not null",
    "source": "varchar not null",
    "activity_key": "varchar not null",
    "process_key": "varchar not null",
    "process_definition": "varchar not null",
    "activity": "varchar not null",
    "activity_type": "varchar",
    "started_at": "timestamptz not null",
    "ended_at": "timestamptz",
    "is_canceled": "boolean not null",
    "occurred_at": "timestamptz not null",
    "file_id": "integer not null",
    "line": "bigint not null",
    "quality_flags": "varchar[] not null",
}
"""A row is one account of an activity: while it goes on, without `ended_at`, and when it is over. `process_key` is its instance."""

TABLES = {
    "raw.process_activity": "create table if not exists raw.process_activity ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")",
}
