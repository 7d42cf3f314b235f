"""The SQL of Mirth's own event log: the events that its operations prove.

Here: one statement and the table that it reads. Not here: files (`mirth_audit`), what an operation is (`mirth_operations`). A name that
Mirth does not give to an operation is kept where it consists of harmless words, else as `<redacted>`: it may be an error text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines import planning
from pipelines.lending import lent
from pipelines.sources import engine_records
from pipelines.sources.events import insert_events
from pipelines.sources.mirth_operations import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings import SourceSettings
    from pipelines.sources.source import Intake, Session

_FORM = (
    ("file_id", pa.int32()),
    ("line", pa.int64()),
    ("byte_offset", pa.int64()),
    ("event_id", pa.int64()),
    ("local_time", pa.timestamp("us")),
    ("milliseconds", pa.int64()),
    ("name", pa.string()),
    ("is_refused", pa.bool_()),
    ("actor", pa.string()),
    ("place", pa.int32()),
    ("kind", pa.string()),
    ("channel_id", pa.string()),
    ("channel_name", pa.string()),
    ("message_id", pa.string()),
    ("node", pa.string()),
    ("n", pa.int64()),
)


@dataclass
class Rows:
    """What operations did, gathered for one statement. Names and accounts are as written: they exist in memory only."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, *parts: tuple[Any, ...]) -> None:
        """One row, given in parts, in the order of the table's columns."""
        self.rows.append(tuple(value for part in parts for value in part))

    def table(self) -> pa.Table:
        """The rows as the statement reads them."""
        columns = zip(*self.rows, strict=True)
        arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, _FORM, strict=True)]
        return pa.table(arrays, names=[name for name, _ in _FORM])


def insert(session: Session, source: SourceSettings, files: Sequence[Intake], rows: Rows) -> None:
    """Insert the events of these operations and give a verdict on each record.

    Raises:
        ZoneNeeded: a row of an export has a local time, and nobody said in which zone.
    """
    if not len(rows):
        return
    engine_records.prepare(session, source, WORDS)
    session.flush()
    with lent(session.db, mirth_operation=rows.table()):
        zone = engine_records.zone_for(session, source, files, _ZONELESS)
        with planning.briefly(session.db, len(rows)):
            session.db.execute(_EVENTS, {"source": source.name, "zone": zone})
        session.db.execute(
            "create or replace temp table record_staged as select distinct file_id, line, byte_offset from mirth_operation"
        )
        insert_events(session)


_ZONELESS = "select file_id, line from mirth_operation where local_time is not null"

_EVENTS = engine_records.staging(
    # The server numbers its events: where the number rises and the clock steps back, the doubled hour is in its second pass.
    """
with placed as (
    select *, falls_twice(local_time, $zone) as twice,
        lag(local_time) over (partition by file_id order by event_id, place) as before
    from mirth_operation
), ordered as (
    select *, sum(case when twice and before - local_time > interval 15 minute then 1 else 0 end)
        over (partition by file_id order by event_id, place rows unbounded preceding) as steps_back
    from placed
), told as (
    select *,
        case
            when milliseconds is not null then make_timestamptz(milliseconds * 1000)
            when twice and steps_back > 0 then greatest(timezone($zone, local_time), later(local_time, $zone))
            when twice then least(timezone($zone, local_time), earlier(local_time, $zone))
            else timezone($zone, local_time)
        end as happened_at,
        -- What was not allowed did nothing but be tried.
        if(is_refused and kind not in ('unknown', 'alert_raised', 'purged', 'content_pruned'), 'accessed', kind) as event_type,
        case when event_type <> 'accessed' then channel_id || ':' || message_id end as uid
    from ordered
)
""",
    {
        # Of the time only what both sides of a doubled hour share: an export and a list then tell the same event.
        "event_uid": "uid_of(concat_ws('|', 'mirth event', $source, event_id, epoch_ms(happened_at) % 1800000, kind, channel_id, place))",
        "source": "$source",
        "source_kind": "'event'",
        "native_type": "redacted_word(name)",
        "occurred_at": "happened_at",
        "time_basis": "case when milliseconds is not null then 'epoch' when $zone in ('UTC', 'Etc/UTC') then 'utc' else 'site_zone' end",
        "time_precision": "'ms'",
        "time_ambiguous": "twice",
        "clock_id": "$source || ':events'",
        "event_type": "event_type",
        "flow_id": "channel_id",
        "flow_name": "label(channel_name)",
        "node_id": "node",
        "node_role": "'system'",
        "direction": "'inbound'",
        "message_uid": "uid",
        "root_message_uid": "uid",
        "actor_key": "keyed('user', $source, actor)",
        "actor_role": "case when actor is null then 'system' end",
        "event_count": "n",
        "file_id": "file_id",
        "line": "line",
        "quality_flags": """list_filter([
        if(kind = 'unknown', 'unknown_operation', null), if(is_refused and actor is not null, 'operation_refused', null),
        if(is_skipped(local_time, $zone), 'time_in_gap', null), if(twice, 'time_ambiguous', null)
    ], lambda f: f is not null)""",
    },
    "told",
)
