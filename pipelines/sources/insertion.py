"""Inserting each row once into a raw table that stands beside the engines' events.

Here: the statements, by the table's name and key. Not here: events, of which there are too many for this way (`events`), and columns
(`human_touch`, `counter_samples`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sources import future

if TYPE_CHECKING:
    from pipelines.sources.source import Session


def insert_once(session: Session, table: str, staged: str, key: str, at: str) -> None:
    """Move `staged` (columns of the table and byte_offset) into the table, each row once by its key, and give a verdict on each record.
    `at` is the column that tells how far the source has been read.
    Rows of a time that is yet to come are quarantined.
    """
    if future.is_in(session, staged, at):
        staged = future.set_aside(session, staged, key=key, at=at)
    for statement in _INSERT:
        session.db.execute(statement.format(table=table, staged=staged, key=key, at=at))


_INSERT = (
    """
    create or replace temp table fresh_row as
    select * from {staged}
    where {key} not in (select {key} from {table} where {key} in (select {key} from {staged}))
    qualify row_number() over (partition by {key} order by file_id, byte_offset) = 1
    """,
    "insert into {table} by name select * exclude (byte_offset) from fresh_row",
    """
    insert into line_verdict by name
    select staged.file_id, staged.line, staged.byte_offset, if(fresh.file_id is not null, 'loaded', 'unchanged') as verdict
    from {staged} as staged left join fresh_row as fresh using (file_id, byte_offset)
    """,
    """
    insert into file_finding by name
    select file_id, flag as rule, count(*) as n
    from (select file_id, unnest(quality_flags) as flag from fresh_row where len(quality_flags) > 0)
    group by all
    """,
    "insert into latest_event by name select file_id, max({at}) as occurred_at from {staged} group by all",
    "drop table fresh_row",
)
