"""`raw.interface_event`: the one table that every engine log ends in, and how events enter it.

Here: its columns, the identity of an event, inserting each event once and the verdict on its record. Not here: what any
engine writes. An event's payload is a function of the facts that make its `event_uid`; outcomes are events of their
own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources import future

if TYPE_CHECKING:
    from pipelines.sources.source import Session

COLUMNS = {
    "event_uid": "varchar not null",
    "source": "varchar not null",
    "source_kind": "varchar not null",
    "native_type": "varchar",
    "occurred_at": "timestamptz not null",
    "time_basis": "varchar not null",
    "time_precision": "varchar not null",
    "time_ambiguous": "boolean not null",
    "clock_id": "varchar not null",
    "event_type": "varchar not null",
    "flow_id": "varchar not null",
    "flow_name": "varchar",
    "node_id": "varchar not null",
    "node_name": "varchar",
    "node_role": "varchar not null",
    "direction": "varchar not null",
    "message_uid": "varchar",
    "incarnation": "varchar",
    "parent_message_uid": "varchar",
    "root_message_uid": "varchar",
    "replay_of_uid": "varchar",
    "correlation_key": "varchar",
    "control_key": "varchar",
    "trace_key": "varchar",
    "msg_standard": "varchar",
    "msg_type": "varchar",
    "msg_trigger": "varchar",
    "mrn_key": "varchar",
    "prior_mrn_key": "varchar",
    "visit_key": "varchar",
    "placer_key": "varchar",
    "filler_key": "varchar",
    "accession_key": "varchar",
    "attempt_no": "integer",
    "attempts_exact": "boolean",
    "ack_code": "varchar",
    "ack_level": "varchar",
    "error_class": "varchar",
    "error_code": "varchar",
    "error_template": "varchar",
    "error_fingerprint": "varchar",
    "sent_at": "timestamptz",
    "msg_shape": "varchar",
    "actor_key": "varchar",
    "actor_role": "varchar",
    "queue_depth": "bigint",
    "event_count": "bigint",
    "size_bytes": "bigint",
    "file_id": "integer not null",
    "line": "bigint not null",
    "quality_flags": "varchar[] not null",
}

TABLES = {
    "raw.interface_event": "create table if not exists raw.interface_event ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ")",
}

UPGRADES = tuple(
    f"alter table raw.interface_event add column if not exists {name} {COLUMNS[name]}"
    for name in (
        *("msg_shape", "actor_key", "actor_role", "prior_mrn_key", "queue_depth", "event_count", "size_bytes"),
        *("control_key", "trace_key", "filler_key", "accession_key"),
    )
)
"""What brings a table up to date that was made before these columns existed."""

MACROS = ("create or replace temp macro uid_of(facts) as left(sha256(facts), 32)",)
"""`facts` are joined by `|`, which none of them contains; 128 bits suffice for any hospital's lifetime of events."""


def insert_events(session: Session, staged: str = "event_staged") -> None:
    """Move the events of `staged` into the table, each event once, and give a verdict on every record in `record_staged`.

    `staged`, a table or a view, has columns of `raw.interface_event` and byte_offset; a view also `place`, a number that tells
    its rows apart. `record_staged` has file_id, line and byte_offset of every readable record. A record is loaded when it
    brought a new event, else unchanged. Known events are sought only in the days that the batch covers. Of an event that the
    batch brings twice the first is kept, by file, place and time. Records of a time that is yet to come are quarantined.
    """
    db = session.db
    present = {name for (name,) in db.execute(f"select column_name from (describe {staged})").fetchall()}
    db.execute(_SPAN.format(staged=staged))
    if future.is_in(session, "event_span", "last_at"):
        staged = future.set_aside(session, staged, key="event_uid", records="record_staged")
        db.execute(_SPAN.format(staged=staged))
    for statement in _SPOTTED:
        db.execute(statement.format(staged=staged))
    ((has_old,),) = db.execute(
        "select exists(select 1 from known_event) or exists(select 1 from repeated_event)"
    ).fetchall()
    place = "place" if "place" in present else "rowid"
    which = ""
    if has_old:
        db.execute(_FRESH.format(place=place, staged=staged))
        which = f"where {place} in (select place from fresh_event)"
    kept = ", ".join(name for name in COLUMNS if name in present)
    db.execute(f"insert into raw.interface_event by name select {kept} from {staged} {which}")
    db.execute(
        _VERDICTS if has_old else "insert into line_verdict by name select *, 'loaded' as verdict from record_staged"
    )
    db.execute(
        f"""
        insert into file_finding by name
        select file_id, flag as rule, count(*) as n
        from (select file_id, unnest(quality_flags) as flag from {staged} {which})
        group by all
        """
    )
    db.execute("insert into latest_event by name select file_id, last_at as occurred_at from event_span")


_SPAN = """
    create or replace temp table event_span as
    select file_id, min(occurred_at) as first_at, max(occurred_at) as last_at from {staged} group by all
"""

_SPOTTED = (
    """
    create or replace temp table known_event as
    select event_uid from raw.interface_event
    where occurred_at between (select min(first_at) - interval 1 day from event_span)
            and (select max(last_at) + interval 1 day from event_span)
        and event_uid in (select event_uid from {staged})
    """,
    # Numbers are counted in a third of the time that texts take.
    """
    create or replace temp table repeated_event as
    select event_uid from {staged}
    where hash(event_uid) in (select hash(event_uid) from {staged} group by all having count(*) > 1)
    group by all having count(*) > 1
    """,
)
"""Which staged events are in the table already, and which are staged twice: mostly none, and then every row is new."""

_FRESH = """
    create or replace temp table fresh_event as
    select {place} as place, file_id, byte_offset from {staged}
    where event_uid not in (from known_event) and event_uid not in (from repeated_event)
    union all by name
    select place, file_id, byte_offset from (
        select {place} as place, event_uid, file_id, byte_offset, occurred_at from {staged}
        where event_uid in (from repeated_event) and event_uid not in (from known_event)
        qualify row_number() over (partition by event_uid order by file_id, byte_offset, occurred_at) = 1
    )
"""
"""Which staged rows are new. Sorting all of them to find the few that come twice took half of the time."""

_VERDICTS = """
    insert into line_verdict by name
    select record.file_id, line, record.byte_offset, if(fresh.file_id is not null, 'loaded', 'unchanged') as verdict
    from record_staged as record left join (select distinct file_id, byte_offset from fresh_event) as fresh
        using (file_id, byte_offset)
"""
