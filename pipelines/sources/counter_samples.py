"""`raw.counter_sample`: what an engine's own counters said at a time, apart from what its log says of each message.

Here: its columns. Not here: any format (`mirth_counters`), what follows from two samples (`models/sql/marts/counter_span.sql`).
"""

from __future__ import annotations

COUNTERS = ("received", "filtered", "sent", "error")

COLUMNS = {
    "sample_uid": "varchar not null",
    "source": "varchar not null",
    "sampled_at": "timestamptz not null",
    "time_basis": "varchar not null",
    "flow_id": "varchar not null",
    "flow_name": "varchar",
    "node_id": "varchar not null",
    "server_id": "varchar not null",
    **{f"{name}_count": "bigint" for name in COUNTERS},
    **{f"{name}_lifetime_count": "bigint" for name in COUNTERS},
    "file_id": "integer not null",
    "line": "bigint not null",
    "quality_flags": "varchar[] not null",
}
"""A row is what one server said of one connector, or with an empty `node_id` of the whole channel."""

TABLES = {
    "raw.counter_sample": "create table if not exists raw.counter_sample ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")",
}
